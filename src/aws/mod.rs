//! The only room that speaks to AWS.

use std::time::Duration;

/// How long anything waits before it asks whether to stop.
const LISTEN: Duration = Duration::from_millis(200);

mod athena;
mod changes;
mod doctor;
mod documents;
mod fetch;
mod fill;
mod iam;
mod keys;
mod list;
mod live;
mod lookup;
mod meter;
mod needs;
mod organization;
mod ranges;
mod s3;
mod session;
mod simulate;
mod sinks;
mod surroundings;
mod trails;

pub use athena::{AthenaAnswer, AthenaEnd, AthenaJob, AthenaPlace, AthenaTable};
pub use doctor::{Probe, Tried};
pub use fetch::{Fetched, S3Fetch};
pub use fill::StandIn;
pub use keys::{Keys, ListedUser};
pub use list::{Choice, Listed, Listing};
pub use live::{Collected, Happening, LivePlan, Problem, ProblemKind, TrailBucket};
pub use lookup::{LOOKUP_DAYS, LookupAnswer, LookupPage, LookupQuery, lookup_seconds};
pub use meter::{BUDGET, Budget, Meter, Tally, price};
pub use needs::{COMMANDS, NEEDS, Need, Part, Place, needs_of, policy};
pub use organization::Member;
pub use ranges::{PUBLISHED, fetch_ranges};
pub use s3::{AwsError, S3, S3Access, S3Url};
pub use session::{Access, Account, Aws, Caller};
pub use simulate::{Answer, Iam, Question};
pub use sinks::{ParameterPlace, SecretPlace};
