//! Where new secrets go.

use crate::model::Secret;

/// A new key on its way to whoever uses it.
#[derive(Debug)]
pub struct Pair<'a> {
    /// Account.
    pub account: &'a str,
    /// User.
    pub user: &'a str,
    /// The key that it replaces.
    pub old: &'a str,
    /// The new key's id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
}

/// What a sink holds of a key.
#[derive(Debug)]
pub enum Held {
    /// The key with its secret.
    Secret(Secret),
    /// Nothing of that key.
    Nothing,
    /// It cannot be read back.
    WriteOnly,
}

/// A sink that failed. Its text never holds what was written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SinkError {
    /// Whether trying again may help.
    pub passing: bool,
    /// What went wrong, where, and what to do.
    pub text: String,
}

/// A named text in a secret store, which whoever reads the store gets.
pub trait TextPlace: Sync {
    /// What readers get; `None` where there is nothing yet.
    ///
    /// # Errors
    /// Where it could not be read. So with all others.
    fn current(&self) -> Result<Option<Secret>, SinkError>;

    /// What was written last by offkey.
    fn ours(&self) -> Result<Option<Secret>, SinkError>;

    /// Writes something that is no secret, and that readers do not get.
    fn probe(&self) -> Result<(), SinkError>;

    /// Writes a text; writing it twice with the same token is writing it once.
    fn write(&self, text: &Secret, token: &str) -> Result<(), SinkError>;

    /// Gives readers what was written last.
    fn publish(&self) -> Result<(), SinkError>;

    /// What it is called, for errors.
    fn name(&self) -> String;
}

/// A place for secrets.
pub trait Sink: Sync {
    /// Proves that a secret could be written, by writing something that is none; the old key is named so that the place
    /// can be checked to hold it.
    ///
    /// # Errors
    /// Where it could not, or where the place holds something unexpected.
    fn prove(&self, old: &str) -> Result<(), SinkError>;

    /// Writes the pair, so that it outlives a crash. Writing the same pair twice is the same as once.
    ///
    /// # Errors
    /// Where it is not certain to be there.
    fn store(&self, pair: &Pair<'_>) -> Result<(), SinkError>;

    /// Reads back what is held of a key.
    ///
    /// # Errors
    /// Where it could not be asked.
    fn fetch(&self, id: &str) -> Result<Held, SinkError>;

    /// Makes the stored pair the one that readers get, where storing did not.
    ///
    /// # Errors
    /// Where it is not certain that they do.
    fn publish(&self, id: &str) -> Result<(), SinkError>;
}
