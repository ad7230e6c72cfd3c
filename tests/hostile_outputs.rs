//! What an attacker can write into logs and names does nothing in any format: sixty payloads in every field.

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

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Value, json};
use std::process::Command;
use support::browser::Browser;
use support::payloads::{is_dangerous, payloads};
use support::*;

/// Logs and exports whose every text is a payload.
fn estate(dir: &Dir) {
    let mut records = Vec::new();
    let (mut users, mut keys) = (Vec::new(), Vec::new());
    for (n, text) in payloads().into_iter().enumerate() {
        let n = n as u32;
        // Texts of that length are user agents at most.
        let short = text.chars().take(300).collect::<String>();
        let id = format!("AKIA{short}");
        let fields = json!({
            "userAgent": text, "eventName": short, "sourceIPAddress": short, "awsRegion": short, "errorCode": if n.is_multiple_of(3) { json!(short) } else { Value::Null },
            "errorMessage": short, "vpcEndpointId": short, "recipientAccountId": if n.is_multiple_of(2) { json!(short) } else { json!("111122223333") },
            "requestParameters": {"bucketName": short, "key": short, "roleArn": format!("arn:aws:iam::111122223333:role/{short}"), "tableName": short},
            "userIdentity": {"userName": short, "accessKeyId": id, "arn": format!("arn:aws:iam::111122223333:user/{short}"), "principalId": short,
                "invokedBy": if n.is_multiple_of(5) { json!(short) } else { Value::Null }},
        });
        records.push(with(record(n, "X", "2026-09-01T00:00:00Z"), fields.clone()));
        // The same among calls that are known, so that they reach policies; and a session that the key hands out.
        let name = ["GetBucketLocation", "PutObject", "DeleteBucket"][n as usize % 3];
        let known = json!({"eventName": name, "eventSource": "s3.amazonaws.com", "errorCode": null, "recipientAccountId": "111122223333", "awsRegion": "us-east-1",
            "userAgent": format!("[{short}/1.0 Boto3/1.34 app/{short}]"), "sourceIPAddress": "192.0.2.10", "userIdentity": {"invokedBy": null}});
        records.push(with(with(record(n + 1000, "X", "2026-09-02T00:00:00Z"), fields.clone()), known));
        let assume = json!({"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com", "errorCode": null,
            "responseElements": {"credentials": {"accessKeyId": format!("ASIA{n:016}")}, "assumedRoleUser": {"arn": format!("arn:aws:sts::111122223333:assumed-role/{short}/x")}}});
        records.push(with(with(record(n + 2000, "X", "2026-09-03T00:00:00Z"), fields), assume));
        keys.push(json!({"AccessKeyMetadata": [{"UserName": short, "AccessKeyId": id, "Status": "Active", "CreateDate": "2024-01-01T00:00:00+00:00"}]}).to_string());
        users.push(json!({"UserName": short, "UserId": format!("AIDA{n}"), "Arn": format!("arn:aws:iam::111122223333:user/{short}"), "Path": format!("/{short}/"), "CreateDate": "2024-01-01T00:00:00+00:00",
            "Tags": [{"Key": short, "Value": short}], "GroupList": [short], "AttachedManagedPolicies": [{"PolicyName": short, "PolicyArn": format!("arn:aws:iam::aws:policy/{short}")}],
            "UserPolicyList": [{"PolicyName": short, "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {short.clone(): short}}}]}}]}));
    }
    dir.file("in/a.json", trail(&records));
    dir.file("in/111122223333/keys.json", keys.join("\n"));
    let details =
        json!({"UserDetailList": users, "GroupDetailList": [], "RoleDetailList": [], "Policies": []});
    dir.file("in/111122223333/details.json", details.to_string());
    let trails: Vec<Value> = payloads().iter().take(60).map(|text| json!({"Name": text, "TrailARN": format!("arn:aws:cloudtrail:us-east-1:111122223333:trail/{text}"), "HomeRegion": "us-east-1", "IsMultiRegionTrail": true})).collect();
    dir.file("in/111122223333/trails.json", json!({"trailList": trails}).to_string());
    dir.file(
        "in/<img src=x onerror=window.hit=1>\u{1b}[31m.json",
        "{\"Records\": [{\"eventVersion\": \"1.11\", ",
    );
    for (n, text) in payloads().iter().take(40).enumerate() {
        let clean: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        let reason = format!("because {clean}");
        let owner = if clean.trim().is_empty() { "x" } else { &clean };
        let user = format!("u{n}");
        offkey(
            dir,
            &["mute", "--user", &user, "--reason", &reason, "--owner", owner, "--expires", "2026-12-31"],
        );
    }
}

const TITLE: &str = "</title><script>window.hit=1</script>\u{202e}=1+1\u{1b}[31m";

fn text_of(dir: &Dir, name: &str) -> String {
    String::from_utf8(std::fs::read(dir.path().join(name)).unwrap()).unwrap()
}

fn assert_harmless(name: &str, text: &str) {
    let found: Vec<char> = text.chars().filter(|c| is_dangerous(*c)).take(5).collect();
    assert!(found.is_empty(), "{name}: {found:?}");
}

#[test]
fn payloads_do_nothing_in_any_format() {
    assert!(payloads().len() > 60);
    let dir = Dir::new();
    estate(&dir);
    let arguments = ["report", "in", "--as-of", "2026-10-01", "--title", TITLE];
    let outputs = ["-o", "r.html", "-o", "r.md", "-o", "r.json", "-o", "r.csv", "-o", "r.sarif"];
    let output = offkey(&dir, &[&arguments[..], &outputs].concat());
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_harmless("standard error", &stderr(&output));
    // Redacted and for executives, too.
    for more in [["--redact", "-q"], ["--audience=exec", "-q"]] {
        let outputs = ["-o", "x.html", "-o", "x.md", "-o", "x.json", "-o", "x.csv", "-o", "x.sarif"];
        assert_eq!(code(&offkey(&dir, &[&arguments[..], &outputs, &more].concat())), 3);
        check_markdown(&text_of(&dir, "x.md"));
        check_csv(&dir, "x.csv");
        page(&dir, "x.html", false);
    }
    for name in ["r.md", "r.json", "r.sarif"] {
        assert_harmless(name, &text_of(&dir, name));
    }
    let report: Value = serde_json::from_str(&text_of(&dir, "r.json")).unwrap();
    assert!(report["keys"].as_array().unwrap().len() > 60);
    check_markdown(&text_of(&dir, "r.md"));
    check_csv(&dir, "r.csv");
    check_sarif(&text_of(&dir, "r.sarif"));
    for arguments in [
        &["report", "in", "--as-of", "2026-10-01", "-q"][..],
        &["report", "in", "--as-of", "2026-10-01", "--json", "-q"],
        &["evidence", "in", "--wide", "-q", "-o", "-"],
        &["mute"],
        &["diff", "r.json", "r.json"],
        &["diff", "r.json", "r.json", "--json"],
    ] {
        let output = offkey(&dir, arguments);
        assert_harmless(&format!("{arguments:?}"), &stdout(&output).replace("\r\n", "\n"));
        assert_harmless(&format!("{arguments:?} errors"), &stderr(&output));
    }
    for name in ["rows.csv", "rows.jsonl"] {
        assert_eq!(code(&offkey(&dir, &["evidence", "in", "--wide", "-q", "-o", name])), 3);
    }
    check_csv(&dir, "rows.csv");
    assert_harmless("rows.jsonl", &text_of(&dir, "rows.jsonl"));
    for key in report["keys"].as_array().unwrap() {
        let id = key["reference"].as_str().unwrap();
        // No argument can hold one.
        if id.contains('\0') {
            continue;
        }
        let output = offkey(&dir, &["explain", id, "in", "--as-of", "2026-10-01", "-q"]);
        assert_harmless(&format!("explain {id:?}"), &stdout(&output));
    }
    page(&dir, "r.html", true);
}

fn check_csv(dir: &Dir, name: &str) {
    let text = text_of(dir, name);
    assert_harmless(name, &text.replace("\r\n", "\n"));
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let mut rows = 0;
    for row in reader.records() {
        rows += 1;
        for cell in &row.unwrap() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']),
                "{name}: {cell:?}"
            );
        }
    }
    assert!(rows > 60, "{name}: {rows}");
}

fn check_markdown(text: &str) {
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("markup: {html}"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                panic!("link: {dest_url}")
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => panic!("mathematics: {text}"),
            Event::TaskListMarker(_) => panic!("a task that is none of ours"),
            _ => {}
        }
    }
}

fn check_sarif(text: &str) {
    let sarif: Value = serde_json::from_str(text).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(
            uri.split('/').all(|part| part != "..")
                && uri.is_ascii()
                && !uri.contains([' ', '<', '"', '\\', '#', '?']),
            "{uri}"
        );
        assert!(result["message"]["text"].as_str().unwrap().chars().count() <= 1000);
    }
    assert_eq!(faults_of_sarif(&sarif), Vec::<String>::new());
}

/// The page in a browser: nothing ran, and nothing is there but what the page's own script makes.
fn page(dir: &Dir, name: &str, every_key: bool) {
    let html = text_of(dir, name);
    assert_eq!(html.matches("<script").count(), 2, "{name}");
    let Some(browser) = Browser::start() else { return };
    browser.open(&dir.path().join(name), "");
    let check = "(() => { const wrong = [];
        for (const node of document.querySelectorAll('*')) {
            if (['IMG', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'FORM', 'VIDEO', 'AUDIO'].includes(node.tagName) && !(node.tagName === 'FORM' && node.closest('#keys'))) wrong.push(node.tagName);
            for (const attr of node.attributes) {
                if (attr.name.startsWith('on')) wrong.push(attr.name);
                if (['href', 'src'].includes(attr.name) && !/^(#|data:,|blob:)/.test(attr.value)) wrong.push(attr.value);
            }
        }
        if (document.scripts.length !== 2) wrong.push('scripts');
        if (window.hit) wrong.push('something ran');
        const hidden = /[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\u061c]/;
        if (hidden.test(byId('report').textContent + byId('page').textContent + document.title)) wrong.push('hidden characters');
        return wrong; })()";
    assert_eq!(browser.eval(check), json!([]), "{name}");
    let keys = browser.eval("data.keys.length").as_u64().unwrap();
    assert!(keys > 60);
    for at in 0..if every_key { keys } else { 5 } {
        browser.eval(&format!("(() => {{ showKey(data.keys[{at}].reference); document.querySelectorAll('#page details').forEach((one) => {{ one.open = true; }}); }})()"));
        browser.eval("new Promise((done) => setTimeout(done, 5))");
        assert_eq!(browser.eval(check), json!([]), "{name}, key {at}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
}

#[test]
fn graphs_hold_payloads_as_text_for_their_own_tools() {
    let dir = Dir::new();
    estate(&dir);
    for name in ["g.json", "g.dot", "g.graphml", "g.svg"] {
        let output = offkey(&dir, &["graph", "in", "--as-of", "2026-10-01", "-q", "-o", name]);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        assert_harmless(name, &text_of(&dir, name));
    }
    let graph: Value = serde_json::from_str(&text_of(&dir, "g.json")).unwrap();
    let (nodes, edges) = (graph["nodes"].as_array().unwrap().len(), graph["edges"].as_array().unwrap().len());
    match Command::new("dot").args(["-Tcanon", "g.dot"]).current_dir(dir.path()).output() {
        Err(_) => println!("skipped: Graphviz is not here"),
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let arrows = text
                .lines()
                .filter(|line| {
                    line.trim_start().starts_with('n') && line.contains(" -> ") && !line.contains("tooltip")
                })
                .count();
            assert_eq!(arrows, edges, "edges as Graphviz reads them");
        }
    }
    let Some(browser) = Browser::start() else { return };
    let parse = |name: &str, kind: &str, count: &str| {
        let text = serde_json::to_string(&text_of(&dir, name)).unwrap();
        browser.eval(&format!("(() => {{ const tree = new DOMParser().parseFromString({text}, '{kind}'); const wrong = [...tree.querySelectorAll('parsererror, script, foreignObject, image, a')].map((node) => node.tagName);
            for (const node of tree.querySelectorAll('*')) for (const attr of node.attributes) if (attr.name.startsWith('on') || attr.name.includes('href')) wrong.push(attr.name);
            return [wrong, tree.querySelectorAll('{count}').length]; }})()"))
    };
    assert_eq!(parse("g.graphml", "application/xml", "node"), json!([[], nodes]));
    assert_eq!(parse("g.svg", "image/svg+xml", "svg")[0], json!([]));
    let Some(mermaid) = std::env::var("OFFKEY_MERMAID").ok().filter(|path| !path.is_empty()) else {
        println!("skipped: no Mermaid (OFFKEY_MERMAID is not set; tests/run sets it)");
        return;
    };
    browser.eval(&std::fs::read_to_string(mermaid).unwrap());
    let report = offkey(&dir, &["report", "in", "--as-of", "2026-10-01", "-q", "--json"]);
    let report: Value = serde_json::from_str(&stdout(&report)).unwrap();
    let mut read = 0;
    for key in report["keys"].as_array().unwrap() {
        let id = key["reference"].as_str().unwrap();
        if id.contains('\0') {
            continue;
        }
        let output =
            offkey(&dir, &["graph", "in", "--as-of", "2026-10-01", "-q", "--key", id, "-o", "g.mmd"]);
        if code(&output) == 1 {
            // More than Mermaid takes is said, not cut.
            assert!(stderr(&output).contains("Mermaid draws at most"), "{}", stderr(&output));
            continue;
        }
        let text = serde_json::to_string(&text_of(&dir, "g.mmd")).unwrap();
        assert_harmless("g.mmd", &text);
        let told = browser.eval(&format!(
            "mermaid.parse({text}).then((told) => told.diagramType).catch((error) => String(error))"
        ));
        assert!(told.as_str().unwrap().starts_with("flowchart"), "{id:?}: {told}");
        read += 1;
    }
    assert!(read > 40, "{read}");
    assert!(
        browser.eval("mermaid.parse('flowchart LR\\n n0[').then(() => 'read').catch(() => 'refused')")
            == "refused"
    );
}
