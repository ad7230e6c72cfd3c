//! What is known of each key's use, and what could not be seen: usage rows, session chains, coverage, gaps.

mod cadence;
mod collect;
mod coverage;
mod days;
mod facts;
mod finish;
mod gaps;
mod intern;
mod lineage;
mod resources;
mod sessions;
mod taken;
mod usage;

pub use cadence::{Cadence, Rhythm};
pub use collect::Collector;
pub use coverage::{Cell, Coverage, FileCounts, FileCoverage, RegionCoverage};
pub use days::{DaySpan, DayState, EventClass};
pub use facts::{
    COLUMNS, FactAction, FactAddendum, FactEvent, FactRow, Facts, Micros, NO_TIME, SessionFacts, flags,
    instant, micros,
};
pub use finish::{ActionOfKey, Activity, Evidence};
pub use gaps::{Gap, GapInput, GapKind, find_gaps};
pub use lineage::{Follower, Lineage, Step};
pub use resources::{MOST_RESOURCES, ResourceSet};
pub use sessions::{Chains, MintedSession, UserSessions};
pub use taken::SORTED_ONCE;
pub use usage::{Citation, DaySet, Stats, Stray, UsageRow, is_authorised, is_denied};
