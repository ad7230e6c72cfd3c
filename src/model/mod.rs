//! The vocabulary every other room speaks: ids, times, kinds, what was skipped. No input or output.

mod ids;
mod number;
mod secret;
mod skip;
mod time;
mod wildcard;
mod workload;

pub use ids::{AccessKeyId, AccountId, ROOT_USER};
pub use number::counted;
pub use secret::Secret;
pub use skip::{SESSIONS_NOT_COUNTED, Skip, SkipReason};
pub use time::{Day, Window, format_instant, parse_day, parse_instant};
pub use wildcard::wildcard;
pub use workload::WorkloadKind;
