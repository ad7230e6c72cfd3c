//! What was and was not seen, as the report shows it.

use super::view::*;
use crate::analysis::Analysis;
use crate::evidence::{DayState, EventClass};
use crate::inventory::Trail;
use crate::model::{AccountId, Day, format_instant};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts that any input speaks of.
pub(super) fn accounts(analysis: &Analysis) -> BTreeSet<&AccountId> {
    let material = &analysis.material;
    let mut all: BTreeSet<&AccountId> = material.inventory.accounts.keys().collect();
    all.extend(material.evidence.coverage.accounts());
    all.extend(analysis.keys.iter().filter_map(|key| key.subject.account.as_ref()));
    all
}

/// Coverage of every account.
pub(super) fn coverage(analysis: &Analysis, unknowns: Vec<String>) -> Coverage {
    let material = &analysis.material;
    let mut regions: BTreeMap<AccountId, Vec<RegionCoverage>> = BTreeMap::new();
    for region in material.evidence.coverage.regions() {
        let classes =
            EventClass::ALL.map(|class| class_days(analysis, &region.account, &region.region, class));
        regions.entry(region.account.clone()).or_default().push(RegionCoverage {
            region: region.region,
            first_day: region.window.first.to_string(),
            last_day: region.window.last.to_string(),
            days: region.days,
            records: region.sum.records,
            management_events: region.sum.management,
            data_events: region.sum.data,
            other_events: region.sum.other,
            objects: region.sum.objects,
            damaged_objects: region.sum.damaged,
            digests: region.sum.digests,
            classes: classes.into(),
        });
    }
    let account_view = |account: &AccountId| {
        let window = material.evidence.coverage.window(account);
        let missing = window.map(|w| material.evidence.coverage.missing(account, w)).unwrap_or_default();
        let facts = material.inventory.accounts.get(account).cloned().unwrap_or_default();
        let data = material.evidence.coverage.data_sources(account);
        AccountCoverage {
            account: account.to_string(),
            users: material.inventory.users.keys().filter(|(own, _)| own == account).count(),
            first_day: window.map(|w| w.first.to_string()),
            last_day: window.map(|w| w.last.to_string()),
            missing: missing
                .iter()
                .map(|span| MissingDays {
                    first_day: span.first.to_string(),
                    last_day: span.last.to_string(),
                    days: span.days(),
                })
                .collect(),
            regions: regions.get(account).cloned().unwrap_or_default(),
            data_events_of: data
                .into_iter()
                .flatten()
                .map(|s| s.trim_end_matches(".amazonaws.com").to_owned())
                .collect(),
            trails: facts.trails.iter().map(trail).collect(),
            credential_report: match (facts.has_credential_report, facts.credential_report) {
                (true, Some(time)) => Some(format_instant(time)),
                (true, None) => Some("time not known".to_owned()),
                (false, _) => None,
            },
            authorization_details: facts.has_authorization_details,
            access_key_list: facts.has_key_list,
        }
    };
    Coverage {
        accounts: accounts(analysis).into_iter().map(account_view).collect(),
        ranges: material
            .networks
            .files
            .iter()
            .map(|file| RangeFile { title: file.title, date: file.date.clone(), prefixes: file.prefixes })
            .collect(),
        unknowns,
    }
}

/// Spans that a report holds of one region and class.
const MOST_SPANS: usize = 60;

fn class_days(analysis: &Analysis, account: &AccountId, region: &str, class: EventClass) -> ClassDays {
    let material = &analysis.material;
    let trails = material.inventory.accounts.get(account).map(|facts| facts.trails.as_slice());
    // Only where every trail's selectors are known can it be said that none records the class.
    let records = |trail: &Trail| match (&trail.selectors, class) {
        (None, _) => true,
        (Some(selectors), EventClass::Management) => selectors.all_management,
        (Some(selectors), EventClass::Data) => !selectors.data_types.is_empty(),
    };
    let excluded = trails.is_some_and(|trails| !trails.is_empty() && !trails.iter().any(records));
    let spans = material.evidence.coverage.day_spans(account, region, class, excluded);
    let count = |state: DayState| {
        let days = spans.iter().filter(|span| span.state == state).map(|span| span.window.days());
        days.map(|days| u64::try_from(days).unwrap_or(0)).sum()
    };
    let days = DayState::ALL.iter().map(|state| NamedCount {
        id: state.id().to_owned(),
        title: state.id().replace('-', " "),
        count: count(*state),
    });
    ClassDays {
        class: class.id(),
        days: days.filter(|days| days.count > 0).collect(),
        spans_left_out: spans.len().saturating_sub(MOST_SPANS),
        spans: spans
            .iter()
            .take(MOST_SPANS)
            .map(|span| DaySpan {
                state: span.state.id(),
                first_day: span.window.first.to_string(),
                last_day: span.window.last.to_string(),
            })
            .collect(),
    }
}

fn trail(trail: &Trail) -> String {
    let regions = if trail.multi_region { "all regions" } else { "one region" };
    let scope = if trail.organization { "organization" } else { "account" };
    let events = match &trail.selectors {
        None => "selectors not known".to_owned(),
        Some(s) => {
            let management =
                if s.all_management { "all management events" } else { "not all management events" };
            let without = if s.excluded.is_empty() {
                String::new()
            } else {
                format!(" without {}", s.excluded.iter().cloned().collect::<Vec<_>>().join(", "))
            };
            let data = if s.data_types.is_empty() {
                "no data events".to_owned()
            } else {
                format!("data events of {}", s.data_types.iter().cloned().collect::<Vec<_>>().join(", "))
            };
            format!("{management}{without}, {data}")
        }
    };
    let off = if trail.logging == Some(false) { "; switched off" } else { "" };
    format!("{} ({scope}, {regions}; {events}{off})", trail.arn)
}

/// Range files that are older than this, in days, are out of date: providers add prefixes every week.
const STALE_RANGES: i32 = 90;

/// What stands before entries of files as they are written there.
pub(super) const UNUSABLE: &str = " could not be used as they are: ";

/// Entries that are named of one file.
const MOST_NAMED: usize = 20;

/// What no report made of these inputs can know.
pub(super) fn unknowns(analysis: &Analysis, unknown_users: &[UserRef]) -> Vec<String> {
    let material = &analysis.material;
    let mut out = vec![
        "Failed authentication never reaches CloudTrail: after a deactivation, silence does not prove that nothing broke.".to_owned(),
        "SES SMTP sends reach no log, not even as data events.".to_owned(),
    ];
    let inventory = &material.inventory;
    let without_trail: Vec<&AccountId> =
        inventory.accounts.keys().filter(|a| material.evidence.coverage.window(a).is_none()).collect();
    let asked = |account: &&AccountId| {
        let mut keys = inventory.keys.values();
        keys.any(|key| {
            key.owner.as_ref().is_some_and(|(own, _)| own == *account) && !key.looked_up.is_empty()
        })
    };
    let (looked_up, without_trail): (Vec<&AccountId>, Vec<&AccountId>) =
        without_trail.into_iter().partition(asked);
    if !looked_up.is_empty() {
        let names: Vec<&str> = looked_up.iter().map(|a| a.as_str()).collect();
        out.push(format!(
            "Of {} no logs were read; LookupEvents shows the management events of the keys that IAM lists there, of ninety days at most, and no data events.",
            names.join(", ")
        ));
    }
    if !without_trail.is_empty() {
        let names: Vec<&str> = without_trail.iter().map(|a| a.as_str()).collect();
        out.push(format!(
            "No CloudTrail events were read of {}: who uses its keys, from where and for what is unknown.",
            names.join(", ")
        ));
    }
    let blind: Vec<&str> = accounts(analysis)
        .into_iter()
        .filter(|a| {
            material.evidence.coverage.window(a).is_some()
                && material.evidence.coverage.data_sources(a).is_none()
        })
        .map(AccountId::as_str)
        .collect();
    if !blind.is_empty() {
        out.push(format!("No data events were read of {}: use of S3 objects, Lambda functions, DynamoDB items, queues and topics is invisible there.", blind.join(", ")));
    }
    if !unknown_users.is_empty() {
        out.push(format!("Neither an access key list nor a credential report covers {} users: whether they have keys is unknown.", unknown_users.len()));
    }
    if !material.networks.knows_providers() {
        out.push("No IP range files were given: addresses of AWS, GitHub, Google and Azure cannot be told from others.".to_owned());
    }
    for file in &material.networks.files {
        let age = file.day().map(|day| Day::of(analysis.as_of).0 - day.0).filter(|age| *age > STALE_RANGES);
        if let Some(age) = age {
            out.push(format!(
                "The ranges of {} are {age} days older than this report: addresses that were added since are taken for somebody else's.",
                file.title
            ));
        }
        if !file.unusable.is_empty() {
            let named: Vec<&str> = file.unusable.iter().take(MOST_NAMED).map(String::as_str).collect();
            let more = file.unusable.len() - named.len();
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            out.push(format!(
                "{} entries of {}{UNUSABLE}{}{more}.",
                file.unusable.len(),
                file.title,
                named.join("; ")
            ));
        }
    }
    let never: usize = material.evidence.chains.sessions.iter().filter(|s| s.events == 0).count();
    if never > 0 {
        out.push(format!("{never} sessions handed out by keys were never seen in use: their events may lie in accounts, regions or days that were not read."));
    }
    out.extend(inventory.notes.iter().cloned());
    out
}
