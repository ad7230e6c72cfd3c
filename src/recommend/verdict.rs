//! The verdict on one key. "Unused" is concluded only where no gap is open.

use super::advice::{Advice, Outcome};
use super::steps::next_steps;
use crate::attribution::{AsideKind, Attribution, Confidence};
use crate::evidence::{Activity, Gap, GapKind};
use crate::inventory::{KeyFacts, KeyStatus, LastUsed};
use crate::model::{Day, ROOT_USER, WorkloadKind, counted};
use jiff::Timestamp;

/// Codes of reasons that make a key part of an incident: its calls may be an intruder's.
pub const INCIDENTS: &[&str] = &["quarantined", "key-validated", "attack-tool"];

/// What to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictKind {
    /// Nothing uses it: deactivate, wait, delete.
    Retire,
    /// Every consumer has a replacement without static keys.
    Replace,
    /// Some consumer cannot do without a static key yet.
    Rotate,
    /// The evidence does not suffice, or something is wrong that comes first.
    Investigate,
}

impl VerdictKind {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Retire => "retire",
            Self::Replace => "replace",
            Self::Rotate => "rotate",
            Self::Investigate => "investigate",
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Retire => "retire now",
            Self::Replace => "replace with a role",
            Self::Rotate => "rotate for now",
            Self::Investigate => "investigate first",
        }
    }
}

/// One reason for a verdict. The codes are stable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable code.
    pub code: &'static str,
    /// For people.
    pub text: String,
}

/// When a key is due, whatever the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Days after creation.
    pub max_age: i32,
    /// Days without use.
    pub max_idle: i32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { max_age: 90, max_idle: 90 }
    }
}

/// Whether the key is due by its age or idleness; `None` where that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Age in days.
    pub age_days: Option<i32>,
    /// Days since the last known use.
    pub idle_days: Option<i32>,
    /// Older than the threshold.
    pub by_age: Option<bool>,
    /// Idle for longer than the threshold.
    pub by_idle: Option<bool>,
}

/// A verdict with its reasons, the deciding one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub kind: VerdictKind,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What to do next, in order.
    pub steps: Vec<&'static str>,
    /// Whether it is due.
    pub due: Due,
}

/// Everything a verdict is made of.
pub struct KeyCase<'a> {
    /// The key's user.
    pub user_name: &'a str,
    /// Facts about the key, where it was listed.
    pub facts: Option<&'a KeyFacts>,
    /// Its use.
    pub attribution: &'a Attribution,
    /// A replacement for each consumer, in their order.
    pub advice: &'a [Advice],
    /// Denied events among its usage.
    pub denied: u64,
    /// The latest sign of life in any record, counted or not.
    pub activity: Activity,
    /// What could not be seen.
    pub gaps: &'a [Gap],
    /// A quarantine policy that the user carries.
    pub quarantine: Option<&'a str>,
    /// Records of the key on other identity types than IAMUser and Root.
    pub stray_records: u64,
    /// The report's time.
    pub as_of: Timestamp,
    /// Thresholds.
    pub thresholds: Thresholds,
}

/// Passes the verdict.
pub fn judge(case: &KeyCase<'_>) -> Verdict {
    let due = due(case);
    let (kind, reasons) =
        first_things(case).or_else(|| in_use(case, &due)).unwrap_or_else(|| not_in_use(case, &due));
    Verdict { steps: next_steps(kind, &reasons), kind, reasons, due }
}

fn reason(code: &'static str, text: impl Into<String>) -> Reason {
    Reason { code, text: text.into() }
}

fn due(case: &KeyCase<'_>) -> Due {
    let today = Day::of(case.as_of);
    let days_since = |time: Timestamp| (today.0 - Day::of(time).0).max(0);
    let age_days = case.facts.and_then(|facts| facts.created).map(days_since);
    let seen = case.activity.last.max(case.attribution.total.last);
    let told = match case.facts.map(|facts| &facts.last_used) {
        Some(LastUsed::At { time, .. }) => Some(*time),
        _ => None,
    };
    let never = matches!(case.facts.map(|facts| &facts.last_used), Some(LastUsed::Never)) && seen.is_none();
    let idle_days =
        [seen, told].into_iter().flatten().max().map(days_since).or(if never { age_days } else { None });
    Due {
        age_days,
        idle_days,
        by_age: age_days.map(|days| days > case.thresholds.max_age),
        by_idle: idle_days.map(|days| days > case.thresholds.max_idle),
    }
}

/// Incidents and root, which come before every recommendation.
fn first_things(case: &KeyCase<'_>) -> Option<(VerdictKind, Vec<Reason>)> {
    let mut reasons = Vec::new();
    if let Some(policy) = case.quarantine {
        let text = format!(
            "the user carries {policy}: AWS found a key of this user exposed; treat it as an incident"
        );
        reasons.push(reason("quarantined", text));
    }
    for aside in case.attribution.asides.iter().filter(|aside| aside.kind == AsideKind::KeyValidation) {
        let when = aside.stats.last.map(|t| format!(", last on {}", Day::of(t))).unwrap_or_default();
        reasons.push(reason(
            "key-validated",
            format!(
                "{} tried the key {}{when}: somebody else may hold it, unless the scan was yours",
                aside.who,
                counted(aside.stats.count, "time")
            ),
        ));
    }
    for (tool, events) in &case.attribution.attack_tools {
        let text = format!(
            "{events} events name {tool}, a tool that simulates or carries out attacks: was that a test of yours?"
        );
        reasons.push(reason("attack-tool", text));
    }
    if case.attribution.in_session > 0 {
        let text = format!(
            "{} records signed by this static key carry a session context, which such calls do not have: the id may be masked or rewritten, or the records are not genuine",
            case.attribution.in_session
        );
        reasons.push(reason("session-context", text));
    }
    if case.stray_records > 0 {
        let text = format!(
            "{} records show this key on an identity that is neither an IAM user nor root",
            case.stray_records
        );
        reasons.push(reason("stray-identity", text));
    }
    if case.user_name == ROOT_USER && (!case.attribution.consumers.is_empty() || used_by_iam(case).is_some())
    {
        let text = "a root key in use: remove it; root permissions are never handed to a role";
        reasons.push(reason("root-key", text));
    }
    (!reasons.is_empty()).then_some((VerdictKind::Investigate, reasons))
}

/// When, by IAM's record, the key was last used within the idle threshold, and for which service.
fn used_by_iam<'a>(case: &KeyCase<'a>) -> Option<(Timestamp, &'a str)> {
    match case.facts.map(|facts| &facts.last_used) {
        Some(LastUsed::At { time, service, .. }) => {
            let first = Day::of(case.as_of).plus(-case.thresholds.max_idle);
            (Day::of(*time) >= first).then_some((*time, service.as_str()))
        }
        _ => None,
    }
}

/// Whether anything used the key within the idle threshold.
fn recently_used(case: &KeyCase<'_>) -> bool {
    let first = Day::of(case.as_of).plus(-case.thresholds.max_idle);
    // What is presumed of a key needs logs that could have shown otherwise.
    let any_trail =
        !case.gaps.iter().any(|gap| matches!(gap.kind, GapKind::NoTrail | GapKind::AccountUnknown));
    let presumed = any_trail && case.attribution.consumers.iter().any(|consumer| !consumer.seen);
    // What has no readable time may have been at any.
    let last = case.activity.last.max(case.attribution.total.last);
    presumed || case.activity.undated || last.is_some_and(|last| Day::of(last) >= first)
}

fn in_use(case: &KeyCase<'_>, due: &Due) -> Option<(VerdictKind, Vec<Reason>)> {
    if case.attribution.consumers.is_empty() || !recently_used(case) {
        return None;
    }
    let consumers = || case.attribution.consumers.iter().zip(case.advice);
    let total = case.attribution.consumers.len();
    let unknown: Vec<_> = consumers().filter(|(_, advice)| advice.outcome == Outcome::Identify).collect();
    let stuck: Vec<_> = consumers().filter(|(_, advice)| advice.outcome == Outcome::Rotate).collect();
    let mut reasons = Vec::new();
    let kind = if !unknown.is_empty() {
        let text = match (unknown.len(), total) {
            (1, 1) => "its one consumer is not identified".to_owned(),
            (n, total) => format!("{n} of {total} consumers not identified"),
        };
        reasons.push(reason("unknown-consumer", text));
        VerdictKind::Investigate
    } else if !stuck.is_empty() {
        for (consumer, advice) in &stuck {
            let text = format!(
                "{}: {}",
                consumer.kind.title(),
                advice.unblock.map_or(String::new(), |u| format!("unblocked by {u}"))
            );
            reasons.push(reason(static_key_code(consumer.kind), text));
        }
        let text = match due.by_age {
            Some(true) => format!("due for rotation: {} days old", due.age_days.unwrap_or(0)),
            Some(false) => format!("not due for rotation yet: {} days old", due.age_days.unwrap_or(0)),
            None => "its age is not known".to_owned(),
        };
        reasons.push(reason("rotation-due", text));
        VerdictKind::Rotate
    } else {
        let text = match total {
            1 => "its one consumer has a replacement that needs no static key".to_owned(),
            n => format!("all {n} consumers have replacements that need no static key"),
        };
        reasons.push(reason("replaceable", text));
        VerdictKind::Replace
    };
    let unsure = case
        .attribution
        .consumers
        .iter()
        .filter(|c| c.confidence == Confidence::Low && c.kind != WorkloadKind::Unknown)
        .count();
    if unsure > 0 {
        let text = format!(
            "known by weak signals only: {unsure} of {total}; confirm with the owner before a role is built"
        );
        reasons.push(reason("unsure-kind", text));
    }
    let total = case.attribution.total.count;
    if total > 0 && case.denied == total {
        let text = "every call it makes is denied: something depends on it, and it may not work as it is";
        reasons.push(reason("all-denied", text));
    }
    let open = case.gaps.iter().filter(|gap| gap.blocks_unused).count();
    if open > 0 {
        let text = format!("open evidence gaps ({open}): there may be consumers that no record shows");
        reasons.push(reason("gaps-open", text));
    }
    Some((kind, reasons))
}

fn static_key_code(kind: WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::SesSmtp => "ses-smtp",
        WorkloadKind::UrlSigner => "presigned-urls",
        _ => "static-keys-only",
    }
}

fn not_in_use(case: &KeyCase<'_>, due: &Due) -> (VerdictKind, Vec<Reason>) {
    if recently_used(case) {
        if case.activity.undated {
            let text = "the time of some of its records cannot be read: they may be recent";
            return (VerdictKind::Investigate, vec![reason("undated", text)]);
        }
        let text = "it signed calls lately, though none by a program of its own: see what is set aside, and copies of records that differ";
        return (VerdictKind::Investigate, vec![reason("no-consumer", text)]);
    }
    let blocking: Vec<Reason> = case
        .gaps
        .iter()
        .filter(|gap| gap.blocks_unused)
        .map(|gap| reason(gap.kind.id(), gap.detail.clone()))
        .collect();
    if !blocking.is_empty() {
        let mut reasons = Vec::new();
        if let Some((time, service)) = used_by_iam(case) {
            let service = if service.is_empty() { "a service that it does not name" } else { service };
            let text =
                format!("IAM says that it was used on {} for {service}; by whom is not known", Day::of(time));
            reasons.push(reason("used-by-iam", text));
        }
        reasons.extend(blocking);
        return (VerdictKind::Investigate, reasons);
    }
    match due.age_days {
        Some(age) if age > case.thresholds.max_idle => {}
        Some(age) => {
            let text = format!(
                "created {} ago and not used yet: too new to call unused",
                counted(age.unsigned_abs(), "day")
            );
            return (VerdictKind::Investigate, vec![reason("too-new", text)]);
        }
        None => {
            let text = "when it was created is not known: it may be too new to call unused";
            return (VerdictKind::Investigate, vec![reason("age-unknown", text)]);
        }
    }
    // The gaps above name every way in which this is known to come about; should there be another, it ends here.
    if let Some((time, _)) = used_by_iam(case) {
        let text = format!("IAM says that it was used on {}", Day::of(time));
        return (VerdictKind::Investigate, vec![reason("used-by-iam", text)]);
    }
    let mut reasons = Vec::new();
    if case.facts.and_then(|facts| facts.status) == Some(KeyStatus::Inactive) {
        reasons.push(reason("inactive", "already inactive"));
    }
    let text = match case.facts.map(|facts| &facts.last_used) {
        Some(LastUsed::Never) => "never used, by IAM's record and by the trail".to_owned(),
        _ => format!(
            "no use for {} days, by IAM's record and by the trail",
            due.idle_days.unwrap_or(case.thresholds.max_idle)
        ),
    };
    reasons.push(reason("unused", text));
    (VerdictKind::Retire, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{GapKind, Stats};
    use crate::model::parse_instant;

    fn verdict(facts: &KeyFacts, gaps: &[Gap], attribution: &Attribution) -> Verdict {
        judge(&KeyCase {
            user_name: "ci",
            facts: Some(facts),
            attribution,
            advice: &[],
            denied: 0,
            activity: Activity::default(),
            gaps,
            quarantine: None,
            stray_records: 0,
            as_of: parse_instant("2026-10-01T00:00:00Z").unwrap(),
            thresholds: Thresholds::default(),
        })
    }

    fn never_used(created: &str) -> KeyFacts {
        KeyFacts { created: parse_instant(created), last_used: LastUsed::Never, ..KeyFacts::default() }
    }

    #[test]
    fn unused_needs_every_gap_closed() {
        let facts = never_used("2025-01-01T00:00:00Z");
        let none = Attribution::default();
        assert_eq!(verdict(&facts, &[], &none).kind, VerdictKind::Retire);
        let gap = |blocks_unused| Gap {
            kind: GapKind::NoDataEvents,
            blocks_unused,
            detail: String::new(),
            close_by: String::new(),
        };
        assert_eq!(verdict(&facts, &[gap(false)], &none).kind, VerdictKind::Retire);
        let blocked = verdict(&facts, &[gap(true)], &none);
        assert_eq!((blocked.kind, blocked.reasons[0].code), (VerdictKind::Investigate, "no-data-events"));
    }

    #[test]
    fn use_that_iam_knows_of_forbids_unused_by_itself() {
        let time = parse_instant("2026-09-01T00:00:00Z").unwrap();
        let last_used = LastUsed::At { time, service: String::new(), region: String::new() };
        let facts = KeyFacts { last_used, ..never_used("2025-01-01T00:00:00Z") };
        let verdict = verdict(&facts, &[], &Attribution::default());
        assert_eq!((verdict.kind, verdict.reasons[0].code), (VerdictKind::Investigate, "used-by-iam"));
    }

    #[test]
    fn any_recent_event_forbids_unused() {
        let mut total = Stats::default();
        total.add(parse_instant("2026-09-30T00:00:00Z"), None);
        let via_service = Attribution { total, ..Attribution::default() };
        let verdict = verdict(&never_used("2025-01-01T00:00:00Z"), &[], &via_service);
        assert_eq!((verdict.kind, verdict.reasons[0].code), (VerdictKind::Investigate, "no-consumer"));
    }

    #[test]
    fn new_keys_are_not_called_unused() {
        let verdict = verdict(&never_used("2026-09-25T00:00:00Z"), &[], &Attribution::default());
        assert_eq!((verdict.kind, verdict.reasons[0].code), (VerdictKind::Investigate, "too-new"));
    }

    #[test]
    fn due_by_age_and_idleness() {
        let mut total = Stats::default();
        total.add(parse_instant("2026-06-01T00:00:00Z"), None);
        let used = Attribution { total, ..Attribution::default() };
        let due = verdict(&never_used("2026-08-01T00:00:00Z"), &[], &used).due;
        assert_eq!(
            due,
            Due { age_days: Some(61), idle_days: Some(122), by_age: Some(false), by_idle: Some(true) }
        );
        let unknown = verdict(&KeyFacts::default(), &[], &Attribution::default()).due;
        assert_eq!(unknown, Due::default());
    }
}
