//! The HTML report in a real browser: it opens from disk, says nothing on the console, loads nothing, and shows
//! what it should. Skipped aloud where there is no Chromium.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use support::*;

fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()));
    if found.is_none() {
        println!("skipped: the page is not opened, as there is no Chromium");
    }
    found
}

/// The page's document after its script ran. Anything on the console fails the test: errors of the script and
/// whatever the content security policy refused.
fn open(browser: &str, page: &Path, fragment: &str) -> String {
    let profile = Dir::new();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args(["--disable-component-update", "--disable-sync", "--virtual-time-budget=8000"])
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}{fragment}", page.display()))
        .output()
        .unwrap();
    let console: Vec<String> =
        stderr_lossy(&output.stderr).lines().filter(|l| l.contains("CONSOLE")).map(str::to_owned).collect();
    assert!(console.is_empty(), "{fragment}: {console:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr_lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The document without the data that it carries.
fn visible(document: &str) -> String {
    let (before, rest) = document.split_once("<script").unwrap_or((document, ""));
    let after = rest.rsplit_once("</script>").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

fn page(dir: &Dir, arguments: &[&str]) -> (std::path::PathBuf, Value) {
    let output = offkey(dir, &[arguments, &["-o", "r.html", "-o", "r.json"]].concat());
    assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
    let report = serde_json::from_slice(&std::fs::read(dir.path().join("r.json")).unwrap()).unwrap();
    (dir.path().join("r.html"), report)
}

#[test]
fn every_sort_of_report_opens() {
    let Some(browser) = chromium() else { return };
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "--quiet", "-o", "out"])), 0);
    let (whole, report) = page(&dir, &["report", "out/estate", "--as-of", "2026-10-01"]);
    let text = visible(&open(browser, &whole, ""));
    for part in
        ["Executive summary", "Migration waves", "Main findings", "retire now", "what we could not see"]
    {
        assert!(text.contains(part), "{part} is missing");
    }
    // One key of each verdict.
    let keys = report["keys"].as_array().unwrap();
    for verdict in ["retire", "replace", "rotate", "investigate"] {
        let key = keys.iter().find(|key| key["verdict"] == verdict).unwrap();
        let id = key["reference"].as_str().unwrap();
        let text = visible(&open(browser, &whole, &format!("#key={id}")));
        for part in [
            id,
            key["verdict_title"].as_str().unwrap(),
            "What to do next",
            key["next_steps"][0].as_str().unwrap(),
        ] {
            assert!(text.contains(part), "{id}: {part} is missing");
        }
        for nonsense in [">undefined<", ">NaN<", "[object Object]"] {
            assert!(!text.contains(nonsense), "{id}: {nonsense}");
        }
    }
    for (name, arguments) in
        [("no logs", ["report", "out/estate/iam"]), ("no IAM exports", ["report", "out/estate/trail"])]
    {
        let (path, _) = page(&dir, &arguments);
        assert!(visible(&open(browser, &path, "")).contains("Executive summary"), "{name}");
    }
}

#[test]
fn nothing_from_a_log_becomes_markup() {
    let Some(browser) = chromium() else { return };
    let payloads = [
        "</script><img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "{{DATA}}",
        "\" onmouseover=\"alert(1)",
        "javascript:alert(1)",
    ];
    let records: Vec<Value> = payloads
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let fields = json!({"userAgent": text, "eventName": text, "sourceIPAddress": text, "awsRegion": text,
                "userIdentity": {"userName": text, "accessKeyId": format!("AKIA{text}")}});
            with(record(n as u32, "X", "2026-09-01T00:00:00Z"), fields)
        })
        .collect();
    let dir = Dir::new();
    dir.file("a.json", trail(&records));
    let (path, report) = page(&dir, &["report", "a.json"]);
    let mut fragments = vec![String::new()];
    for key in report["keys"].as_array().unwrap() {
        let encoded: String =
            key["reference"].as_str().unwrap().bytes().map(|b| format!("%{b:02X}")).collect();
        fragments.push(format!("#key={encoded}"));
    }
    for fragment in fragments {
        let text = visible(&open(browser, &path, &fragment));
        // What stands between `<` and `>` is markup; quotes in text are no attributes.
        let tags = text.split('<').skip(1).filter_map(|part| part.split('>').next());
        for tag in tags {
            // Names of elements and attributes; values stand between quotes.
            let names: String = tag.split('"').step_by(2).collect();
            let hostile =
                names.starts_with("img") || names.contains(" on") || tag.contains("href=\"javascript");
            assert!(!hostile, "{fragment}: <{tag}>");
        }
    }
}
