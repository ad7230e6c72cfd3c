//! Rotation and retirement as an operator types them: plans and what forbids them, campaigns, roles, exit codes.

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
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::keys::CANARY;
use support::standin::{StandIn, python};
use support::{Dir, code, offkey, record, stderr, stdout, trail, with};

const KEY: &str = "AKIAI44QH8DHBEXAMPLE";

/// A user of its own, with one key; `more` goes over it.
fn user(standin: &StandIn, name: &str, more: Value) {
    let mut user = json!({"name": name, "keys": [{"id": key_of(name), "used": {"time": "2026-10-10T00:00:00Z", "service": "s3", "region": "us-east-1"}}]});
    for (field, value) in more.as_object().unwrap() {
        user[field] = value.clone();
    }
    standin.control("users", &json!({"users": [user]}));
}

fn key_of(name: &str) -> String {
    format!(
        "AKIA{:X<16}",
        name.to_ascii_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "X")
            .chars()
            .take(16)
            .collect::<String>()
    )
}

fn plan(standin: &StandIn, dir: &Dir, arguments: &[&str]) -> (i32, String) {
    let output = standin.run(
        dir,
        &[&["rotate", "plan", "-o", "p.json", "--sink", "command:true", "--settle", "0"], arguments].concat(),
    );
    (code(&output), stdout(&output) + &stderr(&output))
}

#[test]
fn what_forbids_a_rotation_is_said_with_the_right_way() {
    let Some(standin) = StandIn::start(&[]) else { return };
    let tags = |pairs: &[(&str, &str)]| json!({"tags": pairs.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect::<Vec<_>>()});
    let second = |status: &str, name: &str| json!({"keys": [{"id": key_of(name)}, {"id": format!("{}2", &key_of(name)[..19]), "status": status}]});
    let mail = json!({"policies": [{"PolicyName": "AmazonSesSendingAccess", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}]});
    // (user, what is special, more options, the stop, what it says)
    let cells: Vec<(&str, Value, &[&str], &str, &str)> = vec![
        (
            "quarantined",
            json!({"attached": ["arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"]}),
            &[],
            "quarantine",
            "incident",
        ),
        ("mailer", mail.clone(), &[], "ses-smtp", "--ses-smtp REGION"),
        ("ses-smtp-user.20260101", json!({}), &[], "ses-smtp", "no log shows"),
        ("mailer-derived", mail, &["--ses-smtp", "eu-west-1"], "", ""),
        ("two-active", second("Active", "two-active"), &[], "two-keys", "no third"),
        ("one-inactive", second("Inactive", "one-inactive"), &[], "two-keys", "once you are sure"),
        ("by-terraform", tags(&[("ManagedBy", "terraform")]), &[], "managed", "ManagedBy=terraform"),
        ("by-terraform-not", tags(&[("terraform", "false")]), &[], "", ""),
        (
            "by-cloudformation",
            tags(&[("aws:cloudformation:stack-name", "users")]),
            &[],
            "managed",
            "stack users",
        ),
        ("in-state", json!({}), &["--state", "state.json"], "managed", "-replace='aws_iam_access_key.k'"),
        ("not-in-state", tags(&[("terraform", "true")]), &["--state", "state.json"], "", ""),
        ("exempt", json!({}), &["--mutes", "mutes.toml"], "exempt", "until 2099-01-01: audit"),
        ("exempt-once", json!({}), &["--mutes", "mutes.toml"], "exemption-expired", "renew"),
        ("exempt-badly", json!({}), &["--mutes", "mutes.toml"], "exemption-malformed", "mend"),
        (
            "claimed",
            tags(&[("offkey:rotation", "rotate-aaaaaaaaaaaa/create")]),
            &[],
            "claimed",
            "another plan",
        ),
        ("plain", json!({}), &[], "", ""),
    ];
    for (name, special, more, stop, says) in &cells {
        user(&standin, name, special.clone());
        let dir = Dir::new();
        let state = json!({"version": 4, "terraform_version": "1.11.4", "resources": [{"type": "aws_iam_access_key", "name": "k", "instances": [{"attributes": {"id": key_of("in-state"), "user": "in-state"}}]}]});
        dir.file("state.json", state.to_string());
        dir.file("mutes.toml", "[[mute]]\nuser = \"exempt\"\nreason = \"audit\"\nowner = \"ops\"\nexpires = \"2099-01-01\"\n[[mute]]\nuser = \"exempt-once\"\nreason = \"audit\"\nowner = \"ops\"\nexpires = \"2026-01-01\"\n[[mute]]\nuser = \"exempt-badly\"\nreason = \"audit\"\n");
        let key = key_of(name);
        let (exit, text) = plan(&standin, &dir, &[&[key.as_str()], *more].concat());
        if stop.is_empty() {
            assert_eq!(exit, 0, "{name}: {text}");
            continue;
        }
        assert_eq!(exit, 5, "{name}: {text}");
        assert!(text.contains(&format!("[{stop}]")) && text.contains(says), "{name}: {text}");
        assert!(!dir.path().join("p.json").exists(), "{name}");
    }
    // What signs offkey's own requests is not rotated by it.
    user(&standin, "operator", json!({"keys": [{"id": "AKIAIOSFODNN7EXAMPLE"}]}));
    let dir = Dir::new();
    let (exit, text) = plan(&standin, &dir, &["operator"]);
    assert!(exit == 5 && text.contains("[signing-key]"), "{text}");
    // A malformed file of exemptions stops everything, also the one that simply lies there.
    dir.file("offkey.mutes.toml", "[[mute]\n");
    let (exit, text) = plan(&standin, &dir, &["plain"]);
    assert!(exit == 1 && text.contains("nothing is touched"), "{text}");
    // An exemption or quarantine that came after the plan counts as well.
    fs::remove_file(dir.path().join("offkey.mutes.toml")).unwrap();
    assert_eq!(plan(&standin, &dir, &["plain"]).0, 0);
    dir.file(
        "offkey.mutes.toml",
        "[[mute]]\nuser = \"plain\"\nreason = \"freeze\"\nowner = \"ops\"\nexpires = \"2099-01-01\"\n",
    );
    let output = standin.run(&dir, &["rotate", "apply", "p.json", "--lock-dir", "locks"]);
    assert!(
        code(&output) == 5 && stdout(&output).contains("freeze"),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    // Nothing but reads, and the journal.
    let calls = standin.calls();
    assert!(
        !calls.keys().any(|name| ["iam:Create", "iam:Update", "iam:Delete", "iam:Tag"]
            .iter()
            .any(|verb| name.starts_with(verb))),
        "{calls:?}"
    );
}

#[test]
fn a_plan_is_applied_once_by_its_maker_in_time_and_as_it_was() {
    let Some(standin) = StandIn::start(&[]) else { return };
    user(&standin, "ci", json!({}));
    let dir = Dir::new();
    let vault = "case $OFFKEY_OPERATION in store) cat > vault ;; fetch) cat > /dev/null; cat vault 2>/dev/null || true ;; publish) exit 3 ;; *) cat > /dev/null ;; esac";
    dir.file("vault.sh", vault);
    let make = || {
        let output = standin.run(
            &dir,
            &[
                "rotate",
                "plan",
                "ci",
                "-o",
                "p.json",
                "--sink",
                "command:sh vault.sh",
                "--settle",
                "0",
                "--detailed-exit-code",
            ],
        );
        assert_eq!(code(&output), 11, "{}", stderr(&output));
        fs::read_to_string(dir.path().join("p.json")).unwrap()
    };
    let apply = |more: &[(&str, &str)]| {
        let mut command = standin.command(&dir, &["rotate", "apply", "p.json", "--lock-dir", "locks"]);
        more.iter().for_each(|(name, value)| {
            command.env(name, value);
        });
        let output = command.output().unwrap();
        (code(&output), stdout(&output) + &stderr(&output))
    };
    let text = make();
    let shown = stdout(&standin.run(&dir, &["rotate", "show", "p.json"]));
    for word in ["CANNOT BE UNDONE", "nothing is deleted", "create a second key", "command: sh vault.sh"] {
        assert_eq!(shown.contains(word), word != "CANNOT BE UNDONE", "{word}: {shown}");
    }
    // Changed by an editor.
    dir.file("p.json", text.replace("\"silence_days\": 7", "\"silence_days\": 1"));
    let (exit, said) = apply(&[]);
    assert!(exit == 5 && said.contains("was changed after it was made"), "{said}");
    // Somebody else.
    dir.file("p.json", &text);
    standin.control(
        "signers",
        &json!({"AKIAOTHEROTHEROTHER1": ["111122223333", "arn:aws:iam::111122223333:user/other", null]}),
    );
    let (exit, said) = apply(&[("AWS_ACCESS_KEY_ID", "AKIAOTHEROTHEROTHER1")]);
    assert!(exit == 5 && said.contains("user/other"), "{said}");
    // Nobody.
    let (exit, said) = apply(&[("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODYNOBO")]);
    assert_eq!(exit, 4, "{said}");
    // Too late.
    standin.control("clock", &json!({"offset": 25 * 3600}));
    let (exit, said) = apply(&[]);
    assert!(exit == 5 && said.contains("expired"), "{said}");
    standin.control("clock", &json!({"offset": 0}));
    assert!(!dir.path().join("p.json.journal").exists(), "nothing was begun");
    // Wrong command.
    let output = standin.run(&dir, &["retire", "apply", "p.json"]);
    assert_eq!(code(&output), 2);
    assert_eq!(
        code(&standin.run(&dir, &["rotate", "resume", "p.json", "--lock-dir", "locks"])),
        5,
        "not applied yet"
    );
    assert_eq!(code(&standin.run(&dir, &["rotate", "status", "p.json"])), 6);
    // Once.
    let (exit, said) = apply(&[]);
    assert!(exit == 6 && said.contains("published") && said.contains("cadence-unknown"), "{said}");
    let (exit, said) = apply(&[]);
    assert!(exit == 5 && said.contains("resume p.json"), "{said}");
    // A new plan does not take its place.
    let output =
        standin.run(&dir, &["rotate", "plan", "ci", "-o", "p.json", "--sink", "command:sh vault.sh"]);
    assert!(code(&output) == 1 && stderr(&output).contains("another name"), "{}", stderr(&output));
    // A gap accepted without a reason, or for another key.
    let resume = |more: &[&str]| {
        let output =
            standin.run(&dir, &[&["rotate", "resume", "p.json", "--lock-dir", "locks"], more].concat());
        (code(&output), stdout(&output) + &stderr(&output))
    };
    assert_eq!(resume(&["--accept-gap", "cadence-unknown"]).0, 2);
    assert_eq!(resume(&["--accept-gap", "AKIAOTHER:cadence-unknown", "--reason", "x"]).0, 6);
    let (exit, said) = resume(&[
        "--accept-gap",
        "cadence-unknown",
        "--accept-gap",
        "replacement",
        "--reason",
        "it runs daily",
    ]);
    assert!(
        exit == 0 && said.contains("deactivated") && said.contains("deletion was not asked for"),
        "{said}"
    );
    let audit = stdout(&standin.run(&dir, &["rotate", "audit", "p.json"]));
    assert!(audit.contains("it runs daily") && audit.contains("the old key is silent since"), "{audit}");
    // Taken back long after.
    let output = standin.run(&dir, &["rotate", "rollback", "p.json", "--lock-dir", "locks"]);
    assert!(
        code(&output) == 0 && stdout(&output).contains("rolled-back"),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    assert_eq!(
        standin.control("seen", &json!({"user": "ci"}))["users"]["ci"]["keys"][key_of("ci")]["status"],
        "Active"
    );
}

/// Records of a key's calls, and the same by a role.
fn logs(days: &[u32], role_calls: &[&str]) -> Vec<u8> {
    let mut records = Vec::new();
    let mut n = 0;
    for day in days {
        for name in ["ListBuckets", "GetBucketAcl"] {
            n += 1;
            let time = format!("2026-10-{day:02}T09:00:00Z");
            records.push(with(record(n, name, &time), json!({"userIdentity": {"accessKeyId": KEY}})));
        }
    }
    for name in role_calls {
        n += 1;
        records.push(with(
            record(n, name, "2026-10-28T09:00:00Z"),
            json!({"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/ci/job", "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "userName": null}}),
        ));
    }
    trail(&records)
}

#[test]
fn verify_says_what_is_proved_and_what_is_not() {
    let dir = Dir::new();
    let role = "arn:aws:iam::111122223333:role/ci";
    let run = |file: &str, more: &[&str]| {
        let output =
            offkey(&dir, &[&["verify", KEY, file, "--as-of", "2026-11-20", "--json"], more].concat());
        assert!([0, 6].contains(&code(&output)), "{}", stderr(&output));
        let parsed: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(parsed["ready"], code(&output) == 0);
        let checks: BTreeMap<String, bool> = parsed["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| (check["id"].as_str().unwrap().to_owned(), check["passed"].as_bool().unwrap()))
            .collect();
        checks
    };
    dir.file("carried.json", logs(&[1, 2, 3], &["ListBuckets", "GetBucketAcl"]));
    dir.file("partly.json", logs(&[1, 2, 3], &["ListBuckets"]));
    dir.file("monthly.json", logs(&[1, 30], &["ListBuckets", "GetBucketAcl"]));
    dir.file("once.json", logs(&[1], &[]));
    assert!(run("carried.json", &["--role", role])["replacement"]);
    assert!(!run("partly.json", &["--role", role])["replacement"]);
    assert!(!run("carried.json", &[])["replacement"], "no role is named");
    assert!(run("carried.json", &["--role", role])["silence"]);
    assert!(!run("monthly.json", &["--role", role])["silence"], "thirty days are not over on the twentieth");
    assert!(!run("once.json", &["--role", role])["cadence-unknown"]);
    // What was not seen is never proved: no trail is known, nor IAM's last use.
    let checks = run("carried.json", &["--role", role]);
    assert!(checks.iter().any(|(id, passed)| id == "no-last-used" && !passed), "{checks:?}");
    let text =
        stdout(&offkey(&dir, &["verify", KEY, "partly.json", "--role", role, "--as-of", "2026-11-20"]));
    assert!(
        text.contains("may NOT be deactivated yet") && text.contains("1 of the key's 2 kinds of calls"),
        "{text}"
    );
}

#[test]
fn a_retirement_waits_for_the_role_to_carry_the_load() {
    let Some(standin) = StandIn::start(&[]) else { return };
    standin.control("users", &json!({"users": [{"name": "ci", "keys": [{"id": KEY, "used": {"time": "2026-10-03T09:00:00Z", "service": "s3", "region": "us-east-1"}}]}]}));
    standin.control("role", &json!({"name": "ci"}));
    let dir = Dir::new();
    dir.file("before.json", logs(&[1, 2, 3], &["ListBuckets"]));
    dir.file("after.json", logs(&[1, 2, 3], &["ListBuckets", "GetBucketAcl"]));
    let role = "arn:aws:iam::111122223333:role/ci";
    let run = |arguments: &[&str]| {
        let output = standin.run(&dir, arguments);
        (code(&output), stdout(&output) + &stderr(&output))
    };
    let (exit, text) = run(&[
        "retire",
        "plan",
        KEY,
        "--role",
        role,
        "--evidence",
        "before.json",
        "-o",
        "p.json",
        "--delete-after",
        "7",
        "--settle",
        "0",
    ]);
    assert_eq!(exit, 0, "{text}");
    let (exit, text) =
        run(&["retire", "apply", "p.json", "--evidence", "before.json", "--lock-dir", "locks"]);
    assert!(
        exit == 6
            && text.contains("replacement: logs show")
            && text.contains("1 of the key's 2 kinds of calls"),
        "{text}"
    );
    // What nobody could see has to be accepted, each by its id.
    let gaps: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(id, _)| id.to_owned())
        .filter(|id| !["replacement", "next", KEY].contains(&id.as_str()) && !id.contains(' '))
        .collect();
    assert!(gaps.iter().any(|gap| gap == "no-last-used"), "{text}");
    let mut arguments = vec![
        "retire",
        "resume",
        "p.json",
        "--evidence",
        "after.json",
        "--lock-dir",
        "locks",
        "--reason",
        "seen elsewhere",
    ];
    for gap in &gaps {
        arguments.extend(["--accept-gap", gap]);
    }
    let (exit, text) = run(&arguments);
    assert!(exit == 6 && text.contains("wait:"), "{text}");
    let audit = run(&["retire", "audit", "p.json"]).1;
    assert!(audit.contains("all of the key's 2 kinds of calls"), "{audit}");
    standin.control("clock", &json!({"add": 8 * 86_400}));
    let (exit, text) = run(&["retire", "resume", "p.json", "--lock-dir", "locks", "--delete", KEY]);
    assert!(
        exit == 0 && text.contains("deleted") && text.contains("the user has no other credentials"),
        "{text}"
    );
    assert_eq!(standin.control("seen", &json!({"user": "ci"}))["users"]["ci"]["keys"], json!({}));
}

#[cfg(unix)]
#[test]
fn a_campaign_of_three_hundred_keys_accounts_for_every_one() {
    if python().is_none() {
        return;
    }
    let standin = StandIn::start(&["--page", "90"]).unwrap();
    standin.control("life", &json!({"canary": CANARY, "adopts": true}));
    let users: Vec<Value> = (0..300)
        .map(|n| {
            json!({"name": format!("app-{n:03}"), "tags": [{"Key": "wave", "Value": "one"}], "keys": [{"id": format!("AKIAEXAMPLE{n:09}"), "used": {"time": "2026-10-10T00:00:00Z", "service": "s3", "region": "us-east-1"}}]})
        })
        .collect();
    standin.control("users", &json!({"users": users}));
    // Left out by the filters, or left alone.
    standin.control("users", &json!({"users": [{"name": "other", "keys": [{"id": "AKIAOTHEROTHEROTHER1"}]}, {"name": "mixed", "tags": [{"Key": "wave", "Value": "one"}], "keys": [{"id": "AKIAMIXEDMIXEDMIXED1"}, {"id": "AKIAMIXEDMIXEDMIXED2"}]}]}));
    let dir = Dir::new();
    let output = standin.run(
        &dir,
        &[
            "rotate",
            "plan",
            "--all",
            "--tag",
            "wave=one",
            "--older-than",
            "90",
            "--sink",
            "ssm:/apps/{user}/key",
            "--delete-after",
            "7",
            "--settle",
            "1",
            "--accept-gap",
            "cadence-unknown",
            "--reason",
            "the wave's owners agreed",
            "-o",
            "p.json",
            "--json",
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let plan: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (plan["keys"].as_array().unwrap().len(), plan["left_out"].as_array().unwrap().len()),
        (300, 2)
    );
    let often = [("throttle", 0.02), ("500", 0.01), ("reset-before", 0.01), ("reset-after", 0.01)];
    let rules = often.map(|(kind, rate)| json!({"kind": kind, "rate": rate, "count": 1_000_000}));
    standin.control("faults", &json!({"rules": rules}));
    let ids: Vec<String> = (0..300).map(|n| format!("AKIAEXAMPLE{n:09}")).collect();
    let command = |operation: &str, delete: bool| {
        let mut command = standin.command(
            &dir,
            &["rotate", operation, "p.json", "--json", "--lock-dir", "locks", "--at-once", "8"],
        );
        if delete {
            ids.iter().for_each(|id| {
                command.args(["--delete", id]);
            });
        }
        command
    };
    // Interrupted five times, by Ctrl-C and by worse.
    for (n, signal) in ["KILL", "INT", "KILL", "INT", "KILL"].iter().enumerate() {
        let operation = if n == 0 { "apply" } else { "resume" };
        let child = command(operation, false).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        let _ = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        let output = child.wait_with_output().unwrap();
        let expected = if *signal == "INT" { Some(130) } else { None };
        assert_eq!(output.status.code(), expected, "{n}: {}", stderr(&output));
    }
    let mut outcomes: BTreeMap<String, Value> = BTreeMap::new();
    let mut runs = 0;
    let mut goes = |delete: bool, until: &dyn Fn(&BTreeMap<String, Value>) -> bool| {
        for _ in 0..12 {
            runs += 1;
            let output = command("resume", delete).output().unwrap();
            let text = stdout(&output);
            assert!(!text.contains(CANARY) && !stderr(&output).contains(CANARY));
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len(), 301, "every key has a line, and the counts come last");
            let counts = lines[300]["ended"].as_object().unwrap();
            assert_eq!(counts.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 300);
            outcomes = lines[..300]
                .iter()
                .map(|line| (line["access_key_id"].as_str().unwrap().to_owned(), line.clone()))
                .collect();
            assert_eq!(outcomes.len(), 300);
            if until(&outcomes) {
                return;
            }
        }
        panic!("it does not come to an end: {:?}", outcomes.values().find(|one| one["ended"] != "paused"));
    };
    goes(false, &|outcomes| {
        outcomes.values().all(|one| one["phase"] == "deactivated" && one["ended"] == "paused")
    });
    standin.control("clock", &json!({"add": 8 * 86_400}));
    goes(true, &|outcomes| outcomes.values().all(|one| one["ended"] == "finished"));
    println!("300 keys, interrupted 5 times, {runs} runs afterwards");
    let seen = standin.control("seen", &json!({}));
    assert_eq!(seen["violations"], json!([]));
    for (n, old) in ids.iter().enumerate() {
        let user = format!("app-{n:03}");
        let keys = seen["users"][&user]["keys"].as_object().unwrap();
        let (id, key) = keys.iter().next().unwrap();
        assert!(keys.len() == 1 && id != old && key["status"] == "Active", "{user}: {keys:?}");
        assert_eq!(outcomes[old]["new_access_key_id"], id.as_str());
        let held = seen["parameters"][format!("/apps/{user}/key")].as_str().unwrap();
        assert!(held.contains(id) && held.contains(key["secret"].as_str().unwrap()), "{user}");
    }
    assert!(seen["users"]["other"]["keys"].get("AKIAOTHEROTHEROTHER1").is_some());
    let journal = fs::read_to_string(dir.path().join("p.json.journal")).unwrap();
    assert!(!journal.contains(CANARY));
    assert_eq!(code(&standin.run(&dir, &["rotate", "audit", "p.json"])), 0);
}

#[test]
fn member_accounts_are_reached_by_a_role_that_may_do_no_more() {
    let Some(standin) = StandIn::start(&[]) else { return };
    let account = "444455556666";
    standin.control("role", &json!({"account": account, "name": "offkey-operator"}));
    standin.control("users", &json!({"users": [{"account": account, "name": "ci", "keys": [{"id": KEY, "used": {"time": "2026-10-10T00:00:00Z", "service": "s3", "region": "us-east-1"}}]}]}));
    standin.control("life", &json!({"adopts": true, "canary": CANARY}));
    let dir = Dir::new();
    let run = |arguments: &[&str]| {
        let output = standin.run(&dir, arguments);
        (code(&output), stdout(&output) + &stderr(&output))
    };
    let (exit, text) = run(&[
        "rotate",
        "plan",
        "ci",
        "--accounts",
        account,
        "--sink",
        "secretsmanager:ci/aws",
        "-o",
        "p.json",
        "--settle",
        "0",
        "--accept-gap",
        "cadence-unknown",
        "--reason",
        "r",
    ]);
    assert_eq!(exit, 0, "{text}");
    standin.control("secret", &json!({"account": account, "name": "ci/aws", "text": "{}"}));
    let (exit, text) = run(&["rotate", "apply", "p.json", "--lock-dir", "locks"]);
    assert!(exit == 0 && text.contains("deactivated"), "{text}");
    assert!(!text.contains(CANARY));
    let seen = standin.control("seen", &json!({"account": account, "user": "ci"}));
    assert!(seen["secrets"]["ci/aws"]["AWSCURRENT"].as_str().unwrap().contains(CANARY));
    let (_, policy) = run(&["permissions", "rotate"]);
    for (name, _) in standin.calls() {
        let action = name.replace("sts:GetCallerIdentity", "").replace("sts:AssumeRole", "");
        assert!(policy.contains(&action), "{name} is not among the permissions that are printed");
    }
}
