//! Usage rows: how often, when and how one key made one kind of call from one place.

use crate::cloudtrail::EventId;
use crate::model::{AccessKeyId, Day};
use jiff::Timestamp;
use std::sync::Arc;

/// One row of usage. The first seven text columns are the ones everything groups by.
#[derive(Clone, Debug)]
pub struct UsageRow {
    /// The static key that answers for the call, also where a session derived from it signed.
    pub key: AccessKeyId,
    /// Service host, such as `s3.amazonaws.com`.
    pub source: Arc<str>,
    /// API call.
    pub name: Arc<str>,
    /// Region of the endpoint that was called.
    pub region: Arc<str>,
    /// Caller's address, or the service that called on the key's behalf.
    pub ip: Arc<str>,
    /// User agent, unwrapped.
    pub agent: Arc<str>,
    /// Error code; empty where the call succeeded.
    pub error: Arc<str>,
    /// Account whose trail recorded the call.
    pub recipient: Arc<str>,
    /// VPC endpoint the call came through, or empty.
    pub vpc_endpoint: Arc<str>,
    /// Service that made the call on the caller's behalf, or empty.
    pub invoked_by: Arc<str>,
    /// Role that the call assumed, where it handed out its credentials; else empty.
    pub assumed_role: Arc<str>,
    /// How the session that signed derives from the key: steps joined by ` > `; empty for the key itself.
    pub session_path: Arc<str>,
    /// The request came by a presigned URL.
    pub presigned: bool,
    /// The record carries a session context although a static key signed it.
    pub in_session: bool,
    /// Whether the call only reads, as far as the records say.
    pub read_only: Option<bool>,
    /// Whether the records name what the calls acted on.
    pub named: bool,
    /// How often and when.
    pub stats: Stats,
}

/// Counts and times of a group of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Number of events.
    pub count: u64,
    /// Time of the first event, where any time could be read.
    pub first: Option<Timestamp>,
    /// Time of the last event.
    pub last: Option<Timestamp>,
    /// UTC days with at least one event.
    pub days: DaySet,
    /// Bit *h* is set when an event fell in UTC hour *h*.
    pub hours: u32,
    /// Event id of the first event that has one: where to look in the logs.
    pub sample: Option<EventId>,
    sample_at: Option<Timestamp>,
}

impl UsageRow {
    /// Whether the user's own permissions decided the calls: the key signed, or a session that stands for the user. What a
    /// role's session does is the role's.
    pub fn by_user(&self) -> bool {
        !self.session_path.split(" > ").any(|step| step.starts_with("AssumeRole"))
    }
}

impl Stats {
    /// Counts one event.
    pub fn add(&mut self, time: Option<Timestamp>, id: Option<EventId>) {
        self.count += 1;
        self.offer_sample(time, id);
        let Some(time) = time else { return };
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        self.days.insert(Day::of(time));
        self.hours |= 1 << (time.as_second().rem_euclid(86_400) / 3600);
    }

    /// Adds another group's events.
    pub fn merge(&mut self, other: &Stats) {
        self.count += other.count;
        self.offer_sample(other.sample_at, other.sample);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        self.days.extend(&other.days);
        self.hours |= other.hours;
    }

    /// Keeps the earliest event, and of equally early ones the smallest id, so that order never matters.
    fn offer_sample(&mut self, time: Option<Timestamp>, id: Option<EventId>) {
        if id.is_some() && (self.sample.is_none() || (time, id) < (self.sample_at, self.sample)) {
            self.sample = id;
            self.sample_at = time;
        }
    }
}

/// Events that something rests on: how many, when, and one to look up in the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Citation {
    /// How many.
    pub events: u64,
    /// The first of them.
    pub first: Option<Timestamp>,
    /// The last of them.
    pub last: Option<Timestamp>,
    /// The first that has an id.
    pub sample: Option<EventId>,
}

impl Citation {
    /// Adds a group of events. The sample is that of the group that begins first, then the smallest.
    pub fn add(&mut self, stats: &Stats) {
        self.merge(&Self { events: stats.count, first: stats.first, last: stats.last, sample: stats.sample });
    }

    /// Adds another's events.
    pub fn merge(&mut self, other: &Self) {
        let key = |c: &Self| (c.sample.is_none(), c.first.is_none(), c.first, c.sample);
        if key(other) < key(self) {
            self.sample = other.sample;
        }
        self.events += other.events;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }
}

/// A sorted set of days; most rows have few, and they arrive nearly in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySet(Vec<Day>);

impl DaySet {
    /// Adds a day.
    pub fn insert(&mut self, day: Day) {
        if self.0.last().is_none_or(|last| *last < day) {
            self.0.push(day);
        } else if let Err(at) = self.0.binary_search(&day) {
            self.0.insert(at, day);
        }
    }

    /// Adds all days of another set.
    pub fn extend(&mut self, other: &DaySet) {
        if other.0.iter().all(|day| self.0.binary_search(day).is_ok()) {
            return;
        }
        self.0.extend_from_slice(&other.0);
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// The days in order.
    pub fn as_slice(&self) -> &[Day] {
        &self.0
    }

    /// Number of days.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A static key id on a record of another identity type than IAMUser or Root: reported, never counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// The key id.
    pub key: AccessKeyId,
    /// How many such records.
    pub count: u64,
}

/// Whether an error code says that the caller was not authorised. Such calls are evidence of dependency,
/// not of a permission. Codes differ by service
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
pub fn is_denied(error: &str) -> bool {
    let code = error.strip_prefix("Client.").unwrap_or(error);
    let code = code.rsplit('#').next().unwrap_or(code);
    matches!(
        code,
        "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "UnauthorizedAccess"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "Forbidden"
            | "ForbiddenException"
    )
}

/// Whether the caller was authorised: the call succeeded, or failed on what it found. Whatever checks the request itself
/// or the caller's rate may come before authorisation and says nothing.
pub fn is_authorised(error: &str) -> bool {
    if error.is_empty() {
        return true;
    }
    let code = error.strip_prefix("Client.").unwrap_or(error);
    let code = code.rsplit('#').next().unwrap_or(code).trim_end_matches("Exception");
    // Whose bucket is not there, nobody could be asked.
    if code == "NoSuchBucket" {
        return false;
    }
    let starts = ["NoSuch", "BucketAlready", "DependencyViolation", "NotModified"];
    let ends =
        ["NotFound", "NotFoundFault", "NotFoundError", "AlreadyExists", "AlreadyExist", "InUse", "NotEmpty"];
    starts.iter().any(|start| code.starts_with(start))
        || ends.iter().any(|end| code.ends_with(end))
        || matches!(code, "404" | "ConditionalCheckFailed" | "PreconditionFailed" | "DryRunOperation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_instant;

    #[test]
    fn merging_is_the_same_as_adding() {
        let times =
            ["2026-01-03T05:00:00Z", "2026-01-01T23:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T05:30:00Z"];
        let mut whole = Stats::default();
        let mut halves = [Stats::default(), Stats::default()];
        for (i, text) in times.iter().enumerate() {
            let (time, id) = (parse_instant(text), Some([i as u8; 16]));
            whole.add(time, id);
            halves[i % 2].add(time, id);
        }
        let [mut left, right] = halves;
        left.merge(&right);
        assert_eq!(left, whole);
        assert_eq!(whole.days.len(), 3);
        assert_eq!(whole.sample, Some([2; 16]));
        assert_eq!(whole.hours, 1 | 1 << 5 | 1 << 23);
    }

    #[test]
    fn denied_codes() {
        for code in ["AccessDenied", "Client.UnauthorizedOperation", "com.amazonaws.x#AccessDeniedException"]
        {
            assert!(is_denied(code), "{code}");
        }
        for code in
            ["", "NoSuchKey", "Client.InvalidInstanceID.NotFound", "x#ResourceNotFoundException", "404"]
        {
            assert!(is_authorised(code), "{code}");
        }
        for code in
            ["NoSuchBucket", "AccessDenied", "ThrottlingException", "ValidationException", "InternalFailure"]
        {
            assert!(!is_authorised(code), "{code}");
        }
        for code in ["", "NoSuchBucket", "ThrottlingException", "Client.InvalidInstanceID.NotFound"] {
            assert!(!is_denied(code), "{code}");
        }
    }
}
