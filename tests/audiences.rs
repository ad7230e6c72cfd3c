//! Reports for others: nothing that identifies leaks from a redacted one, executives get what is theirs, a logo is a picture.

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

use base64::Engine;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use support::browser::Browser;
use support::*;

const FORMATS: [&str; 5] = ["x.html", "x.md", "x.json", "x.csv", "x.sarif"];

/// The page's data as text, and what else stands in it.
fn page_text(html: &str) -> String {
    let data = html.split("id=\"data\">").nth(1).unwrap().split('<').next().unwrap();
    let packed = base64::engine::general_purpose::STANDARD.decode(data.trim()).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    text + &html.replace(data, "")
}

/// Every output of a report, as text.
fn outputs(dir: &Dir, arguments: &[&str]) -> Vec<(String, String)> {
    let mut all = arguments.to_vec();
    FORMATS.iter().for_each(|name| all.extend(["-o", name]));
    let output = offkey(dir, &all);
    assert!([0, 3].contains(&code(&output)), "{}", stderr(&output));
    let mut out: Vec<(String, String)> = FORMATS
        .iter()
        .map(|name| {
            let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
            ((*name).to_owned(), if name.ends_with("html") { page_text(&text) } else { text })
        })
        .collect();
    let summary = offkey(dir, &[arguments, &["-q"]].concat());
    out.push(("summary".into(), stdout(&summary)));
    out
}

/// An estate in which whatever somebody chose has a mark in it.
fn marked_estate(dir: &Dir) {
    let account = "987654321098";
    let user = |n: u32| format!("zqx-user-{n}");
    let mut records = Vec::new();
    for n in 0..60_u32 {
        let (key, day) = (format!("AKIAZQX{:013}EXAMPLE", n % 6), 1 + n % 28);
        let agents = [
            "[zqxtool/3.1 Boto3/1.34.1 md/Botocore#1.34.1 ua/2.0 os/linux#5.10.0-zqxkernel lang/python#3.11.4 app/zqxapp]".to_owned(),
            "[Boto3/1.26 Python/3.9 Linux/4.14-amzn2 exec-env/AWS_Lambda_python3.9]".to_owned(),
            "[aws-cli/2.15 md/command#s3.sync os/macos#23]".to_owned(),
        ];
        let source = ["s3.amazonaws.com", "sts.amazonaws.com", "dynamodb.amazonaws.com"][n as usize % 3];
        let (agent, address) = (
            &agents[(n as usize / 3) % 3],
            ["203.0.113.77", "2001:db8:77::9", "203.0.113.78"][(n as usize / 2) % 3],
        );
        let fields = json!({
            "eventSource": source,
            "eventTime": format!("2026-09-{day:02}T10:00:00Z"),
            "userAgent": agent,
            "sourceIPAddress": address,
            "recipientAccountId": account,
            "vpcEndpointId": if n % 7 == 0 { json!("vpce-zqx0123456789") } else { Value::Null },
            "errorCode": if n % 11 == 0 { json!("AccessDenied") } else { Value::Null },
            "requestParameters": {"bucketName": "zqx-bucket", "key": "zqx-folder/zqx-object", "tableName": "zqx-table",
                "roleArn": "arn:aws:iam::876543210987:role/zqx-role", "roleSessionName": "zqx-session"},
            "responseElements": if n % 3 == 1 { json!({"credentials": {"accessKeyId": format!("ASIAZQX{n:013}")},
                "assumedRoleUser": {"arn": "arn:aws:sts::876543210987:assumed-role/zqx-role/zqx-session", "assumedRoleId": "AROAZQXROLEIDEXAMPLE:zqx-session"}}) } else { Value::Null },
            "userIdentity": {"accountId": account, "userName": user(n % 6), "accessKeyId": key,
                "arn": format!("arn:aws:iam::{account}:user/zqx-path/{}", user(n % 6)), "principalId": format!("AIDAZQX{:014}", n % 6)},
        });
        let name = ["GetBucketPolicy", "AssumeRole", "DescribeTable"][(n % 3) as usize];
        records.push(with(record(n, name, "2026-09-01T10:00:00Z"), fields.clone()));
        // Names with spaces and the like, and addresses that are none.
        let odd_address = ["203.0.113.77:44321", "zqxhost.corp.example", "fe80::77%zqxeth0"][n as usize % 3];
        let odd = json!({"eventSource": "s3.amazonaws.com", "errorCode": null, "responseElements": null,
            "sourceIPAddress": odd_address,
            "requestParameters": {"bucketName": "zqx-bucket", "key": format!("zqx Salaries ({n}), o'b;x of zqx.csv")}});
        records.push(with(with(record(n + 500, "PutObject", "2026-09-01T11:00:00Z"), fields), odd));
    }
    dir.file(&format!("in/zqx-folder/AWSLogs/{account}/zqx-trail.json"), trail(&records));
    dir.file("in/zqx-broken.json", "{\"Records\": [{\"eventVersion\": \"1.11\", \"zqx\": ");
    let users: Vec<Value> = (0..6)
        .map(|n| json!({"UserName": user(n), "UserId": format!("AIDAZQX{n:014}"), "Arn": format!("arn:aws:iam::{account}:user/zqx-path/{}", user(n)), "Path": "/zqx-path/",
            "CreateDate": "2023-01-01T00:00:00+00:00", "Tags": [{"Key": "zqx-tag", "Value": "zqx-value"}], "GroupList": ["zqx-group"],
            "AttachedManagedPolicies": [{"PolicyName": "zqx-policy", "PolicyArn": format!("arn:aws:iam::{account}:policy/zqx-policy")}],
            "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": format!("arn:aws:iam::{account}:policy/zqx-boundary")},
            "UserPolicyList": [{"PolicyName": "zqx-inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "dynamodb:*", "sts:AssumeRole"], "Resource": ["arn:aws:s3:::zqx-bucket/*", "*"],
                "Condition": {"StringEquals": {"aws:PrincipalTag/zqx-tag": "zqx-value"}}}]}}]}))
        .collect();
    let roles = json!([{"RoleName": "zqx-role", "RoleId": "AROAZQXROLEIDEXAMPLE", "Arn": format!("arn:aws:iam::{account}:role/zqx-role"), "Path": "/", "CreateDate": "2023-01-01T00:00:00+00:00",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:user/zqx-path/zqx-user-1")}, "Action": "sts:AssumeRole"}]}, "RolePolicyList": [], "AttachedManagedPolicies": [], "InstanceProfileList": []}]);
    let details =
        json!({"UserDetailList": users, "GroupDetailList": [], "RoleDetailList": roles, "Policies": []});
    dir.file(&format!("in/{account}/details.json"), details.to_string());
    let keys: Vec<String> = (0..6)
        .map(|n| json!({"AccessKeyMetadata": [{"UserName": user(n), "AccessKeyId": format!("AKIAZQX{n:013}EXAMPLE"), "Status": "Active", "CreateDate": "2023-01-01T00:00:00+00:00"}]}).to_string())
        .collect();
    dir.file(&format!("in/{account}/keys.json"), keys.join("\n"));
    dir.file(&format!("in/{account}/trails.json"), json!({"trailList": [{"Name": "zqx-trail", "TrailARN": format!("arn:aws:cloudtrail:us-east-1:{account}:trail/zqx-trail"), "S3BucketName": "zqx-logs", "HomeRegion": "us-east-1", "IsMultiRegionTrail": true}]}).to_string());
    dir.file("in/networks.toml", "[[network]]\nname = \"zqx-office\"\nkind = \"office\"\nranges = [\"203.0.113.78/32\"]\n\n[[network]]\nname = \"zqx-odd\"\nkind = \"zqx\"\nranges = [\"203.0.113.79/32\"]\n");
    let mute = [
        "mute",
        "--user",
        "zqx-user-2",
        "--reason",
        "zqx reason",
        "--owner",
        "zqx-owner",
        "--expires",
        "2027-01-31",
    ];
    let output = offkey(dir, &mute);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    // Nobody of that name is in the inputs.
    let absent = ["mute", "--user", "zqx absent", "--reason", "x", "--owner", "y", "--expires", "2027-01-31"];
    assert_eq!(code(&offkey(dir, &absent)), 0);
}

const SECRET: [&str; 8] =
    ["zqx", "987654321098", "876543210987", "203.0.113.7", "2001:db8:77", "AKIAZQX", "AIDAZQX", "AROAZQX"];

#[test]
fn nothing_that_identifies_leaks_from_a_redacted_report() {
    let dir = Dir::new();
    marked_estate(&dir);
    let arguments = ["report", "in", "--as-of", "2026-10-01", "--title", "Keys of zqx-user-1"];
    // Without it all of that is there: the test does look for the right things.
    let plain = outputs(&dir, &arguments);
    let whole = &plain.iter().find(|(name, _)| name == "x.json").unwrap().1;
    for secret in &SECRET[..6] {
        assert!(whole.contains(secret), "{secret} is in no report at all");
    }
    let redacted = outputs(&dir, &[&arguments[..], &["--redact"]].concat());
    for (name, text) in &redacted {
        let lower = text.to_lowercase();
        for secret in SECRET {
            if let Some(at) = lower.find(&secret.to_lowercase()) {
                let from = lower[..at].char_indices().rev().nth(120).map_or(0, |(at, _)| at);
                panic!("{name}: {secret} in …{}", lower[from..].chars().take(260).collect::<String>());
            }
        }
    }
    // One key is called the same everywhere, and all are told apart.
    let json: Value =
        serde_json::from_str(&redacted.iter().find(|(name, _)| name == "x.json").unwrap().1).unwrap();
    let keys: BTreeSet<&str> =
        json["keys"].as_array().unwrap().iter().map(|key| key["reference"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 6);
    for (name, text) in redacted.iter().filter(|(name, _)| name != "summary") {
        assert!(keys.iter().all(|key| text.contains(key)), "{name} calls keys otherwise");
    }
    assert_eq!(json["redacted"], true);
    // What is left can be read: verdicts, services, known programs, sentences.
    let text = json.to_string();
    for word in ["AWS Lambda", "Boto3", "user-1", "arn:aws:s3:::", "dynamodb"] {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "{word}");
    }
    // Sentences are left as they were, but for names.
    for sentence in ["calls come through a VPC endpoint", "open evidence gaps"] {
        assert!(text.contains(sentence), "{sentence}");
    }
    assert!(text.contains("\"Effect\":\"Allow\""), "policies stay policies");
    let output = offkey(&dir, &["diff", "x.json", "x.json"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("it is redacted"), "{}", stderr(&output));
    let schema: Value = serde_json::from_slice(&offkey(&dir, &["schema"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn nothing_of_the_demo_leaks_either() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "--quiet", "-o", "out"])), 0);
    let arguments = ["report", "out/estate", "--as-of", "2026-10-01"];
    let plain = outputs(&dir, &arguments);
    let report: Value =
        serde_json::from_str(&plain.iter().find(|(name, _)| name == "x.json").unwrap().1).unwrap();
    let mut secrets: BTreeSet<String> = BTreeSet::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for key in report["keys"].as_array().unwrap() {
        secrets.extend([text(&key["reference"]), text(&key["account"]), text(&key["user"])]);
        for consumer in key["consumers"].as_array().unwrap() {
            for list in ["addresses", "user_agents"] {
                secrets.extend(consumer[list].as_array().unwrap().iter().map(|item| text(&item["name"])));
            }
            secrets.extend(consumer["roles"].as_array().unwrap().iter().map(text));
            for permission in consumer["permissions"].as_array().unwrap() {
                secrets.extend(
                    permission["resources"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(text)
                        .filter(|arn| arn.contains("::")),
                );
            }
        }
    }
    // Root is called the same everywhere; agents that services write are theirs; `*` is on anything.
    secrets.retain(|secret| {
        secret.len() > 5
            && secret != "<root_account>"
            && !secret.ends_with(".amazonaws.com")
            && !secret.ends_with(":::*")
            && secret != "AWS Internal"
    });
    assert!(secrets.len() > 300, "{}", secrets.len());
    for (name, text) in outputs(&dir, &[&arguments[..], &["--redact"]].concat()) {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name}: {secret}");
        }
    }
}

#[test]
fn executives_get_verdicts_and_no_evidence() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "--quiet", "-o", "out"])), 0);
    let arguments = ["report", "out/estate", "--as-of", "2026-10-01"];
    let (eng, exec) =
        (outputs(&dir, &arguments), outputs(&dir, &[&arguments[..], &["--audience", "exec"]].concat()));
    for ((name, eng), (_, exec)) in eng.iter().zip(&exec) {
        match name.as_str() {
            "x.html" | "x.md" => {
                assert!(exec.len() * 2 < eng.len(), "{name}: {} of {}", exec.len(), eng.len());
                for word in ["sts:AssumeRoleWithWebIdentity", "192.0.2."] {
                    assert!(eng.contains(word) && !exec.contains(word), "{name}: {word}");
                }
                assert!(exec.contains("retire now") && exec.contains("Made for those who decide"), "{name}");
            }
            // What programs read is always whole.
            _ => assert_eq!(eng, exec, "{name}"),
        }
    }
    let Some(browser) = Browser::start() else { return };
    browser.open(&dir.path().join("x.html"), "");
    let keys = "(() => { const wrong = []; for (const key of data.keys) { showKey(key.reference); if (/undefined|NaN|\\[object/.test(byId('page').textContent)) wrong.push(key.reference); } return wrong; })()";
    assert_eq!(browser.eval(keys), json!([]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_logo_is_a_picture_and_does_nothing() {
    let dir = Dir::new();
    dir.file("a.json", trail(&[record(1, "ListBuckets", "2026-09-01T00:00:00Z")]));
    // One red point.
    let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    dir.file("logo.png", base64::engine::general_purpose::STANDARD.decode(png).unwrap());
    dir.file("logo.svg", "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"20\" onload=\"parent.hit=1\"><script>parent.hit=1</script><image href=\"https://example.com/x.png\"/><rect width=\"9\" height=\"9\"/></svg>");
    dir.file("logo.txt", "no picture");
    dir.file("large.png", [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 300_000]].concat());
    for (logo, why) in [
        ("logo.txt", "it is no PNG"),
        ("large.png", "at most 256 KB"),
        ("none.png", "No such file"),
        (".", "it is no file"),
    ] {
        let output = offkey(&dir, &["report", "a.json", "--logo", logo, "-q", "-o", "x.html"]);
        assert_eq!(code(&output), 1, "{logo}");
        assert!(stderr(&output).contains(why), "{logo}: {}", stderr(&output));
    }
    let browser = Browser::start();
    for logo in ["logo.png", "logo.svg"] {
        let output = offkey(
            &dir,
            &[
                "report",
                "a.json",
                "--logo",
                logo,
                "--title",
                "Keys & more",
                "-q",
                "-o",
                "x.html",
                "-o",
                "x.json",
            ],
        );
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(!std::fs::read_to_string(dir.path().join("x.json")).unwrap().contains("data:image"));
        let Some(browser) = &browser else { continue };
        browser.open(&dir.path().join("x.html"), "");
        browser.wait("document.querySelector('img.logo').naturalWidth > 0");
        assert_eq!(
            browser.eval("[document.title, byId('report-title').textContent, window.hit === undefined]"),
            json!(["Keys & more", "Keys & more", true])
        );
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{logo}");
    }
}

#[test]
fn a_page_that_would_be_too_large_is_written_in_parts() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "--quiet", "--keys", "200", "-o", "out"])), 0);
    let arguments = ["report", "out/estate", "--as-of", "2026-10-01", "-q", "-o", "r.html", "-o", "r.json"];
    let output = offkey(&dir, &[&arguments[..], &["--split-above", "0"]].concat());
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&std::fs::read(dir.path().join("r.json")).unwrap()).unwrap();
    let accounts: BTreeSet<&str> = report["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["account"].as_str().unwrap_or_default())
        .collect();
    assert!(accounts.len() > 2);
    let Some(browser) = Browser::start() else { return };
    browser.open(&dir.path().join("r.html"), "");
    let verdicts = "Object.fromEntries(data.summary.verdicts.map((verdict) => [verdict.id, verdict.count]))";
    let (whole, mut sum) =
        (browser.eval(verdicts), json!({"retire": 0, "replace": 0, "rotate": 0, "investigate": 0}));
    let all: BTreeSet<String> =
        serde_json::from_value(browser.eval("data.keys.map((key) => key.reference)")).unwrap();
    assert_eq!(all.len(), report["keys"].as_array().unwrap().len());
    let mut seen = BTreeSet::new();
    let links: Vec<String> =
        serde_json::from_value(browser.eval("data.parts.map((part) => part.file)")).unwrap();
    let first = browser.eval("document.querySelector('.keys tbody a').getAttribute('href')");
    assert!(links.iter().any(|link| first.as_str().unwrap().starts_with(&format!("{link}#key="))), "{first}");
    assert_eq!(links.len(), accounts.len());
    for link in links {
        browser.open(&dir.path().join(&link), "");
        for (id, count) in browser.eval(verdicts).as_object().unwrap() {
            sum[id] = json!(sum[id].as_u64().unwrap() + count.as_u64().unwrap());
        }
        let own: Vec<String> =
            serde_json::from_value(browser.eval("data.keys.map((key) => key.reference)")).unwrap();
        assert_eq!(browser.eval("data.summary.keys"), own.len());
        for key in own {
            assert!(seen.insert(key), "a key is in two parts");
        }
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{link}");
    }
    assert_eq!((seen, sum), (all, whole));
}
