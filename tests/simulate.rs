//! IAM's policy simulator, asked by the real client; a stand-in that decides by another evaluator answers.

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

use iam_rs::{Arn, Context, ContextValue, IAMPolicy, IAMRequest, PolicyEvaluator, Principal, PrincipalId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// How the stand-in behaves.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    /// It throttles every fifth request, and answers the rest.
    Busy,
    /// It denies all.
    Denying,
    /// It decides the other way round.
    Contrary,
}

fn serve(runtime: &Runtime, mood: Mood, asked: Arc<AtomicU64>) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(socket, mood, asked.clone()));
        }
    });
    address
}

async fn answer(mut socket: TcpStream, mood: Mood, asked: Arc<AtomicU64>) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length: usize =
            head.split("content-length: ").nth(1)?.split("\r\n").next()?.trim().parse().ok()?;
        while bytes.len() < end + length {
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let form = form(&String::from_utf8_lossy(&bytes[end..end + length]));
        bytes.drain(..end + length);
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let error = |code: &str| {
            format!(
                "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>as told</Message></Error></ErrorResponse>"
            )
        };
        let (status, body) = match mood {
            Mood::Busy if number % 5 == 2 => ("400 Bad Request", error("Throttling")),
            Mood::Denying => ("403 Forbidden", error("AccessDenied")),
            _ => ("200 OK", decided(&form, mood == Mood::Contrary)),
        };
        let response = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(response.as_bytes()).await.ok()?;
    }
}

fn form(body: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(b) = bytes.next() {
            match b {
                b'+' => out.push(b' '),
                b'%' => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                }
                b => out.push(b),
            }
        }
        String::from_utf8(out).unwrap()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decoded(k), decoded(v))).collect()
}

/// The response of the Query protocol (API reference of SimulateCustomPolicy).
fn decided(form: &BTreeMap<String, String>, contrary: bool) -> String {
    assert_eq!(form["Action"], "SimulateCustomPolicy");
    let policies: Vec<IAMPolicy> = (1..)
        .map_while(|n| form.get(&format!("PolicyInputList.member.{n}")))
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert!(!policies.is_empty());
    let mut context = Context::new();
    for n in 1.. {
        let entry = format!("ContextEntries.member.{n}");
        let Some(key) = form.get(&format!("{entry}.ContextKeyName")) else { break };
        let value = form[&format!("{entry}.ContextKeyValues.member.1")].clone();
        // The other evaluator compares keys letter by letter; IAM does not.
        for spelled in [key.as_str(), "kms:ViaService", "iam:PassedToService", "aws:RequestedRegion"] {
            if spelled.eq_ignore_ascii_case(key) {
                context.insert(spelled.to_owned(), ContextValue::String(value.clone()));
            }
        }
    }
    let (action, resource) = (&form["ActionNames.member.1"], &form["ResourceArns.member.1"]);
    let arn = if resource == "*" { "arn:aws:any:::thing" } else { resource };
    let principal = Principal::Aws(PrincipalId::String("arn:aws:iam::111122223333:user/ci".into()));
    let request = IAMRequest::new_with_context(principal, action.clone(), Arn::parse(arn).unwrap(), context);
    let result = PolicyEvaluator::with_policies(policies).evaluate(&request).unwrap();
    let allowed = (result.decision == iam_rs::Decision::Allow) != contrary;
    let decision = if allowed { "allowed" } else { "implicitDeny" };
    format!(
        "<SimulateCustomPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulateCustomPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults><member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName><EvalDecision>{decision}</EvalDecision></member></EvaluationResults></SimulateCustomPolicyResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SimulateCustomPolicyResponse>"
    )
}

fn estate() -> Dir {
    let dir = Dir::new();
    let call = |n: u32, host: &str, name: &str, request: Value| {
        let record = with(
            record(n, name, "2026-09-01T00:00:00Z"),
            json!({"eventSource": format!("{host}.amazonaws.com")}),
        );
        with(record, json!({"requestParameters": request}))
    };
    let key = json!({"resources": [{"ARN": "arn:aws:kms:us-east-1:111122223333:key/k"}], "sourceIPAddress": "s3.amazonaws.com", "userAgent": "s3.amazonaws.com"});
    let mut through_s3 = with(call(6, "kms", "Decrypt", json!({})), key);
    through_s3["userIdentity"]["invokedBy"] = json!("s3.amazonaws.com");
    let mut records = vec![
        call(1, "s3", "GetObject", json!({"bucketName": "b", "key": "logs/2026/11/1.gz"})),
        call(2, "s3", "PutObject", json!({"bucketName": "b", "key": "a.json"})),
        call(
            3,
            "sqs",
            "SendMessage",
            json!({"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/jobs"}),
        ),
        call(4, "ec2", "DescribeInstances", json!({})),
        call(
            5,
            "lambda",
            "CreateFunction20150331",
            json!({"functionName": "f", "role": "arn:aws:iam::111122223333:role/f"}),
        ),
        through_s3,
    ];
    records.extend((10..30).map(|n| call(n, "dynamodb", "GetItem", json!({"tableName": format!("t{n}")}))));
    dir.file("logs.json", trail(&records));
    dir
}

fn simulate(dir: &Dir, server: SocketAddr, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_offkey"))
        .args(["parity", "logs.json", "--as-of", "evidence", "--simulate"])
        .args(more)
        .current_dir(dir.path())
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .env("AWS_ENDPOINT_URL", format!("http://{server}"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", dir.path())
        .output()
        .unwrap()
}

#[test]
fn iam_decides_as_we_do_in_spite_of_throttling() {
    let runtime = Runtime::new().unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let server = serve(&runtime, Mood::Busy, asked.clone());
    let dir = estate();
    let output = simulate(&dir, server, &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let figures: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let simulated = &figures["simulated"];
    assert_eq!(simulated["otherwise"], json!([]));
    let questions = simulated["asked"].as_u64().unwrap();
    // 20 tables, two objects, a queue, instances, a function and its role, a key.
    assert_eq!(questions, 27);
    assert!(asked.load(Ordering::Relaxed) > questions, "throttled requests are asked again");
}

#[test]
fn where_iam_decides_otherwise_it_is_listed() {
    let runtime = Runtime::new().unwrap();
    let server = serve(&runtime, Mood::Contrary, Arc::default());
    let output = simulate(&estate(), server, &[]);
    let text = stdout(&output);
    assert!(text.contains("decides alike for 0 of 27 requests"), "{text}");
    assert!(text.contains("otherwise: sqs:SendMessage on arn:aws:sqs:us-east-1:111122223333:jobs"), "{text}");
}

#[test]
fn who_may_not_ask_is_told_what_is_needed() {
    let runtime = Runtime::new().unwrap();
    let server = serve(&runtime, Mood::Denying, Arc::default());
    let output = simulate(&estate(), server, &[]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("iam:SimulateCustomPolicy is needed"), "{}", stderr(&output));
}
