//! The raw fields of a record that offkey looks at, found by the general parser or by one quick walk.

use super::decode::Detail;
use super::json::{Marks, Walk, is};
use super::text::text_in;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A raw JSON value; absent and null are nothing.
pub(super) type Raw<'a> = Option<&'a str>;

fn slice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Raw<'de>, D::Error> {
    Ok(Option::<&RawValue>::deserialize(deserializer)?.map(RawValue::get))
}

/// One list of names makes the struct, the general way to fill it and the quick one.
macro_rules! raw_fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal = $bytes:literal,)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, Default)]
        #[serde(default)]
        pub(super) struct $name<'a> {
            $(
                #[serde(borrow, rename = $key, deserialize_with = "slice")]
                pub(super) $field: Raw<'a>,
            )*
        }

        impl<'a> $name<'a> {
            #[allow(dead_code, reason = "not every struct is walked")]
            /// The field of that name, if it is one of these.
            #[inline]
            fn slot(&mut self, key: &str) -> Option<&mut Raw<'a>> {
                match key.len() {
                    $(_ if is(key, $bytes) => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            #[allow(dead_code, reason = "not every struct is walked")]
            /// Nulls, which were kept to notice repetitions, become nothing.
            fn forget_nulls(&mut self) {
                $(if self.$field == Some("null") { self.$field = None; })*
            }
        }
    };
}

raw_fields! {
    /// A whole record.
    RawRecord {
        user_identity: "userIdentity" = b"userIdentity",
        event_time: "eventTime" = b"eventTime",
        event_source: "eventSource" = b"eventSource",
        event_name: "eventName" = b"eventName",
        aws_region: "awsRegion" = b"awsRegion",
        source_ip: "sourceIPAddress" = b"sourceIPAddress",
        user_agent: "userAgent" = b"userAgent",
        error_code: "errorCode" = b"errorCode",
        event_id: "eventID" = b"eventID",
        shared_event_id: "sharedEventID" = b"sharedEventID",
        addendum: "addendum" = b"addendum",
        recipient_account_id: "recipientAccountId" = b"recipientAccountId",
        vpc_endpoint_id: "vpcEndpointId" = b"vpcEndpointId",
        event_category: "eventCategory" = b"eventCategory",
        event_type: "eventType" = b"eventType",
        management_event: "managementEvent" = b"managementEvent",
        additional_event_data: "additionalEventData" = b"additionalEventData",
        request_parameters: "requestParameters" = b"requestParameters",
        response_elements: "responseElements" = b"responseElements",
        session_credential_from_console: "sessionCredentialFromConsole" = b"sessionCredentialFromConsole",
        read_only: "readOnly" = b"readOnly",
        resources: "resources" = b"resources",
    }
}

raw_fields! {
    /// `userIdentity`.
    RawIdentity {
        kind: "type" = b"type",
        access_key_id: "accessKeyId" = b"accessKeyId",
        account_id: "accountId" = b"accountId",
        arn: "arn" = b"arn",
        user_name: "userName" = b"userName",
        session_context: "sessionContext" = b"sessionContext",
        invoked_by: "invokedBy" = b"invokedBy",
    }
}

raw_fields! {
    /// `responseElements`.
    RawResponse {
        credentials: "credentials" = b"credentials",
    }
}

raw_fields! {
    /// `responseElements.credentials`.
    RawCredentials {
        access_key_id: "accessKeyId" = b"accessKeyId",
    }
}

raw_fields! {
    /// The parts of `requestParameters` that say how a session came about.
    RawRequest {
        role_arn: "roleArn" = b"roleArn",
    }
}

raw_fields! {
    /// `additionalEventData`.
    RawAdditional {
        authentication_method: "AuthenticationMethod" = b"AuthenticationMethod",
    }
}

raw_fields! {
    /// `addendum`.
    RawAddendum {
        original_event_id: "originalEventID" = b"originalEventID",
        reason: "reason" = b"reason",
    }
}

raw_fields! {
    /// `userIdentity.sessionContext`.
    RawContext {
        attributes: "attributes" = b"attributes",
        session_issuer: "sessionIssuer" = b"sessionIssuer",
    }
}

raw_fields! {
    /// `userIdentity.sessionContext.sessionIssuer`.
    RawIssuer {
        user_name: "userName" = b"userName",
    }
}

raw_fields! {
    /// One of `resources`.
    RawResource {
        arn: "ARN" = b"ARN",
        arn_prefix: "ARNPrefix" = b"ARNPrefix",
    }
}

/// The caller, taken apart.
#[derive(Default)]
pub(super) struct Caller<'a> {
    pub(super) identity: RawIdentity<'a>,
    pub(super) context: RawContext<'a>,
    pub(super) issuer: RawIssuer<'a>,
}

/// A record, taken apart.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) record: RawRecord<'a>,
    pub(super) caller: Caller<'a>,
    pub(super) credentials: RawCredentials<'a>,
    pub(super) request: RawRequest<'a>,
    pub(super) additional: RawAdditional<'a>,
    pub(super) addendum: RawAddendum<'a>,
    /// Whether it is known that nothing in the record is spelled with escapes.
    pub(super) plain: bool,
}

/// What a record lists of what was acted on.
#[derive(Default)]
pub(super) struct Listed<'a> {
    /// Raw strings in `resources` and `requestParameters` that are ARNs.
    pub(super) arns: Vec<&'a str>,
    /// Raw strings in `resources` with which names begin.
    pub(super) prefixes: Vec<&'a str>,
}

/// More resources than any call names; the rest of a forged list must not fill memory.
const MOST_RESOURCES: usize = 100;

impl<'a> Fields<'a> {
    /// By `serde_json`: everything that is JSON, except that a field that matters must not be repeated.
    pub(super) fn general(raw: &'a str) -> Option<Self> {
        fn part<'a, T: Deserialize<'a> + Default>(raw: Raw<'a>) -> Option<T> {
            match raw {
                Some(raw) if raw.starts_with('{') => serde_json::from_str(raw).ok(),
                _ => Some(T::default()),
            }
        }
        let record: RawRecord<'a> = serde_json::from_str(raw).ok()?;
        let response: RawResponse<'a> = part(record.response_elements)?;
        Some(Fields {
            caller: Caller::general(record.user_identity)?,
            credentials: part(response.credentials)?,
            request: part(record.request_parameters)?,
            additional: part(record.additional_event_data)?,
            addendum: part(record.addendum)?,
            record,
            plain: false,
        })
    }

    /// What the record lists; nothing where one of its resources names itself twice.
    pub(super) fn listed(&self) -> Option<Listed<'a>> {
        let mut listed = Listed::default();
        if let Some(list) = self.record.resources.filter(|list| list.starts_with('[')) {
            let list: Vec<&RawValue> = serde_json::from_str(list).ok()?;
            for resource in list.into_iter().map(RawValue::get).filter(|raw| raw.starts_with('{')) {
                let resource: RawResource<'a> = serde_json::from_str(resource).ok()?;
                note_arn(&mut listed.arns, resource.arn);
                note_arn(&mut listed.prefixes, resource.arn_prefix);
            }
        }
        if let Some(parameters) = self.record.request_parameters.filter(|raw| raw.starts_with('{')) {
            let walk = Walk::new(parameters);
            // Deeper than the walk goes nothing is looked for, but what came before it counts.
            let _ = walk.object(0, |_, at| {
                let (value, end) = walk.value(at)?;
                note_arn(&mut listed.arns, Some(value));
                Some(end)
            });
        }
        Some(listed)
    }

    /// The text of one of the fields.
    #[inline]
    pub(super) fn text(&self, raw: Raw<'a>) -> Cow<'a, str> {
        text_in(raw, self.plain)
    }

    /// By one walk: the usual forms only, several times faster.
    pub(super) fn quick(raw: &'a [u8], detail: Detail) -> Option<Self> {
        let mut fields = Self::default();
        fields.walk(raw, detail)?;
        Some(fields)
    }

    fn walk(&mut self, raw: &'a [u8], detail: Detail) -> Option<()> {
        let mut marks = Marks::new();
        let (walk, plain) = Walk::marked(raw, &mut marks)?;
        let fields = self;
        fields.plain = plain;
        let end = walk.object(0, |key, at| {
            let Some(slot) = fields.record.slot(key) else { return walk.pass(at) };
            if walk.byte(at)? != b'{' {
                return take(walk, at, slot);
            }
            slot.is_none().then_some(())?;
            let end = if detail != Detail::Caller || is(key, b"userIdentity") {
                fields.part(walk, key, at)?
            } else {
                walk.pass(at)?
            };
            // The key is one of these: it was looked up before.
            *fields.record.slot(key)? = Some(walk.between(at, end)?);
            Some(end)
        })?;
        walk.is_end(end).then_some(())?;
        fields.record.forget_nulls();
        fields.credentials.forget_nulls();
        fields.request.forget_nulls();
        fields.additional.forget_nulls();
        fields.addendum.forget_nulls();
        fields.caller.finish();
        Some(())
    }

    /// A member whose parts matter.
    fn part(&mut self, walk: Walk<'a, '_>, key: &str, at: usize) -> Option<usize> {
        match key {
            "userIdentity" => self.caller.walk(walk, at),
            "requestParameters" => walk.object(at, |key, at| match self.request.slot(key) {
                Some(slot) => take(walk, at, slot),
                None => walk.pass(at),
            }),
            "responseElements" => {
                let mut seen = false;
                walk.object(at, |key, at| {
                    if !is(key, b"credentials") {
                        return walk.pass(at);
                    }
                    (!std::mem::replace(&mut seen, true)).then_some(())?;
                    let credentials = &mut self.credentials;
                    match walk.byte(at)? {
                        b'{' => walk.object(at, |key, at| match credentials.slot(key) {
                            Some(slot) => take(walk, at, slot),
                            None => walk.pass(at),
                        }),
                        _ => walk.pass(at),
                    }
                })
            }
            "additionalEventData" => walk.object(at, |key, at| match self.additional.slot(key) {
                Some(slot) => take(walk, at, slot),
                None => walk.pass(at),
            }),
            "addendum" => walk.object(at, |key, at| match self.addendum.slot(key) {
                Some(slot) => take(walk, at, slot),
                None => walk.pass(at),
            }),
            _ => walk.pass(at),
        }
    }
}

fn note_arn<'a>(arns: &mut Vec<&'a str>, raw: Raw<'a>) {
    // `arn:` may be spelled otherwise, too; such a spelling names nothing that a policy could be made of.
    if let Some(raw) = raw.filter(|raw| raw.starts_with("\"arn:"))
        && arns.len() < MOST_RESOURCES
    {
        arns.push(raw);
    }
}

/// Takes a value into its field, once.
fn take<'a>(walk: Walk<'a, '_>, at: usize, slot: &mut Raw<'a>) -> Option<usize> {
    let (value, end) = walk.value(at)?;
    slot.replace(value).is_none().then_some(end)
}

impl<'a> Caller<'a> {
    /// By `serde_json`.
    pub(super) fn general(raw: Raw<'a>) -> Option<Self> {
        fn part<'a, T: Deserialize<'a> + Default>(raw: Raw<'a>) -> Option<T> {
            match raw {
                Some(raw) if raw.starts_with('{') => serde_json::from_str(raw).ok(),
                _ => Some(T::default()),
            }
        }
        let identity: RawIdentity<'a> = part(raw)?;
        let context: RawContext<'a> = part(identity.session_context)?;
        let issuer = part(context.session_issuer)?;
        Some(Self { identity, context, issuer })
    }

    fn walk(&mut self, walk: Walk<'a, '_>, at: usize) -> Option<usize> {
        let Self { identity, context, issuer } = self;
        walk.object(at, |key, at| {
            let Some(slot) = identity.slot(key) else { return walk.pass(at) };
            if !is(key, b"sessionContext") || walk.byte(at)? != b'{' {
                return take(walk, at, slot);
            }
            slot.is_none().then_some(())?;
            let end = walk.object(at, |key, at| {
                let Some(slot) = context.slot(key) else { return walk.pass(at) };
                if !is(key, b"sessionIssuer") || walk.byte(at)? != b'{' {
                    return take(walk, at, slot);
                }
                slot.is_none().then_some(())?;
                let end = walk.object(at, |key, at| match issuer.slot(key) {
                    Some(slot) => take(walk, at, slot),
                    None => walk.pass(at),
                })?;
                context.session_issuer = Some(walk.between(at, end)?);
                Some(end)
            })?;
            identity.session_context = Some(walk.between(at, end)?);
            Some(end)
        })
    }

    fn finish(&mut self) {
        self.identity.forget_nulls();
        self.context.forget_nulls();
        self.issuer.forget_nulls();
    }
}
