//! Consumers from end to end: networks that the owner names, citations, questions, and the same bytes in any order.

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

const NETWORKS: &str = r#"
[[network]]
cidr = "203.0.113.0/28"
name = "Hall 3"
kind = "data-centre"

[[network]]
cidr = ["203.0.113.16/28", "2001:db8:1::/48"]
name = "Berlin office"
kind = "office"

[[network]]
cidr = "203.0.113.300/28"
name = "typo"
kind = "office"

[[network]]
cidr = "203.0.113.64/28"
name = "no such kind"
kind = "moon"
"#;

const LINUX: &str = "Boto3/1.26.0 Python/3.9.2 Linux/5.10.0-20-amd64 Botocore/1.29.0";

fn call(n: u32, ip: &str, agent: &str, name: &str) -> Value {
    let time = format!("2026-09-{:02}T{:02}:00:00Z", 1 + n / 24 % 28, n % 24);
    with(record(n, name, &time), json!({"sourceIPAddress": ip, "userAgent": agent}))
}

fn explained(dir: &Dir, inputs: &[&str]) -> Value {
    let output = offkey(dir, &[&["explain", KEY, "--json", "--as-of", "evidence"], inputs].concat());
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)))
}

fn kinds(key: &Value) -> Vec<(String, String, String)> {
    let text = |c: &Value, name: &str| c[name].as_str().unwrap().to_owned();
    let mut all: Vec<_> = key["consumers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (text(c, "origin"), text(c, "kind"), text(c, "confidence")))
        .collect();
    all.sort();
    all
}

#[test]
fn the_owners_networks_come_before_everything_else() {
    let dir = Dir::new();
    let records: Vec<Value> = (0..480)
        .map(|n| match n % 4 {
            0 => call(n, "203.0.113.5", LINUX, "ListBuckets"),
            1 => call(n, "203.0.113.20", LINUX, "ListBuckets"),
            2 => call(n, "198.51.100.7", LINUX, "ListBuckets"),
            _ => call(n, "198.51.100.9", LINUX, "ListBuckets"),
        })
        .collect();
    dir.file("logs.json", trail(&records));
    let place = |origin: &str, kind: &str, confidence: &str| {
        (format!("boto3 at {origin}"), kind.to_owned(), confidence.to_owned())
    };
    // Without anything it is not known whose these addresses are.
    let bare = explained(&dir, &["logs.json"]);
    assert_eq!(
        kinds(&bare),
        [place("198.51.100.0/24", "unknown", "low"), place("203.0.113.0/24", "unknown", "low")]
    );
    dir.file("networks.toml", NETWORKS.as_bytes());
    let addresses = json!({"Addresses": [
        {"PublicIp": "198.51.100.7", "AllocationId": "eipalloc-1", "InstanceId": "i-0123456789abcdef0"}]});
    dir.file("addresses.json", addresses.to_string().as_bytes());
    let gateways = json!({"NatGateways": [{"NatGatewayId": "nat-1", "VpcId": "vpc-1", "NatGatewayAddresses": [
        {"PublicIp": "198.51.100.9", "AllocationId": "eipalloc-2"}, {"PrivateIp": "10.0.0.1"}]}]});
    dir.file("gateways.json", gateways.to_string().as_bytes());
    let named = explained(&dir, &["logs.json", "networks.toml", "addresses.json", "gateways.json"]);
    assert_eq!(
        kinds(&named),
        [
            place("Berlin office", "human", "medium"),
            place("Hall 3", "on-premises", "high"),
            place("NAT gateway nat-1 of vpc-1", "ec2", "medium"),
            place("elastic address of instance i-0123456789abcdef0", "ec2", "high"),
        ]
    );
    // What could not be used is said, and a store keeps the owner's names like every other input.
    let inputs = ["logs.json", "networks.toml", "addresses.json", "gateways.json"];
    assert_eq!(code(&offkey(&dir, &[&["collect", "--store", "s.db"][..], &inputs].concat())), 0);
    assert_eq!(kinds(&explained(&dir, &["s.db"])), kinds(&named));
    let report = offkey(&dir, &["report", "s.db", "--json", "--as-of", "evidence"]);
    let report: Value = serde_json::from_str(&stdout(&report)).unwrap();
    let unknowns = report["coverage"]["unknowns"].to_string();
    assert!(unknowns.contains("2 entries of own networks could not be used as they are"), "{unknowns}");
    assert!(unknowns.contains("203.0.113.300/28"), "{unknowns}");
    // A file that is no TOML is named with its line, and the rest is read.
    dir.file("networks.toml", b"[[network]]\ncidr = \n");
    let output = offkey(&dir, &["explain", KEY, "logs.json", "networks.toml", "--as-of", "evidence"]);
    assert!(
        stderr(&output).contains("networks.toml") && stderr(&output).contains("line "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn signals_cite_their_events_and_thin_logs_cap_the_confidence() {
    let dir = Dir::new();
    let agent = "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/macos#23.4.0 lang/python#3.11.8 m/n";
    let few: Vec<Value> = (0..40).map(|n| call(n, "203.0.113.5", agent, "ListBuckets")).collect();
    dir.file("few.json", trail(&few));
    let key = explained(&dir, &["few.json"]);
    let consumer = &key["consumers"][0];
    assert_eq!((&consumer["kind"], &consumer["confidence"]), (&json!("human"), &json!("medium")));
    assert!(consumer["capped_by"].as_str().unwrap().contains("2 days"), "{consumer}");
    let signal = &consumer["signals"][0];
    assert_eq!((&signal["events"], &signal["supports"]), (&json!(40), &json!(true)));
    assert_eq!(signal["sample_event_id"], "00000000-0000-4000-8000-000000000000");
    assert_eq!(signal["last"], "2026-09-02T15:00:00Z");
    let many: Vec<Value> = (0..480).map(|n| call(n, "203.0.113.5", agent, "ListBuckets")).collect();
    dir.file("many.json", trail(&many));
    let key = explained(&dir, &["many.json"]);
    assert_eq!(key["consumers"][0]["confidence"], "high");
    assert!(key["consumers"][0]["capped_by"].is_null());
}

#[test]
fn addresses_that_have_nothing_in_common_are_asked_about() {
    let dir = Dir::new();
    let records: Vec<Value> = (0..480)
        .map(|n| match n % 2 {
            0 => call(n, "203.0.113.5", LINUX, "ListBuckets"),
            _ => call(n, "203.0.113.6", LINUX, "GetBucketAcl"),
        })
        .collect();
    dir.file("logs.json", trail(&records));
    let key = explained(&dir, &["logs.json"]);
    let questions = key["consumers"][0]["questions"].to_string();
    assert!(
        questions.contains("one workload or two") && questions.contains("s3:GetBucketAcl"),
        "{questions}"
    );
    let text = stdout(&offkey(&dir, &["explain", KEY, "logs.json", "--as-of", "evidence"]));
    assert!(text.contains("one workload or two"), "{text}");
    assert!(text.contains("If this key went: 1 consumer would lose 1 service: s3"), "{text}");
}

#[test]
fn the_order_of_files_changes_no_byte() {
    let dir = Dir::new();
    let agents = [LINUX, "aws-cli/1.16.248 Python/3.6.0 Windows/10 botocore/1.12.238", "m/e,g app/x", ""];
    let records: Vec<Value> = (0..300)
        .map(|n| {
            let ip = ["203.0.113.5", "203.0.113.6", "198.51.100.7", "10.0.0.1", "100.64.0.9"][n as usize % 5];
            call(n, ip, agents[n as usize % 4], ["ListBuckets", "GetBucketAcl"][n as usize % 2])
        })
        .collect();
    // The same records in files that are read in another order, and stand in another order inside.
    let part = |n: usize| records.iter().skip(n).step_by(3).cloned().collect::<Vec<_>>();
    let backwards = |mut records: Vec<Value>| {
        records.reverse();
        records
    };
    for (n, name) in ["a", "b", "c"].iter().enumerate() {
        dir.file(&format!("one/{name}.json"), trail(&part(n)));
        dir.file(&format!("other/{name}.json"), trail(&backwards(part(2 - n))));
    }
    let bytes = |input: &str| {
        let output = offkey(&dir, &["report", input, "--json", "--as-of", "evidence"]);
        let mut report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        // What was read is called differently; everything else is the same.
        report["method"]["inputs"] = Value::Null;
        report.to_string()
    };
    assert_eq!(bytes("one"), bytes("other"));
    let graph = |input: &str, format: &str| {
        let file = format!("{input}{format}");
        assert_eq!(code(&offkey(&dir, &["graph", input, "--detail", "-o", &file, "--as-of", "evidence"])), 0);
        std::fs::read(dir.path().join(file)).unwrap()
    };
    for format in [".svg", ".dot", ".graphml", ".mmd", ".json"] {
        assert_eq!(graph("one", format), graph("other", format), "{format}");
    }
}

#[test]
fn pictures_are_well_formed_and_say_what_they_show() {
    let dir = Dir::new();
    let nasty = "<script>alert(1)</script> \u{202e}&\"'/1.0";
    let records: Vec<Value> = (0..60).map(|n| call(n, "203.0.113.5", nasty, "ListBuckets")).collect();
    dir.file("logs.json", trail(&records));
    assert_eq!(code(&offkey(&dir, &["graph", "logs.json", "-o", "g.svg", "--as-of", "evidence"])), 0);
    let svg = std::fs::read_to_string(dir.path().join("g.svg")).unwrap();
    assert!(!svg.contains("<script") && !svg.contains('\u{202e}'), "{svg}");
    assert!(svg.contains("<title id=\"t\">What depends on AKIAIOSFODNN7EXAMPLE</title>"), "{svg}");
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let name = tag.split([' ', '>', '/']).next().unwrap_or_default();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), closed.split('>').next(), "{tag}");
        } else if !tag.split('>').next().unwrap_or_default().ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn services_that_iam_saw_and_no_log_shows_are_gaps() {
    let dir = Dir::new();
    let records: Vec<Value> = (0..480).map(|n| call(n, "203.0.113.5", LINUX, "ListBuckets")).collect();
    dir.file("logs.json", trail(&records));
    let reached = |service: &str, time: &str| {
        json!({"ServiceName": service, "ServiceNamespace": service, "LastAuthenticated": time,
               "LastAuthenticatedEntity": "arn:aws:iam::111122223333:user/team/ci", "TotalAuthenticatedEntities": 1})
    };
    let details = json!({"JobStatus": "COMPLETED", "JobType": "SERVICE_LEVEL", "ServicesLastAccessed": [
        reached("s3", "2026-09-10T00:00:00Z"),
        reached("dynamodb", "2026-09-10T00:00:00Z"),
        reached("sqs", "2026-01-10T00:00:00Z"),
        {"ServiceName": "never", "ServiceNamespace": "never", "TotalAuthenticatedEntities": 0}]});
    dir.file("services.json", details.to_string().as_bytes());
    let gaps = |inputs: &[&str]| -> Vec<(bool, String)> {
        let key = explained(&dir, inputs);
        let gaps = key["gaps"].as_array().unwrap().clone();
        let ours = gaps.into_iter().filter(|gap| gap["id"] == "unseen-service");
        ours.map(|gap| (gap["blocks_unused"] == true, gap["text"].as_str().unwrap().to_owned())).collect()
    };
    assert!(gaps(&["logs.json"]).is_empty());
    // What is older than the logs, they cannot show.
    let [(true, text)] = &gaps(&["logs.json", "services.json"])[..] else { panic!("one gap that blocks") };
    assert!(
        text.contains("dynamodb (last on 2026-09-10)") && !text.contains("sqs") && !text.contains("s3"),
        "{text}"
    );
    // A list that goes on hides what may matter of anybody; a job that failed proves nothing and is named.
    let mut cut = details.clone();
    cut["IsTruncated"] = json!(true);
    dir.file("cut.json", cut.to_string().as_bytes());
    let key = explained(&dir, &["logs.json", "cut.json"]);
    assert!(key["gaps"].as_array().unwrap().iter().any(|gap| gap["id"] == "unread-inputs"), "{key}");
    dir.file("failed.json", br#"{"JobStatus":"FAILED","ServicesLastAccessed":[]}"#);
    let report = offkey(&dir, &["report", "logs.json", "failed.json", "--json", "--as-of", "evidence"]);
    assert!(stdout(&report).contains("the job had not completed: nothing in it counts"));
    // IAM's record of the key itself says more of the key than one of its user.
    let report = "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service\nci,arn:aws:iam::111122223333:user/team/ci,2020-01-01T00:00:00Z,false,false,true,2020-01-01T00:00:00Z,2026-09-20T10:00:00Z,us-east-1,s3,false,N/A,N/A,N/A,N/A\n";
    dir.file("report.csv", report.as_bytes());
    let found = gaps(&["logs.json", "services.json", "report.csv"]);
    assert!(matches!(&found[..], [(false, _)]), "{found:?}");
}

/// A server on this machine that gives each path its answer, and never answers `/silent`.
fn server() -> String {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut line = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                reader.read_line(&mut line).unwrap();
                let mut header = String::new();
                while reader.read_line(&mut header).is_ok_and(|n| n > 2) {
                    header.clear();
                }
                let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                let body = match path.as_str() {
                    "/aws" => {
                        json!({"createDate": "2026-09-28-00-00-00", "prefixes": [
                            {"ip_prefix": "203.0.113.0/28", "region": "eu-west-1", "service": "EC2"}]})
                    }
                    "/other" => json!({"a": 1}),
                    "/silent" => return std::thread::sleep(std::time::Duration::from_secs(30)),
                    _ => Value::Null,
                };
                let status = if body.is_null() { "404 Not Found" } else { "200 OK" };
                let body = body.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn ranges_are_fetched_and_kept() {
    let (dir, server) = (Dir::new(), server());
    let records: Vec<Value> = (0..480).map(|n| call(n, "203.0.113.5", LINUX, "ListBuckets")).collect();
    dir.file("logs.json", trail(&records));
    let url = |path: &str| format!("{server}/{path}");
    let fetched = offkey(&dir, &["collect", "logs.json", "--store", "s.db", "--ranges", &url("aws")]);
    assert_eq!(code(&fetched), 0, "{}", stderr(&fetched));
    let origin = |dir: &Dir| kinds(&explained(dir, &["s.db"]));
    let in_aws = ("boto3 at AWS EC2 eu-west-1".to_owned(), "ec2".to_owned(), "low".to_owned());
    assert_eq!(origin(&dir), std::slice::from_ref(&in_aws));
    // What cannot be had is named, the exit code says so, and what came earlier stays.
    for (path, why) in [("gone", "404"), ("other", "no range file")] {
        let failed = offkey(&dir, &["collect", "--store", "s.db", "--ranges", &url(path)]);
        assert_eq!(code(&failed), 3);
        assert!(stderr(&failed).contains(why), "{}", stderr(&failed));
    }
    let plain = offkey(&dir, &["collect", "--store", "s.db", "--ranges", "http://example.com/x"]);
    assert!(stderr(&plain).contains("only https"), "{}", stderr(&plain));
    assert_eq!(origin(&dir), [in_aws]);
    let report = offkey(&dir, &["report", "s.db", "--json", "--as-of", "2027-01-31"]);
    assert!(stdout(&report).contains("The ranges of AWS are 125 days older than this report"));
}
