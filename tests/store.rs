//! The evidence store: the same rows whatever is collected when, in whatever portions, however it is interrupted.

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

use offkey::demo::{BulkOptions, bulk};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::*;

/// A log object's place in a trail.
fn object(account: &str, day: u32, hour: u32, random: &str) -> String {
    format!(
        "trail/AWSLogs/{account}/CloudTrail/us-east-1/2026/09/{day:02}/{account}_CloudTrail_us-east-1_202609{day:02}T{hour:02}00Z_{random}.json.gz"
    )
}

fn collect(dir: &Dir, inputs: &[&str], store: &str) -> Value {
    let all: Vec<&str> = ["collect", "--quiet", "--json", "--store", store]
        .into_iter()
        .chain(inputs.iter().copied())
        .collect();
    let output = offkey(dir, &all);
    assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn evidence(dir: &Dir, inputs: &[&str]) -> String {
    let all: Vec<&str> =
        ["evidence", "--wide", "--quiet"].into_iter().chain(inputs.iter().copied()).collect();
    let output = offkey(dir, &all);
    assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
    stdout(&output)
}

/// What a report says, but for how it was read.
fn report(dir: &Dir, inputs: &[&str]) -> Value {
    let all: Vec<&str> = ["report", "--quiet", "--json", "--as-of", "2026-10-01"]
        .into_iter()
        .chain(inputs.iter().copied())
        .collect();
    let output = offkey(dir, &all);
    assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
    let mut report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    report["method"]["inputs"] = Value::Null;
    report
}

/// Many small objects, with sessions and everything.
fn estate(dir: &Dir, objects: u64) -> u64 {
    let mut made = 0;
    let options = BulkOptions { bytes: objects * 2_400, object_bytes: 1_500, key_share: 200, seed: 5 };
    bulk::<std::io::Error>(&options, &mut |path, bytes| {
        made += 1;
        dir.file(path, bytes);
        Ok(())
    })
    .unwrap();
    made
}

fn start(dir: &Dir, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_offkey"))
        .args(arguments)
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn any_portions_in_any_order_make_the_same_store() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "-o", "demo", "--days", "20", "--quiet"])), 0);
    let raw = report(&dir, &["demo/estate"]);
    collect(&dir, &["demo/estate"], "one.db");
    assert_eq!(report(&dir, &["one.db"]), raw);
    assert_eq!(evidence(&dir, &["one.db"]), evidence(&dir, &["demo/estate"]));
    // The accounts one by one, the last first, some of it twice, then everything.
    let accounts: Vec<String> = std::fs::read_dir(dir.path().join("demo/estate/trail/AWSLogs/o-exampleorg1"))
        .unwrap()
        .map(|entry| {
            format!(
                "demo/estate/trail/AWSLogs/o-exampleorg1/{}",
                entry.unwrap().file_name().to_string_lossy()
            )
        })
        .collect();
    for account in accounts.iter().rev().chain(accounts.first()) {
        collect(&dir, &[account, "--jobs", "1"], "many.db");
    }
    let last = collect(&dir, &["demo/estate", "--census"], "many.db");
    assert!(last["files_unchanged"].as_u64().unwrap() > 100, "{last}");
    assert_eq!(evidence(&dir, &["many.db"]), evidence(&dir, &["one.db"]));
    // A store and the files that it was made from are the same evidence.
    assert_eq!(evidence(&dir, &["one.db", "demo/estate"]), evidence(&dir, &["one.db"]));
    // So is a store of every second file together with one of the others.
    collect(&dir, &[&accounts[0]], "a.db");
    collect(&dir, &["demo/estate", "--since", "2026-09-20"], "b.db");
    collect(&dir, &["demo/estate", "--until", "2026-09-19"], "b.db");
    assert_eq!(evidence(&dir, &["a.db", "b.db"]), evidence(&dir, &["one.db"]));
}

#[test]
fn killed_at_any_moment_and_run_again_nothing_is_lost_or_counted_twice() {
    let dir = Dir::new();
    let objects = estate(&dir, 7_000);
    // Several portions, so that there are moments between two.
    let reading = ["trail", "--jobs", "1", "--portion-files", "1000"];
    // The quickest of three, as kills after the end say nothing.
    let mut whole_time = Duration::MAX;
    for name in ["whole1.db", "whole2.db", "whole.db"] {
        let begin = Instant::now();
        collect(&dir, &reading, name);
        whole_time = whole_time.min(begin.elapsed());
    }
    let (rows, told) = (evidence(&dir, &["whole.db"]), report(&dir, &["whole.db"]));
    let mut seed = 11_u64;
    let mut kept = Vec::new();
    let (mut kills, mut store) = (0, 0);
    while kills < 100 {
        store += 1;
        let name = format!("killed{store}.db");
        // One kill to four, then left to finish: after many, little is left to do.
        for _ in 0..=store % 4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let wait = whole_time.mul_f64((seed >> 40) as f64 / (1_u64 << 24) as f64);
            let mut child = start(&dir, &[&["collect", "--store", &name][..], &reading].concat());
            std::thread::sleep(wait);
            let ended = child.try_wait().unwrap().is_some();
            child.kill().unwrap();
            child.wait().unwrap();
            kills += usize::from(!ended);
        }
        let last = collect(&dir, &["trail"], &name);
        kept.push(last["files_unchanged"].as_u64().unwrap());
        assert_eq!(evidence(&dir, &[&name]), rows, "{name}");
        assert_eq!(report(&dir, &[&name]), told, "{name}");
        let bytes = std::fs::read(dir.path().join(&name)).unwrap();
        assert!(bytes.starts_with(b"SQLite format 3\0"));
    }
    let partly = kept.iter().filter(|kept| (1..objects).contains(kept)).count();
    println!(
        "{kills} kills in {store} stores of {objects} objects; {partly} stores were partly filled before the last run"
    );
    assert!(partly > 3, "no kill came between two portions: {kept:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_read_and_says_so() {
    let dir = Dir::new();
    estate(&dir, 2_500);
    let mut interrupted = 0;
    for wait in [60, 100, 140, 200, 260, 320] {
        let name = format!("i{wait}.db");
        let child = Command::new(env!("CARGO_BIN_EXE_offkey"))
            .args(["collect", "trail", "--jobs", "1", "--store", &name])
            .current_dir(dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let pid = child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.code() == Some(130) {
            interrupted += 1;
            assert!(stderr(&output).contains("run the same command again"), "{}", stderr(&output));
        }
        collect(&dir, &["trail"], &name);
        assert_eq!(evidence(&dir, &[&name]), evidence(&dir, &["trail"]));
    }
    assert!(interrupted > 0, "every run was over before its interrupt");
}

#[test]
fn two_collectors_of_one_store_take_turns() {
    let dir = Dir::new();
    estate(&dir, 1_000);
    let mut first = start(&dir, &["collect", "trail", "--store", "s.db"]);
    let mut second = start(&dir, &["collect", "trail", "--store", "s.db"]);
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_eq!(evidence(&dir, &["s.db"]), evidence(&dir, &["trail"]));
}

#[test]
fn a_second_run_reads_only_what_is_new() {
    let dir = Dir::new();
    let objects = estate(&dir, 1_000);
    assert_eq!(collect(&dir, &["trail"], "s.db")["files_read"], objects);
    let again = collect(&dir, &["trail"], "s.db");
    assert_eq!((&again["files_read"], &again["files_unchanged"]), (&json!(0), &json!(objects)));
    // A file that changed is read again; what it said before stays, as it happened.
    let name = object("222233334444", 1, 0, "abcDEF0123456789");
    let own = |n, name: &str| {
        with(record(n, name, "2026-09-01T00:00:00Z"), json!({"recipientAccountId": "222233334444"}))
    };
    dir.file(&name, gzip(&trail(&[own(1, "First")])));
    assert_eq!(collect(&dir, &["trail"], "s.db")["files_read"], 1);
    dir.file(&name, gzip(&trail(&[own(2, "Second"), own(3, "Second")])));
    assert_eq!(collect(&dir, &["trail"], "s.db")["files_read"], 1);
    let rows = evidence(&dir, &["s.db"]);
    assert!(rows.contains("\"First\"") && rows.contains("\"Second\""), "{rows}");
    let coverage = report(&dir, &["s.db"]);
    let account = coverage["coverage"]["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["account"] == "222233334444")
        .unwrap();
    assert_eq!(
        (&account["regions"][0]["records"], &account["regions"][0]["objects"]),
        (&json!(2), &json!(1))
    );
    // Half a file is tried again, even if it looks the same.
    dir.file(&name, &gzip(&trail(&[own(4, "Third")]))[..60]);
    for _ in 0..2 {
        let output = offkey(&dir, &["collect", "trail", "--store", "s.db", "--json"]);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
    }
}

#[test]
fn sessions_are_followed_whatever_run_brings_them() {
    let dir = Dir::new();
    let role = json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROAEXAMPLE:x", "arn": "arn:aws:sts::111122223333:assumed-role/r/x",
        "accountId": "111122223333", "accessKeyId": "ASIAIOSFODNN7EXAMPLE"}});
    // The fields in CloudTrail's own order, so that the quick way knows it for a role's session.
    let mut used = record(2, "Used", "2026-09-01T01:00:00Z");
    used["userIdentity"] = role["userIdentity"].clone();
    let mut stranger = record(5, "Stranger", "2026-09-01T01:00:00Z");
    stranger["userIdentity"] = role["userIdentity"].clone();
    stranger["userIdentity"]["accessKeyId"] = json!("ASIAI44QH8DHBEXAMPLE");
    let minted = with(
        record(1, "AssumeRole", "2026-09-02T00:00:00Z"),
        json!({"responseElements": {"credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"}}, "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/r"}}),
    );
    let use_file =
        dir.file(&object("111122223333", 1, 1, "use"), gzip(&trail(&[stranger.clone(), used, stranger])));
    collect(&dir, &["trail"], "s.db");
    assert!(!evidence(&dir, &["s.db"]).contains("Used"));
    dir.file(&object("111122223333", 2, 0, "mint"), gzip(&trail(&[minted])));
    let second = collect(&dir, &["trail"], "s.db");
    assert_eq!((&second["files_read"], &second["files_read_again"]), (&json!(1), &json!(1)));
    let rows = evidence(&dir, &["s.db"]);
    assert!(rows.contains("Used") && !rows.contains("Stranger"), "{rows}");
    assert_eq!(rows, evidence(&dir, &["trail"]));
    assert_eq!(collect(&dir, &["trail"], "s.db")["files_read_again"], 0, "once is enough");
    // If the file is gone by then, the store says what it cannot know, until it is there again.
    collect(&dir, &[use_file.to_str().unwrap()], "gone.db");
    let aside = dir.path().join("aside");
    std::fs::rename(&use_file, &aside).unwrap();
    for _ in 0..2 {
        let output = offkey(&dir, &["collect", "trail", "--store", "gone.db"]);
        assert_eq!(code(&output), 3);
        assert!(stderr(&output).contains("role sessions in it"), "{}", stderr(&output));
    }
    assert_eq!(report(&dir, &["gone.db"])["skipped"].as_array().unwrap().len(), 1);
    std::fs::rename(&aside, &use_file).unwrap();
    assert_eq!(code(&offkey(&dir, &["collect", "trail", "--store", "gone.db"])), 0);
    assert!(evidence(&dir, &["gone.db"]).contains("Used"));
}

#[cfg(unix)]
#[test]
fn what_could_not_be_listed_is_known_until_it_can_be() {
    let dir = Dir::new();
    dir.file(&object("111122223333", 1, 0, "one"), gzip(&trail(&[record(1, "A", "2026-09-01T00:00:00Z")])));
    let link = dir.path().join("trail/link");
    std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
    for _ in 0..2 {
        assert_eq!(code(&offkey(&dir, &["collect", "trail", "--store", "s.db"])), 3);
    }
    assert_eq!(report(&dir, &["s.db"])["skipped"].as_array().unwrap().len(), 1);
    // Listing something else says nothing of it.
    dir.file("other/x.json", trail(&[]));
    assert_eq!(code(&offkey(&dir, &["collect", "other", "--store", "s.db"])), 3);
    std::fs::remove_file(&link).unwrap();
    assert_eq!(code(&offkey(&dir, &["collect", "trail", "--store", "s.db"])), 0);
}

#[test]
fn copies_count_once_even_without_ids() {
    let dir = Dir::new();
    let bare = with(record(1, "Bare", "2026-09-01T00:00:00Z"), json!({"eventID": null}));
    let lines = format!("{bare}\n{bare}\n");
    dir.file("export.jsonl", &lines);
    for _ in 0..2 {
        collect(&dir, &["export.jsonl"], "s.db");
        std::fs::write(dir.path().join("export.jsonl"), &lines).unwrap();
    }
    let counted = |store: &str| rows(&offkey(&dir, &["evidence", "--quiet", store]));
    assert_eq!(counted("s.db"), [("Bare".to_owned(), 2)]);
    for _ in 0..2 {
        let output = offkey_with_input(&dir, &["collect", "-", "--store", "piped.db"], lines.as_bytes());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    assert_eq!(counted("piped.db"), [("Bare".to_owned(), 2)]);
    // A log object is the same object wherever it lies.
    let name = object("222233334444", 1, 0, "abcDEF0123456789");
    let bytes = gzip(&trail(&[bare.clone(), record(2, "Full", "2026-09-01T00:00:00Z")]));
    dir.file(&name, &bytes);
    dir.file(&format!("copy/{name}"), &bytes);
    for input in ["trail", "copy", "."] {
        collect(&dir, &[input], "copies.db");
    }
    let mut all = counted("copies.db");
    all.retain(|(_, n)| *n > 0);
    assert_eq!(all, [("Bare".to_owned(), 3), ("Full".to_owned(), 1)], "two in the export, one in the object");
}

#[test]
fn a_store_that_is_damaged_or_foreign_is_named_and_left_alone() {
    let dir = Dir::new();
    estate(&dir, 300);
    collect(&dir, &["trail"], "s.db");
    let path = dir.path().join("s.db");
    let good = std::fs::read(&path).unwrap();
    // Whole pages, as disks lose them. SQLite keeps no checksums: single bytes of text can change unnoticed.
    let pages = good.len() / 4096;
    for at in [4096 * 3, pages / 2 * 4096, (pages - 2) * 4096] {
        let mut bad = good.clone();
        bad[at..at + 4096].fill(0xa5);
        std::fs::write(&path, &bad).unwrap();
        for arguments in [&["report", "s.db"][..], &["evidence", "s.db"]] {
            let output = offkey(&dir, arguments);
            assert_eq!(code(&output), 1, "{at}: {}", stderr(&output));
            assert!(stderr(&output).contains("damaged"), "{at}: {}", stderr(&output));
        }
        dir.file(
            &object("111122223333", 1, 0, "new"),
            gzip(&trail(&[record(1, "A", "2026-09-01T00:00:00Z")])),
        );
        let output = offkey(&dir, &["collect", "trail", "--store", "s.db"]);
        assert_eq!(code(&output), 1, "{at}: {}", stderr(&output));
        assert_eq!(std::fs::read(&path).unwrap(), bad, "left as it was");
    }
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    assert_eq!(code(&offkey(&dir, &["report", "s.db"])), 1);
    std::fs::write(&path, "notes").unwrap();
    let output = offkey(&dir, &["collect", "trail", "--store", "s.db"]);
    assert_eq!((code(&output), std::fs::read(&path).unwrap()), (1, b"notes".to_vec()));
    assert_eq!(code(&offkey(&dir, &["collect", "trail", "--store", "no/such/dir/s.db"])), 1);
    assert_eq!(code(&offkey(&dir, &["collect", "trail", "--since", "soon"])), 2);
    assert_eq!(code(&offkey(&dir, &["collect", "trail", "--accounts", "12"])), 2);
}
