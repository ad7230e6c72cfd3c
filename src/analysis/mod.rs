//! The rooms in their order: inputs are read, evidence folded, consumers attributed, verdicts passed.

mod keys;
mod read;

pub use keys::{Analysis, AsOf, KeyAnalysis, KeySubject, analyse, graph_of};
pub use read::{InputSummary, Material, read};
