//! The report's part on consumers: what each is, what it does, and what replaces its key.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One consumer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Consumer {
    /// Stable between runs.
    pub id: String,
    /// Kind id.
    pub kind: &'static str,
    /// Kind for people.
    pub kind_title: &'static str,
    /// `low`, `medium` or `high`.
    pub confidence: &'static str,
    /// Why the confidence is lower than the signals would make it, where it is.
    pub capped_by: Option<String>,
    /// The kind that is nearly as plausible: ask the owner.
    pub rival: Option<&'static str>,
    /// What only the owner can answer.
    pub questions: Vec<String>,
    /// Program and place.
    pub origin: String,
    /// Whether any record shows it; false where it is presumed.
    pub seen: bool,
    /// What speaks for which kind, strongest first.
    pub signals: Vec<Signal>,
    /// Programs with their events.
    pub programs: Vec<Count>,
    /// Tools that drive those programs.
    pub drivers: Vec<String>,
    /// Places.
    pub places: Vec<String>,
    /// Busiest source addresses with their events.
    pub addresses: Vec<Count>,
    /// How many addresses there are.
    pub addresses_total: usize,
    /// Busiest user agents with their events.
    pub user_agents: Vec<Count>,
    /// How many agents there are.
    pub user_agents_total: usize,
    /// Where the secret lies, as far as user agents say. Hints, never proof.
    pub credential_sources: Vec<&'static str>,
    /// Calls, busiest first.
    pub calls: Vec<Call>,
    /// IAM actions that its calls needed, with resources, by name: what `offkey replace` makes policies of.
    pub permissions: Vec<Permission>,
    /// Calls that worked and whose actions are not known; nothing is guessed.
    pub unmapped_calls: Vec<Unmapped>,
    /// Regions called.
    pub regions: Vec<String>,
    /// Roles assumed.
    pub roles: Vec<String>,
    /// Paths of derived sessions it worked under.
    pub session_paths: Vec<Count>,
    /// Events.
    pub events: u64,
    /// First event.
    pub first: Option<String>,
    /// Last event.
    pub last: Option<String>,
    /// Its first event's id: where to look in the logs.
    pub sample_event_id: Option<String>,
    /// Rhythm; absent where no record shows it.
    pub rhythm: Option<&'static str>,
    /// Days with use.
    pub active_days: usize,
    /// Longest silence between two of them, in days.
    pub longest_gap_days: i32,
    /// What replaces its key.
    pub replacement: Replacement,
    /// The way over to it, step by step; absent where it was not worked out, or is left out of a redacted report.
    pub cut_over: Option<CutOver>,
}

/// The way from the key to what replaces it, as `offkey replace` writes it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CutOver {
    /// Name of the role that is made; absent where none is.
    pub role: Option<String>,
    /// Permission policies.
    pub policies: Vec<RolePolicy>,
    /// The role as Terraform, inputs that are missing in angle brackets; absent where no role is made.
    pub terraform: Option<String>,
    /// How the policies compare with what was seen.
    pub parity: Option<String>,
    /// What to do, in order: each part with its steps.
    pub steps: Vec<Steps>,
    /// What to type: to write the files, to see that the role carries the load, and to take the key away.
    pub commands: Vec<String>,
}

/// A permission policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RolePolicy {
    /// Name.
    pub name: String,
    /// Whether it is attached: privileged policies are not, unless somebody asks.
    pub attached: bool,
    /// The document.
    pub document: Value,
}

/// A part of a checklist.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Steps {
    /// What it is about.
    pub title: &'static str,
    /// Its steps.
    pub steps: Vec<String>,
}

/// A signal for a kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Signal {
    /// Kind id.
    pub kind: &'static str,
    /// `weak`, `medium` or `strong`.
    pub strength: &'static str,
    /// Whether it speaks for the kind that the consumer is told to be; otherwise it speaks against it.
    pub supports: bool,
    /// What was observed.
    pub text: String,
    /// In how many events; 0 where it is a fact about the user and not about calls.
    pub events: u64,
    /// The first of them.
    pub first: Option<String>,
    /// The last of them.
    pub last: Option<String>,
    /// One of them, to look up in the logs.
    pub sample_event_id: Option<String>,
}

/// A text with its events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Count {
    /// The text.
    pub name: String,
    /// Events.
    pub events: u64,
}

/// One kind of call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Call {
    /// Service host without `.amazonaws.com`.
    pub service: String,
    /// API call.
    pub name: String,
    /// Events.
    pub events: u64,
    /// Of those, denied: evidence of need, not of permission.
    pub denied: u64,
    /// Of those, other errors.
    pub failed: u64,
}

/// An IAM action that calls needed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Permission {
    /// Such as `s3:ListAllMyBuckets`.
    pub action: String,
    /// `list`, `read`, `tagging`, `write` or `permissions-management`.
    pub level: &'static str,
    /// ARNs with wildcards as policies have them, or `*`.
    pub resources: Vec<String>,
    /// How the resources came about: `exact`, `widened`, `none-taken` (the action takes none), `not-named` (some calls do
    /// not say what they acted on) or `as-today` (likewise, so the user's own policies stand in).
    pub scope: &'static str,
    /// Under which condition.
    pub condition: Option<String>,
    /// `none`, `careful` (reaches further than it says) or `privileged` (makes administrators).
    pub danger: &'static str,
    /// Whether the role is granted it; privileged actions are only if somebody asks.
    pub granted: bool,
    /// Events that needed it.
    pub events: u64,
    /// Of those, events that failed on what they found, after authorisation.
    pub failed: u64,
    /// Why it is called otherwise than the call, where it is.
    pub because: Option<&'static str>,
}

/// A call whose actions are not known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unmapped {
    /// Service host without `.amazonaws.com`.
    pub service: String,
    /// API call.
    pub name: String,
    /// Events.
    pub events: u64,
}

/// A recommended replacement.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Replacement {
    /// Id of the rule.
    pub rule: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// `new-role`, `existing-role`, `sign-in`, `rotate` or `identify`.
    pub outcome: &'static str,
    /// Trust policy with placeholders in angle brackets.
    pub trust_policy: Option<Value>,
    /// What has to be filled in.
    pub needs: Vec<Need>,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// What to watch out for.
    pub caveats: Vec<String>,
    /// What would make a role possible, where none is yet.
    pub unblock: Option<&'static str>,
}

/// A placeholder of a trust policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Need {
    /// Name between the angle brackets.
    pub name: &'static str,
    /// What to ask.
    pub ask: &'static str,
}
