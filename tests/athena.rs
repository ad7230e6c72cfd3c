//! `collect --athena`: the real SDK client against a stand-in that runs the query on DuckDB, with trouble of every sort.

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
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::athena::{assert_same, natively, object};
use support::standin::StandIn;
use support::*;

const TRAIL: &str = "s3://example-trail";

fn arguments<'a>(store: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = [
        "collect",
        "--athena",
        "--json",
        "--trail",
        TRAIL,
        "--output-location",
        "s3://example-results/",
        "--store",
        store,
    ];
    [&usual, more].concat()
}

fn outcome(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

/// A small trail of two accounts over three months, with keys that take roles; put into the stand-in's bucket.
fn estate(stand_in: &StandIn, dir: &Dir) {
    let mut n = 0;
    for month in ["07", "08", "09"] {
        for day in ["03", "14", "15", "28"] {
            for account in ["111122223333", "444455556666"] {
                let time = |minute: u32| format!("2026-{month}-{day}T10:{minute:02}:00Z");
                let mut records: Vec<Value> = (0..20)
                    .map(|minute| {
                        n += 1;
                        with(record(n, "ListBuckets", &time(minute)), json!({"recipientAccountId": account}))
                    })
                    .collect();
                n += 1;
                let session = format!("ASIASESSION{n:09}");
                records.push(with(
                    record(n, "AssumeRole", &time(30)),
                    json!({"requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/r"}, "responseElements": {"credentials": {"accessKeyId": session}}}),
                ));
                object(dir, account, "us-east-1", &format!("2026/{month}/{day}"), n as usize, &records);
                n += 1;
                let used = with(
                    record(n, "GetObject", &time(40)),
                    json!({"userIdentity": {"type": "AssumedRole", "accessKeyId": session, "arn": "arn:aws:sts::444455556666:assumed-role/r/s", "userName": null}}),
                );
                object(dir, "444455556666", "eu-west-1", &format!("2026/{month}/{day}"), n as usize, &[used]);
            }
        }
    }
    stand_in.control(
        "tree",
        &json!({"bucket": "example-trail", "root": dir.path().join("AWSLogs"), "prefix": "AWSLogs/"}),
    );
}

const SPAN: [&str; 4] = ["--since", "2026-07-01", "--until", "2026-09-30"];

#[test]
fn the_demo_computed_by_athena_says_the_same_as_its_files() {
    let Some(stand_in) = StandIn::start(&["--page", "700"]) else { return };
    let dir = Dir::new();
    let made = offkey(&dir, &["demo", "-q", "-o", "demo", "--aws-endpoint", &stand_in.url]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let trail = std::fs::read_dir(dir.path().join("demo/estate/trail")).unwrap().count();
    assert!(trail > 0);
    stand_in
        .control("tree", &json!({"bucket": "example-trail", "root": dir.path().join("demo/estate/trail")}));
    stand_in.control("forget", &json!({}));
    let span = ["--since", "2026-01-01", "--until", "2026-10-01"];
    // Nothing is made that was not asked for, and what would be made is shown.
    let refused = stand_in.run(&dir, &arguments("athena.db", &span));
    assert_eq!(code(&refused), 1);
    let said = stderr(&refused);
    assert!(said.contains("CREATE EXTERNAL TABLE") && said.contains("--create-table"), "{said}");
    assert!(
        said.contains("s3://example-trail/AWSLogs/o-exampleorg1/${account}/CloudTrail/${region}/${day}"),
        "{said}"
    );
    let more = [&span[..], &["--create-table"]].concat();
    let small = stand_in.run(&dir, &arguments("athena.db", &[&more[..], &["--max-scan", "1MB"]].concat()));
    assert_eq!(code(&small), 1);
    assert!(
        stderr(&small).contains("would be scanned, which is more than --max-scan (1.0 MB)"),
        "{}",
        stderr(&small)
    );
    let output = stand_in.run(&dir, &arguments("athena.db", &more));
    // Two of the demo's log objects are damaged: the day that they lie in cannot be read by Athena.
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let told = outcome(&output);
    println!("{}", told["athena"]);
    assert_eq!(told["athena"]["days_not_read"], 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("asking for half of it at a time"));
    let store = rusqlite::Connection::open(dir.path().join("athena.db")).unwrap();
    let skip: String = store
        .query_row("SELECT detail FROM file_skip WHERE source LIKE 'athena/%'", [], |row| row.get(0))
        .unwrap();
    assert!(skip.contains("--accounts 123456789012 --since 2026-09-30 --until 2026-09-30"), "{skip}");
    // That day is read from S3, as it says; then both ways have said the same.
    let day = [
        "collect",
        "-q",
        "--census",
        "s3://example-trail/AWSLogs/",
        "--accounts",
        "123456789012",
        "--since",
        "2026-09-30",
        "--until",
        "2026-09-30",
        "--store",
        "athena.db",
    ];
    assert_eq!(code(&stand_in.run(&dir, &day)), 3);
    let root = dir.path().join("demo/estate/trail/AWSLogs");
    natively(&dir, &root, "native.db");
    let (rows, sessions) = assert_same(&dir, "athena.db", "native.db", "the demo by Athena");
    println!("{rows} rows and {sessions} sessions, equal");
    assert!(rows > 2000 && sessions > 200);
    // Again: what is known is not asked again, and the day that was read from S3 is no gap any more.
    let again = stand_in.run(&dir, &arguments("athena.db", &span));
    let told = outcome(&again);
    assert_eq!(told["athena"]["scanned_bytes"], 0, "{told}");
    assert_eq!(told["athena"]["slices"], told["athena"]["slices_known"].as_u64().unwrap() + 1, "{told}");
    let skips: i64 = store
        .query_row(
            "SELECT count(*) FROM file_skip WHERE source LIKE 'athena/%' AND reason = 'unreadable'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(skips, 0);
    assert_eq!(stand_in.control("athena", &json!({}))["twice"], 0);
}

#[test]
fn failures_throttling_cancelled_and_expired_queries_leave_nothing_out() {
    let Some(stand_in) = StandIn::start(&["--page", "7", "--seed", "3"]) else { return };
    let dir = Dir::new();
    estate(&stand_in, &dir);
    natively(&dir, &dir.path().join("AWSLogs"), "native.db");
    // The first makes the table; of the others one fails in a way that passes, one for too much, one is stopped.
    stand_in.control(
        "athena",
        &json!({"outcomes": [
            {"nth": 2, "state": "FAILED", "reason": "Query exhausted resources at this scale factor", "retryable": true},
            {"nth": 3, "state": "CANCELLED"},
            {"nth": 4, "state": "FAILED", "reason": "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"},
            {"nth": 6, "state": "FAILED", "reason": "GENERIC_INTERNAL_ERROR: io.trino.spi"},
        ]}),
    );
    let rules = |rules: Value| stand_in.control("faults", &json!({"rules": rules}));
    rules(json!([
        {"kind": "throttle", "service": "athena", "code": "TooManyRequestsException", "rate": 0.15},
        {"kind": "500", "service": "athena", "rate": 0.03}, {"kind": "reset-after", "service": "athena", "rate": 0.03},
        {"kind": "reset-before", "service": "athena", "rate": 0.03},
    ]));
    let more = [&SPAN[..], &["--create-table"]].concat();
    let output = stand_in.run(&dir, &arguments("athena.db", &more));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let (rows, sessions) = assert_same(&dir, "athena.db", "native.db", "through trouble");
    let told = stand_in.control("athena", &json!({}));
    println!("{rows} rows, {sessions} sessions, equal; queries ended {}", told["ends"]);
    assert_eq!(told["ends"]["FAILED"], 3, "{told}");
    assert_eq!(told["ends"]["CANCELLED"], 1);
    assert_eq!(told["twice"], 0);
    assert_eq!(
        outcome(&output)["athena"]["table"].as_str().map(|t| t.starts_with("default.offkey_example_trail_")),
        Some(true)
    );
    // Expired: an interrupted run's queries are known no longer, and asked anew.
    stand_in.control("faults", &json!({"rules": []}));
    stand_in.control("athena", &json!({"outcomes": [], "delay": 30}));
    let mut child = stand_in
        .command(&dir, &arguments("late.db", &SPAN))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = told["started"].as_u64().unwrap();
    while stand_in.control("athena", &json!({}))["started"].as_u64().unwrap() < started + 4 {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    child.kill().unwrap();
    child.wait().unwrap();
    stand_in.control("athena", &json!({"forget": true, "delay": 0}));
    let output = stand_in.run(&dir, &arguments("late.db", &SPAN));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_same(&dir, "late.db", "native.db", "after queries expired");
    // What will not pass ends the run, says so, and costs nothing more.
    stand_in.control("faults", &json!({"rules": [{"kind": "deny", "service": "athena", "operation": "StartQueryExecution", "code": "AccessDeniedException"}]}));
    let denied = stand_in.run(&dir, &arguments("denied.db", &SPAN));
    assert_eq!(code(&denied), 1);
    assert!(stderr(&denied).contains("offkey permissions athena"), "{}", stderr(&denied));
    // An unfinished collection supports no verdict, and is said to be one.
    stand_in.control("faults", &json!({"rules": []}));
    let listed = offkey(&dir, &["collect", "--json", "AWSLogs", "--store", "denied.db"]);
    assert_eq!(code(&listed), 3, "{}", stderr(&listed));
}

#[test]
fn kills_at_twenty_moments_run_no_slice_twice() {
    let Some(stand_in) = StandIn::start(&["--page", "20"]) else { return };
    let dir = Dir::new();
    estate(&stand_in, &dir);
    natively(&dir, &dir.path().join("AWSLogs"), "native.db");
    let made = stand_in.run(&dir, &arguments("first.db", &[&SPAN[..], &["--create-table"]].concat()));
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    stand_in.control("athena", &json!({"delay": 0.1}));
    let started = Instant::now();
    assert_eq!(code(&stand_in.run(&dir, &arguments("quiet.db", &SPAN))), 0);
    let takes = started.elapsed();
    let before = stand_in.control("athena", &json!({}));
    let (mut kills, mut rounds) = (0_u32, 0);
    // Kill after kill while one store is filled; when one is full, the next.
    while kills < 20 {
        let store = format!("loud-{rounds}.db");
        loop {
            let mut command = stand_in.command(&dir, &arguments(&store, &SPAN));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(takes * (5 + (kills * 7919) % 40) / 100);
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            if kills >= 20 {
                break;
            }
        }
        let end = stand_in.run(&dir, &arguments(&store, &SPAN));
        assert_eq!(code(&end), 0, "{}", stderr(&end));
        assert_same(&dir, &store, "native.db", &store);
        rounds += 1;
    }
    let after = stand_in.control("athena", &json!({}));
    let completed = |told: &Value| told["ends"]["SUCCEEDED"].as_u64().unwrap();
    let a_run = u64::try_from(
        before["queries"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|q| q["sql"].as_str().unwrap().contains("SELECT"))
            .count(),
    )
    .unwrap()
        / 2;
    println!(
        "{kills} kills over {rounds} collections of {a_run} queries each: {} ran to their end",
        completed(&after) - completed(&before)
    );
    assert_eq!(completed(&after) - completed(&before), a_run * rounds, "a slice ran twice to its end");
    assert!(after["started"].as_u64().unwrap() - before["started"].as_u64().unwrap() >= a_run * rounds);
}

#[test]
fn an_interrupt_stops_the_queries_and_the_next_run_goes_on() {
    let Some(stand_in) = StandIn::start(&[]) else { return };
    let dir = Dir::new();
    estate(&stand_in, &dir);
    natively(&dir, &dir.path().join("AWSLogs"), "native.db");
    let made = stand_in.run(&dir, &arguments("first.db", &[&SPAN[..], &["--create-table"]].concat()));
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let started = stand_in.control("athena", &json!({"delay": 60}))["started"].as_u64().unwrap();
    let mut command = stand_in.command(&dir, &arguments("stopped.db", &SPAN));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while stand_in.control("athena", &json!({}))["started"].as_u64().unwrap() < started + 4 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    let told = stand_in.control("athena", &json!({"delay": 0}));
    assert_eq!((&told["running"], &told["ends"]["CANCELLED"]), (&json!(0), &json!(4)), "{}", told["ends"]);
    let output = stand_in.run(&dir, &arguments("stopped.db", &SPAN));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_same(&dir, "stopped.db", "native.db", "after an interrupt");
    // Later days: only what is new is asked, and a table that is there is found by itself.
    let bare = [
        "collect",
        "--athena",
        "--json",
        "--store",
        "stopped.db",
        "--since",
        "2026-07-01",
        "--until",
        "2026-10-02",
    ];
    let output = stand_in.run(&dir, &bare);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told = outcome(&output);
    assert_eq!(
        (&told["athena"]["slices"], &told["athena"]["slices_known"]),
        (&json!(8), &json!(6)),
        "{told}"
    );
    assert_eq!(told["athena"]["estimated_bytes"], 0);
    // What was asked of one region says nothing of the others, whichever comes first.
    let one =
        stand_in.run(&dir, &arguments("regions.db", &[&SPAN[..], &["--regions", "us-east-1"]].concat()));
    assert_eq!(code(&one), 0, "{}", stderr(&one));
    let all = stand_in.run(&dir, &arguments("regions.db", &SPAN));
    assert_eq!(outcome(&all)["athena"]["slices_known"], 0, "{}", stderr(&all));
    assert_same(&dir, "regions.db", "native.db", "one region, then all");
}

#[test]
fn wrong_words_are_answered_before_anything_is_asked() {
    let dir = Dir::new();
    for (arguments, says) in [
        (&["collect", "--athena", "--table", "a\"b"][..], "no name of a database or table"),
        (&["collect", "--athena", "--workgroup", "a b"], "no name of a workgroup"),
        (&["collect", "--athena", "--create-table"], "--create-table needs --trail"),
        (&["collect", "--table", "t", "x"], "--table needs --athena"),
        (&["collect", "--athena", "--max-scan", "much"], "write 500GB, 2TB or unlimited"),
        (&["athena", "sql", "--table", "t", "--account", "12"], "is not an account id"),
        (&["athena", "sql", "--table", "t'", "--account", "111122223333"], "no name of a database or table"),
        (&["athena", "sql", "--table", "t", "--account", "111122223333", "--regions", "x'y"], "no name"),
    ] {
        let output = offkey(&dir, arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
    dir.file("other.csv", "a,b\n1,2\n");
    dir.file("newer.csv", offkey::athena::COLUMNS.join(",") + "\n" + &"offkey-athena-9,".repeat(38) + "\n");
    for (file, says) in [
        ("other.csv", "no column format"),
        ("newer.csv", "this version of offkey reads"),
        ("none.csv", "No such file"),
    ] {
        let output = offkey(&dir, &["collect", "--athena-results", file]);
        assert_eq!(code(&output), 1, "{file}: {}", stderr(&output));
        assert!(stderr(&output).contains(says), "{file}: {}", stderr(&output));
    }
}

#[test]
fn named_queries_hold_the_query_itself() {
    let dir = Dir::new();
    let base = [
        "athena",
        "sql",
        "--table",
        "trail",
        "--account",
        "111122223333",
        "--since",
        "2026-09-01",
        "--until",
        "2026-09-30",
    ];
    let plain = stdout(&offkey(&dir, &base));
    let template: Value =
        serde_json::from_str(&stdout(&offkey(&dir, &[&base[..], &["--to", "cloudformation"]].concat())))
            .unwrap();
    let properties = &template["Resources"]["OffkeyUsage"]["Properties"];
    assert_eq!(properties["QueryString"].as_str().unwrap().trim(), plain.trim());
    assert_eq!(template["Resources"]["OffkeyUsage"]["Type"], "AWS::Athena::NamedQuery");
    let terraform = stdout(&offkey(&dir, &[&base[..], &["--to", "terraform"]].concat()));
    let text = terraform.split("<<-EOT\n").nth(1).unwrap().split("\n  EOT").next().unwrap();
    assert_eq!(text.replace("$${", "${").replace("%%{", "%{").trim(), plain.trim());
    let ddl = stdout(&offkey(
        &dir,
        &["athena", "sql", "--create-table", "--trail", "s3://example-trail/AWSLogs", "--table", "trail"],
    ));
    assert!(ddl.starts_with("CREATE EXTERNAL TABLE `default`.`trail`") && ddl.contains("inscopeof"), "{ddl}");
}
