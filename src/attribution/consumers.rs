//! Groups a key's usage rows into consumers and sets aside what is no consumer.

use super::agent::{Agent, CredentialSource, ProgramKind};
use super::kind::{Confidence, Signal, Traits, judge, signals};
use super::networks::{Networks, Place};
use super::origin::Origin;
use super::questions::questions;
use crate::evidence::{Cadence, Citation, Stats, UsageRow, is_authorised, is_denied};
use crate::model::{AccessKeyId, WorkloadKind};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One workload that uses a key.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Stable id: the same key and origin give the same id in every run.
    pub id: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// How far the kind can be relied upon.
    pub confidence: Confidence,
    /// The kind that is nearly as plausible.
    pub rival: Option<WorkloadKind>,
    /// Where its usage comes from.
    pub origin: Origin,
    /// What speaks for which kind.
    pub signals: Vec<Signal>,
    /// Why the confidence is lower than the signals would make it, where it is.
    pub capped_by: Option<String>,
    /// What only the owner can answer.
    pub questions: Vec<String>,
    /// Program families, with their number of events.
    pub programs: BTreeMap<String, u64>,
    /// Tools that drive those programs.
    pub drivers: BTreeSet<String>,
    /// Places.
    pub places: BTreeSet<Place>,
    /// Source addresses, with their number of events.
    pub addresses: BTreeMap<Arc<str>, u64>,
    /// User agents as written, with their number of events.
    pub agents: BTreeMap<Arc<str>, u64>,
    /// Where the secret lies, as far as agents say.
    pub credentials: BTreeSet<CredentialSource>,
    /// Service host and call, with events and how many of them were denied.
    pub calls: BTreeMap<(Arc<str>, Arc<str>), Calls>,
    /// Calls that the user's own permissions allowed.
    pub allowed: BTreeMap<AllowedCall, Allowed>,
    /// Regions that were called.
    pub regions: BTreeSet<Arc<str>>,
    /// Roles that it assumed.
    pub roles: BTreeSet<Arc<str>>,
    /// Paths of derived sessions that it worked under, with their number of events.
    pub session_paths: BTreeMap<Arc<str>, u64>,
    /// All its usage.
    pub stats: Stats,
    /// Its rhythm.
    pub cadence: Cadence,
    /// Whether any record shows it; a mailer over SMTP is presumed, not seen.
    pub seen: bool,
}

/// Events of one kind of call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All events.
    pub count: u64,
    /// Of those, denied ones.
    pub denied: u64,
    /// Of those, other errors.
    pub failed: u64,
}

/// A call that the user's own permissions allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedCall {
    /// Service host.
    pub source: Arc<str>,
    /// API call.
    pub name: Arc<str>,
    /// Region.
    pub region: Arc<str>,
    /// Service that made it on the caller's behalf, or empty.
    pub via: Arc<str>,
}

/// How often such a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Events.
    pub events: u64,
    /// Of those, events that failed, but only after the caller was authorised.
    pub failed: u64,
    /// Of those, events whose records do not name what they acted on.
    pub unnamed: u64,
}

/// Usage under a key that is no workload of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AsideKind {
    /// An AWS service with the caller's identity (forward access sessions): a permission the role will need.
    ViaService,
    /// Somebody trying a leaked key.
    KeyValidation,
}

impl AsideKind {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::ViaService => "via-service",
            Self::KeyValidation => "key-validation",
        }
    }
}

/// A group of usage set aside.
#[derive(Clone, Debug)]
pub struct Aside {
    /// What it is.
    pub kind: AsideKind,
    /// The service, or the scanner and its address.
    pub who: String,
    /// Calls, as in [`Consumer::calls`].
    pub calls: BTreeMap<(Arc<str>, Arc<str>), Calls>,
    /// Calls that the user's own permissions allowed.
    pub allowed: BTreeMap<AllowedCall, Allowed>,
    /// User agents as written.
    pub agents: BTreeSet<Arc<str>>,
    /// How often and when.
    pub stats: Stats,
}

/// Everything about one key's use.
#[derive(Clone, Debug, Default)]
pub struct Attribution {
    /// Consumers, busiest first.
    pub consumers: Vec<Consumer>,
    /// What is no consumer.
    pub asides: Vec<Aside>,
    /// All usage: direct, derived, set aside.
    pub total: Stats,
    /// Of that, events signed by derived sessions.
    pub derived: u64,
    /// Records of the key that carry a session context, which a static key's own calls do not have.
    pub in_session: u64,
    /// Tools that simulate or carry out attacks among the user agents, with their events.
    pub attack_tools: BTreeMap<String, u64>,
}

/// What is known of the key besides its usage.
pub struct KeyContext<'a> {
    /// The key.
    pub key: &'a AccessKeyId,
    /// The user's name.
    pub user_name: &'a str,
    /// The user's path.
    pub user_path: &'a str,
    /// The user's tags.
    pub tags: &'a BTreeMap<String, String>,
    /// Whether the user is set up to send mail over SMTP and IAM does not contradict it.
    pub presumed_mailer: bool,
    /// Why nothing can be told with high confidence, where the evidence is thin.
    pub thin: Option<&'a str>,
}

/// Splits one key's rows, direct and derived, into consumers.
pub fn attribute<'a>(
    context: &KeyContext<'_>,
    rows: impl Iterator<Item = &'a UsageRow>,
    networks: &Networks,
    neighbours: &BTreeMap<Arc<str>, BTreeSet<String>>,
) -> Attribution {
    let mut out = Attribution::default();
    let mut agents: HashMap<Arc<str>, Arc<Agent>> = HashMap::new();
    let mut places: HashMap<(Arc<str>, Arc<str>), Place> = HashMap::new();
    let mut groups: BTreeMap<Origin, Group<'_>> = BTreeMap::new();
    let mut asides: BTreeMap<(AsideKind, String), Aside> = BTreeMap::new();
    for row in rows {
        out.total.merge(&row.stats);
        if !row.session_path.is_empty() {
            out.derived += row.stats.count;
        }
        if row.in_session {
            out.in_session += row.stats.count;
        }
        let agent =
            agents.entry(row.agent.clone()).or_insert_with(|| Arc::new(Agent::parse(&row.agent))).clone();
        if let Some(tool) = &agent.driver {
            *out.attack_tools.entry(tool.clone()).or_default() += row.stats.count;
        }
        let place = places
            .entry((row.ip.clone(), row.vpc_endpoint.clone()))
            .or_insert_with(|| networks.place(&row.ip, &row.vpc_endpoint))
            .clone();
        if let Some((kind, who)) = set_aside(row, &agent, &place) {
            let aside = asides.entry((kind, who.clone())).or_insert_with(|| Aside {
                kind,
                who,
                calls: BTreeMap::new(),
                allowed: BTreeMap::new(),
                agents: BTreeSet::new(),
                stats: Stats::default(),
            });
            add_call(&mut aside.calls, row);
            add_allowed(&mut aside.allowed, row, &aside.who);
            aside.agents.insert(row.agent.clone());
            aside.stats.merge(&row.stats);
            continue;
        }
        // Whoever follows a presigned URL is not who holds the key: address and agent are the follower's.
        let origin = if row.presigned { Origin::UrlSigner } else { Origin::of(&place, &row.ip, &agent) };
        groups.entry(origin).or_default().rows.push((row, agent, place));
    }
    if groups.is_empty() && context.presumed_mailer {
        groups.insert(Origin::Mailer, Group::default());
    }
    out.consumers = groups
        .into_iter()
        .map(|(origin, group)| group.consumer(origin, context, networks, neighbours))
        .collect();
    out.consumers.sort_by(|a, b| b.stats.count.cmp(&a.stats.count).then_with(|| a.id.cmp(&b.id)));
    out.asides = asides.into_values().collect();
    out
}

fn set_aside(row: &UsageRow, agent: &Agent, place: &Place) -> Option<(AsideKind, String)> {
    if agent.kind == ProgramKind::KeyScanner {
        return Some((AsideKind::KeyValidation, format!("{} at {}", agent.program, row.ip)));
    }
    if !row.invoked_by.is_empty() {
        return Some((AsideKind::ViaService, row.invoked_by.to_string()));
    }
    if let Place::Service(host) = place {
        return Some((AsideKind::ViaService, host.clone()));
    }
    None
}

fn add_call(calls: &mut BTreeMap<(Arc<str>, Arc<str>), Calls>, row: &UsageRow) {
    let entry = calls.entry((row.source.clone(), row.name.clone())).or_default();
    entry.count += row.stats.count;
    if is_denied(&row.error) {
        entry.denied += row.stats.count;
    } else if !row.error.is_empty() {
        entry.failed += row.stats.count;
    }
}

/// `service`: who made it, where it was not the caller itself.
fn add_allowed(calls: &mut BTreeMap<AllowedCall, Allowed>, row: &UsageRow, service: &str) {
    if !row.by_user() || !is_authorised(&row.error) {
        return;
    }
    let call = AllowedCall {
        source: row.source.clone(),
        name: row.name.clone(),
        region: row.region.clone(),
        via: if row.invoked_by.is_empty() { service.into() } else { row.invoked_by.clone() },
    };
    let entry = calls.entry(call).or_default();
    entry.events += row.stats.count;
    entry.failed += if row.error.is_empty() { 0 } else { row.stats.count };
    entry.unnamed += if row.named { 0 } else { row.stats.count };
}

/// A row with what its agent and its address are.
pub(super) type Used<'a> = (&'a UsageRow, Arc<Agent>, Place);

#[derive(Default)]
struct Group<'a> {
    rows: Vec<Used<'a>>,
}

impl Group<'_> {
    fn consumer(
        self,
        origin: Origin,
        context: &KeyContext<'_>,
        networks: &Networks,
        neighbours: &BTreeMap<Arc<str>, BTreeSet<String>>,
    ) -> Consumer {
        let mut consumer = Consumer {
            id: consumer_id(context.key, &origin),
            kind: WorkloadKind::Unknown,
            confidence: Confidence::Low,
            rival: None,
            signals: Vec::new(),
            capped_by: None,
            questions: Vec::new(),
            programs: BTreeMap::new(),
            drivers: BTreeSet::new(),
            places: BTreeSet::new(),
            addresses: BTreeMap::new(),
            agents: BTreeMap::new(),
            credentials: BTreeSet::new(),
            calls: BTreeMap::new(),
            allowed: BTreeMap::new(),
            regions: BTreeSet::new(),
            roles: BTreeSet::new(),
            session_paths: BTreeMap::new(),
            stats: Stats::default(),
            cadence: Cadence::of(&Stats::default()),
            seen: !self.rows.is_empty(),
            origin,
        };
        let mut machines: BTreeMap<&str, Citation> = BTreeMap::new();
        let mut distinct: BTreeMap<&str, (&Agent, Citation)> = BTreeMap::new();
        let mut places: BTreeMap<&Place, Citation> = BTreeMap::new();
        let mut all = Citation::default();
        for (row, agent, place) in &self.rows {
            consumer.stats.merge(&row.stats);
            all.add(&row.stats);
            let count = row.stats.count;
            *consumer.programs.entry(agent.program.clone()).or_default() += count;
            consumer.drivers.extend(agent.driver.clone().filter(|driver| *driver != agent.program));
            consumer.credentials.extend(&agent.credentials);
            *consumer.addresses.entry(row.ip.clone()).or_default() += count;
            *consumer.agents.entry(row.agent.clone()).or_default() += count;
            add_call(&mut consumer.calls, row);
            add_allowed(&mut consumer.allowed, row, "");
            consumer.regions.insert(row.region.clone());
            if !row.assumed_role.is_empty() {
                consumer.roles.insert(row.assumed_role.clone());
            }
            if !row.session_path.is_empty() {
                *consumer.session_paths.entry(row.session_path.clone()).or_default() += count;
            }
            if !row.presigned {
                places.entry(place).or_default().add(&row.stats);
                for machine in neighbours.get(&row.ip).into_iter().flatten() {
                    machines.entry(machine).or_default().add(&row.stats);
                }
                distinct.entry(&row.agent).or_insert((agent, Citation::default())).1.add(&row.stats);
            }
        }
        consumer.cadence = Cadence::of(&consumer.stats);
        let agents: Vec<(&Agent, Citation)> = distinct.into_values().collect();
        let signals = signals(&Traits {
            origin: &consumer.origin,
            places: &places,
            agents: &agents,
            all,
            cadence: consumer.cadence,
            addresses: consumer.addresses.len(),
            machines: &machines,
            only_assumes: only_assumes(&self.rows),
            ranges_known: networks.knows_providers(),
            user_name: context.user_name,
            user_path: context.user_path,
            tags: context.tags,
        });
        let judgement = judge(&signals);
        consumer.kind = judgement.kind;
        consumer.confidence = judgement.confidence;
        if let Some(thin) = context.thin.filter(|_| judgement.confidence == Confidence::High) {
            consumer.confidence = Confidence::Medium;
            consumer.capped_by = Some(thin.to_owned());
        }
        consumer.rival = judgement.rival;
        consumer.signals = signals;
        consumer.places = places.into_keys().cloned().collect();
        consumer.questions = questions(&consumer, &self.rows);
        consumer
    }
}

/// Whether the key itself, sessions left aside, did nothing but assume roles.
fn only_assumes(rows: &[Used<'_>]) -> bool {
    let direct = || rows.iter().filter(|(row, ..)| row.session_path.is_empty()).map(|(row, ..)| row);
    direct().any(|row| &*row.name == "AssumeRole")
        && direct().all(|row| {
            &*row.source == "sts.amazonaws.com" && matches!(&*row.name, "AssumeRole" | "GetCallerIdentity")
        })
}

/// Twelve hexadecimal digits of a hash over key and origin.
fn consumer_id(key: &AccessKeyId, origin: &Origin) -> String {
    let hash = Sha256::digest(format!("{key}\n{origin}").as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
