//! Joins the credential report's slots, which name no keys, to the keys that lists name.
//!
//! A wrong match would give a live key a dead key's last use, so only two grounds count: the key was created when
//! the slot says, or one key faces one slot and nothing speaks against the key being that user's. Every other key is
//! taken to have been used when any unclaimed slot was, or at an unknown time.

use super::build::Hints;
use super::facts::{Inventory, KeyFacts, KeyStatus, LastUsed, Slot, UserKey};
use crate::model::AccessKeyId;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How a key's owner was told when nothing but a user's name told it; too little to match a slot by elimination.
pub(crate) const BY_NAME: &str = "the user name";

/// Gives every listed key its slot, where that is certain, and its last use.
pub(crate) fn match_slots(inventory: &mut Inventory, hints: &dyn Hints) {
    let mut by_owner: BTreeMap<UserKey, Vec<AccessKeyId>> = BTreeMap::new();
    for (id, facts) in &inventory.keys {
        if let Some(owner) = &facts.owner {
            by_owner.entry(owner.clone()).or_default().push(id.clone());
        }
    }
    for (owner, ids) in by_owner {
        let Some(user) = inventory.users.get(&owner) else { continue };
        let (Some(slots), observed, born) = (user.slots.clone(), user.slots_observed, user.created) else {
            continue;
        };
        let keys: Vec<KeyFacts> = ids.iter().filter_map(|id| inventory.keys.get(id).cloned()).collect();
        // A user has two keys at most; a longer list mixes users or times, and nothing can be said of any.
        let assigned = assign(&keys, &slots);
        let too_many = keys.iter().filter(|facts| is_listed(facts)).count() > 2;
        let open: Vec<(usize, &Slot)> = slots
            .iter()
            .enumerate()
            .filter(|(n, slot)| slot.holds_key() && !assigned.contains(&Some(*n)))
            .collect();
        let unmatched = assigned.iter().filter(|slot| slot.is_none()).count();
        let mut updates = Vec::new();
        for ((id, facts), slot) in ids.iter().zip(&keys).zip(assigned) {
            let own = Own { id, facts, owner: &owner, born };
            let uses: Vec<&Slot> = open.iter().map(|(_, slot)| *slot).collect();
            let (slot, last_used) = match slot.and_then(|n| Some((n, slots.get(n)?))) {
                Some((n, slot)) => (Some(n), slot.last_used.clone()),
                // More keys than slots: the report is of another time than the list.
                None if too_many || unmatched > open.len() || !own.is_certain(inventory, hints) => {
                    (None, LastUsed::Unknown)
                }
                // One key and one slot are each other's, unless the slot was last changed before the key was made.
                None => match open.as_slice() {
                    [(n, only)] if facts.created.is_none() || only.last_rotated >= facts.created => {
                        (Some(*n), only.last_used.clone())
                    }
                    _ => (None, latest(&uses)),
                },
            };
            updates.push((id.clone(), slot, last_used));
        }
        for (id, slot, last_used) in updates {
            if let Some(facts) = inventory.keys.get_mut(&id) {
                (facts.observed, facts.slot, facts.last_used) = (observed, slot, last_used);
                // What the list did not say, its slot does: that there is a key, and since when at the latest.
                if let Some(slot) = slot.and_then(|n| slots.get(n)) {
                    let status = if slot.active { KeyStatus::Active } else { KeyStatus::Inactive };
                    facts.status = facts.status.or(Some(status));
                    facts.created = facts.created.or(slot.last_rotated);
                }
            }
        }
    }
}

/// A key and the user it is taken to be of.
struct Own<'a> {
    id: &'a AccessKeyId,
    facts: &'a KeyFacts,
    owner: &'a UserKey,
    born: Option<Timestamp>,
}

impl Own<'_> {
    /// Whether nothing speaks against the key being this user's today: users are renamed, and names used again.
    fn is_certain(&self, inventory: &Inventory, hints: &dyn Hints) -> bool {
        if self.facts.owner_by == BY_NAME {
            return false;
        }
        // A user that is younger than the key cannot have had it made.
        let too_young = self.facts.created.is_some_and(|made| self.born.is_some_and(|born| born > made));
        let signed_as_another = hints.owner(self.id).is_some_and(|signer| signer != *self.owner);
        let elsewhere = inventory.users.iter().any(|(other, user)| {
            let slots = user.slots.iter().flatten();
            other != self.owner
                && other.0 == self.owner.0
                && self.facts.created.is_some()
                && slots.into_iter().any(|slot| slot.last_rotated == self.facts.created)
        });
        !(too_young || signed_as_another || elsewhere)
    }
}

/// Slots whose last change was when a key was created. A slot that is switched the other way than the key is
/// another's: one key may be made in the second in which the other is switched off.
fn assign(keys: &[KeyFacts], slots: &[Slot; 2]) -> Vec<Option<usize>> {
    if keys.iter().filter(|facts| is_listed(facts)).count() > 2 {
        return vec![None; keys.len()];
    }
    let created_then = |facts: &KeyFacts| {
        let same = |slot: &Slot| {
            let agrees = facts.status.is_none_or(|status| (status == KeyStatus::Active) == slot.active);
            slot.holds_key() && facts.created.is_some() && slot.last_rotated == facts.created && agrees
        };
        let mut found = slots.iter().enumerate().filter(|(_, slot)| same(slot));
        match (found.next(), found.next()) {
            (Some((n, _)), None) => Some(n),
            _ => None,
        }
    };
    let claims: Vec<Option<usize>> = keys.iter().map(created_then).collect();
    // Keys of one moment that claim one slot cannot be told apart.
    let alone = |claim: &Option<usize>| claims.iter().filter(|other| *other == claim).count() == 1;
    claims.iter().map(|claim| claim.filter(|_| alone(claim))).collect()
}

/// Whether a list names the key, and not only the trail, which also remembers keys that were deleted.
fn is_listed(facts: &KeyFacts) -> bool {
    facts.created.is_some() || facts.status.is_some()
}

/// The latest of several last uses; unknown where one is, and where there is none to go by.
pub fn latest(slots: &[&Slot]) -> LastUsed {
    let mut uses = slots.iter().map(|slot| slot.last_used.clone());
    let Some(mut latest) = uses.next() else { return LastUsed::Unknown };
    for used in uses {
        latest = match (latest, used) {
            (LastUsed::Unknown, _) | (_, LastUsed::Unknown) => LastUsed::Unknown,
            (LastUsed::At { time: a, .. }, LastUsed::At { time: b, service, region }) if b > a => {
                LastUsed::At { time: b, service, region }
            }
            (LastUsed::Never, other) => other,
            (latest, _) => latest,
        };
    }
    latest
}
