//! The only room that speaks to AWS.

use std::time::Duration;

/// How long anything waits before it asks whether to stop.
const LISTEN: Duration = Duration::from_millis(200);

mod fetch;
mod list;
mod ranges;
mod s3;
mod simulate;

pub use fetch::{Fetched, S3Fetch};
pub use list::{Choice, Listed, Listing};
pub use ranges::{PUBLISHED, fetch_ranges};
pub use s3::{AwsError, S3, S3Access, S3Url};
pub use simulate::{Answer, Iam, Question};
