//! Remembers what was made of a text the last time, exactly and within bounds: logs repeat themselves, and one look at one
//! place in memory is quicker than taking a record apart again.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Bytes of text that are remembered; past that everything is forgotten and learned anew.
const MOST_BYTES: usize = 8 << 20;

struct Slot {
    hash: u64,
    start: u32,
    end: u32,
    value: u32,
}

/// From texts to small numbers. A text is spelled piece by piece, then looked up.
#[derive(Default)]
pub(super) struct Memo {
    table: HashTable<Slot>,
    /// All texts that are known, one behind the other.
    known: Vec<u8>,
    spelled: Vec<u8>,
    hash: u64,
    hasher: DefaultHashBuilder,
}

impl Memo {
    /// Begins a text.
    pub(super) fn begin(&mut self) {
        self.spelled.clear();
    }

    /// Adds a piece. Pieces are kept apart: no text has this byte.
    pub(super) fn piece(&mut self, text: &str) {
        self.spelled.extend_from_slice(text.as_bytes());
        self.spelled.push(0xff);
    }

    /// Adds bytes; always as many at the same place of a text.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.spelled.extend_from_slice(bytes);
    }

    /// The number of the text that was spelled.
    pub(super) fn find(&mut self) -> Option<u32> {
        self.hash = self.hasher.hash_one(&*self.spelled);
        let Self { table, known, spelled, hash, .. } = self;
        let same = |slot: &Slot| {
            slot.hash == *hash && known.get(slot.start as usize..slot.end as usize) == Some(&**spelled)
        };
        table.find(*hash, same).map(|slot| slot.value)
    }

    /// Remembers the number of the text that was spelled and not found.
    pub(super) fn learn(&mut self, value: u32) {
        if self.known.len() + self.spelled.len() > MOST_BYTES {
            self.forget();
            if self.spelled.len() > MOST_BYTES {
                return;
            }
        }
        let (start, end) = (self.known.len(), self.known.len() + self.spelled.len());
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.known.extend_from_slice(&self.spelled);
            let slot = Slot { hash: self.hash, start, end, value };
            self.table.insert_unique(self.hash, slot, |slot| slot.hash);
        }
    }

    /// Forgets everything; what was spelled stays.
    pub(super) fn forget(&mut self) {
        self.table.clear();
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(memo: &mut Memo, pieces: &[&str]) -> Option<u32> {
        memo.begin();
        pieces.iter().for_each(|piece| memo.piece(piece));
        memo.find()
    }

    #[test]
    fn pieces_are_kept_apart_and_bounds_are_kept() {
        let mut memo = Memo::default();
        assert_eq!(spell(&mut memo, &["a", "bc"]), None);
        memo.learn(7);
        assert_eq!(spell(&mut memo, &["ab", "c"]), None);
        memo.learn(8);
        assert_eq!(spell(&mut memo, &["a", "bc"]), Some(7));
        assert_eq!(spell(&mut memo, &["ab", "c"]), Some(8));
        assert_eq!(spell(&mut memo, &["x".repeat(MOST_BYTES).as_str()]), None);
        memo.learn(9);
        assert_eq!(memo.find(), None, "too long to be remembered");
        assert!(memo.known.is_empty());
        let long = "x".repeat(1 << 20);
        for n in 0..100 {
            assert_eq!(spell(&mut memo, &[&long, &n.to_string()]), None);
            memo.learn(n);
            assert_eq!(spell(&mut memo, &[&long, &n.to_string()]), Some(n));
            assert!(memo.known.len() <= MOST_BYTES && memo.table.len() <= 7);
        }
    }
}
