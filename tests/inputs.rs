//! Every container, oddity and damage of the inputs, as a user meets them on the command line.

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

use serde_json::json;
use support::*;

const T: &str = "2026-09-01T00:00:00Z";

#[test]
fn every_container_gives_the_same_rows() {
    let (a, b) = (record(1, "ListBuckets", T), record(2, "GetBucketAcl", T));
    let lookup = json!({"Events": [
        {"EventId": "1", "EventName": "ListBuckets", "CloudTrailEvent": a.to_string()},
        {"EventId": "2", "EventName": "GetBucketAcl", "CloudTrailEvent": b.to_string()}]});
    let lines = format!("{a}\n{b}\n");
    let pretty = serde_json::to_string_pretty(&json!({"Records": [a, b]})).unwrap();
    let both = trail(&[a.clone(), b.clone()]);
    let members = [gzip(a.to_string().as_bytes()), gzip(format!("\n{b}").as_bytes())].concat();
    let dir = Dir::new();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("records", both.clone()),
        ("misnamed.txt", gzip(&both)),
        ("bare array", json!([a, b]).to_string().into()),
        ("array of containers", json!([{"Records": [a]}, {"Records": [[b]]}]).to_string().into()),
        ("lines", lines.clone().into()),
        ("lines with a byte order mark and padding", format!("\u{feff}\0\0{lines}\0\0").into()),
        ("pretty", pretty.into()),
        ("lookup-events", lookup.to_string().into()),
        (
            "eventbridge",
            format!("{}\n{}", json!({"detail-type": "x", "detail": a}), json!({"detail": b})).into(),
        ),
        ("wrapped", json!({"data": {"Records": [a, b]}}).to_string().into()),
        (
            "utf-16",
            [0xfe, 0xff]
                .into_iter()
                .chain(String::from_utf8_lossy(&both).encode_utf16().flat_map(u16::to_be_bytes))
                .collect(),
        ),
        ("gzip members", members),
        ("gzip in gzip", gzip(&gzip(&both))),
        ("zip", zip(&[("x/a.json.gz", gzip(a.to_string().as_bytes())), ("b.json", b.to_string().into())])),
    ];
    for (name, bytes) in cases {
        dir.file(name, &bytes);
        let from_file = offkey(&dir, &["evidence", name]);
        assert_eq!(
            (rows(&from_file), code(&from_file)),
            (vec![("GetBucketAcl".into(), 1), ("ListBuckets".into(), 1)], 0),
            "{name}: {}",
            stderr(&from_file)
        );
        let from_stdin = offkey_with_input(&dir, &["evidence", "-"], &bytes);
        assert_eq!(stdout(&from_stdin), stdout(&from_file), "{name} on standard input");
    }
    // All of them at once: every event counts once.
    let all = offkey(&dir, &["evidence", "."]);
    assert_eq!(rows(&all), [("GetBucketAcl".into(), 1), ("ListBuckets".into(), 1)]);
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

#[test]
fn oddities_of_single_fields() {
    let dir = Dir::new();
    let base = || record(1, "X", T);
    let cases = [
        (with(base(), json!({"userAgent": ["a", "b"]})), "user_agent", "\"a\", \"b\""),
        (with(base(), json!({"userAgent": null})), "user_agent", ""),
        (with(base(), json!({"sourceIPAddress": "253.252.51.07"})), "source_ip", "253.252.51.07"),
        (with(base(), json!({"sourceIPAddress": "redacted"})), "source_ip", "redacted"),
        (
            with(base(), json!({"eventTime": "2025-01-21 17:49:47.000000000"})),
            "first_seen",
            "2025-01-21T17:49:47Z",
        ),
        (
            with(base(), json!({"eventTime": "2022-02-08 09:23:37+11:00"})),
            "last_seen",
            "2022-02-07T22:23:37Z",
        ),
        (with(base(), json!({"eventTime": "sometime"})), "first_seen", ""),
        (
            with(base(), json!({"userIdentity": {"accessKeyId": "AKIA****************"}})),
            "access_key_id",
            "AKIA****************",
        ),
        (
            with(base(), json!({"userIdentity": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE2"}})),
            "access_key_id",
            "AKIAIOSFODNN7EXAMPLE2",
        ),
        (with(base(), json!({"errorMessage": "denied"})), "error_code", ""),
        (
            with(base(), json!({"errorCode": "AccessDenied", "readOnly": "true"})),
            "error_code",
            "AccessDenied",
        ),
        (
            with(base(), json!({"eventVersion": "1.01", "eventType": null, "recipientAccountId": null})),
            "event_name",
            "X",
        ),
    ];
    for (record, column, want) in cases {
        let output = offkey_with_input(&dir, &["evidence", "-"], record.to_string().as_bytes());
        let row: serde_json::Value =
            serde_json::from_str(&stdout(&output)).unwrap_or_else(|e| panic!("{record}: {e}"));
        assert_eq!(row[column], want, "{record}");
    }
    for none in [
        json!({"userIdentity": null}),
        json!({"userIdentity": {"accessKeyId": ""}}),
        json!({"userIdentity": {"type": "AssumedRole"}}),
    ] {
        let output =
            offkey_with_input(&dir, &["evidence", "-"], with(base(), none.clone()).to_string().as_bytes());
        assert_eq!((stdout(&output).as_str(), code(&output)), ("", 0), "{none}");
    }
}

#[test]
fn placeholder_event_ids_do_not_make_different_records_one() {
    let dir = Dir::new();
    let odd = |name: &str| with(record(1, name, T), json!({"eventID": "..."}));
    let input = trail(&[odd("A"), odd("A"), odd("B"), record(5, "C", T), record(5, "C", T)]);
    let output = offkey_with_input(&dir, &["evidence", "-"], &input);
    assert_eq!(rows(&output), [("A".into(), 2), ("B".into(), 1), ("C".into(), 1)]);
}

#[test]
fn records_before_and_after_damage_count_and_the_damage_is_named() {
    let dir = Dir::new();
    let whole = gzip(&trail(&(0..2000).map(|n| record(n, "A", T)).collect::<Vec<_>>()));
    dir.file("cut.json.gz", &whole[..whole.len() / 2]);
    dir.file("cut.json", &trail(&[record(5000, "B", T), record(5001, "B", T)])[..1000]);
    dir.file(
        "middle.jsonl",
        format!("{}\n{{\"eventName\": oops\n{}\n", record(6000, "C", T), record(6001, "C", T)),
    );
    dir.file(
        "escape.json",
        String::from_utf8(trail(&[record(7000, "D", T), record(7001, "D", T)])).unwrap().replacen(
            "us-east-1",
            "us\\xeast-1",
            1,
        ),
    );
    dir.file("good.json", trail(&[record(8000, "E", T)]));
    let output = offkey(&dir, &["evidence", "."]);
    let rows = rows(&output);
    let count = |name: &str| rows.iter().filter(|(n, _)| n == name).map(|(_, c)| *c).sum::<u64>();
    assert!(count("A") > 100 && count("A") < 2000, "{rows:?}");
    assert_eq!((count("B"), count("C"), count("D"), count("E")), (1, 2, 1, 1), "{rows:?}");
    assert_eq!(code(&output), 3, "the evidence is incomplete");
    let errors = stderr(&output);
    for (file, reason) in [
        ("cut.json.gz at byte", "damaged-archive"),
        ("cut.json at byte 0", "truncated"),
        ("middle.jsonl at byte", "malformed-json"),
    ] {
        assert!(
            errors.lines().any(|line| line.contains(file) && line.contains(reason)),
            "{file} {reason}: {errors}"
        );
    }
}

#[test]
fn an_invalid_record_spoils_no_other() {
    let dir = Dir::new();
    let text = String::from_utf8(trail(&[record(1, "A", T), record(2, "B", T), record(3, "C", T)])).unwrap();
    let output = offkey_with_input(
        &dir,
        &["evidence", "-"],
        text.replacen("\"eventName\":\"B\"", "\"eventName\":\"B\u{1}\"", 1).as_bytes(),
    );
    assert_eq!(rows(&output), [("A".into(), 1), ("C".into(), 1)]);
    assert_eq!(code(&output), 3);
}

#[test]
fn nothing_to_read_is_an_error_that_says_so() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    dir.file(
        "noise/x.json.gz",
        (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    );
    dir.file("zero/x.json", "");
    dir.file("words/x.txt", "these are words, not logs\n");
    dir.file("utf16/x.json", b"\xff\xfe{\0}\0");
    dir.file("other/x.json", "{\"a\":1}");
    for (name, why) in [
        ("empty", "no files"),
        ("noise", "binary content"),
        ("zero", "empty"),
        ("words", "neither JSON nor"),
        ("utf16", "neither CloudTrail records"),
        ("other", "neither CloudTrail records nor a known export"),
        ("missing", "no such file"),
    ] {
        let output = offkey(&dir, &["report", name]);
        assert_eq!((code(&output), stdout(&output).as_str()), (1, ""), "{name}");
        let errors = stderr(&output);
        assert!(errors.contains(why) && errors.contains("hint:"), "{name}: {errors}");
    }
}

#[cfg(unix)]
#[test]
fn pipes_links_and_unreadable_files_are_named_and_hide_nothing() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = Dir::new();
    dir.file("logs/good.json", trail(&[record(1, "A", T)]));
    let fifo = dir.path().join("logs/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("../logs", dir.path().join("logs/again")).unwrap();
    symlink("nowhere", dir.path().join("logs/dangling")).unwrap();
    symlink("good.json", dir.path().join("logs/link.json")).unwrap();
    let secret = dir.file("logs/secret.json", trail(&[record(2, "B", T)]));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    let output = offkey(&dir, &["evidence", "logs"]);
    let rows = rows(&output);
    assert!(rows.contains(&("A".into(), 1)), "the link's copy counts once: {rows:?}");
    assert_eq!(code(&output), 3);
    let errors = stderr(&output);
    for why in
        ["logs/fifo: not-a-regular-file (a named pipe", "logs/again: link-loop", "logs/dangling: unreadable"]
    {
        assert!(errors.contains(why), "{why}: {errors}");
    }
    // Root reads everything, so that this holds for ordinary users only.
    if rows.iter().all(|(name, _)| name != "B") {
        assert!(errors.contains("logs/secret.json: unreadable"), "{errors}");
    }
    let alone = offkey(&dir, &["report", "logs/fifo"]);
    assert_eq!(code(&alone), 1);
    assert!(stderr(&alone).contains("named pipe"), "{}", stderr(&alone));
}

#[test]
fn the_order_of_inputs_changes_nothing() {
    let dir = Dir::new();
    let copies = [
        record(1, "B", "2026-09-02T00:00:00Z"),
        record(1, "A", T),
        with(record(1, "A", T), json!({"awsRegion": "eu-west-1"})),
    ];
    for (n, copy) in copies.iter().enumerate() {
        dir.file(&format!("{n}.json"), copy.to_string());
    }
    let mut results = Vec::new();
    for order in
        [["0.json", "1.json", "2.json"], ["2.json", "1.json", "0.json"], ["1.json", "0.json", "2.json"]]
    {
        for jobs in ["1", "4"] {
            results.push(stdout(&offkey(&dir, &["evidence", "--jobs", jobs, order[0], order[1], order[2]])));
        }
    }
    assert!(results.iter().all(|r| *r == results[0]), "{results:?}");
    assert!(results[0].contains("eu-west-1") && results[0].lines().count() == 1, "{}", results[0]);
}

#[test]
fn a_gigabyte_of_brackets_takes_no_memory() {
    // Through a pipe, so that no disk is needed either; the limit on address space is the check.
    let script = "head -c 1000000000 /dev/zero | tr '\\0' '[' | (ulimit -v 1000000; exec \"$0\" report -)";
    let output = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_offkey")])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("too-deep"), "{errors}");
}
