//! How well consumers are found and named: the demo's truth over twenty estates of 500 keys each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use offkey::analysis::{Analysis, AsOf, KeyAnalysis, Reading, analyse, read};
use offkey::attribution::{Consumer, Origin};
use offkey::demo::{ConsumerTruth, EstateOptions, KeyTruth, Truth, generate};
use offkey::input::{Argument, Depth};
use offkey::recommend::{Thresholds, VerdictKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const SEEDS: u64 = 20;
const KEYS: u32 = 500;

fn estate(seed: u64) -> (Truth, Analysis) {
    static NEVER: AtomicBool = AtomicBool::new(false);
    let dir = tempfile::tempdir().unwrap();
    let options = EstateOptions { keys: KEYS, days: 90, seed };
    let truth = generate::<std::io::Error>(&options, &mut |path, bytes| {
        let full = dir.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap())?;
        std::fs::write(full, bytes)
    })
    .unwrap();
    let arguments = [Argument::new(dir.path().to_string_lossy())];
    let reading = Reading {
        arguments: &arguments,
        depth: Depth::Evidence,
        jobs: 1,
        stop: &NEVER,
        total: &|_, _| {},
        tick: &|_| {},
    };
    let material = read(&reading, Vec::new()).unwrap();
    (truth, analyse(material, AsOf::At(offkey::demo::as_of()), Thresholds::default()))
}

/// What was counted over all estates.
#[derive(Default)]
struct Score {
    keys: u64,
    consumers: u64,
    found: u64,
    right: u64,
    /// Pairs of events of one key: together in truth and in the analysis, in truth only, in the analysis only.
    both: u128,
    truth_only: u128,
    analysis_only: u128,
    /// (true kind, told kind) → consumers.
    confusion: BTreeMap<(String, String), u64>,
}

fn pairs(n: u64) -> u128 {
    u128::from(n) * u128::from(n.saturating_sub(1)) / 2
}

impl Score {
    fn add(&mut self, truth: &KeyTruth, key: &KeyAnalysis, rows: &[(String, String, u64)]) {
        self.keys += 1;
        assert!(
            !(truth.in_use && key.verdict.kind == VerdictKind::Retire),
            "{} is in use and called unused: {}",
            truth.access_key_id,
            truth.note
        );
        let visible: Vec<&ConsumerTruth> =
            truth.consumers.iter().filter(|c| c.visible || c.kind == "ses-smtp").collect();
        let found = &key.attribution.consumers;
        // Events by true consumer and by consumer found; those that several true consumers could have made are left out.
        let mut table: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for (ip, agent, count) in rows {
            let makers: Vec<usize> = (0..visible.len())
                .filter(|n| visible[*n].source_ips.contains(ip) && visible[*n].user_agents.contains(agent))
                .collect();
            let told = found
                .iter()
                .position(|c| c.addresses.contains_key(ip.as_str()) && c.agents.contains_key(agent.as_str()));
            if let ([maker], Some(told)) = (&makers[..], told) {
                *table.entry((*maker, told)).or_default() += count;
            }
        }
        let mut by_truth: BTreeMap<usize, u64> = BTreeMap::new();
        let mut by_told: BTreeMap<usize, u64> = BTreeMap::new();
        let mut together = 0;
        for ((maker, told), count) in &table {
            *by_truth.entry(*maker).or_default() += count;
            *by_told.entry(*told).or_default() += count;
            together += pairs(*count);
        }
        self.both += together;
        self.truth_only += by_truth.values().map(|n| pairs(*n)).sum::<u128>() - together;
        self.analysis_only += by_told.values().map(|n| pairs(*n)).sum::<u128>() - together;
        let mut taken = BTreeSet::new();
        for (n, consumer) in visible.iter().enumerate() {
            self.consumers += 1;
            // The consumer found that has most of its events, each for one true consumer only.
            // Mail over SMTP is in no log, and of presigned URLs there are only those who followed them.
            let best = if consumer.kind == "ses-smtp" {
                found.iter().position(|c| !c.seen)
            } else if consumer.kind == "url-signer" {
                found.iter().position(|c| c.origin == Origin::UrlSigner)
            } else {
                let mine = table.iter().filter(|((maker, _), _)| *maker == n);
                mine.max_by_key(|(_, count)| **count).map(|((_, told), _)| *told)
            };
            let best = best.filter(|told| taken.insert(*told));
            let told = best.map_or("not found", |told| found[told].kind.id());
            self.found += u64::from(best.is_some());
            self.right += u64::from(told == consumer.kind);
            *self.confusion.entry((consumer.kind.clone(), told.to_owned())).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Score) {
        self.keys += other.keys;
        self.consumers += other.consumers;
        self.found += other.found;
        self.right += other.right;
        self.both += other.both;
        self.truth_only += other.truth_only;
        self.analysis_only += other.analysis_only;
        for (cell, n) in other.confusion {
            *self.confusion.entry(cell).or_default() += n;
        }
    }

    fn f1(&self) -> f64 {
        2.0 * self.both as f64 / (2 * self.both + self.truth_only + self.analysis_only) as f64
    }

    fn table(&self) -> String {
        let mut out = format!(
            "{SEEDS} estates of {KEYS} keys: {} consumers; found {:.2} %; kind right {:.2} %; pairwise F1 of events {:.4}\n\n",
            self.consumers,
            100.0 * self.found as f64 / self.consumers as f64,
            100.0 * self.right as f64 / self.consumers as f64,
            self.f1()
        );
        let _ = writeln!(out, "| Kind | Consumers | Right | Taken for |\n|---|---:|---:|---|");
        let kinds: BTreeSet<&String> = self.confusion.keys().map(|(kind, _)| kind).collect();
        for kind in kinds {
            let row = || self.confusion.iter().filter(|((truth, _), _)| truth == kind);
            let all: u64 = row().map(|(_, n)| n).sum();
            let right: u64 = row().filter(|((_, told), _)| told == kind).map(|(_, n)| n).sum();
            let wrong: Vec<String> = row()
                .filter(|((_, told), _)| told != kind)
                .map(|((_, told), n)| format!("{told} {n}"))
                .collect();
            let _ = writeln!(out, "| {kind} | {all} | {right} | {} |", wrong.join(", "));
        }
        out
    }
}

fn score(seed: u64) -> Score {
    let (truth, analysis) = estate(seed);
    let keys: BTreeMap<String, &KeyAnalysis> =
        analysis.keys.iter().map(|key| (key.subject.reference(), key)).collect();
    let mut rows: BTreeMap<&str, Vec<(String, String, u64)>> = BTreeMap::new();
    let evidence = &analysis.material.evidence;
    for row in evidence.direct.iter().chain(&evidence.derived) {
        // Those who follow a link are not who signed it, and services are set aside.
        if !row.presigned && row.invoked_by.is_empty() {
            let usage = (row.ip.to_string(), row.agent.to_string(), row.stats.count);
            rows.entry(row.key.as_str()).or_default().push(usage);
        }
    }
    let mut score = Score::default();
    for key in &truth.keys {
        let found =
            keys.get(&key.access_key_id).unwrap_or_else(|| panic!("{} is missing", key.access_key_id));
        score.add(key, found, rows.get(&*key.access_key_id).map(Vec::as_slice).unwrap_or_default());
    }
    score
}

#[test]
fn consumers_are_found_and_named_over_twenty_estates() {
    let (next, total) = (AtomicU64::new(1), Mutex::new(Score::default()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(4) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > SEEDS {
                        break;
                    }
                    let one = score(seed);
                    total.lock().unwrap_or_else(PoisonError::into_inner).merge(one);
                }
            });
        }
    });
    let score = total.into_inner().unwrap();
    let table = score.table();
    println!("{table}");
    assert_eq!(score.keys, SEEDS * u64::from(KEYS));
    assert!(score.found as f64 / score.consumers as f64 >= 0.98, "{table}");
    assert!(score.right as f64 / score.consumers as f64 >= 0.95, "{table}");
    // docs/attribution.md shows this very table.
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/attribution.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (head, rest) =
        docs.split_once("<!-- table -->\n").expect("docs/attribution.md has a place for the table");
    let (_, tail) = rest.split_once("<!-- end of table -->").unwrap();
    let want = format!("{head}<!-- table -->\n{table}<!-- end of table -->{tail}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, want).unwrap();
    } else {
        assert_eq!(docs, want, "run with UPDATE=1");
    }
}

/// What of a consumer must not change when more days are read.
fn identity(consumer: &Consumer) -> (&str, String) {
    (&consumer.id, consumer.origin.to_string())
}

#[test]
fn consumer_ids_stay_when_days_are_added() {
    static NEVER: AtomicBool = AtomicBool::new(false);
    for seed in 1..=3 {
        let analysis = |before: &str| {
            let dir = tempfile::tempdir().unwrap();
            let options = EstateOptions { keys: 120, days: 90, seed };
            generate::<std::io::Error>(&options, &mut |path, bytes| {
                // The last nine days of the ninety are added: log objects have their day in their paths.
                let name = offkey::cloudtrail::object_name(path);
                if name.is_some_and(|name| name.day.to_string().as_str() >= before) {
                    return Ok(());
                }
                let full = dir.path().join(path);
                std::fs::create_dir_all(full.parent().unwrap())?;
                std::fs::write(full, bytes)
            })
            .unwrap();
            let arguments = [Argument::new(dir.path().to_string_lossy())];
            let reading = Reading {
                arguments: &arguments,
                depth: Depth::Evidence,
                jobs: 2,
                stop: &NEVER,
                total: &|_, _| {},
                tick: &|_| {},
            };
            analyse(
                read(&reading, Vec::new()).unwrap(),
                AsOf::At(offkey::demo::as_of()),
                Thresholds::default(),
            )
        };
        let (early, late) = (analysis("2026-09-22"), analysis("9999"));
        let late: BTreeMap<String, &KeyAnalysis> =
            late.keys.iter().map(|key| (key.subject.reference(), key)).collect();
        let (mut all, mut moved) = (0, 0);
        for key in &early.keys {
            let after = late[&key.subject.reference()];
            let ids: BTreeSet<_> = after.attribution.consumers.iter().map(identity).collect();
            for consumer in key.attribution.consumers.iter().filter(|c| c.seen) {
                all += 1;
                moved += usize::from(!ids.contains(&identity(consumer)));
            }
        }
        assert!(all > 80, "{all}");
        assert_eq!(moved, 0, "of {all} consumers");
    }
}
