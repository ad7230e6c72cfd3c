//! What integration tests share: records made by hand, files of every sort, and the program itself.

#![allow(dead_code, unreachable_pub, reason = "each test program uses some of it")]

pub mod athena;
pub mod browser;
pub mod keys;
pub mod payloads;
pub mod standin;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A key id that AWS's own documentation uses.
pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// A record signed by a static key.
pub fn record(n: u32, name: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/ci",
            "accountId": "111122223333", "accessKeyId": KEY, "userName": "ci"
        },
        "eventTime": time,
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "[aws-cli/2.31.1 md/awscrt#0.27.6 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 m/E,n]",
        "requestParameters": null,
        "responseElements": null,
        "eventID": format!("00000000-0000-4000-8000-{n:012x}"),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
}

/// The same record with some of its fields replaced.
pub fn with(mut record: Value, fields: Value) -> Value {
    merge(&mut record, fields);
    record
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A log object's content.
pub fn trail(records: &[Value]) -> Vec<u8> {
    json!({"Records": records}).to_string().into_bytes()
}

/// Compressed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A directory that goes with the test.
pub struct Dir(tempfile::TempDir);

impl Dir {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, with the directories above it.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// The program in a directory.
pub fn offkey_command(dir: &Dir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offkey"));
    command.args(arguments).current_dir(dir.path()).env_remove("NO_COLOR");
    command
}

/// Runs the program in a directory.
pub fn offkey(dir: &Dir, arguments: &[&str]) -> Output {
    offkey_command(dir, arguments).output().unwrap()
}

/// Runs the program with something on standard input.
pub fn offkey_with_input(dir: &Dir, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_offkey"))
        .args(arguments)
        .current_dir(dir.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A thread of its own, so that a program that prints before it has read everything does not block.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// Rows of `offkey evidence`, as (event name, count).
pub fn rows(output: &Output) -> Vec<(String, u64)> {
    let text = stdout(output);
    text.lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            (row["event_name"].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap())
        })
        .collect()
}

/// The shared data, where there is any. Tests that need it say so when they are skipped.
pub fn shared(what: &str) -> Option<PathBuf> {
    match std::env::var_os("OFFKEY_SHARED") {
        Some(path) if !path.is_empty() => Some(PathBuf::from(path)),
        _ => {
            println!("skipped: {what} needs OFFKEY_SHARED");
            None
        }
    }
}

/// What the schema of SARIF finds wrong; nothing, said aloud, where it is not at hand.
pub fn faults_of_sarif(sarif: &Value) -> Vec<String> {
    let Some(path) = std::env::var("OFFKEY_SARIF_SCHEMA").ok().filter(|path| !path.is_empty()) else {
        println!("skipped: no schema of SARIF (OFFKEY_SARIF_SCHEMA is not set; tests/run sets it)");
        return Vec::new();
    };
    // The published schema has a pattern for languages that is no regular expression: a bracket too many.
    let text = fs::read_to_string(path).unwrap().replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(!validator.is_valid(&json!({"version": "2.1.0"})), "the schema does refuse");
    validator.iter_errors(sarif).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
