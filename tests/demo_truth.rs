//! The demo's truth: no key in use is called unused, consumers get the right kind, estates are what they promise.

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

use offkey::demo::{EstateOptions, generate};
use offkey::model::WorkloadKind;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::*;

struct Demo {
    truth: Value,
    report: Value,
}

fn demo(arguments: &[&str]) -> Demo {
    let dir = Dir::new();
    let output = offkey(&dir, &[&["demo", "--quiet", "-o", "out"], arguments].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let read = |name: &str| {
        serde_json::from_slice(&std::fs::read(dir.path().join("out").join(name)).unwrap()).unwrap()
    };
    Demo { truth: read("truth.json"), report: read("report.json") }
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_else(|| panic!("no {name}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn names(value: &Value, list: &str) -> BTreeSet<String> {
    array(value, list).iter().map(|v| v["name"].as_str().or(v.as_str()).unwrap().to_owned()).collect()
}

/// Compares a report with the truth. Returns (right kinds, consumers), and prints where they differ.
fn compare(demo: &Demo) -> (usize, usize) {
    let keys: BTreeMap<&str, &Value> =
        array(&demo.report, "keys").iter().map(|key| (text(key, "reference"), key)).collect();
    let truths = array(&demo.truth, "keys");
    assert_eq!(keys.len(), truths.len(), "the report has every key and no other");
    let (mut right, mut all) = (0, 0);
    for truth in truths {
        let id = text(truth, "access_key_id");
        let key = keys.get(id).unwrap_or_else(|| panic!("{id} is not in the report"));
        assert_eq!(text(key, "account"), text(truth, "account_id"), "{id}");
        assert_eq!(text(key, "user"), text(truth, "user_name"), "{id}");
        if truth["in_use"] == true {
            assert_ne!(text(key, "verdict"), "retire", "{id} is in use: {truth}");
        }
        let found = array(key, "consumers");
        for consumer in array(truth, "consumers") {
            // What is in no log cannot be told apart; that its key is not called unused is asserted above.
            let kind = text(consumer, "kind");
            if consumer["visible"] == false && kind != "ses-smtp" {
                continue;
            }
            all += 1;
            let (ips, agents) = (names(consumer, "source_ips"), names(consumer, "user_agents"));
            let overlap = |f: &&Value| {
                let shared = |list: &str, own: &BTreeSet<String>| names(f, list).intersection(own).count();
                let (a, b) = (shared("addresses", &ips), shared("user_agents", &agents));
                if a > 0 && b > 0 { a * b } else { 0 }
            };
            let best = found.iter().max_by_key(overlap).filter(|f| overlap(f) > 0 || kind == "ses-smtp");
            let told = best.map_or("none", |f| text(f, "kind"));
            if told == kind {
                right += 1;
            } else {
                println!("  {id} {}: is {kind}, told {told}", text(consumer, "name"));
            }
        }
    }
    (right, all)
}

fn key<'a>(demo: &'a Demo, trap: &str) -> Vec<&'a Value> {
    let ids: BTreeSet<&str> = array(&demo.truth, "keys")
        .iter()
        .filter(|t| array(t, "traps").iter().any(|name| name == trap))
        .map(|t| text(t, "access_key_id"))
        .collect();
    assert!(!ids.is_empty(), "no key has the trap {trap}");
    array(&demo.report, "keys").iter().filter(|k| ids.contains(text(k, "reference"))).collect()
}

fn codes(key: &Value) -> Vec<&str> {
    array(key, "reasons").iter().map(|r| text(r, "code")).collect()
}

#[test]
fn kinds_are_right_and_no_key_in_use_is_called_unused() {
    let (mut right, mut all) = (0, 0);
    for seed in ["1", "2", "3", "4", "5"] {
        let (r, a) = compare(&demo(&["--seed", seed]));
        println!("seed {seed}: {r} of {a} consumers have the right kind");
        right += r;
        all += a;
    }
    let share = right as f64 / all as f64;
    println!("share of consumers with the right kind: {right} of {all}, {:.1} %", share * 100.0);
    assert!(share >= 0.90, "{right} of {all}");
}

#[test]
fn every_trap_is_seen_through() {
    let demo = demo(&[]);
    let gaps = |key: &Value| array(key, "gaps").iter().map(|g| text(g, "id").to_owned()).collect::<Vec<_>>();
    for key in key(&demo, "shared-by-four") {
        assert_eq!(array(key, "consumers").len(), 4, "{key}");
    }
    for key in key(&demo, "monthly-job") {
        assert_eq!(text(key, "verdict"), "replace");
        assert_eq!(key["usage"]["rhythm"], "monthly");
        assert!(key["usage"]["longest_gap_days"].as_i64().unwrap() >= 28);
    }
    for key in key(&demo, "s3-data-only") {
        assert_eq!(text(key, "verdict"), "investigate");
        assert!(
            gaps(key).contains(&"unseen-use".to_owned()) && gaps(key).contains(&"unseen-service".to_owned())
        );
    }
    for key in key(&demo, "ses-smtp") {
        assert_eq!((text(key, "verdict"), codes(key)[0]), ("rotate", "ses-smtp"));
        assert_eq!(array(key, "consumers")[0]["seen"], false);
    }
    for key in key(&demo, "leaked-validated") {
        assert_eq!((text(key, "verdict"), codes(key)[0]), ("investigate", "key-validated"));
        assert!(array(key, "consumers").is_empty(), "a scanner is no consumer");
    }
    for key in key(&demo, "assume-role-only") {
        assert_eq!(array(key, "consumers")[0]["replacement"]["outcome"], "existing-role");
        assert!(!array(&array(key, "consumers")[0], "roles").is_empty());
        assert!(key["usage"]["derived_events"].as_u64().unwrap() > 0);
    }
    for trap in ["session-get-session-token", "session-assume-role"] {
        for key in key(&demo, trap) {
            assert!(key["usage"]["derived_events"].as_u64().unwrap() > 0, "{trap}");
            assert_eq!(
                array(key, "consumers").len(),
                1,
                "{trap}: sessions belong to the consumer that asked for them"
            );
        }
    }
    let two: BTreeSet<&str> = key(&demo, "two-keys").iter().map(|k| text(k, "verdict")).collect();
    assert_eq!(two, BTreeSet::from(["replace", "retire"]), "keys of one user are judged one by one");
    for key in key(&demo, "quarantined") {
        assert_eq!((text(key, "verdict"), codes(key)[0]), ("investigate", "quarantined"));
    }
    for key in key(&demo, "root-key") {
        assert_eq!((text(key, "verdict"), codes(key)[0]), ("investigate", "root-key"));
    }
    for trap in ["never-used", "idle"] {
        for key in key(&demo, trap) {
            assert_eq!(text(key, "verdict"), "retire", "{trap}: {:?} {:?}", codes(key), gaps(key));
        }
    }
    for key in key(&demo, "inactive") {
        assert!(codes(key).contains(&"inactive"));
    }
    for key in key(&demo, "new-key") {
        assert_eq!(codes(key), ["too-new"]);
    }
    for key in key(&demo, "denied") {
        assert_eq!(key["usage"]["denied_events"], key["usage"]["events"]);
        assert_ne!(text(key, "verdict"), "retire");
    }
    for key in key(&demo, "via-service") {
        assert_eq!(array(key, "consumers").len(), 1, "services on its behalf are no consumers");
        assert_eq!(array(key, "asides").len(), 2);
    }
    for key in key(&demo, "presigned") {
        assert_eq!((text(key, "verdict"), codes(key)[0]), ("rotate", "presigned-urls"));
    }
    assert!(demo.report["method"]["duplicates"].as_u64().unwrap() > 0);
    let skipped = array(&demo.report, "skipped");
    let damaged = skipped.iter().filter(|s| s["reason"] == "damaged-archive").count();
    assert_eq!(damaged, 2, "one that is cut and one that is noise: {skipped:?}");
}

#[test]
fn all_kinds_occur_and_both_ways_into_eks() {
    let demo = demo(&[]);
    let kinds: BTreeSet<&str> = array(&demo.truth, "keys")
        .iter()
        .flat_map(|k| array(k, "consumers"))
        .map(|c| text(c, "kind"))
        .collect();
    for kind in WorkloadKind::ALL.iter().filter(|k| **k != WorkloadKind::Unknown) {
        assert!(kinds.contains(kind.id()), "no {} in the estate", kind.id());
    }
    let rules: BTreeSet<&str> = array(&demo.report, "keys")
        .iter()
        .flat_map(|k| array(k, "consumers"))
        .map(|c| text(&c["replacement"], "rule"))
        .collect();
    for rule in offkey::recommend::RULES {
        assert!(rules.contains(rule.id), "the demo never shows {}", rule.id);
    }
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let digest = |seed: u64| {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let options = EstateOptions { keys: 40, days: 3, seed };
        let truth = generate::<()>(&options, &mut |path, bytes| {
            files.push((path.to_owned(), bytes.to_vec()));
            Ok(())
        })
        .unwrap();
        (files, serde_json::to_string(&truth).unwrap())
    };
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
    let paths: Vec<String> = digest(7).0.into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "no file is written twice");
}

#[test]
fn all_addresses_are_reserved_for_documentation_or_private_use() {
    let demo = demo(&["--keys", "200", "--days", "3"]);
    for ip in array(&demo.truth, "keys")
        .iter()
        .flat_map(|k| array(k, "consumers"))
        .flat_map(|c| names(c, "source_ips"))
    {
        let reserved = match ip.parse::<std::net::IpAddr>().unwrap() {
            std::net::IpAddr::V4(v4) => {
                v4.is_documentation()
                    || v4.is_private()
                    || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
            }
            std::net::IpAddr::V6(v6) => v6.segments()[0] == 0x2001 && v6.segments()[1] == 0xdb8,
        };
        assert!(reserved, "{ip}");
    }
}

#[test]
fn five_thousand_keys() {
    let demo = demo(&["--keys", "5000", "--days", "90"]);
    let (right, all) = compare(&demo);
    println!("5000 keys: {right} of {all} consumers have the right kind");
    assert_eq!(demo.report["summary"]["keys"], 5000);
    assert!(right as f64 / all as f64 >= 0.90, "{right} of {all}");
}
