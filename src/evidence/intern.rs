//! Each distinct string once: logs repeat the same few thousand strings in millions of records.

use std::collections::HashMap;
use std::sync::Arc;

/// A string that was interned; only meaningful to the [`Interner`] that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Symbol(u32);

/// Keeps strings and hands out small numbers for them.
#[derive(Default)]
pub(crate) struct Interner {
    numbers: HashMap<Arc<str>, u32>,
    strings: Vec<Arc<str>>,
}

impl Interner {
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        if let Some(number) = self.numbers.get(text) {
            return Symbol(*number);
        }
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = text.into();
        self.strings.push(shared.clone());
        self.numbers.insert(shared, number);
        Symbol(number)
    }

    pub(crate) fn get(&self, symbol: Symbol) -> Arc<str> {
        self.strings.get(symbol.0 as usize).cloned().unwrap_or_default()
    }
}
