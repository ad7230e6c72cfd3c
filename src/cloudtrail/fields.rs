//! The raw fields of a record that offkey looks at, found by the general parser or by one quick walk.

use super::decode::Detail;
use super::json::{Marks, Walk};
use super::members::{Name, Order};
use super::text::text_in;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A raw JSON value; absent and null are nothing.
pub(super) type Raw<'a> = Option<&'a str>;

fn slice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Raw<'de>, D::Error> {
    Ok(Option::<&RawValue>::deserialize(deserializer)?.map(RawValue::get))
}

/// One list of names makes the struct, the general way to fill it and the quick one. Other names are known to come, too.
macro_rules! raw_fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal,)* } $(also $($other:literal)*)?) => {
        $(#[$doc])*
        #[derive(Deserialize, Default)]
        #[serde(default)]
        pub(super) struct $name<'a> {
            $(
                #[serde(borrow, rename = $key, deserialize_with = "slice")]
                pub(super) $field: Raw<'a>,
            )*
        }

        #[allow(dead_code, reason = "not every struct is walked")]
        impl<'a> $name<'a> {
            /// All names, those of the fields first.
            const NAMES: &'static [Name] = &[
                $(Name::new(concat!("\"", $key, "\":")),)*
                $($(Name::new(concat!("\"", $other, "\":")),)*)?
            ];

            /// The field that has the name of that number.
            #[inline]
            fn slot(&mut self, nth: Option<usize>) -> Option<&mut Raw<'a>> {
                #[allow(non_camel_case_types, reason = "they are called as the fields are")]
                enum Nth { $($field,)* }
                let nth = nth?;
                $(if nth == Nth::$field as usize { return Some(&mut self.$field); })*
                None
            }
        }
    };
}

raw_fields! {
    /// A whole record.
    RawRecord {
        user_identity: "userIdentity",
        event_time: "eventTime",
        event_source: "eventSource",
        event_name: "eventName",
        aws_region: "awsRegion",
        source_ip: "sourceIPAddress",
        user_agent: "userAgent",
        error_code: "errorCode",
        event_id: "eventID",
        shared_event_id: "sharedEventID",
        addendum: "addendum",
        recipient_account_id: "recipientAccountId",
        vpc_endpoint_id: "vpcEndpointId",
        event_category: "eventCategory",
        event_type: "eventType",
        management_event: "managementEvent",
        additional_event_data: "additionalEventData",
        request_parameters: "requestParameters",
        response_elements: "responseElements",
        session_credential_from_console: "sessionCredentialFromConsole",
        read_only: "readOnly",
        resources: "resources",
    } also "eventVersion" "errorMessage" "requestID" "apiVersion" "tlsDetails" "serviceEventDetails" "eventContext"
}

raw_fields! {
    /// `userIdentity`.
    RawIdentity {
        kind: "type",
        access_key_id: "accessKeyId",
        account_id: "accountId",
        arn: "arn",
        user_name: "userName",
        session_context: "sessionContext",
        invoked_by: "invokedBy",
    } also "principalId" "inScopeOf" "identityProvider" "credentialId"
}

raw_fields! {
    /// `responseElements`.
    RawResponse {
        credentials: "credentials",
    }
}

raw_fields! {
    /// `responseElements.credentials`.
    RawCredentials {
        access_key_id: "accessKeyId",
    }
}

raw_fields! {
    /// The parts of `requestParameters` that say how a session came about.
    RawRequest {
        role_arn: "roleArn",
    }
}

raw_fields! {
    /// `additionalEventData`.
    RawAdditional {
        authentication_method: "AuthenticationMethod",
    }
}

raw_fields! {
    /// `addendum`.
    RawAddendum {
        original_event_id: "originalEventID",
        reason: "reason",
    }
}

raw_fields! {
    /// `userIdentity.sessionContext`.
    RawContext {
        attributes: "attributes",
        session_issuer: "sessionIssuer",
    }
}

raw_fields! {
    /// `userIdentity.sessionContext.sessionIssuer`.
    RawIssuer {
        user_name: "userName",
    }
}

raw_fields! {
    /// One of `resources`.
    RawResource {
        arn: "ARN",
        arn_prefix: "ARNPrefix",
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
        let credentials: RawCredentials<'a> = part(response.credentials)?;
        Some(Fields {
            caller: Caller::general(record.user_identity)?,
            // What is in requests matters here only where they were for credentials.
            request: part(record.request_parameters.filter(|_| credentials.access_key_id.is_some()))?,
            credentials,
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

    /// By one walk: the usual forms only, several times faster. Of fields that are empty; nothing where the record is of
    /// another form, and what is in the fields then means nothing.
    pub(super) fn walk(
        &mut self,
        raw: &'a [u8],
        detail: Detail,
        marks: &mut Marks,
        orders: &mut Orders,
    ) -> Option<()> {
        let (walk, plain) = Walk::marked(raw, marks)?;
        let (fields, Orders { record, parts, caller }) = (self, orders);
        fields.plain = plain;
        let mut request_at = None;
        let end = walk.members(0, RawRecord::NAMES, record, |nth, at| {
            let Some(slot) = fields.record.slot(nth) else { return walk.pass(at) };
            if walk.byte(at)? != b'{' {
                return take(walk, at, slot);
            }
            let end = match RawRecord::NAMES.get(nth?)?.text() {
                b"userIdentity" => fields.caller.walk(walk, at, caller)?,
                b"requestParameters" => {
                    request_at = Some(at);
                    walk.pass(at)?
                }
                name if detail != Detail::Caller => fields.part(walk, name, at, parts)?,
                _ => walk.pass(at)?,
            };
            *fields.record.slot(nth)? = Some(walk.between(at, end)?);
            Some(end)
        })?;
        walk.is_end(end).then_some(())?;
        // As in the general way.
        if let (Some(at), Some(_)) = (request_at, fields.credentials.access_key_id) {
            let ([order, _], request) = (parts, &mut fields.request);
            walk.members(at, RawRequest::NAMES, order, |nth, at| take_or_pass(walk, at, request.slot(nth)))?;
        }
        Some(())
    }

    /// A member whose parts matter.
    fn part(&mut self, walk: Walk<'a, '_>, name: &[u8], at: usize, orders: &mut [Order; 2]) -> Option<usize> {
        let [order, inner] = orders;
        let Self { credentials, additional, addendum, .. } = self;
        match name {
            b"responseElements" => walk.members(at, RawResponse::NAMES, order, |nth, at| match nth {
                Some(_) if walk.byte(at)? == b'{' => {
                    walk.members(at, RawCredentials::NAMES, inner, |nth, at| {
                        take_or_pass(walk, at, credentials.slot(nth))
                    })
                }
                _ => walk.pass(at),
            }),
            b"additionalEventData" => walk.members(at, RawAdditional::NAMES, order, |nth, at| {
                take_or_pass(walk, at, additional.slot(nth))
            }),
            b"addendum" => walk
                .members(at, RawAddendum::NAMES, order, |nth, at| take_or_pass(walk, at, addendum.slot(nth))),
            _ => walk.pass(at),
        }
    }
}

/// In which order programs wrote members the last time. It makes reading quicker, and says nothing of what is read.
#[derive(Default)]
pub(super) struct Orders {
    record: Order,
    /// Of the other parts, of which few members matter.
    parts: [Order; 2],
    /// Of the caller, the session's context and its issuer.
    caller: [Order; 3],
}

fn note_arn<'a>(arns: &mut Vec<&'a str>, raw: Raw<'a>) {
    // `arn:` may be spelled otherwise, too; such a spelling names nothing that a policy could be made of.
    if let Some(raw) = raw.filter(|raw| raw.starts_with("\"arn:"))
        && arns.len() < MOST_RESOURCES
    {
        arns.push(raw);
    }
}

/// Takes a value into its field, unless it is null.
#[inline]
fn take<'a>(walk: Walk<'a, '_>, at: usize, slot: &mut Raw<'a>) -> Option<usize> {
    let (value, end) = walk.value(at)?;
    if value != "null" {
        *slot = Some(value);
    }
    Some(end)
}

#[inline]
fn take_or_pass<'a>(walk: Walk<'a, '_>, at: usize, slot: Option<&mut Raw<'a>>) -> Option<usize> {
    match slot {
        Some(slot) => take(walk, at, slot),
        None => walk.pass(at),
    }
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

    fn walk(&mut self, walk: Walk<'a, '_>, at: usize, orders: &mut [Order; 3]) -> Option<usize> {
        let Self { identity, context, issuer } = self;
        let [of_identity, of_context, of_issuer] = orders;
        walk.members(at, RawIdentity::NAMES, of_identity, |nth, at| {
            let Some(slot) = identity.slot(nth) else { return walk.pass(at) };
            if walk.byte(at)? != b'{' || RawIdentity::NAMES.get(nth?)?.text() != b"sessionContext" {
                return take(walk, at, slot);
            }
            let end = walk.members(at, RawContext::NAMES, of_context, |nth, at| {
                let Some(slot) = context.slot(nth) else { return walk.pass(at) };
                if walk.byte(at)? != b'{' || RawContext::NAMES.get(nth?)?.text() != b"sessionIssuer" {
                    return take(walk, at, slot);
                }
                let end = walk.members(at, RawIssuer::NAMES, of_issuer, |nth, at| {
                    take_or_pass(walk, at, issuer.slot(nth))
                })?;
                context.session_issuer = Some(walk.between(at, end)?);
                Some(end)
            })?;
            identity.session_context = Some(walk.between(at, end)?);
            Some(end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_plainly_and_once() {
        let all = [
            RawRecord::NAMES,
            RawIdentity::NAMES,
            RawContext::NAMES,
            RawIssuer::NAMES,
            RawRequest::NAMES,
            RawResponse::NAMES,
            RawCredentials::NAMES,
            RawAdditional::NAMES,
            RawAddendum::NAMES,
        ];
        for names in all {
            let texts: Vec<_> = names.iter().map(Name::text).collect();
            assert!(texts.iter().flat_map(|text| text.iter()).all(u8::is_ascii_alphanumeric));
            assert!(
                texts.len() <= 31 && texts.iter().enumerate().all(|(n, text)| !texts[..n].contains(text))
            );
        }
    }
}
