//! `offkey collect`: reads evidence into a store, once.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::load;
use super::store_sink::StoreSink;
use crate::analysis::{Collecting, collect, teach};
use crate::evidence::Lineage;
use crate::input::{Argument, Depth, Entry, Pass, Place, Root, expand};
use crate::model::{Skip, SkipReason, parse_day};
use crate::store::{EvidenceStore, PendingFile, StoreError, StoredFile};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Read evidence into a store: each event once, each file once, as often as it is run
///
/// A store is one SQLite file that report, explain, graph and evidence read as an input. Run it again to add what is
/// new: files that did not change are only listed. It can be interrupted at any time, and goes on where it was.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey collect AWSLogs/ iam/
  offkey report offkey.db -o report.html
  offkey collect AWSLogs/ --since 2026-07-01 --accounts 111122223333 --store prod.db
  zcat *.json.gz | offkey collect -")]
pub(in super::super) struct Arguments {
    /// What to read: directories, files, or '-'; told apart by content
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// The store; made where there is none
    #[arg(long, value_name = "FILE", default_value = "offkey.db")]
    store: PathBuf,
    #[command(flatten)]
    filter: super::filter::Filter,
    /// Threads that read files [default: number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Decode and count every record, also those that no key and no session of a key signed; several times slower
    #[arg(long)]
    census: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// What one run did.
#[derive(Debug, Serialize)]
struct Outcome {
    schema: &'static str,
    store: String,
    files_read: u64,
    files_unchanged: u64,
    files_left_out: u64,
    files_read_again: u64,
    bytes: u64,
    records: u64,
    skipped: u64,
    interrupted: bool,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    load::check_arguments(&arguments.inputs)?;
    let filter = arguments.filter.resolve(&parse_day)?;
    let mut store = open(&arguments.store, terminal)?;
    let known = store.known_files().map_err(failure)?;
    let lineage = Arc::new(Lineage::default());
    teach(&lineage, &store.sessions().map_err(failure)?);
    let arguments_named: Vec<Argument> = arguments.inputs.iter().map(Argument::new).collect();
    let (mut entries, mut skips) = expand(&arguments_named);
    let listed = entries.len();
    entries.retain(|entry| filter.wants(&entry.label()));
    let wanted = entries.len();
    let own = arguments.store.canonicalize().ok();
    entries.retain(|entry| entry.path().is_none_or(|path| !is_own(&own, &path)));
    entries.retain(|entry| !known.has(&entry.identity(), entry.size, entry.version));
    let unchanged = wanted.saturating_sub(entries.len()) as u64;
    drop(known);
    if !entries.is_empty() {
        store.check().map_err(failure)?;
    }
    // What could not even be listed is kept, too, so that reports know of it.
    store.add(&crate::evidence::Facts::default(), &unlisted(&skips)).map_err(failure)?;
    let bar = terminal.bytes_bar();
    bar.set_message(format!("reading {} files", entries.len()));
    bar.set_length(entries.iter().map(|entry| entry.size).sum());
    let sink = StoreSink::new(store, arguments_named.iter().map(|a| a.name.clone()).collect());
    let depth = if arguments.census { Depth::Census } else { Depth::Evidence };
    let reading = Collecting {
        depth,
        jobs: load::jobs(arguments.jobs),
        stop: terminal.stop(),
        tick: &|bytes| bar.inc(bytes),
        lineage: &lineage,
        sink: &sink,
    };
    sink.now_reading(entries.clone());
    let mut result = collect(&reading, Pass::First, &entries, None);
    let mut read_again = 0;
    if result.is_ok() {
        let pending = sink.with(|store| store.pending(&|session| lineage.contains(session))).map_err(failure)?;
        let (again, gone): (Vec<_>, Vec<_>) = pending.iter().map(entry_again).partition(Result::is_ok);
        sink.note_gone(gone.into_iter().filter_map(Result::err).collect()).map_err(failure)?;
        let again: Vec<Entry> = again.into_iter().filter_map(Result::ok).collect();
        read_again = again.len() as u64;
        bar.set_message(format!("reading {read_again} files again for sessions of keys"));
        sink.now_reading(again.clone());
        result = collect(&Collecting { tick: &|_| {}, ..reading }, Pass::Again, &again, None);
    }
    bar.finish_and_clear();
    let (store, done) = sink.finish().map_err(failure)?;
    skips.extend(done.skips);
    load::warn_of_skips(&skips, terminal);
    let outcome = Outcome {
        schema: "offkey.collect/1",
        store: arguments.store.display().to_string(),
        files_read: done.files,
        files_unchanged: unchanged,
        files_left_out: (listed - wanted) as u64,
        files_read_again: read_again,
        bytes: done.bytes,
        records: done.records,
        skipped: skips.len() as u64,
        interrupted: result.is_err(),
    };
    tell(&outcome, arguments.json, terminal)?;
    if result.is_err() {
        let hint = "what was read is in the store; run the same command again to go on";
        return Err(Failure::interrupted().hint(hint));
    }
    let hidden = store.hides_records().map_err(failure)?;
    Ok(if hidden { ExitKind::Incomplete } else { ExitKind::Done })
}

fn tell(outcome: &Outcome, json: bool, terminal: &Terminal) -> Result<(), Failure> {
    terminal.note(&format!(
        "{} files read ({} records), {} unchanged, {} left out by the filters, {} places skipped; {} holds it all",
        outcome.files_read,
        outcome.records,
        outcome.files_unchanged,
        outcome.files_left_out,
        outcome.skipped,
        outcome.store
    ));
    if json {
        let mut bytes = serde_json::to_vec(outcome).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    }
    Ok(())
}

/// The store itself can lie in a directory that is read.
fn is_own(own: &Option<PathBuf>, path: &std::path::Path) -> bool {
    let Some(own) = own else { return false };
    let Some(name) = own.file_name() else { return false };
    let beside = ["", "-wal", "-shm", "-lock"].iter().any(|suffix| {
        let mut name = name.to_owned();
        name.push(suffix);
        path.file_name() == Some(&name)
    });
    beside && path.parent().and_then(|p| p.canonicalize().ok()).as_deref() == own.parent()
}

fn open(path: &std::path::Path, terminal: &Terminal) -> Result<EvidenceStore, Failure> {
    let mut told = false;
    let opened = EvidenceStore::open_to_collect(path, &mut || {
        if !told {
            terminal.note(&format!("{}: another process collects into it; waiting", path.display()));
            told = true;
        }
        !terminal.stopped()
    });
    match opened {
        Err(StoreError::Busy(_)) if terminal.stopped() => Err(Failure::interrupted()),
        other => other.map_err(failure),
    }
}

/// What people are told of a store's trouble.
pub(super) fn failure(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Foreign(_) => "name another file by --store, or give logs as inputs",
        StoreError::Newer(..) => "use that version, or collect into a new store",
        StoreError::Damaged(..) => {
            "keep a copy, and collect into a new store; offkey never repairs a store by itself"
        }
        StoreError::Busy(_) => "wait until it is done, and try again",
        StoreError::Other(..) => "is there space on the disk, and may you write there?",
    };
    Failure::new(error.to_string()).hint(hint)
}

/// What could not be listed, in the form of files that are to be tried again.
fn unlisted(skips: &[Skip]) -> Vec<StoredFile> {
    let file = |skip: &Skip| StoredFile {
        identity: format!("unlisted:{}", skip.source),
        label: skip.source.clone(),
        retry: true,
        skips: vec![skip.clone()],
        ..StoredFile::default()
    };
    skips.iter().map(file).collect()
}

/// A log object of this run or an earlier one, to be read again.
fn entry_again(file: &PendingFile) -> Result<Entry, (PendingFile, Skip)> {
    let root = Root { place: Place::Local, path: file.identity.clone(), name: file.label.clone(), argument: 0 };
    let (found, _) = expand(&[Argument { path: file.identity.clone(), name: file.label.clone() }]);
    let same = found.into_iter().find(|entry| entry.size == file.size && entry.version == file.version);
    match same {
        Some(entry) => Ok(Entry { root: Arc::new(root), ..entry }),
        None => {
            let detail = "it changed or is gone since it was read: role sessions in it that derive from a key are not counted";
            let skip = Skip {
                source: file.label.clone(),
                offset: None,
                reason: SkipReason::Unreadable,
                detail: detail.to_owned(),
            };
            Err((file.clone(), skip))
        }
    }
}
