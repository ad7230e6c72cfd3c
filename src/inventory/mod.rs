//! Accounts, users, keys, policies and trails, from whatever exports there are.

mod access_keys;
mod authorization;
mod build;
mod credential_report;
mod facts;
mod observed;
mod policies;
mod resource_policies;
mod services;
mod slots;
mod trails;

pub use build::{Hints, Source, SourceKind, build};
pub use facts::{
    AccountFacts, Boundary, Inventory, KeyFacts, KeyStatus, LastUsed, LookedUp, OtherCredential, Slot, Trail,
    User, UserKey,
};
pub use slots::latest;
