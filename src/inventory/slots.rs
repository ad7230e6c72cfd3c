//! Joins the credential report's slots, which name no keys, to the keys that lists name.
//!
//! A wrong match would give a live key a dead key's last use, so only two grounds count: the key was created when
//! the slot says, or one listed key faces one filled slot that was last changed no earlier. Every other key is
//! taken to have been used when any unclaimed slot was.

use super::facts::{Inventory, KeyFacts, LastUsed, Slot, UserKey};
use crate::model::AccessKeyId;
use std::collections::BTreeMap;

/// How a key's owner was told when nothing but a user's name told it; too little to match a slot by elimination.
pub(crate) const BY_NAME: &str = "the user name";

/// Gives every listed key its slot, where that is certain, and its last use.
pub(crate) fn match_slots(inventory: &mut Inventory) {
    let mut by_owner: BTreeMap<UserKey, Vec<AccessKeyId>> = BTreeMap::new();
    for (id, facts) in &inventory.keys {
        if let Some(owner) = &facts.owner {
            by_owner.entry(owner.clone()).or_default().push(id.clone());
        }
    }
    for (owner, ids) in by_owner {
        let Some(user) = inventory.users.get(&owner) else { continue };
        let (Some(slots), observed) = (user.slots.clone(), user.slots_observed) else { continue };
        let keys: Vec<KeyFacts> = ids.iter().filter_map(|id| inventory.keys.get(id).cloned()).collect();
        // A user has two keys at most; a longer list mixes users or times, and nothing can be said of any.
        let assigned = if keys.len() > 2 { vec![None; keys.len()] } else { assign(&keys, &slots) };
        let open: Vec<&Slot> = (0..2)
            .filter(|n| !assigned.contains(&Some(*n)))
            .filter_map(|n| slots.get(n))
            .filter(|slot| slot.holds_key())
            .collect();
        let unmatched = assigned.iter().filter(|slot| slot.is_none()).count();
        for (id, slot) in ids.iter().zip(assigned) {
            let Some(facts) = inventory.keys.get_mut(id) else { continue };
            facts.observed = observed;
            facts.slot = slot;
            facts.last_used = match slot.and_then(|n| slots.get(n)) {
                Some(slot) => slot.last_used.clone(),
                // More keys than slots: the report is of another time than the list. And a user of that name in
                // one account may be another than the key's.
                None if unmatched > open.len() || facts.owner_by == BY_NAME => LastUsed::Unknown,
                None => latest(&open),
            };
        }
    }
}

/// Slot of each of at most two keys.
fn assign(keys: &[KeyFacts], slots: &[Slot; 2]) -> Vec<Option<usize>> {
    let filled: Vec<(usize, &Slot)> = slots.iter().enumerate().filter(|(_, slot)| slot.holds_key()).collect();
    let created_then = |facts: &KeyFacts| {
        let mut same =
            filled.iter().filter(|(_, slot)| facts.created.is_some() && slot.last_rotated == facts.created);
        match (same.next(), same.next()) {
            (Some((n, _)), None) => Some(*n),
            _ => None,
        }
    };
    let mut out: Vec<Option<usize>> = keys.iter().map(created_then).collect();
    // Two keys of one moment claim one slot: neither can be told.
    if let [Some(a), Some(b)] = out.as_slice()
        && a == b
    {
        return vec![None, None];
    }
    if let ([facts], [None], [(n, slot)]) = (keys, out.as_slice(), filled.as_slice()) {
        let changed_since = facts.created.is_some() && slot.last_rotated >= facts.created;
        if changed_since && facts.owner_by != BY_NAME {
            out = vec![Some(*n)];
        }
    }
    out
}

/// The latest of several last uses; unknown where one is, and where there is none to go by.
fn latest(slots: &[&Slot]) -> LastUsed {
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
