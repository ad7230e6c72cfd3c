//! Follows temporary credentials back to the static key that they derive from.

use super::facts::SessionFacts;
use super::lineage::Step;
use super::usage::{Stats, UsageRow};
use crate::cloudtrail::{Event, IdentityKind};
use crate::model::{AccessKeyId, AccountId};
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A session handed out, directly or over other sessions, by a static key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintedSession {
    /// The session's key id.
    pub session: AccessKeyId,
    /// The static key at the root of the chain.
    pub key: AccessKeyId,
    /// Steps from the key to the session, joined by ` > `.
    pub path: Arc<str>,
    /// Events that the session signed; 0 where none was seen, which leaves its use unknown.
    pub events: u64,
}

/// What became of the sessions that keys handed out.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    /// Every session that derives from a static key, sorted by key and session.
    pub sessions: Vec<MintedSession>,
}

/// Session use by an IAM user that no key in the evidence handed out.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSessions {
    /// The user's account.
    pub account: AccountId,
    /// The user.
    pub user: String,
    /// Whether the sessions came from the console.
    pub console: bool,
    /// How often and when.
    pub stats: Stats,
}

/// How a session came to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    parent: String,
    step: String,
}

/// A session's own user, for those that turn out to derive from nothing known.
#[derive(Clone)]
struct Holder {
    account: AccountId,
    user: String,
    console: bool,
}

/// The user whose session it is that may have signed.
pub(super) fn holder<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    match event.identity.kind {
        IdentityKind::IamUser => Some(&event.identity.user),
        // GetFederationToken: the user is who issued the session.
        IdentityKind::FederatedUser => Some(&event.identity.issuer),
        _ => None,
    }
}

/// Everything about sessions that has to wait until all files are read.
#[derive(Default)]
pub(crate) struct SessionLog {
    origins: HashMap<String, Origin>,
    /// Sessions whose record names no caller (another account's key), by `sharedEventID`.
    shared_children: HashMap<String, (String, String)>,
    shared_parents: HashMap<String, String>,
    holders: HashMap<String, Holder>,
}

/// Of several claims to one id, which forged or masked records make, the smallest stands whatever came first.
fn keep_smallest<T: Ord>(map: &mut HashMap<String, T>, id: &str, value: T) {
    match map.get_mut(id) {
        Some(old) if *old <= value => {}
        Some(old) => *old = value,
        None => {
            map.insert(id.to_owned(), value);
        }
    }
}

/// Steps that a path names; longer chains are told by their beginning.
const SHOWN_STEPS: usize = 8;

impl SessionLog {
    /// Notes who hands out which session; every step is told to `tell`, too.
    pub(crate) fn see(&mut self, event: &Event<'_>, tell: &mut dyn FnMut(Step<'_>)) {
        let key = event.identity.key.as_deref();
        let signer = key.filter(|key| AccessKeyId::names_static(key) || AccessKeyId::names_session(key));
        if let Some(minted) = event.minted.as_ref().filter(|m| AccessKeyId::names_session(&m.key)) {
            let step = || match &*minted.role_arn {
                "" => event.name.to_string(),
                role => format!("{} {role}", event.name),
            };
            match signer {
                Some(parent) => {
                    tell(Step::HandedOut(parent, &minted.key));
                    self.note_origin(&minted.key, parent.to_owned(), step());
                }
                // Services assume roles all the time, and never by anybody's key.
                None if !event.shared_id.is_empty() && event.identity.kind != IdentityKind::AwsService => {
                    tell(Step::Received(&event.shared_id, &minted.key));
                    let child = (minted.key.to_string(), step());
                    keep_smallest(&mut self.shared_children, &event.shared_id, child);
                }
                None => {}
            }
        }
        let Some(signer) = signer else { return };
        if !event.shared_id.is_empty() && event.name.starts_with("AssumeRole") {
            tell(Step::Shared(&event.shared_id, signer));
            keep_smallest(&mut self.shared_parents, &event.shared_id, signer.to_owned());
        }
    }

    /// Notes whose session signed, if it is one of a user's.
    pub(crate) fn see_holder(&mut self, signer: &str, event: &Event<'_>) {
        if AccessKeyId::names_session(signer)
            && let Some(user) = holder(event).filter(|user| !user.is_empty())
            && let Some(account) = event.identity.account.as_deref()
        {
            self.note_holder(signer, account, user, event.identity.from_console);
        }
    }

    fn note_origin(&mut self, child: &str, parent: String, step: String) {
        let origin = Origin { parent, step };
        // Masked ids can have several origins: the first in order stands, whatever came first.
        keep_smallest(&mut self.origins, child, origin);
    }

    fn note_holder(&mut self, session: &str, account: &str, user: &str, console: bool) {
        match self.holders.get_mut(session) {
            Some(known) => {
                known.console |= console;
                if (account, user) < (known.account.as_str(), known.user.as_str()) {
                    known.account = AccountId::new(account);
                    known.user = user.to_owned();
                }
            }
            None => {
                let account = AccountId::new(account);
                self.holders.insert(session.to_owned(), Holder { account, user: user.to_owned(), console });
            }
        }
    }

    pub(crate) fn into_facts(self) -> SessionFacts {
        SessionFacts {
            origins: self.origins.into_iter().map(|(child, o)| (child, o.parent, o.step)).collect(),
            received: self.shared_children.into_iter().map(|(id, (child, step))| (id, child, step)).collect(),
            shared: self.shared_parents.into_iter().collect(),
            holders: self
                .holders
                .into_iter()
                .map(|(session, h)| (session, h.account.as_str().to_owned(), h.user, h.console))
                .collect(),
        }
    }

    pub(crate) fn take_in(&mut self, facts: SessionFacts) {
        for (child, parent, step) in facts.origins {
            self.note_origin(&child, parent, step);
        }
        for (shared, child, step) in facts.received {
            keep_smallest(&mut self.shared_children, &shared, (child, step));
        }
        for (shared, parent) in facts.shared {
            keep_smallest(&mut self.shared_parents, &shared, parent);
        }
        for (session, account, user, console) in facts.holders {
            self.note_holder(&session, &account, &user, console);
        }
    }

    /// Splits session rows, each with whether a role's session signed it, into those that derive from a key (renamed to it) and the rest.
    pub(crate) fn resolve(
        mut self,
        rows: Vec<(UsageRow, bool)>,
    ) -> (Chains, Vec<UsageRow>, Vec<UserSessions>) {
        let mut shared: Vec<_> = std::mem::take(&mut self.shared_children).into_iter().collect();
        shared.sort();
        for (shared, (child, step)) in shared {
            if let Some(parent) = self.shared_parents.get(&shared) {
                self.origins.entry(child).or_insert_with(|| Origin { parent: parent.clone(), step });
            }
        }
        let mut known: HashMap<&str, Option<Root>> = HashMap::default();
        let mut roots: BTreeMap<&str, (AccessKeyId, Arc<str>, u64)> = BTreeMap::new();
        for child in self.origins.keys() {
            if let Some(root) = self.root(child, &mut known) {
                roots.insert(child, (root.key, root.path, 0));
            }
        }
        let mut derived = Vec::new();
        let mut loose: BTreeMap<(AccountId, String, bool), Stats> = BTreeMap::new();
        for (mut row, by_role) in rows {
            if let Some((key, path, events)) = roots.get_mut(row.key.as_str()) {
                *events += row.stats.count;
                row.key = key.clone();
                row.session_path = path.clone();
                derived.push(row);
            } else if !by_role && let Some(holder) = self.holders.get(row.key.as_str()) {
                let group = (holder.account.clone(), holder.user.clone(), holder.console);
                loose.entry(group).or_default().merge(&row.stats);
            }
        }
        let mut sessions: Vec<MintedSession> = roots
            .into_iter()
            .map(|(session, (key, path, events))| MintedSession {
                session: AccessKeyId::new(session),
                key,
                path,
                events,
            })
            .collect();
        sessions.sort_by(|a, b| (&a.key, &a.session).cmp(&(&b.key, &b.session)));
        let users = loose
            .into_iter()
            .map(|((account, user, console), stats)| UserSessions { account, user, console, stats })
            .collect();
        (Chains { sessions }, derived, users)
    }

    /// Climbs from a session to the static key that started the chain. Brokers renew a role's session by itself for
    /// months, so that chains can be thousands of steps long; what is found is kept for every step.
    fn root<'a>(&'a self, session: &'a str, known: &mut HashMap<&'a str, Option<Root>>) -> Option<Root> {
        let mut climbed: Vec<(&'a str, &'a Origin)> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = session;
        let mut found: Option<Root> = loop {
            if let Some(root) = known.get(at) {
                break root.clone();
            }
            let key = AccessKeyId::new(at);
            if key.is_static() {
                break Some(Root { key, path: Arc::default(), steps: 0 });
            }
            // Forged or masked ids can lead in a circle.
            match self.origins.get(at) {
                Some(origin) if seen.insert(at) => {
                    climbed.push((at, origin));
                    at = &origin.parent;
                }
                _ => break None,
            }
        };
        for (child, origin) in climbed.into_iter().rev() {
            found = found.map(|root| root.then(&origin.step));
            known.insert(child, found.clone());
        }
        found
    }
}

/// Where a chain starts, and how it led to a session.
#[derive(Clone)]
struct Root {
    key: AccessKeyId,
    path: Arc<str>,
    steps: usize,
}

impl Root {
    fn then(self, step: &str) -> Self {
        let path = match self.steps {
            0 => step.into(),
            steps if steps < SHOWN_STEPS => format!("{} > {step}", self.path).into(),
            SHOWN_STEPS => format!("{} > …", self.path).into(),
            _ => self.path,
        };
        Self { path, steps: self.steps + 1, ..self }
    }
}
