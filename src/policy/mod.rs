//! Trust policies for the roles that replace keys, and the actions that observed calls need. Permission policies are not
//! derived yet.

mod actions;
mod overrides;
mod trust;

pub use actions::{AccessLevel, Action, Needs, find_action, needs, prefix_of, reason};
pub use trust::{Need, TrustPolicy};
