//! What is going to be done to which keys: made once, shown to people, bound to what was observed, applied once.

mod document;
mod interlocks;
mod managed;
mod mutes;
mod show;

pub use document::{
    Accepted, Caller, GapNote, Gist, KeyPlan, LeftOut, Operation, Plan, PlanError, SCHEMA, Settings, SinkSpec,
};
pub use interlocks::{Candidate, FLOOR_DAYS, Stop, TAG, stops};
pub use managed::{Managed, managed_keys};
pub use mutes::{Mute, Mutes, read_mutes};
pub use show::{WouldDo, show, steps};

#[cfg(test)]
pub(crate) use document::tests::example;
