//! What is known of each key's use, and what could not be seen: usage rows, session chains, coverage, gaps.

mod cadence;
mod collect;
mod coverage;
mod gaps;
mod intern;
mod sessions;
mod usage;

pub use cadence::{Cadence, Rhythm};
pub use collect::{Activity, Collector, Evidence};
pub use coverage::{Cell, Coverage, RegionCoverage};
pub use gaps::{Gap, GapInput, GapKind, find_gaps};
pub use sessions::{Chains, MintedSession, UserSessions};
pub use usage::{DaySet, Stats, Stray, UsageRow, is_denied};
