//! Writes facts into a store, within one transaction.

use super::evidence::{KnownSets, Numbers};
use crate::evidence::{COLUMNS, FactAction, FactEvent, Facts, Micros, NO_TIME, ResourceSet};
use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::borrow::Cow;
use std::sync::Arc;

type Strings = HashMap<Arc<str>, i64>;
type Rows = HashMap<([i64; COLUMNS], u8), i64>;

fn time(micros: Micros) -> Option<i64> {
    (micros != NO_TIME).then_some(micros)
}

/// Takes facts in.
pub(super) fn facts(db: &Connection, known: &mut Numbers, facts: &Facts) -> Result<()> {
    let Numbers { strings, rows, acted_on, .. } = known;
    let numbers = numbers(db, strings, facts)?;
    let number = |index: u32| numbers.get(index as usize).copied().unwrap_or(0);
    let row_numbers = row_numbers(db, rows, facts, &number)?;
    let row = |index: u32| row_numbers.get(index as usize).copied().unwrap_or(0);
    events(db, facts, &number, &row)?;
    for addendum in &facts.addenda {
        merge_addendum(
            db,
            addendum.original,
            &addendum.event,
            number(addendum.event.signer),
            row(addendum.event.row),
        )?;
    }
    let mut activity = db.prepare_cached(
        "INSERT INTO activity (signer, last, undated) VALUES (?1, ?2, ?3) ON CONFLICT (signer) DO UPDATE
         SET last = max(coalesce(last, excluded.last), coalesce(excluded.last, last)), undated = max(undated, excluded.undated)",
    )?;
    for (signer, last, undated) in &facts.activity {
        let last = (*last != Micros::MIN).then_some(*last);
        activity.execute(params![number(*signer), last, undated])?;
    }
    resources(db, acted_on, facts, &number)?;
    sessions(db, facts)?;
    others(db, facts)
}

/// Events that go into one statement.
const TOGETHER: usize = 64;

fn events(
    db: &Connection,
    facts: &Facts,
    number: &dyn Fn(u32) -> i64,
    row: &dyn Fn(u32) -> i64,
) -> Result<()> {
    // In the order of the table, so that each of its pages is met once; collectors hand them out so.
    let mut events = Cow::from(&facts.events);
    if !events.is_sorted_by_key(|event| event.id) {
        events.to_mut().sort_unstable_by_key(|event| event.id);
    }
    // `OR IGNORE`, and not `ON CONFLICT DO NOTHING`, as nothing can end it halfway then: otherwise SQLite keeps a copy of each
    // page for that (<https://www.sqlite.org/tempfiles.html#statement_journal_files>).
    let statement = |number: usize| {
        let places = vec!["(?,?,?,?,?,?)"; number].join(",");
        db.prepare_cached(&format!(
            "INSERT OR IGNORE INTO event (id, signer, by_role, time, usage_row, conflict) VALUES {places}"
        ))
    };
    let (mut one, mut several) = (statement(1)?, statement(TOGETHER)?);
    let mut insert = |many: &[FactEvent]| -> Result<usize> {
        let statement = if many.len() == 1 { &mut one } else { &mut several };
        let mut place = 0;
        for event in many {
            statement.raw_bind_parameter(place + 1, &event.id[..])?;
            statement.raw_bind_parameter(place + 2, number(event.signer))?;
            statement.raw_bind_parameter(place + 3, event.by_role())?;
            statement.raw_bind_parameter(place + 4, time(event.time()))?;
            statement.raw_bind_parameter(place + 5, row(event.row))?;
            statement.raw_bind_parameter(place + 6, event.conflict())?;
            place += 6;
        }
        statement.raw_execute()
    };
    for many in events.chunks(TOGETHER) {
        // Of a rest every length would be a statement of its own.
        if many.len() == TOGETHER {
            if insert(many)? == TOGETHER {
                continue;
            }
            // Some were known. Those that were new a moment ago are merged with themselves, which changes nothing.
            for event in many {
                merge_event(db, event, number(event.signer), row(event.row))?;
            }
            continue;
        }
        for event in many {
            if insert(std::slice::from_ref(event))? == 0 {
                merge_event(db, event, number(event.signer), row(event.row))?;
            }
        }
    }
    Ok(())
}

/// Of all strings their numbers in the store.
fn numbers(db: &Connection, strings: &mut Strings, facts: &Facts) -> Result<Vec<i64>> {
    let mut insert = db.prepare_cached("INSERT INTO string (text) VALUES (?1) ON CONFLICT DO NOTHING")?;
    let mut find = db.prepare_cached("SELECT id FROM string WHERE text = ?1")?;
    let number = |text: &Arc<str>| {
        if text.is_empty() {
            return Ok(0);
        }
        if let Some(number) = strings.get(text) {
            return Ok(*number);
        }
        let number = match insert.execute([text])? {
            0 => find.query_row([text], |row| row.get(0))?,
            _ => db.last_insert_rowid(),
        };
        strings.insert(text.clone(), number);
        Ok(number)
    };
    facts.strings.iter().map(number).collect()
}

fn row_numbers(
    db: &Connection,
    rows: &mut Rows,
    facts: &Facts,
    number: &dyn Fn(u32) -> i64,
) -> Result<Vec<i64>> {
    const NAMES: &str = "signer, source, name, region, ip, agent, error, recipient, vpc_endpoint, invoked_by, assumed_role, flags";
    let mut insert = db.prepare_cached(&format!(
        "INSERT INTO usage_row ({NAMES}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
    ))?;
    let mut find =
        db.prepare_cached(&format!("SELECT id FROM usage_row WHERE ({NAMES}) = (?,?,?,?,?,?,?,?,?,?,?,?)"))?;
    let mut out = Vec::with_capacity(facts.rows.len());
    for row in &facts.rows {
        let key = (row.text.map(number), row.flags);
        let id = match rows.get(&key) {
            Some(id) => *id,
            None => {
                let values: Vec<i64> = key.0.iter().copied().chain([i64::from(row.flags)]).collect();
                let values = rusqlite::params_from_iter(&values);
                let id = match insert.execute(values.clone())? {
                    0 => find.query_row(values, |row| row.get(0))?,
                    _ => db.last_insert_rowid(),
                };
                rows.insert(key, id);
                id
            }
        };
        out.push(id);
    }
    Ok(out)
}

/// The texts of a row and its flags, in the order by which copies are ranked.
fn row_text(db: &Connection, id: i64) -> Result<(Vec<String>, i64)> {
    db.prepare_cached(
        "SELECT k.text, s.text, n.text, g.text, i.text, a.text, x.text, c.text, v.text, b.text, o.text, r.flags
         FROM usage_row r JOIN string k ON k.id = r.signer JOIN string s ON s.id = r.source
         JOIN string n ON n.id = r.name JOIN string g ON g.id = r.region JOIN string i ON i.id = r.ip
         JOIN string a ON a.id = r.agent JOIN string x ON x.id = r.error JOIN string c ON c.id = r.recipient
         JOIN string v ON v.id = r.vpc_endpoint JOIN string b ON b.id = r.invoked_by
         JOIN string o ON o.id = r.assumed_role WHERE r.id = ?1",
    )?
    .query_row([id], |row| {
        let text: Result<Vec<String>> = (0..COLUMNS).map(|column| row.get(column)).collect();
        Ok((text?, row.get(COLUMNS)?))
    })
}

/// Whether the first of two copies counts: the earlier, then the one whose row sorts first.
fn precedes(db: &Connection, new: (Micros, i64), old: (Micros, i64)) -> Result<bool> {
    Ok(match new.0.cmp(&old.0) {
        std::cmp::Ordering::Equal => new.1 != old.1 && row_text(db, new.1)? < row_text(db, old.1)?,
        order => order.is_lt(),
    })
}

/// A copy of an event that is known.
fn merge_event(db: &Connection, event: &FactEvent, signer: i64, row: i64) -> Result<()> {
    let mut find = db.prepare_cached(
        "SELECT time, usage_row, conflict FROM event WHERE id = ?1 AND signer = ?2 AND by_role = ?3",
    )?;
    let (old_time, old_row, old_conflict) =
        find.query_row(params![event.id, signer, event.by_role()], |row| {
            Ok((
                row.get::<_, Option<i64>>(0)?.unwrap_or(NO_TIME),
                row.get::<_, i64>(1)?,
                row.get::<_, bool>(2)?,
            ))
        })?;
    if (old_time, old_row) == (event.time(), row) && (old_conflict || !event.conflict()) {
        return Ok(());
    }
    let signer_of = "SELECT signer FROM usage_row WHERE id = ?1";
    let other_signer = old_row != row && {
        let mut find = db.prepare_cached(signer_of)?;
        let old: i64 = find.query_row([old_row], |row| row.get(0))?;
        let new: i64 = find.query_row([row], |row| row.get(0))?;
        old != new
    };
    let conflict = old_conflict || event.conflict() || other_signer;
    let (time_now, row_now) = if precedes(db, (event.time(), row), (old_time, old_row))? {
        (event.time(), row)
    } else {
        (old_time, old_row)
    };
    db.prepare_cached("UPDATE event SET time = ?4, usage_row = ?5, conflict = ?6 WHERE id = ?1 AND signer = ?2 AND by_role = ?3")?
        .execute(params![event.id, signer, event.by_role(), time(time_now), row_now, conflict])?;
    Ok(())
}

fn merge_addendum(
    db: &Connection,
    original: [u8; 16],
    event: &FactEvent,
    signer: i64,
    row: i64,
) -> Result<()> {
    let old: Option<([u8; 16], Option<i64>, i64)> = db
        .prepare_cached(
            "SELECT original, time, usage_row FROM addendum WHERE id = ?1 AND signer = ?2 AND by_role = ?3",
        )?
        .query_row(params![event.id, signer, event.by_role()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    if let Some((old_original, old_time, old_row)) = old {
        let (new, old) = ((event.time(), row), (old_time.unwrap_or(NO_TIME), old_row));
        let better = precedes(db, new, old)? || !precedes(db, old, new)? && original < old_original;
        if !better {
            return Ok(());
        }
    }
    db.prepare_cached("INSERT OR REPLACE INTO addendum (id, signer, by_role, original, time, usage_row) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![event.id, signer, event.by_role(), original, time(event.time()), row])?;
    Ok(())
}

fn resources(
    db: &Connection,
    known: &mut KnownSets,
    facts: &Facts,
    number: &dyn Fn(u32) -> i64,
) -> Result<()> {
    let list = |names: &str| serde_json::from_str::<Vec<String>>(names).unwrap_or_default();
    let mut find = db.prepare_cached(
        "SELECT level, arns, shows FROM resource WHERE signer = ?1 AND source = ?2 AND name = ?3 AND agent = ?4
         AND by_role = ?5 AND authorised = ?6",
    )?;
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO resource (signer, source, name, agent, by_role, authorised, level, arns, shows)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for FactAction { text, by_role, authorised, set } in &facts.resources {
        let numbers = text.map(number);
        let [signer, source, name, agent] = numbers;
        let place = (numbers, *by_role, *authorised);
        let old = match known.get(&place) {
            Some(old) if old.covers(set) => continue,
            Some(old) => Some(old.clone()),
            None => find
                .query_row(params![signer, source, name, agent, by_role, authorised], |row| {
                    let (arns, shows) = (list(row.get_ref(1)?.as_str()?), list(row.get_ref(2)?.as_str()?));
                    Ok(ResourceSet::from_parts(row.get(0)?, arns, shows))
                })
                .optional()?,
        };
        let mut merged = old.clone().unwrap_or_default();
        merged.merge(set);
        let is_known = old.is_some_and(|old| old == merged);
        if is_known {
            known.insert(place, merged);
            continue;
        }
        let arns = serde_json::to_string(&merged.names().collect::<Vec<_>>()).unwrap_or_default();
        let shows = serde_json::to_string(&merged.shows().collect::<Vec<_>>()).unwrap_or_default();
        insert.execute(params![
            signer,
            source,
            name,
            agent,
            by_role,
            authorised,
            merged.level(),
            arns,
            shows
        ])?;
        known.insert(place, merged);
    }
    Ok(())
}

/// Of several claims to one id, which forged or masked records make, the smallest stands whatever came first.
fn sessions(db: &Connection, facts: &Facts) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO session_origin (session, parent, step) VALUES (?1, ?2, ?3) ON CONFLICT (session) DO UPDATE
         SET parent = excluded.parent, step = excluded.step WHERE (excluded.parent, excluded.step) < (parent, step)",
    )?;
    for (session, parent, step) in &facts.sessions.origins {
        insert.execute(params![session, parent, step])?;
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO session_received (shared_id, session, step) VALUES (?1, ?2, ?3) ON CONFLICT (shared_id) DO UPDATE
         SET session = excluded.session, step = excluded.step WHERE (excluded.session, excluded.step) < (session, step)",
    )?;
    for (shared, session, step) in &facts.sessions.received {
        insert.execute(params![shared, session, step])?;
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO session_shared (shared_id, caller) VALUES (?1, ?2) ON CONFLICT (shared_id) DO UPDATE
         SET caller = excluded.caller WHERE excluded.caller < caller",
    )?;
    for (shared, caller) in &facts.sessions.shared {
        insert.execute(params![shared, caller])?;
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO session_holder (session, account, user, console) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (session) DO UPDATE
         SET account = CASE WHEN (excluded.account, excluded.user) < (account, user) THEN excluded.account ELSE account END,
             user = CASE WHEN (excluded.account, excluded.user) < (account, user) THEN excluded.user ELSE user END,
             console = max(console, excluded.console)",
    )?;
    for (session, account, user, console) in &facts.sessions.holders {
        insert.execute(params![session, account, user, console])?;
    }
    Ok(())
}

fn others(db: &Connection, facts: &Facts) -> Result<()> {
    let mut insert = db.prepare_cached("INSERT INTO key_owner VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    for (key, account, user) in &facts.owners {
        insert.execute(params![key, account, user])?;
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO keyless_call VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
    )?;
    for (account, user, last) in &facts.keyless {
        insert.execute(params![account, user, last])?;
    }
    let mut insert = db.prepare_cached("INSERT INTO neighbour VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for (ip, machine) in &facts.neighbours {
        insert.execute(params![ip, machine])?;
    }
    Ok(())
}
