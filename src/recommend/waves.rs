//! The order of migration: which keys go first, and why.

use super::advice::{Advice, Outcome};
use super::verdict::{Verdict, VerdictKind};
use crate::attribution::{Attribution, Confidence};
use crate::model::WorkloadKind;

/// A wave. Lower numbers go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wave {
    /// Exposed, quarantined and root keys.
    Incidents,
    /// Keys that nothing uses.
    Retire,
    /// One consumer inside AWS, surely identified.
    QuickWins,
    /// Pipelines and people: one trust policy each.
    Pipelines,
    /// Servers and services outside AWS, and keys that several consumers share.
    Hard,
    /// Keys that have to stay for now.
    Rotate,
    /// Keys whose evidence has gaps.
    Gaps,
}

impl Wave {
    /// All waves in order.
    pub const ALL: [Wave; 7] = [
        Self::Incidents,
        Self::Retire,
        Self::QuickWins,
        Self::Pipelines,
        Self::Hard,
        Self::Rotate,
        Self::Gaps,
    ];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Incidents => "incidents",
            Self::Retire => "retire",
            Self::QuickWins => "quick-wins",
            Self::Pipelines => "pipelines-and-people",
            Self::Hard => "outside-and-shared",
            Self::Rotate => "rotate",
            Self::Gaps => "close-gaps",
        }
    }

    /// What it holds, and why then.
    pub fn title(self) -> &'static str {
        match self {
            Self::Incidents => {
                "Incidents and root keys: somebody else may hold them, or they can do everything"
            }
            Self::Retire => "Unused keys: nothing depends on them",
            Self::QuickWins => "Quick wins: one consumer inside AWS, whose role is a click away",
            Self::Pipelines => "Pipelines and people: a trust policy or a sign-in each",
            Self::Hard => "Outside AWS, and keys that several consumers share: owners have to act together",
            Self::Rotate => "Keys that must stay for now: rotate, and work on what keeps them",
            Self::Gaps => "Evidence gaps: find out more before anything is touched",
        }
    }
}

/// What a key's wave is chosen by.
pub struct WaveInput<'a> {
    /// Its verdict.
    pub verdict: &'a Verdict,
    /// Its use.
    pub attribution: &'a Attribution,
    /// Replacements of its consumers.
    pub advice: &'a [Advice],
    /// Whether one of its consumers uses other keys, too.
    pub shares_consumer: bool,
}

/// Chooses the wave.
pub fn wave_of(input: &WaveInput<'_>) -> Wave {
    let incident = ["quarantined", "key-validated", "attack-tool", "root-key"];
    match input.verdict.kind {
        VerdictKind::Investigate if input.verdict.reasons.iter().any(|r| incident.contains(&r.code)) => {
            Wave::Incidents
        }
        VerdictKind::Investigate => Wave::Gaps,
        VerdictKind::Retire => Wave::Retire,
        VerdictKind::Rotate => Wave::Rotate,
        VerdictKind::Replace => {
            let [consumer] = input.attribution.consumers.as_slice() else {
                return Wave::Hard;
            };
            // Whoever's every call is denied has to be understood first.
            let denied = input.verdict.reasons.iter().any(|r| r.code == "all-denied");
            if input.shares_consumer || denied {
                return Wave::Hard;
            }
            let inside = matches!(
                consumer.kind,
                WorkloadKind::Ec2
                    | WorkloadKind::EcsTask
                    | WorkloadKind::Lambda
                    | WorkloadKind::CodeBuild
                    | WorkloadKind::EksPod
            );
            let pipeline = matches!(
                consumer.kind,
                WorkloadKind::GithubActions
                    | WorkloadKind::GitlabCi
                    | WorkloadKind::Bitbucket
                    | WorkloadKind::CircleCi
                    | WorkloadKind::HcpTerraform
            );
            let sign_in = input.advice.iter().any(|advice| advice.outcome == Outcome::SignIn);
            if inside && consumer.confidence >= Confidence::Medium {
                Wave::QuickWins
            } else if pipeline || sign_in {
                Wave::Pipelines
            } else {
                Wave::Hard
            }
        }
    }
}
