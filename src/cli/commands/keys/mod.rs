//! `offkey rotate`, `offkey retire`, `offkey verify`: everything that touches keys, or says whether they may be touched.

mod apply;
mod connect;
#[cfg(debug_assertions)]
mod crash;
mod evidence;
mod journals;
mod outcome;
mod planning;
mod processes;
mod recover;
pub(in super::super) mod retire;
pub(in super::super) mod rotate;
mod sinks;
pub(in super::super) mod verify;

pub(super) use planning::mutes;

/// What the role is called that may change keys in member accounts.
pub(super) const OPERATOR: &str = "offkey-operator";
