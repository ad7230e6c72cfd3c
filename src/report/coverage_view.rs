//! The report's part on what was and was not seen, as it is written.

use super::view::NamedCount;
use schemars::JsonSchema;
use serde::Serialize;

/// Coverage of the inputs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Coverage {
    /// Each account.
    pub accounts: Vec<AccountCoverage>,
    /// Range files that tell networks apart.
    pub ranges: Vec<RangeFile>,
    /// What is not known in general.
    pub unknowns: Vec<String>,
}

/// Coverage of one account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AccountCoverage {
    /// Account.
    pub account: String,
    /// IAM users known, root included.
    pub users: usize,
    /// First day with events.
    pub first_day: Option<String>,
    /// Last day with events.
    pub last_day: Option<String>,
    /// Spans of days in between without any.
    pub missing: Vec<MissingDays>,
    /// Regions.
    pub regions: Vec<RegionCoverage>,
    /// Services of which data events were read.
    pub data_events_of: Vec<String>,
    /// Trails, where they were described.
    pub trails: Vec<String>,
    /// Whether a credential report was read, and when it was made.
    pub credential_report: Option<String>,
    /// Whether authorization details were read.
    pub authorization_details: bool,
    /// Whether an access key list was read.
    pub access_key_list: bool,
}

/// A span of days without events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MissingDays {
    /// First day.
    pub first_day: String,
    /// Last day, included.
    pub last_day: String,
    /// How many days.
    pub days: i32,
}

/// Coverage of one region.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RegionCoverage {
    /// Region.
    pub region: String,
    /// First day with anything.
    pub first_day: String,
    /// Last day.
    pub last_day: String,
    /// Days with anything.
    pub days: usize,
    /// Records, whether or not they were decoded.
    pub records: u64,
    /// Management events, of the records that were decoded: those of keys and of sessions that derive from them, and
    /// a sample of the others; all of them with `--census`.
    pub management_events: u64,
    /// Data events, of the records that were decoded.
    pub data_events: u64,
    /// Insight and aggregated events, of the records that were decoded.
    pub other_events: u64,
    /// Log objects, by their names.
    pub objects: u32,
    /// Log objects of which some part could not be read.
    pub damaged_objects: u32,
    /// Digest files, by their names.
    pub digests: u32,
    /// What is known of each day between the account's first and last, by class of events.
    pub classes: Vec<ClassDays>,
}

/// What is known of each day of one class of events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ClassDays {
    /// `management` or `data`.
    pub class: &'static str,
    /// How many days of each state: `seen`, `undecoded` (records were passed over, `--census` would tell their class),
    /// `quiet` (delivered without such events), `unproven` (other classes were read from files that are no log objects), `missing`, `excluded` (by the trails' selectors), `not-collected`.
    pub days: Vec<NamedCount>,
    /// The days in order, as spans of one state; of a region with more than 60 spans, the first 60.
    pub spans: Vec<DaySpan>,
    /// Spans that are left out.
    pub spans_left_out: usize,
}

/// Days in a row of one state.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DaySpan {
    /// State, as in `days`.
    pub state: &'static str,
    /// First day.
    pub first_day: String,
    /// Last day, included.
    pub last_day: String,
}

/// A range file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RangeFile {
    /// Whose.
    pub title: &'static str,
    /// Date or number in it, as written.
    pub date: String,
    /// Prefixes.
    pub prefixes: usize,
}
