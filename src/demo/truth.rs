//! What is true of the made-up estate: the answers that an analysis of its files should find.

use serde::Serialize;

/// Everything that is known about the estate.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    /// Format of this value: `offkey.truth/1`.
    pub version: &'static str,
    /// The seed it was generated from.
    pub seed: u64,
    /// Days of logs.
    pub days: u32,
    /// End of the evidence.
    pub as_of: String,
    /// Every key, in the order of their making.
    pub keys: Vec<KeyTruth>,
}

/// What is true of one key.
#[derive(Clone, Debug, Serialize)]
pub struct KeyTruth {
    /// The key.
    pub access_key_id: String,
    /// The account it belongs to.
    pub account_id: String,
    /// The user it belongs to; `<root_account>` for root.
    pub user_name: String,
    /// Whether anything would break without it.
    pub in_use: bool,
    /// Stable ids of what makes this key easy to misjudge.
    pub traps: Vec<String>,
    /// What a person should know about it.
    pub note: String,
    /// Whatever depends on it.
    pub consumers: Vec<ConsumerTruth>,
}

/// One program or person that depends on a key.
#[derive(Clone, Debug, Serialize)]
pub struct ConsumerTruth {
    /// Its name.
    pub name: String,
    /// Id of its kind.
    pub kind: String,
    /// Whether it leaves any event in the logs that were written.
    pub visible: bool,
    /// Addresses of its events; of an invisible consumer, the addresses it works from.
    pub source_ips: Vec<String>,
    /// User agents of its events, without brackets; of an invisible consumer, those it would send.
    pub user_agents: Vec<String>,
    /// What a person should know about it.
    pub note: String,
}
