//! Trust policies for the roles that replace keys. Permission policies are not derived yet.

mod trust;

pub use trust::{Need, TrustPolicy};
