//! The crash matrix: the process is killed before and after every request to AWS and every line of the journal, of rotation
//! into each sink and of retirement, and goes on: the end is the same in every cell.
//!
//! `tests/run --test rotation_crash -- --nocapture` prints the matrix.

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

use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::code;
use support::keys::{Case, SINKS};
use support::standin::{StandIn, python};

/// Where the process goes down.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// At the n-th request, from 0, before or after AWS acts.
    Request(usize, &'static str),
    /// At the n-th line of the journal, from 1, in the first or second process.
    Line(usize, usize, &'static str),
}

/// Cells and passed ones by operation, sink and kind of blow.
type Results = BTreeMap<(&'static str, &'static str, &'static str), (usize, usize)>;

const OPERATIONS: &[(&str, &str)] = &[
    ("rotate", "secretsmanager"),
    ("rotate", "ssm"),
    ("rotate", "profile"),
    ("rotate", "command"),
    ("rotate", "command-write-only"),
    ("retire", "profile"),
];

/// Requests and lines of an undisturbed run, first process and second.
fn quiet(case: &Case<'_>, operation: &str) -> (usize, [usize; 2]) {
    assert_eq!(code(&case.plan(operation, &[])), 0);
    case.standin.control("forget", &json!({}));
    let lines = || std::fs::read_to_string(case.dir.path().join("p.json.journal")).unwrap().lines().count();
    assert_eq!(code(&case.run(&[operation, "apply", "p.json"])), 6);
    let first = lines();
    case.to_the_end(operation, 1).unwrap();
    let requests = case.standin.calls().values().sum::<u64>() as usize;
    ended(case, operation).unwrap();
    (requests, [first, lines() - first])
}

fn ended(case: &Case<'_>, operation: &str) -> Result<(), String> {
    if operation == "rotate" { case.assert_rotated() } else { case.assert_retired() }
}

/// One cell: struck, gone on with, compared.
fn cell(case: &Case<'_>, operation: &str, blow: Blow) -> Result<bool, String> {
    assert_eq!(code(&case.plan(operation, &[])), 0);
    let mut struck = false;
    match blow {
        Blow::Request(n, kind) => {
            let pidfile = case.dir.path().join("pid");
            case.standin.control(
                "faults",
                &json!({"rules": [{"kind": kind, "after": n, "count": 1, "pidfile": pidfile}]}),
            );
            for arguments in [
                vec![operation, "apply", "p.json"],
                vec![operation, "resume", "p.json", "--delete", &case.key],
            ] {
                let output = case.run(&arguments);
                struck = output.status.code().is_none();
                if struck {
                    break;
                }
            }
            case.standin.control("faults", &json!({"rules": []}));
        }
        Blow::Line(process, n, when) => {
            if process == 1 {
                assert_eq!(code(&case.run(&[operation, "apply", "p.json"])), 6);
            }
            let arguments = if process == 0 {
                vec![operation, "apply", "p.json"]
            } else {
                vec![operation, "resume", "p.json", "--delete", &case.key]
            };
            let output =
                case.command(&arguments).env("OFFKEY_CRASH_AT", format!("{n}:{when}")).output().unwrap();
            case.assert_no_canary(&output);
            struck = output.status.code().is_none();
        }
    }
    case.to_the_end(operation, 3)?;
    ended(case, operation)?;
    Ok(struck)
}

#[test]
fn killed_anywhere_it_ends_the_same() {
    if python().is_none() {
        return;
    }
    assert_eq!(OPERATIONS.iter().filter(|(operation, _)| *operation == "rotate").count(), SINKS.len());
    // (operation, sink, blow), all of them, from what an undisturbed run does.
    let mut cells = Vec::new();
    let numbers = AtomicUsize::new(1);
    {
        let standin = StandIn::start(&[]).unwrap();
        for &(operation, sink) in OPERATIONS {
            let case = Case::new(&standin, numbers.fetch_add(1, Ordering::SeqCst), sink);
            let (requests, lines) = quiet(&case, operation);
            assert!(
                requests > 15 && lines[0] > 5 && lines[1] > 3,
                "{operation} {sink}: {requests} {lines:?}"
            );
            for n in 0..requests {
                cells.extend(
                    ["kill-before", "kill-after"].map(|kind| (operation, sink, Blow::Request(n, kind))),
                );
            }
            for (process, count) in lines.into_iter().enumerate() {
                for n in 1..=count {
                    cells.extend(
                        ["before", "after"].map(|when| (operation, sink, Blow::Line(process, n, when))),
                    );
                }
            }
        }
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Results> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let standin = StandIn::start(&[]).unwrap();
                while let Some(&(operation, sink, blow)) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let case = Case::new(&standin, numbers.fetch_add(1, Ordering::SeqCst), sink);
                    let what = match blow {
                        Blow::Request(_, kind) => kind,
                        Blow::Line(_, _, "before") => "line-before",
                        Blow::Line(..) => "line-after",
                    };
                    let result = cell(&case, operation, blow);
                    let mut results = results.lock().unwrap();
                    let sum = results.entry((operation, sink, what)).or_default();
                    sum.0 += 1;
                    match result {
                        Ok(true) => sum.1 += 1,
                        Ok(false) => {
                            wrong.lock().unwrap().push(format!("{operation} {sink} {blow:?}: was not struck"))
                        }
                        Err(text) => {
                            wrong.lock().unwrap().push(format!("{operation} {sink} {blow:?}: {text}"))
                        }
                    }
                }
            });
        }
    });
    println!("{:<8} {:<20} {:<12} {:>6} {:>6}", "", "sink", "killed", "cells", "passed");
    let results = results.into_inner().unwrap();
    for ((operation, sink, what), (cells, passed)) in &results {
        println!("{operation:<8} {sink:<20} {what:<12} {cells:>6} {passed:>6}");
    }
    let passed: usize = results.values().map(|(_, passed)| passed).sum();
    println!("{passed} of {} cells passed", cells.len());
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} cells failed, the first:\n{}",
        wrong.len(),
        wrong.iter().take(4).cloned().collect::<Vec<_>>().join("\n\n")
    );
    assert_eq!(passed, cells.len());
}
