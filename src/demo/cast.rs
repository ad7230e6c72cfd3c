//! Who exists: users, keys, and the programs and people that use them.

use super::calls::Call;
use super::dice::Dice;
use super::estate::{Region, Site};
use super::generate::EstateOptions;
use super::recipes;
use super::schedule::Rhythm;
use crate::model::{Day, WorkloadKind};
use jiff::Timestamp;

/// A user, or root.
pub(super) struct User {
    pub(super) site: Site,
    pub(super) name: String,
    pub(super) path: &'static str,
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) tags: Vec<(&'static str, String)>,
    pub(super) services: Vec<&'static str>,
    pub(super) quarantined: bool,
    pub(super) administrator: bool,
    pub(super) root: bool,
}

/// A key.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) user: usize,
    pub(super) created: Timestamp,
    pub(super) active: bool,
    /// Use before the logs begin, for keys that went idle.
    pub(super) used_before: Option<Timestamp>,
    /// Whether IAM's last-used time shows nothing although it is in use, as with a mailer.
    pub(super) hidden_from_iam: bool,
    pub(super) traps: Vec<&'static str>,
    pub(super) note: String,
}

/// What becomes of sessions that a consumer asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mint {
    /// It asks for none.
    None,
    /// GetSessionToken first, the work under it.
    SessionToken,
    /// AssumeRole in its own account, the work under it.
    Role,
    /// Nothing but AssumeRole, into its own and another account.
    OnlyRoles(Site),
}

/// A program or person that uses a key.
pub(super) struct Consumer {
    pub(super) key: usize,
    pub(super) kind: WorkloadKind,
    pub(super) name: String,
    pub(super) region: Region,
    pub(super) rhythm: Rhythm,
    pub(super) calls: &'static [Call],
    pub(super) ips: Vec<String>,
    pub(super) agents: Vec<&'static str>,
    pub(super) vpc_endpoint: Option<String>,
    /// Share of calls that are denied, in percent.
    pub(super) denied: u32,
    pub(super) mint: Mint,
    /// Some of its work is done by CloudFormation and by KMS through S3.
    pub(super) via_service: bool,
    pub(super) presigned: bool,
    /// A machine whose own role sessions come from the same address.
    pub(super) machine: Option<String>,
    /// No workload: a scanner's tries.
    pub(super) scanner: bool,
    pub(super) visible: bool,
    pub(super) note: &'static str,
}

/// Everybody.
pub(super) struct Cast {
    pub(super) options: EstateOptions,
    pub(super) as_of: Timestamp,
    pub(super) users: Vec<User>,
    pub(super) keys: Vec<Key>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) dice: Dice,
}

impl Cast {
    /// A user whose name must be new in its account.
    pub(super) fn user(&mut self, site: Site, name: impl Into<String>) -> usize {
        let age = self.dice.between(30, 2400);
        let user = User {
            site,
            name: name.into(),
            path: "/",
            id: self.dice.example_id("AIDA", 9),
            created: self.days_ago(age),
            tags: Vec::new(),
            services: Vec::new(),
            quarantined: false,
            administrator: false,
            root: false,
        };
        self.users.push(user);
        self.users.len() - 1
    }

    /// A key of a user, so many days old.
    pub(super) fn key(&mut self, user: usize, age: u32) -> usize {
        let id = self.dice.static_key_id(self.keys.len());
        let created = self.days_ago(age);
        if let Some(owner) = self.users.get_mut(user) {
            owner.created = owner.created.min(created);
        }
        self.keys.push(Key {
            id,
            user,
            created,
            active: true,
            used_before: None,
            hidden_from_iam: false,
            traps: Vec::new(),
            note: String::new(),
        });
        self.keys.len() - 1
    }

    /// A user with one key in use by one workload of a kind.
    pub(super) fn workload(&mut self, site: Site, kind: WorkloadKind) -> usize {
        let name = recipes::user_name(kind, self.users.len(), &mut self.dice);
        let user = self.user(site, name);
        if kind == WorkloadKind::ThirdPartySaas
            && let Some(owner) = self.users.get_mut(user)
        {
            owner.path = "/vendors/";
            owner.tags.push(("vendor", "example-monitoring".to_owned()));
        }
        let age = self.dice.between(20, 2000);
        let key = self.key(user, age);
        self.consumer(key, kind);
        key
    }

    /// One more consumer of a key.
    pub(super) fn consumer(&mut self, key: usize, kind: WorkloadKind) -> usize {
        let number = self.consumers.len();
        let mut consumer = recipes::consumer(key, kind, number, &mut self.dice);
        let scale = if self.options.keys > 120 { 120_000 / self.options.keys } else { 1000 };
        consumer.rhythm = consumer.rhythm.slower(scale);
        if let Some(user) = self.keys.get(key).and_then(|key| self.users.get_mut(key.user)) {
            user.services.extend(consumer.calls.iter().map(|call| call.service));
            user.services.extend(["ec2", "kms"].into_iter().filter(|_| consumer.via_service));
            user.services.sort_unstable();
            user.services.dedup();
        }
        self.consumers.push(consumer);
        number
    }

    /// Changes the consumer that was made last.
    pub(super) fn change_last(&mut self, change: impl FnOnce(&mut Consumer)) {
        if let Some(consumer) = self.consumers.last_mut() {
            change(consumer);
            // What a service does for it, its user may do.
            if let Some(user) = self.keys.get(consumer.key).and_then(|key| self.users.get_mut(key.user))
                && consumer.via_service
            {
                user.services.extend(["ec2", "kms"]);
                user.services.sort_unstable();
                user.services.dedup();
            }
        }
    }

    /// Marks a key with what makes it easy to misjudge.
    pub(super) fn trap(&mut self, key: usize, trap: &'static str, note: &str) {
        if let Some(key) = self.keys.get_mut(key) {
            key.traps.push(trap);
            if !note.is_empty() {
                key.note = note.to_owned();
            }
        }
    }

    pub(super) fn days_ago(&mut self, days: u32) -> Timestamp {
        let seconds = i64::from(days) * 86_400 - i64::from(self.dice.below(40_000));
        Timestamp::from_second(self.as_of.as_second() - seconds).unwrap_or(self.as_of)
    }

    /// First day of the logs.
    pub(super) fn first_day(&self) -> Day {
        Day::of(self.as_of).plus(-i32::try_from(self.options.days).unwrap_or(0))
    }
}
