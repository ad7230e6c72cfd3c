//! Where is written what is about to be done, and what was done.

/// A journal that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// A journal that only grows.
pub trait Ledger: Sync {
    /// Adds one line, and returns when it is on the disk for good.
    ///
    /// `line` is given the line before, as it stands there.
    ///
    /// # Errors
    /// Where the line is not certain to be there: nothing may be done then.
    fn append(&self, line: &dyn Fn(Option<&str>) -> String) -> Result<(), LedgerError>;
}
