//! Reads everything the user named into evidence, inventory and networks.

use super::fold::{Sink, Summary, Worker};
use crate::attribution::{Networks, RangeKind};
use crate::evidence::{Collector, Coverage, Evidence, Facts, Lineage, SessionFacts, Step};
use crate::input::{
    Argument, Depth, Document, DocumentKind, Entry, Fetch, Fetched, Ingest, Interrupted, Pass, Place, Root,
    expand, ingest, ingest_fetched,
};
use crate::inventory::{Hints, Inventory, Source, SourceKind, build};
use crate::model::{AccessKeyId, AccountId, Skip};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What to read and how.
pub struct Reading<'a> {
    /// Paths as the user gave them; `-` is standard input.
    pub arguments: &'a [Argument],
    /// How much of the trails is wanted.
    pub depth: Depth,
    /// Threads that read; at least one.
    pub jobs: usize,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
    /// Called once with the number of files and their bytes on disk.
    pub total: &'a (dyn Fn(usize, u64) + Sync),
    /// Called with every stretch of bytes read from disk.
    pub tick: &'a (dyn Fn(u64) + Sync),
}

/// What was read at some earlier time and kept.
#[derive(Default)]
pub struct Kept {
    /// What was learned.
    pub facts: Facts,
    /// What it covers.
    pub coverage: Coverage,
    /// Exports.
    pub documents: Vec<Document>,
    /// What was read, by name.
    pub inputs: Vec<InputSummary>,
    /// What was passed over.
    pub skips: Vec<Skip>,
    /// Records with an id that keys themselves signed, copies included.
    pub signed: u64,
}

/// What the inputs hold, before anything is concluded from it.
pub struct Material {
    /// Usage, sessions, coverage.
    pub evidence: Evidence,
    /// Users, keys, trails.
    pub inventory: Inventory,
    /// IP ranges.
    pub networks: Networks,
    /// What was read, per argument.
    pub inputs: Vec<InputSummary>,
    /// What was passed over, sorted.
    pub skips: Vec<Skip>,
}

/// What was read of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSummary {
    /// As the user named it.
    pub name: String,
    /// Files read.
    pub files: usize,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Events in them.
    pub events: u64,
    /// Documents in them.
    pub documents: u64,
    /// SHA-256, in hex, over the sorted lines `HASH  LABEL`.
    pub sha256: String,
}

impl Material {
    /// Whether anything at all was understood.
    pub fn is_empty(&self) -> bool {
        self.inputs.iter().all(|input| input.events == 0 && input.documents == 0)
    }
}

/// Reads all inputs, and adds what was kept of earlier ones.
///
/// # Errors
/// [`Interrupted`] when the user asked to stop.
pub fn read(reading: &Reading<'_>, kept: Vec<Kept>) -> Result<Material, Interrupted> {
    let (entries, mut skips) = expand(reading.arguments);
    (reading.total)(entries.len(), entries.iter().map(|e| e.size).sum());
    let lineage = Arc::new(Lineage::default());
    for kept in &kept {
        teach(&lineage, &kept.facts.sessions);
    }
    let mut workers: Vec<Worker<'_>> = workers(reading.jobs, entries.len(), &lineage, None);
    let job = Ingest {
        depth: reading.depth,
        hash: reading.depth != Depth::Keys,
        quick: true,
        stop: reading.stop,
        tick: reading.tick,
    };
    if reading.depth == Depth::Keys {
        workers.iter_mut().for_each(Worker::nameless);
    }
    ingest(&job, Pass::First, &entries, &mut workers)?;
    let again: Vec<Entry> = workers
        .iter()
        .flat_map(|worker| &worker.files)
        .filter(|file| file.pending.iter().any(|session| lineage.contains(*session)))
        .filter_map(|file| entries.get(file.entry).cloned())
        .collect();
    workers.iter_mut().for_each(Worker::read_again);
    ingest(&Ingest { tick: &|_| {}, ..job }, Pass::Again, &again, &mut workers)?;
    let mut collector: Option<Collector> = None;
    let (mut coverage, mut files, mut documents) = (Coverage::default(), Vec::new(), Vec::new());
    for worker in workers {
        skips.extend(worker.skips);
        files.extend(worker.files);
        documents.extend(worker.documents);
        coverage.merge(&worker.coverage);
        match &mut collector {
            Some(collector) => collector.take_in(worker.collector.into_facts()),
            None => collector = Some(worker.collector),
        }
    }
    let mut collector = collector.unwrap_or_default();
    let mut inputs = inputs(reading.arguments, &entries, files);
    let mut signed = inputs.iter().map(|(_, signed)| *signed).sum::<u64>();
    let mut summaries: Vec<InputSummary> = inputs.drain(..).map(|(summary, _)| summary).collect();
    for kept in kept {
        collector.take_in(kept.facts);
        coverage.merge(&kept.coverage);
        documents.extend(kept.documents);
        summaries.extend(kept.inputs);
        skips.extend(kept.skips);
        signed += kept.signed;
    }
    // Files arrive in no order; from here on everything is sorted.
    documents.sort_by(|a, b| (&a.source, a.kind).cmp(&(&b.source, b.kind)));
    skips.sort();
    let mut evidence = collector.finish();
    evidence.coverage = coverage;
    evidence.events = summaries.iter().map(|input| input.events).sum();
    evidence.duplicates = signed.saturating_sub(evidence.duplicates);
    let inventory = inventory(&documents, &evidence);
    Ok(Material { networks: networks(&documents), inputs: summaries, evidence, inventory, skips })
}

/// Reads one file from memory, once with everything in it and once more for what its own sessions make of it. What
/// the quick way and the general one give is the same but for coverage and neighbours; tests and fuzzing hold them to
/// that.
pub fn read_bytes(label: &str, bytes: &[u8], depth: Depth, quick: bool) -> Evidence {
    let mut collector = Collector::default();
    for facts in facts_of(label, bytes, depth, quick, &Arc::new(Lineage::default())) {
        collector.take_in(facts);
    }
    collector.finish()
}

/// Reads a page of records that came by themselves, and what is known of sessions so far.
pub fn read_page(label: &str, bytes: &[u8], lineage: &Arc<Lineage>) -> Facts {
    facts_of(label, bytes, Depth::Evidence, false, lineage).into_iter().next().unwrap_or_default()
}

fn facts_of(label: &str, bytes: &[u8], depth: Depth, quick: bool, lineage: &Arc<Lineage>) -> Vec<Facts> {
    struct One(Vec<u8>, AtomicBool);
    impl Fetch for One {
        fn next(&self) -> Option<(usize, std::io::Result<Fetched>)> {
            (!self.1.swap(true, Ordering::Relaxed)).then(|| (0, Ok(Fetched::Whole(self.0.clone()))))
        }
    }
    let never = AtomicBool::new(false);
    let root = Root::new(Place::Remote, label.to_owned(), label.to_owned(), 0);
    let entry =
        Entry { root: Arc::new(root), inside: OsStr::new("").into(), size: bytes.len() as u64, version: 0 };
    let mut workers = workers(1, 1, lineage, None);
    let job = Ingest { depth, hash: false, quick, stop: &never, tick: &|_| {} };
    if depth == Depth::Keys {
        workers.iter_mut().for_each(Worker::nameless);
    }
    let pass = |pass, workers: &mut Vec<Worker<'_>>| {
        let fetch = One(bytes.to_vec(), AtomicBool::new(false));
        // Nothing stops it.
        let _ = ingest_fetched(&job, pass, std::slice::from_ref(&entry), &fetch, workers);
    };
    pass(Pass::First, &mut workers);
    let pending =
        workers.iter().flat_map(|w| &w.files).flat_map(|f| &f.pending).any(|s| lineage.contains(*s));
    if pending {
        workers.iter_mut().for_each(Worker::read_again);
        pass(Pass::Again, &mut workers);
    }
    workers.into_iter().map(|worker| worker.collector.into_facts()).collect()
}

/// What to put into a sink, and what is known of it already.
pub struct Collecting<'a> {
    /// How much of the trails is wanted.
    pub depth: Depth,
    /// Threads that read; at least one.
    pub jobs: usize,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
    /// Called with every stretch of bytes read.
    pub tick: &'a (dyn Fn(u64) + Sync),
    /// Which sessions derive from keys.
    pub lineage: &'a Arc<Lineage>,
    /// Where everything goes.
    pub sink: &'a dyn Sink,
    /// Files that a thread reads before it hands on what they hold, at least one; fewer are slower, and lose less when the
    /// process is killed. [`super::PORTION_FILES`] is what fits into the memory that is promised.
    pub portion_files: usize,
}

/// Reads entries into a sink, portion by portion. Entries that are not on this machine are brought by `fetch`, which
/// then must bring all of them.
///
/// # Errors
/// [`Interrupted`] when `stop` was set, or the sink takes no more.
pub fn collect(
    collecting: &Collecting<'_>,
    pass: Pass,
    entries: &[Entry],
    fetch: Option<&dyn Fetch>,
) -> Result<(), Interrupted> {
    let mut workers = workers(collecting.jobs, entries.len(), collecting.lineage, Some(collecting.sink));
    let threads = workers.len();
    workers.iter_mut().for_each(|worker| worker.hand_on_after(collecting.portion_files, threads));
    if pass == Pass::Again {
        workers.iter_mut().for_each(Worker::read_again);
    }
    let Collecting { depth, stop, tick, .. } = *collecting;
    // A store knows its files by size and time of change, or by tag.
    let job = Ingest { depth, hash: false, quick: true, stop, tick };
    let result = match fetch {
        Some(fetch) => ingest_fetched(&job, pass, entries, fetch, &mut workers),
        None => ingest(&job, pass, entries, &mut workers),
    };
    // What was read before the interrupt is not read again.
    workers.iter_mut().for_each(Worker::flush);
    if workers.iter().any(Worker::has_stopped) { Err(Interrupted) } else { result }
}

fn workers<'a>(
    jobs: usize,
    files: usize,
    lineage: &Arc<Lineage>,
    sink: Option<&'a dyn Sink>,
) -> Vec<Worker<'a>> {
    (0..jobs.clamp(1, files.max(1))).map(|_| Worker::new(lineage, sink)).collect()
}

/// Tells the lineage what is known of sessions from earlier.
pub fn teach(lineage: &Lineage, sessions: &SessionFacts) {
    for (child, parent, _) in &sessions.origins {
        lineage.learn(Step::HandedOut(parent, child));
    }
    for (shared, child, _) in &sessions.received {
        lineage.learn(Step::Received(shared, child));
    }
    for (shared, parent) in &sessions.shared {
        lineage.learn(Step::Shared(shared, parent));
    }
}

/// A summary for each argument, and how many records keys themselves signed.
fn inputs(arguments: &[Argument], entries: &[Entry], mut files: Vec<Summary>) -> Vec<(InputSummary, u64)> {
    files.sort_by_key(|file| file.entry);
    let summary = |(argument, named): (usize, &Argument)| {
        let name = &named.name;
        let own = || files.iter().filter(move |file| file.argument == argument);
        let mut hash = Sha256::new();
        for file in own() {
            // Names below the argument, so that the hash does not depend on where the input lies.
            let inside = entries.get(file.entry).map(|entry| entry.inside.to_string_lossy());
            let inside = inside.unwrap_or_default();
            hash.update(format!("{}  {inside}\n", file.sha256.as_deref().unwrap_or("-")));
        }
        let summary = InputSummary {
            name: name.clone(),
            files: own().count(),
            bytes: own().map(|file| file.bytes).sum(),
            events: own().map(|file| file.events).sum(),
            documents: own().map(|file| file.documents).sum(),
            sha256: hash.finalize().iter().map(|b| format!("{b:02x}")).collect(),
        };
        (summary, own().map(|file| file.signed).sum())
    };
    arguments.iter().enumerate().map(summary).collect()
}

impl Hints for Evidence {
    fn owner(&self, key: &AccessKeyId) -> Option<(AccountId, String)> {
        let owners = self.owners.get(key)?;
        // Masked ids are shared by several users; those say nothing.
        if owners.len() == 1 { owners.first().cloned() } else { None }
    }

    fn signers(&self) -> Vec<AccessKeyId> {
        self.owners.iter().filter(|(_, owners)| owners.len() == 1).map(|(key, _)| key.clone()).collect()
    }
}

fn inventory(documents: &[Document], evidence: &Evidence) -> Inventory {
    let sources: Vec<Source<'_>> = documents
        .iter()
        .filter_map(|document| {
            let kind = match document.kind {
                DocumentKind::CredentialReport => SourceKind::CredentialReport,
                DocumentKind::AuthorizationDetails => SourceKind::AuthorizationDetails,
                DocumentKind::AccessKeys => SourceKind::AccessKeys,
                DocumentKind::Trails => SourceKind::Trails,
                DocumentKind::EventSelectors => SourceKind::EventSelectors,
                DocumentKind::ServicesLastAccessed => SourceKind::ServicesLastAccessed,
                DocumentKind::ResourcePolicies => SourceKind::ResourcePolicies,
                DocumentKind::AccessKeysLastUsed => SourceKind::AccessKeysLastUsed,
                DocumentKind::UserCredentials => SourceKind::UserCredentials,
                DocumentKind::IdentityProviders => SourceKind::IdentityProviders,
                DocumentKind::TrailStatus => SourceKind::TrailStatus,
                DocumentKind::Regions => SourceKind::Regions,
                DocumentKind::Lookups => SourceKind::Lookups,
                DocumentKind::Collection => SourceKind::Collection,
                _ => return None,
            };
            Some(Source { kind, label: &document.source, content: &document.content })
        })
        .collect();
    build(&sources, evidence)
}

fn networks(documents: &[Document]) -> Networks {
    let mut networks = Networks::default();
    for document in documents {
        let kind = match document.kind {
            DocumentKind::AwsRanges => RangeKind::Aws,
            DocumentKind::GithubMeta => RangeKind::Github,
            DocumentKind::GoogleRanges => RangeKind::Google,
            DocumentKind::AzureRanges => RangeKind::Azure,
            DocumentKind::CloudflareRanges => RangeKind::Cloudflare,
            DocumentKind::FastlyRanges => RangeKind::Fastly,
            DocumentKind::OwnNetworks => RangeKind::Own,
            DocumentKind::ElasticAddresses => RangeKind::ElasticAddresses,
            DocumentKind::NatGateways => RangeKind::NatGateways,
            _ => continue,
        };
        networks.load(kind, &document.content);
    }
    networks
}
