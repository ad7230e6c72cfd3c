//! `offkey merge`: takes stores of several collectors into one.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::collect::{failure, open};
use crate::store::EvidenceStore;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Merge evidence stores into one, each event and each answer once
///
/// What two stores know of one thing stands as whoever observed it later knows it. The stores that are merged are left as
/// they are, and it can be run again.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey merge prod.db legacy.db --store all.db
  offkey report all.db -o report.html")]
pub(in super::super) struct Arguments {
    /// Stores to take over
    #[arg(value_name = "STORE", required = true)]
    stores: Vec<PathBuf>,
    /// The store that takes them; made where there is none
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Outcome {
    schema: &'static str,
    store: String,
    taken: u64,
    known: u64,
    objects_to_read_again: u64,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let own = arguments.store.canonicalize().ok();
    let mut others = Vec::new();
    for path in &arguments.stores {
        if own.is_some() && path.canonicalize().ok() == own {
            return Err(Failure::usage(format!("{}: a store cannot be merged into itself", path.display())));
        }
        if !EvidenceStore::is_store(path) {
            return Err(Failure::new(format!("{}: no evidence store", path.display()))
                .hint("files are taken in by offkey collect"));
        }
        others.push(EvidenceStore::open(path).map_err(failure)?);
    }
    let mut store = open(&arguments.store, terminal)?;
    store.check().map_err(failure)?;
    let mut outcome = Outcome {
        schema: "offkey.merge/1",
        store: arguments.store.display().to_string(),
        taken: 0,
        known: 0,
        objects_to_read_again: 0,
    };
    let bar = terminal.steps_bar(others.len() as u64, "stores merged");
    for other in &others {
        let merged = store.merge(other, &|| terminal.stopped()).map_err(failure)?;
        if terminal.stopped() {
            bar.finish_and_clear();
            return Err(
                Failure::interrupted().hint("what was merged is in the store; run the same command again")
            );
        }
        outcome.taken += merged.taken;
        outcome.known += merged.known;
        bar.inc(1);
    }
    bar.finish_and_clear();
    // Sessions that one store's keys handed out may have been passed over in the other's logs.
    let sessions = store.sessions().map_err(failure)?;
    let lineage = crate::evidence::Lineage::default();
    crate::analysis::teach(&lineage, &sessions);
    let pending = store.pending(&mut |session| lineage.contains(session)).map_err(failure)?;
    outcome.objects_to_read_again = pending.len() as u64;
    terminal.note(&format!(
        "{} files and answers taken, {} known already; the store is {}",
        outcome.taken, outcome.known, outcome.store
    ));
    if !pending.is_empty() {
        terminal.warn(&format!(
            "{} log objects may hold sessions that keys of another store handed out; collect them once more into {}, for example {}",
            pending.len(),
            outcome.store,
            pending.first().map_or("", |file| file.label.as_str()),
        ));
    }
    if arguments.json {
        let mut bytes = serde_json::to_vec(&outcome).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    }
    let hidden = store.hides_records().map_err(failure)?;
    Ok(if hidden || !pending.is_empty() { ExitKind::Incomplete } else { ExitKind::Done })
}
