//! What is known of accounts, users and keys. Anything an export did not say is absent, never assumed.

use crate::model::{AccessKeyId, AccountId, Day, Window};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything the exports say.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Facts per account.
    pub accounts: BTreeMap<AccountId, AccountFacts>,
    /// Users, root included (as [`crate::model::ROOT_USER`]).
    pub users: BTreeMap<UserKey, User>,
    /// Keys by their ids.
    pub keys: BTreeMap<AccessKeyId, KeyFacts>,
    /// Policies of resources and grants of keys, in words, with the principals that they name.
    pub resource_policies: BTreeMap<String, BTreeSet<String>>,
    /// Parts of exports that could not be understood, in words.
    pub notes: Vec<String>,
    /// Whether some export says of itself that it is not whole.
    pub incomplete: bool,
    /// Whether a live collection was cut short, so that anything may be missing.
    pub unfinished: bool,
}

/// A user is known by account and name.
pub type UserKey = (AccountId, String);

/// What is known of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// When the credential report was made; `None` without one.
    pub credential_report: Option<Timestamp>,
    /// Whether a credential report was read, with or without its time.
    pub has_credential_report: bool,
    /// Whether authorization details were read.
    pub has_authorization_details: bool,
    /// Whether any access key list was read.
    pub has_key_list: bool,
    /// Number of roles.
    pub roles: usize,
    /// OIDC issuers that roles trust, without scheme.
    pub oidc_issuers: BTreeSet<String>,
    /// Principals that roles' trust policies name, ARNs and unique ids, with the roles.
    pub trusts: BTreeMap<String, BTreeSet<String>>,
    /// Trails, where they were described.
    pub trails: Vec<Trail>,
    /// Regions that are enabled, where AWS named them.
    pub regions: BTreeSet<String>,
}

/// One trail's configuration
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Its ARN.
    pub arn: String,
    /// Whether it records all regions.
    pub multi_region: bool,
    /// Whether it records the whole organization.
    pub organization: bool,
    /// What its event selectors record; `None` where they were not given.
    pub selectors: Option<Selectors>,
    /// Whether it delivers, where AWS was asked.
    pub logging: Option<bool>,
}

/// What event selectors let through
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    /// Whether management reads and writes are recorded.
    pub all_management: bool,
    /// Event sources excluded, such as `kms.amazonaws.com`.
    pub excluded: BTreeSet<String>,
    /// Resource types whose data events are recorded, such as `AWS::S3::Object`.
    pub data_types: BTreeSet<String>,
}

/// What is known of one user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// ARN, where known.
    pub arn: String,
    /// Unique id (`AIDA…`), where known.
    pub id: String,
    /// Path, `/` by default.
    pub path: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Tags, the console's key descriptions among them.
    pub tags: BTreeMap<String, String>,
    /// ARNs of attached managed policies, its own and its groups'.
    pub attached: BTreeSet<String>,
    /// Whether all of its policies are known: its own, attached ones with their documents, and its groups'.
    pub policies_known: bool,
    /// Documents of its policies, inline and managed, its own and its groups', as far as they were read.
    pub policies: Vec<Value>,
    /// Its permissions boundary.
    pub boundary: Option<Boundary>,
    /// Whether authorization details speak of it.
    pub in_details: bool,
    /// Whether some policy that names SES allows `ses:SendRawEmail`.
    pub may_send_mail: bool,
    /// Whether some policy allows everything, SES included, without naming it.
    pub allows_everything: bool,
    /// Services that it reached, by IAM prefix, and when last, as far as service-last-accessed details were read.
    pub services: BTreeMap<String, Timestamp>,
    /// Whether it has a console password.
    pub password: Option<bool>,
    /// The credential report's two key slots; `None` where no report covers the user.
    pub slots: Option<[Slot; 2]>,
    /// When the report with those slots was made, at the earliest.
    pub slots_observed: Option<Timestamp>,
    /// Credentials that are no access keys, as far as they were asked for.
    pub other_credentials: BTreeSet<OtherCredential>,
}

/// A credential of a user that is no access key, and that no credential report shows
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_service-specific-creds.html>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherCredential {
    /// `ssh-key`, `service-specific`, `certificate`, `mfa-device` or `password`.
    pub kind: String,
    /// Its service or id.
    pub name: String,
    /// Whether it works.
    pub active: bool,
}

/// The span that LookupEvents was asked for, to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub to: Timestamp,
}

/// A permissions boundary
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>).
#[derive(Clone, Debug, PartialEq)]
pub struct Boundary {
    /// ARN of the policy.
    pub arn: String,
    /// Its document, where it was read.
    pub document: Option<Value>,
}

/// A key slot of the credential report, which names no key ids
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Whether there is an active key in it.
    pub active: bool,
    /// When the key was created or last changed.
    pub last_rotated: Option<Timestamp>,
    /// Its last use.
    pub last_used: LastUsed,
}

impl Slot {
    /// Whether there is any key in the slot. An inactive key keeps its `last_rotated`.
    pub fn holds_key(&self) -> bool {
        self.active || self.last_rotated.is_some()
    }
}

/// When a key was last used, as IAM tells it. IAM has kept this since 2015-04-22; it records the first use in
/// each 15 minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LastUsed {
    /// No source said anything.
    #[default]
    Unknown,
    /// Not since tracking began.
    Never,
    /// The most recent use.
    At {
        /// When.
        time: Timestamp,
        /// Service, as IAM abbreviates it (`s3`), or empty.
        service: String,
        /// Region, empty for services without.
        region: String,
    },
}

/// A key's status. `Expired` exists besides the other two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It was switched off and can be switched on again.
    Inactive,
    /// It ran out.
    Expired,
}

impl KeyStatus {
    /// As the IAM API writes it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Expired => "Expired",
        }
    }
}

/// What is known of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyFacts {
    /// Account and user, where they could be told.
    pub owner: Option<UserKey>,
    /// How the account was told, where the list itself did not say.
    pub owner_by: &'static str,
    /// Status.
    pub status: Option<KeyStatus>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Its last use.
    pub last_used: LastUsed,
    /// When the last use was observed.
    pub observed: Option<Timestamp>,
    /// Which slot of the credential report is this key's, from 0.
    pub slot: Option<usize>,
    /// Regions in which all management events of the key were looked up, and of which span.
    pub looked_up: BTreeMap<String, LookedUp>,
}

impl KeyFacts {
    /// The days on which every management event of the key is known by LookupEvents: those that all enabled regions
    /// have in common. The first and the last of them from and to the moment of asking: LookupEvents reaches back ninety
    /// times 24 hours, as far as a threshold of ninety days.
    pub fn days_looked_up(&self, regions: &BTreeSet<String>) -> Option<Window> {
        let mut spans = Vec::new();
        for region in regions {
            spans.push(self.looked_up.get(region)?);
        }
        let from = spans.iter().map(|span| span.from).max()?;
        let to = spans.iter().map(|span| span.to).min()?;
        Some(Window { first: Day::of(from), last: Day::of(to) }).filter(|window| window.first <= window.last)
    }
}
