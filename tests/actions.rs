//! Events and the IAM actions that they need: a table of our own, and the shared one of tricky events.

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

use offkey::cloudtrail::TARGETS;
use offkey::policy::{Needs, all_actions, find_action, needs, prefix_of};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::*;

fn spelled(source: &str, event: &str) -> BTreeSet<String> {
    needs(source, event).actions().map(|a| format!("{}:{}", a.prefix, a.name)).collect()
}

#[test]
fn the_shared_table_of_tricky_events_is_exact() {
    let Some(shared) = std::env::var_os("OFFKEY_SHARED") else {
        println!("skipped: OFFKEY_SHARED is not set");
        return;
    };
    let path = std::path::Path::new(&shared).join("data/actions-golden.csv");
    let (mut all, mut wrong) = (0, Vec::new());
    for row in csv::Reader::from_path(path).unwrap().into_records() {
        let row = row.unwrap();
        let (source, event) = (&row[0], &row[1]);
        // A sign-in is no API call and never asks for an action.
        if source == "signin.amazonaws.com" {
            continue;
        }
        all += 1;
        let want: BTreeSet<String> = row[2].split(';').filter(|a| !a.is_empty()).map(str::to_owned).collect();
        let found = spelled(source, event);
        let is_told = needs(source, event) != Needs::Unmapped;
        if !is_told || found != want {
            wrong.push(format!("{source} {event}: {found:?}, right is {want:?}"));
        }
    }
    println!("{} of {all} tricky events are exact", all - wrong.len());
    assert!(all > 50 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn our_own_table_is_exact() {
    let text = include_str!("fixtures/actions.tsv");
    let (mut rows, mut hosts, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [host, event, want, page] = columns[..] else { panic!("{line:?} has not four columns") };
        assert!(page.starts_with("list_"), "{line:?} names no page");
        rows += 1;
        hosts.insert(host);
        let source = format!("{host}.amazonaws.com");
        let want: BTreeSet<String> = want.split(' ').filter(|a| !a.is_empty()).map(str::to_owned).collect();
        let told = needs(&source, event) != Needs::Unmapped;
        let found = spelled(&source, event);
        if !told || found != want {
            wrong.push(format!("{host} {event}: {found:?}, right is {want:?}"));
        }
    }
    println!("{} of {rows} events of {} services are exact", rows - wrong.len(), hosts.len());
    assert!(rows >= 200 && hosts.len() >= 60 && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a plain name in a request becomes an ARN, the ARN is one that actions of the service take.
#[test]
fn every_arn_made_of_a_name_has_a_format_of_its_service() {
    let mut formats: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for action in all_actions() {
        formats.entry(action.prefix).or_default().extend(action.formats().map(|(format, _)| format));
    }
    let mut wrong = Vec::new();
    for target in TARGETS {
        let prefix = prefix_of(&format!("{}.amazonaws.com", target.host)).unwrap();
        let rest = target.arn.strip_prefix("arn:{p}:").unwrap();
        let text = rest.replace("{r}", "r").replace("{a}", "a").replace("{0}", "x").replace("{1}", "y");
        if !formats[prefix].iter().any(|format| like(format, &text)) {
            wrong.push(format!("{}: {text}", target.host));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a text has a format in which `*` stands for anything.
fn like(format: &str, text: &str) -> bool {
    match format.split_once('*') {
        None => format == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| like(after, &rest[at..]))
        }),
    }
}

#[test]
fn reports_list_actions_of_authorised_calls_only() {
    let dir = Dir::new();
    let call = |n: u32, name: &str, error: Option<&str>| {
        with(record(n, name, "2026-09-01T00:00:00Z"), json!({"errorCode": error}))
    };
    let records = [
        call(1, "ListBuckets", None),
        call(2, "ListBuckets", None),
        call(3, "GetBucketAcl", Some("AccessDenied")),
        call(4, "PutBucketAcl", Some("NoSuchBucket")),
        call(7, "GetBucketPolicy", Some("NoSuchBucketPolicy")),
        call(5, "InventedCall", None),
        with(call(6, "GetCallerIdentity", None), json!({"eventSource": "sts.amazonaws.com"})),
    ];
    dir.file("logs.json", trail(&records));
    let output = offkey(&dir, &["explain", KEY, "logs.json", "--json", "--as-of", "evidence"]);
    let key: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let consumer = &key["consumers"][0];
    assert_eq!(
        consumer["permissions"],
        json!([
            {"action": "s3:GetBucketPolicy", "level": "read", "resources": ["*"], "scope": "not-named", "condition": null,
             "danger": "none", "granted": true, "events": 1, "failed": 1, "because": null},
            {"action": "s3:ListAllMyBuckets", "level": "list", "resources": ["*"], "scope": "none-taken", "condition": null,
             "danger": "none", "granted": true, "events": 2, "failed": 0, "because": "the action has the operation's older name"},
        ]),
        "who is told that a bucket has no policy was allowed to ask; of no bucket nobody is asked"
    );
    assert_eq!(consumer["unmapped_calls"][0]["name"], "InventedCall");
    assert_eq!(consumer["unmapped_calls"].as_array().unwrap().len(), 1);
    let text = stdout(&offkey(&dir, &["explain", KEY, "logs.json", "--as-of", "evidence"]));
    assert!(
        text.contains("s3:ListAllMyBuckets on *\n") && text.contains("not known: s3:InventedCall"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn no_action_is_invented(
        host in prop_oneof!["[a-z0-9-]{0,12}", Just("s3".to_owned()), Just("lambda".to_owned()), Just("autoscaling".to_owned())],
        event in prop_oneof!["\\PC{0,24}", "(Get|List|Put|Delete|Create)[A-Z][A-Za-z]{0,12}(20150331)?(v2)?"],
    ) {
        for action in needs(&format!("{host}.amazonaws.com"), &event).actions() {
            prop_assert_eq!(find_action(action.prefix, action.name), Some(action));
        }
    }
}
