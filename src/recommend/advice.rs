//! The shape of a replacement rule, and the choice of one for a consumer.

use super::rules;
use crate::attribution::{Consumer, Place};
use crate::inventory::AccountFacts;
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// What becomes of the consumer's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A new role, whose temporary credentials replace the key.
    NewRole,
    /// No new role: another way into a role that exists.
    ExistingRole,
    /// A person signs in.
    SignIn,
    /// No replacement yet: rotate, and remove what stands in the way.
    Rotate,
    /// The consumer has to be identified first.
    Identify,
}

impl Outcome {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::NewRole => "new-role",
            Self::ExistingRole => "existing-role",
            Self::SignIn => "sign-in",
            Self::Rotate => "rotate",
            Self::Identify => "identify",
        }
    }
}

/// What a rule is given.
pub struct Case<'a> {
    /// The consumer.
    pub consumer: &'a Consumer,
    /// The key's account id, or a placeholder where it is not known.
    pub account: &'a str,
    /// Partition of the user's ARN: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// Whether it is a key of the root user.
    pub root: bool,
    /// What is known of the account.
    pub facts: Option<&'a AccountFacts>,
}

impl Case<'_> {
    /// The region in which the workload runs, as its address tells; the region that it calls may be another, and
    /// a role that trusts the wrong one cannot be assumed.
    pub(crate) fn region(&self) -> &str {
        let mut regions = self.consumer.places.iter().map(|place| match place {
            Place::Aws { region, .. } => region.as_str(),
            _ => REGION,
        });
        match regions.next() {
            Some(first) if regions.all(|other| other == first) => first,
            _ => REGION,
        }
    }
}

const REGION: &str = "<REGION>";

/// Placeholders that any rule may leave, with what to ask for.
const COMMON_NEEDS: &[Need] = &[
    Need { name: "REGION", ask: "In which region does it run?" },
    Need { name: "ACCOUNT_ID", ask: "Which account is it?" },
];

/// A recommended replacement.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Id of the rule that gave it.
    pub rule: &'static str,
    /// The replacement in a few words.
    pub title: &'static str,
    /// What becomes of the credential.
    pub outcome: Outcome,
    /// Trust policy of the role, where there is to be one.
    pub trust: Option<TrustPolicy>,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// What to watch out for.
    pub caveats: Vec<String>,
    /// What would make a role possible, where none is yet.
    pub unblock: Option<&'static str>,
}

impl Advice {
    /// An advice without trust policy, caveats or blocker.
    pub(crate) fn new(outcome: Outcome, steps: &[&str]) -> Self {
        Self {
            rule: "",
            title: "",
            outcome,
            trust: None,
            steps: steps.iter().map(|s| (*s).to_owned()).collect(),
            caveats: Vec::new(),
            unblock: None,
        }
    }

    /// With a trust policy.
    pub(crate) fn trusting(mut self, mut trust: TrustPolicy) -> Self {
        let text = trust.document.to_string();
        trust.needs.extend(COMMON_NEEDS.iter().filter(|need| text.contains(&format!("<{}>", need.name))));
        self.trust = Some(trust);
        self
    }

    /// With something to watch out for.
    pub(crate) fn caveat(mut self, text: impl Into<String>) -> Self {
        self.caveats.push(text.into());
        self
    }
}

/// One replacement pattern. Each lives in a file of its own under `rules/`.
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// The replacement in a few words.
    pub title: &'static str,
    /// The kind of consumer it is for.
    pub kind: WorkloadKind,
    /// Whether it fits this consumer; of the rules for a kind the first that fits is taken.
    pub fits: fn(&Case<'_>) -> bool,
    /// The replacement.
    pub advise: fn(&Case<'_>) -> Advice,
}

/// The replacement for a consumer.
pub fn advise(case: &Case<'_>) -> Advice {
    if case.root {
        return rules::root_key();
    }
    let kind = case.consumer.kind;
    let rule = rules::ALL.iter().find(|rule| rule.kind == kind && (rule.fits)(case));
    let mut advice = match rule {
        Some(rule) => Advice { rule: rule.id, title: rule.title, ..(rule.advise)(case) },
        None => rules::unidentified(case),
    };
    if case.partition != "aws"
        && let Some(trust) = advice.trust.take()
    {
        advice.trust = Some(trust.in_partition(case.partition));
        advice = advice.caveat("compare service principals with the documentation of this partition: some end in .amazonaws.com.cn in China");
    }
    advice
}

/// For rules that fit every consumer of their kind.
pub(crate) fn always(_: &Case<'_>) -> bool {
    true
}
