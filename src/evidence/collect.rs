//! Folds events into facts, each event once, whatever the order of files.

use super::facts::{
    COLUMNS, FactAction, FactAddendum, FactEvent, FactRow, Facts, Micros, NO_TIME, flags, micros,
};
use super::intern::{Interner, Symbol};
use super::lineage::{Lineage, Step};
use super::resources::ResourceSet;
use super::sessions::{SessionLog, holder};
use super::taken::{EventKey, Taken, key};
use super::usage::is_authorised;
use crate::cloudtrail::{ActedOn, Event, EventId, IdentityKind, Memo};
use crate::model::AccessKeyId;
use hashbrown::{HashMap, HashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

/// Columns of a row while strings are numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Columns {
    pub(super) text: [Symbol; COLUMNS],
    pub(super) flags: u8,
}

impl Columns {
    pub(super) fn signer(&self) -> Symbol {
        self.text.first().copied().unwrap_or(Symbol::EMPTY)
    }
}

/// The latest sign of life of one signer.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) last: Micros,
    pub(super) undated: bool,
}

impl Default for Seen {
    /// No sign of life.
    fn default() -> Self {
        Self { last: Micros::MIN, undated: false }
    }
}

impl Seen {
    fn add(&mut self, last: Micros, undated: bool) {
        if last != NO_TIME {
            self.last = self.last.max(last);
        }
        self.undated |= undated;
    }
}

/// One kind of call of one program: signer, event source, event name, user agent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ActionKey {
    pub(super) text: [Symbol; 4],
    pub(super) by_role: bool,
    pub(super) authorised: bool,
}

/// What rows are known to have acted on, by its number: decoders give one to what is written the same.
#[derive(Default)]
struct Targets(HashSet<(u32, NonZeroU64)>);

impl Targets {
    /// Past that everything is forgotten and learned anew.
    const MOST: usize = 1 << 16;

    /// Whether it is not known that a row acted on this; it is, then.
    fn is_new(&mut self, row: u32, acted_on: &ActedOn) -> bool {
        let Some(number) = acted_on.number() else { return true };
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert((row, number))
    }
}

/// Addresses per neighbour list; more say nothing new.
const NEIGHBOURS: usize = 8;

/// Takes events one by one.
///
/// Memory follows the distinct rows, plus 32 to 64 bytes for each distinct event signed by a key or session; twice that
/// where there are many copies, until they are merged.
#[derive(Default)]
pub struct Collector {
    pub(super) strings: Interner,
    numbers: HashMap<Columns, u32>,
    /// From all that tells calls apart to their rows.
    sites: Memo<u32>,
    targets: Targets,
    pub(super) rows: Vec<Columns>,
    pub(super) taken: Taken,
    pub(super) addenda: HashMap<EventKey, FactAddendum>,
    pub(super) activity: HashMap<Symbol, Seen>,
    /// Of each row, what its events add to that.
    seen: Vec<Seen>,
    pub(super) resources: HashMap<ActionKey, ResourceSet>,
    pub(super) keyless: BTreeMap<(String, String), Micros>,
    pub(super) sessions: SessionLog,
    pub(super) owners: HashMap<String, BTreeSet<(String, String)>>,
    pub(super) neighbours: BTreeMap<Arc<str>, BTreeSet<String>>,
    lineage: Option<Arc<Lineage>>,
    nameless: bool,
}

impl Collector {
    /// A collector that tells others of the sessions it learns of.
    pub fn telling(lineage: Arc<Lineage>) -> Self {
        Self { lineage: Some(lineage), ..Self::default() }
    }

    /// The same, for rows that do not tell whether calls named what they acted on.
    pub fn nameless(self) -> Self {
        Self { nameless: true, ..self }
    }

    /// How much is held: events, copies included, and rows.
    pub fn size(&self) -> usize {
        self.taken.len() + self.addenda.len() + self.rows.len()
    }

    /// Folds one event in. `instead` stands for its id where it has none; it has to be the same whenever the same
    /// record is read again, and different for every other record.
    pub fn add(&mut self, event: &Event<'_>, instead: impl FnOnce() -> EventId) {
        let lineage = self.lineage.as_deref();
        self.sessions.see(event, &mut |step: Step<'_>| {
            if let Some(lineage) = lineage {
                lineage.learn(step);
            }
        });
        self.see_neighbour(event);
        let Some(key) = event.identity.key.as_deref() else { return self.see_keyless(event) };
        let (counts, is_static) = (event.is_static_key_use(), AccessKeyId::names_static(key));
        if !is_static && !AccessKeyId::names_session(key) {
            return;
        }
        let stray = is_static && !counts;
        let row = self.site(key, event, counts, stray);
        let signer = self.signer(row).filter(|_| !counts).unwrap_or(Symbol::EMPTY).0;
        let by_role = !counts && event.identity.kind == IdentityKind::AssumedRole;
        let id = event.id.unwrap_or_else(instead);
        let time = micros(event.time);
        let fact = FactEvent::new(id, signer, by_role, time, row);
        if stray {
            // Not use, so neither a sign of life nor anything that may replace one.
            return self.keep(fact);
        }
        if let Some(seen) = self.seen.get_mut(row as usize) {
            seen.add(time, time == NO_TIME);
        }
        self.see_resources(row, event);
        match event.replaces {
            // Whether it may replace the original is seen when that is there.
            Some(original) => self.keep_addendum(FactAddendum { original, event: fact }),
            None => self.keep(fact),
        }
    }

    fn see_owner(&mut self, key: &str, event: &Event<'_>) {
        let Some(account) = event.identity.account.as_deref() else { return };
        let user = &*event.identity.user;
        let owners = match self.owners.get_mut(key) {
            Some(owners) => owners,
            None => self.owners.entry(key.to_owned()).or_default(),
        };
        if !owners.iter().any(|(a, u)| a == account && u == user) {
            owners.insert((account.to_owned(), user.to_owned()));
        }
    }

    /// A user's own API calls without a key id occur; whose key made them cannot be told.
    fn see_keyless(&mut self, event: &Event<'_>) {
        let by_user = event.identity.kind == IdentityKind::IamUser && event.api_call;
        if !by_user || event.identity.from_console || !event.identity.invoked_by.is_empty() {
            return;
        }
        if let (Some(account), Some(_)) = (event.identity.account.as_deref(), event.time) {
            self.note_keyless((account.to_owned(), event.identity.user.to_string()), micros(event.time));
        }
    }

    fn note_keyless(&mut self, who: (String, String), time: Micros) {
        let last = self.keyless.entry(who).or_insert(time);
        *last = time.max(*last);
    }

    fn see_activity(&mut self, signer: Symbol, last: Micros, undated: bool) {
        self.activity.entry(signer).or_default().add(last, undated);
    }

    /// Brings what rows know of signs of life to where it is asked for.
    pub(super) fn settle_activity(&mut self) {
        for (row, seen) in std::mem::take(&mut self.seen).into_iter().enumerate() {
            if let Some(signer) = self.signer(u32::try_from(row).unwrap_or(u32::MAX))
                && (seen.undated || seen.last != Micros::MIN)
            {
                self.see_activity(signer, seen.last, seen.undated);
            }
        }
    }

    fn see_resources(&mut self, row: u32, event: &Event<'_>) {
        let Some(acted_on) = event.acted_on.as_deref().filter(|_| !self.nameless) else { return };
        if !self.targets.is_new(row, acted_on) {
            return;
        }
        let Some(Columns { text: [signer, source, name, _, _, agent, ..], .. }) = self.rows.get(row as usize)
        else {
            return;
        };
        let key = ActionKey {
            text: [*signer, *source, *name, *agent],
            by_role: event.identity.kind == IdentityKind::AssumedRole,
            authorised: is_authorised(&event.error),
        };
        let set = self.resources.entry(key).or_default();
        acted_on.resources.iter().for_each(|arn| set.add(arn));
        acted_on.shows.iter().for_each(|show| set.show(show));
        acted_on.kinds().iter().for_each(|kinds| set.show(kinds));
    }

    fn keep(&mut self, event: FactEvent) {
        if self.taken.push(event) {
            self.merge_copies();
        }
    }

    /// Of each event the copy that counts stays.
    fn merge_copies(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        taken.merge_copies(|old, new| {
            let conflict = old.conflict() || new.conflict() || self.signer(new.row) != self.signer(old.row);
            let stays = if self.precedes(&new, &old) { new } else { old };
            stays.with_conflict(conflict)
        });
        self.taken = taken;
    }

    fn keep_addendum(&mut self, new: FactAddendum) {
        let better = self.addenda.get(&key(&new.event)).is_none_or(|old| {
            self.precedes(&new.event, &old.event)
                || !self.precedes(&old.event, &new.event) && new.original < old.original
        });
        if better {
            self.addenda.insert(key(&new.event), new);
        }
    }

    fn signer(&self, row: u32) -> Option<Symbol> {
        self.rows.get(row as usize).map(Columns::signer)
    }

    /// Every event that counts, once, each addendum in the place of its original, if the same key signed both; else it is an
    /// event of its own. None is left.
    pub(super) fn take_counted(&mut self) -> Vec<FactEvent> {
        self.merge_copies();
        // All are judged by the same originals, so that their order cannot matter.
        let (mut by_original, mut others): (HashMap<EventKey, FactEvent>, Vec<FactEvent>) =
            Default::default();
        for (_, FactAddendum { original, event }) in std::mem::take(&mut self.addenda) {
            let mut place = event;
            place.id = original;
            let signer = self.taken.get_mut(&key(&place)).map(|original| original.row);
            if signer.is_some_and(|row| self.signer(row) != self.signer(event.row)) {
                others.push(event);
            } else if by_original.get(&key(&place)).is_none_or(|old| self.precedes(&place, old)) {
                by_original.insert(key(&place), place);
            }
        }
        others.into_iter().for_each(|event| self.keep(event));
        self.merge_copies();
        for (place, event) in by_original {
            match self.taken.get_mut(&place) {
                Some(original) => *original = event,
                None => self.keep(event),
            }
        }
        self.taken.take()
    }

    /// Which copy of one event counts: the earliest, then the one whose row sorts first. A copy whose time
    /// cannot be read counts last.
    fn precedes(&self, new: &FactEvent, old: &FactEvent) -> bool {
        match new.time().cmp(&old.time()) {
            std::cmp::Ordering::Equal => new.row != old.row && self.text(new.row) < self.text(old.row),
            order => order.is_lt(),
        }
    }

    fn text(&self, row: u32) -> Option<([&str; COLUMNS], u8)> {
        let columns = self.rows.get(row as usize)?;
        Some((columns.text.map(|symbol| self.strings.text(symbol)), columns.flags))
    }

    /// The row of an event. Who owns the key or holds the session is noted on the way.
    fn site(&mut self, key: &str, event: &Event<'_>, counts: bool, stray: bool) -> u32 {
        let assumed = event.minted.as_ref().map_or("", |minted| &minted.role_arn);
        let names = event.acted_on.as_deref().is_some_and(|on| !on.resources.is_empty());
        let mut bits = 0;
        for (set, flag) in [
            (event.presigned, flags::PRESIGNED),
            (event.identity.in_session && AccessKeyId::names_static(key), flags::IN_SESSION),
            (stray, flags::STRAY),
            (event.identity.kind == IdentityKind::AssumedRole, flags::ROLE),
            (event.read_only == Some(true), flags::READS),
            (event.read_only == Some(false), flags::WRITES),
            (names && !self.nameless, flags::NAMED),
        ] {
            bits |= if set { flag } else { 0 };
        }
        let holder = holder(event).unwrap_or_default();
        let text = [
            key,
            &event.source,
            &event.name,
            &event.region,
            &event.ip,
            &event.agent,
            &event.error,
            &event.recipient,
            &event.vpc_endpoint,
            &event.identity.invoked_by,
            assumed,
        ];
        let account = event.identity.account.as_deref();
        let sites = &mut self.sites;
        sites.begin();
        text.into_iter().for_each(|text| sites.piece(text));
        sites.piece(account.unwrap_or_default());
        sites.piece(&event.identity.user);
        sites.piece(if event.identity.kind == IdentityKind::FederatedUser { holder } else { "" });
        let identity = &event.identity;
        let tell_apart = [counts, account.is_some(), identity.from_console].map(u8::from);
        sites.bytes(&[bits, identity.kind as u8]);
        sites.bytes(&tell_apart);
        if let Some(row) = sites.find() {
            return row;
        }
        if counts {
            self.see_owner(key, event);
        }
        self.sessions.see_holder(key, event);
        let strings = &mut self.strings;
        let columns = Columns { text: text.map(|text| strings.intern(text)), flags: bits };
        let row = self.number(columns);
        self.sites.learn(row, 0);
        row
    }

    /// Frees what only more events would need.
    pub(super) fn forget(&mut self) {
        (self.sites, self.targets) = (Memo::default(), Targets::default());
        self.numbers = HashMap::default();
    }

    fn number(&mut self, columns: Columns) -> u32 {
        let (rows, seen) = (&mut self.rows, &mut self.seen);
        *self.numbers.entry(columns).or_insert_with(|| {
            rows.push(columns);
            seen.push(Seen::default());
            u32::try_from(rows.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Learns what a record says of others than its signer, without counting it.
    pub fn glance(&mut self, event: &Event<'_>) {
        self.see_neighbour(event);
    }

    /// Instance-role and hybrid-node sessions are named after their machine, which tells what an address is.
    fn see_neighbour(&mut self, event: &Event<'_>) {
        if event.identity.kind != IdentityKind::AssumedRole {
            return;
        }
        let Some(name) = event.identity.arn.rsplit('/').next() else {
            return;
        };
        let id = name.strip_prefix("mi-").or_else(|| name.strip_prefix("i-"));
        if id.is_some_and(|hex| hex.len() >= 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            && event.ip.parse::<std::net::IpAddr>().is_ok()
        {
            self.note_neighbour(&event.ip, name);
        }
    }

    fn note_neighbour(&mut self, ip: &str, name: &str) {
        let known = match self.neighbours.get_mut(ip) {
            Some(known) => known,
            None => self.neighbours.entry(ip.into()).or_default(),
        };
        if !known.contains(name) {
            known.insert(name.to_owned());
        }
        // The smallest names stay, whatever the order they came in.
        if known.len() > NEIGHBOURS {
            known.pop_last();
        }
    }

    /// Everything, in its plain form.
    pub fn into_facts(mut self) -> Facts {
        self.take_facts()
    }

    /// Everything, in its plain form. The collector is empty then, and keeps its memory for what comes next.
    pub fn take_facts(&mut self) -> Facts {
        self.settle_activity();
        self.sites.forget();
        self.targets.0.clear();
        self.numbers.clear();
        self.merge_copies();
        let strip = |columns: Columns| FactRow { text: columns.text.map(|s| s.0), flags: columns.flags };
        let owners = std::mem::take(&mut self.owners).into_iter();
        let neighbours = std::mem::take(&mut self.neighbours).into_iter();
        let keyless = std::mem::take(&mut self.keyless).into_iter();
        Facts {
            strings: std::mem::take(&mut self.strings).into_strings(),
            rows: self.rows.drain(..).map(strip).collect(),
            events: self.taken.take(),
            addenda: self.addenda.drain().map(|(_, addendum)| addendum).collect(),
            activity: self.activity.drain().map(|(s, seen)| (s.0, seen.last, seen.undated)).collect(),
            resources: self
                .resources
                .drain()
                .map(|(ActionKey { text, by_role, authorised }, set)| FactAction {
                    text: text.map(|s| s.0),
                    by_role,
                    authorised,
                    set,
                })
                .collect(),
            sessions: std::mem::take(&mut self.sessions).into_facts(),
            owners: owners
                .flat_map(|(key, owners)| owners.into_iter().map(move |(a, u)| (key.clone(), a, u)))
                .collect(),
            keyless: keyless.map(|((account, user), last)| (account, user, last)).collect(),
            neighbours: neighbours
                .flat_map(|(ip, names)| names.into_iter().map(move |name| (ip.clone(), name)))
                .collect(),
        }
    }

    /// Adds facts, wherever they come from. Taking them in twice is the same as once.
    pub fn take_in(&mut self, facts: Facts) {
        let symbols: Vec<Symbol> = facts.strings.iter().map(|text| self.strings.intern(text)).collect();
        let symbol = |index: u32| symbols.get(index as usize).copied().unwrap_or(Symbol::EMPTY);
        let rows: Vec<u32> = facts
            .rows
            .iter()
            .map(|row| self.number(Columns { text: row.text.map(symbol), flags: row.flags }))
            .collect();
        let own = |event: &FactEvent| {
            let row = rows.get(event.row as usize).copied()?;
            let mut own = *event;
            (own.row, own.signer) = (row, symbol(event.signer).0);
            Some(own)
        };
        self.taken.reserve(facts.events.len());
        for event in facts.events.iter().filter_map(own) {
            self.keep(event);
        }
        for FactAddendum { original, event } in facts.addenda {
            if let Some(event) = own(&event) {
                self.keep_addendum(FactAddendum { original, event });
            }
        }
        for (signer, last, undated) in facts.activity {
            self.see_activity(symbol(signer), last, undated);
        }
        for FactAction { text, by_role, authorised, set } in facts.resources {
            let key = ActionKey { text: text.map(symbol), by_role, authorised };
            self.resources.entry(key).or_default().merge(&set);
        }
        self.sessions.take_in(facts.sessions);
        for (key, account, user) in facts.owners {
            self.owners.entry(key).or_default().insert((account, user));
        }
        for (account, user, last) in facts.keyless {
            self.note_keyless((account, user), last);
        }
        for (ip, name) in facts.neighbours {
            self.note_neighbour(&ip, &name);
        }
    }
}
