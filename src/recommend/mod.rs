//! What to do with each key: a verdict, a replacement per consumer, and the order to go in.

mod advice;
mod rules;
mod steps;
mod verdict;
mod waves;

pub use advice::{Advice, Case, Outcome, Rule, advise};
pub use rules::ALL as RULES;
pub use verdict::{Due, INCIDENTS, KeyCase, Reason, Thresholds, Verdict, VerdictKind, judge};
pub use waves::{Wave, WaveInput, wave_of};
