//! Live AWS: the real SDK clients against a stand-in, as a user runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;
use std::time::Duration;
use support::standin::StandIn;
use support::*;

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

fn collect(stand_in: &StandIn, dir: &Dir, more: &[&str]) -> (Output, Value) {
    let arguments = [&["collect", "--aws", "--json"], more].concat();
    let output = stand_in.run(dir, &arguments);
    let outcome = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    (output, outcome)
}

fn report(dir: &Dir, inputs: &[&str], more: &[&str]) -> Value {
    let output = offkey(dir, &[&["report", "--json", "-q"], inputs, more].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

/// What stores say of inventory and use, without when it was asked.
fn content(dir: &Dir, store: &str, as_of: &str) -> Value {
    let mut report = report(dir, &[store], &["--as-of", as_of]);
    // Names of stores and times of observation differ from run to run, as they should.
    for account in report["coverage"]["accounts"].as_array_mut().unwrap() {
        account["credential_report"] = json!(account["credential_report"].is_string());
    }
    let keys = report["keys"].take();
    let skipped = report["skipped"].take();
    json!({"keys": keys, "coverage": report["coverage"], "skipped": skipped})
}

#[test]
fn the_demo_collected_live_says_the_same_as_its_files() {
    let Some(stand_in) = StandIn::start(&["--page", "7"]) else { return };
    let dir = Dir::new();
    let made = offkey(&dir, &["demo", "-q", "-o", "demo", "--aws-endpoint", &stand_in.url]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    stand_in.control("forget", &json!({}));
    let arguments = [
        "--organization",
        "--since",
        "2026-01-01",
        "--lookup",
        "never",
        "demo/estate/networks",
        "--store",
        "live.db",
    ];
    let (output, outcome) = collect(&stand_in, &dir, &arguments);
    // Two of the demo's log objects are damaged, as they are among its files.
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(outcome["aws"]["accounts"], 4);
    stand_in.assert_only_reads();
    let files = ["trail", "iam", "config", "networks"].map(|part| format!("demo/estate/{part}"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let live = report(&dir, &["live.db"], &["--as-of", "2026-10-01"]);
    let read = report(&dir, &files, &["--as-of", "2026-10-01"]);
    let by_key = |report: &Value| -> BTreeMap<String, Value> {
        let keys = report["keys"].as_array().unwrap().iter();
        keys.map(|key| (key["reference"].as_str().unwrap().to_owned(), key.clone())).collect()
    };
    let (live_keys, file_keys) = (by_key(&live), by_key(&read));
    let mut different = Vec::new();
    for (key, of_live) in &live_keys {
        for (field, value) in of_live.as_object().unwrap() {
            let of_files = file_keys.get(key).map_or(&Value::Null, |key| &key[field]);
            if value != of_files {
                different.push(format!("{key} {field}: live {value}, files {of_files}"));
            }
        }
    }
    let consumers: usize = live_keys.values().map(|key| key["consumers"].as_array().unwrap().len()).sum();
    println!("{} keys, {consumers} consumers; {} differences", live_keys.len(), different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(live_keys.keys().collect::<Vec<_>>(), file_keys.keys().collect::<Vec<_>>());
    assert!(consumers > 40 && live_keys.len() == 60);
    // A second run lists, and reads no object again.
    let (_, again) = collect(&stand_in, &dir, &arguments);
    assert_eq!((again["files_read"].as_u64(), again["records"].as_u64()), (Some(2), Some(0)), "{again}");
}

/// How large the organization is: as the issue asks with `OFFKEY_FULL`, else smaller.
fn size() -> (usize, usize) {
    if std::env::var_os("OFFKEY_FULL").is_some() { (50, 200) } else { (10, 24) }
}

#[test]
fn trouble_and_kills_leave_nothing_out() {
    let Some(stand_in) = StandIn::start(&["--page", "90", "--seed", "7"]) else { return };
    let dir = Dir::new();
    let (accounts, users) = size();
    stand_in.control(
        "organization",
        &json!({"accounts": accounts, "users": users, "keys": 2, "regions": ["us-east-1"]}),
    );
    let arguments = |store: &'static str| {
        ["collect", "--aws", "--organization", "--lookup", "never", "--json", "--store", store]
    };
    let quiet = stand_in.run(&dir, &arguments("quiet.db"));
    assert_eq!(code(&quiet), 0, "{}", stderr(&quiet));
    let quiet_calls: u64 = stand_in.calls().values().sum();
    stand_in.assert_only_reads();
    stand_in.control("forget", &json!({}));
    stand_in.control(
        "faults",
        &json!({"rules": [
            {"kind": "throttle", "rate": 0.05}, {"kind": "500", "rate": 0.005}, {"kind": "503", "rate": 0.005},
            {"kind": "reset-before", "rate": 0.005}, {"kind": "reset-after", "rate": 0.005},
        ]}),
    );
    // Twenty kills at moments that are spread over the run, whatever this machine's speed.
    let mut kills = 0;
    let started = std::time::Instant::now();
    let mut left = Duration::from_millis(300);
    while kills < 20 {
        let mut command = stand_in.command(&dir, &arguments("loud.db"));
        let mut child =
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(left);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        left = Duration::from_millis(150 + (kills * 7919) % 650);
    }
    let end = stand_in.run(&dir, &arguments("loud.db"));
    assert_eq!(code(&end), 0, "{}", stderr(&end));
    let outcome: Value = serde_json::from_slice(&end.stdout).unwrap();
    let log = stand_in.control("log", &json!({}));
    let with = |faults: &[&str]| -> u64 {
        let calls = log["calls"].as_array().unwrap().iter();
        calls
            .filter(|c| faults.contains(&c["fault"].as_str().unwrap()))
            .map(|c| c["count"].as_u64().unwrap())
            .sum()
    };
    println!(
        "{accounts} accounts of {users} users with 2 keys: {quiet_calls} requests in a quiet run; {kills} kills, {} throttled, {} of 5xx, {} resets; {} s; last run {} requests",
        with(&["throttle"]),
        with(&["500", "503"]),
        with(&["reset-before", "reset-after"]),
        started.elapsed().as_secs(),
        outcome["aws"]["requests"],
    );
    assert!(
        with(&["throttle"]) > 0 && with(&["500", "503"]) > 0 && kills >= 5,
        "hardly any trouble was made"
    );
    let as_of = Timestamp::now().to_string();
    let (quiet, loud) = (content(&dir, "quiet.db", &as_of), content(&dir, "loud.db", &as_of));
    assert_eq!(quiet["keys"].as_array().unwrap().len(), accounts * users * 2);
    assert_eq!(quiet, loud, "what came through trouble is not what comes in quiet");
}

fn ago(days: i64, seconds: i64) -> String {
    let now = Timestamp::now().as_second();
    Timestamp::from_second(now - days * 86_400 + seconds).unwrap().to_string()
}

const BUSY: &str = "AKIAIOSFODNN7EXAMPL1";
const IDLE: &str = "AKIAIOSFODNN7EXAMPL2";
const ROLE_SESSION: &str = "ASIAIOSFODNN7EXAMPL3";
const TOKEN_SESSION: &str = "ASIAIOSFODNN7EXAMPL4";

/// Records of a busy key, of the sessions that it hands out, in two accounts and two regions.
fn records() -> Vec<Value> {
    let by = |n: u32, key: &str, name: &str, time: String| {
        with(record(n, name, &time), json!({"userIdentity": {"accessKeyId": key}}))
    };
    let mut records: Vec<Value> =
        (0..120).map(|n| by(n, BUSY, "DescribeInstances", ago(i64::from(n) / 2 + 1, 0))).collect();
    records.push(with(by(200, BUSY, "ListBuckets", ago(3, 0)), json!({"awsRegion": "eu-west-1"})));
    let sts = |n: u32, name: &str, session: &str, request: Value| {
        let fields = json!({"eventSource": "sts.amazonaws.com", "requestParameters": request,
            "responseElements": {"credentials": {"accessKeyId": session, "expiration": ago(1, 0)}}});
        with(by(n, BUSY, name, ago(2, 0)), fields)
    };
    let role = format!("arn:aws:iam::{OTHER}:role/deploy");
    records.push(sts(201, "AssumeRole", ROLE_SESSION, json!({"roleArn": role, "roleSessionName": "deploy"})));
    records.push(sts(202, "GetSessionToken", TOKEN_SESSION, Value::Null));
    for n in 0..3 {
        records.push(with(
            record(210 + n, "PutParameter", &ago(2, 60 + i64::from(n))),
            json!({"awsRegion": "eu-west-1", "recipientAccountId": OTHER, "eventSource": "ssm.amazonaws.com", "userIdentity": {
                "type": "AssumedRole", "principalId": "AROAEXAMPLE:deploy", "accountId": OTHER, "accessKeyId": ROLE_SESSION,
                "arn": format!("arn:aws:sts::{OTHER}:assumed-role/deploy/deploy"),
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role, "userName": "deploy", "accountId": OTHER, "principalId": "AROAEXAMPLE"}},
            }}),
        ));
    }
    records.push(by(220, TOKEN_SESSION, "DescribeVpcs", ago(2, 90)));
    records
}

/// An account with a busy and an idle key, and another in which the busy one takes a role. No trail anywhere.
fn with_lookups(page: &str) -> Option<StandIn> {
    let stand_in = StandIn::start(&["--page", page])?;
    stand_in.control(
        "accounts",
        &json!({"accounts": [{"id": OWN}, {"id": OTHER}], "regions": ["us-east-1", "eu-west-1"]}),
    );
    let policy = json!({"PolicyName": "inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:*", "sts:*", "s3:ListAllMyBuckets"], "Resource": "*"}]}});
    let used = json!({"time": ago(1, 0), "service": "ec2", "region": "us-east-1"});
    stand_in.control(
        "users",
        &json!({"users": [
            {"name": "ci", "policies": [policy], "keys": [{"id": BUSY, "used": used}], "ssh": ["ssh-rsa AAAA ci"],
             "service_credentials": ["codecommit.amazonaws.com"], "accessed": [{"service": "ec2", "time": ago(1, 0), "actions": ["DescribeInstances"]}]},
            {"name": "forgotten", "policies": [policy], "keys": [{"id": IDLE}]},
        ]}),
    );
    stand_in.control("events", &json!({"records": records()}));
    Some(stand_in)
}

/// The usage rows of inputs, in order.
fn usage(dir: &Dir, input: &str) -> BTreeSet<String> {
    let output = offkey(dir, &["evidence", input, "--wide", "-q", "-o", "rows.jsonl"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let rows = std::fs::read_to_string(dir.path().join("rows.jsonl")).unwrap();
    rows.lines().map(str::to_owned).collect()
}

fn key<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["keys"].as_array().unwrap().iter().find(|key| key["reference"] == id).unwrap()
}

fn gaps(key: &Value) -> Vec<&str> {
    key["gaps"].as_array().unwrap().iter().map(|gap| gap["id"].as_str().unwrap()).collect()
}

#[test]
fn lookups_find_keys_and_their_sessions_and_keep_to_the_limit() {
    let Some(stand_in) = with_lookups("50") else { return };
    let dir = Dir::new();
    let (output, outcome) = collect(&stand_in, &dir, &["--organization", "--store", "s.db"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    stand_in.assert_only_reads();
    assert_eq!(stand_in.control("log", &json!({}))["lookup_violations"], 0);
    assert!(stderr(&output).contains("at least 1 s"), "{}", stderr(&output));
    // Two keys in two regions; two sessions: one in two regions of its role's account, one in two of the key's.
    assert_eq!(outcome["aws"]["lookup_queries"], 8, "{outcome}");
    assert_eq!(outcome["aws"]["lookup_events"], records().len(), "{outcome}");
    dir.file("all.json", trail(&records()));
    assert_eq!(usage(&dir, "s.db"), usage(&dir, "all.json"), "by pages as by file");
    let report = report(&dir, &["s.db"], &[]);
    let (busy, idle) = (key(&report, BUSY), key(&report, IDLE));
    assert_eq!(busy["usage"]["derived_events"], 4);
    assert!(busy["looked_up"][0].is_string());
    assert_eq!(
        busy["other_credentials"],
        json!(["SSH key APKA", "credentials of codecommit.amazonaws.com"].map(|s: &str| {
            // The stand-in makes the SSH key's id up.
            if s.starts_with("SSH") {
                busy["other_credentials"][0].as_str().unwrap().to_owned()
            } else {
                s.to_owned()
            }
        }))
    );
    assert!(busy["other_credentials"][0].as_str().unwrap().starts_with("SSH key "));
    assert_eq!(idle["verdict"], "retire", "every event of ninety days was looked up in every region: {idle}");
    assert!(!gaps(idle).contains(&"no-trail"), "{:?}", gaps(idle));
    // What another key did says nothing of this one's days: only its own lookups do.
    let again = collect(&stand_in, &dir, &["--organization", "--store", "s.db"]).1;
    assert_eq!(again["aws"]["lookup_events"], 0, "only what is new is asked again: {again}");
    assert_eq!(stand_in.control("log", &json!({}))["lookup_violations"], 0);
}

#[test]
fn a_region_that_was_refused_is_a_gap_and_no_absence() {
    let Some(stand_in) = with_lookups("50") else { return };
    let dir = Dir::new();
    let rule =
        json!({"rules": [{"action": "cloudtrail:LookupEvents", "account": OWN, "region": "eu-west-1"}]});
    stand_in.control("denials", &rule);
    let (output, _) = collect(&stand_in, &dir, &["--store", "s.db"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let report = report(&dir, &["s.db"], &[]);
    let idle = key(&report, IDLE);
    assert_eq!(idle["verdict"], "investigate");
    assert!(gaps(idle).contains(&"no-trail"), "{:?}", gaps(idle));
    let skipped = report["skipped"].as_array().unwrap();
    assert!(
        skipped.iter().any(|skip| skip["reason"] == "denied"
            && skip["source"].as_str().unwrap().contains("eu-west-1/lookup"))
    );
    // Allowed again, the same command closes the gap.
    stand_in.control("denials", &json!({"rules": []}));
    assert_eq!(code(&collect(&stand_in, &dir, &["--store", "s.db"]).0), 0);
    let report = self::report(&dir, &["s.db"], &[]);
    assert_eq!(key(&report, IDLE)["verdict"], "retire");
    assert!(report["skipped"].as_array().unwrap().is_empty());
}

#[test]
fn lookups_cut_short_go_on_page_by_page() {
    let Some(stand_in) = with_lookups("20") else { return };
    let dir = Dir::new();
    let whole = collect(&stand_in, &dir, &["--organization", "--store", "whole.db"]).1;
    let calls = whole["aws"]["requests"].as_u64().unwrap();
    let pages = whole["aws"]["lookup_pages"].as_u64().unwrap();
    stand_in.control("forget", &json!({}));
    // Places in listings are forgotten now and then, too.
    stand_in.control("faults", &json!({"rules": [
        {"service": "cloudtrail", "operation": "LookupEvents", "kind": "deny", "code": "InvalidNextTokenException", "after": 6, "count": 1},
        {"service": "cloudtrail", "operation": "LookupEvents", "kind": "throttle", "code": "ThrottlingException", "after": 3, "count": 2},
        {"service": "cloudtrail", "operation": "LookupEvents", "kind": "reset-after", "after": 4, "count": 1},
    ]}));
    let budget = (calls / 2).to_string();
    let mut runs = 0;
    loop {
        runs += 1;
        let (output, outcome) =
            collect(&stand_in, &dir, &["--organization", "--store", "cut.db", "--max-calls", &budget]);
        assert!(outcome["aws"]["requests"].as_u64().unwrap() <= calls / 2 + 8, "{outcome}");
        if code(&output) == 0 {
            break;
        }
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        assert!(runs < 20, "it does not come to an end: {}", stderr(&output));
    }
    assert!(runs > 1, "the budget cut nothing short");
    assert_eq!(usage(&dir, "cut.db"), usage(&dir, "whole.db"));
    let log = stand_in.control("log", &json!({}));
    assert_eq!(log["lookup_violations"], 0);
    println!("{calls} requests, {pages} pages at once; cut into {runs} runs of at most {budget}");
}

/// Permissions that `doctor` tries by a request of its own.
#[test]
fn doctor_names_what_is_missing_and_what_it_costs() {
    let Some(stand_in) = with_lookups("50") else { return };
    let dir = Dir::new();
    stand_in.control("extras", &json!({OWN: {"trails": [{"Name": "t", "TrailARN": format!("arn:aws:cloudtrail:us-east-1:{OWN}:trail/t"),
        "S3BucketName": "example-trail", "HomeRegion": "us-east-1", "IsMultiRegionTrail": true}]}}));
    stand_in.control(
        "object",
        &json!({"bucket": "example-trail", "key": format!("AWSLogs/{OWN}/CloudTrail/x.json.gz")}),
    );
    stand_in.control("things", &json!({}));
    let doctor = || {
        let arguments =
            ["doctor", "--organization", "--resource-policies", "--json", "--exclude-accounts", OTHER];
        let output = stand_in.run(&dir, &arguments);
        let outcome: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        (code(&output), outcome)
    };
    let outcomes = |outcome: &Value, want: &str| -> BTreeSet<String> {
        let probes = outcome["probes"].as_array().unwrap().iter();
        probes.filter(|p| p["outcome"] == want).map(|p| p["action"].as_str().unwrap().to_owned()).collect()
    };
    let (status, fine) = doctor();
    assert_eq!(status, 0, "{fine}");
    let allowed = outcomes(&fine, "allowed");
    let untried = outcomes(&fine, "not-tried");
    assert_eq!(untried.iter().collect::<Vec<_>>(), ["kms:Decrypt"], "{fine}");
    for action in &allowed {
        stand_in.control("denials", &json!({"rules": [{"action": action}]}));
        let (status, outcome) = doctor();
        let denied = outcomes(&outcome, "denied");
        assert_eq!(denied.iter().collect::<Vec<_>>(), [action], "{outcome}");
        assert!(outcomes(&outcome, "unclear").is_empty(), "{outcome}");
        assert_eq!((status, outcome["denied"].as_u64()), (3, Some(1)));
        let probes = outcome["probes"].as_array().unwrap();
        let probe = probes.iter().find(|probe| probe["outcome"] == "denied").unwrap();
        assert!(probe["without"].as_str().unwrap().len() > 20, "{probe}");
    }
    println!("{} permissions refused in turn, each named alone", allowed.len());
    assert!(allowed.len() > 30);
    stand_in.control("denials", &json!({"rules": []}));
    // A role that is not there.
    stand_in.control("accounts", &json!({"accounts": [{"id": "777788889999", "reader": false}]}));
    let output = stand_in.run(&dir, &["doctor", "--accounts", "777788889999"]);
    assert_eq!(code(&output), 3);
    assert!(stdout(&output).contains("denied     sts:AssumeRole"), "{}", stdout(&output));
    stand_in.assert_only_reads();
}

#[test]
fn what_is_refused_leaves_verdicts_open() {
    let Some(stand_in) = with_lookups("50") else { return };
    let dir = Dir::new();
    for (action, gap) in
        [("iam:GetAccountAuthorizationDetails", "policies-unknown"), ("account:ListRegions", "no-trail")]
    {
        stand_in.control("denials", &json!({"rules": [{"action": action}]}));
        let store = format!("{}.db", action.replace(':', "-"));
        let regions = if action.starts_with("account") { "us-east-1,eu-west-1" } else { "us-east-1" };
        let (output, _) = collect(&stand_in, &dir, &["--store", &store, "--regions", regions]);
        assert_eq!(code(&output), 3, "{action}: {}", stderr(&output));
        let report = report(&dir, &[&store], &[]);
        let idle = key(&report, IDLE);
        assert_eq!(idle["verdict"], "investigate", "{action}");
        assert!(gaps(idle).contains(&gap), "{action}: {:?}", gaps(idle));
        assert!(report["skipped"].as_array().unwrap().iter().any(|s| s["reason"] == "denied"), "{action}");
    }
    // An account whose role may not be taken is named, and the other is there.
    stand_in.control("denials", &json!({"rules": []}));
    stand_in.control("accounts", &json!({"accounts": [{"id": "777788889999", "reader": false}]}));
    let (output, _) = collect(&stand_in, &dir, &["--organization", "--store", "some.db"]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("aws/777788889999/account"), "{}", stderr(&output));
    assert_eq!(key(&report(&dir, &["some.db"], &[]), IDLE)["verdict"], "retire");
}

#[test]
fn stores_of_two_collectors_merge_into_what_one_would_have() {
    let Some(stand_in) = with_lookups("50") else { return };
    let dir = Dir::new();
    stand_in.control(
        "users",
        &json!({"users": [{"account": OTHER, "name": "other", "keys": [{"id": "AKIAIOSFODNN7EXAMPL5"}]}]}),
    );
    for (store, accounts) in [("own.db", OWN), ("other.db", OTHER), ("both.db", "111122223333,444455556666")]
    {
        let (output, _) = collect(&stand_in, &dir, &["--store", store, "--accounts", accounts]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    let as_of = Timestamp::now().to_string();
    for order in [["own.db", "other.db"], ["other.db", "own.db"]] {
        let target = format!("merged-{}", order[0]);
        for _ in 0..2 {
            let merged = offkey(&dir, &["merge", order[0], order[1], "--store", &target]);
            assert_eq!(code(&merged), 0, "{}", stderr(&merged));
        }
        let (merged, both) = (content(&dir, &target, &as_of), content(&dir, "both.db", &as_of));
        let of = |content: &Value| -> BTreeSet<String> {
            content["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|k| format!("{} {}", k["reference"], k["verdict"]))
                .collect()
        };
        assert_eq!(of(&merged), of(&both));
        // Use of the role in the other account is known where both were collected together only: each alone does not ask
        // for the other's sessions.
        assert_eq!(merged["coverage"], both["coverage"]);
    }
}

#[test]
fn roles_may_ask_for_more() {
    let Some(stand_in) = with_lookups("50") else { return };
    let dir = Dir::new();
    let role = format!("arn:aws:iam::{OTHER}:role/offkey-reader");
    stand_in.control("roles", &json!({"external_id": {&role: "example-id"}}));
    let reach = |more: &[&str]| {
        let arguments = [
            &["collect", "--aws", "--accounts", OTHER, "--lookup", "never", "--fresh", "--store", "s.db"],
            more,
        ]
        .concat();
        code(&stand_in.run(&dir, &arguments))
    };
    assert_eq!(reach(&[]), 3);
    assert_eq!(reach(&["--external-id", "example-id"]), 0);
    // Credentials that AWS does not know, and none.
    let unknown = |key: &str| {
        let mut command = stand_in.command(&dir, &["collect", "--aws", "--store", "s.db"]);
        code(&command.env("AWS_ACCESS_KEY_ID", key).output().unwrap())
    };
    assert_eq!(unknown("AKIAIOSFODNN7UNKNOWN"), 4);
    // A key that was switched off.
    stand_in.control(
        "users",
        &json!({"users": [{"name": "off", "keys": [{"id": "AKIAIOSFODNN7EXAMPL9", "status": "Inactive"}]}]}),
    );
    assert_eq!(unknown("AKIAIOSFODNN7EXAMPL9"), 4);
    // A device has to be shown first; its code comes on standard input.
    stand_in.control("accounts", &json!({"accounts": [{"id": OWN}]}));
    let device = format!("arn:aws:iam::{OWN}:mfa/operator");
    let shown = |code: &str| {
        let mut command = stand_in.command(
            &dir,
            &["collect", "--aws", "--lookup", "never", "--mfa-serial", &device, "--store", "m.db"],
        );
        let mut child =
            command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{code}\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let (right, wrong) = (shown("123456"), shown("654321"));
    assert_eq!((right.status.code(), wrong.status.code()), (Some(0), Some(4)), "{}", stderr(&right));
}
