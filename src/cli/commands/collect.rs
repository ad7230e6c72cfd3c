//! `offkey collect`: reads evidence into a store, once.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::athena_source::{self, AthenaArguments};
use super::filter::{Filter, Wanted};
use super::live::{self, LiveArguments};
use super::lookups::{self, LookedUp};
use super::s3_source::{self, Access, Source};
use super::store_sink::StoreSink;
use super::{load, ranges};
use crate::analysis::{Collecting, PORTION_FILES, collect, teach};
use crate::aws::{Meter, PUBLISHED, S3Url, Tally, price};
use crate::evidence::{Follower, Lineage};
use crate::input::{Argument, Depth, Entry, Interrupted, Pass, Place, expand};
use crate::model::{SESSIONS_NOT_COUNTED, Skip, SkipReason, parse_day};
use crate::store::{EvidenceStore, KnownFiles, PendingFile, StoreError};
use clap::Args;
use serde::Serialize;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
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
  offkey collect s3://example-trail/AWSLogs/ --since 2026-07-01 --profile audit
  offkey collect --aws --profile audit
  offkey collect --aws --organization --exclude-accounts 444455556666 --max-time 2h
  offkey collect --athena --trail s3://example-trail --create-table --since 2026-07-01
  offkey collect --athena-results result.csv
  offkey collect --fetch-ranges
  zcat *.json.gz | offkey collect -")]
pub(in super::super) struct Arguments {
    /// What to read: directories, files, s3://BUCKET/PREFIX, or '-'; told apart by content
    #[arg(value_name = "INPUT", required_unless_present_any = ["fetch_ranges", "ranges", "aws", "athena", "athena_results"])]
    inputs: Vec<String>,
    /// The store; made where there is none
    #[arg(long, value_name = "FILE", default_value = "offkey.db")]
    store: PathBuf,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    access: Access,
    /// Threads that read files [default: number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Decode and count every record, also those that no key and no session of a key signed; several times slower
    #[arg(long)]
    census: bool,
    /// Files that each thread reads before they are written to the store: for tests, which kill between two portions
    #[arg(long, value_name = "N", hide = true, default_value_t = PORTION_FILES)]
    portion_files: usize,
    /// Also fetch the address ranges that AWS, GitHub, Google Cloud, Cloudflare and Fastly publish, and keep them
    #[arg(long)]
    fetch_ranges: bool,
    /// Also fetch this range file, by https or from this machine; may be given several times
    #[arg(long, value_name = "URL")]
    ranges: Vec<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    live: LiveArguments,
    #[command(flatten)]
    athena: AthenaArguments,
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
    aws: Option<Asked>,
    athena: Option<athena_source::Asked>,
}

/// What AWS was asked.
#[derive(Debug, Serialize)]
struct Asked {
    accounts: usize,
    requests: u64,
    throttled: u64,
    failed: u64,
    denied: u64,
    answer_bytes: u64,
    objects_not_asked: u64,
    lookup_queries: u64,
    lookup_pages: u64,
    lookup_events: u64,
    /// What AWS charges for such requests, about, in dollars.
    dollars: f64,
    operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
struct Operation {
    service: String,
    operation: String,
    requests: u64,
    throttled: u64,
    failed: u64,
    denied: u64,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    arguments.athena.check()?;
    let inputs = &arguments.inputs;
    let local: Vec<String> = inputs.iter().filter(|input| !S3Url::is_one(input)).cloned().collect();
    load::check_arguments(&local)?;
    let wanted = arguments.filter.resolve(&parse_day)?;
    arguments.live.check()?;
    if arguments.live.fresh && !arguments.live.aws && !arguments.athena.athena {
        return Err(Failure::usage("--fresh needs --aws or --athena").hint("both ask AWS itself"));
    }
    let meter = Meter::new(arguments.live.budget());
    let mut remote = s3_source::connect(inputs, &arguments.access, &meter)?;
    let mut live = match arguments.live.aws {
        true => Some(live::connect(&arguments.live, &arguments.access, &wanted, &meter, terminal)?),
        false => None,
    };
    let mut store = open(&arguments.store, terminal)?;
    if let Some(live) = &mut live {
        live.collect(&mut store, terminal)?;
    }
    let mut computed = None;
    if arguments.athena.athena {
        let asked = athena_source::run(
            &arguments.athena,
            &arguments.access,
            &wanted,
            arguments.live.fresh,
            &meter,
            &mut store,
            terminal,
        )?;
        computed = Some(asked);
    }
    let published = if arguments.fetch_ranges { PUBLISHED } else { &[] };
    let urls: Vec<&str> =
        published.iter().copied().chain(arguments.ranges.iter().map(String::as_str)).collect();
    let unfetched = ranges::fetch(&mut store, &urls, terminal)?;
    let known = store.known_files().map_err(failure)?;
    let lineage = Arc::new(Lineage::default());
    if !arguments.athena.athena_results.is_empty() {
        let given = athena_source::results(&arguments.athena.athena_results, &lineage, &mut store, terminal)?;
        terminal.note(&format!("{given} events in results of Athena"));
    }
    teach(&lineage, &store.sessions().map_err(failure)?);
    let named: Vec<Argument> = local.iter().map(Argument::new).collect();
    let (here, mut skips) = expand(&named);
    let mut plan = Plan { known: &known, own: arguments.store.canonicalize().ok(), out: 0, same: 0 };
    let mut groups: Vec<Group> = vec![Arc::new(plan.of(here, &wanted))];
    for source in &mut remote {
        let (there, archived) = source.list(&wanted, terminal)?;
        skips.extend(archived);
        groups.push(Arc::new(plan.of(there, &wanted)));
    }
    let mut looked_up = LookedUp::default();
    if let Some(live) = &mut live {
        let logs = live.logs(&wanted);
        let sources = live.sources(local.len() + remote.len(), &logs, terminal)?;
        let with_logs = live.with_logs(&sources);
        for (source, there) in sources {
            groups.push(Arc::new(plan.of(there, &logs)));
            remote.push(source);
        }
        skips.append(&mut live.unlisted);
        looked_up = lookups::run(live, &with_logs, &mut store, &lineage, terminal)?;
    }
    let (left_out, unchanged) = (plan.out, plan.same);
    drop(known);
    let (files, bytes) = groups
        .iter()
        .flat_map(|group| group.iter())
        .fold((0, 0), |(n, bytes), entry| (n + 1, bytes + entry.size));
    if files > 0 {
        store.check().map_err(failure)?;
    }
    // What could not even be listed is kept, too, so that reports know of it.
    let names: Vec<String> = local.iter().cloned().chain(remote.iter().map(Source::name)).collect();
    store.note_unlisted(&names, &skips).map_err(failure)?;
    let bar = terminal.bytes_bar();
    bar.set_message(format!("reading {files} files"));
    bar.set_length(bytes);
    let sink = StoreSink::new(store, names, terminal.now());
    let reading = Collecting {
        depth: if arguments.census { Depth::Census } else { Depth::Evidence },
        jobs: load::jobs(arguments.jobs),
        stop: terminal.stop(),
        tick: &|bytes| bar.inc(bytes),
        lineage: &lineage,
        sink: &sink,
        portion_files: arguments.portion_files,
    };
    let mut result = read(&reading, Pass::First, &groups, &remote, &sink);
    let mut read_again = 0;
    if result.is_ok() {
        let pending = || {
            let mut derived = Follower::new(lineage.clone());
            let found = sink.with(|store| {
                let pending = store.pending(&mut |session| derived.contains(session))?;
                if pending.is_empty() {
                    store.settle()?;
                }
                Ok(pending)
            });
            found.map_err(failure)
        };
        let found = pending()?;
        let (again, gone) = second_reading(&found, &remote);
        read_again = again.iter().map(|group| group.len()).sum::<usize>() as u64;
        sink.note_gone(gone).map_err(failure)?;
        bar.set_message(format!("reading {read_again} files again for sessions of keys"));
        result = read(&Collecting { tick: &|_| {}, ..reading }, Pass::Again, &again, &remote, &sink);
        if result.is_ok() && !found.is_empty() {
            pending()?;
        }
    }
    bar.finish_and_clear();
    let (mut store, done) = sink.finish().map_err(failure)?;
    skips.extend(done.skips);
    if let Some(live) = &mut live {
        skips.append(&mut live.skips);
        if result.is_ok() && done.not_asked == 0 {
            live.finish(&mut store)?;
        }
    }
    load::warn_of_skips(&skips, terminal);
    let outcome = Outcome {
        schema: "offkey.collect/1",
        store: arguments.store.display().to_string(),
        files_read: done.files,
        files_unchanged: unchanged,
        files_left_out: left_out,
        files_read_again: read_again,
        bytes: done.bytes,
        records: done.records,
        skipped: skips.len() as u64,
        interrupted: result.is_err(),
        aws: live.as_ref().map(|live| asked(live.accounts.len(), &meter, done.not_asked, &looked_up)),
        athena: computed,
    };
    tell(&outcome, arguments.json, terminal)?;
    if result.is_err() {
        let hint = "what was read is in the store; run the same command again to go on";
        return Err(Failure::interrupted().hint(hint));
    }
    let hidden = store.hides_records().map_err(failure)?;
    let open = athena_source::kind(&store)? != ExitKind::Done;
    Ok(if hidden || open || unfetched > 0 || done.not_asked > 0 {
        ExitKind::Incomplete
    } else {
        ExitKind::Done
    })
}

/// Entries of one source; there can be millions, so that nobody copies them.
type Group = Arc<Vec<Entry>>;

/// Chooses what has to be read.
struct Plan<'a> {
    known: &'a KnownFiles,
    own: Option<PathBuf>,
    out: u64,
    same: u64,
}

impl Plan<'_> {
    fn of(&mut self, mut entries: Vec<Entry>, filter: &Wanted) -> Vec<Entry> {
        entries.retain(|entry| {
            let wanted = filter.wants_all() || filter.wants(&entry.label());
            self.out += u64::from(!wanted);
            wanted && !is_own(self.own.as_deref(), entry)
        });
        let before = entries.len();
        entries.retain(|entry| {
            let is_stream = entry.root.place == Place::Stdin;
            is_stream || !self.known.has(&entry.identity(), entry.size, entry.version)
        });
        self.same += (before - entries.len()) as u64;
        entries
    }
}

/// Reads the groups one after the other: the first from this machine, the others each from its source.
fn read(
    reading: &Collecting<'_>,
    pass: Pass,
    groups: &[Group],
    remote: &[Source],
    sink: &StoreSink,
) -> Result<(), Interrupted> {
    for (number, entries) in groups.iter().enumerate() {
        if entries.is_empty() {
            continue;
        }
        sink.now_reading(entries.clone());
        match number.checked_sub(1).and_then(|n| remote.get(n)) {
            None => collect(reading, pass, entries, None)?,
            Some(source) => collect(reading, pass, entries, Some(&source.fetch(entries)))?,
        }
    }
    Ok(())
}

/// Log objects to be read once more, by group, and those that are gone.
fn second_reading(pending: &[PendingFile], remote: &[Source]) -> (Vec<Group>, Vec<(PendingFile, Skip)>) {
    let mut groups: Vec<Vec<Entry>> = vec![Vec::new(); remote.len() + 1];
    let mut gone = Vec::new();
    for file in pending {
        let source = remote.iter().position(|source| source.holds(&file.identity));
        let entry = match source.and_then(|n| remote.get(n)) {
            Some(source) => Some(source.entry(file)),
            None => local_again(file),
        };
        match (entry, groups.get_mut(source.map_or(0, |n| n + 1))) {
            (Some(entry), Some(group)) => group.push(entry),
            _ => gone.push((file.clone(), is_gone(file))),
        }
    }
    (groups.into_iter().map(Arc::new).collect(), gone)
}

fn local_again(file: &PendingFile) -> Option<Entry> {
    let named = Argument { path: file.identity.clone(), name: file.label.clone() };
    let (found, _) = expand(&[named]);
    found.into_iter().find(|entry| entry.size == file.size && entry.version == file.version)
}

fn is_gone(file: &PendingFile) -> Skip {
    let detail = format!("it changed, is gone or is not among the inputs: {SESSIONS_NOT_COUNTED}");
    Skip { source: file.label.clone(), offset: None, reason: SkipReason::Unreadable, detail }
}

fn asked(accounts: usize, meter: &Meter, not_asked: u64, looked_up: &LookedUp) -> Asked {
    let sum = meter.sum();
    let tallies = meter.tallies();
    let cost = |((service, operation), tally): &((String, String), Tally)| {
        price(service, operation) * tally.calls as f64
    };
    Asked {
        accounts,
        requests: sum.calls,
        throttled: sum.throttled,
        failed: sum.failed,
        denied: sum.denied,
        answer_bytes: sum.bytes,
        objects_not_asked: not_asked,
        lookup_queries: looked_up.queries,
        lookup_pages: looked_up.pages,
        lookup_events: looked_up.events,
        dollars: tallies.iter().map(cost).sum(),
        operations: tallies
            .into_iter()
            .map(|((service, operation), tally)| Operation {
                service,
                operation,
                requests: tally.calls,
                throttled: tally.throttled,
                failed: tally.failed,
                denied: tally.denied,
            })
            .collect(),
    }
}

fn tell(outcome: &Outcome, json: bool, terminal: &Terminal) -> Result<(), Failure> {
    terminal.note(&format!(
        "{} files read ({} records), {} unchanged, {} left out by the filters, {} places skipped; the store is {}",
        outcome.files_read,
        outcome.records,
        outcome.files_unchanged,
        outcome.files_left_out,
        outcome.skipped,
        outcome.store
    ));
    if let Some(aws) = &outcome.aws {
        terminal.note(&format!(
            "{} requests to AWS about {} accounts: {} throttled, {} failed and tried again, {} denied; {:.1} MB of answers, about {:.2} dollars",
            aws.requests,
            aws.accounts,
            aws.throttled,
            aws.failed,
            aws.denied,
            aws.answer_bytes as f64 / 1e6,
            aws.dollars
        ));
        if aws.lookup_queries > 0 {
            terminal.note(&format!(
                "LookupEvents: {} queries, {} pages, {} events",
                aws.lookup_queries, aws.lookup_pages, aws.lookup_events
            ));
        }
        if aws.objects_not_asked > 0 {
            terminal.note(&format!(
                "{} log objects were not read, as the budget is spent; run the same command again",
                aws.objects_not_asked
            ));
        }
    }
    if let Some(athena) = &outcome.athena {
        terminal.note(&format!(
            "Athena: {} queries started, {:.1} MB scanned, about {:.2} dollars; {} rows, {} events",
            athena.queries_started,
            athena.scanned_bytes as f64 / 1e6,
            athena.dollars,
            athena.rows,
            athena.events
        ));
    }
    if json {
        let mut bytes = serde_json::to_vec(outcome).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    }
    Ok(())
}

/// The store itself can lie in a directory that is read.
fn is_own(own: Option<&Path>, entry: &Entry) -> bool {
    let Some(own) = own else { return false };
    let name = own.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
    // Asked of every file, and mostly answered by its name's end alone.
    let beside = entry.inside.as_encoded_bytes();
    let may_be = beside.is_empty()
        || ["", "-wal", "-shm", "-lock"]
            .iter()
            .any(|suffix| beside.strip_suffix(suffix.as_bytes()).is_some_and(|stem| stem.ends_with(name)));
    let directory = |path: PathBuf| path.parent().and_then(|parent| parent.canonicalize().ok());
    may_be
        && entry.path().is_some_and(|path| {
            let file = path.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
            let suffix = file.strip_prefix(name);
            suffix.is_some_and(|suffix| [&b""[..], b"-wal", b"-shm", b"-lock"].contains(&suffix))
                && directory(path.clone()).as_deref() == own.parent()
        })
}

pub(super) fn open(path: &Path, terminal: &Terminal) -> Result<EvidenceStore, Failure> {
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
