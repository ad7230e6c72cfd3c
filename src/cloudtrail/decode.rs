//! Decodes one record, tolerant of every oddity seen in real trails.

use super::event::{Category, Event, EventId, Identity, IdentityKind, Minted};
use super::text::{lossy_string, text};
use crate::model::{AccessKeyId, AccountId, ROOT_USER, parse_instant};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Why a JSON object is not a CloudTrail event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnEvent {
    /// It cannot be parsed as an object at all.
    Malformed,
    /// It is an S3 notification, which uses the same container and much the same field names.
    Notification,
    /// It has none of the fields that make a CloudTrail record.
    Other,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawRecord<'a> {
    #[serde(borrow)]
    user_identity: Option<&'a RawValue>,
    #[serde(borrow)]
    event_time: Option<&'a RawValue>,
    #[serde(borrow)]
    event_source: Option<&'a RawValue>,
    #[serde(borrow)]
    event_name: Option<&'a RawValue>,
    #[serde(borrow)]
    aws_region: Option<&'a RawValue>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip: Option<&'a RawValue>,
    #[serde(borrow)]
    user_agent: Option<&'a RawValue>,
    #[serde(borrow)]
    error_code: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventID")]
    event_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "sharedEventID")]
    shared_event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    addendum: Option<&'a RawValue>,
    #[serde(borrow)]
    recipient_account_id: Option<&'a RawValue>,
    #[serde(borrow)]
    vpc_endpoint_id: Option<&'a RawValue>,
    #[serde(borrow)]
    event_category: Option<&'a RawValue>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    management_event: Option<&'a RawValue>,
    #[serde(borrow)]
    additional_event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    request_parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    response_elements: Option<&'a RawValue>,
    #[serde(borrow)]
    session_credential_from_console: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawIdentity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    access_key_id: Option<&'a RawValue>,
    #[serde(borrow)]
    account_id: Option<&'a RawValue>,
    #[serde(borrow)]
    arn: Option<&'a RawValue>,
    #[serde(borrow)]
    user_name: Option<&'a RawValue>,
    #[serde(borrow)]
    session_context: Option<&'a RawValue>,
    #[serde(borrow)]
    invoked_by: Option<&'a RawValue>,
}

/// The parts of other objects that are looked into.
#[derive(Deserialize, Default)]
#[serde(default)]
struct RawParts<'a> {
    #[serde(borrow)]
    credentials: Option<&'a RawValue>,
    #[serde(borrow, rename = "accessKeyId")]
    access_key_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "roleArn")]
    role_arn: Option<&'a RawValue>,
    #[serde(borrow, rename = "AuthenticationMethod")]
    authentication_method: Option<&'a RawValue>,
    #[serde(borrow, rename = "originalEventID")]
    original_event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, rename = "sessionIssuer")]
    session_issuer: Option<&'a RawValue>,
    #[serde(borrow, rename = "userName")]
    user_name: Option<&'a RawValue>,
}

/// Decodes the raw bytes of one JSON object.
///
/// # Errors
/// [`NotAnEvent`] where the object is no CloudTrail record.
pub fn decode(raw: &str) -> Result<Event, NotAnEvent> {
    match serde_json::from_str::<RawRecord<'_>>(raw) {
        Ok(record) => event(&record),
        // Duplicate keys are legal JSON: the last one wins, as a map reads them.
        Err(_) => match last_wins(raw) {
            Some(text) => event(&serde_json::from_str(&text).map_err(|_| NotAnEvent::Malformed)?),
            None => Err(NotAnEvent::Malformed),
        },
    }
}

fn last_wins(raw: &str) -> Option<String> {
    let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    serde_json::to_string(&map).ok()
}

/// A part of a record; where its own keys are repeated it is mended before it is read: the last of each wins.
fn mended<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<Cow<'a, str>> {
    let raw = raw?.get();
    if !raw.starts_with('{') {
        return None;
    }
    if serde_json::from_str::<T>(raw).is_ok() {
        Some(Cow::Borrowed(raw))
    } else {
        last_wins(raw).map(Cow::Owned)
    }
}

/// Reads a part into what is looked for in it, or nothing where it is no object.
fn parts<'a, T: Deserialize<'a> + Default>(raw: Option<&'a str>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
}

fn is_object(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| raw.get().starts_with('{'))
}

fn event(raw: &RawRecord<'_>) -> Result<Event, NotAnEvent> {
    let source = text(raw.event_source);
    let has_caller = is_object(raw.user_identity);
    let is_record = raw.event_time.is_some() && (raw.event_name.is_some() || raw.event_type.is_some());
    if source.starts_with("aws:") {
        return Err(NotAnEvent::Notification);
    }
    if !(is_record || has_caller) {
        return Err(NotAnEvent::Other);
    }
    let response = mended::<RawParts<'_>>(raw.response_elements);
    let response: RawParts<'_> = parts(response.as_deref());
    let credentials = mended::<RawParts<'_>>(response.credentials);
    let credentials: RawParts<'_> = parts(credentials.as_deref());
    let minted_key = text(credentials.access_key_id);
    let minted = (!minted_key.is_empty()).then(|| {
        let request = mended::<RawParts<'_>>(raw.request_parameters);
        let request: RawParts<'_> = parts(request.as_deref());
        Minted { key: AccessKeyId::new(minted_key), role_arn: text(request.role_arn).into_owned() }
    });
    let additional = mended::<RawParts<'_>>(raw.additional_event_data);
    let additional: RawParts<'_> = parts(additional.as_deref());
    let addendum = mended::<RawParts<'_>>(raw.addendum);
    let addendum: RawParts<'_> = parts(addendum.as_deref());
    let agent = text(raw.user_agent);
    Ok(Event {
        identity: identity(raw),
        time: parse_instant(&text(raw.event_time)),
        source: bounded(&source),
        name: bounded(&text(raw.event_name)),
        region: bounded(&text(raw.aws_region)),
        ip: bounded(&text(raw.source_ip)),
        agent: bounded(unwrapped(&agent)),
        error: bounded(&text(raw.error_code)),
        id: uuid(&text(raw.event_id)),
        shared_id: text(raw.shared_event_id).into_owned(),
        replaces: if text(addendum.reason) == "UPDATED_DATA" {
            uuid(&text(addendum.original_event_id))
        } else {
            None
        },
        recipient: text(raw.recipient_account_id).into_owned(),
        vpc_endpoint: text(raw.vpc_endpoint_id).into_owned(),
        api_call: matches!(&*text(raw.event_type), "" | "AwsApiCall"),
        odd_identity: has_odd_identity(raw),
        category: category(raw),
        presigned: text(additional.authentication_method) == "QueryString",
        minted,
    })
}

fn identity(raw: &RawRecord<'_>) -> Identity {
    // Pipelines that flatten records write the identity as a string.
    let spelled =
        raw.user_identity.filter(|raw| raw.get().starts_with('"')).map(|raw| lossy_string(raw.get()));
    let spelled = spelled.and_then(|text| serde_json::from_str::<Box<RawValue>>(&text).ok());
    let who = mended::<RawIdentity<'_>>(spelled.as_deref().or(raw.user_identity));
    let who: RawIdentity<'_> = parts(who.as_deref());
    let arn = text(who.arn);
    let account = text(who.account_id);
    let key = match who.access_key_id {
        Some(raw) if raw.get().starts_with('"') => text(Some(raw)),
        _ => "".into(),
    };
    let kind = match &*text(who.kind) {
        "Root" => IdentityKind::Root,
        "IAMUser" => IdentityKind::IamUser,
        "AssumedRole" => IdentityKind::AssumedRole,
        "FederatedUser" => IdentityKind::FederatedUser,
        "AWSAccount" => IdentityKind::AwsAccount,
        "AWSService" => IdentityKind::AwsService,
        _ => IdentityKind::Other,
    };
    let context = mended::<RawParts<'_>>(who.session_context);
    let context: RawParts<'_> = parts(context.as_deref());
    let issuer = mended::<RawParts<'_>>(context.session_issuer);
    let issuer: RawParts<'_> = parts(issuer.as_deref());
    Identity {
        issuer: text(issuer.user_name).into_owned(),
        kind,
        account: if account.is_empty() { AccountId::from_arn(&arn) } else { Some(AccountId::new(account)) },
        user: user_name(kind, &text(who.user_name), &arn),
        in_session: context.attributes.is_some_and(|a| !matches!(a.get(), "null" | "{}")),
        from_console: text(raw.session_credential_from_console) == "true",
        invoked_by: text(who.invoked_by).into_owned(),
        key: (!key.is_empty()).then(|| AccessKeyId::new(key)),
        arn: arn.into_owned(),
    }
}

/// Whether something stands in the identity's or the key's place that is neither what belongs there nor nothing.
fn has_odd_identity(raw: &RawRecord<'_>) -> bool {
    let is = |raw: &RawValue, starts: &[char]| raw.get().starts_with(starts);
    let Some(identity) = raw.user_identity else { return false };
    if is(identity, &['"']) {
        return !lossy_string(identity.get()).trim_start().starts_with('{');
    }
    let who = mended::<RawIdentity<'_>>(Some(identity));
    let who: RawIdentity<'_> = parts(who.as_deref());
    let key = text(who.access_key_id);
    let spaced = key.trim() != key;
    !is(identity, &['{', 'n']) || spaced || who.access_key_id.is_some_and(|key| !is(key, &['"', 'n']))
}

/// The user's name as the record has it, else as its ARN ends.
fn user_name(kind: IdentityKind, name: &str, arn: &str) -> String {
    if kind == IdentityKind::Root {
        return ROOT_USER.to_owned();
    }
    let from_arn =
        || arn.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next()).unwrap_or_default();
    if name.is_empty() { from_arn().to_owned() } else { name.to_owned() }
}

/// `eventCategory` where it is written (since event version 1.07), else `managementEvent`, else the type.
fn category(raw: &RawRecord<'_>) -> Category {
    if matches!(&*text(raw.event_type), "AwsCloudTrailInsight" | "AwsAggregatedEvent") {
        return Category::Other;
    }
    match &*text(raw.event_category) {
        "Data" => Category::Data,
        "Management" => Category::Management,
        "" if text(raw.management_event) == "false" => Category::Data,
        "" => Category::Management,
        _ => Category::Other,
    }
}

/// CloudTrail itself cuts agents and error codes at 1 KB; longer text is forged and must not fill memory.
const LONGEST_TEXT: usize = 8 << 10;

fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or_default().to_owned()
}

fn unwrapped(agent: &str) -> &str {
    agent.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(agent)
}

/// The bytes of a UUID in its usual spelling (8-4-4-4-12 hexadecimal digits), else nothing.
fn uuid(text: &str) -> Option<EventId> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut id = [0_u8; 16];
    let mut digits = 0_usize;
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let value = u8::try_from(char::from(*byte).to_digit(16)?).ok()?;
        let slot = id.get_mut(digits / 2)?;
        *slot = *slot << 4 | value;
        digits += 1;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oddities_of_real_records() {
        let decoded = |raw: &str| decode(raw);
        // A bare minimum, as old records and documentation examples have it.
        let event =
            decoded(r#"{"userIdentity":null,"eventName":"X","eventTime":"2026-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(event.identity, Identity::default());
        assert!(decoded(r#"{"userIdentity":{},"eventName":"X","eventTime":"x"}"#).unwrap().time.is_none());
        let notification = r#"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-01-01T00:00:00Z","userIdentity":{"principalId":"X"}}"#;
        assert_eq!(decoded(notification), Err(NotAnEvent::Notification));
        for other in [r#"{"a":1}"#, "{}"] {
            assert_eq!(decoded(other), Err(NotAnEvent::Other), "{other}");
        }
        assert_eq!(decoded(r#"{"a":}"#), Err(NotAnEvent::Malformed));
        // The last of two equal keys wins.
        let event =
            decoded(r#"{"eventName":"A","eventName":"B","eventTime":"2026-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(event.name, "B");
    }

    #[test]
    fn static_key_use_needs_the_right_type() {
        for (kind, key, want) in [
            ("IAMUser", r#""AKIAIOSFODNN7EXAMPLE""#, true),
            ("Root", r#""\u0041KIAIOSFODNN7EXAMPLE""#, true),
            ("AssumedRole", r#""AKIAIOSFODNN7EXAMPLE""#, false),
            ("IAMUser", r#""ASIAIOSFODNN7EXAMPLE""#, false),
            ("IAMUser", r#""""#, false),
            ("IAMUser", "null", false),
            ("IAMUser", r#"{"AKIA":1}"#, false),
        ] {
            let raw = format!(
                r#"{{"userIdentity":{{"type":"{kind}","accessKeyId":{key}}},"eventName":"X","eventTime":"x"}}"#
            );
            assert_eq!(decode(&raw).unwrap().is_static_key_use(), want, "{raw}");
        }
    }

    #[test]
    fn identities_in_odd_forms_are_read_or_named() {
        let of = |identity: &str| {
            decode(&format!(r#"{{"userIdentity":{identity},"eventName":"X","eventTime":"x"}}"#)).unwrap()
        };
        let spelled = of(r#""{\"type\":\"IAMUser\",\"accessKeyId\":\"AKIAX\"}""#);
        assert!(spelled.is_static_key_use() && !spelled.odd_identity);
        for odd in
            [r#"["AKIAX"]"#, r#""AKIAX""#, r#"{"accessKeyId":["AKIAX"]}"#, r#"{"accessKeyId":" AKIAX"}"#, "7"]
        {
            assert!(of(odd).odd_identity, "{odd}");
        }
        for usual in
            ["null", "{}", r#"{"accessKeyId":null}"#, r#"{"accessKeyId":""}"#, r#"{"accessKeyId":"AKIAX"}"#]
        {
            assert!(!of(usual).odd_identity, "{usual}");
        }
    }

    #[test]
    fn repeated_keys_inside_parts_lose_nothing() {
        let raw = r#"{"userIdentity":{"type":"IAMUser","accessKeyId":"ASIAX","accessKeyId":"AKIAX","arn":"arn:aws:iam::111122223333:user/a/ci"},
            "eventName":"AssumeRole","eventTime":"x","requestParameters":{"roleArn":"a","roleArn":"r"},
            "responseElements":{"credentials":null,"credentials":{"accessKeyId":"x","accessKeyId":"ASIAY"}}}"#;
        let event = decode(raw).unwrap();
        assert_eq!(event.identity.key, Some(AccessKeyId::new("AKIAX")));
        assert_eq!(event.identity.user, "ci");
        let minted = event.minted.unwrap();
        assert_eq!((minted.key.as_str(), &*minted.role_arn), ("ASIAY", "r"));
    }

    #[test]
    fn uuids_only() {
        assert!(uuid("3c856bc0-1a07-4c18-89d9-4d9205856714").is_some());
        for not in [
            "1",
            "...",
            "",
            "EXAMPLE",
            "3c856bc0-1a07-4c18-89d9-4d920585671",
            "3c856bc0x1a07-4c18-89d9-4d9205856714",
        ] {
            assert_eq!(uuid(not), None, "{not}");
        }
    }
}
