//! A report in parts, one an account, for pages that would be too large to open.

use super::findings::about_keys;
use super::view::*;
use crate::model::WorkloadKind;
use std::collections::BTreeSet;

/// The accounts that keys belong to, the empty text for keys whose account is not known.
pub fn accounts_of(report: &Report) -> BTreeSet<String> {
    report.keys.iter().map(|key| key.account.clone().unwrap_or_default()).collect()
}

/// The part of a report that is about one account, counts included.
pub fn of_account(report: &Report, account: &str) -> Report {
    let mut part = report.clone();
    part.title =
        format!("{} – {}", report.title, if account.is_empty() { "unknown account" } else { account });
    part.keys.retain(|key| key.account.as_deref().unwrap_or_default() == account);
    let own: BTreeSet<String> = part.keys.iter().map(|key| key.reference.clone()).collect();
    let keep = |keys: &mut Vec<String>| keys.retain(|key| own.contains(key));
    part.waves.iter_mut().for_each(|wave| keep(&mut wave.keys));
    part.shared_consumers.retain(|shared| shared.keys.iter().any(|key| own.contains(key)));
    part.users_with_unknown_keys.retain(|user| user.account == account);
    part.user_sessions.retain(|session| session.account == account);
    part.coverage.accounts.retain(|covered| covered.account == account);
    part.dependencies.groups.retain(|group| group.iter().any(|key| own.contains(key)));
    part.dependencies.hubs.retain(|hub| hub.keys.iter().any(|key| own.contains(key)));
    part.history.clear();
    for (at, mute) in part.mutes.iter_mut().enumerate() {
        mute.keys = part.keys.iter().filter(|key| key.muted_by == Some(at)).count();
    }
    summarise(&mut part);
    part
}

fn summarise(part: &mut Report) {
    let keys = &part.keys;
    let count = |test: &dyn Fn(&Key) -> bool| keys.iter().filter(|key| test(key)).count();
    let consumers: Vec<&Consumer> = keys.iter().flat_map(|key| &key.consumers).collect();
    let users: usize = part.coverage.accounts.iter().map(|account| account.users).sum();
    let summary = &mut part.summary;
    summary.accounts = 1;
    summary.users = users;
    summary.keys = keys.len();
    summary.keys_due = count(&|key| key.due_by_age == Some(true) || key.due_by_idle == Some(true));
    for verdict in &mut summary.verdicts {
        verdict.count = count(&|key| key.verdict == verdict.id) as u64;
    }
    summary.consumers = consumers.len();
    summary.consumers_presumed = consumers.iter().filter(|c| !c.seen).count();
    summary.consumers_identified = consumers.iter().filter(|c| c.kind != WorkloadKind::Unknown.id()).count();
    for verdict in &mut summary.inactive {
        verdict.count = count(&|key| key.verdict == verdict.id && key.status == Some("Inactive")) as u64;
    }
    for kind in &mut summary.kinds {
        kind.count = consumers.iter().filter(|c| c.kind == kind.id).count() as u64;
    }
    summary.kinds.retain(|kind| kind.count > 0);
    summary.keys_muted = count(&|key| key.muted_by.is_some());
    summary.keys_with_gaps = count(&|key| key.gaps.iter().any(|gap| gap.blocks_unused));
    let regions = part.coverage.accounts.iter().flat_map(|account| &account.regions);
    summary.events = regions.map(|region| region.records).sum();
    // What is about the evidence is about all parts; what is about keys is said of these.
    summary.findings.retain(|finding| finding.keys.is_empty() && finding.id != "users-unknown");
    summary.findings.extend(about_keys(keys));
}
