//! Decodes one record, tolerant of every oddity seen in real trails.

use super::acted_on::{ActedOn, Requests, acted_on};
use super::event::{Category, Event, EventId, Identity, IdentityKind, Minted};
use super::fields::{Caller, Fields, Orders};
use super::json::Marks;
use super::request::Setting;
use super::text::{lossy_string, text_in};
use crate::model::{AccountId, ROOT_USER, parse_instant};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Why a JSON object is not a CloudTrail event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnEvent {
    /// It cannot be parsed as an object at all; or, for [`Decoder::usual`], not in the usual form.
    Malformed,
    /// It is an S3 notification, which uses the same container and much the same field names.
    Notification,
    /// It has none of the fields that make a CloudTrail record.
    Other,
}

/// Decodes the raw text of one JSON object. Repeated fields are legal JSON: the last one wins, as a map reads them;
/// only of what a request names, each is taken. Where it cannot be told what a call acted on, the call counts all the same.
///
/// # Errors
/// [`NotAnEvent`] where the object is no CloudTrail record.
pub fn decode(raw: &str) -> Result<Event<'_>, NotAnEvent> {
    let mended = || {
        let text = last_wins(raw).ok_or(NotAnEvent::Malformed)?;
        let fields = Fields::general(&text).ok_or(NotAnEvent::Malformed)?;
        event(&fields, Detail::Names, None).map(Event::into_owned)
    };
    let Some(fields) = Fields::general(raw) else { return mended() };
    match event(&fields, Detail::Names, None) {
        // One of its resources names itself twice, or has a name that no text can spell.
        Err(NotAnEvent::Malformed) => mended().or_else(|_| {
            let unresolved = ActedOn::new(Vec::new(), Vec::new(), true);
            let event = event(&fields, Detail::Call, None)?;
            Ok(Event { acted_on: Some(Cow::Owned(unresolved)), ..event })
        }),
        done => done,
    }
}

/// How much of a record is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Only fields of the record itself and of its caller: no resources, no credentials handed out, and neither whether a URL
    /// was presigned nor what a record replaces. Parts that are not looked into are not held against [`decode`], either.
    Caller,
    /// All but what the call acted on and what else its request shows.
    Call,
    /// All of it.
    Names,
}

/// Decodes records in their usual form, several times faster than [`decode`]. One for each thread: it remembers what
/// requests were about, within bounds, in which order members come, and where it marks a record.
#[derive(Default)]
pub struct Decoder {
    requests: Requests,
    orders: Orders,
    marks: Marks,
}

impl Decoder {
    /// What [`decode`] would return of a record's text, as far as it is wanted; an error means that [`decode`] has to be asked.
    ///
    /// # Errors
    /// Where the text is no record of the usual form.
    pub fn usual<'a>(&'a mut self, raw: &'a [u8], detail: Detail) -> Result<Event<'a>, NotAnEvent> {
        let Self { requests, orders, marks } = self;
        let mut fields = Fields::default();
        // Identities that are no objects have forms of their own.
        let quick = fields.walk(raw, detail, marks, orders);
        if quick.is_none() || !fields.record.user_identity.is_none_or(is_object) {
            return Err(NotAnEvent::Malformed);
        }
        event(&fields, detail, Some(requests))
    }
}

fn last_wins(raw: &str) -> Option<String> {
    let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    serde_json::to_string(&map).ok()
}

fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

fn event<'a>(
    fields: &Fields<'a>,
    detail: Detail,
    requests: Option<&'a mut Requests>,
) -> Result<Event<'a>, NotAnEvent> {
    let raw = &fields.record;
    let source = fields.text(raw.event_source);
    let is_record = raw.event_time.is_some() && (raw.event_name.is_some() || raw.event_type.is_some());
    if source.starts_with("aws:") {
        return Err(NotAnEvent::Notification);
    }
    if !(is_record || raw.user_identity.is_some_and(is_object)) {
        return Err(NotAnEvent::Other);
    }
    let minted_key = fields.text(fields.credentials.access_key_id);
    let minted = (!minted_key.is_empty())
        .then(|| Minted { key: minted_key, role_arn: fields.text(fields.request.role_arn) });
    let (identity, odd_identity) = identity(fields);
    let (name, region, error) = (
        bounded(fields.text(raw.event_name)),
        bounded(fields.text(raw.aws_region)),
        bounded(fields.text(raw.error_code)),
    );
    let recipient = fields.text(raw.recipient_account_id);
    let read_only = match raw.read_only {
        Some("true" | "\"true\"") => Some(true),
        Some("false" | "\"false\"") => Some(false),
        _ => None,
    };
    let setting = Setting {
        host: host(&source),
        event: &name,
        region: &region,
        account: identity.account.as_deref().unwrap_or(&recipient),
        partition: partition(&identity.arn),
        error: &error,
        reads: read_only == Some(true),
    };
    let acted_on = match (detail, requests) {
        // Without a key nobody asks for it.
        _ if identity.key.is_none() => Some(None),
        (Detail::Names, Some(requests)) => requests.acted_on(fields, &setting),
        (Detail::Names, None) => acted_on(fields, &setting),
        (Detail::Call | Detail::Caller, _) => Some(None),
    };
    let acted_on = acted_on.ok_or(NotAnEvent::Malformed)?;
    Ok(Event {
        identity,
        time: parse_instant(&fields.text(raw.event_time)),
        source: bounded(source),
        name,
        region,
        ip: bounded(fields.text(raw.source_ip)),
        agent: bounded(unwrapped(fields.text(raw.user_agent))),
        error,
        id: uuid(&fields.text(raw.event_id)),
        shared_id: fields.text(raw.shared_event_id),
        replaces: if fields.text(fields.addendum.reason) == "UPDATED_DATA" {
            uuid(&fields.text(fields.addendum.original_event_id))
        } else {
            None
        },
        recipient,
        vpc_endpoint: fields.text(raw.vpc_endpoint_id),
        api_call: matches!(&*fields.text(raw.event_type), "" | "AwsApiCall"),
        odd_identity,
        category: category(fields),
        presigned: fields.text(fields.additional.authentication_method) == "QueryString",
        minted,
        read_only,
        acted_on,
    })
}

/// The caller, and whether something stands in the identity's or the key's place that is neither what belongs there
/// nor nothing.
fn identity<'a>(fields: &Fields<'a>) -> (Identity<'a>, bool) {
    let from_console = fields.text(fields.record.session_credential_from_console) == "true";
    match fields.record.user_identity {
        // Pipelines that flatten records write the identity as a string.
        Some(spelled) if spelled.starts_with('"') => {
            let spelled = lossy_string(spelled);
            let odd = !spelled.trim_start().starts_with('{');
            let Ok(inner) = serde_json::from_str::<&RawValue>(&spelled) else {
                return (Identity { from_console, ..Identity::default() }, odd);
            };
            let mended = if is_object(inner.get()) { last_wins(inner.get()) } else { None };
            let who = Caller::general(Some(mended.as_deref().unwrap_or_else(|| inner.get())));
            (caller(&who.unwrap_or_default(), from_console, false).into_owned(), odd)
        }
        other => {
            let who = &fields.caller.identity;
            let key = fields.text(who.access_key_id);
            let odd = other.is_some_and(|identity| !is_object(identity))
                || key.trim() != key
                || who.access_key_id.is_some_and(|key| !key.starts_with('"'));
            (caller(&fields.caller, from_console, fields.plain), odd)
        }
    }
}

fn caller<'a>(caller: &Caller<'a>, from_console: bool, plain: bool) -> Identity<'a> {
    let text = |raw: Option<&'a str>| text_in(raw, plain);
    let Caller { identity: who, context, issuer } = caller;
    let arn = text(who.arn);
    let account = text(who.account_id);
    let key = match who.access_key_id {
        Some(raw) if raw.starts_with('"') => text(Some(raw)),
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
    Identity {
        issuer: text(issuer.user_name),
        kind,
        account: if account.is_empty() {
            Some(sub(&arn, |arn| AccountId::in_arn(arn).unwrap_or_default()))
                .filter(|account| !account.is_empty())
        } else {
            Some(account)
        },
        user: user_name(kind, text(who.user_name), &arn),
        in_session: context.attributes.is_some_and(|a| !matches!(a, "null" | "{}")),
        from_console,
        invoked_by: text(who.invoked_by),
        key: (!key.is_empty()).then_some(key),
        arn,
    }
}

/// The partition that an ARN names, if it is one of AWS's (`aws`, `aws-cn`, `aws-us-gov`); else nothing.
fn partition(arn: &str) -> &str {
    let told = arn.split(':').nth(1).unwrap_or_default();
    if matches!(told, "aws" | "aws-cn" | "aws-us-gov") { told } else { "" }
}

/// An event source without the end that all have.
fn host(source: &str) -> &str {
    let host = source.strip_suffix(".cn").unwrap_or(source);
    host.strip_suffix(".amazonaws.com").unwrap_or(host)
}

/// A part of a text, borrowed where the text is.
fn sub<'a>(text: &Cow<'a, str>, part: impl for<'b> Fn(&'b str) -> &'b str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(text).to_owned()),
    }
}

/// The user's name as the record has it, else as its ARN ends.
fn user_name<'a>(kind: IdentityKind, name: Cow<'a, str>, arn: &Cow<'a, str>) -> Cow<'a, str> {
    if kind == IdentityKind::Root {
        return Cow::Borrowed(ROOT_USER);
    }
    if !name.is_empty() {
        return name;
    }
    let from_arn = |arn: &str| -> Option<usize> {
        let at = arn.find(":user/")? + ":user/".len();
        Some(arn.get(at..)?.rfind('/').map_or(at, |slash| at + slash + 1))
    };
    let Some(at) = from_arn(arn) else { return Cow::Borrowed("") };
    sub(arn, |arn| arn.get(at..).unwrap_or_default())
}

/// `eventCategory` where it is written (since event version 1.07), else `managementEvent`, else the type.
fn category(fields: &Fields<'_>) -> Category {
    let raw = &fields.record;
    if matches!(&*fields.text(raw.event_type), "AwsCloudTrailInsight" | "AwsAggregatedEvent") {
        return Category::Other;
    }
    match &*fields.text(raw.event_category) {
        "Data" => Category::Data,
        "Management" => Category::Management,
        "" if fields.text(raw.management_event) == "false" => Category::Data,
        "" => Category::Management,
        _ => Category::Other,
    }
}

/// CloudTrail itself cuts agents and error codes at 1 KB; longer text is forged and must not fill memory.
const LONGEST_TEXT: usize = 8 << 10;

#[inline]
fn bounded(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= LONGEST_TEXT { text } else { cut(&text) }
}

#[inline(never)]
fn cut<'a>(text: &Cow<'a, str>) -> Cow<'a, str> {
    let end = text.floor_char_boundary(LONGEST_TEXT);
    sub(text, |text| text.get(..end).unwrap_or_default())
}

fn unwrapped(agent: Cow<'_, str>) -> Cow<'_, str> {
    if !agent.starts_with('[') {
        return agent;
    }
    sub(&agent, |agent| agent.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(agent))
}

/// The bytes of a UUID in its usual spelling (8-4-4-4-12 hexadecimal digits), else nothing.
fn uuid(text: &str) -> Option<EventId> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    // Without branches, so that all digits are read at once: a bad one shows in `odd`.
    let mut digits = [0_u8; 32];
    let (mut odd, mut slots) = (0, digits.chunks_exact_mut(4));
    for at in [0, 4, 9, 14, 19, 24, 28, 32] {
        slots.next()?.copy_from_slice(bytes.get(at..at + 4)?);
    }
    for at in [8, 13, 18, 23] {
        odd |= bytes.get(at)? ^ b'-';
    }
    for digit in &mut digits {
        let (number, letter) = (digit.wrapping_sub(b'0'), (*digit | 0x20).wrapping_sub(b'a'));
        odd |= u8::from(number > 9 && letter > 5);
        *digit = if number > 9 { letter.wrapping_add(10) } else { number };
    }
    let mut id = [0_u8; 16];
    for (slot, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *slot = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    (odd == 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_requests_is_what_they_say() {
        // More than is remembered, one that is too long for it, and each again when it may have been forgotten.
        let record = |n: usize| {
            let more = "x".repeat(if n == 700 { 20 << 10 } else { 14 << 10 });
            format!(
                r#"{{"userIdentity":{{"type":"IAMUser","accessKeyId":"AKIAX","accountId":"111122223333"}},"eventSource":"sqs.amazonaws.com","eventName":"SendMessage","awsRegion":"eu-west-1","eventTime":"x","requestParameters":{{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q{n}","more":"{more}"}}}}"#
            )
        };
        let mut decoder = Decoder::default();
        for n in (0..900).chain(0..900).chain([899, 700, 700]) {
            let raw = record(n);
            let event = decoder.usual(raw.as_bytes(), Detail::Names).unwrap().into_owned();
            let resources = &event.acted_on.as_deref().unwrap().resources;
            assert_eq!(resources, &[format!("arn:aws:sqs:eu-west-1:111122223333:q{n}")]);
            assert_eq!(Ok(event), decode(&raw));
        }
    }

    #[test]
    fn what_a_request_names_behind_deep_values_counts() {
        for levels in [1, 50, 63, 64, 65, 99] {
            let deep = "[".repeat(levels) + &"]".repeat(levels);
            let raw = format!(
                r#"{{"userIdentity":{{"type":"IAMUser","accessKeyId":"AKIAX","accountId":"111122223333"}},"eventSource":"sqs.amazonaws.com","eventName":"SendMessage","awsRegion":"eu-west-1","eventTime":"x","requestParameters":{{"more":{deep},"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q"}}}}"#
            );
            let event = decode(&raw).unwrap();
            let resources = &event.acted_on.as_deref().unwrap().resources;
            assert_eq!(resources, &["arn:aws:sqs:eu-west-1:111122223333:q"], "{levels}");
            assert_eq!(Decoder::default().usual(raw.as_bytes(), Detail::Names), Ok(event), "{levels}");
        }
    }

    #[test]
    fn a_resource_that_names_itself_twice_is_read_by_its_last_name() {
        let raw = r#"{"userIdentity":{"accessKeyId":"AKIAX"},"eventTime":"x","eventName":"X","resources":[{"ARN":"arn:aws:s3:::a","ARN":"arn:aws:s3:::b"}]}"#;
        assert_eq!(Decoder::default().usual(raw.as_bytes(), Detail::Names), Err(NotAnEvent::Malformed));
        assert_eq!(decode(raw).unwrap().acted_on.as_deref().unwrap().resources, ["arn:aws:s3:::b"]);
        // Where there is also a number that is none, or half a surrogate pair, what it acted on cannot be told, and it counts
        // all the same; without a key nobody asks.
        let odd = raw.replace("\"resources\"", "\"x\":1e999,\"resources\"");
        let unspelled = raw.replacen("\"ARN\"", r#""ARN\ud83d""#, 1);
        for raw in [&odd, &unspelled] {
            assert_eq!(Decoder::default().usual(raw.as_bytes(), Detail::Names), Err(NotAnEvent::Malformed));
            let acted_on = decode(raw).unwrap().acted_on.unwrap().into_owned();
            assert_eq!(acted_on, ActedOn::new(Vec::new(), Vec::new(), true), "{raw}");
        }
        for raw in [raw, &odd, &unspelled].map(|raw| raw.replace("AKIAX", "")) {
            let event = decode(&raw).unwrap().into_owned();
            assert_eq!(event.acted_on, None);
            assert_eq!(Decoder::default().usual(raw.as_bytes(), Detail::Names), Ok(event), "{raw}");
        }
    }

    #[test]
    fn requests_that_no_text_can_spell_cost_no_record() {
        // Half a surrogate pair in a key, a name twice beside a number that is none: both ways read them, or neither does.
        for (request, answer, want) in [
            (r#"{"key\ud83d":1}"#, "null", true),
            (r#"{"roleArn":"a","roleArn":"b","x":1e999}"#, "null", true),
            (r#"{"roleArn":"a","roleArn":"b"}"#, "null", true),
            (r#"{"key\ud83d":1}"#, r#"{"credentials":{"accessKeyId":null}}"#, true),
            (r#"{"key\ud83d":1}"#, r#"{"credentials":{"accessKeyId":"ASIAX"}}"#, false),
            (
                r#"{"roleArn":"a","roleArn":"b","x":1e999}"#,
                r#"{"credentials":{"accessKeyId":"ASIAX"}}"#,
                false,
            ),
        ] {
            let raw = format!(
                r#"{{"userIdentity":{{"accessKeyId":"AKIAX"}},"eventTime":"x","eventName":"X","requestParameters":{request},"responseElements":{answer}}}"#
            );
            let mut decoder = Decoder::default();
            for detail in [Detail::Names, Detail::Call] {
                let quick = decoder.usual(raw.as_bytes(), detail).map(Event::into_owned);
                assert_eq!(quick.is_ok(), want, "{raw}");
                if detail == Detail::Names {
                    assert_eq!(quick, decode(&raw).map(Event::into_owned), "{raw}");
                }
            }
        }
    }

    #[test]
    fn oddities_of_real_records() {
        let decoded = |raw: &str| decode(raw).map(Event::into_owned);
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
            decode(&format!(r#"{{"userIdentity":{identity},"eventName":"X","eventTime":"x"}}"#))
                .unwrap()
                .into_owned()
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
        assert_eq!(event.identity.key.as_deref(), Some("AKIAX"));
        assert_eq!(event.identity.user, "ci");
        let minted = event.minted.unwrap();
        assert_eq!((&*minted.key, &*minted.role_arn), ("ASIAY", "r"));
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
