//! Writes what is known of files into a store, within one transaction.

use super::evidence::{Numbers, StoredFile, UNLISTED};
use crate::model::SESSIONS_NOT_COUNTED;
use hashbrown::HashMap;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result, ToSql, params};

/// Tables that say more of files, by `file`.
const DETAILS: [&str; 4] = ["file_coverage", "file_data_source", "file_skip", "document"];

/// Where a file is and what it is called there: what stands up to the last slash, and the rest.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// Numbers of places, which many files share.
struct Places<'a, 'db> {
    known: &'a mut HashMap<String, i64>,
    insert: CachedStatement<'db>,
    find: CachedStatement<'db>,
}

impl<'a, 'db> Places<'a, 'db> {
    fn new(db: &'db Connection, known: &'a mut HashMap<String, i64>) -> Result<Self> {
        Ok(Self {
            known,
            insert: db.prepare_cached("INSERT INTO place (path) VALUES (?1) ON CONFLICT DO NOTHING")?,
            find: db.prepare_cached("SELECT id FROM place WHERE path = ?1")?,
        })
    }

    fn number(&mut self, path: &str) -> Result<i64> {
        if let Some(number) = self.known.get(path) {
            return Ok(*number);
        }
        self.insert.execute([path])?;
        let number = self.find.query_row([path], |row| row.get(0))?;
        self.known.insert(path.to_owned(), number);
        Ok(number)
    }
}

/// Notes files as read. What was known of an earlier version of one is replaced; its events stay, as they happened.
pub(super) fn files(
    db: &Connection,
    known: &mut Numbers,
    files: impl IntoIterator<Item = StoredFile>,
) -> Result<()> {
    const COLUMNS: &str = "place, name, label_place, label_name, input, kind, object, size, version, retry, bytes, records, signed, observed, pending";
    const VALUES: &str = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15";
    let mut insert = db.prepare_cached(&format!(
        "INSERT INTO file_entry ({COLUMNS}) VALUES ({VALUES}) ON CONFLICT (place, name) DO NOTHING"
    ))?;
    let replacing =
        format!("UPDATE file_entry SET ({COLUMNS}) = ({VALUES}) WHERE place = ?1 AND name = ?2 RETURNING id");
    let mut coverage =
        db.prepare_cached("INSERT INTO file_coverage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    let mut source = db.prepare_cached("INSERT INTO file_data_source VALUES (?1, ?2, ?3)")?;
    let mut document = db.prepare_cached("INSERT INTO document VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut places = Places::new(db, &mut known.places)?;
    for file in files {
        let (place, name) = split(&file.identity);
        let place = places.number(place)?;
        let pending = packed(&file.pending);
        let observed = (file.observed != 0).then_some(file.observed);
        let numbers = [file.size, file.version, file.bytes, file.records, file.signed].map(u64::cast_signed);
        let [size, version, bytes, records, signed] = &numbers;
        let (label_place, label_name) = split(&file.label);
        let values = params![
            place,
            name,
            places.number(label_place)?,
            Some(label_name).filter(|label| *label != name),
            places.number(&file.input)?,
            file.object.is_some(),
            file.object.as_deref().filter(|object| *object != name),
            size,
            version,
            file.retry,
            bytes,
            records,
            signed,
            observed,
            pending
        ];
        let id = match insert.execute(values)? {
            0 => replace(db, &replacing, values)?,
            _ => db.last_insert_rowid(),
        };
        for (account, region, day, cell) in &file.coverage.cells {
            coverage.execute(params![
                id,
                account.as_str(),
                region,
                day.0,
                cell.records.cast_signed(),
                cell.management.cast_signed(),
                cell.data.cast_signed(),
                cell.other.cast_signed(),
                cell.objects,
                cell.damaged,
                cell.digests
            ])?;
        }
        for (account, name) in &file.coverage.sources {
            source.execute(params![id, account.as_str(), name])?;
        }
        if !file.skips.is_empty() {
            skips(db, id, &file)?;
        }
        for (nth, one) in file.documents.iter().enumerate() {
            let nth = i64::try_from(nth).unwrap_or(i64::MAX);
            document.execute(params![id, nth, one.kind, one.source, one.content])?;
        }
    }
    Ok(())
}

/// Puts a file in the place of what was known of it; returns its number.
fn replace(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<i64> {
    let id = db.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    remove_details(db, id)?;
    Ok(id)
}

fn remove_details(db: &Connection, id: i64) -> Result<()> {
    for table in DETAILS {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE file = ?1"))?.execute([id])?;
    }
    Ok(())
}

/// The number of a file, if it is known.
fn find(db: &Connection, identity: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM file_entry WHERE place = (SELECT id FROM place WHERE path = ?1) AND name = ?2";
    let (place, name) = split(identity);
    db.prepare_cached(sql)?.query_row([place, name], |row| row.get(0)).optional()
}

fn remove(db: &Connection, id: i64) -> Result<()> {
    remove_details(db, id)?;
    db.prepare_cached("DELETE FROM file_entry WHERE id = ?1")?.execute([id]).map(|_| ())
}

fn skips(db: &Connection, id: i64, file: &StoredFile) -> Result<()> {
    let mut insert = db.prepare_cached("INSERT INTO file_skip VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for skip in &file.skips {
        let offset = skip.offset.map(u64::cast_signed);
        insert.execute(params![id, skip.source, offset, skip.reason.id(), skip.detail])?;
    }
    Ok(())
}

/// After a second reading: what is still passed over, and what went wrong.
pub(super) fn pending(db: &Connection, file: &StoredFile) -> Result<()> {
    let Some(id) = find(db, &file.identity)? else { return Ok(()) };
    // Said once, however often it is tried, and taken back when it succeeds.
    db.prepare_cached("DELETE FROM file_skip WHERE file = ?1 AND detail LIKE '%' || ?2")?
        .execute(params![id, SESSIONS_NOT_COUNTED])?;
    if file.skips.iter().all(|skip| !skip.detail.ends_with(SESSIONS_NOT_COUNTED)) {
        db.prepare_cached("UPDATE file_entry SET pending = ?2 WHERE id = ?1")?
            .execute(params![id, packed(&file.pending)])?;
    }
    skips(db, id, file)
}

/// Forgets what could not be listed below these inputs, before they are listed anew.
pub(super) fn forget_unlisted(db: &Connection, inputs: &[String]) -> Result<()> {
    // By the range of such names, which indices answer; a colon is followed by a semicolon. Names without a slash are in the
    // place without a path.
    let sql = "SELECT e.id, d.path || e.name FROM place d JOIN file_entry e ON e.place = d.id
               WHERE d.path >= 'unlisted:' AND d.path < 'unlisted;'
               UNION ALL
               SELECT e.id, e.name FROM file_entry e
               WHERE e.place = (SELECT id FROM place WHERE path = '') AND e.name >= 'unlisted:' AND e.name < 'unlisted;'";
    let mut all = db.prepare_cached(sql)?;
    let all = all.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for (id, identity) in all.collect::<Result<Vec<_>>>()? {
        let below = |input: &String| {
            let rest = identity.strip_prefix(UNLISTED)?.strip_prefix(input.trim_end_matches('/'))?;
            // Directories end at a slash; what keys in S3 begin with ends anywhere.
            Some(input.starts_with("s3://") || rest.is_empty() || rest.starts_with('/'))
        };
        if inputs.iter().any(|input| below(input).unwrap_or(false)) {
            remove(db, id)?;
        }
    }
    Ok(())
}

/// Forgets files, and what they say of coverage and exports; events stay, as they happened.
pub(super) fn forget(db: &Connection, identities: &[String]) -> Result<()> {
    for identity in identities {
        if let Some(id) = find(db, identity)? {
            remove(db, id)?;
        }
    }
    Ok(())
}

fn packed(pending: &[u32]) -> Option<Vec<u8>> {
    (!pending.is_empty()).then(|| pending.iter().flat_map(|hash| hash.to_le_bytes()).collect())
}
