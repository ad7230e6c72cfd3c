//! What stores know of single files: to go on where a collection stopped, and to merge one store into another.

use super::evidence::{EvidenceStore, StoreError, StoredDocument, StoredFile};
use super::write_files;
use crate::evidence::{Cell, Facts};
use crate::model::{AccountId, Day, Skip, SkipReason};
use rusqlite::{Connection, Result, params};
use std::collections::HashMap;

/// Files that are merged at once.
const PORTION: i64 = 2_000;

/// What a merge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Files and answers taken over.
    pub taken: u64,
    /// Those that the target knew, in the same or a newer state.
    pub known: u64,
    /// Log objects in which role sessions were passed over that may derive from keys of another store.
    pub pending: u64,
}

impl EvidenceStore {
    /// Identities that begin in some way, with when they were observed, in microseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn observed(&self, beginning: &str) -> std::result::Result<Vec<(String, i64)>, StoreError> {
        let read = || -> Result<Vec<(String, i64)>> {
            let sql =
                "SELECT identity, coalesce(observed, 0) FROM file WHERE substr(identity, 1, length(?1)) = ?1";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([beginning], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }

    /// Identities that begin in some way, were observed at that time or later, and were observed whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn whole_since(&self, beginning: &str, since: i64) -> std::result::Result<Vec<String>, StoreError> {
        let read = || -> Result<Vec<String>> {
            let sql =
                "SELECT identity FROM file WHERE substr(identity, 1, length(?1)) = ?1 AND observed >= ?2
                       AND NOT EXISTS (SELECT 1 FROM file_skip WHERE file = id)";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map(params![beginning, since], |row| row.get(0))?.collect()
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }

    /// Contents of all exports of a kind, with the identities of their files.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn documents(&self, kind: &str) -> std::result::Result<Vec<(String, String)>, StoreError> {
        let read = || -> Result<Vec<(String, String)>> {
            let sql = "SELECT identity, content FROM document JOIN file ON id = file WHERE kind = ?1 ORDER BY 1, nth";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }

    /// Forgets files and what they say of inventory and coverage.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget(&mut self, identities: &[String]) -> std::result::Result<(), StoreError> {
        self.write(|transaction, _| write_files::forget(transaction, identities))
    }

    /// Takes everything over from another store. What both know of one file stands as whoever observed it later knows it;
    /// events count once. Interrupted, it can be run again.
    ///
    /// # Errors
    /// [`StoreError`]; what was merged before it stays.
    pub fn merge(
        &mut self,
        other: &EvidenceStore,
        stop: &dyn Fn() -> bool,
    ) -> std::result::Result<Merged, StoreError> {
        other.check()?;
        let facts = other.load()?.facts;
        // Sessions of keys may have come that files of this store were not read for.
        self.add(&facts, [])?;
        let known: HashMap<String, i64> = self.observed("")?.into_iter().collect();
        let mut merged = Merged::default();
        let mut after = 0;
        while !stop() {
            let files = portion(&other.connection, after).map_err(|e| StoreError::of(&other.path, &e))?;
            let Some((last, _)) = files.last() else { break };
            after = *last;
            let count = files.len();
            let new: Vec<StoredFile> = files
                .into_iter()
                .map(|(_, file)| file)
                .filter(|file| known.get(&file.identity).is_none_or(|at| *at < file.observed))
                .collect();
            merged.taken += new.len() as u64;
            merged.known += count.saturating_sub(new.len()) as u64;
            merged.pending += new.iter().filter(|file| !file.pending.is_empty()).count() as u64;
            self.add(&Facts::default(), new)?;
        }
        Ok(merged)
    }
}

/// Files after one, with their numbers.
fn portion(db: &Connection, after: i64) -> Result<Vec<(i64, StoredFile)>> {
    // A store of an earlier version that is only read has no times of observation.
    let has_time = db.prepare("SELECT observed FROM file LIMIT 0").is_ok();
    let observed = if has_time { "coalesce(observed, 0)" } else { "0" };
    let sql = format!(
        "SELECT id, identity, label, input, object, size, version, retry, bytes, records, signed, pending, {observed}
         FROM file WHERE id > ?1 ORDER BY id LIMIT ?2"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let files = statement.query_map(params![after, PORTION], |row| {
        let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
        let pending: Option<Vec<u8>> = row.get(11)?;
        let pending = pending.unwrap_or_default();
        let (hashes, _) = pending.as_chunks::<4>();
        let file = StoredFile {
            identity: row.get(1)?,
            label: row.get(2)?,
            input: row.get(3)?,
            object: row.get(4)?,
            size: number(5)?,
            version: number(6)?,
            retry: row.get(7)?,
            bytes: number(8)?,
            records: number(9)?,
            signed: number(10)?,
            pending: hashes.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect(),
            observed: row.get(12)?,
            ..StoredFile::default()
        };
        Ok((row.get(0)?, file))
    })?;
    let mut files: Vec<(i64, StoredFile)> = files.collect::<Result<_>>()?;
    for (id, file) in &mut files {
        details(db, *id, file)?;
    }
    Ok(files)
}

/// What other tables say of a file.
fn details(db: &Connection, id: i64, file: &mut StoredFile) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT * FROM file_coverage WHERE file = ?1")?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
        let cell = Cell {
            records: number(4)?,
            management: number(5)?,
            data: number(6)?,
            other: number(7)?,
            objects: row.get(8)?,
            damaged: row.get(9)?,
            digests: row.get(10)?,
        };
        let account = AccountId::new(row.get_ref(1)?.as_str()?);
        file.coverage.cells.push((account, row.get(2)?, Day(row.get(3)?), cell));
    }
    let mut statement = db.prepare_cached("SELECT account, source FROM file_data_source WHERE file = ?1")?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        file.coverage.sources.push((AccountId::new(row.get_ref(0)?.as_str()?), row.get(1)?));
    }
    let mut statement =
        db.prepare_cached("SELECT source, position, reason, detail FROM file_skip WHERE file = ?1")?;
    let skips = statement.query_map([id], |row| {
        Ok(Skip {
            source: row.get(0)?,
            offset: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            reason: SkipReason::from_id(row.get_ref(2)?.as_str()?).unwrap_or(SkipReason::Unreadable),
            detail: row.get(3)?,
        })
    })?;
    file.skips = skips.collect::<Result<_>>()?;
    let mut statement =
        db.prepare_cached("SELECT kind, source, content FROM document WHERE file = ?1 ORDER BY nth")?;
    let documents = statement.query_map([id], |row| {
        Ok(StoredDocument { kind: row.get(0)?, source: row.get(1)?, content: row.get(2)? })
    })?;
    file.documents = documents.collect::<Result<_>>()?;
    Ok(())
}
