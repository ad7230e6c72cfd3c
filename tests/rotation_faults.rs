//! The fault matrix of rotation and retirement, against the stand-in: every sort of trouble at every call, and the outcome
//! that is expected of it; whatever happens, nothing is lost and no secret is seen.

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
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::keys::{BEFORE, Case};
use support::standin::{StandIn, python};
use support::{code, stderr, stdout};

/// Calls of a rotation into Secrets Manager.
const CALLS: &[&str] = &[
    "iam:ListAccessKeys",
    "iam:ListUserTags",
    "iam:TagUser",
    "iam:CreateAccessKey",
    "sts:GetCallerIdentity",
    "iam:GetAccessKeyLastUsed",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
    "iam:UntagUser",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];

/// Sorts of trouble that pass by themselves.
const PASSING: &[&str] =
    &["throttle", "500", "503", "reset-before", "reset-after", "500-after", "truncate", "hang", "hang-after"];

static NUMBER: AtomicUsize = AtomicUsize::new(1);

fn case<'a>(standin: &'a StandIn, sink: &'static str) -> Case<'a> {
    Case::new(standin, NUMBER.fetch_add(1, Ordering::SeqCst), sink)
}

fn faults(case: &Case<'_>, rules: Value) {
    case.standin.control("faults", &json!({"rules": rules}));
}

/// The old key and whether it works.
fn old(case: &Case<'_>) -> Option<String> {
    case.keys().into_iter().find(|(id, ..)| *id == case.key).map(|(_, status, _)| status)
}

fn apply(case: &Case<'_>) -> (i32, String) {
    let output = case.run(&["rotate", "apply", "p.json", "--timeout", "1"]);
    (code(&output), stdout(&output) + &stderr(&output))
}

fn resume(case: &Case<'_>, more: &[&str]) -> (i32, String) {
    let output = case.run(&[&["rotate", "resume", "p.json"], more].concat());
    (code(&output), stdout(&output) + &stderr(&output))
}

fn planned(case: &Case<'_>, more: &[&str]) {
    let output = case.plan("rotate", more);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn trouble_that_passes_changes_nothing_in_the_end() {
    if python().is_none() {
        return;
    }
    let cells: Vec<(&str, &str)> =
        CALLS.iter().flat_map(|call| PASSING.iter().map(move |kind| (*call, *kind))).collect();
    let next = AtomicUsize::new(0);
    let wrong: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let standin = StandIn::start(&[]).unwrap();
                while let Some((call, kind)) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let case = case(&standin, "secretsmanager");
                    planned(&case, &[]);
                    let (service, operation) = call.split_once(':').unwrap();
                    let seconds = if kind.starts_with("hang") { 3 } else { 0 };
                    faults(&case, json!([{"service": service, "operation": operation, "kind": kind, "count": 2, "seconds": seconds}]));
                    let first = apply(&case);
                    let end = case.to_the_end("rotate", 4).and_then(|()| case.assert_rotated());
                    if let Err(text) = end {
                        wrong.lock().unwrap().push(format!("{call} {kind}: {text}\nafter {first:?}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    println!("{} of {} cells of passing trouble end rotated", cells.len() - wrong.len(), cells.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_refusal_names_the_call_and_harms_nothing() {
    let Some(standin) = StandIn::start(&[]) else { return };
    for call in CALLS.iter().filter(|call| **call != "sts:GetCallerIdentity") {
        let case = case(&standin, "secretsmanager");
        planned(&case, &[]);
        standin.control("denials", &json!({"rules": [{"action": call}]}));
        let (mut exit, mut text) = apply(&case);
        if exit == 6 {
            (exit, text) = resume(&case, &["--delete", &case.key]);
        }
        assert_eq!(exit, 1, "{call}: {text}");
        assert!(text.contains(call) && text.contains("AccessDenied"), "{call}: {text}");
        let working = case.keys().iter().filter(|(_, status, _)| status == "Active").count();
        assert!(working > 0 && case.keys().len() <= 2, "{call}");
        standin.control("denials", &json!({"rules": []}));
        case.to_the_end("rotate", 4)
            .and_then(|()| case.assert_rotated())
            .unwrap_or_else(|text| panic!("{call}: {text}"));
    }
}

#[test]
fn a_new_key_may_take_twenty_seconds_to_be_known() {
    let Some(standin) = StandIn::start(&[]) else { return };
    let case = case(&standin, "secretsmanager");
    planned(&case, &[]);
    standin.control("life", &json!({"converge": 20}));
    let (exit, text) = apply(&case);
    assert_eq!(exit, 6, "{text}");
    assert_eq!(old(&case).as_deref(), Some("Inactive"), "{text}");
    standin.control("life", &json!({"converge": 0}));
    case.to_the_end("rotate", 2).and_then(|()| case.assert_rotated()).unwrap();
}

#[test]
fn a_sink_that_is_down_loses_nothing() {
    let Some(standin) = StandIn::start(&[]) else { return };
    // From the first write on: nothing is created.
    let down = case(&standin, "secretsmanager");
    planned(&down, &[]);
    let rule = |after: u32| json!([{"operation": "PutSecretValue", "kind": "deny", "code": "InternalServiceError", "after": after, "count": 1000}]);
    faults(&down, rule(0));
    let (exit, text) = apply(&down);
    assert_eq!((exit, down.keys().len()), (1, 1), "{text}");
    // After the proof: the new key's secret has no place; the key goes, and another is made later.
    faults(&down, rule(1));
    let (exit, text) = resume(&down, &[]);
    assert_eq!(exit, 1, "{text}");
    assert_eq!(old(&down).as_deref(), Some("Active"));
    let lost: Vec<String> = down.keys().into_iter().map(|(id, ..)| id).filter(|id| *id != down.key).collect();
    assert_eq!(lost.len(), 1, "{text}");
    faults(&down, json!([]));
    down.to_the_end("rotate", 3).and_then(|()| down.assert_rotated()).unwrap();
    assert!(!down.keys().iter().any(|(id, ..)| *id == lost[0]));
    let audit = stdout(&standin.run(&down.dir, &["rotate", "audit", "p.json"]));
    assert!(audit.contains(&format!("\"step\":\"discard\",\"key\":\"{}\"", lost[0])), "{audit}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_stops_it_before_it_acts() {
    let Some(standin) = StandIn::start(&[]) else { return };
    // A file may grow to so many blocks of 512 bytes: as if the disk were full there.
    let mut stopped = 0;
    for blocks in (1..24).step_by(2) {
        let case = case(&standin, "command");
        planned(&case, &[]);
        let mut plain = case.command(&["rotate", "apply", "p.json"]);
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", &format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$@\""), "sh"])
            .arg(plain.get_program());
        limited.args(plain.get_args()).current_dir(case.dir.path());
        for (name, value) in plain.get_envs() {
            if let Some(value) = value {
                limited.env(name, value);
            }
        }
        let output = limited.output().unwrap();
        case.assert_no_canary(&output);
        if code(&output) == 1 {
            stopped += 1;
            let text = stdout(&output) + &stderr(&output);
            assert!(text.contains("the journal cannot be written"), "{blocks}: {text}");
        }
        drop(plain.status());
        case.to_the_end("rotate", 4)
            .and_then(|()| case.assert_rotated())
            .unwrap_or_else(|text| panic!("{blocks}: {text}"));
    }
    assert!(stopped > 5, "{stopped}");
}

#[test]
fn a_torn_last_line_is_dropped_and_said() {
    let Some(standin) = StandIn::start(&[]) else { return };
    for line in (2..27).step_by(3) {
        let case = case(&standin, "command");
        planned(&case, &[]);
        let mut command = case.command(&["rotate", "apply", "p.json"]);
        assert!(!command.env("OFFKEY_CRASH_AT", format!("{line}:after")).status().unwrap().success());
        let path = case.dir.path().join("p.json.journal");
        let text = fs::read_to_string(&path).unwrap();
        let last = text.trim_end().rfind('\n').unwrap_or(0);
        fs::write(&path, &text[..last + (text.len() - last) / 2]).unwrap();
        case.to_the_end("rotate", 4)
            .and_then(|()| case.assert_rotated())
            .unwrap_or_else(|text| panic!("{line}: {text}"));
        let audit = stdout(&standin.run(&case.dir, &["rotate", "audit", "p.json"]));
        assert!(audit.contains("\"dropped\":"), "{audit}");
    }
}

#[test]
fn a_journal_that_was_changed_stops_everything() {
    let Some(standin) = StandIn::start(&[]) else { return };
    let case = case(&standin, "command");
    planned(&case, &[]);
    assert_eq!(apply(&case).0, 6);
    let path = case.dir.path().join("p.json.journal");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"claim\"", "\"prove\"", 1)).unwrap();
    standin.control("forget", &json!({}));
    let (exit, said) = resume(&case, &["--delete", &case.key]);
    assert_eq!(exit, 5, "{said}");
    assert!(said.contains("line 2") && said.contains("changed"), "{said}");
    assert!(!standin.calls().keys().any(|name| name.starts_with("iam:Delete")), "nothing was done");
    let audit = standin.run(&case.dir, &["rotate", "audit", "p.json"]);
    assert_eq!(code(&audit), 5);
}

#[test]
fn clocks_that_jump_shorten_no_wait() {
    let Some(standin) = StandIn::start(&[]) else { return };
    let case = case(&standin, "command");
    standin.control("life", &json!({"jump_days": 0}));
    planned(&case, &[]);
    let (exit, text) = apply(&case);
    assert_eq!(exit, 6, "{text}");
    assert!(text.contains("wait:"), "{text}");
    let delete = ["--delete", case.key.as_str()];
    // An hour back; then to an hour before the end of the wait; then past it.
    for (add, exit, says) in [(-3600, 6, "clock is behind"), (14 * 86_400, 6, "wait:"), (7_200, 0, "deleted")]
    {
        standin.control("clock", &json!({"add": add}));
        let (got, text) = resume(&case, &delete);
        assert_eq!(got, exit, "{add}: {text}");
        assert!(text.contains(says), "{add}: {text}");
    }
    case.assert_rotated().unwrap();
}

#[test]
fn a_second_operator_is_seen_and_respected() {
    let Some(standin) = StandIn::start(&[]) else { return };
    // On another machine: by the tag.
    let one = case(&standin, "command");
    planned(&one, &[]);
    let theirs = json!({"user": one.user, "tags": {"offkey:rotation": "rotate-000000000000/create"}});
    standin.control("change", &theirs);
    let (exit, text) = apply(&one);
    assert_eq!((exit, one.keys().len()), (5, 1), "{text}");
    assert!(text.contains("another plan works on"), "{text}");
    standin.control("change", &json!({"user": one.user, "tags": {"offkey:rotation": null}}));
    assert_eq!(resume(&one, &[]).0, 6);
    standin.control("change", &theirs);
    let (exit, text) = resume(&one, &["--delete", &one.key]);
    assert_eq!((exit, old(&one).as_deref()), (5, Some("Inactive")), "{text}");
    // On this machine: by the lock. On two at once: one goes through.
    for (second, both) in [("locks", "lock"), ("locks-2", "tag")] {
        let two = case(&standin, "command");
        planned(&two, &[]);
        let other = two.dir.path().join("p.json");
        fs::copy(&other, two.dir.path().join("q.json")).unwrap();
        let mut more = two.plan("rotate", &[]);
        assert_eq!(code(&more), 0);
        // A plan of its own, of the same key.
        fs::rename(&other, two.dir.path().join("r.json")).unwrap();
        faults(&two, json!([{"kind": "delay", "seconds": 0.05, "count": 10_000}]));
        let mut first = two.command(&["rotate", "apply", "q.json"]);
        let first =
            first.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut late = standin.command(&two.dir, &["rotate", "apply", "r.json", "--lock-dir", second]);
        std::thread::sleep(std::time::Duration::from_millis(if both == "lock" { 300 } else { 30 }));
        more = late.output().unwrap();
        let first = first.wait_with_output().unwrap();
        faults(&two, json!([]));
        let codes = [code(&first), code(&more)];
        assert!(codes.contains(&5), "{both}: {codes:?} {}{}", stdout(&more), stderr(&more));
        assert!(two.keys().len() <= 2, "{both}");
        assert_eq!(two.seen()["violations"], json!([]));
    }
}

#[test]
fn what_somebody_changed_by_hand_stops_it() {
    let Some(standin) = StandIn::start(&[]) else { return };
    // (when, what somebody does, what is said)
    let before = |case: &Case<'_>| case.key.clone();
    let new =
        |case: &Case<'_>| case.keys().into_iter().map(|(id, ..)| id).find(|id| *id != case.key).unwrap();
    type Whose<'a> = &'a dyn Fn(&Case<'_>) -> String;
    let cells: &[(&str, Whose<'_>, &str, &str)] = &[
        ("planned", &before, "deleted", "is gone"),
        ("planned", &before, "Inactive", "deactivated by somebody else"),
        ("planned", &before, "another", "has another key"),
        ("published", &before, "Inactive", "deactivated by somebody else"),
        ("published", &before, "deleted", "is gone"),
        ("published", &new, "Inactive", "the new key"),
        ("published", &new, "deleted", "the new key"),
        ("deactivated", &before, "Active", "made active again"),
        ("deactivated", &before, "deleted", "did not delete it"),
        ("deactivated", &new, "Inactive", "the new key"),
        ("deactivated", &new, "deleted", "the new key"),
    ];
    for (when, whose, what, says) in cells {
        let case = case(&standin, "secretsmanager");
        planned(&case, &[]);
        match *when {
            "published" => {
                standin.control("life", &json!({"adopts": false}));
                assert_eq!(apply(&case).0, 6);
                standin.control("life", &json!({"adopts": true}));
            }
            "deactivated" => assert_eq!(apply(&case).0, 6),
            _ => {}
        }
        let key = whose(&case);
        let change = match *what {
            "another" => {
                json!({"user": case.user, "add": format!("AKIAOTHER{}", &case.key[9..]), "created": "2026-01-01T00:00:00Z"})
            }
            to => json!({"user": case.user, "key": key, "to": to}),
        };
        standin.control("change", &change);
        let kept = case.keys();
        let (exit, text) = match *when {
            "planned" => apply(&case),
            _ => resume(&case, &["--delete", &case.key]),
        };
        assert_eq!(exit, 5, "{when} {what}: {text}");
        assert!(text.contains(says), "{when} {what}: {text}");
        assert_eq!(case.keys(), kept, "{when} {what}: nothing was touched");
        // Rollback ends it either way, and touches nobody else's work.
        let output = case.run(&["rotate", "rollback", "p.json"]);
        assert!([0, 5].contains(&code(&output)), "{when} {what}: {}{}", stdout(&output), stderr(&output));
        if *when == "deactivated" && key != case.key {
            assert_eq!(old(&case).as_deref(), Some("Active"), "{when} {what}");
        }
    }
}

#[test]
fn rollback_works_from_everywhere_before_deletion() {
    let Some(standin) = StandIn::start(&[]) else { return };
    for line in 1..24 {
        let case = case(&standin, "command");
        planned(&case, &[]);
        let mut command = case.command(&["rotate", "apply", "p.json"]);
        let _ = command.env("OFFKEY_CRASH_AT", format!("{line}:after")).status().unwrap();
        let output = case.run(&["rotate", "rollback", "p.json", "--reason", "the page is red"]);
        let text = stdout(&output) + &stderr(&output);
        assert_eq!(code(&output), 0, "{line}: {text}");
        assert_eq!(old(&case).as_deref(), Some("Active"), "{line}: {text}");
        let seen = case.seen();
        assert_eq!(seen["users"][&case.user]["tags"]["offkey:rotation"], Value::Null, "{line}: {text}");
        case.assert_sound(&seen).unwrap();
        // Either the sink has the new key's secret, or there is no new key.
        let vault = fs::read_to_string(case.dir.path().join("vault")).unwrap_or_default();
        for (id, ..) in case.keys().into_iter().filter(|(id, ..)| *id != case.key) {
            assert!(vault.contains(&id), "{line}: {id} is left, and nobody has its secret");
        }
        // Over is over.
        assert_eq!(resume(&case, &[]).0, 1, "{line}");
        assert_eq!(old(&case).as_deref(), Some("Active"));
    }
    // After deletion there is nothing to go back to.
    let case = case(&standin, "command");
    planned(&case, &[]);
    assert_eq!(apply(&case).0, 6);
    assert_eq!(resume(&case, &["--delete", &case.key]).0, 0);
    let output = case.run(&["rotate", "rollback", "p.json"]);
    assert!(stdout(&output).contains("deleted"), "{}", stdout(&output));
}

#[test]
fn a_watch_that_fails_brings_the_old_key_back() {
    let Some(standin) = StandIn::start(&[]) else { return };
    for (watch, stays) in [
        ("true", true),
        ("false", false),
        ("exec sleep 9", false),
        ("test \"$OFFKEY_USER\" != \"\" -a ! -e alarm", true),
    ] {
        let case = case(&standin, "command");
        standin.control("life", &json!({"jump_days": 0}));
        planned(&case, &["--watch", watch, "--command-timeout", "1"]);
        let (exit, text) = apply(&case);
        assert_eq!(exit, if stays { 6 } else { 1 }, "{watch}: {text}");
        if stays {
            assert_eq!(old(&case).as_deref(), Some("Inactive"), "{watch}: {text}");
            case.dir.file("alarm", "");
            let (exit, text) = resume(&case, &[]);
            assert_eq!(exit, if watch == "true" { 6 } else { 1 }, "{watch}: {text}");
        }
        if watch != "true" {
            assert_eq!(old(&case).as_deref(), Some("Active"), "{watch}");
            let (_, text) = resume(&case, &[]);
            assert!(text.contains("rolled-back") && text.contains("the watch failed"), "{text}");
        }
    }
}

#[test]
fn a_lost_journal_is_rebuilt_as_far_as_can_be_known() {
    let Some(standin) = StandIn::start(&[]) else { return };
    let (mut whole, mut asked) = (0, 0);
    for line in 1..28 {
        let case = case(&standin, "secretsmanager");
        planned(&case, &[]);
        let mut command = case.command(&["rotate", "apply", "p.json"]);
        let _ = command.env("OFFKEY_CRASH_AT", format!("{line}:after")).status().unwrap();
        fs::remove_file(case.dir.path().join("p.json.journal")).unwrap();
        standin.control("clock", &json!({"add": 3600}));
        let (exit, text) = resume(&case, &["--rebuild", "--delete", &case.key]);
        if exit == 5 {
            // A key whose secret nobody has: a person says that it may go.
            asked += 1;
            let id = case.keys().into_iter().map(|(id, ..)| id).find(|id| *id != case.key).unwrap();
            assert!(text.contains(&id), "{line}: {text}");
            let (exit, text) = resume(&case, &["--discard", &id]);
            assert!(exit == 6 || exit == 0, "{line}: {text}");
        } else {
            assert!(exit == 6 || exit == 0, "{line}: {exit} {text}");
            whole += 1;
        }
        case.to_the_end("rotate", 4)
            .and_then(|()| case.assert_rotated())
            .unwrap_or_else(|wrong| panic!("{line}: {wrong}\n{text}"));
    }
    assert!(whole > 15 && asked > 0, "{whole} {asked}");
}

#[test]
fn an_unknown_key_in_the_very_moment_is_asked_about() {
    let Some(standin) = StandIn::start(&[]) else { return };
    // The answer is lost, and the key was used meanwhile, or is too old to be ours: a person decides.
    for (used, created) in [(true, None), (false, Some("2026-01-01T00:00:00Z"))] {
        let case = case(&standin, "command");
        planned(&case, &[]);
        let kind = if created.is_some() { "reset-before" } else { "kill-after" };
        faults(
            &case,
            json!([{"operation": "CreateAccessKey", "kind": "kill-after", "count": 1, "pidfile": case.dir.path().join("pid")}]),
        );
        if kind == "reset-before" {
            // Nothing of ours was made: somebody else's key appears instead.
            faults(
                &case,
                json!([{"operation": "CreateAccessKey", "kind": "kill-before", "count": 1, "pidfile": case.dir.path().join("pid")}]),
            );
        }
        let output = case.command(&["rotate", "apply", "p.json"]).output().unwrap();
        assert_eq!(output.status.code(), None);
        if let Some(created) = created {
            standin.control("change", &json!({"user": case.user, "add": format!("AKIAOTHER{}", &case.key[9..]), "created": created}));
        }
        let id = case.keys().into_iter().map(|(id, ..)| id).find(|id| *id != case.key).unwrap();
        if used {
            standin.control("change", &json!({"user": case.user, "key": id, "used": "2026-11-20T00:00:00Z"}));
        }
        let (exit, text) = resume(&case, &[]);
        assert_eq!(exit, 5, "{text}");
        assert!(text.contains(&id) && text.contains("may be somebody else's"), "{text}");
        assert_eq!(case.keys().len(), 2, "nothing was touched");
        let (exit, text) = resume(&case, &["--discard", &id]);
        assert_eq!(exit, 6, "{text}");
        case.to_the_end("rotate", 3).and_then(|()| case.assert_rotated()).unwrap();
    }
}

#[test]
fn sinks_that_hold_something_else_are_left_alone() {
    let Some(standin) = StandIn::start(&[]) else { return };
    for (text, says) in
        [("not json", "no JSON object"), ("{\"id\":\"AKIAOTHER\",\"secret\":\"x\"}", "does not hold")]
    {
        let case = case(&standin, "profile");
        standin.control("secret", &json!({"name": format!("other-{}", case.user), "text": text}));
        let sink = format!("secretsmanager:other-{}", case.user);
        let output = standin.run(
            &case.dir,
            &["rotate", "plan", &case.user, "-o", "p.json", "--sink", &sink, "--settle", "0"],
        );
        assert_eq!(code(&output), 0);
        let (exit, said) = apply(&case);
        assert_eq!((exit, case.keys().len()), (1, 1), "{said}");
        assert!(said.contains(says), "{said}");
    }
    // A secret that nobody has filled yet takes the plain form.
    let case = case(&standin, "command");
    standin.control("secret", &json!({"parameter": format!("/new/{}", case.user), "text": "{}"}));
    let sink = "ssm:/new/{user}";
    let output = standin.run(
        &case.dir,
        &[
            "rotate",
            "plan",
            &case.user,
            "-o",
            "p.json",
            "--sink",
            sink,
            "--settle",
            "0",
            "--ses-smtp",
            "eu-west-1",
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(apply(&case).0, 6);
    let seen = case.seen();
    let held = seen["parameters"][format!("/new/{}", case.user)].as_str().unwrap();
    let held: Value = serde_json::from_str(&held[held.find('{').unwrap()..]).unwrap();
    assert!(
        held["ses_smtp_password_eu-west-1"].as_str().unwrap().starts_with('B'),
        "version 4 begins with B"
    );
    assert_ne!(held["secret_access_key"], BEFORE);
}
