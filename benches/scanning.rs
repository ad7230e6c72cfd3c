//! How fast trails are scanned, against inflating the same objects alone with the same library, in turns.
//!
//! `cargo bench --bench scanning` makes log objects of 75 KB and of 2.8 MB, with 15 % and with 1 % of their records
//! signed by access keys, and prints medians of ratios, which are what to compare between machines.
//! Each scan is held against inflating just before and just after it, and the median is that of all these ratios: a machine
//! that becomes slower or quicker in between makes one of the two too high and the other too low. Where others use the
//! processors, too, ratios still differ by a half: the lowest and the highest are printed, and the ratio of the quickest run
//! of each; the medians are what the aims are held against.
//! `OFFKEY_BENCH_BYTES` sets the bytes of JSON of each set (default 1.5 GB), `OFFKEY_BENCH_DIR` keeps the objects,
//! `OFFKEY_BENCH_PAIRS` sets how many scans there are of each kind (default 9).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop with a message"
)]

use libdeflater::Decompressor;
use offkey::analysis::{Reading, read};
use offkey::demo::{BulkOptions, bulk};
use offkey::input::{Argument, Depth};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

fn main() {
    let set = |name: &str, usual| std::env::var(name).map_or(usual, |value| value.parse().unwrap());
    let (bytes, pairs) = (set("OFFKEY_BENCH_BYTES", 1_500_000_000), set("OFFKEY_BENCH_PAIRS", 9).max(1));
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [what, dir] = &arguments[..]
        && what == "inflate"
    {
        println!("{} bytes", inflate(&files(Path::new(dir))));
        return;
    }
    let only_make = arguments.first().is_some_and(|what| what == "make");
    let temporary = tempfile::tempdir().unwrap();
    let root =
        std::env::var_os("OFFKEY_BENCH_DIR").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    for (object, name) in [(75_000, "75KB"), (2_800_000, "2.8MB")] {
        for share in [150, 10] {
            let dir = root.join(format!("{name}-{share}"));
            if !dir.exists() {
                make(&dir, &BulkOptions { bytes, object_bytes: object, key_share: share, seed: 1 });
            }
            if only_make {
                continue;
            }
            let files = files(&dir);
            println!(
                "\n{name} objects, {:.0} % of records by keys: {} objects",
                f64::from(share) / 10.0,
                files.len()
            );
            for (what, depth, jobs) in [
                ("usage rows alone", Depth::Keys, 1),
                ("usage rows alone, 2 threads", Depth::Keys, 2),
                ("evidence in memory, with hashes", Depth::Evidence, 1),
            ] {
                compare(what, pairs, &files, &|| scan(&dir, depth, jobs));
            }
            compare("everything into the store", pairs, &files, &|| collect(&dir, 1));
            compare("everything into the store, 2 threads", pairs, &files, &|| collect(&dir, 2));
        }
    }
}

fn compare(what: &str, pairs: u64, files: &[PathBuf], work: &dyn Fn() -> usize) {
    let mut ratios = Vec::new();
    let mut rates = Vec::new();
    let (mut inflated, mut rows) = (0, 0);
    let mut before = timed(|| inflated = inflate(files));
    let (mut quickest_alone, mut quickest) = (before, Duration::MAX);
    for _ in 0..pairs {
        let scanned = timed(|| rows = work());
        std::hint::black_box(rows);
        let after = timed(|| inflated = inflate(files));
        (quickest_alone, quickest) = (quickest_alone.min(after), quickest.min(scanned));
        ratios.extend([before, after].map(|alone| alone.as_secs_f64() / scanned.as_secs_f64()));
        rates.push(inflated as f64 / 1e6 / scanned.as_secs_f64());
        before = after;
    }
    let (low, high) =
        ratios.iter().fold((f64::MAX, 0_f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
    let best = quickest_alone.as_secs_f64() / quickest.as_secs_f64();
    println!(
        "  {what}: {:.3} of inflating alone on one thread ({low:.3} to {high:.3}; {best:.3} by the quickest of each), {:.0} MB/s",
        median(ratios),
        median(rates)
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn make(dir: &Path, options: &BulkOptions) {
    bulk::<std::io::Error>(options, &mut |path, bytes| {
        let full = dir.join(path);
        std::fs::create_dir_all(full.parent().unwrap())?;
        std::fs::write(full, bytes)
    })
    .unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut next = vec![dir.to_owned()];
    while let Some(dir) = next.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { next.push(path) } else { out.push(path) }
        }
    }
    out.sort();
    out
}

/// Reads and inflates every object into one buffer, and does nothing with it.
fn inflate(files: &[PathBuf]) -> u64 {
    let (mut decompressor, mut out) = (Decompressor::new(), vec![0_u8; 4 << 20]);
    let (mut total, mut bytes) = (0, Vec::new());
    for path in files {
        use std::io::Read;
        bytes.clear();
        std::fs::File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
        total += decompressor.gzip_decompress(&bytes, &mut out).unwrap() as u64;
    }
    total
}

/// The program itself, from its start to its end, into a store that is new.
fn collect(dir: &Path, jobs: usize) -> usize {
    let store = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_offkey"))
        .args(["collect", "--quiet", "--jobs", &jobs.to_string(), "--store"])
        .arg(store.path().join("store.db"))
        .arg(dir)
        .status()
        .unwrap();
    assert!(status.success());
    jobs
}

fn scan(dir: &Path, depth: Depth, jobs: usize) -> usize {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let arguments = [Argument::new(dir.to_string_lossy())];
    let reading =
        Reading { arguments: &arguments, depth, jobs, stop: &NEVER, total: &|_, _| {}, tick: &|_| {} };
    let material = read(&reading, Vec::new()).unwrap();
    material.evidence.direct.len() + material.evidence.derived.len()
}
