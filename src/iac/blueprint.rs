//! What is to be built for one consumer, in no tool's language.

use super::text::plain_name;
use crate::analysis::{Analysis, KeyAnalysis, Role, role_of, user_of};
use crate::attribution::Consumer;
use crate::model::{WorkloadKind, format_instant};
use crate::policy::{Danger, Document, Grant, Need, Parity, TrustPolicy, faults, prefix_of};
use crate::recommend::{Advice, INCIDENTS, Outcome};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a role needs beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Companion {
    /// Nothing.
    None,
    /// An instance profile.
    InstanceProfile,
    /// An OIDC provider; `known` where a role of the account trusts it already.
    OidcProvider { issuer: String, audience: String, known: bool },
    /// An EKS Pod Identity association.
    PodIdentity { cluster: String, namespace: String, service_account: String },
    /// A Roles Anywhere profile, in the region of its trust anchor.
    RolesAnywhere { region: Option<String> },
}

/// One consumer's role, ready to be written.
pub struct Blueprint {
    /// The consumer's id.
    pub id: String,
    /// Its kind.
    pub kind: WorkloadKind,
    /// Program and place.
    pub origin: String,
    /// The key.
    pub key: String,
    /// Account and user.
    pub owner: String,
    /// The account's id, where it is known.
    pub account: Option<String>,
    /// The verdict on the key, and why.
    pub verdict: Vec<String>,
    /// What could not be seen of the key, and what would close the gap.
    pub not_seen: Vec<String>,
    /// The consumer's longest silence.
    pub longest_gap_days: i32,
    /// Name of the role.
    pub role_name: String,
    /// The replacement in a few words.
    pub title: &'static str,
    /// What becomes of the credential.
    pub outcome: Outcome,
    /// What to do, what to watch out for, what would unblock it.
    pub advice: Advice,
    /// Trust policy, filled in as far as values were given.
    pub trust: Option<TrustPolicy>,
    /// What the calls come to.
    pub role: Role,
    /// How that compares.
    pub parity: Parity,
    /// Whether privileged policies are attached.
    pub privileged: bool,
    /// The user's permissions boundary, which the role gets, too.
    pub boundary: Option<String>,
    /// Services that IAM says the user reached and no event shows, with what today's policies allow of each.
    pub unseen: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Roles whose trust policies name the user.
    pub trusted_by: BTreeSet<String>,
    /// Policies of resources and grants that name the user, in words.
    pub named_in: BTreeSet<String>,
    /// Whether any were among the inputs.
    pub resource_policies_read: bool,
    /// Conditions of the user's policies, which the role does not carry.
    pub conditions: BTreeSet<String>,
    /// Where the secret lies, as agents say.
    pub secret_places: Vec<&'static str>,
    /// Questions for the owner.
    pub questions: Vec<String>,
    /// Calls that were denied, with how often: the role is not granted them.
    pub denied: BTreeMap<String, u64>,
    /// First and last event.
    pub seen: Option<(String, String)>,
    /// Events.
    pub events: u64,
    pub(super) companion: Companion,
}

/// What the user chose.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Values for placeholders, by name in capitals.
    pub values: BTreeMap<String, String>,
    /// Attach privileged policies.
    pub privileged: bool,
    /// Write roles even though the key is part of an incident.
    pub despite_incident: bool,
    /// Add a condition on the regions of the calls, where they are few.
    pub regions: bool,
}

/// Regions that count as few.
const FEW_REGIONS: usize = 3;

/// Blueprints of all consumers of a key.
///
/// # Errors
/// A sentence where a value is wrong or the trust policy would let in others.
pub fn blueprints(
    analysis: &Analysis,
    key: &KeyAnalysis,
    choices: &Choices,
) -> Result<Vec<Blueprint>, String> {
    let incident = key.verdict.reasons.iter().find(|reason| INCIDENTS.contains(&reason.code));
    if let Some(reason) = incident.filter(|_| !choices.despite_incident) {
        return Err(format!(
            "{} is part of an incident: {}. Its calls may be an intruder's, and a role would allow them again; --despite-incident writes it all the same",
            key.subject.reference(),
            reason.text
        ));
    }
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut out = Vec::new();
    for (consumer, advice) in key.attribution.consumers.iter().zip(&key.advice) {
        out.push(blueprint(analysis, key, consumer, advice, choices, &mut used)?);
    }
    match choices.values.keys().find(|name| !used.contains(name.as_str())) {
        Some(unknown) => {
            let mut known: Vec<&str> = key
                .advice
                .iter()
                .filter_map(|a| a.trust.as_ref())
                .flat_map(|t| &t.needs)
                .map(|n| n.name)
                .collect();
            known.sort_unstable();
            known.dedup();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ").to_lowercase() };
            Err(format!(
                "--set {}: this key's replacements have no such input (they have: {known})",
                unknown.to_lowercase()
            ))
        }
        None => Ok(out),
    }
}

fn blueprint<'c>(
    analysis: &Analysis,
    key: &KeyAnalysis,
    consumer: &Consumer,
    advice: &Advice,
    choices: &'c Choices,
    used: &mut BTreeSet<&'c str>,
) -> Result<Blueprint, String> {
    let user = user_of(analysis, key);
    let mut role = role_of(analysis, key, consumer);
    if choices.regions {
        in_regions(&mut role, &consumer.regions.iter().map(ToString::to_string).collect());
    }
    let parity = role.parity(user);
    let own = key.subject.account.as_ref().map(|account| account.as_str());
    let trust = advice.trust.clone().map(|trust| filled(trust, own, choices, used)).transpose()?;
    let account = key.subject.account.as_ref().map_or("unknown account", |account| account.as_str());
    let name = key.subject.user.as_deref().unwrap_or("unknown user");
    let facts = key.subject.account.as_ref().and_then(|a| analysis.material.inventory.accounts.get(a));
    let companion = trust.as_ref().map_or(Companion::None, |trust| {
        companion(&trust.document, &|issuer| facts.is_some_and(|facts| facts.oidc_issuers.contains(issuer)))
    });
    let arns = user.map(|user| [user.arn.as_str(), user.id.as_str()]);
    let trusted_by = facts.zip(arns).map(|(facts, arns)| {
        let named = arns.iter().filter(|arn| !arn.is_empty()).filter_map(|arn| facts.trusts.get(*arn));
        named.flatten().cloned().collect()
    });
    Ok(Blueprint {
        role_name: role_name(name, consumer),
        id: consumer.id.clone(),
        kind: consumer.kind,
        origin: consumer.origin.to_string(),
        key: key.subject.reference(),
        owner: format!("{account}/{name}"),
        account: own.map(str::to_owned),
        verdict: verdict(key),
        not_seen: key
            .gaps
            .iter()
            .map(|gap| format!("{} (to close it: {})", gap.detail, gap.close_by))
            .collect(),
        longest_gap_days: consumer.cadence.longest_gap_days,
        title: advice.title,
        outcome: advice.outcome,
        advice: advice.clone(),
        parity,
        privileged: choices.privileged,
        boundary: user.and_then(|user| user.boundary.as_ref()).map(|boundary| boundary.arn.clone()),
        unseen: unseen(analysis, key),
        trusted_by: trusted_by.unwrap_or_default(),
        named_in: named_in(analysis, key),
        resource_policies_read: !analysis.material.inventory.resource_policies.is_empty(),
        conditions: user.map(|user| conditions(&user.policies)).unwrap_or_default(),
        secret_places: consumer.credentials.iter().map(|source| source.title()).collect(),
        questions: consumer.questions.clone(),
        denied: consumer
            .calls
            .iter()
            .filter(|(_, calls)| calls.denied > 0)
            .map(|((source, name), calls)| (format!("{source} {name}"), calls.denied))
            .collect(),
        seen: consumer
            .stats
            .first
            .zip(consumer.stats.last)
            .map(|(a, b)| (format_instant(a), format_instant(b))),
        events: consumer.stats.count,
        role,
        trust,
        companion,
    })
}

/// The verdict and what decided it, a line each.
fn verdict(key: &KeyAnalysis) -> Vec<String> {
    let reasons = key.verdict.reasons.iter().map(|reason| format!("Reason: {}", reason.text));
    std::iter::once(format!("Verdict on the key: {}", key.verdict.kind.title())).chain(reasons).collect()
}

impl Blueprint {
    /// ARN of the role, with a placeholder where the account is not known.
    pub fn role_arn(&self) -> String {
        let partition = self.partition();
        let account = self.account.as_deref().unwrap_or("<ACCOUNT_ID>");
        format!("arn:{partition}:iam::{account}:role/{}", self.role_name)
    }

    fn partition(&self) -> String {
        let text = self.trust.as_ref().map(|trust| trust.document.to_string()).unwrap_or_default();
        let found = ["aws-cn", "aws-us-gov"].into_iter().find(|p| text.contains(&format!("arn:{p}:")));
        found.unwrap_or("aws").to_owned()
    }

    /// Whether there is a role to be made.
    pub fn makes_role(&self) -> bool {
        self.outcome == Outcome::NewRole && self.trust.is_some()
    }

    /// Inputs that are still missing.
    pub fn needs(&self) -> &[Need] {
        self.trust.as_ref().map_or(&[], |trust| &trust.needs)
    }

    /// Policies to write, with their names, and whether they are attached.
    pub fn policies(&self) -> Vec<(String, &Document, bool)> {
        let named = |what: &'static str, documents: &'_ [Document]| {
            (1..=documents.len()).map(|n| format!("{}{what}-{n}", self.role_name)).collect::<Vec<_>>()
        };
        let own = &self.role.policies.documents;
        let privileged = &self.role.privileged.documents;
        let own = named("", own).into_iter().zip(own).map(|(name, document)| (name, document, true));
        let privileged = named("-privileged", privileged)
            .into_iter()
            .zip(privileged)
            .map(|(name, document)| (name, document, self.privileged));
        own.chain(privileged).collect()
    }

    /// What stands behind a statement, for comments: how often each action was needed, and what is to be looked at.
    pub(super) fn evidence(&self, actions: &BTreeSet<String>, resources: &BTreeSet<String>) -> Vec<String> {
        let permissions = &self.role.permissions;
        let grants = permissions.grants.iter().chain(&permissions.privileged);
        let of_statement = |grant: &&Grant| {
            actions.contains(&grant.action.to_string()) && !grant.resources.is_disjoint(resources)
        };
        grants.filter(of_statement).map(explained).collect()
    }
}

/// One grant in a line.
fn explained(grant: &Grant) -> String {
    let calls: Vec<&str> =
        grant.calls.iter().take(3).map(|call| call.rsplit(' ').next().unwrap_or(call)).collect();
    let more = if grant.calls.len() > calls.len() { ", …" } else { "" };
    let danger = match grant.danger {
        Danger::None => "",
        Danger::Careful => "; CAREFUL: it reaches further than it says",
        Danger::Privileged => "; PRIVILEGED: whoever has it can become an administrator",
    };
    let scope = match grant.scope {
        crate::policy::Scope::Exact | crate::policy::Scope::NoneTaken => "",
        crate::policy::Scope::Widened => "; wider than what was seen, as names come and go",
        crate::policy::Scope::NotNamed => "; on anything: some records do not say on what",
        crate::policy::Scope::AsToday => "; as the user's policies have it: some records do not say on what",
    };
    format!(
        "{} ({}): {} events by {}{more}{scope}{danger}",
        grant.action,
        grant.action.level.id(),
        grant.events,
        calls.join(", ")
    )
}

fn role_name(user: &str, consumer: &Consumer) -> String {
    // Role names have at most 64 characters
    // (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html); policies get a number behind.
    let user = plain_name(user, 16);
    let id = consumer.id.get(..6).unwrap_or(&consumer.id);
    let parts = ["offkey", &user, consumer.kind.id(), id];
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("-")
}

/// Inputs that nothing asks for, as what they replace has a value: the issuer of an EKS cluster. And conditions that can be
/// added: name, condition key, and for which principal.
const OPTIONAL: &[(&str, &str, &str)] = &[(
    "REPOSITORY_ID",
    "token.actions.githubusercontent.com:repository_id",
    "token.actions.githubusercontent.com",
)];

/// What is wrong with a value, if anything is.
fn refused(name: &str, value: &str, account: Option<&str>) -> Option<&'static str> {
    let all = |test: fn(char) -> bool| !value.is_empty() && value.chars().all(test);
    let digits = |n: usize| value.len() == n && all(|c| c.is_ascii_digit());
    if value.contains(['*', '?']) {
        return Some("has a wildcard: it would let in others; write it in full");
    }
    if !all(|c| c.is_ascii_graphic() && !"\"'`\\<>$".contains(c)) {
        return Some("is empty or has characters that no such name has");
    }
    let good = match name {
        "VENDOR_ACCOUNT_ID" if account.is_some_and(|own| value.contains(own)) => {
            return Some("is the key's own account: a vendor calls from its own");
        }
        "VENDOR_ACCOUNT_ID" => digits(12) || value.starts_with("arn:") && value.contains(":role/"),
        "ACCOUNT_ID" => digits(12),
        // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        "EXTERNAL_ID" => value.len() >= 2 && all(|c| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c)),
        "REPOSITORY_ID" => all(|c| c.is_ascii_digit()),
        "REGION" => {
            value.split('-').count() >= 3
                && value.ends_with(|c: char| c.is_ascii_digit())
                && all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        }
        "TRUST_ANCHOR_ID" | "TENANT_ID" | "OBJECT_ID" => {
            value.len() == 36 && all(|c| c.is_ascii_hexdigit() || c == '-')
        }
        // https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
        "NAMESPACE" | "SERVICE_ACCOUNT" => {
            value.len() <= 253
                && all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
        }
        "CLUSTER" => all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'),
        "OIDC_ISSUER" => value.trim_start_matches("https://").contains('/'),
        _ => true,
    };
    (!good).then_some("is not of the form that is asked for")
}

fn filled<'c>(
    mut trust: TrustPolicy,
    account: Option<&str>,
    choices: &'c Choices,
    used: &mut BTreeSet<&'c str>,
) -> Result<TrustPolicy, String> {
    for (name, value) in &choices.values {
        if let Some(why) = refused(name, value, account) {
            return Err(format!("--set {}: {value:?} {why}", name.to_lowercase()));
        }
        // A vendor may name a role of its own in place of its whole account.
        let is_role = name == "VENDOR_ACCOUNT_ID" && value.starts_with("arn:");
        if is_role {
            let partition = value.split(':').nth(1).unwrap_or("aws");
            trust.replace(&format!("arn:{partition}:iam::<{name}>:root"), value);
        }
        if trust.fill(name, value) {
            used.insert(name);
        }
        if name == "OIDC_ISSUER" && trust.replace_issuer("oidc.eks.", value.trim_start_matches("https://")) {
            used.insert(name);
        }
        let optional =
            OPTIONAL.iter().find(|(known, _, of)| known == name && trust.document.to_string().contains(of));
        if let Some((_, condition, _)) = optional {
            trust.require("StringEquals", condition, value);
            used.insert(name);
        }
    }
    match faults(&trust.document).as_slice() {
        [] => Ok(trust),
        faults => Err(format!("the trust policy is refused: {}", faults.join("; "))),
    }
}

fn companion(document: &Value, known: &dyn Fn(&str) -> bool) -> Companion {
    let Some(statement) = document.get("Statement").and_then(|s| s.get(0)) else { return Companion::None };
    let principal = |kind: &str| statement.get("Principal")?.get(kind)?.as_str();
    let condition = |key: &str| {
        let conditions = statement.get("Condition")?.as_object()?;
        let found = conditions.values().find_map(|keys| keys.get(key)?.as_str())?;
        Some(found.to_owned())
    };
    if let Some((_, issuer)) = principal("Federated").and_then(|arn| arn.split_once(":oidc-provider/")) {
        let audience = condition(&format!("{issuer}:aud")).unwrap_or_default();
        return Companion::OidcProvider { issuer: issuer.to_owned(), audience, known: known(issuer) };
    }
    match principal("Service") {
        Some("ec2.amazonaws.com") => Companion::InstanceProfile,
        Some("rolesanywhere.amazonaws.com") => {
            let anchor = condition("aws:SourceArn").unwrap_or_default();
            let region = anchor.split(':').nth(3).filter(|region| !region.contains('<'));
            Companion::RolesAnywhere { region: region.map(str::to_owned) }
        }
        Some("pods.eks.amazonaws.com") => {
            let tag = |name: &str| condition(&format!("aws:RequestTag/{name}")).unwrap_or_default();
            Companion::PodIdentity {
                cluster: tag("eks-cluster-name"),
                namespace: tag("kubernetes-namespace"),
                service_account: tag("kubernetes-service-account"),
            }
        }
        _ => Companion::None,
    }
}

/// Services whose calls are recorded in one region whatever region they are made from: a condition on regions would lock
/// them out (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion>).
const GLOBAL: &[&str] = &[
    "iam",
    "sts",
    "s3",
    "cloudfront",
    "route53",
    "organizations",
    "support",
    "budgets",
    "ce",
    "waf",
    "globalaccelerator",
    // Inference profiles call models in regions of their own choice.
    "bedrock",
];

fn in_regions(role: &mut Role, regions: &BTreeSet<String>) {
    let regions: BTreeSet<String> = regions.iter().filter(|region| !region.is_empty()).cloned().collect();
    if regions.is_empty() || regions.len() > FEW_REGIONS {
        return;
    }
    for grant in &mut role.permissions.grants {
        if grant.condition.is_none() && !GLOBAL.contains(&grant.action.prefix) {
            grant.condition = Some(("StringEquals", "aws:RequestedRegion", regions.clone()));
        }
    }
    role.policies = crate::policy::split(crate::policy::statements(&role.permissions.grants, ""));
}

/// Services that IAM's records name and no event of any of the user's keys shows, with when, and what the user may do there
/// today.
fn unseen(analysis: &Analysis, key: &KeyAnalysis) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut out = BTreeMap::new();
    let user = user_of(analysis, key);
    let of_user = |other: &&KeyAnalysis| {
        (&other.subject.account, &other.subject.user) == (&key.subject.account, &key.subject.user)
    };
    let attributions = || analysis.keys.iter().filter(of_user).map(|key| &key.attribution);
    let by_consumers = attributions().flat_map(|a| &a.consumers).flat_map(|c| c.calls.keys());
    let by_others = attributions().flat_map(|a| &a.asides).flat_map(|a| a.calls.keys());
    let seen: BTreeSet<&str> =
        by_consumers.chain(by_others).filter_map(|(source, _)| prefix_of(source)).collect();
    for (service, time) in user.map(|user| &user.services).into_iter().flatten() {
        if seen.contains(service.as_str()) || service == "sts" {
            continue;
        }
        let mine = |pattern: &str| pattern.split(':').next() == Some(service.as_str());
        let patterns = user.into_iter().flat_map(|user| &user.policies).flat_map(actions_of);
        let patterns: BTreeSet<String> = patterns.filter(|pattern| mine(pattern)).collect();
        out.insert(service.clone(), (format_instant(*time), patterns));
    }
    out
}

/// Policies of resources and grants that name the user, by its ARN or by its unique id.
fn named_in(analysis: &Analysis, key: &KeyAnalysis) -> BTreeSet<String> {
    let user = user_of(analysis, key);
    let (Some(account), Some(name)) = (&key.subject.account, &key.subject.user) else {
        return BTreeSet::new();
    };
    let names_it = |principal: &String| {
        let by_path =
            principal.contains(&format!(":iam::{account}:user/")) && principal.ends_with(&format!("/{name}"));
        by_path
            || user.is_some_and(|user| !user.id.is_empty() && *principal == user.id || *principal == user.arn)
    };
    let policies = analysis.material.inventory.resource_policies.iter();
    policies.filter(|(_, principals)| principals.iter().any(names_it)).map(|(what, _)| what.clone()).collect()
}

fn actions_of(policy: &Value) -> Vec<String> {
    let list = |value: Option<&Value>| -> Vec<Value> {
        match value {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
        }
    };
    let statements =
        list(policy.get("Statement")).into_iter().filter(|s| s.get("Effect") == Some(&Value::from("Allow")));
    statements.flat_map(|s| list(s.get("Action"))).filter_map(|a| a.as_str().map(str::to_owned)).collect()
}

fn conditions(policies: &[Value]) -> BTreeSet<String> {
    let statements = policies.iter().flat_map(|policy| match policy.get("Statement") {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    });
    let blocks = statements.filter_map(|statement| statement.get("Condition")?.as_object());
    blocks
        .flat_map(|block| block.iter())
        .flat_map(|(operator, keys)| {
            keys.as_object()
                .into_iter()
                .flatten()
                .map(move |(key, value)| format!("{operator} {key} {value}"))
        })
        .collect()
}
