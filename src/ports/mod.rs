//! What a rotation needs of the world, as traits: IAM and STS, a place for secrets, a journal, a watch, and patience.
//! Rooms that speak to the world fulfil them; tests put faults in between.

mod identity;
mod ledger;
mod sink;

pub use identity::{CallError, CallErrorKind, Identity, KeyStatus, LastUse, Look, NewKey, Person, SeenKey};
pub use ledger::{Ledger, LedgerError};
pub use sink::{Held, Pair, Sink, SinkError, TextPlace};

/// What runs while a deactivated key is waited for.
pub trait Watch: Sync {
    /// Runs the operator's check for a key; what is wrong, if anything is.
    fn check(&self, account: &str, user: &str, key: &str) -> Option<String>;
}

/// Waiting, so that tests need not.
pub trait Patience: Sync {
    /// Waits, unless the user asks to stop meanwhile: then `false`.
    fn wait(&self, seconds: u64) -> bool;

    /// Whether the user asked to stop.
    fn stopped(&self) -> bool;
}
