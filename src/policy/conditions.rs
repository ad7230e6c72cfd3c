//! Condition operators of policies
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).

use super::evaluate::{Piece, Request, arn_matches, glob, resolved};
use jiff::Timestamp;
use serde_json::Value;
use std::net::IpAddr;

/// What is known of a statement's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown,
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Truth {
    /// Whether all are so: one that is not settles it.
    pub(super) fn all(parts: impl IntoIterator<Item = Truth>) -> Truth {
        let mut sum = Truth::Yes;
        for part in parts {
            match part {
                Truth::No => return Truth::No,
                Truth::Unknown => sum = Truth::Unknown,
                Truth::Yes => {}
            }
        }
        sum
    }
}

/// One key of one operator. Several values of a policy are alternatives; of negated operators, none may match.
pub(super) fn condition(operator: &str, key: &str, values: &[&Value], request: &Request<'_>) -> Truth {
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (Some(set), operator),
        None => (None, operator),
    };
    let (operator, if_exists) =
        operator.strip_suffix("IfExists").map_or((operator, false), |name| (name, true));
    let have = request.context.get(&key.to_ascii_lowercase()).map(Vec::as_slice);
    let values: Option<Vec<String>> = values.iter().map(|value| spelled(value)).collect();
    let Some(values) = values else { return Truth::Unknown };
    if operator == "Null" {
        let wanted = values.first().map(String::as_str);
        return match wanted {
            Some("true") => Truth::from(have.is_none()),
            Some("false") => Truth::from(have.is_some()),
            _ => Truth::Unknown,
        };
    }
    let Some((compare, negated)) = comparison(operator) else { return Truth::Unknown };
    let matches = |have: &str| {
        let any = values.iter().any(|wanted| compare(wanted, have, request));
        any != negated
    };
    match (set, have) {
        (Some("ForAllValues"), None | Some([])) => Truth::Yes,
        (Some("ForAllValues"), Some(have)) => Truth::from(have.iter().all(|have| matches(have))),
        (Some("ForAnyValue"), None | Some([])) => Truth::from(if_exists),
        (Some("ForAnyValue"), Some(have)) => Truth::from(have.iter().any(|have| matches(have))),
        (Some(_), _) => Truth::Unknown,
        // A key that is not there differs from everything.
        (None, None | Some([])) => Truth::from(negated || if_exists),
        (None, Some([one])) => Truth::from(matches(one)),
        // IAM leaves open what a plain operator makes of several values.
        (None, Some(_)) => Truth::Unknown,
    }
}

fn spelled(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    })
}

type Compare = fn(&str, &str, &Request<'_>) -> bool;

/// The comparison of an operator, and whether it is negated.
fn comparison(operator: &str) -> Option<(Compare, bool)> {
    Some(match operator {
        "StringEquals" => (equal, false),
        "StringNotEquals" => (equal, true),
        "StringEqualsIgnoreCase" => (equal_without_case, false),
        "StringNotEqualsIgnoreCase" => (equal_without_case, true),
        "StringLike" => (like, false),
        "StringNotLike" => (like, true),
        // Both ARN operators take wildcards.
        "ArnEquals" | "ArnLike" => (arn_like, false),
        "ArnNotEquals" | "ArnNotLike" => (arn_like, true),
        "Bool" => (equal_without_case, false),
        "BinaryEquals" => (equal, false),
        "IpAddress" => (inside, false),
        "NotIpAddress" => (inside, true),
        "NumericEquals" => (|a, b, _| numbers(a, b, |a, b| a == b), false),
        "NumericNotEquals" => (|a, b, _| numbers(a, b, |a, b| a == b), true),
        "NumericLessThan" => (|a, b, _| numbers(a, b, |a, b| b < a), false),
        "NumericLessThanEquals" => (|a, b, _| numbers(a, b, |a, b| b <= a), false),
        "NumericGreaterThan" => (|a, b, _| numbers(a, b, |a, b| b > a), false),
        "NumericGreaterThanEquals" => (|a, b, _| numbers(a, b, |a, b| b >= a), false),
        "DateEquals" => (|a, b, _| dates(a, b, |a, b| a == b), false),
        "DateNotEquals" => (|a, b, _| dates(a, b, |a, b| a == b), true),
        "DateLessThan" => (|a, b, _| dates(a, b, |a, b| b < a), false),
        "DateLessThanEquals" => (|a, b, _| dates(a, b, |a, b| b <= a), false),
        "DateGreaterThan" => (|a, b, _| dates(a, b, |a, b| b > a), false),
        "DateGreaterThanEquals" => (|a, b, _| dates(a, b, |a, b| b >= a), false),
        _ => return None,
    })
}

/// What a policy says, its variables resolved, with wildcards as the characters that they are.
fn plain(wanted: &str, request: &Request<'_>) -> Option<String> {
    let pieces = resolved(wanted, request)?;
    Some(
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Any => '*',
                Piece::One => '?',
                Piece::Char(c) => c,
            })
            .collect(),
    )
}

fn equal(wanted: &str, have: &str, request: &Request<'_>) -> bool {
    plain(wanted, request).is_some_and(|wanted| wanted == have)
}

fn equal_without_case(wanted: &str, have: &str, request: &Request<'_>) -> bool {
    plain(wanted, request).is_some_and(|wanted| wanted.to_lowercase() == have.to_lowercase())
}

fn like(wanted: &str, have: &str, request: &Request<'_>) -> bool {
    resolved(wanted, request).is_some_and(|wanted| glob(&wanted, have))
}

fn arn_like(wanted: &str, have: &str, request: &Request<'_>) -> bool {
    resolved(wanted, request).is_some_and(|wanted| arn_matches(&wanted, have))
}

fn numbers(a: &str, b: &str, compare: fn(f64, f64) -> bool) -> bool {
    a.parse().ok().zip(b.parse().ok()).is_some_and(|(a, b)| compare(a, b))
}

/// ISO 8601, or seconds since 1970.
fn dates(a: &str, b: &str, compare: fn(Timestamp, Timestamp) -> bool) -> bool {
    let read = |text: &str| -> Option<Timestamp> {
        let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let seconds = || Timestamp::from_second(text.parse().ok()?).ok();
        text.parse().ok().or_else(|| date().map(|zoned| zoned.timestamp())).or_else(seconds)
    };
    read(a).zip(read(b)).is_some_and(|(a, b)| compare(a, b))
}

fn inside(wanted: &str, have: &str, _: &Request<'_>) -> bool {
    let (network, length) = wanted.split_once('/').map_or((wanted, None), |(n, l)| (n, Some(l)));
    let (Ok(network), Ok(have)) = (network.parse::<IpAddr>(), have.parse::<IpAddr>()) else { return false };
    let (network, have, width) = match (network, have) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let length = match length.map(str::parse::<u32>) {
        None => width,
        Some(Ok(length)) if length <= width => length,
        Some(_) => return false,
    };
    (network ^ have).checked_shr(width - length).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn operators() {
        let context: BTreeMap<String, Vec<String>> = [
            ("aws:sourceip", vec!["203.0.113.7"]),
            ("aws:requestedregion", vec!["eu-west-1"]),
            ("aws:sourcearn", vec!["arn:aws:ecs:eu-west-1:111122223333:task/x"]),
            ("aws:securetransport", vec!["true"]),
            ("aws:currenttime", vec!["2026-11-24T00:00:00Z"]),
            ("s3:max-keys", vec!["10"]),
            ("aws:tagkeys", vec!["team", "stage"]),
        ]
        .into_iter()
        .map(|(key, values)| (key.to_owned(), values.into_iter().map(str::to_owned).collect()))
        .collect();
        let request = Request { action: "a:b", resource: "*", context };
        use Truth::{No, Unknown, Yes};
        let cases = [
            ("StringEquals", "aws:RequestedRegion", json!(["us-east-1", "eu-west-1"]), Yes),
            ("StringEquals", "aws:RequestedRegion", json!("eu-*"), No),
            ("StringLike", "aws:RequestedRegion", json!("eu-*"), Yes),
            ("StringNotEquals", "aws:RequestedRegion", json!(["us-east-1", "eu-west-1"]), No),
            ("StringNotEquals", "aws:absent", json!("x"), Yes),
            ("StringEquals", "aws:absent", json!("x"), No),
            ("StringEqualsIfExists", "aws:absent", json!("x"), Yes),
            ("StringEqualsIgnoreCase", "aws:RequestedRegion", json!("EU-WEST-1"), Yes),
            ("ArnLike", "aws:SourceArn", json!("arn:aws:ecs:*:111122223333:*"), Yes),
            ("ArnEquals", "aws:SourceArn", json!("arn:aws:ecs:*:111122223333:*"), Yes),
            ("ArnNotLike", "aws:SourceArn", json!("arn:aws:ecs:*:111122223333:*"), No),
            ("Bool", "aws:SecureTransport", json!("true"), Yes),
            ("Bool", "aws:SecureTransport", json!(false), No),
            ("IpAddress", "aws:SourceIp", json!("203.0.113.0/24"), Yes),
            ("IpAddress", "aws:SourceIp", json!(["198.51.100.0/24", "0.0.0.0/0"]), Yes),
            ("NotIpAddress", "aws:SourceIp", json!("203.0.113.0/24"), No),
            ("IpAddress", "aws:SourceIp", json!("2001:db8::/32"), No),
            ("NumericLessThanEquals", "s3:max-keys", json!("10"), Yes),
            ("NumericLessThan", "s3:max-keys", json!(10), No),
            ("DateGreaterThan", "aws:CurrentTime", json!("2026-01-01"), Yes),
            ("DateLessThan", "aws:CurrentTime", json!("1700000000"), No),
            ("Null", "aws:absent", json!("true"), Yes),
            ("Null", "aws:SourceIp", json!(true), No),
            ("ForAllValues:StringEquals", "aws:TagKeys", json!(["team", "stage", "x"]), Yes),
            ("ForAllValues:StringEquals", "aws:TagKeys", json!(["team"]), No),
            ("ForAllValues:StringEquals", "aws:absent", json!(["team"]), Yes),
            ("ForAnyValue:StringEquals", "aws:TagKeys", json!(["team"]), Yes),
            ("ForAnyValue:StringEquals", "aws:absent", json!(["team"]), No),
            ("StringEquals", "aws:TagKeys", json!(["team"]), Unknown),
            ("Strange", "aws:TagKeys", json!(["team"]), Unknown),
        ];
        for (operator, key, values, want) in cases {
            let values = super::super::evaluate::list(Some(&values));
            assert_eq!(condition(operator, key, &values, &request), want, "{operator} {key} {values:?}");
        }
    }
}
