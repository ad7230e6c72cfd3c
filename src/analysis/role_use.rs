//! What a role's sessions did, by the same logs: whether the role carries the load of the key that it replaces.

use super::read::Reading;
use crate::cloudtrail::{Event, EventId, IdentityKind};
use crate::input::{Depth, Document, FileReport, Fold, Ingest, Interrupted, Pass, expand, ingest};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// One kind of call, by a role's sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleCall {
    /// How often.
    pub events: u64,
    /// Of those, failed.
    pub failed: u64,
    /// The last time that it worked.
    pub last: Option<Timestamp>,
}

/// What a role's sessions did: calls by service host and name.
pub type RoleUse = BTreeMap<(String, String), RoleCall>;

/// Reads logs for the sessions of one role, by its ARN. Every record is looked at.
///
/// # Errors
/// [`Interrupted`] when the user asked to stop.
pub fn role_use(reading: &Reading<'_>, role: &str) -> Result<RoleUse, Interrupted> {
    let (entries, _) = expand(reading.arguments);
    (reading.total)(entries.len(), entries.iter().map(|entry| entry.size).sum());
    let account = role.split(':').nth(4).unwrap_or_default();
    let name = role.rsplit('/').next().unwrap_or(role);
    let sessions = format!("::{account}:assumed-role/{name}/");
    let one = || Watcher { sessions: sessions.clone(), seen: BTreeMap::new() };
    let mut watchers: Vec<Watcher> =
        (0..reading.jobs.clamp(1, entries.len().max(1))).map(|_| one()).collect();
    let job =
        Ingest { depth: Depth::Census, hash: false, quick: false, stop: reading.stop, tick: reading.tick };
    ingest(&job, Pass::First, &entries, &mut watchers)?;
    let mut out = RoleUse::new();
    // Copies of an event count once.
    let mut known = std::collections::HashSet::new();
    for (call, events) in watchers.into_iter().flat_map(|watcher| watcher.seen) {
        let sum = out.entry(call).or_default();
        for (id, time, failed) in events {
            if id.is_some_and(|id| !known.insert(id)) {
                continue;
            }
            sum.events += 1;
            sum.failed += u64::from(failed);
            if !failed {
                sum.last = sum.last.max(time);
            }
        }
    }
    Ok(out)
}

type Seen = (Option<EventId>, Option<Timestamp>, bool);

struct Watcher {
    sessions: String,
    seen: BTreeMap<(String, String), Vec<Seen>>,
}

impl Watcher {
    fn look(&mut self, event: &Event<'_>) {
        let identity = &event.identity;
        if identity.kind != IdentityKind::AssumedRole || !identity.arn.contains(&self.sessions) {
            return;
        }
        let call = (event.source.to_string(), event.name.to_string());
        self.seen.entry(call).or_default().push((event.id, event.time, !event.error.is_empty()));
    }
}

impl Fold for Watcher {
    fn wants(&mut self, _: u32) -> bool {
        false
    }

    fn count(&mut self, event: &Event<'_>) {
        self.look(event);
    }

    fn event(&mut self, _: &Event<'_>, _: &dyn Fn() -> EventId) {}

    fn glance(&mut self, _: &Event<'_>) {}

    fn document(&mut self, _: Document) {}

    fn file(&mut self, _: FileReport) {}
}
