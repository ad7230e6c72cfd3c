//! Logs in S3, by the real client against a real server on this machine, with trouble on the way.

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

use offkey::demo::{BulkOptions, bulk};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A server over a directory whose subdirectories are buckets.
fn serve(runtime: &Runtime, root: &Path) -> SocketAddr {
    let files = s3s_fs::FileSystem::new(root).unwrap();
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ));
    let service = builder.build();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service.clone();
            tokio::spawn(async move {
                let server =
                    hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                // A client that goes away is no trouble of the server's.
                let _ = server.serve_connection(hyper_util::rt::TokioIo::new(socket), service).await;
            });
        }
    });
    address
}

/// What the proxy does to requests.
#[derive(Default)]
struct Trouble {
    requests: AtomicU64,
    throttled: AtomicUsize,
    reset: AtomicUsize,
}

/// A proxy that asks for slowness, closes connections and breaks answers off, each for a share of the requests.
fn trouble(runtime: &Runtime, server: SocketAddr, trouble: Arc<Trouble>) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(pass_on(socket, server, trouble.clone()));
        }
    });
    address
}

async fn pass_on(mut client: TcpStream, server: SocketAddr, trouble: Arc<Trouble>) -> Option<()> {
    let mut upstream = TcpStream::connect(server).await.ok()?;
    let mut request = vec![0; 16 << 10];
    let mut answer = vec![0; 64 << 10];
    loop {
        // The client's requests have no bodies: one ends at the first empty line.
        let mut len = 0;
        while !request[..len].windows(4).any(|w| w == b"\r\n\r\n") {
            match client.read(&mut request[len..]).await.ok()? {
                0 => return None,
                n => len += n,
            }
        }
        let number = trouble.requests.fetch_add(1, Ordering::Relaxed);
        if number % 23 == 7 {
            trouble.throttled.fetch_add(1, Ordering::Relaxed);
            let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
            let head = format!(
                "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            client.write_all(head.as_bytes()).await.ok()?;
            continue;
        }
        if number % 41 == 11 {
            trouble.reset.fetch_add(1, Ordering::Relaxed);
            client.set_zero_linger().ok()?;
            return None;
        }
        upstream.write_all(&request[..len]).await.ok()?;
        let mut left: Option<usize> = None;
        let mut head = Vec::new();
        loop {
            let n = upstream.read(&mut answer).await.ok()?;
            if n == 0 {
                return None;
            }
            let mut body = n;
            if left.is_none() {
                head.extend_from_slice(&answer[..n]);
                let Some(end) = head.windows(4).position(|w| w == b"\r\n\r\n") else {
                    client.write_all(&answer[..n]).await.ok()?;
                    continue;
                };
                let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
                let length = text
                    .lines()
                    .find_map(|l| l.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
                body = head.len() - end - 4;
                left = Some(length.unwrap_or(usize::MAX));
            }
            if number % 37 == 3 {
                // Half of an answer, and no more.
                trouble.reset.fetch_add(1, Ordering::Relaxed);
                client.write_all(&answer[..n / 2]).await.ok()?;
                client.set_zero_linger().ok()?;
                return None;
            }
            client.write_all(&answer[..n]).await.ok()?;
            left = left.map(|left| if left == usize::MAX { left } else { left.saturating_sub(body) });
            let chunked_end = left == Some(usize::MAX) && answer[..n].ends_with(b"0\r\n\r\n");
            if left == Some(0) || chunked_end {
                break;
            }
        }
    }
}

/// Processor time of child processes that have ended, in ticks of mostly a hundredth of a second (`proc_pid_stat(5)`); 0 where
/// the system does not tell.
fn childrens_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name in parentheses; the 16th and 17th are times of children.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn collect(dir: &Dir, address: SocketAddr, arguments: &[&str]) -> Output {
    command(dir, address, arguments).output().unwrap()
}

fn command(dir: &Dir, address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offkey"));
    command
        .arg("collect")
        .args(arguments)
        .current_dir(dir.path())
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn done(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", stderr(output));
    serde_json::from_str(&stdout(output)).unwrap()
}

fn evidence(dir: &Dir, input: &str) -> String {
    let output = offkey(dir, &["evidence", "--wide", "--quiet", input]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn ten_thousand_objects_come_whole_through_throttling_and_resets() {
    let dir = Dir::new();
    let objects = AtomicUsize::new(0);
    bulk::<std::io::Error>(
        &BulkOptions { bytes: 10_000 * 6_000, object_bytes: 5_000, key_share: 150, seed: 3 },
        &mut |path, bytes| {
            objects.fetch_add(1, Ordering::Relaxed);
            dir.file(&format!("s3/logs/{path}"), bytes);
            Ok(())
        },
    )
    .unwrap();
    let objects = objects.into_inner() as u64;
    assert!(objects >= 9_000, "{objects}");
    let runtime = Runtime::new().unwrap();
    let server = serve(&runtime, &dir.path().join("s3"));
    let troubles = Arc::new(Trouble::default());
    let address = trouble(&runtime, server, troubles.clone());
    // Seconds on the clock, and of processor time where the system tells: the server and the proxy work in this process.
    let timed = |work: &dyn Fn() -> Output| {
        let (start, before) = (Instant::now(), childrens_ticks());
        let output = work();
        (output, start.elapsed().as_secs_f64(), childrens_ticks() - before)
    };
    let (local, local_time, _) =
        timed(&|| offkey(&dir, &["collect", "s3/logs", "--store", "local.db", "--json", "--quiet"]));
    let (remote, remote_time, remote_ticks) =
        timed(&|| collect(&dir, address, &["s3://logs/trail/", "--store", "s3.db", "--json"]));
    let (local, remote) = (done(&local), done(&remote));
    assert_eq!(remote["files_read"], objects);
    assert_eq!(remote["records"], local["records"]);
    let (throttled, reset) =
        (troubles.throttled.load(Ordering::Relaxed), troubles.reset.load(Ordering::Relaxed));
    assert!(throttled > 100 && reset > 100, "{throttled} throttled, {reset} reset");
    assert_eq!(evidence(&dir, "s3.db"), evidence(&dir, "local.db"));
    let asked = troubles.requests.load(Ordering::Relaxed);
    let (again, again_time, again_ticks) =
        timed(&|| collect(&dir, address, &["s3://logs/trail/", "--store", "s3.db", "--json"]));
    let asked = troubles.requests.load(Ordering::Relaxed) - asked;
    // A listing is a request for each thousand objects, and those that are repeated.
    assert!(asked < objects / 100, "{asked} requests for {objects} unchanged objects");
    let again = done(&again);
    assert_eq!((again["files_read"].as_u64(), again["files_unchanged"].as_u64()), (Some(0), Some(objects)));
    println!(
        "{objects} objects: {:.0} a second from S3 with {throttled} throttled and {reset} broken requests, {:.0} a second from disk; the second run took {asked} requests, {:.1} % of the first one's time and {:.1} % of its processor time",
        objects as f64 / remote_time,
        objects as f64 / local_time,
        again_time / remote_time * 100.0,
        again_ticks as f64 / remote_ticks.max(1) as f64 * 100.0
    );
    // The same objects from disk are copies of what is known.
    let both = done(&offkey(&dir, &["collect", "s3/logs", "--store", "s3.db", "--json", "--quiet"]));
    assert_eq!(both["files_read"], objects);
    assert_eq!(evidence(&dir, "s3.db"), evidence(&dir, "local.db"));
}

#[test]
fn prefixes_choose_what_is_listed_and_errors_say_what_to_do() {
    let dir = Dir::new();
    for (account, region, day) in [
        ("111122223333", "us-east-1", "2026/09/29"),
        ("111122223333", "us-east-1", "2026/09/30"),
        ("111122223333", "eu-west-1", "2026/09/30"),
        ("444455556666", "us-east-1", "2026/09/30"),
    ] {
        let name =
            format!("{account}_CloudTrail_{region}_{}T0000Z_abcDEF0123456789.json.gz", day.replace('/', ""));
        let path = format!("s3/logs/p/AWSLogs/{account}/CloudTrail/{region}/{day}/{name}");
        dir.file(&path, gzip(&trail(&[record(1, "A", "2026-09-30T00:00:00Z")])));
    }
    let runtime = Runtime::new().unwrap();
    let address = serve(&runtime, &dir.path().join("s3"));
    let files = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["s3://logs/p/", "--json", "--store"].into_iter().chain(arguments.iter().copied()).collect();
        done(&collect(&dir, address, &all))["files_read"].as_u64().unwrap()
    };
    assert_eq!(files(&["a.db"]), 4);
    assert_eq!(files(&["b.db", "--since", "2026-09-30"]), 3);
    assert_eq!(files(&["c.db", "--accounts", "111122223333", "--regions", "us-east-1"]), 2);
    assert_eq!(files(&["d.db", "--until", "2026-09-29"]), 1);
    let missing = collect(&dir, address, &["s3://nowhere/", "--store", "e.db"]);
    assert_eq!(code(&missing), 1);
    assert!(
        stderr(&missing).contains("NoSuchBucket") && stderr(&missing).contains("hint:"),
        "{}",
        stderr(&missing)
    );
    let direct = offkey(&dir, &["report", "s3://logs/"]);
    assert_eq!(code(&direct), 2);
    assert!(stderr(&direct).contains("offkey collect"), "{}", stderr(&direct));
    assert_eq!(code(&offkey(&dir, &["collect", "s3:///x"])), 2);
}

#[test]
fn without_credentials_the_exit_code_says_so() {
    let dir = Dir::new();
    let output = Command::new(env!("CARGO_BIN_EXE_offkey"))
        .args(["collect", "s3://logs/"])
        .current_dir(dir.path())
        .env_clear()
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert_eq!(code(&output), 4, "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_heard_while_the_server_is_silent() {
    let dir = Dir::new();
    // It accepts, by its queue, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let child = command(&dir, silent.local_addr().unwrap(), &["s3://logs/"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let start = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(start.elapsed().as_secs() < 20, "the server's silence was waited for");
}
