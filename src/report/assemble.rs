//! From the analysis to the report as data.

use super::findings::findings;
use super::permissions::permissions;
use super::seen::{accounts, coverage, unknowns};
use super::view::*;
use crate::analysis::{Analysis, KeyAnalysis};
use crate::attribution::{Aside as AsideGroup, Calls, Consumer as Workload};
use crate::evidence::{Cadence, MintedSession};
use crate::graph::Hub as GraphHub;
use crate::inventory::{LastUsed as KeyLastUsed, OtherCredential};
use crate::model::{AccountId, Day, Skip, WorkloadKind, format_instant};
use crate::recommend::{Advice, INCIDENTS, VerdictKind, Wave as WaveKind};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Addresses and agents shown of one consumer; the totals stand beside them, the rest is in the usage rows.
const SHOWN: usize = 20;

/// Assembles the report.
pub fn assemble(analysis: &Analysis, title: &str) -> Report {
    let mut sessions: BTreeMap<&str, Vec<&MintedSession>> = BTreeMap::new();
    for session in &analysis.material.evidence.chains.sessions {
        sessions.entry(session.key.as_str()).or_default().push(session);
    }
    let groups = analysis.graph.groups();
    let group_of: BTreeMap<&str, &BTreeSet<String>> =
        groups.iter().flat_map(|group| group.iter().map(move |key| (key.as_str(), group))).collect();
    let keys: Vec<Key> = analysis
        .keys
        .iter()
        .map(|key| {
            let reference = key.subject.reference();
            let sessions = sessions.get(reference.as_str()).map(Vec::as_slice).unwrap_or_default();
            let radius = analysis.graph.blast_radius(&reference);
            let tied = group_of.get(reference.as_str()).into_iter().flat_map(|group| group.iter());
            let blast_radius = BlastRadius {
                consumers: radius.consumers.len(),
                services: radius.services.into_iter().collect(),
                roles: radius.roles.into_iter().collect(),
                tied_keys: tied.filter(|other| **other != reference).cloned().collect(),
            };
            key_view(analysis, key, sessions, blast_radius)
        })
        .collect();
    let hub =
        |hub: GraphHub| Hub { kind: hub.kind.id(), name: hub.name, keys: hub.keys.into_iter().collect() };
    let dependencies = Dependencies {
        groups: groups.iter().map(|group| group.iter().cloned().collect()).collect(),
        hubs: analysis.graph.hubs().into_iter().map(hub).collect(),
        role_cycles: analysis.graph.role_cycles(),
    };
    let users_with_unknown_keys = users_with_unknown_keys(analysis);
    let unknowns = unknowns(analysis, &users_with_unknown_keys);
    Report {
        schema: SCHEMA,
        title: title.to_owned(),
        audience: "eng",
        redacted: false,
        logo: None,
        part_of: None,
        parts: Vec::new(),
        offkey_version: env!("CARGO_PKG_VERSION"),
        as_of: format_instant(analysis.as_of),
        thresholds: Thresholds {
            max_age_days: analysis.thresholds.max_age,
            max_idle_days: analysis.thresholds.max_idle,
        },
        summary: summary(analysis, &keys, &users_with_unknown_keys),
        history: Vec::new(),
        waves: waves(&keys),
        shared_consumers: analysis
            .graph
            .shared_consumers()
            .into_iter()
            .map(|shared| SharedConsumer { origin: shared.origin, keys: shared.keys.into_iter().collect() })
            .collect(),
        dependencies,
        users_with_unknown_keys,
        user_sessions: user_sessions(analysis),
        coverage: coverage(analysis, unknowns),
        mutes: Vec::new(),
        skipped: analysis.material.skips.iter().map(skipped).collect(),
        skipped_by_reason: skipped_by_reason(&analysis.material.skips),
        method: method(analysis),
        keys,
    }
}

fn instant(time: Option<Timestamp>) -> Option<String> {
    time.map(format_instant)
}

/// A credential that is no access key, in words.
fn other(credential: &OtherCredential) -> String {
    let kind = match credential.kind.as_str() {
        "ssh-key" => "SSH key",
        "service-specific" => "credentials of",
        "mfa-device" => "MFA device",
        "certificate" => "signing certificate",
        kind => kind,
    };
    let off = if credential.active { "" } else { " (inactive)" };
    format!("{kind} {}{off}", credential.name).replace("  ", " ").trim().to_owned()
}

/// As many days as a calendar of a year shows.
const CALENDAR: i32 = 53 * 7;

fn active_days(days: &[Day]) -> Option<ActiveDays> {
    let last = *days.last()?;
    let first = (*days.first()?).max(last.plus(1 - CALENDAR));
    let mut used = String::new();
    let mut day = first;
    while day <= last {
        used.push(if days.binary_search(&day).is_ok() { '#' } else { '.' });
        day = day.plus(1);
    }
    Some(ActiveDays { first: first.to_string(), used })
}

fn key_view(
    analysis: &Analysis,
    key: &KeyAnalysis,
    sessions: &[&MintedSession],
    blast_radius: BlastRadius,
) -> Key {
    let facts = key.facts.as_ref();
    let total = &key.attribution.total;
    let cadence = Cadence::of(total);
    let due = &key.verdict.due;
    let inventory = &analysis.material.inventory;
    let owner = key.subject.account.clone().zip(key.subject.user.clone());
    let user = owner.as_ref().and_then(|owner| inventory.users.get(owner));
    let account = key.subject.account.as_ref().and_then(|account| inventory.accounts.get(account));
    let looked_up = facts.zip(account).and_then(|(facts, account)| facts.days_looked_up(&account.regions));
    Key {
        reference: key.subject.reference(),
        access_key_id: key.subject.key.as_ref().map(ToString::to_string),
        account: key.subject.account.as_ref().map(ToString::to_string),
        account_by: key.subject.account_by.map(str::to_owned),
        user: key.subject.user.clone(),
        status: facts.and_then(|f| f.status).map(|status| status.id()),
        created: instant(facts.and_then(|f| f.created)),
        age_days: due.age_days,
        idle_days: due.idle_days,
        due_by_age: due.by_age,
        due_by_idle: due.by_idle,
        last_used: last_used(facts.map(|f| &f.last_used)),
        verdict: key.verdict.kind.id(),
        verdict_title: key.verdict.kind.title(),
        reasons: key.verdict.reasons.iter().map(|r| Reason { code: r.code, text: r.text.clone() }).collect(),
        next_steps: key.verdict.steps.clone(),
        wave: key.wave.id(),
        consumers: key
            .attribution
            .consumers
            .iter()
            .zip(&key.advice)
            .map(|(c, a)| consumer(analysis, key, c, a))
            .collect(),
        asides: key.attribution.asides.iter().map(aside).collect(),
        gaps: key
            .gaps
            .iter()
            .map(|gap| Gap {
                id: gap.kind.id(),
                blocks_unused: gap.blocks_unused,
                text: gap.detail.clone(),
                close_by: gap.close_by.clone(),
            })
            .collect(),
        usage: Usage {
            events: total.count,
            derived_events: key.attribution.derived,
            denied_events: key.denied,
            session_context_events: key.attribution.in_session,
            first: instant(total.first),
            last: instant(total.last),
            active_days: cadence.active_days,
            longest_gap_days: cadence.longest_gap_days,
            rhythm: (total.count > 0).then(|| cadence.rhythm.id()),
            days: active_days(total.days.as_slice()),
        },
        sessions: sessions_view(sessions),
        blast_radius,
        other_credentials: user.into_iter().flat_map(|u| &u.other_credentials).map(other).collect(),
        muted_by: None,
        looked_up: looked_up.map(|days| [days.first.to_string(), days.last.to_string()]),
    }
}

fn last_used(told: Option<&KeyLastUsed>) -> LastUsed {
    let plain = |state| LastUsed { state, time: None, service: None, region: None };
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    match told {
        None | Some(KeyLastUsed::Unknown) => plain("unknown"),
        Some(KeyLastUsed::Never) => plain("never"),
        Some(KeyLastUsed::At { time, service, region }) => LastUsed {
            state: "at",
            time: Some(format_instant(*time)),
            service: text(service),
            region: text(region),
        },
    }
}

fn sessions_view(sessions: &[&MintedSession]) -> Sessions {
    let mut paths: BTreeMap<&str, u64> = BTreeMap::new();
    for session in sessions {
        *paths.entry(&session.path).or_default() += session.events;
    }
    Sessions {
        handed_out: sessions.len(),
        never_seen: sessions.iter().filter(|session| session.events == 0).count(),
        paths: paths
            .into_iter()
            .map(|(path, count)| NamedCount { id: path.to_owned(), title: path.to_owned(), count })
            .collect(),
    }
}

fn counts<K: AsRef<str>>(map: &BTreeMap<K, u64>, limit: usize) -> Vec<Count> {
    let mut all: Vec<Count> =
        map.iter().map(|(name, events)| Count { name: name.as_ref().to_owned(), events: *events }).collect();
    all.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.name.cmp(&b.name)));
    all.truncate(limit);
    all
}

fn calls(map: &BTreeMap<(Arc<str>, Arc<str>), Calls>) -> Vec<Call> {
    let mut all: Vec<Call> = map
        .iter()
        .map(|((source, name), calls)| Call {
            service: source.trim_end_matches(".amazonaws.com").to_owned(),
            name: name.to_string(),
            events: calls.count,
            denied: calls.denied,
            failed: calls.failed,
        })
        .collect();
    all.sort_by(|a, b| {
        b.events.cmp(&a.events).then_with(|| (&a.service, &a.name).cmp(&(&b.service, &b.name)))
    });
    all
}

fn consumer(analysis: &Analysis, key: &KeyAnalysis, c: &Workload, advice: &Advice) -> Consumer {
    let (permissions, unmapped_calls) = permissions(analysis, key, c);
    Consumer {
        permissions,
        unmapped_calls,
        id: c.id.clone(),
        kind: c.kind.id(),
        kind_title: c.kind.title(),
        confidence: c.confidence.id(),
        capped_by: c.capped_by.clone(),
        rival: c.rival.map(WorkloadKind::title),
        questions: c.questions.clone(),
        origin: c.origin.to_string(),
        seen: c.seen,
        signals: c
            .signals
            .iter()
            .map(|s| Signal {
                kind: s.kind.id(),
                strength: s.strength.id(),
                supports: s.kind == c.kind,
                text: s.text.clone(),
                events: s.cited.events,
                first: instant(s.cited.first),
                last: instant(s.cited.last),
                sample_event_id: s.cited.sample.map(uuid),
            })
            .collect(),
        programs: counts(&c.programs, usize::MAX),
        drivers: c.drivers.iter().cloned().collect(),
        places: c.places.iter().map(ToString::to_string).collect(),
        addresses: counts(&c.addresses, SHOWN),
        addresses_total: c.addresses.len(),
        user_agents: counts(&c.agents, SHOWN),
        user_agents_total: c.agents.len(),
        credential_sources: c.credentials.iter().map(|source| source.title()).collect(),
        calls: calls(&c.calls),
        regions: c.regions.iter().map(ToString::to_string).collect(),
        roles: c.roles.iter().map(ToString::to_string).collect(),
        session_paths: counts(&c.session_paths, usize::MAX),
        events: c.stats.count,
        first: instant(c.stats.first),
        last: instant(c.stats.last),
        sample_event_id: c.stats.sample.map(uuid),
        rhythm: c.seen.then(|| c.cadence.rhythm.id()),
        active_days: c.cadence.active_days,
        longest_gap_days: c.cadence.longest_gap_days,
        replacement: replacement(advice, key),
        cut_over: None,
    }
}

/// An event id as CloudTrail writes it.
pub(crate) fn uuid(id: [u8; 16]) -> String {
    let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn replacement(advice: &Advice, key: &KeyAnalysis) -> Replacement {
    let incident = key.verdict.reasons.iter().any(|reason| INCIDENTS.contains(&reason.code));
    if incident {
        // A role would let an intruder's calls in again.
        return Replacement {
            rule: advice.rule,
            title: advice.title,
            outcome: advice.outcome.id(),
            trust_policy: None,
            needs: Vec::new(),
            steps: Vec::new(),
            caveats: vec!["the key is part of an incident: its calls may be an intruder's. Clear that up first; no policy is shown until then".to_owned()],
            unblock: None,
        };
    }
    let trust = advice.trust.as_ref();
    Replacement {
        rule: advice.rule,
        title: advice.title,
        outcome: advice.outcome.id(),
        trust_policy: trust.map(|t| t.document.clone()),
        needs: trust
            .map(|t| t.needs.iter().map(|n| Need { name: n.name, ask: n.ask }).collect())
            .unwrap_or_default(),
        steps: advice.steps.clone(),
        caveats: advice.caveats.clone(),
        unblock: advice.unblock,
    }
}

fn aside(group: &AsideGroup) -> Aside {
    Aside {
        kind: group.kind.id(),
        who: group.who.clone(),
        calls: calls(&group.calls),
        events: group.stats.count,
        first: instant(group.stats.first),
        last: instant(group.stats.last),
    }
}

fn waves(keys: &[Key]) -> Vec<Wave> {
    let of = |wave: WaveKind| {
        keys.iter().filter(move |key| key.wave == wave.id()).map(|key| key.reference.clone())
    };
    WaveKind::ALL
        .iter()
        .enumerate()
        .map(|(n, wave)| Wave {
            number: n + 1,
            id: wave.id(),
            title: wave.title(),
            keys: of(*wave).collect(),
        })
        .collect()
}

/// Users of accounts for which neither a key list nor a credential report was read. Listing them says nothing
/// about whether they have keys.
fn users_with_unknown_keys(analysis: &Analysis) -> Vec<UserRef> {
    let inventory = &analysis.material.inventory;
    let seen: BTreeSet<(&AccountId, &str)> = analysis
        .keys
        .iter()
        .filter_map(|key| Some((key.subject.account.as_ref()?, key.subject.user.as_deref()?)))
        .collect();
    inventory
        .users
        .iter()
        .filter(|((account, name), user)| {
            let listed = inventory.accounts.get(account).is_some_and(|facts| facts.has_key_list);
            user.slots.is_none() && !listed && !seen.contains(&(account, name.as_str()))
        })
        .map(|((account, user), _)| UserRef { account: account.to_string(), user: user.clone() })
        .collect()
}

fn user_sessions(analysis: &Analysis) -> Vec<UserSession> {
    let sessions = &analysis.material.evidence.user_sessions;
    sessions
        .iter()
        .map(|s| UserSession {
            account: s.account.to_string(),
            user: s.user.clone(),
            console: s.console,
            events: s.stats.count,
            first: instant(s.stats.first),
            last: instant(s.stats.last),
        })
        .collect()
}

fn summary(analysis: &Analysis, keys: &[Key], unknown_users: &[UserRef]) -> Summary {
    let verdicts = [VerdictKind::Retire, VerdictKind::Replace, VerdictKind::Rotate, VerdictKind::Investigate];
    let count = |test: &dyn Fn(&Key) -> bool| keys.iter().filter(|key| test(key)).count();
    let by_verdict = |test: &dyn Fn(&Key) -> bool| -> Vec<NamedCount> {
        let of = |verdict: &VerdictKind| NamedCount {
            id: verdict.id().to_owned(),
            title: verdict.title().to_owned(),
            count: count(&|key| key.verdict == verdict.id() && test(key)) as u64,
        };
        verdicts.iter().map(of).collect()
    };
    let consumers: Vec<&Consumer> = keys.iter().flat_map(|key| &key.consumers).collect();
    let kinds = WorkloadKind::ALL.iter().map(|kind| NamedCount {
        id: kind.id().to_owned(),
        title: kind.title().to_owned(),
        count: consumers.iter().filter(|c| c.kind == kind.id()).count() as u64,
    });
    Summary {
        accounts: accounts(analysis).len(),
        users: analysis.material.inventory.users.len(),
        keys: keys.len(),
        keys_due: count(&|key| key.due_by_age == Some(true) || key.due_by_idle == Some(true)),
        verdicts: by_verdict(&|_| true),
        inactive: by_verdict(&|key| key.status == Some("Inactive")),
        consumers: consumers.len(),
        consumers_presumed: consumers.iter().filter(|c| !c.seen).count(),
        consumers_identified: consumers.iter().filter(|c| c.kind != WorkloadKind::Unknown.id()).count(),
        kinds: kinds.filter(|kind| kind.count > 0).collect(),
        keys_muted: 0,
        keys_with_gaps: count(&|key| key.gaps.iter().any(|gap| gap.blocks_unused)),
        events: analysis.material.evidence.events,
        findings: findings(analysis, keys, unknown_users),
    }
}

fn skipped(skip: &Skip) -> Skipped {
    Skipped {
        source: skip.source.clone(),
        offset: skip.offset,
        reason: skip.reason.id(),
        detail: skip.detail.clone(),
    }
}

fn skipped_by_reason(skips: &[Skip]) -> Vec<NamedCount> {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for skip in skips {
        *by.entry(skip.reason.id()).or_default() += 1;
    }
    by.into_iter()
        .map(|(id, count)| NamedCount { id: id.to_owned(), title: id.replace('-', " "), count })
        .collect()
}

fn method(analysis: &Analysis) -> Method {
    let material = &analysis.material;
    let evidence = &material.evidence;
    let notes = [
        "A record counts for a key when its identity type is IAMUser or Root and its accessKeyId starts with AKIA, once per eventID; of differing copies the earliest counts.",
        "Events signed by sessions count for the key from which the session derives, where the record that handed it out was read.",
        "Denied calls are evidence of dependency, not of a permission.",
        "Consumers are groups of usage with the same origin; their kinds add up signals (weak 1, medium 3, strong 6), and a tie is unknown. User agents and names can be wrong or forged.",
        "Trust policies are templates: every placeholder in angle brackets has to be filled in. Permissions are what calls needed that succeeded or failed only on what they found; `offkey replace` writes the policies. What no log shows (data events that are not recorded, roles of instance profiles) is not among them.",
    ];
    Method {
        inputs: material
            .inputs
            .iter()
            .map(|input| Input {
                name: input.name.clone(),
                files: input.files,
                bytes: input.bytes,
                sha256: input.sha256.clone(),
            })
            .collect(),
        events_read: evidence.events,
        duplicates: evidence.duplicates,
        usage_rows: evidence.direct.len() + evidence.derived.len(),
        notes: notes.iter().map(|note| (*note).to_owned()).collect(),
    }
}
