//! Real, public data, where it is at hand: rows equal the slow reference's, reports say what the records say.

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

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use support::*;

type Rows = BTreeMap<Vec<String>, (u64, Option<jiff::Timestamp>, Option<jiff::Timestamp>)>;

fn parsed(text: &str) -> Rows {
    let columns = [
        "access_key_id",
        "event_source",
        "event_name",
        "aws_region",
        "source_ip",
        "user_agent",
        "error_code",
    ];
    let mut rows = Rows::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let key = columns.iter().map(|c| row[c].as_str().unwrap().to_owned()).collect();
        let time = |name: &str| offkey::model::parse_instant(row[name].as_str().unwrap());
        let value = (row["count"].as_u64().unwrap(), time("first_seen"), time("last_seen"));
        assert!(rows.insert(key, value).is_none(), "a row stands twice: {line}");
    }
    rows
}

fn compare(oracle: &Path, input: &Path) -> usize {
    let dir = Dir::new();
    let reference =
        Command::new("python3").arg(oracle).arg(input).output().expect("python3 runs the reference");
    assert!(reference.status.success(), "{}", stderr(&reference));
    let output = offkey(&dir, &["evidence", "--quiet", input.to_str().unwrap(), "-o", "rows.jsonl"]);
    // The reference finds no records in some directories; then there is nothing to write.
    let ours = std::fs::read_to_string(dir.path().join("rows.jsonl")).unwrap_or_default();
    let (ours, reference) = (parsed(&ours), parsed(&stdout(&reference)));
    assert!(matches!(code(&output), 0 | 3), "{}: {}", input.display(), stderr(&output));
    for (key, row) in &reference {
        assert_eq!(ours.get(key), Some(row), "{}: {key:?}", input.display());
    }
    assert_eq!(ours.len(), reference.len(), "{}", input.display());
    ours.len()
}

#[test]
fn rows_equal_the_reference() {
    let Some(shared) = shared("the comparison with the reference") else {
        return;
    };
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: the comparison with the reference needs python3");
        return;
    }
    let oracle = shared.join("tools/oracle.py");
    let data = shared.join("data/cloudtrail");
    let mut sources: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.sort();
    assert!(sources.len() >= 10, "sources are missing in {}", data.display());
    sources.push(data);
    for source in &sources {
        println!(
            "{}: {} rows, equal",
            source.file_name().unwrap().to_string_lossy(),
            compare(&oracle, source)
        );
    }
}

fn report(input: &Path) -> Value {
    let dir = Dir::new();
    let output = offkey(&dir, &["report", input.to_str().unwrap(), "-o", "r.json", "--as-of", "evidence"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    serde_json::from_slice(&std::fs::read(dir.path().join("r.json")).unwrap()).unwrap()
}

#[test]
fn invictus_is_told_apart() {
    let Some(shared) = shared("the invictus report") else {
        return;
    };
    let report = report(&shared.join("data/cloudtrail/invictus_aws_dataset"));
    let keys = report["keys"].as_array().unwrap();
    let programs = |key: &Value| -> Vec<String> {
        let consumers = key["consumers"].as_array().unwrap();
        let names = consumers.iter().flat_map(|c| c["programs"].as_array().unwrap());
        names.map(|p| p["name"].as_str().unwrap().to_owned()).collect()
    };
    let with = |program: &str| {
        keys.iter()
            .find(|key| programs(key).iter().any(|p| p == program))
            .unwrap_or_else(|| panic!("no {program}"))
    };
    let attacker = with("terraform");
    assert_eq!(attacker["reference"], with("stratus-red-team")["reference"]);
    assert_eq!(attacker["consumers"].as_array().unwrap().len(), 2, "Terraform and Stratus are two consumers");
    let terraform = &attacker["consumers"][0];
    assert_eq!(terraform["programs"][0]["name"], "terraform");
    assert_eq!(terraform["drivers"], serde_json::json!(["stratus-red-team"]));
    // Derived sessions: what they signed counts for the key, under their path.
    assert_eq!(attacker["sessions"]["handed_out"], 10);
    assert_eq!(attacker["usage"]["derived_events"], 47);
    assert!(attacker["consumers"][1]["session_paths"].as_array().unwrap().len() >= 3);
    // The console: one key whose records carry a session context, and sessions that no key handed out.
    let console = with("aws-console");
    assert_eq!(console["usage"]["session_context_events"], 35);
    assert_eq!(console["verdict"], "investigate");
    assert!(console["reasons"].as_array().unwrap().iter().any(|r| r["code"] == "session-context"));
    let sessions = report["user_sessions"].as_array().unwrap();
    assert!(sessions.iter().any(|s| s["console"] == true));
    assert!(keys.iter().all(|key| key["verdict"] != "retire"));
}

#[test]
fn iam_exports_alone_leave_things_unknown_and_say_so() {
    let Some(shared) = shared("the reports without CloudTrail") else {
        return;
    };
    let users = report(&shared.join("data/iam/cloudsplaining/examples"));
    assert_eq!(users["keys"].as_array().unwrap().len(), 0);
    let unknown = users["users_with_unknown_keys"].as_array().unwrap().len();
    assert!(unknown > 10);
    let unknowns = users["coverage"]["unknowns"].to_string();
    assert!(
        unknowns.contains("No CloudTrail events were read")
            && unknowns.contains(&format!("covers {unknown} users")),
        "{unknowns}"
    );
    let slots = report(&shared.join("data/iam/cloudmapper"));
    let keys = slots["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 4, "root, auditor_tmp, and both of user");
    for key in keys {
        assert_eq!(key["verdict"], "investigate", "{key}");
        assert!(key["gaps"].as_array().unwrap().iter().any(|gap| gap["id"] == "no-trail"));
    }
}
