//! Exemptions: written by a command, shown and counted in every report, named when they are over.

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
use std::fs;
use support::{Dir, KEY, code, offkey, record, stderr, stdout, trail, with};

fn estate() -> Dir {
    let dir = Dir::new();
    let other = with(
        record(2, "ListUsers", "2026-09-01T00:00:00Z"),
        json!({"userIdentity": {"accessKeyId": "AKIAI44QH8DHBEXAMPLE", "userName": "other", "arn": "arn:aws:iam::111122223333:user/other"}}),
    );
    dir.file("a.json", trail(&[record(1, "ListBuckets", "2026-09-01T00:00:00Z"), other]));
    dir
}

fn report(dir: &Dir, more: &[&str]) -> (Value, i32, String) {
    let output = offkey(dir, &[&["report", "a.json", "--as-of", "2026-10-01", "--json"], more].concat());
    (serde_json::from_str(&stdout(&output)).unwrap_or_default(), code(&output), stderr(&output))
}

#[test]
fn a_mute_is_written_shown_and_silences_the_gate() {
    let dir = estate();
    let (all, exit, _) = report(&dir, &["--fail-on", "any"]);
    assert_eq!((exit, all["mutes"].as_array().unwrap().len()), (10, 0));
    let mute = |more: &[&str]| {
        offkey(&dir, &[&["mute", "--reason", "frozen \"for\" the audit", "--owner", "ops"], more].concat())
    };
    let today = jiff_today(30);
    for (arguments, exit) in [
        (vec!["--user", "ci", "--expires", &today], 0),
        (vec!["--key", "AKIAI44QH8DHBEXAMPLE", "--expires", &today], 0),
        (vec!["--user", "x", "--expires", "2020-01-01"], 2),
        (vec!["--user", "x", "--expires", "2999-01-01"], 2),
        (vec!["--user", "x", "--expires", "soon"], 2),
        (vec!["--user", "x"], 2),
        (vec!["--expires", &today], 2),
    ] {
        let output = mute(&arguments);
        assert_eq!(code(&output), exit, "{arguments:?}: {}", stderr(&output));
    }
    let (muted, exit, _) = report(&dir, &["--fail-on", "any"]);
    assert_eq!(exit, 0, "exempt keys raise no alarm");
    assert_eq!(muted["summary"]["keys_muted"], 2);
    assert_eq!(muted["keys"].as_array().unwrap().len(), 2, "and are shown all the same");
    let of = |id: &str| {
        muted["keys"].as_array().unwrap().iter().find(|key| key["reference"] == id).unwrap()["muted_by"]
            .clone()
    };
    assert_eq!((of(KEY), of("AKIAI44QH8DHBEXAMPLE")), (json!(0), json!(1)));
    assert_eq!(muted["mutes"][0]["reason"], "frozen \"for\" the audit");
    let text = stdout(&offkey(&dir, &["report", "a.json", "--as-of", "2026-10-01"]));
    assert!(text.contains("2 keys left alone by 2 exemptions"), "{text}");
    let listed = stdout(&offkey(&dir, &["mute"]));
    assert!(listed.contains("user ci  until") && listed.contains("ops: frozen"), "{listed}");
}

/// A day so many days from now.
fn jiff_today(days: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    then.to_string()[..10].to_owned()
}

#[test]
fn what_is_over_or_malformed_mutes_nothing_and_is_named() {
    for (text, state) in [
        ("[[mute]]\nuser = \"ci\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2026-09-30\"\n", "expired"),
        ("[[mute]]\nuser = \"ci\"\nreason = \"r\"\nexpires = \"2026-12-30\"\n", "malformed"),
    ] {
        let dir = estate();
        dir.file("offkey.mutes.toml", text);
        let (found, exit, _) = report(&dir, &["--fail-on", "any"]);
        assert_eq!((exit, &found["summary"]["keys_muted"]), (10, &json!(0)), "{state}");
        assert_eq!((&found["mutes"][0]["state"], &found["mutes"][0]["keys"]), (&json!(state), &json!(1)));
        offkey(&dir, &["report", "a.json", "--as-of", "2026-10-01", "-o", "r.md", "-o", "r.html"]);
        let markdown = fs::read_to_string(dir.path().join("r.md")).unwrap();
        assert!(markdown.contains(&format!("| {state} | user ci | 1 |")), "{markdown}");
        let text = stdout(&offkey(&dir, &["report", "a.json", "--as-of", "2026-10-01"]));
        assert!(text.contains(&format!("{state} exemption of user ci mutes nothing")), "{text}");
    }
    // A file that cannot be read: the report is made without it, and says so; nothing is added to it.
    let dir = estate();
    dir.file("offkey.mutes.toml", "[[mute]\n");
    let (found, exit, said) = report(&dir, &["--fail-on", "any"]);
    assert!(exit == 10 && found["mutes"] == json!([]) && said.contains("exemptions are not used"), "{said}");
    let output =
        offkey(&dir, &["mute", "--user", "x", "--reason", "r", "--owner", "o", "--expires", &jiff_today(3)]);
    assert_eq!(code(&output), 1);
    assert_eq!(fs::read_to_string(dir.path().join("offkey.mutes.toml")).unwrap(), "[[mute]\n");
}
