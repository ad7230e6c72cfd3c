//! From collected facts to evidence: sessions resolved to their keys, rows counted and sorted.

use super::collect::{ActionKey, Collector};
use super::coverage::Coverage;
use super::facts::{flags, instant};
use super::resources::ResourceSet;
use super::sessions::{Chains, UserSessions};
use super::usage::{Stats, Stray, UsageRow};
use crate::cloudtrail::EventId;
use crate::model::{AccessKeyId, AccountId};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
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
    /// All records read, copies included.
    pub events: u64,
    /// Copies of keys' own events that were already counted.
    pub duplicates: u64,
    /// Events whose copies name different signers: masked or forged records.
    pub conflicts: u64,
    /// Last API call of each IAM user, outside of the console, whose record names no key.
    pub keyless: BTreeMap<(AccountId, String), Timestamp>,
    /// What every copy of every record says of each static key, counted or not.
    pub activity: BTreeMap<AccessKeyId, Activity>,
    /// What each key's calls, its sessions' included, acted on.
    pub resources: BTreeMap<ActionOfKey, ResourceSet>,
}

/// One kind of call of one program by one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionOfKey {
    /// The static key.
    pub key: AccessKeyId,
    /// Service host.
    pub source: Arc<str>,
    /// API call.
    pub name: Arc<str>,
    /// User agent.
    pub agent: Arc<str>,
    /// Whether a role's session signed: such calls are the role's, not the user's.
    pub by_role: bool,
    /// Whether the caller was authorised ([`super::is_authorised`]).
    pub authorised: bool,
}

/// The latest sign of life of a key. Counting leaves copies out, and copies can be forged to hide others: this
/// leaves nothing out, so that verdicts can rest on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Time of the latest record, by the key or a session that derives from it.
    pub last: Option<Timestamp>,
    /// Whether there are records whose time cannot be read.
    pub undated: bool,
}

impl Activity {
    /// Adds another key's signs of life.
    pub fn merge(&mut self, other: Activity) {
        self.last = self.last.max(other.last);
        self.undated |= other.undated;
    }
}

/// Whether an id was made up for a record that has none.
fn is_made_up(id: &EventId) -> bool {
    id.starts_with(&[0xff; 4])
}

impl Collector {
    /// Resolves sessions to the keys they derive from and sorts everything. Coverage and counts of records are the
    /// reader's to fill in.
    pub fn finish(mut self) -> Evidence {
        let events = self.take_counted();
        self.settle_activity();
        self.forget();
        let mut stats: Vec<Stats> = vec![Stats::default(); self.rows.len()];
        let (mut conflicts, mut own_events) = (0, 0);
        for event in events {
            conflicts += u64::from(event.conflict());
            let made_up = is_made_up(&event.id);
            own_events += u64::from(event.signer == 0 && !made_up);
            if let Some(stats) = stats.get_mut(event.row as usize) {
                stats.add(instant(event.time()), (!made_up).then_some(event.id));
            }
        }
        let (mut direct, mut sessions, mut strays) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (columns, stats) in std::mem::take(&mut self.rows).into_iter().zip(stats) {
            if stats.count == 0 {
                continue;
            }
            let [
                key,
                source,
                name,
                region,
                ip,
                agent,
                error,
                recipient,
                vpc_endpoint,
                invoked_by,
                assumed_role,
            ] = columns.text.map(|symbol| self.strings.get(symbol));
            let key = AccessKeyId::new(&*key);
            if columns.flags & flags::STRAY != 0 {
                *strays.entry(key).or_insert(0) += stats.count;
                continue;
            }
            let is_static = key.is_static();
            let row = UsageRow {
                key,
                source,
                name,
                region,
                ip,
                agent,
                error,
                recipient,
                vpc_endpoint,
                invoked_by,
                assumed_role,
                session_path: Arc::default(),
                presigned: columns.flags & flags::PRESIGNED != 0,
                in_session: columns.flags & flags::IN_SESSION != 0,
                read_only: match (columns.flags & flags::READS != 0, columns.flags & flags::WRITES != 0) {
                    (true, _) => Some(true),
                    (_, true) => Some(false),
                    _ => None,
                },
                named: columns.flags & flags::NAMED != 0,
                stats,
            };
            if is_static {
                direct.push(row);
            } else {
                sessions.push((row, columns.flags & flags::ROLE != 0));
            }
        }
        direct.sort_by(compare);
        let (chains, mut derived, user_sessions) = std::mem::take(&mut self.sessions).resolve(sessions);
        derived.sort_by(compare);
        let roots: BTreeMap<&str, &AccessKeyId> =
            chains.sessions.iter().map(|s| (s.session.as_str(), &s.key)).collect();
        let root = |signer: &str| -> Option<AccessKeyId> {
            match AccessKeyId::names_static(signer) {
                true => Some(AccessKeyId::new(signer)),
                false => roots.get(signer).map(|key| (*key).clone()),
            }
        };
        let mut activity: BTreeMap<AccessKeyId, Activity> = BTreeMap::new();
        for (signer, seen) in &self.activity {
            if let Some(key) = root(self.strings.text(*signer)) {
                let last = if seen.last == i64::MIN { None } else { instant(seen.last) };
                activity.entry(key).or_default().merge(Activity { last, undated: seen.undated });
            }
        }
        let mut resources: BTreeMap<ActionOfKey, ResourceSet> = BTreeMap::new();
        for (ActionKey { text: [signer, source, name, agent], by_role, authorised }, set) in &self.resources {
            if let Some(key) = root(self.strings.text(*signer)) {
                let action = ActionOfKey {
                    key,
                    source: self.strings.get(*source),
                    name: self.strings.get(*name),
                    agent: self.strings.get(*agent),
                    by_role: *by_role,
                    authorised: *authorised,
                };
                resources.entry(action).or_default().merge(set);
            }
        }
        let owner = |(account, user): (String, String)| (AccountId::new(account), user);
        Evidence {
            direct,
            derived: merge_equal(derived),
            user_sessions,
            coverage: Coverage::default(),
            owners: self
                .owners
                .into_iter()
                .map(|(key, owners)| (AccessKeyId::new(key), owners.into_iter().map(owner).collect()))
                .collect(),
            strays: strays.into_iter().map(|(key, count)| Stray { key, count }).collect(),
            neighbours: self.neighbours,
            events: 0,
            // Made a difference by the reader, who knows how many records there were.
            duplicates: own_events,
            conflicts,
            keyless: self
                .keyless
                .into_iter()
                .filter_map(|(who, last)| Some((owner(who), instant(last)?)))
                .collect(),
            activity,
            resources,
            chains,
        }
    }
}

/// The order rows are shown in; total over all columns.
fn compare(a: &UsageRow, b: &UsageRow) -> std::cmp::Ordering {
    columns(a).cmp(&columns(b))
}

type RowColumns<'a> = ([&'a str; 12], bool, bool, Option<bool>, bool);

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
    (text, row.presigned, row.in_session, row.read_only, row.named)
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
    use crate::cloudtrail::{Event, Identity, IdentityKind, Minted};
    use crate::model::parse_instant;

    fn event(key: &str, name: &str, id: Option<u8>, time: &str) -> Event<'static> {
        Event {
            identity: Identity {
                kind: IdentityKind::IamUser,
                key: Some(key.to_owned().into()),
                account: Some("111122223333".into()),
                user: "ci".into(),
                ..Identity::default()
            },
            name: name.to_owned().into(),
            id: id.map(|n| [n; 16]),
            time: parse_instant(time),
            ..Event::default()
        }
    }

    fn fold(events: &[Event<'_>]) -> Evidence {
        let mut collector = Collector::default();
        for (n, event) in events.iter().enumerate() {
            collector
                .add(event, || [&[0xff; 12], &(n as u32).to_be_bytes()[..]].concat().try_into().unwrap());
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
        let mint = |n: u32| Event::<'static> {
            id: None,
            minted: Some(Minted { key: format!("ASIA{}", n + 1).into(), role_arn: "r".into() }),
            ..event(
                &if n == 0 { "AKIA1".to_owned() } else { format!("ASIA{n}") },
                "AssumeRole",
                None,
                "2026-01-01T00:00:00Z",
            )
        };
        let mut events: Vec<Event<'_>> = (0..5000).map(mint).collect();
        events.push(event("ASIA5000", "ListUsers", Some(3), "2026-09-30T00:00:00Z"));
        let evidence = fold(&events);
        assert_eq!(evidence.activity[&AccessKeyId::new("AKIA1")].last, events.last().unwrap().time);
        let long = evidence.derived.iter().map(|row| row.session_path.len()).max();
        assert!(long.is_some_and(|n| n < 300));
        let circle = [("ASIA1", "ASIA2"), ("ASIA2", "ASIA1")].map(|(parent, child)| Event {
            minted: Some(Minted { key: child.into(), role_arn: "".into() }),
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
        let mint = |key: &str, child: &'static str, name: &str, role: &'static str, id| Event {
            minted: Some(Minted { key: child.into(), role_arn: role.into() }),
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
