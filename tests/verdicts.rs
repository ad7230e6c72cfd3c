//! "Unused" is concluded only where nothing is missing: from one estate in which it is, one thing is taken away at a time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
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
    /// When its slot of the report was last changed, if not when it was created.
    slot_created: Option<&'static str>,
    /// More files, as (name, content).
    files: Vec<(&'static str, Vec<u8>)>,
    /// More options.
    options: Vec<&'static str>,
}

fn unused() -> Estate {
    Estate {
        active: (1..=90).collect(),
        events: vec![],
        last_used: "N/A,N/A,N/A",
        reported: Some("2026-10-01T00:00:00+00:00"),
        report: true,
        list: true,
        details: Some(details("s3:ListBucket")),
        status: "Active",
        created: "2025-01-01T00:00:00+00:00",
        slot_created: None,
        files: vec![],
        options: vec![],
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
            let header = "user,arn,user_creation_time,password_enabled,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date";
            let active = self.status == "Active";
            let csv = format!(
                "{header}\nold,arn:aws:iam::111122223333:user/old,2020-01-01T00:00:00+00:00,false,{active},{},{},false,N/A,N/A\n",
                self.slot_created.unwrap_or(self.created),
                self.last_used
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
        for (name, bytes) in &self.files {
            dir.file(name, bytes);
        }
        let fixed = ["report", ".", "--json", "--as-of", AS_OF];
        let output = offkey(&dir, &[&fixed[..], &self.options].concat());
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)));
        let keys = report["keys"].as_array().unwrap();
        // The key itself, or the slot that stands for it.
        let named = keys.iter().find(|k| k["reference"] == KEPT);
        let key = named.or_else(|| keys.iter().find(|k| k["user"] == "old"));
        let mut key = key.cloned().unwrap_or_else(|| panic!("no key: {keys:?}"));
        // Nothing of this user's may be retired under another name either.
        let mine = keys.iter().filter(|k| k["user"] == "old" || k["reference"] == KEPT);
        key["some_retired"] = mine.filter(|k| k["verdict"] == "retire").count().into();
        key
    }

    /// The verdict and the code of its deciding reason.
    fn verdict(&self) -> (String, String) {
        let key = self.key();
        if key["verdict"] != "retire" && key["some_retired"] != 0 {
            return ("retire".into(), "under another name".into());
        }
        (key["verdict"].as_str().unwrap().into(), key["reasons"][0]["code"].as_str().unwrap().into())
    }
}

fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn details(action: &str) -> Value {
    json!({"UserDetailList": [{"UserName": "old", "UserId": "AIDAEXAMPLE", "Arn": "arn:aws:iam::111122223333:user/old", "Path": "/",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}}]}]})
}

#[test]
fn one_thing_missing_at_a_time() {
    let at = |days: i32| parse_instant(AS_OF).map(|t| Day::of(t).plus(-days).to_string()).unwrap();
    let when = |days: i32| format!("{}T00:00:00Z", at(days));
    let session = json!({"userIdentity": {"accessKeyId": "ASIAEXAMPLESESSION00"}, "eventID": "00000000-0000-4000-8000-0000000000ff"});
    let mint = json!({"eventSource": "sts.amazonaws.com", "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLESESSION00"}}});
    let base = unused();
    let with_events = |events: Vec<Value>| Estate { events, ..unused() };
    let with_file = |name: &'static str, bytes: Vec<u8>| Estate { files: vec![(name, bytes)], ..unused() };
    let with_details = |value: Value| Estate { details: Some(value), ..unused() };
    let lately = own("ListBuckets", &when(1), json!({}));
    // A copy of that event, signed by somebody else long ago.
    let forged =
        with(lately.clone(), json!({"eventTime": when(80), "userIdentity": {"accessKeyId": "AKIAATTACKER"}}));
    let addendum = with(
        forged.clone(),
        json!({"eventID": "00000000-0000-4000-8000-0000000000fe", "userIdentity": {"accessKeyId": "ASIAATTACKER"},
        "addendum": {"reason": "UPDATED_DATA", "originalEventID": lately["eventID"]}}),
    );
    let user = |extra: Value| {
        with(
            details("s3:ListBucket"),
            json!({"UserDetailList": [with(details("s3:ListBucket")["UserDetailList"][0].clone(), extra)]}),
        )
    };
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(trail(std::slice::from_ref(&lately)).iter().flat_map(|b| [*b, 0]))
        .collect();
    let key_list = |user: &str| {
        json!({"AccessKeyMetadata": [{"UserName": user, "AccessKeyId": KEPT, "Status": "Active", "CreateDate": "2025-01-01T00:00:00+00:00"}]}).to_string().into_bytes()
    };
    let other_region = json!({"trailList": [{"TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "IsMultiRegionTrail": false}]}).to_string();
    let old_report = json!({"ReportFormat": "text/csv", "GeneratedTime": "2026-05-01T00:00:00+00:00",
        "Content": "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date\nold,arn:aws:iam::111122223333:user/old,true,2025-01-01T00:00:00+00:00,N/A,false,N/A,N/A\n"});
    let quarantine = json!({"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}]});
    let reported = |time: &str, used: &str| {
        let header = "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date";
        let csv = format!(
            "{header}\nold,arn:aws:iam::111122223333:user/old,true,2025-01-01T00:00:00+00:00,{used},false,N/A,N/A\n"
        );
        json!({"ReportFormat": "text/csv", "GeneratedTime": time, "Content": csv}).to_string().into_bytes()
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let other_slot = text(reported(AS_OF, "2026-09-30T00:00:00+00:00"))
        .replace("old,arn:aws:iam::111122223333:user/old", "new,arn:aws:iam::111122223333:user/new")
        .replace("2025-01-01T00:00:00", "2025-01-01T00:00:01")
        .into_bytes();
    // The key's own slot was switched off and on since; the other's was switched off when the key was made.
    let rotated = text(reported(AS_OF, "N/A"))
        .replace("true,2025-01-01T00:00:00+00:00,N/A,false,N/A,N/A", "false,2025-01-01T00:00:00+00:00,2024-12-31T00:00:00+00:00,true,2026-03-03T00:00:00+00:00,2026-09-30T00:00:00+00:00")
        .into_bytes();
    let half_report = text(reported(AS_OF, "N/A")).replace("access_key_2_active", "x").into_bytes();
    let error_pages: Vec<(&str, Vec<u8>)> = (26..=30)
        .map(|day| {
            (
                &*format!("logs/111122223333_CloudTrail_us-east-1_202609{day}T0000Z_EXAMPLE.json").leak(),
                b"<Error><Code>AccessDenied</Code></Error>".to_vec(),
            )
        })
        .collect();
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
            "used-by-iam",
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
            "report from last week, of a last use before the logs",
            Estate {
                reported: Some("2026-09-20T00:00:00+00:00"),
                last_used: "2026-01-01T00:00:00+00:00,us-east-1,s3",
                ..base.clone()
            },
            "investigate",
            "stale-last-used",
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
        (
            "an older report beside it",
            Estate {
                last_used: "2026-09-30T00:00:00+00:00,us-east-1,s3",
                files: vec![("iam/z-old.json", old_report.to_string().into())],
                ..base.clone()
            },
            "investigate",
            "used-by-iam",
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
            "logs of a month, and forged events",
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
            "used-by-iam",
        ),
        ("no policies", Estate { details: None, ..base.clone() }, "investigate", "policies-unknown"),
        (
            "a policy without its document",
            with_details(user(
                json!({"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AmazonSESFullAccess"}]}),
            )),
            "investigate",
            "policies-unknown",
        ),
        (
            "a group that is not there",
            with_details(user(json!({"GroupList": ["mailers"]}))),
            "investigate",
            "policies-unknown",
        ),
        (
            "details that go on",
            with_details(with(details("s3:ListBucket"), json!({"IsTruncated": true}))),
            "investigate",
            "unread-inputs",
        ),
        (
            "another export that allows mail",
            with_file("iam/a-older.json", details("ses:SendRawEmail").to_string().into()),
            "rotate",
            "ses-smtp",
        ),
        ("mail", with_details(details("ses:SendRawEmail")), "rotate", "ses-smtp"),
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
        ("everything is allowed", with_details(details("*")), "retire", "unused"),
        (
            "everything is allowed, and IAM names mail",
            Estate {
                details: Some(details("*")),
                last_used: "2025-06-01T00:00:00+00:00,us-east-1,ses",
                ..base.clone()
            },
            "investigate",
            "ses-smtp",
        ),
        ("quarantined", with_details(user(quarantine.clone())), "investigate", "quarantined"),
        (
            "quarantined, and renamed since its calls",
            Estate {
                details: Some(user(quarantine)),
                events: vec![own(
                    "ListBuckets",
                    &when(200),
                    json!({"userIdentity": {"userName": "former", "arn": "arn:aws:iam::111122223333:user/former"}}),
                )],
                last_used: "2026-03-15T00:00:00+00:00,us-east-1,s3",
                ..base.clone()
            },
            "investigate",
            "quarantined",
        ),
        (
            "too new",
            Estate { created: "2026-09-20T00:00:00+00:00", ..base.clone() },
            "investigate",
            "too-new",
        ),
        (
            "due by age, and younger than the idle threshold",
            Estate { created: "2026-08-20T00:00:00+00:00", options: vec!["--max-age", "30"], ..base.clone() },
            "investigate",
            "too-new",
        ),
        (
            "used through a service only",
            Estate {
                events: vec![own(
                    "CreateBucket",
                    &when(3),
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
            with_events(vec![own("ListBuckets", &when(3), json!({"errorCode": "AccessDenied"}))]),
            "investigate",
            "unknown-consumer",
        ),
        (
            "used by a session only",
            with_events(vec![own("GetSessionToken", &when(100), mint), own("ListUsers", &when(2), session)]),
            "investigate",
            "unknown-consumer",
        ),
        (
            "validated by a scanner",
            with_events(vec![own("GetCallerIdentity", &when(3), json!({"userAgent": "TruffleHog"}))]),
            "investigate",
            "key-validated",
        ),
        (
            "on another identity",
            with_events(vec![own("ListBuckets", &when(3), json!({"userIdentity": {"type": "AssumedRole"}}))]),
            "investigate",
            "stray-identity",
        ),
        (
            "its last event is hidden by a copy",
            with_events(vec![lately.clone(), forged]),
            "investigate",
            "no-consumer",
        ),
        (
            "its last event is replaced by a stranger",
            with_events(vec![lately.clone(), addendum]),
            "investigate",
            "unknown-consumer",
        ),
        (
            "its last event has a copy without a time",
            with_events(vec![lately.clone(), with(lately.clone(), json!({"eventTime": "garbage"}))]),
            "investigate",
            "unknown-consumer",
        ),
        (
            "events without a time",
            with_events(vec![own("ListBuckets", "garbage", json!({}))]),
            "investigate",
            "unknown-consumer",
        ),
        (
            "logs as PowerShell writes them",
            with_file("logs/u.json", utf16),
            "investigate",
            "unknown-consumer",
        ),
        (
            "records that are no objects",
            with_file("logs/s.json", json!({"Records": [lately.to_string()]}).to_string().into()),
            "investigate",
            "unread-inputs",
        ),
        (
            "records in a map",
            with_file("logs/m.json", json!({"Records": {"one": lately}}).to_string().into()),
            "investigate",
            "unread-inputs",
        ),
        (
            "lines with times before them",
            with_file("logs/l.txt", format!("2026-09-30T00:00:00Z {lately}\n").into()),
            "investigate",
            "unread-inputs",
        ),
        (
            "a broken archive in an archive, before a good file",
            with_file(
                "logs/z.zip",
                zip(&[("a.zip", b"PK\x03\x04broken".to_vec()), ("b.json", lately.to_string().into())]),
            ),
            "investigate",
            "unknown-consumer",
        ),
        (
            "a file that is cut",
            with_file("logs/cut.json", b"{\"Records\":[{".to_vec()),
            "investigate",
            "unread-inputs",
        ),
        (
            "a log object that is empty, on a day that IAM sees through",
            with_file("logs/111122223333_CloudTrail_us-east-1_20260915T0000Z_EXAMPLE.json.gz", vec![]),
            "retire",
            "unused",
        ),
        (
            "empty log objects in place of the last days",
            Estate {
                active: (6..=90).collect(),
                files: (25..=30)
                    .map(|day| {
                        (
                            &*format!(
                                "logs/111122223333_CloudTrail_us-east-1_202609{day}T0000Z_EXAMPLE.json.gz"
                            )
                            .leak(),
                            vec![],
                        )
                    })
                    .collect(),
                ..base.clone()
            },
            "investigate",
            "stale-evidence",
        ),
        (
            "a list that goes on",
            with_file(
                "iam/111122223333/more.json",
                json!({"AccessKeyMetadata": [], "IsTruncated": true}).to_string().into(),
            ),
            "investigate",
            "unread-inputs",
        ),
        (
            "listed for another user, too",
            with_file("iam/111122223333/z.json", key_list("other")),
            "investigate",
            "account-unknown",
        ),
        (
            "another region may not be recorded",
            with_file("config/t.json", other_region.into()),
            "retire",
            "unused",
        ),
        ("a slot without a key id, whose user's key the trail shows", Estate { list: false, events: vec![lately.clone()], ..base.clone() }, "investigate", "unknown-consumer"),
        ("two reports of one time that differ", Estate { files: vec![("iam/a.json", reported(AS_OF, "2026-09-30T00:00:00+00:00"))], ..base.clone() }, "investigate", "used-by-iam"),
        ("the user's name belongs to a younger user now", with_details(user(json!({"CreateDate": "2026-08-01T00:00:00+00:00"}))), "retire", "unused"),
        ("the key's slot is another user's", Estate { files: vec![("iam/b.json", other_slot.clone())], created: "2025-01-01T00:00:01+00:00", slot_created: Some("2026-02-02T00:00:00+00:00"), ..base.clone() }, "investigate", "no-last-used"),
        ("a report without the second slot", Estate { report: false, files: vec![("iam/half.json", half_report.clone())], ..base.clone() }, "investigate", "no-last-used"),
        ("a log object damaged after IAM was asked", Estate { active: (2..=90).collect(), reported: Some("2026-09-29T12:00:00+00:00"), files: vec![("logs/111122223333_CloudTrail_us-east-1_20260930T0000Z_EXAMPLE.json.gz", b"\x1f\x8b\x08cut".to_vec())], ..base.clone() }, "investigate", "missing-days"),
        ("error pages in place of the last days", Estate { active: (6..=90).collect(), files: error_pages.clone(), ..base.clone() }, "investigate", "stale-evidence"),
        ("a damaged log object in an archive", Estate { active: (2..=90).collect(), reported: Some("2026-09-29T12:00:00+00:00"), files: vec![("logs/x.zip", zip(&[("111122223333_CloudTrail_us-east-1_20260930T0000Z_EXAMPLE.json.gz", b"\x1f\x8b\x08cut".to_vec())]))], ..base.clone() }, "investigate", "missing-days"),
        ("an identity as a string", with_events(vec![with(lately.clone(), json!({"userIdentity": lately["userIdentity"].to_string()}))]), "investigate", "unknown-consumer"),
        ("a key id as a list", with_events(vec![own("ListBuckets", &when(1), json!({"userIdentity": {"accessKeyId": [KEPT]}}))]), "investigate", "unread-inputs"),
        ("calls by the user that name no key", with_events(vec![own("ListBuckets", &when(1), json!({"userIdentity": {"accessKeyId": ""}}))]), "investigate", "user-active"),
        ("the user in the console", with_events(vec![own("ListBuckets", &when(1), json!({"userIdentity": {"accessKeyId": ""}, "sessionCredentialFromConsole": "true"}))]), "retire", "unused"),
        ("a policy that is cut", with_details(user(json!({"UserPolicyList": [{"PolicyName": "p", "PolicyDocument": "{\"Statement\":[{\"Action\":\"ses:SendRawEm"}]}))), "investigate", "policies-unknown"),
        ("a policy without its text", with_details(user(json!({"UserPolicyList": [{"PolicyName": "p"}]}))), "investigate", "policies-unknown"),
        ("a list that goes on, as the CLI says it", with_file("iam/111122223333/more.json", json!({"AccessKeyMetadata": [], "NextToken": "x"}).to_string().into()), "investigate", "unread-inputs"),
        ("events that go on", with_file("logs/e.json", json!({"Events": [], "NextToken": "x"}).to_string().into()), "investigate", "unread-inputs"),
        ("an archive that is not read", with_file("logs/l.bz2", b"BZh91AY".to_vec()), "investigate", "unread-inputs"),
        ("text as PowerShell writes it, without a mark", with_file("logs/u.json", trail(std::slice::from_ref(&lately)).iter().flat_map(|b| [*b, 0]).collect()), "investigate", "unknown-consumer"),
        ("data events only", Estate { active: vec![], events: (1..=90).map(|d| with(other(d), json!({"eventCategory": "Data", "managementEvent": false}))).collect(), ..base.clone() }, "investigate", "no-trail"),
        ("a README beside it", with_file("README.json", json!({"about": "keys start with AKIA", "eventSource": "see eventName"}).to_string().into()), "retire", "unused"),
        ("an S3 notification beside it", with_file("n.json", json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": AS_OF, "userIdentity": {"principalId": "x"}}]}).to_string().into()), "retire", "unused"),
        ("a Config snapshot beside it", with_file("c.json", json!({"configurationItems": [{"configuration": {"userIdentity": "eventTime"}}]}).to_string().into()), "retire", "unused"),
        ("an older report beside it", with_file("r.json", json!({"schema": "offkey.report/1", "keys": ["accessKeyId AKIA"]}).to_string().into()), "retire", "unused"),
        ("the same key list twice", with_file("copy-of-keys.json", key_list("old")), "retire", "unused"),
        ("a policy of one's own that is named like AWS's", with_details(user(json!({"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::111122223333:policy/AWSCompromisedKeyQuarantine-mail"}]}))), "investigate", "policies-unknown"),
        ("a session of the user's, minted where nothing was read", with_events(vec![own("ListUsers", &when(1), json!({"userIdentity": {"accessKeyId": "ASIAEXAMPLELOOSE0000", "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}}))]), "investigate", "user-active"),
        ("a federated session of the user's", with_events(vec![own("ListUsers", &when(1), json!({"userIdentity": {"type": "FederatedUser", "accessKeyId": "ASIAEXAMPLELOOSE0000", "sessionContext": {"sessionIssuer": {"type": "IAMUser", "userName": "old"}}}}))]), "investigate", "user-active"),
        ("a slot, and the user's key signed under two names", Estate { list: false, events: vec![lately.clone(), with(own("ListBuckets", &when(60), json!({"userIdentity": {"userName": "former"}})), json!({"eventID": "00000000-0000-4000-8000-0000000000fd"}))], ..base.clone() }, "investigate", "unknown-consumer"),
        ("made in the second in which another was switched off", Estate { files: vec![("iam/rot.json", rotated.clone())], report: false, ..base.clone() }, "investigate", "used-by-iam"),
        ("beside a key that the trail remembers and IAM does not", with_events(vec![with(own("ListBuckets", &when(40), json!({"userIdentity": {"accessKeyId": "AKIAEXAMPLEDELETED00"}})), json!({"eventID": "00000000-0000-4000-8000-0000000000fc"}))]), "retire", "unused"),
        ("quiet weekends at the edge of the window", Estate { active: (1..=89).chain([95, 96]).collect(), ..base.clone() }, "retire", "unused"),
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
