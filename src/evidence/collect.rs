//! Folds events into evidence, each event once, whatever the order of files.

use super::coverage::Coverage;
use super::intern::{Interner, Symbol};
use super::sessions::{Chains, SessionLog, UserSessions};
use super::usage::{Stats, Stray, UsageRow};
use crate::cloudtrail::{Event, EventId, IdentityKind, ObjectName};
use crate::model::{AccessKeyId, AccountId};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What was learned from all events.
#[derive(Default)]
pub struct Evidence {
    /// Usage by static keys themselves, sorted. Session paths are empty.
    pub direct: Vec<UsageRow>,
    /// Usage under sessions that derive from a static key, sorted, each row with its path.
    pub derived: Vec<UsageRow>,
    /// Sessions handed out by keys, and what became of them.
    pub chains: Chains,
    /// Sessions of IAM users that derive from no key that was seen: console use and the like.
    pub user_sessions: Vec<UserSessions>,
    /// What was recorded per account, region and day.
    pub coverage: Coverage,
    /// Which account and user each static key belongs to, by the records it signed.
    pub owners: BTreeMap<AccessKeyId, BTreeSet<(AccountId, String)>>,
    /// Static key ids on records of other identity types.
    pub strays: Vec<Stray>,
    /// Addresses that EC2 instances (`i-…`) and hybrid nodes (`mi-…`) were seen at, by their role sessions.
    pub neighbours: BTreeMap<Arc<str>, BTreeSet<String>>,
    /// All events seen, duplicates included.
    pub events: u64,
    /// Copies of events that were already counted.
    pub duplicates: u64,
    /// Copies that name another signer than the event they repeat: masked or forged records.
    pub conflicts: u64,
    /// Last API call of each IAM user, outside of the console, whose record names no key.
    pub keyless: BTreeMap<(AccountId, String), Timestamp>,
    /// What every copy of every record says of each static key, counted or not.
    pub activity: BTreeMap<AccessKeyId, Activity>,
}

/// The latest sign of life of a key. Counting leaves copies out, and copies can be forged to hide others: this
/// leaves nothing out, so that verdicts can rest on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Time of the latest record, by the key or a session that derives from it.
    pub last: Option<Timestamp>,
    /// Records whose time cannot be read.
    pub undated: u64,
}

impl Activity {
    fn see(&mut self, time: Option<Timestamp>) {
        self.last = self.last.max(time);
        self.undated += u64::from(time.is_none());
    }

    /// Adds another key's signs of life.
    pub fn merge(&mut self, other: Activity) {
        self.last = self.last.max(other.last);
        self.undated += other.undated;
    }
}

/// Columns of a row while strings are numbers. The order of the first seven is the reference's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Columns {
    key: Symbol,
    source: Symbol,
    name: Symbol,
    region: Symbol,
    ip: Symbol,
    agent: Symbol,
    error: Symbol,
    recipient: Symbol,
    vpc_endpoint: Symbol,
    invoked_by: Symbol,
    assumed_role: Symbol,
    presigned: bool,
    in_session: bool,
}

/// The copy of an event that counts.
#[derive(Clone, Copy)]
struct Kept {
    time: Option<Timestamp>,
    row: u32,
}

/// A record that says it replaces another one.
struct Addendum {
    original: EventId,
    own: Option<EventId>,
    kept: Kept,
}

/// Addresses per neighbour list; more say nothing new.
const NEIGHBOURS: usize = 8;

/// Takes events one by one; [`Collector::finish`] makes evidence of them.
///
/// Memory follows the distinct rows, plus about 50 bytes for each distinct event signed by a key or session.
#[derive(Default)]
pub struct Collector {
    strings: Interner,
    numbers: HashMap<Columns, u32>,
    rows: Vec<(Columns, Stats)>,
    kept: HashMap<EventId, Kept>,
    addenda: Vec<Addendum>,
    activity: HashMap<Symbol, Activity>,
    conflicts: u64,
    keyless: BTreeMap<(AccountId, String), Timestamp>,
    sessions: SessionLog,
    coverage: Coverage,
    owners: BTreeMap<AccessKeyId, BTreeSet<(AccountId, String)>>,
    strays: BTreeMap<AccessKeyId, u64>,
    neighbours: BTreeMap<Arc<str>, BTreeSet<String>>,
    events: u64,
    duplicates: u64,
}

impl Collector {
    /// Folds one event in.
    pub fn add(&mut self, event: &Event) {
        self.events += 1;
        self.coverage.see(event);
        self.sessions.see(event);
        self.see_neighbour(event);
        let Some(key) = &event.identity.key else { return self.see_keyless(event) };
        if event.is_static_key_use() {
            if let Some(account) = &event.identity.account
                && !self.owners.get(key).is_some_and(|owners| {
                    owners.iter().any(|(a, u)| a == account && *u == event.identity.user)
                })
            {
                let owner = (account.clone(), event.identity.user.clone());
                self.owners.entry(key.clone()).or_default().insert(owner);
            }
        } else if key.is_static() {
            *self.strays.entry(key.clone()).or_default() += 1;
            return;
        } else if !key.is_session() {
            return;
        }
        let row = self.row(key, event);
        let signer = self.strings.intern(key.as_str());
        self.activity.entry(signer).or_default().see(event.time);
        let kept = Kept { time: event.time, row };
        match event.replaces {
            // Whether it may replace the original is seen when that is there.
            Some(original) => self.addenda.push(Addendum { original, own: event.id, kept }),
            None => self.keep(event.id, kept),
        }
    }

    /// A user's own API calls without a key id occur; whose key made them cannot be told.
    fn see_keyless(&mut self, event: &Event) {
        let by_user = event.identity.kind == IdentityKind::IamUser && event.api_call;
        if !by_user || event.identity.from_console || !event.identity.invoked_by.is_empty() {
            return;
        }
        if let (Some(account), Some(time)) = (&event.identity.account, event.time) {
            let last = self.keyless.entry((account.clone(), event.identity.user.clone())).or_insert(time);
            *last = time.max(*last);
        }
    }

    /// Counts an event, unless it is a copy that another one precedes.
    fn keep(&mut self, id: Option<EventId>, new: Kept) {
        let Some(id) = id else {
            if let Some((_, stats)) = self.rows.get_mut(new.row as usize) {
                stats.add(new.time, None);
            }
            return;
        };
        let Some(old) = self.kept.get(&id).copied() else {
            self.kept.insert(id, new);
            return;
        };
        self.duplicates += 1;
        if self.signer(new.row) != self.signer(old.row) {
            self.conflicts += 1;
        }
        if self.precedes(&new, &old) {
            self.kept.insert(id, new);
        }
    }

    fn signer(&self, row: u32) -> Option<Symbol> {
        self.rows.get(row as usize).map(|(columns, _)| columns.key)
    }

    /// Lets each addendum replace its original, if the same key signed both; else it is a record of its own.
    fn apply_addenda(&mut self) {
        let addenda = std::mem::take(&mut self.addenda);
        // All are judged by the same originals, so that their order cannot matter.
        let (replacing, others): (Vec<_>, Vec<_>) = addenda.into_iter().partition(|addendum| {
            let original = self.kept.get(&addendum.original);
            original.is_none_or(|kept| self.signer(kept.row) == self.signer(addendum.kept.row))
        });
        let mut by_original: HashMap<EventId, Kept> = HashMap::new();
        for Addendum { original, kept, .. } in replacing {
            if by_original.get(&original).is_none_or(|old| self.precedes(&kept, old)) {
                by_original.insert(original, kept);
            }
        }
        for addendum in others {
            self.keep(addendum.own, addendum.kept);
        }
        self.kept.extend(by_original);
    }

    /// Notes that a log object of this name exists, and whether some of it could not be read.
    pub fn see_object(&mut self, object: &ObjectName, damaged: bool) {
        self.coverage.see_object(object, damaged);
    }

    /// Which copy of one event counts: the earliest, then the one whose row sorts first. A copy whose time
    /// cannot be read counts last.
    fn precedes(&self, new: &Kept, old: &Kept) -> bool {
        let rank = |kept: &Kept| (kept.time.is_none(), kept.time);
        match rank(new).cmp(&rank(old)) {
            std::cmp::Ordering::Equal => new.row != old.row && self.text(new.row) < self.text(old.row),
            order => order.is_lt(),
        }
    }

    fn text(&self, row: u32) -> Option<[Arc<str>; 11]> {
        let (c, _) = self.rows.get(row as usize)?;
        let get = |s| self.strings.get(s);
        Some([
            get(c.key),
            get(c.source),
            get(c.name),
            get(c.region),
            get(c.ip),
            get(c.agent),
            get(c.error),
            get(c.recipient),
            get(c.vpc_endpoint),
            get(c.invoked_by),
            get(c.assumed_role),
        ])
    }

    fn row(&mut self, key: &AccessKeyId, event: &Event) -> u32 {
        let strings = &mut self.strings;
        let assumed = event.minted.as_ref().map_or("", |minted| &minted.role_arn);
        let columns = Columns {
            key: strings.intern(key.as_str()),
            source: strings.intern(&event.source),
            name: strings.intern(&event.name),
            region: strings.intern(&event.region),
            ip: strings.intern(&event.ip),
            agent: strings.intern(&event.agent),
            error: strings.intern(&event.error),
            recipient: strings.intern(&event.recipient),
            vpc_endpoint: strings.intern(&event.vpc_endpoint),
            invoked_by: strings.intern(&event.identity.invoked_by),
            assumed_role: strings.intern(assumed),
            presigned: event.presigned,
            in_session: key.is_static() && event.identity.in_session,
        };
        *self.numbers.entry(columns).or_insert_with(|| {
            self.rows.push((columns, Stats::default()));
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Instance-role and hybrid-node sessions are named after their machine, which tells what an address is.
    fn see_neighbour(&mut self, event: &Event) {
        if event.identity.kind != IdentityKind::AssumedRole {
            return;
        }
        let Some(name) = event.identity.arn.rsplit('/').next() else {
            return;
        };
        let id = name.strip_prefix("mi-").or_else(|| name.strip_prefix("i-"));
        if id.is_some_and(|hex| hex.len() >= 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            && event.ip.parse::<std::net::IpAddr>().is_ok()
        {
            let known = match self.neighbours.get_mut(&*event.ip) {
                Some(known) => known,
                None => self.neighbours.entry(event.ip.as_str().into()).or_default(),
            };
            known.insert(name.to_owned());
            // The smallest names stay, whatever the order they came in.
            if known.len() > NEIGHBOURS {
                known.pop_last();
            }
        }
    }

    /// Resolves sessions to the keys they derive from and sorts everything.
    pub fn finish(mut self) -> Evidence {
        self.apply_addenda();
        for (id, kept) in std::mem::take(&mut self.kept) {
            if let Some((_, stats)) = self.rows.get_mut(kept.row as usize) {
                stats.add(kept.time, Some(id));
            }
        }
        let rows: Vec<UsageRow> = std::mem::take(&mut self.rows)
            .into_iter()
            .filter(|(_, stats)| stats.count > 0)
            .map(|(columns, stats)| self.resolve(&columns, stats))
            .collect();
        let (mut direct, sessions): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.key.is_static());
        direct.sort_by(compare);
        let activity = std::mem::take(&mut self.activity);
        let by_signer =
            activity.into_iter().map(|(signer, seen)| (AccessKeyId::new(&*self.strings.get(signer)), seen));
        let by_signer: BTreeMap<AccessKeyId, Activity> = by_signer.collect();
        let (chains, mut derived, user_sessions) = self.sessions.resolve(sessions);
        let mut activity: BTreeMap<AccessKeyId, Activity> = BTreeMap::new();
        for (signer, seen) in &by_signer {
            if signer.is_static() {
                activity.entry(signer.clone()).or_default().merge(*seen);
            }
        }
        for session in &chains.sessions {
            if let Some(seen) = by_signer.get(&session.session) {
                activity.entry(session.key.clone()).or_default().merge(*seen);
            }
        }
        derived.sort_by(compare);
        Evidence {
            direct,
            derived: merge_equal(derived),
            chains,
            user_sessions,
            coverage: self.coverage,
            owners: self.owners,
            strays: self.strays.into_iter().map(|(key, count)| Stray { key, count }).collect(),
            neighbours: self.neighbours,
            events: self.events,
            duplicates: self.duplicates,
            conflicts: self.conflicts,
            keyless: self.keyless,
            activity,
        }
    }

    fn resolve(&self, columns: &Columns, stats: Stats) -> UsageRow {
        let get = |symbol| self.strings.get(symbol);
        UsageRow {
            key: AccessKeyId::new(&*get(columns.key)),
            source: get(columns.source),
            name: get(columns.name),
            region: get(columns.region),
            ip: get(columns.ip),
            agent: get(columns.agent),
            error: get(columns.error),
            recipient: get(columns.recipient),
            vpc_endpoint: get(columns.vpc_endpoint),
            invoked_by: get(columns.invoked_by),
            assumed_role: get(columns.assumed_role),
            session_path: Arc::default(),
            presigned: columns.presigned,
            in_session: columns.in_session,
            stats,
        }
    }
}

/// The order rows are shown in; total over all columns.
fn compare(a: &UsageRow, b: &UsageRow) -> std::cmp::Ordering {
    columns(a).cmp(&columns(b))
}

type RowColumns<'a> = ([&'a str; 12], bool, bool);

fn columns(row: &UsageRow) -> RowColumns<'_> {
    let text = [
        row.key.as_str(),
        &row.source,
        &row.name,
        &row.region,
        &row.ip,
        &row.agent,
        &row.error,
        &row.recipient,
        &row.vpc_endpoint,
        &row.invoked_by,
        &row.assumed_role,
        &row.session_path,
    ];
    (text, row.presigned, row.in_session)
}

/// Different sessions of one path make the same row once their ids are replaced by the key's.
fn merge_equal(rows: Vec<UsageRow>) -> Vec<UsageRow> {
    let mut merged: Vec<UsageRow> = Vec::with_capacity(rows.len());
    for row in rows {
        match merged.last_mut() {
            Some(last) if compare(last, &row).is_eq() => last.stats.merge(&row.stats),
            _ => merged.push(row),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudtrail::{Identity, Minted};
    use crate::model::parse_instant;

    fn event(key: &str, name: &str, id: Option<u8>, time: &str) -> Event {
        Event {
            identity: Identity {
                kind: IdentityKind::IamUser,
                key: Some(AccessKeyId::new(key)),
                account: Some(AccountId::new("111122223333")),
                user: "ci".into(),
                ..Identity::default()
            },
            name: name.into(),
            id: id.map(|n| [n; 16]),
            time: parse_instant(time),
            ..Event::default()
        }
    }

    fn fold(events: &[Event]) -> Evidence {
        let mut collector = Collector::default();
        for event in events {
            collector.add(event);
        }
        collector.finish()
    }

    fn summary(evidence: &Evidence) -> Vec<String> {
        evidence
            .direct
            .iter()
            .chain(&evidence.derived)
            .map(|r| format!("{} {} {} {}", r.key, r.name, r.session_path, r.stats.count))
            .collect()
    }

    #[test]
    fn one_event_counts_once_and_the_earliest_copy_wins() {
        let events = [
            event("AKIA1", "B", Some(1), "2026-01-02T00:00:00Z"),
            event("AKIA1", "A", Some(1), "2026-01-01T00:00:00Z"),
            event("AKIA1", "A", None, "2026-01-01T00:00:00Z"),
            event("AKIA1", "A", None, "2026-01-01T00:00:00Z"),
            event("AKIA1", "D", Some(2), "2026-01-01T00:00:00Z"),
            event("AKIA1", "C", Some(2), "2026-01-01T00:00:00Z"),
        ];
        let forward = fold(&events);
        let mut reversed = events;
        reversed.reverse();
        assert_eq!(summary(&forward), ["AKIA1 A  3", "AKIA1 C  1"]);
        assert_eq!(summary(&fold(&reversed)), summary(&forward));
        assert_eq!(forward.duplicates, 2);
    }

    #[test]
    fn an_addendum_replaces_its_original() {
        let original = event("AKIA1", "Old", Some(1), "2026-01-01T00:00:00Z");
        let addendum =
            Event { replaces: Some([1; 16]), ..event("AKIA1", "New", Some(9), "2026-01-01T00:00:00Z") };
        for events in [[original.clone(), addendum.clone()], [addendum, original]] {
            assert_eq!(summary(&fold(&events)), ["AKIA1 New  1"]);
        }
    }

    #[test]
    fn chains_of_any_length_lead_back_and_circles_end() {
        let mint = |n: u32| Event {
            id: None,
            minted: Some(Minted { key: AccessKeyId::new(format!("ASIA{}", n + 1)), role_arn: "r".into() }),
            ..event(
                &if n == 0 { "AKIA1".to_owned() } else { format!("ASIA{n}") },
                "AssumeRole",
                None,
                "2026-01-01T00:00:00Z",
            )
        };
        let mut events: Vec<Event> = (0..5000).map(mint).collect();
        events.push(event("ASIA5000", "ListUsers", Some(3), "2026-09-30T00:00:00Z"));
        let evidence = fold(&events);
        assert_eq!(evidence.activity[&AccessKeyId::new("AKIA1")].last, events.last().unwrap().time);
        let long = evidence.derived.iter().map(|row| row.session_path.len()).max();
        assert!(long.is_some_and(|n| n < 300));
        let circle = [("ASIA1", "ASIA2"), ("ASIA2", "ASIA1")].map(|(parent, child)| Event {
            minted: Some(Minted { key: AccessKeyId::new(child), role_arn: String::new() }),
            ..event(parent, "AssumeRole", None, "2026-01-01T00:00:00Z")
        });
        assert!(fold(&circle).derived.is_empty());
    }

    #[test]
    fn nobody_elses_record_hides_a_sign_of_life() {
        let victim = event("AKIAVICTIM", "A", Some(1), "2026-09-30T00:00:00Z");
        let forged = [
            event("AKIAATTACKER", "A", Some(1), "2026-01-01T00:00:00Z"),
            Event { replaces: Some([1; 16]), ..event("ASIAATTACKER", "A", Some(2), "2026-01-01T00:00:00Z") },
            event("AKIAVICTIM", "A", Some(1), "garbage"),
        ];
        for forged in forged {
            for events in [[victim.clone(), forged.clone()], [forged.clone(), victim.clone()]] {
                let evidence = fold(&events);
                let seen = evidence.activity[&AccessKeyId::new("AKIAVICTIM")];
                assert_eq!(seen.last, victim.time, "{forged:?}");
            }
        }
        let evidence = fold(&[victim.clone(), event("AKIAATTACKER", "A", Some(1), "2026-01-01T00:00:00Z")]);
        assert_eq!(evidence.conflicts, 1);
    }

    #[test]
    fn sessions_count_for_the_key_they_derive_from_in_any_order() {
        let mint = |key: &str, child: &str, name: &str, role: &str, id| Event {
            minted: Some(Minted { key: AccessKeyId::new(child), role_arn: role.into() }),
            ..event(key, name, Some(id), "2026-01-01T00:00:00Z")
        };
        let events = [
            event("ASIA2", "ListBuckets", Some(3), "2026-01-01T00:02:00Z"),
            mint("ASIA1", "ASIA2", "AssumeRole", "arn:aws:iam::111122223333:role/r", 2),
            mint("AKIA1", "ASIA1", "GetSessionToken", "", 1),
            event("ASIA9", "ListUsers", Some(4), "2026-01-01T00:02:00Z"),
        ];
        let forward = fold(&events);
        assert_eq!(
            summary(&forward),
            [
                "AKIA1 GetSessionToken  1",
                "AKIA1 AssumeRole GetSessionToken 1",
                "AKIA1 ListBuckets GetSessionToken > AssumeRole arn:aws:iam::111122223333:role/r 1",
            ]
        );
        let mut reversed = events;
        reversed.reverse();
        assert_eq!(summary(&fold(&reversed)), summary(&forward));
        assert_eq!(forward.user_sessions.len(), 1, "ASIA9 derives from no key that was seen");
    }
}
