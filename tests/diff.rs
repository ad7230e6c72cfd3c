//! Progress between reports: what is told of keys, consumers and verdicts, and what CI is told; SARIF.

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

use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Dir, code, offkey, stderr, stdout};

/// A key as reports have it; `more` goes over it.
fn key(id: &str, more: Value) -> Value {
    let mut key = json!({
        "reference": id, "account": "111122223333", "user": "ci", "status": "Active", "created": "2024-01-01T00:00:00Z",
        "verdict": "replace", "due_by_age": true, "due_by_idle": false, "reasons": [{"code": "in-use", "text": "it is used"}],
        "consumers": [{"id": "c1", "kind_title": "EC2 instance", "origin": "boto3 at 192.0.2.1", "seen": true}], "gaps": [],
    });
    for (name, value) in more.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

fn report(as_of: &str, keys: &[Value]) -> String {
    json!({"schema": "offkey.report/1", "as_of": as_of, "keys": keys, "a_field_of_later": 1}).to_string()
}

/// Runs the comparison: changes as (change, key, text), and the exit code.
fn compare(before: &[Value], after: &[Value], more: &[&str]) -> (Vec<(String, String, String)>, i32) {
    let dir = Dir::new();
    dir.file("a.json", report("2026-10-01T00:00:00Z", before));
    dir.file("b.json", report("2026-11-01T00:00:00Z", after));
    let output = offkey(&dir, &[&["diff", "a.json", "b.json", "--json"], more].concat());
    let parsed: Value =
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = parsed["changes"].as_array().unwrap();
    let changes = changes.iter().map(|c| (text(&c["change"]), text(&c["key"]), text(&c["text"]))).collect();
    (changes, code(&output))
}

#[test]
fn a_pipe_is_not_waited_for() {
    let dir = Dir::new();
    assert!(std::process::Command::new("mkfifo").arg(dir.path().join("a.json")).status().unwrap().success());
    dir.file("b.json", format!("\u{feff}{}", report("2026-10-01T02:00:00+02:00", &[])));
    let output = offkey(&dir, &["diff", "."]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("a.json") && stdout(&output).contains("2026-10-01"));
}

#[test]
fn what_became_of_a_key() {
    let one = || key("AKIA1", json!({}));
    let inactive = || key("AKIA1", json!({"status": "Inactive"}));
    let heir = || key("AKIA2", json!({"created": "2026-10-15T00:00:00Z", "consumers": []}));
    let stranger = || key("AKIA2", json!({"user": "other", "created": "2026-10-15T00:00:00Z"}));
    let old_stranger = || key("AKIA2", json!({"user": "other"}));
    // (before, after, changes, says)
    type Cell<'a> = (Vec<Value>, Vec<Value>, &'a [(&'a str, &'a str)], &'a str);
    let cells: Vec<Cell<'_>> = vec![
        (vec![one()], vec![one()], &[], ""),
        (vec![one()], vec![], &[("retired", "AKIA1")], "gone"),
        (vec![one()], vec![inactive()], &[("retired", "AKIA1")], "inactive"),
        (vec![one()], vec![heir()], &[("rotated", "AKIA1")], "AKIA2"),
        (vec![one()], vec![inactive(), heir()], &[("rotated", "AKIA1")], "AKIA2"),
        (vec![one()], vec![one(), heir()], &[("new-key", "AKIA2")], "2026-10-15"),
        (vec![one()], vec![stranger()], &[("new-key", "AKIA2"), ("retired", "AKIA1")], ""),
        (vec![one()], vec![one(), old_stranger()], &[("found", "AKIA2")], "2024"),
        (vec![inactive()], vec![one()], &[("returned", "AKIA1")], "Inactive"),
        (vec![inactive()], vec![], &[], ""),
        (vec![], vec![inactive()], &[], ""),
        (
            vec![key("AKIA1", json!({"gaps": [{"id": "no-trail", "blocks_unused": true}]}))],
            vec![key(
                "AKIA1",
                json!({"verdict": "retire", "reasons": [{"code": "unused", "text": "nothing uses it"}], "gaps": [{"id": "ses-smtp", "blocks_unused": true}]}),
            )],
            &[("verdict", "AKIA1")],
            "replace → retire: nothing uses it (unused); closed: no-trail; opened: ses-smtp",
        ),
        (
            vec![one()],
            vec![key(
                "AKIA1",
                json!({"consumers": [{"id": "c2", "kind_title": "Lambda function", "origin": "x", "seen": true}, {"id": "c3", "kind_title": "Mailer", "origin": "x", "seen": false}]}),
            )],
            &[("new-consumer", "AKIA1"), ("gone-consumer", "AKIA1")],
            "Lambda function: x",
        ),
        // A key of which nobody says whether it is active counts as active.
        (vec![key("AKIA1", json!({"status": null}))], vec![], &[("retired", "AKIA1")], ""),
    ];
    for (n, (before, after, want, says)) in cells.iter().enumerate() {
        let (changes, exit) = compare(before, after, &[]);
        let found: Vec<(&str, &str)> =
            changes.iter().map(|(change, key, _)| (change.as_str(), key.as_str())).collect();
        assert_eq!(found, *want, "cell {n}");
        assert!(
            changes.iter().any(|(.., text)| text.contains(says)) || says.is_empty(),
            "cell {n}: {changes:?}"
        );
        assert_eq!(exit, 0);
        let (_, exit) = compare(before, after, &["--fail-on", "any"]);
        assert_eq!(exit, if want.is_empty() { 0 } else { 10 }, "cell {n}");
        let (_, exit) = compare(before, after, &["--fail-on", "new-key", "--fail-on", "returned"]);
        let alarming = want.iter().any(|(change, _)| ["new-key", "returned"].contains(change));
        assert_eq!(exit, if alarming { 10 } else { 0 }, "cell {n}");
    }
}

#[test]
fn the_burn_down_takes_all_reports_of_a_directory_by_their_times() {
    let dir = Dir::new();
    let keys = |n: usize| (0..n).map(|n| key(&format!("AKIA{n}"), json!({}))).collect::<Vec<_>>();
    dir.file("reports/z.json", report("2026-08-01T00:00:00Z", &keys(9)));
    dir.file("reports/a.json", report("2026-10-01T00:00:00Z", &keys(3)));
    dir.file("reports/m.json", report("2026-09-01T00:00:00Z", &keys(6)));
    dir.file("reports/other.json", "{}");
    dir.file("reports/notes.txt", "x");
    let output = offkey(&dir, &["diff", "reports"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    let active: Vec<&str> =
        text.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(active, ["9", "6", "3"], "{text}");
    assert!(stderr(&output).contains("other.json"), "what is no report is said");
    assert_eq!(code(&offkey(&dir, &["diff", "reports/a.json"])), 2);
    assert_eq!(code(&offkey(&dir, &["diff", "reports/a.json", "reports/other.json"])), 1);
}

#[test]
fn hostile_names_stay_text() {
    let dir = Dir::new();
    let nasty = "</script><img src=x onerror=alert(1)>|\u{1b}[31m\u{202e}=HYPERLINK(1) `x` [a](http://b)";
    dir.file("a.json", report("2026-10-01T00:00:00Z", &[]));
    dir.file(
        "b.json",
        report(
            "2026-11-01T00:00:00Z",
            &[key(nasty, json!({"user": nasty, "reasons": [{"code": nasty, "text": nasty}]}))],
        ),
    );
    let output = offkey(&dir, &["diff", "a.json", "b.json", "-o", "d.md"]);
    let markdown = std::fs::read_to_string(dir.path().join("d.md")).unwrap();
    for text in [stdout(&output), markdown.clone()] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    for event in pulldown_cmark::Parser::new(&markdown) {
        use pulldown_cmark::{Event, Tag};
        let alive = matches!(
            event,
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. })
        );
        assert!(!alive, "{event:?}");
    }
}

#[test]
fn the_demo_is_as_it_was_and_its_sarif_is_what_code_scanning_takes() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "--quiet", "-o", "out"])), 0);
    let output = offkey(
        &dir,
        &["report", "out/estate", "--as-of", "2026-10-01", "-o", "r.json", "-o", "r.sarif", "-q"],
    );
    assert!([0, 3].contains(&code(&output)), "{}", stderr(&output));
    let output = offkey(&dir, &["diff", "r.json", "r.json"]);
    assert!(stdout(&output).contains("Nothing changed."), "{}", stdout(&output));
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(dir.path().join(name)).unwrap()).unwrap()
    };
    let (report, sarif) = (read("r.json"), read("r.sarif"));
    assert_eq!(support::faults_of_sarif(&sarif), Vec::<String>::new());
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let active = report["keys"].as_array().unwrap().iter().filter(|key| key["status"] != "Inactive").count();
    assert_eq!(results.len(), active);
    // What GitHub asks for, and its limits.
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut fingerprints: BTreeMap<&str, usize> = BTreeMap::new();
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["message"]["text"].as_str().unwrap().chars().count() <= 1000);
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{uri}");
        *fingerprints
            .entry(result["partialFingerprints"]["offkeyAccessKey/v1"].as_str().unwrap())
            .or_default() += 1;
    }
    assert!(fingerprints.values().all(|n| *n == 1), "one alert a key");
    // Another time, another verdict: the same alerts.
    let output = offkey(&dir, &["report", "out/estate", "--as-of", "2026-12-01", "-o", "later.sarif", "-q"]);
    assert!([0, 3].contains(&code(&output)), "{}", stderr(&output));
    let later = read("later.sarif");
    for result in later["runs"][0]["results"].as_array().unwrap() {
        assert!(
            fingerprints.contains_key(result["partialFingerprints"]["offkeyAccessKey/v1"].as_str().unwrap())
        );
    }
}
