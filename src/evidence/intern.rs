//! Each distinct string once: logs repeat the same few thousand strings in millions of records.

use hashbrown::HashMap;
use std::sync::Arc;

/// A string that was interned; only meaningful to the [`Interner`] that made it. The empty string is always 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

impl Symbol {
    /// The empty string's.
    pub(crate) const EMPTY: Symbol = Symbol(0);
}

/// Keeps strings and hands out small numbers for them.
pub(crate) struct Interner {
    numbers: HashMap<Arc<str>, u32>,
    strings: Vec<Arc<str>>,
}

impl Default for Interner {
    fn default() -> Self {
        let empty: Arc<str> = Arc::default();
        Self { numbers: HashMap::from_iter([(empty.clone(), 0)]), strings: vec![empty] }
    }
}

impl Interner {
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        if text.is_empty() {
            return Symbol::EMPTY;
        }
        if let Some(number) = self.numbers.get(text) {
            return Symbol(*number);
        }
        self.insert(text.into())
    }

    fn insert(&mut self, shared: Arc<str>) -> Symbol {
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.strings.push(shared.clone());
        self.numbers.insert(shared, number);
        Symbol(number)
    }

    pub(crate) fn get(&self, symbol: Symbol) -> Arc<str> {
        self.strings.get(symbol.0 as usize).cloned().unwrap_or_default()
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.strings.get(symbol.0 as usize).map_or("", |text| text)
    }

    /// All strings, by their numbers.
    pub(crate) fn into_strings(self) -> Vec<Arc<str>> {
        self.strings
    }
}
