//! How the work is cut: an account and a month at a time, and what that costs.

use super::sql::plain;
use super::table::end_of_month;
use crate::model::Day;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What Athena charges for scanning in us-east-1 (<https://aws.amazon.com/athena/pricing/>); ten megabytes a query at least.
pub const DOLLARS_A_TERABYTE: f64 = 5.0;

/// The least that a query is charged for (same page).
const LEAST: u64 = 10_000_000;

/// Session ids in one query. Queries may have 262,144 bytes
/// (<https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html>); an id takes 23.
const SESSIONS: usize = 8_000;

/// How long after it was handed out a session can sign: 36 hours
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>), and records come late.
const ALIVE: i32 = 3;

/// What one query is about. Days are those of delivery, which partitions are named after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slice {
    /// Account, where the table has a partition for it.
    pub account: Option<String>,
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// Sessions whose records are wanted; empty for everything that needs no knowledge of sessions.
    pub sessions: Vec<String>,
}

impl Slice {
    /// What it is called in the store: the same for the same question.
    pub fn name(&self, origin: &str) -> String {
        let account = self.account.as_deref().unwrap_or("all");
        let mut name = format!("{origin}/{account}/{}/{}", self.first, self.last);
        if !self.sessions.is_empty() {
            let mut hash = Sha256::new();
            self.sessions.iter().for_each(|session| hash.update(format!("{session}\n")));
            let short: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            name.push_str(&format!("/sessions-{short}"));
        }
        name
    }

    /// For people.
    pub fn title(&self) -> String {
        let account = self.account.as_deref().unwrap_or("all accounts");
        let what = if self.sessions.is_empty() { "" } else { ", sessions of keys" };
        format!("{account}, {} to {}{what}", self.first, self.last)
    }

    /// Two halves; nothing where it is a single day.
    pub fn halves(&self) -> Option<[Slice; 2]> {
        let middle = Day(self.first.0.checked_add(self.last.0)?.div_euclid(2));
        (self.first < self.last).then(|| {
            [Slice { last: middle, ..self.clone() }, Slice { first: middle.plus(1), ..self.clone() }]
        })
    }
}

/// An account's months from the first to the last day, or all accounts' where the table cannot tell them apart.
pub fn months(accounts: &[Option<String>], first: Day, last: Day) -> Vec<Slice> {
    let mut slices = Vec::new();
    for account in accounts {
        let mut at = first;
        while at <= last {
            let end = end_of_month(at).min(last);
            slices.push(Slice { account: account.clone(), first: at, last: end, sessions: Vec::new() });
            at = end.plus(1);
        }
    }
    slices
}

/// A session, and the days on which it can have signed.
#[derive(Clone, Copy)]
struct Session<'a> {
    id: &'a String,
    from: Day,
    to: Day,
}

/// Slices in which sessions that keys handed out may have signed, by the days on which they were handed out; where that is
/// not known, all. A session's records can be in any account's logs, as roles are taken across accounts. Ids that cannot be asked about are counted.
pub fn session_slices(
    accounts: &[Option<String>],
    sessions: &BTreeMap<String, Option<(Day, Day)>>,
    first: Day,
    last: Day,
) -> (Vec<Slice>, usize) {
    let askable: Vec<Session<'_>> = sessions
        .iter()
        .filter(|(id, _)| plain(id).is_ok())
        .map(|(id, day)| Session {
            id,
            from: day.map_or(first, |(from, _)| from),
            to: day.map_or(last, |(_, to)| to.plus(ALIVE)),
        })
        .collect();
    let odd = sessions.keys().filter(|id| plain(id).is_err()).count();
    let mut slices = Vec::new();
    for month in months(&[None], first, last) {
        span(&askable, month.first, month.last, &mut slices);
    }
    let of_accounts = accounts
        .iter()
        .flat_map(|account| slices.iter().map(|slice| Slice { account: account.clone(), ..slice.clone() }));
    (of_accounts.collect(), odd)
}

/// Days from the first to the last in as few queries as their sessions fit into.
fn span(sessions: &[Session<'_>], first: Day, last: Day, out: &mut Vec<Slice>) {
    let alive: Vec<Session<'_>> =
        sessions.iter().copied().filter(|session| session.to >= first && session.from <= last).collect();
    let Some(from) = alive.iter().map(|session| session.from.max(first)).min() else { return };
    let to = alive.iter().map(|session| session.to.min(last)).max().unwrap_or(last);
    if alive.len() > SESSIONS && from < to {
        let middle = Day(from.0 + (to.0 - from.0) / 2);
        span(&alive, from, middle, out);
        span(&alive, middle.plus(1), to, out);
        return;
    }
    for many in alive.chunks(SESSIONS) {
        let sessions = many.iter().map(|session| session.id.clone()).collect();
        out.push(Slice { account: None, first: from, last: to, sessions });
    }
}

/// What will be scanned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Bytes of log objects, as they lie in S3, which is what Athena charges for.
    pub bytes: u64,
    /// Log objects.
    pub objects: u64,
    /// Whether every object was listed; otherwise some days were, and the others taken to be like them.
    pub exact: bool,
}

impl Estimate {
    /// From some of all days.
    pub fn from_sample(bytes: u64, objects: u64, listed: u64, all: u64) -> Self {
        let grow = |n: u64| {
            let grown = u128::from(n) * u128::from(all) / u128::from(listed.max(1));
            u64::try_from(grown).unwrap_or(u64::MAX)
        };
        Self { bytes: grow(bytes), objects: grow(objects), exact: listed >= all }
    }
}

/// What scanning costs, about, in so many queries.
pub fn dollars(bytes: u64, queries: u64) -> f64 {
    bytes.max(LEAST.saturating_mul(queries)) as f64 / 1e12 * DOLLARS_A_TERABYTE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_day;

    fn day(text: &str) -> Day {
        parse_day(text).unwrap()
    }

    #[test]
    fn months_and_halves_cover_every_day_once() {
        let slices = months(&[Some("111122223333".into()), None], day("2026-01-30"), day("2026-03-02"));
        let spans: Vec<String> = slices.iter().map(|s| format!("{} {}", s.first, s.last)).collect();
        let once = ["2026-01-30 2026-01-31", "2026-02-01 2026-02-28", "2026-03-01 2026-03-02"];
        assert_eq!(spans, [once, once].concat());
        let mut whole = vec![slices[1].clone()];
        let mut days = Vec::new();
        while let Some(slice) = whole.pop() {
            match slice.halves() {
                Some(halves) => whole.extend(halves),
                None => days.push(slice.first),
            }
        }
        days.sort();
        let want: Vec<Day> = (0..28).map(|n| day("2026-02-01").plus(n)).collect();
        assert_eq!(days, want);
    }

    #[test]
    fn every_session_is_asked_for_on_every_day_it_can_sign_and_odd_ids_go_into_no_query() {
        let mut sessions = BTreeMap::new();
        for n in 0..20_000 {
            sessions.insert(
                format!("ASIA{n:016}"),
                Some((day("2026-01-01").plus(n % 31), day("2026-01-01").plus(n % 31))),
            );
        }
        sessions.insert("ASIA' OR 1=1 --".to_owned(), Some((day("2026-01-02"), day("2026-01-02"))));
        let (first, last) = (day("2026-01-01"), day("2026-02-10"));
        let (slices, odd) = session_slices(&[None], &sessions, first, last);
        assert_eq!(odd, 1);
        assert!(slices.iter().all(|slice| slice.sessions.len() <= SESSIONS && !slice.sessions.is_empty()));
        for (id, from) in sessions.iter().filter(|(id, _)| plain(id).is_ok()).step_by(371) {
            for n in 0..=ALIVE {
                let at = from.unwrap().0.plus(n);
                let asked =
                    slices.iter().any(|s| (s.first..=s.last).contains(&at) && s.sessions.contains(id));
                assert!(asked, "{id} on {at}");
            }
        }
        assert!(slices.iter().all(|slice| slice.sessions.iter().all(|id| plain(id).is_ok())));
    }

    #[test]
    fn samples_grow_and_small_queries_cost_something() {
        let estimate = Estimate::from_sample(10, 2, 3, 90);
        assert_eq!((estimate.bytes, estimate.objects, estimate.exact), (300, 60, false));
        assert!(Estimate::from_sample(1, 1, 5, 5).exact);
        assert!((dollars(1_000_000_000_000, 1) - 5.0).abs() < 1e-9);
        assert!((dollars(1, 2) - 0.0001).abs() < 1e-9);
    }
}
