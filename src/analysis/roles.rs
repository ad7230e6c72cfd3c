//! The role of each consumer: what its calls come to, as policies, and how those compare with what was observed.

use super::keys::{Analysis, KeyAnalysis};
use crate::attribution::{Allowed, AllowedCall, AsideKind, Consumer};
use crate::evidence::{ActionOfKey, Evidence};
use crate::inventory::User;
use crate::model::AccessKeyId;
use crate::policy::{
    Observed, Parity, Permissions, Replayed, Split, derive, parity, replayed, split, statements,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A consumer's role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// The calls that it rests on.
    pub observed: Vec<Observed>,
    /// What they come to.
    pub permissions: Permissions,
    /// Policies of what is granted.
    pub policies: Split,
    /// Policies of what is only granted if asked for.
    pub privileged: Split,
    /// Whether the user's policies of today are all known, so that nothing is granted that it never had.
    pub today_known: bool,
}

impl Role {
    /// Every request of the replay, with what our own evaluator makes of it, and the policies that it is asked of.
    pub fn replayed(&self) -> (Vec<String>, BTreeSet<Replayed>) {
        let documents = self.policies.documents.iter().chain(&self.privileged.documents);
        let documents: Vec<Value> = documents.map(|document| document.json()).collect();
        let replayed = replayed(&self.observed, &documents);
        (documents.iter().map(Value::to_string).collect(), replayed)
    }

    /// Holds the policies against the calls.
    pub fn parity(&self, user: Option<&User>) -> Parity {
        let documents = |split: &Split| -> Vec<Value> { split.documents.iter().map(|d| d.json()).collect() };
        let today = today(user);
        parity(
            &self.observed,
            &self.permissions,
            &documents(&self.policies),
            &documents(&self.privileged),
            today.as_deref(),
            user.and_then(|user| user.boundary.as_ref()?.document.as_ref()),
        )
    }
}

/// The user of a key, where the inventory has it.
pub fn user_of<'a>(analysis: &'a Analysis, key: &KeyAnalysis) -> Option<&'a User> {
    let (account, user) = (key.subject.account.clone()?, key.subject.user.clone()?);
    analysis.material.inventory.users.get(&(account, user))
}

/// The figures of all roles of one key.
pub fn parity_of(analysis: &Analysis, key: &KeyAnalysis, roles: &[Role]) -> Parity {
    let user = user_of(analysis, key);
    let mut parities = roles.iter().map(|role| role.parity(user));
    let mut sum = parities.next().unwrap_or_default();
    parities.for_each(|parity| sum.add(&parity));
    sum
}

/// The role of one consumer of a key.
pub fn role_of(analysis: &Analysis, key: &KeyAnalysis, consumer: &Consumer) -> Role {
    let observed =
        key.subject.key.as_ref().map(|id| observed(&analysis.material.evidence, id, key, consumer));
    let observed = observed.unwrap_or_default();
    let today = today(user_of(analysis, key));
    let permissions = derive(&observed, today.as_deref());
    Role {
        policies: split(statements(&permissions.grants, "")),
        privileged: split(statements(&permissions.privileged, "Privileged")),
        today_known: today.is_some(),
        observed,
        permissions,
    }
}

/// What the user's policies say today, where all of them are known.
fn today(user: Option<&User>) -> Option<Vec<&Value>> {
    let user = user.filter(|user| user.policies_known && user.in_details)?;
    Some(user.policies.iter().collect())
}

/// Calls by source, name, and the service that made them for the key.
type ByCall = BTreeMap<(Arc<str>, Arc<str>, Arc<str>), Observed>;

fn observed(evidence: &Evidence, key: &AccessKeyId, of: &KeyAnalysis, consumer: &Consumer) -> Vec<Observed> {
    let mut calls = ByCall::new();
    // Whose calls they are is told by the program, and for a service's calls by that service's own agents.
    let mut agents: BTreeMap<Arc<str>, BTreeSet<&str>> = BTreeMap::new();
    let own = consumer.agents.keys().map(|agent| &**agent);
    agents.entry(Arc::default()).or_default().extend(own);
    for (call, allowed) in &consumer.allowed {
        add(&mut calls, call, *allowed);
    }
    // Which consumer had a service call for it no record says: those that call the service, or else any.
    for aside in of.attribution.asides.iter().filter(|aside| aside.kind == AsideKind::ViaService) {
        let calls_it = |c: &Consumer| c.allowed.keys().any(|call| *call.source == *aside.who);
        if calls_it(consumer) || !of.attribution.consumers.iter().any(calls_it) {
            for (call, allowed) in &aside.allowed {
                add(&mut calls, call, *allowed);
                agents.entry(call.via.clone()).or_default().extend(aside.agents.iter().map(|a| &**a));
            }
        }
    }
    let none = BTreeSet::new();
    for ((source, name, via), call) in &mut calls {
        let from = ActionOfKey {
            key: key.clone(),
            source: source.clone(),
            name: name.clone(),
            agent: Arc::default(),
            by_role: false,
            authorised: false,
        };
        let same = evidence
            .resources
            .range(from..)
            .take_while(|(action, _)| action.key == *key && action.source == *source && action.name == *name);
        let agents = agents.get(via).unwrap_or(&none);
        for (_, set) in same.filter(|(action, _)| {
            // Stores of earlier versions do not know which program it was.
            let mine = action.agent.is_empty() || agents.contains(&*action.agent);
            mine && action.authorised && !action.by_role
        }) {
            call.resources.extend(set.names().map(str::to_owned));
            call.shows.extend(set.shows().map(str::to_owned));
            call.coarse |= set.level() > 0;
        }
    }
    calls.into_values().collect()
}

fn add(calls: &mut ByCall, call: &AllowedCall, allowed: Allowed) {
    let key = (call.source.clone(), call.name.clone(), call.via.clone());
    let entry = calls.entry(key).or_insert_with(|| Observed {
        source: call.source.to_string(),
        name: call.name.to_string(),
        via: call.via.to_string(),
        all_named: true,
        ..Observed::default()
    });
    entry.regions.insert(call.region.to_string());
    entry.events += allowed.events;
    entry.failed += allowed.failed;
    entry.all_named &= allowed.unnamed == 0;
}
