//! What the store knows of queries of Athena: which were asked, how far they came, and what is left to ask about.

use super::evidence::{EvidenceStore, StoreError, StoredFile};
use super::{write, write_files};
use crate::evidence::Facts;
use crate::model::Day;
use rusqlite::{Connection, Result, params};
use sha2::{Digest, Sha256};

/// How far a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryState {
    /// It is about to be started, or was without anybody having noted its id.
    Planned,
    /// It has an id.
    Running,
    /// All of its rows are in the store.
    Done,
    /// It came to nothing, and what it was about was asked in smaller parts.
    Split,
    /// It came to nothing.
    Failed,
}

impl QueryState {
    const ALL: [Self; 5] = [Self::Planned, Self::Running, Self::Done, Self::Split, Self::Failed];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Done => "done",
            Self::Split => "split",
            Self::Failed => "failed",
        }
    }
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredQuery {
    /// What it is about.
    pub name: String,
    /// How often it was begun anew.
    pub attempt: u32,
    /// Athena's id of the last attempt.
    pub execution: Option<String>,
    /// How far it came.
    pub state: QueryState,
    /// Bytes scanned.
    pub scanned: u64,
    /// Rows of its result.
    pub rows: u64,
    /// Why it came to nothing.
    pub detail: String,
}

impl StoredQuery {
    /// One that was never asked.
    pub fn planned(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            attempt: 0,
            execution: None,
            state: QueryState::Planned,
            scanned: 0,
            rows: 0,
            detail: String::new(),
        }
    }
}

impl EvidenceStore {
    /// All queries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn queries(&self) -> std::result::Result<Vec<StoredQuery>, StoreError> {
        let read = || -> Result<Vec<StoredQuery>> {
            let sql = "SELECT name, attempt, execution, state, scanned, result_rows, detail FROM athena_query ORDER BY name";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let state = row.get_ref(3)?.as_str()?;
                Ok(StoredQuery {
                    name: row.get(0)?,
                    attempt: row.get(1)?,
                    execution: row.get(2)?,
                    state: QueryState::ALL
                        .into_iter()
                        .find(|s| s.id() == state)
                        .unwrap_or(QueryState::Failed),
                    scanned: row.get::<_, i64>(4)?.cast_unsigned(),
                    rows: row.get::<_, i64>(5)?.cast_unsigned(),
                    detail: row.get(6)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }

    /// Notes how far queries came.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_queries(&mut self, queries: &[StoredQuery]) -> std::result::Result<(), StoreError> {
        self.write(|db, _| queries.iter().try_for_each(|query| note(db, query)))
    }

    /// Takes the last of a query's results in, and notes the query as it is then; all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; the store is then as it was.
    pub fn add_results(
        &mut self,
        facts: &Facts,
        files: impl IntoIterator<Item = StoredFile>,
        minted: &[(String, Day, Day)],
        query: Option<&StoredQuery>,
    ) -> std::result::Result<(), StoreError> {
        self.write(|db, numbers| {
            db.execute("UPDATE progress SET value = 0 WHERE name = 'settled' AND value <> 0", [])?;
            write::facts(db, numbers, facts)?;
            write_files::files(db, numbers, files)?;
            let mut insert = db.prepare_cached(
                "INSERT INTO athena_minted VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE
                 SET first = min(first, excluded.first), last = max(last, excluded.last)",
            )?;
            for (session, first, last) in minted {
                insert.execute(params![session, first.0, last.0])?;
            }
            query.map_or(Ok(()), |query| note(db, query))
        })
    }

    /// Forgets queries, so that they are asked again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_queries(&mut self, beginning: &str) -> std::result::Result<(), StoreError> {
        self.write(|db, _| {
            // The attempts stay: a token that was used once starts nothing again.
            db.execute(
                "UPDATE athena_query SET state = 'planned', execution = NULL, attempt = attempt + 1
                 WHERE substr(name, 1, length(?1)) = ?1",
                [beginning],
            )
            .map(|_| ())
        })
    }

    /// Sessions that results show were handed out, with the first and last day on which that was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn minted(&self) -> std::result::Result<Vec<(String, Day, Day)>, StoreError> {
        let read = || -> Result<Vec<(String, Day, Day)>> {
            let mut statement =
                self.connection.prepare("SELECT session, first, last FROM athena_minted ORDER BY session")?;
            statement.query_map([], |row| Ok((row.get(0)?, Day(row.get(1)?), Day(row.get(2)?))))?.collect()
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }

    /// The token of a query's attempt: the same for the same store, question and attempt, and for nothing else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn token(&self, query: &StoredQuery, sql: &str) -> std::result::Result<String, StoreError> {
        let salt: String = self
            .connection
            .query_row("SELECT salt FROM athena_store", [], |row| row.get(0))
            .map_err(|e| StoreError::of(&self.path, &e))?;
        let mut hash = Sha256::new();
        for part in [salt.as_str(), &query.name, &query.attempt.to_string(), sql] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether log objects of an account and day were read whole from files.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_objects(&self, account: &str, day: Day) -> std::result::Result<bool, StoreError> {
        let read = || -> Result<bool> {
            let stamp = day.to_string().replace('-', "");
            self.connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM file WHERE object >= ?1 || '_CloudTrail_' AND object < ?1 || '_CloudTrail`'
                     AND object LIKE ?1 || '\\_CloudTrail\\_%\\_' || ?2 || 'T%' ESCAPE '\\')",
                )?
                .query_row([account, stamp.as_str()], |row| row.get(0))
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }
}

fn note(db: &Connection, query: &StoredQuery) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO athena_query (name, attempt, execution, state, scanned, result_rows, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE
         SET attempt = excluded.attempt, execution = excluded.execution, state = excluded.state,
             scanned = excluded.scanned, result_rows = excluded.result_rows, detail = excluded.detail",
    )?
    .execute(params![
        query.name,
        query.attempt,
        query.execution,
        query.state.id(),
        query.scanned.cast_signed(),
        query.rows.cast_signed(),
        query.detail
    ])
    .map(|_| ())
}
