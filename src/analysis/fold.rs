//! What one reading thread builds up, and where it goes.

use crate::cloudtrail::{Event, EventId};
use crate::evidence::{Collector, Coverage, Facts, FileCounts, FileCoverage, Follower, Lineage, SORTED_ONCE};
use crate::input::{Document, FileReport, Fold};
use crate::model::Skip;
use std::sync::Arc;
use std::time::Duration;

/// Events and rows that one thread holds before it hands them to a sink; of several, each holds half as many.
const PORTION: usize = 240_000;

// Larger portions would be sorted more than once.
const _: () = assert!(PORTION < SORTED_ONCE);

/// Files that one thread holds before it hands them to a sink, unless it is told otherwise; of several, each holds half as
/// many at most.
pub const PORTION_FILES: usize = 24_000;

/// How long a thread reads before it hands on what it has: slow sources take long for a portion, and whoever kills the
/// process loses what was not handed on.
const LONGEST: Duration = Duration::from_secs(5);

/// A file that has been read to its end. Many are held at a time: what the list of entries knows is not repeated.
#[derive(Debug)]
pub struct ReadFile {
    /// Its place in the list that was read.
    pub entry: usize,
    /// Whether its name is a log object's.
    pub is_object: bool,
    /// Bytes on disk.
    pub bytes: u64,
    /// Records found, decoded or not.
    pub events: u64,
    /// Of those, records with an id that a key itself signed.
    pub signed: u64,
    /// Role sessions, by their hashes, whose records were passed over; sorted.
    pub pending: Vec<u32>,
    /// What was passed over.
    pub skips: Vec<Skip>,
    /// What it says of coverage.
    pub coverage: FileCoverage,
    /// Exports in it.
    pub documents: Vec<Document>,
}

/// Some of what was read. The files in it are complete: whatever else they hold is in this portion or in an earlier
/// one of the same thread.
#[derive(Default)]
pub struct Portion {
    /// What was learned.
    pub facts: Facts,
    /// Files that ended in it.
    pub files: Vec<ReadFile>,
    /// Whether it comes from reading files once more: of the files only what is still pending is new.
    pub again: bool,
}

/// Where portions go.
pub trait Sink: Sync {
    /// Takes a portion, all of it or nothing. Returns false when reading should stop; why is the sink's to tell.
    fn take(&self, portion: Portion) -> bool;
    /// How much time has passed since some moment, always the same one.
    fn clock(&self) -> Duration;
}

/// Folds what one thread reads.
pub(super) struct Worker<'a> {
    pub(super) collector: Collector,
    pub(super) coverage: Coverage,
    counts: FileCounts,
    pub(super) files: Vec<Summary>,
    pub(super) documents: Vec<Document>,
    pub(super) skips: Vec<Skip>,
    lineage: Follower,
    again: bool,
    sink: Option<&'a dyn Sink>,
    portion: Vec<ReadFile>,
    portion_size: usize,
    portion_files: usize,
    /// When the portion was begun, by the sink's clock.
    began: Duration,
    stopped: bool,
}

/// What is kept of a file where no sink takes it.
pub(super) struct Summary {
    pub(super) entry: usize,
    pub(super) argument: usize,
    pub(super) sha256: Option<String>,
    pub(super) bytes: u64,
    pub(super) events: u64,
    pub(super) signed: u64,
    pub(super) documents: u64,
    pub(super) pending: Box<[u32]>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(lineage: &Arc<Lineage>, sink: Option<&'a dyn Sink>) -> Self {
        Self {
            collector: Collector::telling(lineage.clone()),
            coverage: Coverage::default(),
            counts: FileCounts::default(),
            files: Vec::new(),
            documents: Vec::new(),
            skips: Vec::new(),
            lineage: Follower::new(lineage.clone()),
            again: false,
            sink,
            portion: Vec::new(),
            portion_size: PORTION,
            portion_files: PORTION_FILES,
            began: sink.map(Sink::clock).unwrap_or_default(),
            stopped: false,
        }
    }

    /// Leaves out what calls acted on.
    pub(super) fn nameless(&mut self) {
        self.collector = std::mem::take(&mut self.collector).nameless();
    }

    /// Hands on after so many files, at least one. Threads that read side by side hold less each.
    pub(super) fn hand_on_after(&mut self, files: usize, threads: usize) {
        let part = if threads > 1 { 2 } else { 1 };
        self.portion_size = PORTION / part;
        self.portion_files = files.clamp(1, PORTION_FILES / part);
    }

    /// Prepares for reading some files once more; what else they say is known already.
    pub(super) fn read_again(&mut self) {
        self.again = true;
    }

    /// Whether the sink takes no more.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Hands everything to the sink.
    pub(super) fn flush(&mut self) {
        let Some(sink) = self.sink else { return };
        let facts = self.collector.take_facts();
        let files = std::mem::take(&mut self.portion);
        self.stopped |= !sink.take(Portion { facts, files, again: self.again });
        self.began = sink.clock();
    }
}

impl Fold for Worker<'_> {
    fn wants(&mut self, session: u32) -> bool {
        self.lineage.contains(session)
    }

    fn count(&mut self, event: &Event<'_>) {
        self.counts.see(event);
    }

    fn event(&mut self, event: &Event<'_>, instead: &dyn Fn() -> EventId) {
        self.collector.add(event, instead);
        // A file can be larger than memory; events are the same however often they are handed on.
        if self.sink.is_some() && self.collector.size() >= self.portion_size {
            self.flush();
        }
    }

    fn glance(&mut self, event: &Event<'_>) {
        self.counts.see(event);
        self.collector.glance(event);
    }

    fn document(&mut self, document: Document) {
        self.documents.push(document);
    }

    fn file(&mut self, report: FileReport) {
        if !self.again {
            for object in &report.objects {
                self.counts.see_object(&object.name, object.undecoded, object.damaged);
            }
        }
        if let Some(sink) = self.sink {
            self.portion.push(ReadFile {
                entry: report.entry,
                is_object: report.is_object,
                bytes: report.bytes,
                events: report.events,
                signed: report.signed,
                pending: report.pending,
                skips: report.skips,
                coverage: self.counts.take(),
                documents: std::mem::take(&mut self.documents),
            });
            let full = self.portion.len() >= self.portion_files || self.collector.size() >= self.portion_size;
            if full || sink.clock().saturating_sub(self.began) >= LONGEST {
                self.flush();
            }
            return;
        }
        self.counts.add_to(&mut self.coverage);
        self.skips.extend(report.skips);
        if !self.again {
            self.files.push(Summary {
                entry: report.entry,
                argument: report.argument,
                sha256: report.sha256,
                bytes: report.bytes,
                events: report.events,
                signed: report.signed,
                documents: report.documents,
                pending: report.pending.into_boxed_slice(),
            });
        }
    }
}
