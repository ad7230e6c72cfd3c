//! Remembers what was made of a text the last time, exactly and within bounds: logs repeat themselves, and one look at one
//! place in memory is quicker than taking a record apart again.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Bytes that are remembered; past that everything is forgotten and learned anew.
const MOST_BYTES: usize = 8 << 20;

struct Slot<V> {
    hash: u64,
    start: u32,
    end: u32,
    value: V,
}

/// From texts to what was made of them. A text is spelled piece by piece, then looked up.
pub(crate) struct Memo<V> {
    table: HashTable<Slot<V>>,
    /// All texts that are known, one behind the other.
    known: Vec<u8>,
    /// Bytes of all that is remembered, values included.
    held: usize,
    spelled: Vec<u8>,
    hash: u64,
    hasher: DefaultHashBuilder,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            known: Vec::new(),
            held: 0,
            spelled: Vec::new(),
            hash: 0,
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<V: Clone> Memo<V> {
    /// Begins a text.
    pub(crate) fn begin(&mut self) {
        self.spelled.clear();
    }

    /// Adds a piece. Pieces are kept apart: no text has this byte.
    pub(crate) fn piece(&mut self, text: &str) {
        self.spelled.extend_from_slice(text.as_bytes());
        self.spelled.push(0xff);
    }

    /// Adds bytes; always as many at the same place of a text.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.spelled.extend_from_slice(bytes);
    }

    /// What was made of the text that was spelled.
    pub(crate) fn find(&mut self) -> Option<V> {
        self.hash = self.hasher.hash_one(&*self.spelled);
        let Self { table, known, spelled, hash, .. } = self;
        let same = |slot: &Slot<V>| {
            slot.hash == *hash && known.get(slot.start as usize..slot.end as usize) == Some(&**spelled)
        };
        table.find(*hash, same).map(|slot| slot.value.clone())
    }

    /// Remembers what was made of the text that was spelled and not found; `weight` is how many bytes that holds elsewhere.
    pub(crate) fn learn(&mut self, value: V, weight: usize) {
        self.make_room(weight);
        let more = self.spelled.len() + weight;
        if more > MOST_BYTES {
            return;
        }
        let (start, end) = (self.known.len(), self.known.len() + self.spelled.len());
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.held += more;
            self.known.extend_from_slice(&self.spelled);
            let slot = Slot { hash: self.hash, start, end, value };
            self.table.insert_unique(self.hash, slot, |slot| slot.hash);
        }
    }

    /// Makes room for what was spelled and so many bytes elsewhere; tells whether everything was forgotten for it.
    pub(crate) fn make_room(&mut self, weight: usize) -> bool {
        let full = self.held + self.spelled.len() + weight > MOST_BYTES;
        if full {
            self.forget();
        }
        full
    }

    /// Forgets everything; what was spelled stays.
    pub(crate) fn forget(&mut self) {
        self.table.clear();
        self.known.clear();
        self.held = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(memo: &mut Memo<u32>, pieces: &[&str]) -> Option<u32> {
        memo.begin();
        pieces.iter().for_each(|piece| memo.piece(piece));
        memo.find()
    }

    #[test]
    fn pieces_are_kept_apart_and_bounds_are_kept() {
        let mut memo = Memo::default();
        assert_eq!(spell(&mut memo, &["a", "bc"]), None);
        memo.learn(7, 0);
        assert_eq!(spell(&mut memo, &["ab", "c"]), None);
        memo.learn(8, 0);
        assert_eq!(spell(&mut memo, &["a", "bc"]), Some(7));
        assert_eq!(spell(&mut memo, &["ab", "c"]), Some(8));
        assert_eq!(spell(&mut memo, &["x".repeat(MOST_BYTES).as_str()]), None);
        memo.learn(9, 0);
        assert_eq!(memo.find(), None, "too long to be remembered");
        assert!(memo.known.is_empty());
        let long = "x".repeat(1 << 20);
        for n in 0..100 {
            assert_eq!(spell(&mut memo, &[&long, &n.to_string()]), None);
            memo.learn(n, 0);
            assert_eq!(spell(&mut memo, &[&long, &n.to_string()]), Some(n));
            assert!(memo.known.len() <= MOST_BYTES && memo.table.len() <= 7);
        }
        assert_eq!(spell(&mut memo, &["heavy"]), None);
        memo.learn(1, MOST_BYTES - 100);
        assert_eq!((spell(&mut memo, &["heavy"]), memo.table.len()), (Some(1), 1), "what values hold counts");
    }
}
