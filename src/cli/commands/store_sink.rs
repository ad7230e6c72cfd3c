//! Between reading and the store: turns portions into what the store keeps.

use crate::analysis::{Portion, ReadFile, Sink};
use crate::aws::BUDGET;
use crate::evidence::Facts;
use crate::input::Entry;
use crate::model::{Skip, SkipReason};
use crate::store::{EvidenceStore, PendingFile, StoreError, StoredDocument, StoredFile};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was put into the store.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) skips: Vec<Skip>,
    /// Objects that the budget left no room for.
    pub(super) not_asked: u64,
}

struct State {
    store: EvidenceStore,
    entries: Arc<Vec<Entry>>,
    done: Done,
    failure: Option<StoreError>,
}

/// Puts portions into a store.
pub(super) struct StoreSink {
    state: Mutex<State>,
    inputs: Vec<String>,
    observed: i64,
    since: Instant,
}

impl StoreSink {
    pub(super) fn new(store: EvidenceStore, inputs: Vec<String>, now: Timestamp) -> Self {
        let state = State { store, entries: Arc::default(), done: Done::default(), failure: None };
        Self { state: Mutex::new(state), inputs, observed: now.as_microsecond(), since: Instant::now() }
    }

    /// Says which entries the next portions are of.
    pub(super) fn now_reading(&self, entries: Arc<Vec<Entry>>) {
        self.lock().entries = entries;
    }

    /// Lends the store between two readings.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut EvidenceStore) -> T) -> T {
        work(&mut self.lock().store)
    }

    /// Notes log objects that cannot be read again.
    pub(super) fn note_gone(&self, gone: Vec<(PendingFile, Skip)>) -> Result<(), StoreError> {
        let file = |(pending, skip): &(PendingFile, Skip)| StoredFile {
            identity: pending.identity.clone(),
            skips: vec![skip.clone()],
            ..StoredFile::default()
        };
        let mut state = self.lock();
        state.store.add_again(&Facts::default(), gone.iter().map(file))?;
        state.done.skips.extend(gone.into_iter().map(|(_, skip)| skip));
        Ok(())
    }

    /// The store and what was done; or why it could not be written.
    pub(super) fn finish(self) -> Result<(EvidenceStore, Done), StoreError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.failure {
            Some(failure) => Err(failure),
            None => Ok((state.store, state.done)),
        }
    }

    // A portion is taken in one transaction, so that a thread that panicked left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for StoreSink {
    fn clock(&self) -> Duration {
        self.since.elapsed()
    }

    fn take(&self, portion: Portion) -> bool {
        let mut state = self.lock();
        let State { store, entries, done, failure } = &mut *state;
        if failure.is_some() {
            return false;
        }
        let Portion { facts, mut files, again } = portion;
        // What the budget forbade to bring is as new as before.
        let forbidden = |file: &ReadFile| file.skips.iter().any(|skip| skip.detail.contains(BUDGET));
        let all = files.len();
        files.retain(|file| file.entry < entries.len() && !forbidden(file));
        done.not_asked += (all - files.len()) as u64;
        // Entries are in the order in which the store finds its files.
        files.sort_unstable_by_key(|file| file.entry);
        let (mut number, mut bytes, mut records, mut skips) = (0, 0, 0, Vec::new());
        let stored = files.into_iter().filter_map(|file| {
            let entry = entries.get(file.entry)?;
            number += 1;
            bytes += file.bytes;
            records += file.events;
            skips.extend(file.skips.iter().cloned());
            Some(StoredFile { observed: self.observed, ..stored(file, entry, &self.inputs) })
        });
        let result = match again {
            false => store.add(&facts, stored),
            true => store.add_again(&facts, stored),
        };
        if let Err(error) = result {
            *failure = Some(error);
            return false;
        }
        done.skips.extend(skips);
        if !again {
            done.files += number;
            done.bytes += bytes;
            done.records += records;
        }
        true
    }
}

fn stored(file: ReadFile, entry: &Entry, inputs: &[String]) -> StoredFile {
    let label = entry.label();
    let document = |document: crate::input::Document| StoredDocument {
        kind: document.kind.id().to_owned(),
        source: document.source,
        content: document.content.to_string(),
    };
    StoredFile {
        identity: entry.identity(),
        input: inputs.get(entry.root.argument).cloned().unwrap_or_default(),
        object: label.rsplit('/').next().filter(|_| file.is_object).map(str::to_owned),
        label,
        size: entry.size,
        version: entry.version,
        // Neither permissions nor a copy that is still being made show in size and time.
        retry: file
            .skips
            .iter()
            .any(|skip| matches!(skip.reason, SkipReason::Unreadable | SkipReason::Truncated)),
        bytes: file.bytes,
        records: file.events,
        signed: file.signed,
        pending: file.pending,
        coverage: file.coverage,
        documents: file.documents.into_iter().map(document).collect(),
        skips: file.skips,
        observed: 0,
    }
}
