//! What IAM and STS are asked while keys are rotated or retired.

use crate::model::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It does not, and can be made to work again.
    Inactive,
}

/// A key as `iam:ListAccessKeys` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenKey {
    /// Key id.
    pub id: String,
    /// Status.
    pub status: KeyStatus,
    /// When it was made, by AWS's clock.
    pub created: Timestamp,
}

/// A key's last use as `iam:GetAccessKeyLastUsed` shows it. IAM keeps the newest only, rounded to 15 minutes
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// Service, as IAM abbreviates it.
    pub service: String,
}

/// A user with its keys and tags, read just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// AWS's own time, as its answer says.
    pub now: Timestamp,
    /// All of the user's keys; `None` where there is no such user.
    pub keys: Option<Vec<SeenKey>>,
    /// The user's tags.
    pub tags: Vec<(String, String)>,
}

impl Look {
    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A user, as far as interlocks ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// ARN.
    pub arn: String,
    /// ARNs of attached managed policies, those of groups among them.
    pub policies: Vec<String>,
    /// Names of inline policies.
    pub inline: Vec<String>,
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// Key id.
    pub id: String,
    /// Its secret, which AWS shows this once.
    pub secret: Secret,
}

/// Whether a failed call did anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// AWS refused for want of permission; nothing was done.
    Denied,
    /// AWS said no for another reason; nothing was done.
    Refused,
    /// AWS asked for slowness; nothing was done.
    Throttled,
    /// AWS does not know the credentials (yet); nothing was done.
    UnknownCredentials,
    /// No answer, or one that says nothing: it may have been done or not.
    Unclear,
}

/// A call that failed. Its text holds AWS's code and message and never an answer's content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CallError {
    /// What is known of its effect.
    pub kind: CallErrorKind,
    /// What was asked and what came back.
    pub text: String,
}

/// IAM and STS, for one account or many.
pub trait Identity: Sync {
    /// The user's keys and tags, as they are now.
    ///
    /// # Errors
    /// Any failed call. So with all others.
    fn look(&self, account: &str, user: &str) -> Result<Look, CallError>;

    /// What interlocks ask for.
    fn person(&self, account: &str, user: &str) -> Result<Person, CallError>;

    /// A key's last use; `None` where IAM knows of none.
    fn last_use(&self, account: &str, key: &str) -> Result<Option<LastUse>, CallError>;

    /// When a role was last used, if it was within the 400 days that IAM tracks.
    fn role_last_use(&self, account: &str, role: &str) -> Result<Option<Timestamp>, CallError>;

    /// Puts a tag on the user.
    fn tag(&self, account: &str, user: &str, key: &str, value: &str) -> Result<(), CallError>;

    /// Takes a tag off the user.
    fn untag(&self, account: &str, user: &str, key: &str) -> Result<(), CallError>;

    /// Makes a key. Never repeated by itself: the answer holds what cannot be had twice.
    fn create(&self, account: &str, user: &str) -> Result<NewKey, CallError>;

    /// Sets a key's status.
    fn set_status(&self, account: &str, user: &str, key: &str, status: KeyStatus) -> Result<(), CallError>;

    /// Deletes a key for ever.
    fn delete(&self, account: &str, user: &str, key: &str) -> Result<(), CallError>;

    /// Whose key that is, asked with the key itself: an ARN.
    fn whose(&self, key: &str, secret: &Secret) -> Result<String, CallError>;
}
