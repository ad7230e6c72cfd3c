//! The stand-in for AWS as tests start it, fill it and ask what it was asked.

use super::{Dir, offkey_command};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

/// Python with what the stand-in needs, as `tests/run` sets it up; `None`, said aloud, where it is not.
pub fn python() -> Option<String> {
    let python = std::env::var("OFFKEY_STANDIN_PYTHON").ok().filter(|path| !path.is_empty());
    if python.is_none() {
        println!("skipped: no stand-in for AWS (OFFKEY_STANDIN_PYTHON is not set; tests/run sets it)");
    }
    python
}

/// A running stand-in; it ends with the test.
pub struct StandIn {
    child: Child,
    pub url: String,
}

impl StandIn {
    /// Starts one, unless there is no Python for it.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        let python = python()?;
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/standin/server.py");
        let mut child = Command::new(python)
            .arg(server)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Some(Self { child, url })
    }

    /// Tells or asks it something.
    pub fn control(&self, name: &str, content: &Value) -> Value {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let body = content.to_string();
        write!(
            stream,
            "POST /_standin/{name} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0, "/_standin/{name} was not answered");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// The program, speaking to this stand-in.
    pub fn command(&self, dir: &Dir, arguments: &[&str]) -> Command {
        let mut command = offkey_command(dir, arguments);
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", dir.path().join("none"))
            .env("AWS_SHARED_CREDENTIALS_FILE", dir.path().join("none"))
            .stdin(Stdio::null());
        command
    }

    /// The same, by a shell that first writes its process id into the file `pid`, so that the stand-in can kill it.
    pub fn killable(&self, dir: &Dir, arguments: &[&str]) -> Command {
        let plain = self.command(dir, &[]);
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo $$ > pid; exec \"$@\"", "sh"])
            .arg(plain.get_program())
            .args(arguments)
            .current_dir(dir.path())
            .stdin(Stdio::null());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs it.
    pub fn run(&self, dir: &Dir, arguments: &[&str]) -> Output {
        self.command(dir, arguments).output().unwrap()
    }

    /// What it was asked since it was told to forget: operations with their counts.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        for call in self.control("log", &json!({}))["calls"].as_array().unwrap() {
            *calls.entry(call["name"].as_str().unwrap().to_owned()).or_default() +=
                call["count"].as_u64().unwrap();
        }
        calls
    }

    /// Fails if anything was asked that is no read.
    pub fn assert_only_reads(&self) {
        for (name, _) in self.calls() {
            let operation = name.split(':').nth(1).unwrap_or_default();
            let reads = ["Get", "List", "Describe", "Lookup", "Generate", "AssumeRole", "Head", "Simulate"];
            assert!(
                reads.iter().any(|verb| operation.starts_with(verb)) && operation != "GetSecretValue",
                "{name} is no read"
            );
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
