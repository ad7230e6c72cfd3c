//! The evidence store: one SQLite file that takes facts in, each once, however often and in whatever order they come.

use super::{write, write_files};
use crate::evidence::{Facts, FileCoverage, ResourceSet};
use crate::model::Skip;
use hashbrown::HashMap;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What marks an SQLite file as an offkey store: `offk`.
const APPLICATION_ID: i64 = 0x6f66_666b;

/// The schema's versions, oldest first; each brings a store from the version before to its own.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
];

/// How an SQLite file begins (<https://www.sqlite.org/fileformat2.html#the_database_header>).
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Stores up to this size are checked page by page before they are read or written to.
const CHECKED: u64 = 512 << 20;

/// Strings and rows whose numbers are remembered; beyond that they are looked up again.
const REMEMBERED: usize = 1 << 18;

/// Places that are remembered: files come in the order of their days, so that few directories are met at a time.
const REMEMBERED_PLACES: usize = 1 << 12;

/// Statements that stay prepared: more than writing needs.
const STATEMENTS: usize = 64;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is a file, and it is no evidence store.
    #[error("{0}: an SQLite file, but no evidence store of offkey's")]
    Foreign(String),
    /// It was written by a later version.
    #[error("{0}: written by a later version of offkey (store version {1}, this one knows {2})")]
    Newer(String, i64, usize),
    /// SQLite says that the file is damaged.
    #[error("{0}: the store is damaged ({1}); nothing was changed")]
    Damaged(String, String),
    /// Someone else writes to it for longer than anyone waits.
    #[error("{0}: the store is in use by another process")]
    Busy(String),
    /// Anything else.
    #[error("{0}: {1}")]
    Other(String, String),
}

impl StoreError {
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let name = path.display().to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(name, error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(name),
            _ => Self::Other(name, error.to_string()),
        }
    }
}

/// What the identity of something begins with that was seen and could not even be listed.
pub(super) const UNLISTED: &str = "unlisted:";

/// A file as the store knows it.
#[derive(Clone, Debug, Default)]
pub struct StoredFile {
    /// What it is called wherever it is named from.
    pub identity: String,
    /// What reports call it.
    pub label: String,
    /// The argument that it came from.
    pub input: String,
    /// A log object's own name, of which copies count once.
    pub object: Option<String>,
    /// Its size when it was listed.
    pub size: u64,
    /// Which version of it was read.
    pub version: u64,
    /// Whether it has to be read again even if it does not change, as it could not be read whole.
    pub retry: bool,
    /// Bytes read.
    pub bytes: u64,
    /// Records found.
    pub records: u64,
    /// Of those, records with an id that keys themselves signed.
    pub signed: u64,
    /// Hashes of role sessions that were passed over.
    pub pending: Vec<u32>,
    /// What it covers.
    pub coverage: FileCoverage,
    /// Exports in it.
    pub documents: Vec<StoredDocument>,
    /// What was passed over.
    pub skips: Vec<Skip>,
    /// When it was read, in microseconds since 1970; 0 where that is not known.
    pub observed: i64,
}

/// An export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredDocument {
    /// What kind of export, by its id.
    pub kind: String,
    /// Its file's label.
    pub source: String,
    /// Its content, as JSON.
    pub content: String,
}

/// A log object that has role sessions which were passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingFile {
    /// What it is called wherever it is named from.
    pub identity: String,
    /// What reports call it.
    pub label: String,
    /// Its size when it was read.
    pub size: u64,
    /// Which version of it was read.
    pub version: u64,
}

/// An open evidence store.
pub struct EvidenceStore {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    numbers: Numbers,
    lock: Option<File>,
}

/// Numbers of what is written again and again.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) strings: HashMap<Arc<str>, i64>,
    pub(super) rows: HashMap<([i64; crate::evidence::COLUMNS], u8), i64>,
    pub(super) places: HashMap<String, i64>,
    pub(super) acted_on: KnownSets,
}

/// What the store knows that calls acted on, by signer, source, name, agent, whether a role signed and was authorised.
#[derive(Default)]
pub(super) struct KnownSets {
    sets: HashMap<([i64; 4], bool, bool), ResourceSet>,
    texts: usize,
}

impl KnownSets {
    /// Names and what else sets hold; past that everything is looked up again. Most sets hold a name or two.
    const MOST_TEXTS: usize = 1 << 16;

    pub(super) fn get(&self, key: &([i64; 4], bool, bool)) -> Option<&ResourceSet> {
        self.sets.get(key)
    }

    pub(super) fn insert(&mut self, key: ([i64; 4], bool, bool), set: ResourceSet) {
        let more = 1 + set.names().count() + set.shows().count();
        if self.texts + more > Self::MOST_TEXTS {
            *self = Self::default();
        }
        self.texts += more;
        self.sets.insert(key, set);
    }
}

impl EvidenceStore {
    /// Whether a file begins like a store. Files that cannot be read are none.
    pub fn is_store(path: &Path) -> bool {
        use std::io::Read;
        let mut head = Vec::new();
        // Opening a pipe would wait for its writer.
        if !std::fs::metadata(path).is_ok_and(|meta| meta.is_file()) {
            return false;
        }
        let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut head));
        read.is_ok() && head == MAGIC
    }

    /// Opens a store to read it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let error = |e: rusqlite::Error| StoreError::of(path, &e);
        // Readable and writable, as a reader may have to finish what a killed writer left in the log.
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY))
            .map_err(error)?;
        Self::opened(path, connection, None)
    }

    /// Opens a store to write to it, and makes it where there is none. While another process has it open so, `wait`
    /// is asked again and again whether to go on waiting.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Busy`] where `wait` returned false.
    pub fn open_to_collect(path: &Path, wait: &mut dyn FnMut() -> bool) -> Result<Self, StoreError> {
        let other = |e: std::io::Error| StoreError::Other(path.display().to_string(), e.to_string());
        // A directory or the like would make SQLite say something less helpful.
        if let Ok(meta) = std::fs::metadata(path)
            && meta.len() > 0
            && !Self::is_store(path)
        {
            return Err(StoreError::Foreign(path.display().to_string()));
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push("-lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&beside).map_err(other)?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if wait() => std::thread::sleep(Duration::from_millis(200)),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(path.display().to_string())),
                Err(TryLockError::Error(error)) => return Err(other(error)),
            }
        }
        let connection = Connection::open(path).map_err(|e| StoreError::of(path, &e))?;
        Self::opened(path, connection, Some(lock))
    }

    fn opened(path: &Path, connection: Connection, lock: Option<File>) -> Result<Self, StoreError> {
        let error = |e: rusqlite::Error| StoreError::of(path, &e);
        let name = || path.display().to_string();
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(Duration::from_secs(60)).map_err(error)?;
        let number = |pragma: &str| -> Result<i64, StoreError> {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).map_err(error)
        };
        let version = number("user_version")?;
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(error)?;
        let fresh = tables == 0 && version == 0;
        if !fresh && number("application_id")? != APPLICATION_ID || fresh && lock.is_none() {
            return Err(StoreError::Foreign(name()));
        }
        let known = usize::try_from(version).unwrap_or(usize::MAX);
        if known > MIGRATIONS.len() {
            return Err(StoreError::Newer(name(), version, MIGRATIONS.len()));
        }
        let mut store = Self { path: path.to_owned(), connection, numbers: Numbers::default(), lock };
        if store.lock.is_some() {
            store.prepare(known).map_err(error)?;
        }
        Ok(store)
    }

    /// Sets the store up for writing, and brings it to the current version.
    fn prepare(&mut self, version: usize) -> rusqlite::Result<()> {
        if version == 0 {
            // Twice the usual: half as many pages to write (<https://www.sqlite.org/pragma.html#pragma_page_size>).
            self.connection.execute_batch("PRAGMA page_size = 8192")?;
        }
        // The log is written at once, the file itself at checkpoints: a killed process loses at most what it did not
        // commit (<https://www.sqlite.org/wal.html>).
        self.connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        self.connection.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 8192",
        )?;
        if version == MIGRATIONS.len() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (number, step) in MIGRATIONS.iter().enumerate().skip(version) {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", i64::try_from(number + 1).unwrap_or(i64::MAX))?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.commit()
    }

    /// Checks every page, unless there are too many for it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn check(&self) -> Result<(), StoreError> {
        if std::fs::metadata(&self.path).is_ok_and(|meta| meta.len() > CHECKED) {
            return Ok(());
        }
        let verdict: rusqlite::Result<String> =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match verdict {
            Ok(verdict) if verdict == "ok" => Ok(()),
            Ok(verdict) => Err(StoreError::Damaged(self.path.display().to_string(), verdict)),
            Err(error) => Err(StoreError::of(&self.path, &error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes facts in, and the files that they end, all or nothing. Files of one directory should follow each other.
    ///
    /// # Errors
    /// [`StoreError`]; the store is then as it was.
    pub fn add(
        &mut self,
        facts: &Facts,
        files: impl IntoIterator<Item = StoredFile>,
    ) -> Result<(), StoreError> {
        self.write(|transaction, numbers| {
            transaction.execute("UPDATE progress SET value = 0 WHERE name = 'settled' AND value <> 0", [])?;
            write::facts(transaction, numbers, facts)?;
            write_files::files(transaction, numbers, files)
        })
    }

    /// Notes that no role session that was passed over matters, as far as anything in the store tells.
    ///
    /// # Errors
    /// As [`EvidenceStore::add`].
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.write(|transaction, _| {
            transaction.execute("UPDATE progress SET value = 1 WHERE name = 'settled'", []).map(|_| ())
        })
    }

    /// Notes what could not be listed below the inputs, instead of what could not be listed there last time.
    ///
    /// # Errors
    /// As [`EvidenceStore::add`].
    pub fn note_unlisted(&mut self, inputs: &[String], skips: &[Skip]) -> Result<(), StoreError> {
        let file = |skip: &Skip| StoredFile {
            identity: format!("{UNLISTED}{}", skip.source),
            label: skip.source.clone(),
            input: inputs.iter().find(|input| skip.source.starts_with(*input)).cloned().unwrap_or_default(),
            retry: true,
            skips: vec![skip.clone()],
            ..StoredFile::default()
        };
        self.write(|transaction, numbers| {
            write_files::forget_unlisted(transaction, inputs)?;
            write_files::files(transaction, numbers, skips.iter().map(file))
        })
    }

    /// Takes facts in that a second reading of files gave, and notes what of those files is still passed over.
    ///
    /// # Errors
    /// As [`EvidenceStore::add`].
    pub fn add_again(
        &mut self,
        facts: &Facts,
        files: impl IntoIterator<Item = StoredFile>,
    ) -> Result<(), StoreError> {
        self.write(|transaction, numbers| {
            write::facts(transaction, numbers, facts)?;
            files.into_iter().try_for_each(|file| write_files::pending(transaction, &file))
        })
    }

    pub(super) fn write(
        &mut self,
        work: impl FnOnce(&Connection, &mut Numbers) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        let Self { connection, numbers, .. } = self;
        let result = connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|t| {
            work(&t, numbers)?;
            t.commit()
        });
        // Numbers that were given in a transaction that failed mean nothing.
        let remembered = numbers.strings.len() + numbers.rows.len();
        if numbers.places.len() > REMEMBERED_PLACES {
            numbers.places.clear();
        }
        if result.is_err() || remembered > REMEMBERED {
            *numbers = Numbers::default();
        }
        result.map_err(|e| StoreError::of(&path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_newer_and_damaged_files_are_told_apart_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let never = &mut || false;
        std::fs::write(at("text"), "hello").unwrap();
        assert!(matches!(EvidenceStore::open_to_collect(&at("text"), never), Err(StoreError::Foreign(_))));
        assert_eq!(std::fs::read(at("text")).unwrap(), b"hello");
        Connection::open(at("other")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(matches!(EvidenceStore::open(&at("other")), Err(StoreError::Foreign(_))));
        drop(EvidenceStore::open_to_collect(&at("new"), never).unwrap());
        Connection::open(at("new")).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(EvidenceStore::open(&at("new")), Err(StoreError::Newer(_, 99, _))));
        drop(EvidenceStore::open_to_collect(&at("bad"), never).unwrap());
        let mut bytes = std::fs::read(at("bad")).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0x5a);
        std::fs::write(at("bad"), &bytes).unwrap();
        let opened = EvidenceStore::open(&at("bad")).and_then(|store| store.check());
        assert!(matches!(opened, Err(StoreError::Damaged(..))));
        assert_eq!(std::fs::read(at("bad")).unwrap(), bytes, "left as it was");
    }

    #[test]
    fn older_stores_are_brought_up_to_date_and_keep_what_they_hold() {
        let dir = tempfile::tempdir().unwrap();
        let names = |db: &Connection| -> Vec<(String, Option<String>)> {
            let mut all = db.prepare("SELECT name, tbl_name FROM sqlite_schema ORDER BY 1, 2").unwrap();
            all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let files = |db: &Connection| -> Vec<Vec<rusqlite::types::Value>> {
            let sql = "SELECT id, identity, label, input, object, size, version, retry, bytes, records, signed, pending
                       FROM file ORDER BY id";
            let mut all = db.prepare(sql).unwrap();
            let row = |row: &rusqlite::Row<'_>| (0..12).map(|column| row.get(column)).collect();
            all.query_map([], row).unwrap().map(Result::unwrap).collect()
        };
        let fresh = EvidenceStore::open_to_collect(&dir.path().join("new"), &mut || false).unwrap();
        for version in 1..MIGRATIONS.len() {
            let path = dir.path().join(version.to_string());
            let db = Connection::open(&path).unwrap();
            MIGRATIONS.iter().take(version).for_each(|step| db.execute_batch(step).unwrap());
            db.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
            db.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            db.execute_batch(
                "INSERT INTO file (identity, label, input, object, size, version, retry, bytes, records, signed, pending)
                 VALUES ('/a', 'a', '.', 'o', 1, 2, 0, 1, 1, 0, x'01020304'), ('/d/a', 'd/a', 'd', 'a', 1, 2, 0, 1, 1, 0, NULL),
                        ('/d/b', 'e/c', 'd', NULL, 3, 4, 1, 5, 6, 7, NULL), ('unlisted:x', '', '', NULL, 0, 0, 1, 0, 0, 0, NULL),
                        ('-', '-', '-', NULL, 0, 0, 0, 0, 0, 0, NULL), ('s3://b//x/', '/', 's3://b', 'x', 0, 0, 0, 0, 0, 0, NULL)",
            )
            .unwrap();
            let before = files(&db);
            drop(db);
            let store = EvidenceStore::open_to_collect(&path, &mut || false).unwrap();
            assert_eq!(files(&store.connection), before, "from version {version}");
            assert!(store.known_files().unwrap().has("/a", 1, 2), "from version {version}");
            assert!(store.known_files().unwrap().has("s3://b//x/", 0, 0), "from version {version}");
            assert_eq!(names(&store.connection), names(&fresh.connection), "from version {version}");
        }
    }

    #[test]
    fn a_second_collector_waits_or_gives_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let first = EvidenceStore::open_to_collect(&path, &mut || false).unwrap();
        let mut asked = 0;
        let second = EvidenceStore::open_to_collect(&path, &mut || {
            asked += 1;
            asked < 3
        });
        assert!(matches!(second, Err(StoreError::Busy(_))));
        assert_eq!(asked, 3);
        // Reading needs no waiting.
        EvidenceStore::open(&path).unwrap();
        drop(first);
        EvidenceStore::open_to_collect(&path, &mut || false).unwrap();
    }
}
