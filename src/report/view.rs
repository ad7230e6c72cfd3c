//! The report as data: what every renderer shows and what JSON output is. Versioned apart from the domain types.
//!
//! Times are RFC 3339 in UTC; days are `YYYY-MM-DD`. Absent means unknown. Lists are complete unless a field
//! `…_total` beside them says how many there are.

pub use super::consumer_view::*;
pub(crate) use super::coverage_view::*;
use super::diff::Point;
use schemars::JsonSchema;
use serde::Serialize;

/// Name and version of the format. Fields may be added within a version; none change meaning or go.
pub const SCHEMA: &str = "offkey.report/1";

/// A migration report.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always `offkey.report/1`.
    pub schema: &'static str,
    /// Title.
    pub title: String,
    /// `eng`: everything; `exec`: without what only engineers need. JSON, CSV and SARIF are always whole.
    pub audience: &'static str,
    /// Whether names, key ids, account ids and addresses stand for others.
    pub redacted: bool,
    /// Picture on the page, as a `data:` URI; no part of JSON.
    #[serde(skip)]
    pub logo: Option<String>,
    /// For the page of one account: the file that has all of them.
    pub part_of: Option<String>,
    /// Pages of single accounts, where one page for all would be too large; the key pages are there.
    pub parts: Vec<Part>,
    /// Version of the program that made it.
    pub offkey_version: &'static str,
    /// The time it speaks for.
    pub as_of: String,
    /// When keys are due.
    pub thresholds: Thresholds,
    /// Counts and the main findings.
    pub summary: Summary,
    /// Counts of earlier reports and of this one, by time; empty where no earlier ones were given.
    pub history: Vec<Point>,
    /// The order of migration; every key is in exactly one wave.
    pub waves: Vec<Wave>,
    /// Every key, by wave and id.
    pub keys: Vec<Key>,
    /// Places from which one program uses several keys.
    pub shared_consumers: Vec<SharedConsumer>,
    /// What ties keys together.
    pub dependencies: Dependencies,
    /// Users of whom no export says whether they have keys.
    pub users_with_unknown_keys: Vec<UserRef>,
    /// Session use by IAM users that derives from no key seen: the console and the like.
    pub user_sessions: Vec<UserSession>,
    /// What was and was not seen.
    pub coverage: Coverage,
    /// Exemptions: keys that somebody asked to leave alone.
    pub mutes: Vec<Mute>,
    /// What was passed over while reading.
    pub skipped: Vec<Skipped>,
    /// How many skips of each reason.
    pub skipped_by_reason: Vec<NamedCount>,
    /// Inputs and method.
    pub method: Method,
}

/// A page of one account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Part {
    /// The account; empty for keys whose account is not known.
    pub account: String,
    /// The file, beside the one that names it.
    pub file: String,
}

/// Thresholds in days.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Thresholds {
    /// A key older than this is due.
    pub max_age_days: i32,
    /// A key idle for longer than this is due.
    pub max_idle_days: i32,
}

/// The executive summary.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Accounts in the inputs.
    pub accounts: usize,
    /// IAM users known, root included.
    pub users: usize,
    /// Keys known.
    pub keys: usize,
    /// Keys due by age or idleness.
    pub keys_due: usize,
    /// Keys by verdict.
    pub verdicts: Vec<NamedCount>,
    /// Of those, keys that are inactive already: what is left to do is to delete them. The burn-down counts active keys only.
    pub inactive: Vec<NamedCount>,
    /// Consumers, those included that are presumed and seen in no record.
    pub consumers: usize,
    /// Of those, presumed ones.
    pub consumers_presumed: usize,
    /// Consumers whose kind is known.
    pub consumers_identified: usize,
    /// Consumers by kind.
    pub kinds: Vec<NamedCount>,
    /// Keys that somebody asked to leave alone.
    pub keys_muted: usize,
    /// Keys with a gap that forbids calling them unused, whether or not they are in use.
    pub keys_with_gaps: usize,
    /// CloudTrail records read, copies included.
    pub events: u64,
    /// Main findings, most urgent first.
    pub findings: Vec<Finding>,
}

/// An exemption, as somebody wrote it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mute {
    /// Key id, user and account that it names.
    pub names: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    pub expires: Option<String>,
    /// `active`, `expired` or `malformed`; only active ones mute.
    pub state: &'static str,
    /// What is wrong with it, where something is.
    pub wrong: Option<String>,
    /// How many keys it is about.
    pub keys: usize,
}

/// What ties keys together.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Dependencies {
    /// Keys that hang together by a place of their consumers: best migrated in one go.
    pub groups: Vec<Vec<String>>,
    /// Places and roles without which groups would fall apart.
    pub hubs: Vec<Hub>,
    /// Roles that assume each other in a circle: none of them can be retired by itself.
    pub role_cycles: Vec<Vec<String>>,
}

/// A place or role that ties keys together.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Hub {
    /// `network` or `role`.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// The keys.
    pub keys: Vec<String>,
}

/// What breaks if a key goes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BlastRadius {
    /// Workloads that use it.
    pub consumers: usize,
    /// Services that they call with it.
    pub services: Vec<String>,
    /// Roles that they enter with it.
    pub roles: Vec<String>,
    /// Other keys of the same group: they hang together with it by a place of their consumers.
    pub tied_keys: Vec<String>,
}

/// A finding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable id.
    pub id: &'static str,
    /// A sentence.
    pub text: String,
    /// References of the keys it is about; empty where it is about the inputs.
    pub keys: Vec<String>,
}

/// An id with a title and a count.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NamedCount {
    /// Stable id.
    pub id: String,
    /// For people.
    pub title: String,
    /// How many.
    pub count: u64,
}

/// One wave.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Wave {
    /// Position, from 1.
    pub number: usize,
    /// Stable id.
    pub id: &'static str,
    /// What it holds and why then.
    pub title: &'static str,
    /// References of its keys ([`Key::reference`]).
    pub keys: Vec<String>,
}

/// One key.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Key {
    /// Unique in the report: the key id, or user and slot where no export names the key.
    pub reference: String,
    /// Key id, where known.
    pub access_key_id: Option<String>,
    /// Account, where known.
    pub account: Option<String>,
    /// How the account was told, where the evidence did not state it.
    pub account_by: Option<String>,
    /// User; `<root_account>` for root; absent where unknown.
    pub user: Option<String>,
    /// `Active`, `Inactive` or `Expired`.
    pub status: Option<&'static str>,
    /// When it was created.
    pub created: Option<String>,
    /// Age in days.
    pub age_days: Option<i32>,
    /// Days since the last known use; for a key never used, since its creation.
    pub idle_days: Option<i32>,
    /// Older than the threshold.
    pub due_by_age: Option<bool>,
    /// Idle for longer than the threshold.
    pub due_by_idle: Option<bool>,
    /// IAM's record of its last use.
    pub last_used: LastUsed,
    /// `retire`, `replace`, `rotate` or `investigate`.
    pub verdict: &'static str,
    /// The verdict in words.
    pub verdict_title: &'static str,
    /// Why, the deciding reason first.
    pub reasons: Vec<Reason>,
    /// What to do next, in order.
    pub next_steps: Vec<&'static str>,
    /// Id of its wave.
    pub wave: &'static str,
    /// Who uses it, busiest first.
    pub consumers: Vec<Consumer>,
    /// Usage that is no consumer: services on its behalf, validation of a leaked key.
    pub asides: Vec<Aside>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// Its usage in sum.
    pub usage: Usage,
    /// Sessions that it handed out.
    pub sessions: Sessions,
    /// What breaks if it goes.
    pub blast_radius: BlastRadius,
    /// What else its user can sign in with, as far as a live collection asked.
    pub other_credentials: Vec<String>,
    /// The exemption that holds for it: position in [`Report::mutes`], from 0.
    pub muted_by: Option<usize>,
    /// First and last day of which LookupEvents showed every management event of the key, in all enabled regions.
    pub looked_up: Option<[String; 2]>,
}

/// IAM's record of a key's last use.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LastUsed {
    /// `unknown`, `never` or `at`.
    pub state: &'static str,
    /// When.
    pub time: Option<String>,
    /// Service, as IAM abbreviates it.
    pub service: Option<String>,
    /// Region.
    pub region: Option<String>,
}

/// A reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// Stable code.
    pub code: &'static str,
    /// For people.
    pub text: String,
}

/// Usage in sum.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Usage {
    /// Events, those of derived sessions included.
    pub events: u64,
    /// Of those, signed by derived sessions.
    pub derived_events: u64,
    /// Of those, denied.
    pub denied_events: u64,
    /// Records with a session context, which a static key's own calls do not have.
    pub session_context_events: u64,
    /// First event.
    pub first: Option<String>,
    /// Last event.
    pub last: Option<String>,
    /// Days with use.
    pub active_days: usize,
    /// Longest silence between two of them, in days.
    pub longest_gap_days: i32,
    /// `once`, `daily`, `weekdays`, `weekly`, `monthly` or `irregular`; absent without use.
    pub rhythm: Option<&'static str>,
    /// On which days it was used, the last 53 weeks of them.
    pub days: Option<ActiveDays>,
}

/// Days with and without use.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ActiveDays {
    /// The first day.
    pub first: String,
    /// From then on, a day each: `#` with use, `.` without.
    pub used: String,
}

/// Sessions that a key handed out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sessions {
    /// How many.
    pub handed_out: usize,
    /// Of those, sessions that no event was seen under: their use is unknown.
    pub never_seen: usize,
    /// Ways in which sessions derive, with the events under each.
    pub paths: Vec<NamedCount>,
}

/// Usage that is no consumer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Aside {
    /// `via-service` or `key-validation`.
    pub kind: &'static str,
    /// The service, or the scanner and its address.
    pub who: String,
    /// Calls, busiest first.
    pub calls: Vec<Call>,
    /// Events.
    pub events: u64,
    /// First event.
    pub first: Option<String>,
    /// Last event.
    pub last: Option<String>,
}

/// What could not be seen of a key.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Gap {
    /// Stable id.
    pub id: &'static str,
    /// Whether it forbids the verdict "unused".
    pub blocks_unused: bool,
    /// What is missing.
    pub text: String,
    /// What would close it.
    pub close_by: String,
}

/// Keys used from one address by one program: possibly one workload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SharedConsumer {
    /// Program and place.
    pub origin: String,
    /// The keys.
    pub keys: Vec<String>,
}

/// A user.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserRef {
    /// Account.
    pub account: String,
    /// Name.
    pub user: String,
}

/// Session use of a user that derives from no key seen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserSession {
    /// Account.
    pub account: String,
    /// User.
    pub user: String,
    /// Whether the sessions came from the console.
    pub console: bool,
    /// Events.
    pub events: u64,
    /// First event.
    pub first: Option<String>,
    /// Last event.
    pub last: Option<String>,
}

/// Something passed over.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Skipped {
    /// File, with `!` before a member of an archive.
    pub source: String,
    /// Byte offset in the decompressed content.
    pub offset: Option<u64>,
    /// Stable id of the reason.
    pub reason: &'static str,
    /// Details.
    pub detail: String,
}

/// Inputs and method.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Method {
    /// What was read, per argument.
    pub inputs: Vec<Input>,
    /// Events read.
    pub events_read: u64,
    /// Copies of events already counted.
    pub duplicates: u64,
    /// Usage rows by keys and their sessions.
    pub usage_rows: usize,
    /// How to read the report, and what this version does not do.
    pub notes: Vec<String>,
}

/// One argument.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Input {
    /// As the user named it.
    pub name: String,
    /// Files read.
    pub files: usize,
    /// Their bytes on disk.
    pub bytes: u64,
    /// SHA-256 over the sorted lines `HASH  LABEL` of all files; a file that could not be read whole has no hash.
    pub sha256: String,
}
