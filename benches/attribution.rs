//! How clustering grows: an estate of keys and usage rows in memory, attributed key by key, over four sizes.
//!
//! `cargo bench --bench attribution` prints time, time per row, and the ratio to the smallest size, up to 5,000 keys and
//! two million rows.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop with a message"
)]

use offkey::attribution::{KeyContext, Networks, RangeKind, attribute};
use offkey::evidence::{Stats, UsageRow};
use offkey::model::{AccessKeyId, parse_instant};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const ROWS_A_KEY: usize = 400;

fn main() {
    let mut networks = Networks::default();
    let prefixes: Vec<_> = (0..64)
        .map(|n| json!({"ip_prefix": format!("192.0.2.{}/30", n * 4), "region": "us-east-1", "service": "EC2"}))
        .collect();
    networks.load(RangeKind::Aws, &json!({"createDate": "2026-09-30-00-00-00", "prefixes": prefixes}));
    let mut first = None;
    for keys in [625, 1_250, 2_500, 5_000] {
        let rows: Vec<Vec<UsageRow>> = (0..keys).map(rows).collect();
        let (tags, neighbours) = (BTreeMap::new(), BTreeMap::new());
        let start = Instant::now();
        let mut consumers = 0;
        for rows in &rows {
            let context = KeyContext {
                key: &rows.first().unwrap().key,
                user_name: "svc",
                user_path: "/",
                tags: &tags,
                presumed_mailer: false,
                thin: None,
            };
            consumers += attribute(&context, rows.iter(), &networks, &neighbours).consumers.len();
        }
        let seconds = start.elapsed().as_secs_f64();
        let first = *first.get_or_insert(seconds);
        println!(
            "{keys} keys, {} rows: {consumers} consumers in {seconds:.2} s, {:.2} µs a row, {:.2} times the smallest; peak {}",
            keys * ROWS_A_KEY,
            seconds * 1e6 / (keys * ROWS_A_KEY) as f64,
            seconds / first,
            peak()
        );
    }
}

/// One key's rows: a few workloads, each with several addresses, calls and days.
fn rows(key: usize) -> Vec<UsageRow> {
    let text = |text: String| -> Arc<str> { text.into() };
    let empty: Arc<str> = "".into();
    let id = AccessKeyId::new(format!("AKIA{key:09}EXAMPLE"));
    let agents = [
        "Boto3/1.34.145 md/Botocore#1.34.145 ua/2.0 os/linux#6.1.112-122.189.amzn2023.x86_64 lang/python#3.12.5",
        "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/macos#23.4.0 md/arch#arm64 lang/python#3.11.8 m/n",
        "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) aws-sdk-go/1.49.2 (go1.20.12; linux; amd64)",
        "aws-sdk-java/2.20.68 Linux/5.10.178-162.673.amzn2.x86_64 Java/17.0.7 exec-env/AWS_ECS_FARGATE",
    ];
    (0..ROWS_A_KEY)
        .map(|n| {
            let mut stats = Stats::default();
            for day in 0..(n % 20) {
                let time = format!("2026-07-{:02}T{:02}:00:00Z", day + 1, n % 24);
                stats.add(parse_instant(&time), Some([(key % 251) as u8; 16]));
            }
            UsageRow {
                key: id.clone(),
                source: text(format!("service{}.amazonaws.com", n % 7)),
                name: text(format!("Call{}", n % 31)),
                region: text("us-east-1".into()),
                ip: text(format!("{}.{}", ["192.0.2", "198.51.100", "10.0.0"][n % 3], n % 60)),
                agent: text(agents[n % agents.len()].into()),
                error: empty.clone(),
                recipient: text("111122223333".into()),
                vpc_endpoint: empty.clone(),
                invoked_by: empty.clone(),
                assumed_role: empty.clone(),
                session_path: empty.clone(),
                presigned: false,
                in_session: false,
                read_only: Some(true),
                named: false,
                stats,
            }
        })
        .collect()
}

/// Peak memory of this process, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.map_or("unknown".into(), |line| line.trim_start_matches("VmHWM:").trim().to_owned())
}
