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

use offkey::policy::{Needs, find_action, needs};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
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
fn reports_list_actions_of_successful_calls_only() {
    let dir = Dir::new();
    let call = |n: u32, name: &str, error: Option<&str>| {
        with(record(n, name, "2026-09-01T00:00:00Z"), json!({"errorCode": error}))
    };
    let records = [
        call(1, "ListBuckets", None),
        call(2, "ListBuckets", None),
        call(3, "GetBucketAcl", Some("AccessDenied")),
        call(4, "PutBucketAcl", Some("NoSuchBucket")),
        call(5, "InventedCall", None),
        with(call(6, "GetCallerIdentity", None), json!({"eventSource": "sts.amazonaws.com"})),
    ];
    dir.file("logs.json", trail(&records));
    let output = offkey(&dir, &["explain", KEY, "logs.json", "--json", "--as-of", "evidence"]);
    let key: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let consumer = &key["consumers"][0];
    assert_eq!(
        consumer["permissions"],
        json!([{"action": "s3:ListAllMyBuckets", "level": "list", "events": 2,
                "because": "the action has the operation's older name"}])
    );
    assert_eq!(consumer["unmapped_calls"][0]["name"], "InventedCall");
    assert_eq!(consumer["unmapped_calls"].as_array().unwrap().len(), 1);
    let text = stdout(&offkey(&dir, &["explain", KEY, "logs.json", "--as-of", "evidence"]));
    assert!(
        text.contains("needed: s3:ListAllMyBuckets") && text.contains("not known: s3:InventedCall"),
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
