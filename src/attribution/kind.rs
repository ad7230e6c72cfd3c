//! Weighs signals for what kind of workload a consumer is. Each signal cites what it rests on.

use super::agent::{Agent, ProgramKind, System};
use super::networks::{OwnKind, Place};
use super::origin::Origin;
use crate::evidence::{Cadence, Citation, Rhythm};
use crate::model::WorkloadKind;
use std::cell::Cell;
use std::collections::BTreeMap;

/// How much a signal says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Consistent with the kind, and with others.
    Weak,
    /// Points to the kind; names and tags that people chose are at most this.
    Medium,
    /// Only this kind does that, unless it is forged.
    Strong,
}

impl Strength {
    fn weight(self) -> u32 {
        match self {
            Self::Weak => 1,
            Self::Medium => 3,
            Self::Strong => 6,
        }
    }

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Medium => "medium",
            Self::Strong => "strong",
        }
    }
}

/// Something observed that speaks for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The kind it speaks for.
    pub kind: WorkloadKind,
    /// How loudly.
    pub strength: Strength,
    /// What was observed, for people.
    pub text: String,
    /// The events it was observed in; none where it is a fact about the user and not about calls.
    pub cited: Citation,
}

/// How far a kind can be relied upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Weak signals only, or none.
    Low,
    /// A medium signal, or a strong one that others contradict.
    Medium,
    /// A strong signal that nothing contradicts.
    High,
}

impl Confidence {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What the signals of one consumer are drawn from.
pub(crate) struct Traits<'a> {
    pub(crate) origin: &'a Origin,
    /// Every place, with the events from there.
    pub(crate) places: &'a BTreeMap<&'a Place, Citation>,
    /// Every agent, with the events under it.
    pub(crate) agents: &'a [(&'a Agent, Citation)],
    /// All events.
    pub(crate) all: Citation,
    pub(crate) cadence: Cadence,
    pub(crate) addresses: usize,
    /// Machines whose own role sessions came from the same addresses.
    pub(crate) machines: &'a BTreeMap<&'a str, Citation>,
    /// Every call by the key itself assumed a role or asked who it is.
    pub(crate) only_assumes: bool,
    /// Whether any range file was loaded: without one, nothing tells a server of one's own from a cloud's.
    pub(crate) ranges_known: bool,
    pub(crate) user_name: &'a str,
    pub(crate) user_path: &'a str,
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// Words in user names that say what a key was made for. People chose them: they may be out of date.
const NAMES: &[(&str, WorkloadKind)] = &[
    ("gitlab", WorkloadKind::GitlabCi),
    ("bitbucket", WorkloadKind::Bitbucket),
    ("circleci", WorkloadKind::CircleCi),
    ("jenkins", WorkloadKind::Jenkins),
    ("tfc", WorkloadKind::HcpTerraform),
    ("github", WorkloadKind::GithubActions),
];

/// Tags that mark a key as given to another company.
const VENDOR_TAGS: &[&str] = &["vendor", "third-party", "thirdparty", "partner", "supplier"];

/// Collects every signal, strongest first.
pub(crate) fn signals(traits: &Traits<'_>) -> Vec<Signal> {
    let mut out: Vec<Signal> = Vec::new();
    // What the next signals rest on.
    let cited = Cell::new(traits.all);
    let mut say = |kind: WorkloadKind, strength: Strength, text: String| {
        let old = out.iter_mut().find(|s| s.kind == kind && s.strength == strength && s.text == text);
        match old {
            Some(old) => old.cited.merge(&cited.get()),
            None => out.push(Signal { kind, strength, text, cited: cited.get() }),
        }
    };
    if traits.only_assumes {
        let text = "every call by the key itself is sts:AssumeRole or sts:GetCallerIdentity".to_owned();
        say(WorkloadKind::RoleAssumer, Strength::Strong, text.clone());
        say(
            WorkloadKind::RoleAssumer,
            Strength::Medium,
            "the work is done by the sessions of the roles it assumes".to_owned(),
        );
    }
    match traits.origin {
        Origin::UrlSigner => {
            let text =
                "requests under this key are authenticated by a query string, that is, by presigned URLs"
                    .to_owned();
            say(WorkloadKind::UrlSigner, Strength::Strong, text);
        }
        Origin::Mailer => {
            let text = "the user may send mail and its key shows no other use; SMTP sends appear in no log"
                .to_owned();
            say(WorkloadKind::SesSmtp, Strength::Medium, text);
            if traits.user_name.starts_with("ses-smtp-user") {
                let text =
                    format!("the user is named {:?}, as the SES console names SMTP users", traits.user_name);
                say(WorkloadKind::SesSmtp, Strength::Medium, text);
            }
        }
        _ => {}
    }
    // An Amazon Linux kernel at an AWS address says nothing that the address did not.
    let in_aws = traits.places.keys().any(|p| p.is_in_aws());
    for (agent, events) in traits.agents {
        cited.set(*events);
        agent_signals(agent, in_aws, &mut say);
    }
    // The console calls from AWS's own machines, and managed runtimes and pods run on EC2: where those calls come
    // from tells nothing of them, and neither does an instance's own role at the same address.
    let anywhere = matches!(
        traits.origin,
        Origin::Workstation(System::Unknown) | Origin::Runtime(..) | Origin::Controller(_)
    );
    for (place, events) in traits.places.iter().filter(|_| !anywhere) {
        cited.set(*events);
        place_signals(place, &mut say);
    }
    if let Some((machine, events)) = traits.machines.first_key_value().filter(|_| !anywhere) {
        cited.set(*events);
        // Instances reach AWS from AWS addresses or through endpoints. Their sessions at a private address
        // without an endpoint were carried there, or the address was rewritten.
        let elsewhere = traits.places.keys().all(|p| matches!(p, Place::Private | Place::CarrierNat));
        let (kind, strength, what) = if machine.starts_with("mi-") {
            (WorkloadKind::SsmHybridNode, Strength::Strong, "hybrid node")
        } else if elsewhere {
            (WorkloadKind::Ec2, Strength::Weak, "instance")
        } else {
            (WorkloadKind::Ec2, Strength::Medium, "instance")
        };
        say(kind, strength, format!("role sessions of {what} {machine} come from the same address"));
    }
    cited.set(Citation::default());
    name_signals(traits, &mut say);
    cited.set(traits.all);
    server_signals(traits, &mut say);
    out.sort_by(|a, b| b.strength.cmp(&a.strength).then(a.kind.cmp(&b.kind)).then(a.text.cmp(&b.text)));
    out
}

fn agent_signals(agent: &Agent, in_aws: bool, say: &mut impl FnMut(WorkloadKind, Strength, String)) {
    if let Some(env) = &agent.execution_env {
        let kind = if env.starts_with("AWS_Lambda") {
            Some(WorkloadKind::Lambda)
        } else if env.starts_with("AWS_ECS") {
            Some(WorkloadKind::EcsTask)
        } else if env == "CloudShell" {
            Some(WorkloadKind::Human)
        } else {
            None
        };
        if let Some(kind) = kind {
            say(kind, Strength::Strong, format!("the user agent names the execution environment {env}"));
        }
    }
    let named = |what: &str| format!("the user agent is {} ({what})", agent.program);
    match agent.kind {
        ProgramKind::Kubernetes => {
            say(WorkloadKind::EksPod, Strength::Strong, named("a Kubernetes controller"))
        }
        ProgramKind::GithubAction => {
            say(WorkloadKind::GithubActions, Strength::Strong, named("a GitHub action"))
        }
        ProgramKind::SsmAgent => {
            say(WorkloadKind::SsmHybridNode, Strength::Medium, named("the Systems Manager agent"))
        }
        ProgramKind::Browser => say(WorkloadKind::Human, Strength::Medium, named("a browser or the console")),
        ProgramKind::StaticKeysOnly => {
            let text = format!(
                "the user agent is {} {}, which takes nothing but static keys",
                agent.program, agent.version
            );
            say(WorkloadKind::LegacyApp, Strength::Strong, text);
        }
        _ => {}
    }
    let on = format!("the user agent names {}", agent.system.title());
    match agent.system {
        System::MacOs | System::Wsl if agent.kind != ProgramKind::StaticKeysOnly => {
            say(WorkloadKind::Human, Strength::Strong, on)
        }
        System::Windows if agent.kind != ProgramKind::StaticKeysOnly => {
            say(WorkloadKind::Human, Strength::Medium, on)
        }
        System::AmazonLinux | System::AwsKernel if agent.kind != ProgramKind::Browser && !in_aws => {
            say(WorkloadKind::Ec2, Strength::Weak, on)
        }
        System::AzureLinux => {
            say(WorkloadKind::GithubActions, Strength::Weak, on.clone());
            say(WorkloadKind::Azure, Strength::Weak, on);
        }
        System::GoogleLinux => say(WorkloadKind::GoogleCloud, Strength::Weak, on),
        _ => {}
    }
}

fn place_signals(place: &Place, say: &mut impl FnMut(WorkloadKind, Strength, String)) {
    let at = format!("calls come from {place}");
    match place {
        Place::Aws { service, .. } if service == "CODEBUILD" => {
            say(WorkloadKind::CodeBuild, Strength::Strong, at)
        }
        // Anybody can rent these: a hint at an instance, not yet at one of the account's own.
        Place::Aws { .. } => say(WorkloadKind::Ec2, Strength::Medium, at),
        Place::VpcEndpoint(_) => say(WorkloadKind::Ec2, Strength::Medium, at),
        Place::GithubActions => say(WorkloadKind::GithubActions, Strength::Strong, at),
        Place::GoogleCloud => say(WorkloadKind::GoogleCloud, Strength::Medium, at),
        Place::Azure => say(WorkloadKind::Azure, Strength::Medium, at),
        Place::Own { kind, .. } => own_signals(*kind, at, say),
        Place::CarrierNat => say(WorkloadKind::Human, Strength::Weak, at),
        Place::Private => say(WorkloadKind::OnPremises, Strength::Weak, at),
        Place::Service(_) | Place::Public | Place::Proxy(_) | Place::Unknown => {}
    }
}

/// What the owner says of a network says what runs there, as far as that is one thing.
fn own_signals(kind: OwnKind, at: String, say: &mut impl FnMut(WorkloadKind, Strength, String)) {
    let text = format!("{at}, which the owner's networks name as {}", kind.id());
    match kind {
        OwnKind::Office => say(WorkloadKind::Human, Strength::Medium, text),
        OwnKind::Vpn => say(WorkloadKind::Human, Strength::Weak, text),
        OwnKind::DataCentre => say(WorkloadKind::OnPremises, Strength::Strong, text),
        OwnKind::Ci => say(WorkloadKind::Jenkins, Strength::Medium, text),
        OwnKind::Kubernetes => say(WorkloadKind::EksPod, Strength::Strong, text),
        OwnKind::Vendor => say(WorkloadKind::ThirdPartySaas, Strength::Strong, text),
        // The account's own listings: an instance's own address, or whatever is behind a gateway.
        OwnKind::Instance => say(WorkloadKind::Ec2, Strength::Strong, at),
        OwnKind::NatGateway => say(WorkloadKind::Ec2, Strength::Medium, at),
        OwnKind::Aws => say(WorkloadKind::Ec2, Strength::Medium, text),
        OwnKind::Other => {}
    }
}

fn name_signals(traits: &Traits<'_>, say: &mut impl FnMut(WorkloadKind, Strength, String)) {
    let lower = traits.user_name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let from_workstation = matches!(traits.origin, Origin::Workstation(_));
    for (word, kind) in NAMES {
        // What a user was named for does not make a laptop a build server.
        if words.contains(word) && !from_workstation {
            say(*kind, Strength::Medium, format!("the user's name contains {word:?}"));
            if traits
                .places
                .keys()
                .any(|p| matches!(p, Place::Aws { .. } | Place::GoogleCloud | Place::Azure | Place::Public))
            {
                say(*kind, Strength::Weak, "calls come from where such services run their jobs".to_owned());
            }
        }
    }
    let tag = VENDOR_TAGS
        .iter()
        .find_map(|name| traits.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    let outside = !traits.places.keys().any(|p| matches!(p, Place::VpcEndpoint(_) | Place::Private));
    let path = traits.user_path.to_ascii_lowercase();
    let in_path = VENDOR_TAGS.iter().any(|name| path.contains(name));
    // Tag and path are one person's one decision, so they count once.
    match tag {
        Some((key, value)) if outside && !from_workstation => {
            say(
                WorkloadKind::ThirdPartySaas,
                Strength::Medium,
                format!("the user carries the tag {key}={value}"),
            );
        }
        None if outside && !from_workstation && in_path => {
            say(
                WorkloadKind::ThirdPartySaas,
                Strength::Medium,
                format!("the user's path is {}", traits.user_path),
            );
        }
        _ => {}
    }
}

/// A Linux server at few fixed public addresses that no provider claims is most likely somebody's own.
fn server_signals(traits: &Traits<'_>, say: &mut impl FnMut(WorkloadKind, Strength, String)) {
    let public_only = !traits.places.is_empty() && traits.places.keys().all(|p| **p == Place::Public);
    let linux = traits.agents.iter().any(|(a, _)| a.system == System::Linux);
    if public_only && linux && traits.addresses <= 4 && traits.ranges_known {
        let text = format!(
            "a Linux server at few public addresses ({}) that no loaded range file names",
            traits.addresses
        );
        say(WorkloadKind::OnPremises, Strength::Weak, text);
        let regular = matches!(
            traits.cadence.rhythm,
            Rhythm::Daily | Rhythm::Weekdays | Rhythm::Weekly | Rhythm::Monthly
        );
        if regular {
            say(
                WorkloadKind::OnPremises,
                Strength::Weak,
                format!("it works to a schedule: {}", traits.cadence.rhythm),
            );
        }
    }
}

/// What the signals add up to.
pub(crate) struct Judgement {
    pub(crate) kind: WorkloadKind,
    pub(crate) confidence: Confidence,
    /// The kind that comes next, where it is close enough to ask about.
    pub(crate) rival: Option<WorkloadKind>,
}

/// Adds up the signals: the heaviest kind wins; a tie is no answer.
pub(crate) fn judge(signals: &[Signal]) -> Judgement {
    let mut weights: BTreeMap<WorkloadKind, (u32, Strength)> = BTreeMap::new();
    for signal in signals {
        let entry = weights.entry(signal.kind).or_insert((0, Strength::Weak));
        entry.0 += signal.strength.weight();
        entry.1 = entry.1.max(signal.strength);
    }
    let mut order: Vec<_> = weights.into_iter().collect();
    order.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.0.cmp(&b.0)));
    let unknown = Judgement { kind: WorkloadKind::Unknown, confidence: Confidence::Low, rival: None };
    let Some((kind, (weight, strongest))) = order.first().copied() else {
        return unknown;
    };
    let second = order.get(1).copied();
    let lead = weight - second.map_or(0, |(_, (weight, _))| weight);
    // One weak signal is no more than a guess.
    if lead == 0 || weight < 2 {
        return Judgement { rival: Some(kind), ..unknown };
    }
    let rented = |signal: &Signal| signal.text.starts_with("calls come from AWS ");
    let only_rented = kind == WorkloadKind::Ec2 && signals.iter().filter(|s| s.kind == kind).all(rented);
    let confidence = match strongest {
        _ if only_rented => Confidence::Low,
        Strength::Strong if lead >= Strength::Medium.weight() => Confidence::High,
        Strength::Strong | Strength::Medium => Confidence::Medium,
        Strength::Weak => Confidence::Low,
    };
    let rival = second.filter(|(_, (weight, _))| {
        *weight * 2 >= Strength::Medium.weight() && lead < Strength::Medium.weight()
    });
    Judgement { kind, confidence, rival: rival.map(|(kind, _)| kind) }
}
