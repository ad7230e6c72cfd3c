//! The policy evaluator against an independent one, on generated policies and requests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use iam_rs::{Arn, Context, ContextValue, IAMPolicy, IAMRequest, PolicyEvaluator, Principal, PrincipalId};
use offkey::policy::{Decision, Request, decide};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const CASES: u64 = 12_000;

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn several(&mut self, all: &[&str]) -> Value {
        match self.below(3) {
            0 => json!(self.of(all)),
            n => json!((0..=n).map(|_| self.of(all)).collect::<Vec<_>>()),
        }
    }
}

const ACTIONS: &[&str] =
    &["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "iam:PassRole", "kms:Decrypt"];
const ACTION_PATTERNS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:?etObject",
    "S3:PUTOBJECT",
    "sqs:*",
    "iam:PassRole",
    "kms:*",
    "s3:GetObject",
];
const ARNS: &[&str] = &[
    "arn:aws:s3:::reports",
    "arn:aws:s3:::reports/2026/a.csv",
    "arn:aws:s3:::reports/ann/a.csv",
    "arn:aws:sqs:eu-west-1:111122223333:jobs",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:kms:eu-west-1:111122223333:key/k",
];
const ARN_PATTERNS: &[&str] = &[
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::reports/*",
    "arn:aws:s3:::reports/${aws:username}/*",
    "arn:aws:s3:::reports",
    "arn:aws:sqs:*:111122223333:*",
    "arn:aws:sqs:eu-west-?:*:jobs",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:kms:*:*:key/*",
];

/// Operator, key, values that a policy may ask for.
const CONDITIONS: &[(&str, &str, &[&str])] = &[
    ("StringEquals", "aws:RequestedRegion", &["eu-west-1", "us-east-1", "eu-*"]),
    ("StringNotEquals", "aws:RequestedRegion", &["eu-west-1", "us-east-1"]),
    ("StringLike", "aws:RequestedRegion", &["eu-*", "us-east-?", "*"]),
    ("StringNotLike", "aws:RequestedRegion", &["eu-*", "ap-*"]),
    ("StringEqualsIgnoreCase", "aws:username", &["ANN", "bob"]),
    ("StringEqualsIfExists", "aws:absent", &["x"]),
    ("StringEquals", "aws:absent", &["x"]),
    ("StringNotEquals", "aws:absent", &["x"]),
    ("ArnLike", "aws:SourceArn", &["arn:aws:s3:::reports", "arn:aws:s3:::*", "arn:aws:sns:*:*:x"]),
    ("ArnEquals", "aws:SourceArn", &["arn:aws:s3:::reports", "arn:aws:s3:::*"]),
    ("IpAddress", "aws:SourceIp", &["203.0.113.0/24", "198.51.100.0/25", "0.0.0.0/0"]),
    ("NotIpAddress", "aws:SourceIp", &["203.0.113.0/24", "192.0.2.0/24"]),
    ("NumericLessThan", "s3:max-keys", &["5", "100"]),
    ("NumericGreaterThanEquals", "s3:max-keys", &["10", "11"]),
    ("DateGreaterThan", "aws:CurrentTime", &["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
    ("DateLessThan", "aws:CurrentTime", &["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
    ("Null", "aws:absent", &["true", "false"]),
    ("Null", "aws:username", &["true", "false"]),
    ("ForAnyValue:StringEquals", "aws:TagKeys", &["team", "stage", "other"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", &["team", "stage", "other"]),
    ("ForAllValues:StringLike", "aws:absent", &["x"]),
];

fn statement(dice: &mut Dice) -> Value {
    let mut out = Map::new();
    out.insert("Effect".into(), json!(if dice.below(4) == 0 { "Deny" } else { "Allow" }));
    let action = if dice.below(6) == 0 { "NotAction" } else { "Action" };
    out.insert(action.into(), dice.several(ACTION_PATTERNS));
    let resource = if dice.below(6) == 0 { "NotResource" } else { "Resource" };
    out.insert(resource.into(), dice.several(ARN_PATTERNS));
    let mut conditions = Map::new();
    for _ in 0..[0, 0, 1, 2][dice.below(4)] {
        let (operator, key, values) = CONDITIONS[dice.below(CONDITIONS.len())];
        let values = if operator == "Null" { json!(dice.of(values)) } else { dice.several(values) };
        conditions.insert(operator.into(), json!({key: values}));
    }
    if !conditions.is_empty() {
        out.insert("Condition".into(), Value::Object(conditions));
    }
    Value::Object(out)
}

/// What each of the two knows of the request, in its own form.
fn context() -> (BTreeMap<String, Vec<String>>, Context) {
    let single = [
        ("aws:RequestedRegion", "eu-west-1"),
        ("aws:username", "ann"),
        ("aws:SourceArn", "arn:aws:s3:::reports"),
        ("aws:SourceIp", "203.0.113.7"),
        ("s3:max-keys", "10"),
        ("aws:CurrentTime", "2026-11-24T00:00:00Z"),
    ];
    let mut ours: BTreeMap<String, Vec<String>> =
        single.iter().map(|(key, value)| (key.to_lowercase(), vec![(*value).to_owned()])).collect();
    let tags = vec!["team".to_owned(), "stage".to_owned()];
    ours.insert("aws:tagkeys".into(), tags.clone());
    let mut theirs = Context::new();
    for (key, value) in single {
        let value = match key {
            "s3:max-keys" => ContextValue::Number(10.0),
            _ => ContextValue::String(value.to_owned()),
        };
        theirs.insert(key.to_owned(), value);
    }
    theirs.insert("aws:TagKeys".into(), ContextValue::StringList(tags));
    (ours, theirs)
}

/// Why the two may differ; docs/policy.md says who is right, and why.
fn explained(policy: &Value) -> Option<&'static str> {
    let text = policy.to_string();
    if text.contains("\"ArnEquals\"") && text.contains("arn:aws:s3:::*") {
        return Some("ArnEquals with a wildcard");
    }
    None
}

#[test]
fn both_decide_alike() {
    let mut dice = Dice(20_261_124);
    let (mut agreed, mut differing, mut unexplained) = (0_u64, BTreeMap::new(), Vec::new());
    let mut outcomes = BTreeSet::new();
    for _ in 0..CASES {
        let statements: Vec<Value> = (0..=dice.below(4)).map(|_| statement(&mut dice)).collect();
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let (action, resource) = (dice.of(ACTIONS), dice.of(ARNS));
        let (ours, theirs) = context();
        let our = decide(&[&policy], None, &Request { action, resource, context: ours });
        outcomes.insert(our.title());
        let principal = Principal::Aws(PrincipalId::String("arn:aws:iam::111122223333:user/ann".into()));
        let request = IAMRequest::new_with_context(principal, action, Arn::parse(resource).unwrap(), theirs);
        let parsed: IAMPolicy = serde_json::from_value(policy.clone()).unwrap();
        let their = match PolicyEvaluator::with_policies(vec![parsed]).evaluate(&request) {
            Ok(result) => match result.decision {
                iam_rs::Decision::Allow => Decision::Allowed,
                iam_rs::Decision::Deny => Decision::Denied,
                iam_rs::Decision::NotApplicable => Decision::NotAllowed,
            },
            Err(error) => panic!("{error}: {policy}"),
        };
        match (our == their, explained(&policy)) {
            (true, _) => agreed += 1,
            (false, Some(why)) => *differing.entry(why).or_insert(0_u64) += 1,
            (false, None) => {
                unexplained.push(format!("{our:?}, theirs {their:?}: {action} {resource}\n  {policy}"))
            }
        }
    }
    println!("{agreed} of {CASES} cases agree; explained differences: {differing:?}");
    assert!(outcomes.len() == 3, "{outcomes:?}");
    let shown: Vec<&String> = unexplained.iter().take(5).collect();
    assert!(unexplained.is_empty(), "{} differ:\n{shown:#?}", unexplained.len());
    // What is explained is rare, or the explanation hides something else.
    assert!(differing.values().sum::<u64>() * 20 < CASES, "{differing:?}");
}
