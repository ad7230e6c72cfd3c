//! How fast inputs become evidence, against inflating the same files alone, in paired runs.
//!
//! `cargo bench` makes the demo's estate of 5,000 keys and 90 days and prints medians and their ratios; the
//! ratios are what to compare between machines. `OFFKEY_BENCH_KEYS` and `OFFKEY_BENCH_DAYS` change the estate.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may stop with a message")]

use flate2::read::MultiGzDecoder;
use offkey::analysis::{AsOf, Reading, analyse, read};
use offkey::demo::{EstateOptions, as_of, generate};
use offkey::input::{Argument, Depth};
use offkey::recommend::Thresholds;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const RUNS: usize = 5;

fn main() {
    let number =
        |name: &str, default: u32| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (keys, days) = (number("OFFKEY_BENCH_KEYS", 5000), number("OFFKEY_BENCH_DAYS", 90));
    let dir = tempfile::tempdir().unwrap();
    let mut logs: Vec<PathBuf> = Vec::new();
    let start = Instant::now();
    generate::<io::Error>(&EstateOptions { keys, days, seed: 1 }, &mut |path, bytes| {
        let full = dir.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap_or(dir.path()))?;
        if path.ends_with(".gz") {
            logs.push(full.clone());
        }
        std::fs::write(full, bytes)
    })
    .unwrap();
    println!("estate of {keys} keys and {days} days made in {:.1} s", start.elapsed().as_secs_f64());
    let inflated = inflate(&logs);
    println!("{} log objects, {:.0} MB of JSON", logs.len(), inflated as f64 / 1e6);
    for jobs in [1, 2] {
        let mut pairs: Vec<(Duration, Duration)> = Vec::new();
        for _ in 0..RUNS {
            let alone = timed(|| inflate(&logs));
            let whole = timed(|| events(dir.path(), jobs));
            pairs.push((alone, whole));
        }
        let mut ratios: Vec<f64> = pairs.iter().map(|(a, w)| a.as_secs_f64() / w.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        let mut rates: Vec<f64> =
            pairs.iter().map(|(_, w)| inflated as f64 / 1e6 / w.as_secs_f64()).collect();
        rates.sort_by(f64::total_cmp);
        let middle = RUNS / 2;
        println!(
            "{jobs} threads: {:.0} MB/s of JSON into evidence, {:.2} of inflating alone on one thread (median of {RUNS} pairs)",
            rates.get(middle).unwrap(),
            ratios.get(middle).unwrap()
        );
    }
    let material = read(&job(&arguments(dir.path()), 2), Vec::new()).unwrap();
    let judged = timed(|| {
        analyse(
            read(&job(&arguments(dir.path()), 2), Vec::new()).unwrap(),
            AsOf::At(as_of()),
            Thresholds::default(),
        )
        .keys
        .len()
    });
    println!(
        "{} usage rows; reading and judging all keys takes {:.1} s",
        material.evidence.direct.len() + material.evidence.derived.len(),
        judged.as_secs_f64()
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

/// Bytes of content; damaged objects count up to where they are damaged.
fn inflate(logs: &[PathBuf]) -> u64 {
    let mut total = 0;
    for path in logs {
        let mut count = Count(0);
        let _ = io::copy(&mut MultiGzDecoder::new(File::open(path).unwrap()), &mut count);
        total += count.0;
    }
    total
}

struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

fn arguments(dir: &Path) -> [Argument; 1] {
    [Argument::new(dir.to_string_lossy())]
}

fn job(arguments: &[Argument], jobs: usize) -> Reading<'_> {
    Reading { arguments, depth: Depth::Evidence, jobs, stop: &NEVER, total: &|_, _| {}, tick: &|_| {} }
}

fn events(dir: &Path, jobs: usize) -> u64 {
    read(&job(&arguments(dir), jobs), Vec::new()).unwrap().evidence.events
}
