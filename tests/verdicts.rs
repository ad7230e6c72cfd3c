//! "Unused" is concluded only where nothing is missing: from one estate in which it is, one thing is taken away at a time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use offkey::model::{Day, parse_instant};
use serde_json::{Value, json};
use support::*;

const AS_OF: &str = "2026-10-01T00:00:00Z";
const KEPT: &str = "AKIAEXAMPLEUNUSEDKEY";

/// What one case says of the estate. The default is an unused key with nothing missing.
#[derive(Clone)]
struct Estate {
    /// Days before the report's time on which somebody else was active in the account.
    active: Vec<i32>,
    /// More events, by anybody.
    events: Vec<Value>,
    /// The report's row of last use: date, region, service.
    last_used: &'static str,
    /// When the credential report was made; `None` for a bare CSV.
    reported: Option<&'static str>,
    report: bool,
    list: bool,
    details: Option<Value>,
    status: &'static str,
    created: &'static str,
}

fn unused() -> Estate {
    Estate {
        active: (1..=90).collect(),
        events: vec![],
        last_used: "N/A,N/A,N/A",
        reported: Some("2026-10-01T00:00:00+00:00"),
        report: true,
        list: true,
        details: None,
        status: "Active",
        created: "2025-01-01T00:00:00+00:00",
    }
}

/// An event of another user on a day so many days ago.
fn other(days_ago: i32) -> Value {
    let day = Day::of(parse_instant(AS_OF).unwrap()).plus(-days_ago);
    record(1_000_000 + days_ago.unsigned_abs(), "ListBuckets", &format!("{day}T12:00:00Z"))
}

/// An event of the key itself.
fn own(name: &str, time: &str, fields: Value) -> Value {
    let identity = json!({"userIdentity": {"accessKeyId": KEPT, "userName": "old", "arn": "arn:aws:iam::111122223333:user/old"}});
    with(with(record(7, name, time), identity), fields)
}

impl Estate {
    fn key(&self) -> Value {
        let dir = Dir::new();
        let events: Vec<Value> = self.active.iter().map(|d| other(*d)).chain(self.events.clone()).collect();
        if !events.is_empty() {
            dir.file("logs/a.json", trail(&events));
        }
        if self.report {
            let header = "user,arn,user_creation_time,password_enabled,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service";
            let active = self.status == "Active";
            let csv = format!(
                "{header}\nold,arn:aws:iam::111122223333:user/old,2020-01-01T00:00:00+00:00,false,{active},{},{}\n",
                self.created, self.last_used
            );
            match self.reported {
                Some(time) => dir.file(
                    "iam/r.json",
                    json!({"Content": csv, "ReportFormat": "text/csv", "GeneratedTime": time}).to_string(),
                ),
                None => dir.file("iam/r.csv", csv),
            };
        }
        if self.list {
            let key = json!({"UserName": "old", "AccessKeyId": KEPT, "Status": self.status, "CreateDate": self.created});
            dir.file("iam/111122223333/keys.json", json!({"AccessKeyMetadata": [key]}).to_string());
        }
        if let Some(details) = &self.details {
            dir.file("iam/details.json", details.to_string());
        }
        let output = offkey(&dir, &["report", ".", "--json", "--as-of", AS_OF]);
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)));
        let keys = report["keys"].as_array().unwrap();
        keys.iter()
            .find(|k| k["user"] == "old" || k["reference"] == KEPT)
            .cloned()
            .unwrap_or_else(|| panic!("no key: {keys:?}"))
    }

    /// The verdict and the code of its deciding reason.
    fn verdict(&self) -> (String, String) {
        let key = self.key();
        (key["verdict"].as_str().unwrap().into(), key["reasons"][0]["code"].as_str().unwrap().into())
    }
}

fn details(action: &str) -> Value {
    json!({"UserDetailList": [{"UserName": "old", "UserId": "AIDAEXAMPLE", "Arn": "arn:aws:iam::111122223333:user/old", "Path": "/",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}}]}]})
}

#[test]
fn one_thing_missing_at_a_time() {
    let at = |days: i32| parse_instant(AS_OF).map(|t| Day::of(t).plus(-days).to_string()).unwrap();
    let session = json!({"userIdentity": {"accessKeyId": "ASIAEXAMPLESESSION00"}});
    let mint = json!({"eventSource": "sts.amazonaws.com", "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLESESSION00"}}});
    let base = unused();
    let cases: Vec<(&str, Estate, &str, &str)> = vec![
        ("nothing missing", base.clone(), "retire", "unused"),
        ("inactive", Estate { status: "Inactive", ..base.clone() }, "retire", "inactive"),
        (
            "idle by IAM and trail",
            Estate { last_used: "2026-01-01T00:00:00+00:00,us-east-1,s3", ..base.clone() },
            "retire",
            "unused",
        ),
        (
            "idle for exactly the threshold",
            Estate { last_used: "2026-07-03T00:00:00+00:00,us-east-1,s3", ..base.clone() },
            "investigate",
            "unseen-use",
        ),
        ("no credential report", Estate { report: false, ..base.clone() }, "investigate", "no-last-used"),
        (
            "report without the key's columns",
            Estate { last_used: "", ..base.clone() },
            "investigate",
            "no-last-used",
        ),
        (
            "report says it does not know",
            Estate { last_used: "no_information,N/A,N/A", ..base.clone() },
            "investigate",
            "no-last-used",
        ),
        (
            "report from last week",
            Estate { reported: Some("2026-09-20T00:00:00+00:00"), ..base.clone() },
            "investigate",
            "stale-last-used",
        ),
        (
            "report of unknown age",
            Estate { reported: None, ..base.clone() },
            "investigate",
            "stale-last-used",
        ),
        ("no logs", Estate { active: vec![], ..base.clone() }, "investigate", "no-trail"),
        (
            "logs of a month",
            Estate { active: (1..=30).collect(), ..base.clone() },
            "investigate",
            "short-window",
        ),
        (
            "logs of a month, and one event from long ago",
            Estate { active: (1..=30).chain([400]).collect(), ..base.clone() },
            "investigate",
            "short-window",
        ),
        (
            "logs of a month, and one forged event",
            Estate {
                active: (1..=30).collect(),
                events: vec![record(5, "X", "0001-01-01T00:00:00Z"), record(6, "X", "9999-12-30T00:00:00Z")],
                ..base.clone()
            },
            "investigate",
            "short-window",
        ),
        (
            "logs that end last week",
            Estate { active: (8..=90).collect(), ..base.clone() },
            "investigate",
            "stale-evidence",
        ),
        (
            "a hole that IAM sees through",
            Estate { active: (1..=20).chain(30..=90).collect(), ..base.clone() },
            "retire",
            "unused",
        ),
        (
            "IAM knows of use that the trail does not show",
            Estate { last_used: "2026-09-20T00:00:00+00:00,us-east-1,s3", ..base.clone() },
            "investigate",
            "unseen-use",
        ),
        ("mail", Estate { details: Some(details("ses:SendRawEmail")), ..base.clone() }, "rotate", "ses-smtp"),
        (
            "mail, and IAM names another service long ago",
            Estate {
                details: Some(details("ses:*")),
                last_used: "2025-06-01T00:00:00+00:00,us-east-1,s3",
                ..base.clone()
            },
            "investigate",
            "ses-smtp",
        ),
        ("everything is allowed", Estate { details: Some(details("*")), ..base.clone() }, "retire", "unused"),
        (
            "too new",
            Estate { created: "2026-09-20T00:00:00+00:00", ..base.clone() },
            "investigate",
            "too-new",
        ),
        (
            "used through a service only",
            Estate {
                events: vec![own(
                    "CreateBucket",
                    &format!("{}T00:00:00Z", at(3)),
                    json!({"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}),
                )],
                last_used: "2026-09-28T00:00:00+00:00,us-east-1,s3",
                ..base.clone()
            },
            "investigate",
            "no-consumer",
        ),
        (
            "denied only",
            Estate {
                events: vec![own(
                    "ListBuckets",
                    &format!("{}T00:00:00Z", at(3)),
                    json!({"errorCode": "AccessDenied"}),
                )],
                ..base.clone()
            },
            "investigate",
            "unknown-consumer",
        ),
        (
            "used by a session only",
            Estate {
                events: vec![
                    own("GetSessionToken", &format!("{}T00:00:00Z", at(100)), mint),
                    own(
                        "ListUsers",
                        &format!("{}T00:00:00Z", at(2)),
                        with(session, json!({"eventID": "00000000-0000-4000-8000-0000000000ff"})),
                    ),
                ],
                ..base.clone()
            },
            "investigate",
            "unknown-consumer",
        ),
        (
            "validated by a scanner",
            Estate {
                events: vec![own(
                    "GetCallerIdentity",
                    &format!("{}T00:00:00Z", at(3)),
                    json!({"userAgent": "TruffleHog"}),
                )],
                ..base.clone()
            },
            "investigate",
            "key-validated",
        ),
        (
            "on another identity",
            Estate {
                events: vec![own(
                    "ListBuckets",
                    &format!("{}T00:00:00Z", at(3)),
                    json!({"userIdentity": {"type": "AssumedRole"}}),
                )],
                ..base.clone()
            },
            "investigate",
            "stray-identity",
        ),
        ("a slot without a key id", Estate { list: false, ..base.clone() }, "retire", "unused"),
    ];
    let mut wrong = Vec::new();
    for (name, estate, verdict, code) in cases {
        let got = estate.verdict();
        if got != (verdict.to_owned(), code.to_owned()) {
            wrong.push(format!("{name}: {got:?}, not {verdict} {code}; gaps {}", estate.key()["gaps"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
