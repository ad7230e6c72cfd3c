//! Events as they come, copies included, until it is worth looking for those.

use super::facts::FactEvent;
use crate::cloudtrail::EventId;
use std::cmp::Ordering;

/// Events that are taken in before copies are looked for: more than readers hold who hand them on in portions, so that
/// those are sorted once.
pub const SORTED_ONCE: usize = 1 << 18;

/// Events in a list that is sorted now and then: a table would be asked at another place of memory for each, and would need
/// half as much again.
#[derive(Default)]
pub(super) struct Taken {
    list: Vec<FactEvent>,
    /// How many from the first on are sorted, each of them once.
    distinct: usize,
}

/// What makes an event one event: its id, and for sessions also who signed it, and whether as a role. Copies that
/// differ in that are forged or masked, and what one of them says must not hide the other.
pub(super) type EventKey = (EventId, u32, bool);

/// The key of an event.
pub(super) fn key(event: &FactEvent) -> EventKey {
    (event.id, event.signer, event.by_role())
}

fn order(a: &FactEvent, b: &FactEvent) -> Ordering {
    // Ids as numbers: one comparison of two words instead of a call.
    let number = |event: &FactEvent| u128::from_be_bytes(event.id);
    (number(a).cmp(&number(b))).then_with(|| (a.signer, a.by_role()).cmp(&(b.signer, b.by_role())))
}

impl Taken {
    /// How many are held, copies included.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.list.reserve(more);
    }

    /// Takes an event in. Returns whether it is time to look for copies.
    #[must_use]
    pub(super) fn push(&mut self, event: FactEvent) -> bool {
        self.list.push(event);
        self.list.len() >= self.distinct.saturating_mul(2).max(SORTED_ONCE)
    }

    /// Leaves of all copies of an event one, which `merge` makes of two; the order in which it gets them means nothing.
    pub(super) fn merge_copies(&mut self, merge: impl Fn(FactEvent, FactEvent) -> FactEvent) {
        if self.distinct == self.list.len() {
            return;
        }
        match self.distinct {
            0 => self.list.sort_unstable_by(order),
            // What is sorted already is merged with the rest.
            _ => self.list.sort_by(order),
        }
        self.list.dedup_by(|new, old| {
            let same = key(new) == key(old);
            if same {
                *old = merge(*old, *new);
            }
            same
        });
        self.distinct = self.list.len();
    }

    /// The event of that key, of those whose copies have been merged.
    pub(super) fn get_mut(&mut self, sought: &EventKey) -> Option<&mut FactEvent> {
        let sorted = self.list.get_mut(..self.distinct)?;
        let place = sorted.binary_search_by_key(sought, key).ok()?;
        sorted.get_mut(place)
    }

    /// All of them; none is left. Sorted as stores keep them, if copies have been merged since the last was taken in.
    pub(super) fn take(&mut self) -> Vec<FactEvent> {
        self.distinct = 0;
        std::mem::take(&mut self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_merged_whenever_that_happens() {
        let event = |n: u8, signer: u32, time: i64| FactEvent::new([n; 16], signer, false, time, 0);
        let earliest = |a: FactEvent, b: FactEvent| if b.time() < a.time() { b } else { a };
        let all = [
            event(200, 0, 5),
            event(7, 0, 1),
            event(200, 0, 3),
            event(200, 1, 9),
            event(1, 0, 4),
            event(7, 0, 2),
        ];
        let expected = [event(1, 0, 4), event(7, 0, 1), event(200, 0, 3), event(200, 1, 9)];
        for merged_after in 0..=all.len() {
            let mut taken = Taken::default();
            for (nth, one) in all.iter().enumerate() {
                if nth == merged_after {
                    taken.merge_copies(earliest);
                }
                assert!(!taken.push(*one));
            }
            taken.merge_copies(earliest);
            assert_eq!(taken.get_mut(&([200; 16], 1, false)).map(|event| event.time()), Some(9));
            assert!(taken.get_mut(&([200; 16], 2, false)).is_none());
            assert_eq!(taken.len(), 4);
            assert_eq!(taken.take(), expected, "merged after {merged_after}");
            assert_eq!(taken.len(), 0);
        }
    }

    #[test]
    fn the_more_there_are_the_seldomer_copies_are_looked_for() {
        let mut taken = Taken::default();
        let mut looked = Vec::new();
        for n in 0..4 * SORTED_ONCE {
            let id = u128::try_from(n).unwrap().to_be_bytes();
            let event = FactEvent::new(id, 0, false, 0, 0);
            if taken.push(event) {
                taken.merge_copies(|old, _| old);
                looked.push(taken.len());
            }
        }
        assert_eq!(looked, [SORTED_ONCE, 2 * SORTED_ONCE, 4 * SORTED_ONCE]);
    }
}
