//! Reads a store back: the same facts that were put in, and what they rest on.

use super::evidence::{EvidenceStore, PendingFile, StoreError, StoredDocument};
use crate::evidence::{
    COLUMNS, Cell, Coverage, FactAction, FactAddendum, FactEvent, FactRow, Facts, Micros, NO_TIME,
    ResourceSet,
};
use crate::model::{Day, Skip, SkipReason};
use hashbrown::HashMap;
use rusqlite::{Connection, Result, Row};
use std::hash::{Hash, Hasher};

/// Everything in a store.
#[derive(Default)]
pub struct Stored {
    /// What was learned.
    pub facts: Facts,
    /// What it covers; copies of one log object count once.
    pub coverage: Coverage,
    /// Exports.
    pub documents: Vec<StoredDocument>,
    /// What was read.
    pub inputs: Vec<StoredInput>,
    /// What was passed over.
    pub skips: Vec<Skip>,
    /// Records with an id that keys themselves signed; those of copies of one log object once.
    pub signed: u64,
}

/// What was read of one argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredInput {
    /// As the user named it.
    pub name: String,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records in them.
    pub records: u64,
    /// Exports in them.
    pub documents: u64,
    /// The lines `SIZE  VERSION  IDENTITY` of all files, sorted, hashed in order by the caller.
    pub lines: Vec<String>,
}

/// Which files a store knows, in little memory.
#[derive(Default)]
pub struct KnownFiles(HashMap<u64, (u64, u64)>);

impl KnownFiles {
    /// Whether this very version of a file has been read whole.
    pub fn has(&self, identity: &str, size: u64, version: u64) -> bool {
        self.0.get(&short(identity)) == Some(&(size, version))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn short(identity: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish()
}

fn time(row: &Row<'_>, column: usize) -> Result<Micros> {
    Ok(row.get::<_, Option<i64>>(column)?.unwrap_or(NO_TIME))
}

impl EvidenceStore {
    /// Everything, as it was at one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self) -> Result<Stored, StoreError> {
        self.check()?;
        let load = || -> Result<Stored> {
            // One transaction, so that a collector that goes on writing is seen at one moment.
            let db = self.connection.unchecked_transaction()?;
            let mut stored = Stored { facts: facts(&db)?, ..Stored::default() };
            files(&db, &mut stored)?;
            Ok(stored)
        };
        load().map_err(|e| StoreError::of(&self.path, &e))
    }

    /// What is known of sessions.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sessions(&self) -> Result<crate::evidence::SessionFacts, StoreError> {
        sessions(&self.connection).map_err(|e| StoreError::of(&self.path, &e))
    }

    /// The files that need not be read again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn known_files(&self) -> Result<KnownFiles, StoreError> {
        let read = || {
            let places =
                each(&self.connection, "SELECT id, path FROM place", |row| Ok((row.get(0)?, row.get(1)?)))?;
            let places: HashMap<i64, String> = places.into_iter().collect();
            let mut identity = String::new();
            let sql = "SELECT place, name, size, version FROM file_entry WHERE retry = 0";
            each(&self.connection, sql, |row| {
                identity.clear();
                identity.push_str(places.get(&row.get::<_, i64>(0)?).map_or("", String::as_str));
                identity.push_str(row.get_ref(1)?.as_str()?);
                let size = row.get::<_, i64>(2)?.cast_unsigned();
                Ok((short(&identity), (size, row.get::<_, i64>(3)?.cast_unsigned())))
            })
        };
        read()
            .map(|pairs| KnownFiles(pairs.into_iter().collect()))
            .map_err(|e| StoreError::of(&self.path, &e))
    }

    /// Whether anything that was read may have hidden records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn hides_records(&self) -> Result<bool, StoreError> {
        let reasons =
            each(&self.connection, "SELECT DISTINCT reason FROM file_skip", |row| row.get::<_, String>(0))
                .map_err(|e| StoreError::of(&self.path, &e))?;
        Ok(reasons.iter().any(|id| SkipReason::from_id(id).is_none_or(SkipReason::may_hide_records)))
    }

    /// Log objects in which role sessions were passed over that `matters` now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pending(&self, matters: &mut dyn FnMut(u32) -> bool) -> Result<Vec<PendingFile>, StoreError> {
        let settled = each(&self.connection, "SELECT value FROM progress WHERE name = 'settled'", |row| {
            row.get::<_, i64>(0)
        });
        if settled.map_err(|e| StoreError::of(&self.path, &e))?.contains(&1) {
            return Ok(Vec::new());
        }
        let mut read = || -> Result<Vec<PendingFile>> {
            let all = "SELECT id, pending FROM file_entry WHERE pending IS NOT NULL";
            let ids = each(&self.connection, all, |row| {
                let (hashes, _) = row.get_ref(1)?.as_blob()?.as_chunks::<4>();
                let wanted = hashes.iter().any(|bytes| matters(u32::from_le_bytes(*bytes)));
                Ok(if wanted { Some(row.get::<_, i64>(0)?) } else { None })
            })?;
            let mut one =
                self.connection.prepare("SELECT identity, label, size, version FROM file WHERE id = ?1")?;
            let file = |id: i64| {
                one.query_row([id], |row| {
                    Ok(PendingFile {
                        identity: row.get(0)?,
                        label: row.get(1)?,
                        size: row.get::<_, i64>(2)?.cast_unsigned(),
                        version: row.get::<_, i64>(3)?.cast_unsigned(),
                    })
                })
            };
            ids.into_iter().flatten().map(file).collect()
        };
        read().map_err(|e| StoreError::of(&self.path, &e))
    }
}

fn each<T>(db: &Connection, sql: &str, mut read: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| read(row))?;
    rows.collect()
}

fn facts(db: &Connection) -> Result<Facts> {
    let mut facts = Facts::default();
    // Numbers in the store can have gaps; indices in memory have none.
    let mut index: HashMap<i64, u32> = HashMap::default();
    each(db, "SELECT id, text FROM string ORDER BY id", |row| {
        index.insert(row.get(0)?, u32::try_from(facts.strings.len()).unwrap_or(u32::MAX));
        facts.strings.push(row.get_ref(1)?.as_str()?.into());
        Ok(())
    })?;
    let at = |number: i64| index.get(&number).copied().unwrap_or(0);
    let mut row_index: HashMap<i64, u32> = HashMap::default();
    let names =
        "signer, source, name, region, ip, agent, error, recipient, vpc_endpoint, invoked_by, assumed_role";
    each(db, &format!("SELECT id, flags, {names} FROM usage_row"), |row| {
        let mut text = [0; COLUMNS];
        for (column, slot) in text.iter_mut().enumerate() {
            *slot = at(row.get(column + 2)?);
        }
        row_index.insert(row.get(0)?, u32::try_from(facts.rows.len()).unwrap_or(u32::MAX));
        facts.rows.push(FactRow { text, flags: row.get(1)? });
        Ok(())
    })?;
    let row_at = |number: i64| row_index.get(&number).copied().unwrap_or(u32::MAX);
    let event = |row: &Row<'_>| -> Result<FactEvent> {
        let (signer, time, by_role) = (at(row.get(1)?), time(row, 2)?, row.get(4)?);
        Ok(FactEvent::new(row.get(0)?, signer, by_role, time, row_at(row.get(3)?)))
    };
    facts.events = each(db, "SELECT id, signer, time, usage_row, by_role, conflict FROM event", |row| {
        Ok(event(row)?.with_conflict(row.get(5)?))
    })?;
    facts.addenda = each(db, "SELECT id, signer, time, usage_row, by_role, original FROM addendum", |row| {
        Ok(FactAddendum { original: row.get(5)?, event: event(row)? })
    })?;
    facts.activity = each(db, "SELECT signer, last, undated FROM activity", |row| {
        let last = row.get::<_, Option<i64>>(1)?.unwrap_or(Micros::MIN);
        Ok((at(row.get(0)?), last, row.get(2)?))
    })?;
    let columns = "SELECT signer, source, name, agent, by_role, authorised, level, arns, shows FROM resource";
    facts.resources = each(db, columns, |row| {
        let list = |column: usize| -> Result<Vec<String>> {
            Ok(serde_json::from_str(row.get_ref(column)?.as_str()?).unwrap_or_default())
        };
        Ok(FactAction {
            text: [at(row.get(0)?), at(row.get(1)?), at(row.get(2)?), at(row.get(3)?)],
            by_role: row.get(4)?,
            authorised: row.get(5)?,
            set: ResourceSet::from_parts(row.get(6)?, list(7)?, list(8)?),
        })
    })?;
    facts.sessions = sessions(db)?;
    facts.owners = each(db, "SELECT access_key_id, account, user FROM key_owner", triple)?;
    facts.keyless = each(db, "SELECT account, user, last FROM keyless_call", |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    facts.neighbours = each(db, "SELECT ip, machine FROM neighbour", |row| {
        Ok((row.get_ref(0)?.as_str()?.into(), row.get(1)?))
    })?;
    Ok(facts)
}

fn triple(row: &Row<'_>) -> Result<(String, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn sessions(db: &Connection) -> Result<crate::evidence::SessionFacts> {
    Ok(crate::evidence::SessionFacts {
        origins: each(db, "SELECT session, parent, step FROM session_origin", triple)?,
        received: each(db, "SELECT shared_id, session, step FROM session_received", triple)?,
        shared: each(db, "SELECT shared_id, caller FROM session_shared", |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?,
        holders: each(db, "SELECT session, account, user, console FROM session_holder", |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?,
    })
}

/// Of copies of one log object the one that holds most counts.
const COUNTED: &str = "WITH counted AS (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY coalesce(object, identity) ORDER BY records DESC, identity) AS copy FROM file) WHERE copy = 1)";

fn files(db: &Connection, stored: &mut Stored) -> Result<()> {
    // What Athena counted of a day and what files show of it are the same records: the larger count stands.
    let sums = "account, region, day, sum(records) AS records, sum(management) AS management, sum(data) AS data, sum(other) AS other, sum(objects) AS objects, sum(damaged) AS damaged, sum(digests) AS digests";
    let largest = "account, region, day, max(records), max(management), max(data), max(other), max(objects), max(damaged), max(digests)";
    let origin = "CASE WHEN substr(identity, 1, 7) = 'athena/' THEN input ELSE '' END";
    each(
        db,
        &format!(
            "{COUNTED} SELECT {largest} FROM (SELECT {sums} FROM file_coverage JOIN counted ON counted.id = file JOIN (SELECT id AS f, {origin} AS origin FROM file) ON f = file GROUP BY origin, account, region, day) GROUP BY account, region, day"
        ),
        |row| {
            let cell = Cell {
                records: row.get::<_, i64>(3)?.cast_unsigned(),
                management: row.get::<_, i64>(4)?.cast_unsigned(),
                data: row.get::<_, i64>(5)?.cast_unsigned(),
                other: row.get::<_, i64>(6)?.cast_unsigned(),
                objects: row.get(7)?,
                damaged: row.get(8)?,
                digests: row.get(9)?,
            };
            let (account, region): (String, String) = (row.get(0)?, row.get(1)?);
            stored.coverage.add_cell(&account, &region, Day(row.get(2)?), &cell);
            Ok(())
        },
    )?;
    each(db, "SELECT DISTINCT account, source FROM file_data_source", |row| {
        stored.coverage.see_source(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        Ok(())
    })?;
    stored.documents = each(db, "SELECT kind, source, content FROM document", |row| {
        Ok(StoredDocument { kind: row.get(0)?, source: row.get(1)?, content: row.get(2)? })
    })?;
    stored.skips = each(db, "SELECT source, position, reason, detail FROM file_skip", |row| {
        let reason = row.get_ref(2)?.as_str()?;
        Ok(Skip {
            source: row.get(0)?,
            offset: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            reason: SkipReason::from_id(reason).unwrap_or(SkipReason::Unreadable),
            detail: row.get(3)?,
        })
    })?;
    stored.signed = db
        .query_row(
            &format!("{COUNTED} SELECT coalesce(sum(signed), 0) FROM file JOIN counted USING (id)"),
            [],
            |row| row.get::<_, i64>(0),
        )?
        .cast_unsigned();
    each(
        db,
        "SELECT input, identity, size, version, bytes, records, (SELECT count(*) FROM document d WHERE d.file = f.id)
         FROM file f ORDER BY input, identity",
        |row| {
            let name: String = row.get(0)?;
            if stored.inputs.last().is_none_or(|input| input.name != name) {
                stored.inputs.push(StoredInput { name, ..StoredInput::default() });
            }
            if let Some(input) = stored.inputs.last_mut() {
                let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
                input.files += 1;
                input.bytes += number(4)?;
                input.records += number(5)?;
                input.documents += number(6)?;
                input.lines.push(format!("{}  {}  {}", number(2)?, number(3)?, row.get_ref(1)?.as_str()?));
            }
            Ok(())
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_times_a_store_was_given_it_is_read_and_taking_it_in_again_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let mut store = EvidenceStore::open_to_collect(&path, &mut || false).unwrap();
        let key = "AKIAIOSFODNN7EXAMPLE";
        let mut text = [0; COLUMNS];
        text[0] = 1;
        let event = |n: u8| FactEvent::new([n; 16], 0, false, 7, 0);
        let facts = Facts {
            strings: vec!["".into(), key.into()],
            rows: vec![FactRow { text, flags: 0 }],
            events: (0..6).map(event).collect(),
            addenda: (10..16).map(|n| FactAddendum { original: [n + 10; 16], event: event(n) }).collect(),
            ..Facts::default()
        };
        store.add(&facts, []).unwrap();
        let far = 1_i64 << 61;
        let times = [
            "NULL".to_owned(),
            i64::MIN.to_string(),
            i64::MAX.to_string(),
            far.to_string(),
            (far - 1).to_string(),
        ];
        for (n, time) in times.iter().enumerate() {
            for (table, from) in [("event", 0), ("addendum", 10)] {
                let sql = format!("UPDATE {table} SET time = {time} WHERE id = ?1");
                assert_eq!(store.connection.execute(&sql, [[(n + from) as u8; 16]]).unwrap(), 1);
            }
        }
        let read = |store: &EvidenceStore| {
            let Stored { facts, .. } = store.load().unwrap();
            let addenda: Vec<_> = facts.addenda.iter().map(|addendum| addendum.event).collect();
            (facts.events.iter().map(FactEvent::time).collect::<Vec<_>>(), addenda, facts)
        };
        let (times, addenda, loaded) = read(&store);
        let most = (NO_TIME >> 2) - 1;
        assert_eq!(times, [NO_TIME, Micros::MIN >> 2, NO_TIME, most, most, 7]);
        assert_eq!(addenda.iter().map(FactEvent::time).collect::<Vec<_>>(), times);
        for _ in 0..2 {
            store.add(&loaded, []).unwrap();
            let (again, addenda_again, _) = read(&store);
            assert_eq!((again, addenda_again), (times.clone(), addenda.clone()));
        }
    }
}
