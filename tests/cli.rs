//! The command line as a user types it: outputs, exit codes, streams, documents.

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
use support::*;

const T: &str = "2026-09-01T00:00:00Z";
const NOW: &str = "2026-09-02T00:00:00Z";

fn estate() -> Dir {
    let dir = Dir::new();
    dir.file(
        "logs/a.json",
        trail(&[
            record(1, "ListBuckets", T),
            with(record(2, "GetBucketAcl", T), json!({"errorCode": "AccessDenied"})),
        ]),
    );
    dir
}

#[test]
fn one_analysis_many_outputs() {
    let dir = estate();
    let output = offkey(
        &dir,
        &["report", "logs", "-o", "r.html", "-o", "r.md", "-o", "r.json", "-o", "r.csv", "--as-of", NOW],
    );
    assert_eq!(
        (code(&output), stdout(&output).as_str()),
        (0, ""),
        "data goes to the files: {}",
        stderr(&output)
    );
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert!(read("r.html").starts_with("<!"));
    assert!(read("r.md").contains(KEY) && read("r.csv").contains(KEY));
    let report: Value = serde_json::from_str(&read("r.json")).unwrap();
    assert_eq!(report["schema"], "offkey.report/1");
    assert_eq!(report["keys"][0]["usage"]["denied_events"], 1);
}

#[test]
fn json_matches_its_schema() {
    let dir = estate();
    let schema: Value = serde_json::from_str(&stdout(&offkey(&dir, &["schema"]))).unwrap();
    let report: Value = serde_json::from_str(&stdout(&offkey(&dir, &["report", "logs", "--json"]))).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut wrong = report;
    wrong["keys"][0]["consumers"] = json!("none");
    assert!(!validator.is_valid(&wrong), "the schema holds nothing");
}

#[test]
fn standard_output_is_data_and_standard_error_is_people() {
    let dir = estate();
    dir.file("logs/bad.json", "{\"Records\":[");
    let output = offkey(&dir, &["report", "logs", "--json"]);
    serde_json::from_slice::<Value>(&output.stdout).unwrap();
    assert!(
        stderr(&output).contains("warning: skipped logs/bad.json at byte 0: truncated"),
        "{}",
        stderr(&output)
    );
    let quiet = offkey(&dir, &["report", "logs", "--json", "--quiet"]);
    assert_eq!((stderr(&quiet).as_str(), code(&quiet)), ("", 3));
}

#[test]
fn exit_codes() {
    let dir = estate();
    dir.file("bad/bad.json", [&trail(&[record(1, "A", T)])[..], b"\n{\"cut"].concat());
    let cases: &[(&[&str], i32)] = &[
        (&["report", "logs"], 0),
        (&["--version"], 0),
        (&["report", "--help"], 0),
        (&["report", "nowhere"], 1),
        (&["explain", "AKIANOBODY", "logs"], 1),
        (&["report", "logs", "-o", "missing/r.json"], 1),
        (&["report"], 2),
        (&["report", "logs", "-o", "r.docx"], 2),
        (&["report", "logs", "--as-of", "soon"], 2),
        (&["report", "-", "-"], 2),
        (&["nonsense"], 2),
        (&["report", "bad"], 3),
        (&["evidence", "bad"], 3),
        (&["report", "logs", "--fail-on", "investigate"], 10),
        (&["report", "logs", "--fail-on", "retire"], 0),
        (&["report", "bad", "--fail-on", "any"], 10),
    ];
    for (arguments, want) in cases {
        let output = offkey(&dir, arguments);
        assert_eq!(code(&output), *want, "{arguments:?}: {}", stderr(&output));
        if *want == 1 || *want == 2 {
            let errors = stderr(&output);
            assert!(
                errors.starts_with("error: ") && errors.lines().count() > 1,
                "{arguments:?} says no next step: {errors}"
            );
        }
    }
}

#[test]
fn explain_names_evidence_and_questions() {
    let dir = estate();
    let text = stdout(&offkey(&dir, &["explain", "AKIAIOS", "logs", "--as-of", NOW]));
    for part in [
        "Verdict: ",
        "2 events, 1 denied",
        "EC2 instance",
        "a shared credentials or config file",
        "first event: 00000000-0000-4000-8000-00000000000",
        "no-last-used",
        "to close it:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json: Value =
        serde_json::from_str(&stdout(&offkey(&dir, &["explain", KEY, "logs", "--json"]))).unwrap();
    assert_eq!(json["reference"], KEY);
}

#[test]
fn graph_formats() {
    let dir = estate();
    let output =
        offkey(&dir, &["graph", "logs", "-o", "g.dot", "-o", "g.graphml", "-o", "g.mmd", "-o", "g.json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert!(read("g.dot").starts_with("digraph") && read("g.dot").contains(KEY));
    assert!(read("g.graphml").contains("<graphml") && read("g.mmd").starts_with("flowchart"));
    let graph: Value = serde_json::from_str(&read("g.json")).unwrap();
    let (nodes, edges) = (graph["nodes"].as_array().unwrap(), graph["edges"].as_array().unwrap());
    for kind in ["account", "user", "key", "consumer", "service", "network"] {
        assert!(nodes.iter().any(|n| n["kind"] == kind), "{kind}");
    }
    assert!(edges.iter().all(|e| e["source"].as_u64().unwrap() < nodes.len() as u64));
    assert_eq!(code(&offkey(&dir, &["graph", "logs", "--key", "AKIANOBODY"])), 1);
}

#[test]
fn wide_rows_show_derived_sessions() {
    let dir = Dir::new();
    let mint = with(
        record(1, "GetSessionToken", T),
        json!({"eventSource": "sts.amazonaws.com", "responseElements": {"credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"}}}),
    );
    let used =
        with(record(2, "ListUsers", T), json!({"userIdentity": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"}}));
    dir.file("a.json", trail(&[used, mint]));
    let narrow = offkey(&dir, &["evidence", "a.json"]);
    assert_eq!(rows(&narrow), [("GetSessionToken".into(), 1)]);
    let wide = stdout(&offkey(&dir, &["evidence", "a.json", "--wide"]));
    assert!(
        wide.lines().any(|l| l.contains("ListUsers") && l.contains("\"session_path\":\"GetSessionToken\"")),
        "{wide}"
    );
    let csv = stdout(&offkey(&dir, &["evidence", "a.json", "--wide", "-o", "/dev/stdout", "--quiet"]));
    assert!(csv.is_empty(), "a path without extension has no format");
}

#[test]
fn hostile_text_does_nothing_in_any_format() {
    let payloads = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "=HYPERLINK(\"http://example.com\")",
        "@SUM(1)",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{202e}gnp.exe",
        "a\r\nb",
        "[x](javascript:alert(1))",
        "\"},{\"verdict\":\"retire",
        "{{DATA}}{{SCRIPT}}",
    ];
    let dir = Dir::new();
    let records: Vec<Value> = payloads
        .iter()
        .enumerate()
        .map(|(n, payload)| {
            with(
                record(n as u32, payload, T),
                json!({"userAgent": payload, "sourceIPAddress": payload, "awsRegion": payload, "errorCode": payload,
                       "userIdentity": {"userName": payload, "accessKeyId": format!("AKIA{payload}")}}),
            )
        })
        .collect();
    dir.file("a.json", trail(&records));
    let output =
        offkey(&dir, &["report", "a.json", "-o", "r.html", "-o", "r.md", "-o", "r.json", "-o", "r.csv"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let html = read("r.html");
    assert!(!html.contains("alert(1)") && !html.contains("onerror=alert"), "the page's data is encoded");
    assert_eq!(html.matches("<script").count(), 2, "data and program, nothing else");
    let md = read("r.md");
    for event in pulldown_cmark::Parser::new_ext(&md, pulldown_cmark::Options::ENABLE_TABLES) {
        use pulldown_cmark::{Event, Tag};
        let markup = matches!(
            event,
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. })
        );
        assert!(!markup, "{event:?}");
    }
    let mut reader = csv::Reader::from_reader(std::io::Cursor::new(read("r.csv")));
    for cell in reader.records().flat_map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    let report: Value = serde_json::from_str(&read("r.json")).unwrap();
    assert_eq!(report["keys"].as_array().unwrap().len(), payloads.len(), "the very ids, whatever they are");
    assert!(report["keys"].as_array().unwrap().iter().all(|k| k["verdict"] != "retire"));
    for key in report["keys"].as_array().unwrap() {
        let text = stdout(&offkey(&dir, &["explain", key["reference"].as_str().unwrap(), "a.json"]));
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n') && !text.contains('\u{202e}'),
            "{text:?}"
        );
    }
    let graph = offkey(&dir, &["graph", "a.json", "-o", "g.graphml", "-o", "g.dot", "-o", "g.mmd"]);
    assert_eq!(code(&graph), 0);
    assert!(!read("g.graphml").contains("<img") && !read("g.mmd").contains("<img"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_leaves_no_output() {
    let dir = Dir::new();
    // Enough to be busy for a while: the interrupt comes as soon as the program reads.
    let records: Vec<Value> = (0..20_000).map(|n| record(n, "A", T)).collect();
    for n in 0..30 {
        dir.file(&format!("logs/{n}.json"), trail(&records));
    }
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_offkey"))
        .args(["report", "logs", "-o", "r.json"])
        .current_dir(dir.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(!dir.path().join("r.json").exists());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
}
