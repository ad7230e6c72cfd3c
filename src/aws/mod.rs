//! The only room that speaks to AWS.

mod fetch;
mod list;
mod s3;

pub use fetch::{Fetched, S3Fetch};
pub use list::{Choice, Listed, Listing};
pub use s3::{S3, S3Access, S3Error, S3Url};
