//! The plan as a file: JSON that people can read, versioned, bound by a digest to everything it says.

use crate::ports::SeenKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Name and version of the format.
pub const SCHEMA: &str = "offkey.plan/1";

/// What is done to the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Each gets a successor; its secret goes to a sink.
    Rotate,
    /// Each goes; its users have other credentials already.
    Retire,
}

impl Operation {
    /// The command.
    pub fn id(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Retire => "retire",
        }
    }
}

/// Who made the plan, and who may apply it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// Account.
    pub account: String,
    /// ARN of the user or role; a role's sessions are all the same caller.
    pub principal: String,
}

impl Caller {
    /// Of an ARN as `sts:GetCallerIdentity` gives it.
    pub fn of(account: &str, arn: &str) -> Self {
        let principal = match arn.split_once(":assumed-role/") {
            Some((start, rest)) => {
                format!("{start}:assumed-role/{}", rest.split('/').next().unwrap_or_default())
            }
            None => arn.to_owned(),
        };
        Self { account: account.to_owned(), principal }
    }
}

/// Where a new secret goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SinkSpec {
    /// A secret of AWS Secrets Manager.
    SecretsManager {
        /// Name or ARN.
        secret: String,
        /// Region; the configuration's where absent.
        region: Option<String>,
    },
    /// A SecureString of SSM's Parameter Store.
    Ssm {
        /// Name.
        parameter: String,
        /// Region; the configuration's where absent.
        region: Option<String>,
    },
    /// A profile of an AWS credentials file.
    Profile {
        /// Name of the profile.
        profile: String,
        /// The file.
        file: String,
    },
    /// A command that is given JSON.
    Command {
        /// For the shell.
        command: String,
    },
}

impl fmt::Display for SinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |region: &Option<String>| region.as_ref().map_or_else(String::new, |r| format!(" in {r}"));
        match self {
            Self::SecretsManager { secret, region } => write!(f, "Secrets Manager: {secret}{}", at(region)),
            Self::Ssm { parameter, region } => write!(f, "Parameter Store: {parameter}{}", at(region)),
            Self::Profile { profile, file } => write!(f, "profile {profile} of {file}"),
            Self::Command { command } => write!(f, "command: {command}"),
        }
    }
}

/// What holds for all keys of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The old key has to be silent for so long at least before it is deactivated.
    pub silence_days: i32,
    /// Days between deactivation and deletion.
    pub wait_days: i32,
    /// Whether deletion was asked for; otherwise everything ends with keys deactivated.
    pub delete: bool,
    /// A check during the wait: when it fails, the old key is made active again.
    pub watch: Option<String>,
    /// Regions for which an SMTP password of SES is stored beside the secret.
    pub ses_smtp: Vec<String>,
    /// Seconds until IAM is trusted to show what was just done.
    pub settle_seconds: u64,
    /// Seconds that a sink's or watch's command may take.
    pub command_seconds: u64,
}

/// A gap of evidence, as the analysis named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapNote {
    /// Its id.
    pub id: String,
    /// What is missing.
    pub detail: String,
}

/// What the evidence says of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gist {
    /// The time it speaks for.
    pub as_of: Timestamp,
    /// Verdict.
    pub verdict: String,
    /// Events seen.
    pub events: u64,
    /// The last of them.
    pub last_event: Option<Timestamp>,
    /// Longest silence between two days of use; absent where fewer than two were seen.
    pub longest_gap_days: Option<i32>,
    /// What could not be seen.
    pub gaps: Vec<GapNote>,
    /// Consumers that were seen, in words.
    pub consumers: Vec<String>,
}

/// One key of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPlan {
    /// Account.
    pub account: String,
    /// User.
    pub user: String,
    /// The user's ARN.
    pub user_arn: String,
    /// The key as it was observed: id, status, creation.
    pub key: SeenKey,
    /// IAM's last use of it at the time of the plan.
    pub last_used: Option<Timestamp>,
    /// Where the new secret goes; for rotation.
    pub sink: Option<SinkSpec>,
    /// ARN of the role that replaces it; for retirement.
    pub role: Option<String>,
    /// What the evidence says; absent where none was given.
    pub evidence: Option<Gist>,
}

/// A key that was asked for and is not touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Account.
    pub account: String,
    /// User.
    pub user: String,
    /// Key id.
    pub key: String,
    /// Id of the interlock.
    pub stop: String,
    /// Why.
    pub why: String,
    /// What to do instead.
    pub instead: String,
}

/// A gap that somebody takes upon themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Key id; all keys of the plan where absent.
    pub key: Option<String>,
    /// Id of the gap or condition.
    pub gap: String,
    /// Why it may be accepted.
    pub reason: String,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always `offkey.plan/1`.
    pub schema: String,
    /// What is done.
    pub operation: Operation,
    /// Name of the plan, unique.
    pub id: String,
    /// When it was made, by AWS's clock.
    pub created: Timestamp,
    /// When it may no longer be begun.
    pub expires: Timestamp,
    /// Who.
    pub caller: Caller,
    /// What holds for all keys.
    pub settings: Settings,
    /// The keys.
    pub keys: Vec<KeyPlan>,
    /// Keys that were asked for and are left alone.
    pub left_out: Vec<LeftOut>,
    /// Gaps accepted beforehand.
    pub accepted: Vec<Accepted>,
    /// SHA-256 of all of the above.
    pub digest: String,
}

/// Why a file is no plan to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not JSON of this form.
    #[error("not a plan: {0}")]
    Unreadable(String),
    /// Of another version.
    #[error("a plan of version {0:?}, and this program knows {SCHEMA:?}")]
    Version(String),
    /// It was changed after it was made.
    #[error("the plan was changed after it was made: its digest does not fit")]
    Changed,
}

impl Plan {
    /// Gives the plan its name and digest.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.schema = SCHEMA.to_owned();
        self.id = String::new();
        let name = self.computed();
        self.id = format!("{}-{}", self.operation.id(), name.get(..12).unwrap_or_default());
        self.digest = self.computed();
        self
    }

    /// Reads a plan and proves that nobody changed it.
    ///
    /// # Errors
    /// Where it is none, is of another version, or was changed.
    pub fn read(text: &str) -> Result<Self, PlanError> {
        let unreadable = |error: serde_json::Error| PlanError::Unreadable(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(unreadable)?;
        let version = value.get("schema").and_then(|v| v.as_str()).unwrap_or_default();
        if version != SCHEMA {
            return Err(if version.is_empty() {
                PlanError::Unreadable("it names no schema".to_owned())
            } else {
                PlanError::Version(version.to_owned())
            });
        }
        let plan: Self = serde_json::from_value(value).map_err(unreadable)?;
        if plan.digest != plan.computed() {
            return Err(PlanError::Changed);
        }
        Ok(plan)
    }

    /// The plan as a file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn computed(&self) -> String {
        let blank = Self { digest: String::new(), ..self.clone() };
        let text = serde_json::to_string(&blank).unwrap_or_default();
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ports::KeyStatus;

    pub(crate) fn example(operation: Operation) -> Plan {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        Plan {
            schema: String::new(),
            operation,
            id: String::new(),
            created: time("2026-10-01T12:00:00Z"),
            expires: time("2026-10-02T12:00:00Z"),
            caller: Caller::of("111122223333", "arn:aws:sts::111122223333:assumed-role/operator/me"),
            settings: Settings {
                silence_days: 7,
                wait_days: 14,
                delete: true,
                watch: None,
                ses_smtp: Vec::new(),
                settle_seconds: 15,
                command_seconds: 60,
            },
            keys: vec![KeyPlan {
                account: "111122223333".to_owned(),
                user: "ci".to_owned(),
                user_arn: "arn:aws:iam::111122223333:user/ci".to_owned(),
                key: SeenKey {
                    id: "AKIAI44QH8DHBEXAMPLE".to_owned(),
                    status: KeyStatus::Active,
                    created: time("2024-01-01T00:00:00Z"),
                },
                last_used: Some(time("2026-09-30T12:00:00Z")),
                sink: (operation == Operation::Rotate).then(|| SinkSpec::SecretsManager {
                    secret: "ci/aws".to_owned(),
                    region: Some("eu-west-1".to_owned()),
                }),
                role: (operation == Operation::Retire)
                    .then(|| "arn:aws:iam::111122223333:role/ci".to_owned()),
                evidence: Some(Gist {
                    as_of: time("2026-10-01T00:00:00Z"),
                    verdict: "rotate".to_owned(),
                    events: 4,
                    last_event: Some(time("2026-09-30T12:00:00Z")),
                    longest_gap_days: Some(30),
                    gaps: Vec::new(),
                    consumers: vec!["aws-cli from 192.0.2.10".to_owned()],
                }),
            }],
            left_out: Vec::new(),
            accepted: Vec::new(),
            digest: String::new(),
        }
        .sealed()
    }

    #[test]
    fn a_plan_comes_back_as_it_was_and_any_change_shows() {
        for operation in [Operation::Rotate, Operation::Retire] {
            let plan = example(operation);
            let text = plan.text();
            assert_eq!(Plan::read(&text), Ok(plan));
            for (from, to) in [
                ("AKIAI44QH8DHBEXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
                ("\"wait_days\": 14", "\"wait_days\": 0"),
                ("2026-10-02T12", "2027-10-02T12"),
                ("Active", "Inactive"),
                ("2024-01-01", "2024-01-02"),
                ("assumed-role/operator", "assumed-role/other"),
            ] {
                assert!(text.contains(from), "{from}");
                assert_eq!(Plan::read(&text.replace(from, to)), Err(PlanError::Changed), "{from}");
            }
            let more = text.replacen('{', "{\"sneaky\": 1,", 1);
            assert!(matches!(Plan::read(&more), Err(PlanError::Unreadable(_))));
            assert_eq!(
                Plan::read(&text.replace("plan/1", "plan/9")),
                Err(PlanError::Version("offkey.plan/9".into()))
            );
        }
        assert!(matches!(Plan::read("{}"), Err(PlanError::Unreadable(_))));
        assert!(matches!(Plan::read(""), Err(PlanError::Unreadable(_))));
    }

    #[test]
    fn sessions_of_a_role_are_one_caller() {
        let of = |arn| Caller::of("111122223333", arn).principal;
        assert_eq!(
            of("arn:aws:sts::111122223333:assumed-role/operator/a"),
            of("arn:aws:sts::111122223333:assumed-role/operator/b")
        );
        assert_eq!(of("arn:aws:iam::111122223333:user/x"), "arn:aws:iam::111122223333:user/x");
    }
}
