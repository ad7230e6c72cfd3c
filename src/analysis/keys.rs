//! Goes through every key: its use, its gaps, its replacements, its verdict, its wave.

use super::read::Material;
use crate::attribution::{Attribution, KeyContext, attribute};
use crate::cloudtrail::object_name;
use crate::evidence::{Activity, Evidence, Gap, GapInput, UsageRow, find_gaps};
use crate::graph::{Graph, GraphInput};
use crate::inventory::{KeyFacts, KeyStatus, LastUsed, Slot, User, UserKey, latest};
use crate::model::{AccessKeyId, AccountId, ROOT_USER, Window, counted};
use crate::policy::prefix_of;
use crate::recommend::{Advice, Case, KeyCase, Thresholds, Verdict, Wave, WaveInput, advise, judge, wave_of};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Which time the report speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// This one.
    At(Timestamp),
    /// The newest time in the evidence; the given one where there is none.
    Evidence(Timestamp),
}

/// A key, or a slot of the credential report whose key no export names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySubject {
    /// Key id; empty for a slot.
    pub key: Option<AccessKeyId>,
    /// Account and user, where known.
    pub account: Option<AccountId>,
    /// How the account was told, where the evidence did not state it.
    pub account_by: Option<&'static str>,
    /// User name.
    pub user: Option<String>,
    /// Slot from 0, where no export names the key.
    pub slot: Option<usize>,
}

impl KeySubject {
    /// Unique name.
    pub fn reference(&self) -> String {
        match (&self.key, self.slot) {
            (Some(key), _) => key.to_string(),
            (None, slot) => {
                let account = self.account.as_ref().map_or("unknown", AccountId::as_str);
                let user = self.user.as_deref().unwrap_or("unknown");
                format!("{account}/{user}#{}", slot.map_or(0, |s| s + 1))
            }
        }
    }
}

/// All that is concluded about one key.
pub struct KeyAnalysis {
    /// The key.
    pub subject: KeySubject,
    /// Facts from the inventory.
    pub facts: Option<KeyFacts>,
    /// Its use.
    pub attribution: Attribution,
    /// Denied events among its usage.
    pub denied: u64,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// A replacement for each consumer, in their order.
    pub advice: Vec<Advice>,
    /// The verdict.
    pub verdict: Verdict,
    /// The wave.
    pub wave: Wave,
}

/// Everything concluded from the inputs.
pub struct Analysis {
    /// What the inputs hold.
    pub material: Material,
    /// Each key, in the order of waves.
    pub keys: Vec<KeyAnalysis>,
    /// The dependency graph.
    pub graph: Graph,
    /// The time it speaks for.
    pub as_of: Timestamp,
    /// Thresholds.
    pub thresholds: Thresholds,
}

/// Policies that AWS attaches to users whose keys it found exposed
/// (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html>).
const QUARANTINE: &str = ":iam::aws:policy/AWSCompromisedKeyQuarantine";

/// Concludes everything from the material.
pub fn analyse(material: Material, as_of: AsOf, thresholds: Thresholds) -> Analysis {
    let as_of = match as_of {
        AsOf::At(time) => time,
        AsOf::Evidence(otherwise) => newest(&material).unwrap_or(otherwise),
    };
    let mut rows: HashMap<&AccessKeyId, Vec<&UsageRow>> = HashMap::new();
    for row in material.evidence.direct.iter().chain(&material.evidence.derived) {
        rows.entry(&row.key).or_default().push(row);
    }
    let mut owned: HashMap<&UserKey, Vec<&AccessKeyId>> = HashMap::new();
    for (key, facts) in &material.inventory.keys {
        if let Some(owner) = &facts.owner {
            owned.entry(owner).or_default().push(key);
        }
    }
    let context = Context {
        owned,
        strays: material.evidence.strays.iter().map(|stray| (&stray.key, stray.count)).collect(),
        unread: unread(&material),
        material: &material,
        rows: &rows,
        as_of,
        thresholds,
    };
    let mut keys: Vec<KeyAnalysis> =
        subjects(&material).into_iter().map(|candidate| context.key(candidate)).collect();
    let graph = graph_of(&material, &keys, Detail::Services);
    let sharing: BTreeSet<String> =
        graph.shared_consumers().into_iter().flat_map(|shared| shared.keys).collect();
    for key in &mut keys {
        key.wave = wave_of(&WaveInput {
            verdict: &key.verdict,
            attribution: &key.attribution,
            advice: &key.advice,
            shares_consumer: sharing.contains(&key.subject.reference()),
        });
    }
    keys.sort_by_cached_key(|key| (key.wave, key.subject.reference()));
    drop(rows);
    Analysis { material, keys, graph, as_of, thresholds }
}

/// The newest time that any input speaks of.
fn newest(material: &Material) -> Option<Timestamp> {
    let rows = material.evidence.direct.iter().chain(&material.evidence.derived);
    let events = rows.filter_map(|row| row.stats.last).max();
    let reports = material.inventory.accounts.values().filter_map(|facts| facts.credential_report).max();
    let windows = material.evidence.coverage.accounts().filter_map(|a| material.evidence.coverage.window(a));
    // The day after the last one covered, as the events of that day are all in.
    let covered = windows.map(|w| w.last.start()).max();
    [events, reports, covered].into_iter().flatten().max()
}

/// Every key that is listed, that signed anything, or that a slot shows without naming it.
fn subjects(material: &Material) -> Vec<Candidate> {
    let mut ids: BTreeSet<&AccessKeyId> = material.inventory.keys.keys().collect();
    ids.extend(material.evidence.direct.iter().map(|row| &row.key));
    ids.extend(material.evidence.strays.iter().map(|stray| &stray.key));
    // Also keys of which every record was a copy of another event.
    ids.extend(material.evidence.activity.keys());
    let mut taken: BTreeSet<(&AccountId, &str, usize)> = BTreeSet::new();
    let mut unmatched: BTreeMap<(&AccountId, &str), Vec<AccessKeyId>> = BTreeMap::new();
    for (id, facts) in &material.inventory.keys {
        match (&facts.owner, facts.slot) {
            (Some((account, user)), Some(slot)) => {
                taken.insert((account, user, slot));
            }
            (Some((account, user)), None) => unmatched.entry((account, user)).or_default().push(id.clone()),
            (None, _) => {}
        }
    }
    let mut out = Vec::new();
    for id in ids {
        let facts = material.inventory.keys.get(id).cloned();
        let owners = material.evidence.owners.get(id);
        let seen = owners.filter(|owners| owners.len() == 1).and_then(|owners| owners.first());
        // What IAM lists is how things are now; a user may have had another name when it made its calls.
        let listed = facts.as_ref().and_then(|f| f.owner.as_ref());
        let owner = listed.or(seen);
        let certain = seen.is_some_and(|(account, _)| owner.is_some_and(|(told, _)| told == account));
        let by = if certain { None } else { facts.as_ref().map(|f| f.owner_by).filter(|by| !by.is_empty()) };
        // Lists that contradict each other leave even the trail's word in doubt.
        let disputed = facts.as_ref().is_some_and(|f| f.owner.is_none() && !f.owner_by.is_empty());
        let owner = owner.filter(|_| !disputed);
        let inferred = if owner.is_none() { id.inferred_account() } else { None };
        let subject = KeySubject {
            key: Some(id.clone()),
            account_by: if inferred.is_some() { Some("the key id (inferred)") } else { by },
            account: owner.map(|(account, _)| account.clone()).or(inferred),
            user: owner.map(|(_, user)| user.clone()),
            slot: None,
        };
        out.push(Candidate { subject, facts, shares: Vec::new() });
    }
    for ((account, user), entry) in &material.inventory.users {
        let open: Vec<(usize, &Slot)> = entry
            .slots
            .iter()
            .flatten()
            .enumerate()
            .filter(|(n, slot)| slot.holds_key() && !taken.contains(&(account, user, *n)))
            .collect();
        // Keys that could not be matched fill some of these slots; which ones cannot be told.
        let keys = unmatched.get(&(account, user.as_str())).cloned().unwrap_or_default();
        let spare = open.len().saturating_sub(keys.len());
        let uses: Vec<&Slot> = open.iter().map(|(_, slot)| *slot).collect();
        // A key that ever signed as this user, whatever other names it signed under, may be in one of them, too.
        let me = (account.clone(), user.clone());
        let placed =
            |id: &AccessKeyId| material.inventory.keys.get(id).is_some_and(|facts| facts.slot.is_some());
        let signers =
            material.evidence.owners.iter().filter(|(id, owners)| owners.contains(&me) && !placed(id));
        let shares: Vec<AccessKeyId> = if spare == 0 {
            Vec::new()
        } else {
            signers.map(|(id, _)| id.clone()).chain(keys.clone()).collect()
        };
        for (index, slot) in open.iter().skip(open.len() - spare) {
            let (subject, mut facts) = slot_subject(account, user, entry, *index, slot);
            if !keys.is_empty() {
                facts.last_used = latest(&uses);
            }
            out.push(Candidate { subject, facts: Some(facts), shares: shares.clone() });
        }
    }
    out
}

/// A key to be judged.
struct Candidate {
    subject: KeySubject,
    facts: Option<KeyFacts>,
    /// Other keys whose signs of life may be its own.
    shares: Vec<AccessKeyId>,
}

fn slot_subject(
    account: &AccountId,
    user: &str,
    entry: &User,
    index: usize,
    slot: &Slot,
) -> (KeySubject, KeyFacts) {
    let subject = KeySubject {
        key: None,
        account: Some(account.clone()),
        account_by: None,
        user: Some(user.to_owned()),
        slot: Some(index),
    };
    let facts = KeyFacts {
        owner: Some((account.clone(), user.to_owned())),
        status: Some(if slot.active { KeyStatus::Active } else { KeyStatus::Inactive }),
        // Created or last changed: the key is at least this old.
        created: slot.last_rotated,
        last_used: slot.last_used.clone(),
        observed: entry.slots_observed,
        ..KeyFacts::default()
    };
    (subject, facts)
}

struct Context<'a> {
    material: &'a Material,
    rows: &'a HashMap<&'a AccessKeyId, Vec<&'a UsageRow>>,
    /// Keys by their users.
    owned: HashMap<&'a UserKey, Vec<&'a AccessKeyId>>,
    strays: BTreeMap<&'a AccessKeyId, u64>,
    unread: Option<String>,
    as_of: Timestamp,
    thresholds: Thresholds,
}

/// What could not be read and might be about anybody: damage in files that do not say whose they are.
fn unread(material: &Material) -> Option<String> {
    let anybodys = material.skips.iter().filter(|s| {
        s.reason.may_hide_records() && !s.reason.is_of_a_call() && object_name(&s.source).is_none()
    });
    let n = anybodys.count();
    match (n, material.inventory.incomplete) {
        (0, _) if material.inventory.unfinished => {
            Some("a live collection was cut short: what it had not come to is unknown".to_owned())
        }
        (0, false) => None,
        (0, true) => Some("a listing was not whole, or lists contradict each other".to_owned()),
        (n, _) => Some(format!(
            "{} in the inputs could not be read, and might be about any key",
            counted(n, "place")
        )),
    }
}

impl Context<'_> {
    /// What the other keys of a key's user did.
    fn siblings(&self, subject: &KeySubject) -> impl Iterator<Item = &UsageRow> {
        let owner = subject.account.clone().zip(subject.user.clone());
        let keys = owner.and_then(|owner| self.owned.get(&owner)).into_iter().flatten();
        let others = keys.filter(move |key| Some(**key) != subject.key.as_ref());
        others.filter_map(|key| self.rows.get(key)).flatten().copied()
    }

    fn key(&self, candidate: Candidate) -> KeyAnalysis {
        let Candidate { subject, facts, shares } = candidate;
        let Material { evidence, inventory, networks, .. } = self.material;
        let owner = subject.account.clone().zip(subject.user.clone());
        let user = owner.as_ref().and_then(|owner| inventory.users.get(owner));
        let nobody = User::default();
        let known = user.unwrap_or(&nobody);
        let mut activity = Activity::default();
        for key in subject.key.iter().chain(&shares) {
            activity.merge(evidence.activity.get(key).copied().unwrap_or_default());
        }
        let user_name = subject.user.as_deref().unwrap_or_default();
        let account_facts = subject.account.as_ref().and_then(|account| inventory.accounts.get(account));
        let rows =
            subject.key.as_ref().and_then(|key| self.rows.get(key)).map(Vec::as_slice).unwrap_or_default();
        let no_key = AccessKeyId::new(subject.reference());
        let thin = subject.account.as_ref().and_then(|account| thin(evidence, account));
        let attribution = attribute(
            &KeyContext {
                thin: thin.as_deref(),
                key: subject.key.as_ref().unwrap_or(&no_key),
                user_name,
                user_path: &known.path,
                tags: &known.tags,
                presumed_mailer: presumed_mailer(facts.as_ref(), known, user_name),
            },
            rows.iter().copied(),
            networks,
            &evidence.neighbours,
        );
        // A listed key whose owner is not known may be the one in this slot.
        let any_homeless =
            subject.slot.is_some() && inventory.keys.values().any(|facts| facts.owner.is_none());
        let homeless = any_homeless.then_some("a key whose owner is not known may be the one in this slot");
        let gaps = find_gaps(&GapInput {
            account: subject.account.as_ref(),
            key: facts.as_ref(),
            user,
            user_name,
            facts: account_facts,
            coverage: &evidence.coverage,
            services_of_siblings: &|service| {
                self.siblings(&subject).any(|row| is_service(&row.source, service))
            },
            services_seen: &|service| rows.iter().any(|row| is_service(&row.source, service)),
            last_event: activity.last.max(attribution.total.last),
            keyless: owner.as_ref().and_then(|owner| own_calls(evidence, owner)),
            unread: self.unread.as_deref().or(homeless),
            as_of: self.as_of,
            max_idle: self.thresholds.max_idle,
        });
        let account = subject.account.as_ref().map_or("<ACCOUNT_ID>", AccountId::as_str);
        // An ARN's second field; of a user that only records name, the usual partition.
        let partition = known.arn.split(':').nth(1).filter(|p| p.starts_with("aws")).unwrap_or("aws");
        let advice: Vec<Advice> = attribution
            .consumers
            .iter()
            .map(|consumer| {
                advise(&Case {
                    consumer,
                    account,
                    partition,
                    root: user_name == ROOT_USER,
                    facts: account_facts,
                })
            })
            .collect();
        let quarantine =
            known.attached.iter().find(|arn| arn.contains(QUARANTINE)).and_then(|arn| arn.rsplit('/').next());
        let stray_records = subject.key.as_ref().and_then(|key| self.strays.get(key)).copied().unwrap_or(0);
        let denied =
            rows.iter().filter(|row| crate::evidence::is_denied(&row.error)).map(|row| row.stats.count).sum();
        let verdict = judge(&KeyCase {
            denied,
            activity,
            user_name,
            facts: facts.as_ref(),
            attribution: &attribution,
            advice: &advice,
            gaps: &gaps,
            quarantine,
            stray_records,
            as_of: self.as_of,
            thresholds: self.thresholds,
        });
        KeyAnalysis { subject, facts, attribution, denied, gaps, advice, verdict, wave: Wave::Gaps }
    }
}

/// Days of logs below which nothing is told with high confidence: a fortnight shows what works weekly twice.
const FEW_DAYS: i32 = 14;

/// Why the logs of an account are too thin for high confidence, where they are.
fn thin(evidence: &Evidence, account: &AccountId) -> Option<String> {
    let window = evidence.coverage.window(account)?;
    if window.days() < FEW_DAYS {
        let days = counted(window.days(), "day");
        return Some(format!("logs of {days} only were read: what acts more rarely was not seen"));
    }
    let missing: i32 = evidence.coverage.missing(account, window).iter().map(Window::days).sum();
    // Accounts that rest at weekends miss two days of seven.
    (missing * 10 > window.days() * 4)
        .then(|| format!("of {} days between the first and the last log, {missing} have none", window.days()))
}

/// The last call of a user, outside of the console, that no key can be held to: without a key id, or by a session
/// that no key seen handed out.
fn own_calls(evidence: &Evidence, owner: &UserKey) -> Option<Timestamp> {
    let loose =
        evidence.user_sessions.iter().filter(|s| !s.console && s.account == owner.0 && s.user == owner.1);
    loose.filter_map(|s| s.stats.last).max().max(evidence.keyless.get(owner).copied())
}

/// IAM abbreviates services as in ARNs (`monitoring` for CloudWatch); hosts start with the same word, as far as
/// the services go that matter here. Where the names differ, the service counts as unseen, which errs safely.
fn is_service(host: &str, service: &str) -> bool {
    // Application Auto Scaling calls itself `autoscaling` in the trail.
    let scaling = service == "application-autoscaling" && host.starts_with("autoscaling.");
    scaling
        || prefix_of(host).is_some_and(|prefix| prefix.eq_ignore_ascii_case(service))
        || host.split('.').next().is_some_and(|name| name.eq_ignore_ascii_case(service))
}

/// Whether the user is set up as an SMTP mailer and IAM's record does not name another service.
fn presumed_mailer(facts: Option<&KeyFacts>, user: &User, name: &str) -> bool {
    let set_up = name.starts_with("ses-smtp-user") || user.may_send_mail;
    let active = facts.and_then(|facts| facts.status) != Some(KeyStatus::Inactive);
    let other_use = facts.is_some_and(|facts| matches!(&facts.last_used, LastUsed::At { service, .. } if !matches!(service.as_str(), "" | "ses")));
    set_up && active && !other_use
}

/// How much the graph shows of what keys are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Services.
    Services,
    /// Also actions, and the resources that they acted on.
    Resources,
}

/// The graph of some keys.
pub fn graph_of(material: &Material, keys: &[KeyAnalysis], detail: Detail) -> Graph {
    let references: Vec<AccessKeyId> =
        keys.iter().map(|key| AccessKeyId::new(key.subject.reference())).collect();
    let titles: Vec<Vec<&str>> =
        keys.iter().map(|key| key.advice.iter().map(|advice| advice.title).collect()).collect();
    let mut resources: BTreeMap<&AccessKeyId, BTreeSet<String>> = BTreeMap::new();
    if detail == Detail::Resources {
        for (action, set) in &material.evidence.resources {
            resources.entry(&action.key).or_default().extend(set.names().map(str::to_owned));
        }
    }
    let resources: Vec<Vec<String>> = references
        .iter()
        .map(|key| resources.remove(key).map(|names| names.into_iter().collect()).unwrap_or_default())
        .collect();
    let parts = keys.iter().zip(&references).zip(&titles).zip(&resources);
    Graph::build(parts.map(|(((key, reference), replacements), resources)| GraphInput {
        key: reference,
        account: key.subject.account.as_ref().map_or("unknown", AccountId::as_str),
        user: key.subject.user.as_deref().unwrap_or("unknown"),
        attribution: &key.attribution,
        replacements,
        actions: detail == Detail::Resources,
        resources,
    }))
}
