//! Gaps: what could not be seen of a key's use. While a blocking gap is open, no key is called unused.

use super::coverage::Coverage;
use crate::inventory::{AccountFacts, KeyFacts, LastUsed, User};
use crate::model::{AccountId, Day, ROOT_USER, Window};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write;

/// Kinds of gap. The ids are stable: plans accept gaps by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapKind {
    /// The key's account is not known, so nothing can be said of its evidence.
    AccountUnknown,
    /// No CloudTrail events of the account were read.
    NoTrail,
    /// The events read span fewer days than the idle threshold.
    ShortWindow,
    /// The events read end well before the report's time.
    StaleEvidence,
    /// Days without a single event or object, or with damaged objects.
    MissingDays,
    /// IAM's last-used time was not among the inputs.
    NoLastUsed,
    /// IAM's last-used time was observed well before the report's time.
    StaleLastUsed,
    /// IAM says that the key was used when the trail shows nothing.
    UnseenUse,
    /// IAM names a service for the last use that the trail never shows for this key.
    UnseenService,
    /// The user's policies are not all known, so that it is not known whether it may send mail over SMTP.
    PoliciesUnknown,
    /// Inputs of no known account could not be read, or a listing was not whole.
    UnreadInputs,
    /// The user made calls that name no key, or by sessions that no key seen handed out.
    UserActive,
    /// Events of other regions may not have been read.
    RegionsUnknown,
    /// The user may send mail through SES SMTP, which no log shows.
    SesSmtp,
    /// Data events, such as S3 object calls, are not among the events of the account.
    NoDataEvents,
    /// The trail is known to leave out management events.
    ExcludedEvents,
}

impl GapKind {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::AccountUnknown => "account-unknown",
            Self::NoTrail => "no-trail",
            Self::ShortWindow => "short-window",
            Self::StaleEvidence => "stale-evidence",
            Self::MissingDays => "missing-days",
            Self::NoLastUsed => "no-last-used",
            Self::StaleLastUsed => "stale-last-used",
            Self::UnseenUse => "unseen-use",
            Self::UnseenService => "unseen-service",
            Self::PoliciesUnknown => "policies-unknown",
            Self::UnreadInputs => "unread-inputs",
            Self::UserActive => "user-active",
            Self::RegionsUnknown => "regions-unknown",
            Self::SesSmtp => "ses-smtp",
            Self::NoDataEvents => "no-data-events",
            Self::ExcludedEvents => "excluded-events",
        }
    }
}

/// One thing that could not be seen of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its kind.
    pub kind: GapKind,
    /// Whether it forbids the verdict "unused".
    pub blocks_unused: bool,
    /// What is missing, for people.
    pub detail: String,
    /// What would close it.
    pub close_by: String,
}

/// What gaps are worked out from.
pub struct GapInput<'a> {
    /// The key's account, where known.
    pub account: Option<&'a AccountId>,
    /// The key itself, where it was listed.
    pub key: Option<&'a KeyFacts>,
    /// Its user, where known.
    pub user: Option<&'a User>,
    /// The user's name.
    pub user_name: &'a str,
    /// The account's facts.
    pub facts: Option<&'a AccountFacts>,
    /// What was recorded.
    pub coverage: &'a Coverage,
    /// Service hosts the key was seen using, as `s3.amazonaws.com`.
    pub services_seen: &'a dyn Fn(&str) -> bool,
    /// Service hosts that any other key of the user was seen using.
    pub services_of_siblings: &'a dyn Fn(&str) -> bool,
    /// The key's last event, derived sessions included.
    pub last_event: Option<Timestamp>,
    /// The last API call by the user, outside of the console, whose record names no key.
    pub keyless: Option<Timestamp>,
    /// Why some of the inputs may hide anything of anybody, if so.
    pub unread: Option<&'a str>,
    /// The report's time.
    pub as_of: Timestamp,
    /// Idle threshold in days.
    pub max_idle: i32,
}

/// IAM rounds last-used to 15 minutes and CloudTrail delivers within about five; beyond this the two disagree.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);

/// Evidence older than this says nothing about now. CloudTrail delivers within minutes; a credential report may
/// be four hours old; two days leave room for a manual export.
const STALE_AFTER_DAYS: i32 = 2;

/// Works out every gap of one key, in the order of [`GapKind`].
pub fn find_gaps(input: &GapInput<'_>) -> Vec<Gap> {
    let mut gaps = Gaps(Vec::new());
    let Some(account) = input.account else {
        gaps.add(
            GapKind::AccountUnknown,
            true,
            "the key's account is not known",
            "give the account's authorization details or credential report",
        );
        return gaps.0;
    };
    let last_used = input.key.map(|key| &key.last_used).unwrap_or(&LastUsed::Unknown);
    let today = Day::of(input.as_of);
    let window = window(input, account).map(|w| Window { first: w.first, last: w.last.min(today) });
    match window {
        None => gaps.add(
            GapKind::NoTrail,
            true,
            &format!("no CloudTrail events of account {account} were read"),
            "give the account's CloudTrail logs",
        ),
        Some(window) => trail_gaps(input, account, window, last_used, &mut gaps),
    }
    last_used_gaps(input, last_used, &mut gaps);
    service_gaps(input, window, last_used, &mut gaps);
    mail_gap(input, last_used, &mut gaps);
    if let Some(why) = input.unread {
        gaps.add(GapKind::UnreadInputs, true, why, "give those inputs again, whole, or leave them out");
    }
    user_gap(input, &mut gaps);
    region_gap(input, account, &mut gaps);
    data_event_gap(input, account, window, last_used, &mut gaps);
    gaps.0.sort_by_key(|gap| gap.kind);
    gaps.0
}

/// Days on which LookupEvents showed every management event of the key, in every region of its account.
fn looked_up(input: &GapInput<'_>) -> Option<Window> {
    input.key?.days_looked_up(&input.facts?.regions)
}

/// First and last day of which anything is known.
fn window(input: &GapInput<'_>, account: &AccountId) -> Option<Window> {
    match (input.coverage.window(account), looked_up(input)) {
        (Some(a), Some(b)) => Some(Window { first: a.first.min(b.first), last: a.last.max(b.last) }),
        (one, other) => one.or(other),
    }
}

/// Spans of which neither logs nor LookupEvents say anything.
fn missing(input: &GapInput<'_>, account: &AccountId, within: Window) -> Vec<Window> {
    let spans = input.coverage.missing(account, within);
    let Some(known) = looked_up(input) else { return spans };
    let rest = |span: Window| {
        let before = Window { first: span.first, last: span.last.min(known.first.plus(-1)) };
        let after = Window { first: span.first.max(known.last.plus(1)), last: span.last };
        [before, after].into_iter().filter(|part| part.first <= part.last)
    };
    spans.into_iter().flat_map(rest).collect()
}

struct Gaps(Vec<Gap>);

impl Gaps {
    fn add(&mut self, kind: GapKind, blocks_unused: bool, detail: &str, close_by: &str) {
        self.0.push(Gap { kind, blocks_unused, detail: detail.to_owned(), close_by: close_by.to_owned() });
    }
}

fn trail_gaps(
    input: &GapInput<'_>,
    account: &AccountId,
    window: Window,
    last_used: &LastUsed,
    gaps: &mut Gaps,
) {
    let today = Day::of(input.as_of);
    let behind = today.0 - window.last.0;
    if behind > STALE_AFTER_DAYS {
        let detail = format!("events end on {}, {behind} days before the report's time", window.last);
        gaps.add(
            GapKind::StaleEvidence,
            true,
            &detail,
            "give newer logs, or set --as-of to the time they were taken",
        );
    }
    // Only the days that the threshold speaks of: one stray event from years ago covers nothing.
    let wanted = Window { first: today.plus(-input.max_idle), last: window.last };
    let mut missing_days = missing(input, account, wanted);
    // A quiet weekend at the edge is a hole like any other: there are events shortly before it.
    let week = Window { first: wanted.first.plus(-7), last: wanted.first.plus(-1) };
    let quiet: i32 = missing(input, account, week).iter().map(Window::days).sum();
    let edge =
        missing_days.first().copied().filter(|span| span.first == wanted.first && quiet == week.days());
    if let Some(before) = edge {
        missing_days.remove(0);
        let since = before.last.plus(1);
        let detail = format!(
            "of the {} days of the idle threshold, events cover {} ({since} to {})",
            input.max_idle,
            (window.last.0 - since.0 + 1).max(0),
            window.last
        );
        gaps.add(GapKind::ShortWindow, true, &detail, "give older CloudTrail logs, or lower --max-idle");
    }
    // Also objects of days after the last that could be read.
    let damaged = input.coverage.damaged_days(account, Window { last: today, ..wanted });
    let latest = missing_days.iter().map(|span| span.last).chain(damaged.iter().copied()).max();
    let earliest = missing_days.iter().map(|span| span.first).chain(damaged.iter().copied()).min();
    if let Some(earliest) = earliest {
        // IAM's own record, taken later, sees through a hole in the logs.
        let closed = match last_used {
            LastUsed::Never => true,
            LastUsed::At { time, .. } => *time < earliest.start(),
            LastUsed::Unknown => false,
        } && latest.is_some_and(|day| observed_since(input, day.plus(1)));
        let mut detail = String::new();
        if !missing_days.is_empty() {
            let days: i32 = missing_days.iter().map(Window::days).sum();
            let _ = write!(detail, "no events on {} ({days} days)", named(&missing_days));
        }
        if !damaged.is_empty() {
            let and = if detail.is_empty() { "" } else { "; " };
            let spans: Vec<Window> = damaged.iter().map(|day| Window { first: *day, last: *day }).collect();
            let _ = write!(detail, "{and}damaged log objects on {} ({} days)", named(&spans), damaged.len());
        }
        if closed {
            detail.push_str("; IAM's last-used time, observed later, rules out use on those days");
        }
        gaps.add(GapKind::MissingDays, !closed, &detail, "fetch those days' objects again");
    }
    let trails = input.facts.map(|facts| facts.trails.as_slice()).unwrap_or_default();
    let excluding: Vec<String> = trails
        .iter()
        .filter_map(|trail| Some((trail, trail.selectors.as_ref()?)))
        .filter(|(_, s)| !s.all_management || !s.excluded.is_empty())
        .map(|(trail, s)| {
            let what = if s.all_management { String::new() } else { "some reads or writes".to_owned() };
            let sources: Vec<&str> = s.excluded.iter().map(String::as_str).collect();
            format!("{} leaves out {what}{}", trail.arn, sources.join(", "))
        })
        .collect();
    if !excluding.is_empty() && excluding.len() == trails.len() {
        let closed = closed_by_last_used(input, last_used);
        gaps.add(
            GapKind::ExcludedEvents,
            !closed,
            &excluding.join("; "),
            "record all management events for a while",
        );
    }
}

fn named(spans: &[Window]) -> String {
    let named: Vec<String> = spans.iter().take(3).map(Window::to_string).collect();
    let more = if spans.len() > named.len() { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

/// Whether last-used was observed close enough to the report's time to speak for it.
fn observed_late(input: &GapInput<'_>) -> bool {
    let observed = input.key.and_then(|key| key.observed);
    observed.is_some_and(|at| Day::of(input.as_of).0 - Day::of(at).0 <= STALE_AFTER_DAYS)
}

/// Whether last-used was observed after a day began.
fn observed_since(input: &GapInput<'_>, day: Day) -> bool {
    input.key.and_then(|key| key.observed).is_some_and(|at| at >= day.start())
}

/// Whether IAM's own record rules out any use within the idle threshold.
fn closed_by_last_used(input: &GapInput<'_>, last_used: &LastUsed) -> bool {
    let idle_since = Day::of(input.as_of).plus(-input.max_idle);
    let idle = match last_used {
        LastUsed::Never => true,
        LastUsed::At { time, .. } => Day::of(*time) <= idle_since,
        LastUsed::Unknown => false,
    };
    idle && observed_late(input)
}

fn last_used_gaps(input: &GapInput<'_>, last_used: &LastUsed, gaps: &mut Gaps) {
    match last_used {
        LastUsed::Unknown => gaps.add(
            GapKind::NoLastUsed,
            true,
            "IAM's last-used time for this key is not among the inputs",
            "give a credential report, and the access key list to match it with",
        ),
        LastUsed::Never => {}
        LastUsed::At { time, service, .. } => {
            let window = input.account.and_then(|account| window(input, account));
            // What lies before the logs begin, they cannot show.
            if window.is_some_and(|w| w.first <= Day::of(*time)) {
                use_gaps(input, *time, service, gaps);
            }
        }
    }
    if !matches!(last_used, LastUsed::Unknown) && !observed_late(input) {
        let when = input
            .key
            .and_then(|key| key.observed)
            .map_or("at an unknown time".to_owned(), |t| format!("on {}", Day::of(t)));
        let detail = format!(
            "IAM's last-used time was observed {when}, too long before the report's time to speak for it"
        );
        gaps.add(GapKind::StaleLastUsed, true, &detail, "fetch the credential report anew");
    }
}

/// Use that IAM knows of and the trail should show.
fn use_gaps(input: &GapInput<'_>, time: Timestamp, service: &str, gaps: &mut Gaps) {
    if input.last_event.is_none_or(|last| time.duration_since(last) > TOLERANCE) {
        let seen = input.last_event.map_or("never".to_owned(), |t| format!("last on {}", Day::of(t)));
        let used = Day::of(time);
        let detail =
            format!("IAM says it was used on {used} ({}), the trail shows it {seen}", name_of(service));
        let close = "record data events for this user for a while: an advanced event selector can be limited to userIdentity.arn";
        gaps.add(GapKind::UnseenUse, true, &detail, close);
    }
    if !service.is_empty() && !(input.services_seen)(service) {
        let detail = format!(
            "IAM names {service} as the service last used; the trail shows no {service} call by this key"
        );
        gaps.add(
            GapKind::UnseenService,
            true,
            &detail,
            "record that service's data events, or ask the owner",
        );
    }
}

/// Services that IAM saw the user reach on days that the logs cover, and that no log shows by any of its keys.
fn service_gaps(input: &GapInput<'_>, window: Option<Window>, last_used: &LastUsed, gaps: &mut Gaps) {
    let (Some(user), Some(window)) = (input.user, window) else { return };
    let unseen: Vec<String> = user
        .services
        .iter()
        .filter(|(_, last)| (window.first..=window.last).contains(&Day::of(**last)))
        // Calls of APIs that the account itself offers are in no trail.
        .filter(|(service, _)| *service != "execute-api")
        .filter(|(service, _)| !(input.services_seen)(service) && !(input.services_of_siblings)(service))
        .map(|(service, last)| format!("{service} (last on {})", Day::of(*last)))
        .collect();
    if unseen.is_empty() {
        return;
    }
    let detail = format!(
        "IAM saw the user reach services that no log shows by its keys: {}; that counts every key, password and session of the user, and denied calls",
        unseen.join(", ")
    );
    // IAM's own record of the key says more of the key than a record of the user.
    let blocks = matches!(last_used, LastUsed::Unknown);
    gaps.add(GapKind::UnseenService, blocks, &detail, "record those services' data events, or ask the owner");
}

fn name_of(service: &str) -> &str {
    if service.is_empty() { "service not named" } else { service }
}

/// SMTP sends reach no log (<https://docs.aws.amazon.com/ses/latest/dg/logging-using-cloudtrail.html>).
fn mail_gap(input: &GapInput<'_>, last_used: &LastUsed, gaps: &mut Gaps) {
    let named_like_one = input.user_name.starts_with("ses-smtp-user");
    // Root may do anything and has no policies to be known.
    let root = input.user_name == ROOT_USER;
    let everything = input.user.is_some_and(|user| user.allows_everything) || root;
    let ses_by_iam = matches!(last_used, LastUsed::At { service, .. } if service == "ses");
    let allowed = input.user.is_some_and(|user| user.may_send_mail) || everything && ses_by_iam;
    if !root && !input.user.is_some_and(|user| user.policies_known) {
        gaps.add(
            GapKind::PoliciesUnknown,
            true,
            "the user's policies are not all among the inputs: it may be a mailer over SES SMTP, which appears in no log",
            "give the account authorization details, whole, with the AWS managed policies that are attached",
        );
    }
    if named_like_one || allowed {
        let why = if allowed {
            "its policies allow ses:SendRawEmail"
        } else {
            "its user is named as the SES console names SMTP users"
        };
        let detail = format!("{why}; mail sent over SMTP appears in no log");
        gaps.add(GapKind::SesSmtp, true, &detail, "ask the owner, and look at the SES sending statistics");
    } else if everything {
        let detail = "its policies allow everything, SES SMTP included, whose sends appear in no log";
        gaps.add(GapKind::SesSmtp, false, detail, "ask the owner if mail could be sent with it");
    }
}

/// Calls by the user itself that no key can be held to: they may be this key's.
fn user_gap(input: &GapInput<'_>, gaps: &mut Gaps) {
    let Some(last) =
        input.keyless.filter(|last| Day::of(*last) >= Day::of(input.as_of).plus(-input.max_idle))
    else {
        return;
    };
    let text = format!(
        "records up to {} show calls by the user that name no key, or by sessions that no key seen handed out",
        Day::of(last)
    );
    gaps.add(
        GapKind::UserActive,
        true,
        &text,
        "find out how those calls were made, and read the logs of every region",
    );
}

/// Noted, not blocking: IAM's last-used time speaks for all regions.
fn region_gap(input: &GapInput<'_>, account: &AccountId, gaps: &mut Gaps) {
    let trails = input.facts.map(|facts| facts.trails.as_slice()).unwrap_or_default();
    let regions = input.coverage.region_names(account);
    let everywhere = trails.iter().any(|trail| trail.multi_region && trail.logging != Some(false));
    if regions.is_empty() || everywhere || looked_up(input).is_some() {
        return;
    }
    let text = format!(
        "events of {} were read; whether other regions are recorded is not known",
        regions.join(", ")
    );
    gaps.add(
        GapKind::RegionsUnknown,
        false,
        &text,
        "give the trail's description, and the logs of every region",
    );
}

fn data_event_gap(
    input: &GapInput<'_>,
    account: &AccountId,
    window: Option<Window>,
    last_used: &LastUsed,
    gaps: &mut Gaps,
) {
    if window.is_none() {
        return;
    }
    let recorded = input.coverage.data_sources(account);
    let closed = closed_by_last_used(input, last_used);
    let what = match recorded {
        None => "no data events of the account were read (S3 objects, Lambda invocations, DynamoDB items, SQS, SNS, …)".to_owned(),
        Some(sources) => {
            let names: Vec<&str> = sources.iter().map(|s| s.trim_end_matches(".amazonaws.com")).collect();
            format!("of data events only those of {} were read", names.join(", "))
        }
    };
    let close = "record data events limited to this user's ARN for a while";
    if closed {
        gaps.add(
            GapKind::NoDataEvents,
            false,
            &format!("{what}; IAM's last-used time, which counts them, rules out recent use"),
            close,
        );
    } else {
        gaps.add(GapKind::NoDataEvents, true, &what, close);
    }
}
