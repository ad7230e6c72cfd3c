//! The cut-over of each consumer: what to change where, how to see that it worked, how to go back.

use super::blueprint::{Blueprint, Companion};
use super::text::comment;
use crate::model::WorkloadKind;
use crate::policy::Grant;
use crate::recommend::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Version of the JSON.
const SCHEMA: &str = "offkey.replace/1";

/// The whole cut-over of one key.
#[derive(Debug, Serialize)]
pub struct Checklist {
    /// Version of the shape: `offkey.replace/1`.
    pub schema: &'static str,
    /// The key.
    pub key: String,
    /// Account and user.
    pub owner: String,
    /// Files written beside it.
    pub files: Vec<String>,
    /// One part a consumer, busiest first.
    pub consumers: Vec<Part>,
    /// What is left to do for the key once all consumers are over.
    pub afterwards: Vec<&'static str>,
}

/// One consumer's part.
#[derive(Debug, Serialize)]
pub struct Part {
    /// Consumer's id.
    pub consumer: String,
    /// Its kind.
    pub kind: &'static str,
    /// Program and place.
    pub origin: String,
    /// The replacement.
    pub replacement: &'static str,
    /// What becomes of the credential.
    pub outcome: &'static str,
    /// The role that is made, if any.
    pub role: Option<String>,
    /// The file that makes it.
    pub file: Option<String>,
    /// Inputs that are missing: name for `--set`, and the question.
    pub inputs: Vec<Input>,
    /// What to ask the owner first.
    pub ask: Vec<String>,
    /// What to prepare, in order.
    pub prepare: Vec<String>,
    /// What to change, and where.
    pub change: Vec<String>,
    /// How to see that it worked.
    pub verify: Vec<String>,
    /// How to go back.
    pub back: Vec<String>,
    /// What to watch out for.
    pub caveats: Vec<String>,
    /// Calls that were denied, with how often. They are no permission; whoever needs them asks for them.
    pub denied: BTreeMap<String, u64>,
    /// Edits of other policies that name the user.
    pub edits: Vec<String>,
    /// How the policies compare with what was observed.
    pub parity: Figures,
}

/// An input.
#[derive(Debug, Serialize)]
pub struct Input {
    /// Name for `--set`.
    pub name: String,
    /// The question.
    pub ask: &'static str,
}

/// The comparison in numbers.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Events whose actions are known and that need a permission.
    pub mapped_events: u64,
    /// Of those, events that the attached policies allow.
    pub allowed_events: u64,
    /// Of those, events that need a privileged policy.
    pub privileged_events: u64,
    /// Calls that the policies refuse, with their events and why.
    pub refused: BTreeMap<String, String>,
    /// Events whose actions are not known.
    pub unmapped_events: u64,
    /// Calls whose actions are not known, with their events.
    pub unmapped: BTreeMap<String, u64>,
    /// Actions in the policies.
    pub granted_actions: usize,
    /// Of those, actions that no event is known to have needed.
    pub unobserved_actions: Vec<String>,
    /// Actions that the user's policies allow today; absent where those are not all known.
    pub actions_today: Option<usize>,
    /// Grants that the user's policies do not cover.
    pub beyond_today: Vec<String>,
}

/// The checklist for blueprints, given the files that were made for them.
pub(super) fn checklist(
    blueprints: &[Blueprint],
    files: &BTreeMap<String, String>,
    all: Vec<String>,
) -> Checklist {
    Checklist {
        schema: SCHEMA,
        key: blueprints.first().map(|b| b.key.clone()).unwrap_or_default(),
        owner: blueprints.first().map(|b| b.owner.clone()).unwrap_or_default(),
        files: all,
        consumers: blueprints.iter().map(|b| part(b, files.get(&b.id).cloned())).collect(),
        afterwards: vec![
            "wait until the key has been silent for longer than the longest silence of any consumer, and 7 days at least",
            "deactivate the key; reactivating it is the way back",
            "ask for failures for 7 days: failed authentication appears in no CloudTrail log",
            "delete the key",
        ],
    }
}

fn part(b: &Blueprint, file: Option<String>) -> Part {
    let makes = b.makes_role();
    Part {
        consumer: b.id.clone(),
        kind: b.kind.id(),
        origin: b.origin.clone(),
        replacement: b.title,
        outcome: b.outcome.id(),
        role: makes.then(|| b.role_name.clone()),
        inputs: b
            .needs()
            .iter()
            .map(|need| Input { name: need.name.to_lowercase(), ask: need.ask })
            .collect(),
        ask: b.questions.clone(),
        prepare: prepare(b, file.as_deref()),
        change: change(b),
        verify: verify(b),
        back: back(b),
        caveats: caveats(b),
        denied: b.denied.clone(),
        edits: edits(b),
        file,
        parity: Figures {
            mapped_events: b.parity.mapped,
            allowed_events: b.parity.allowed,
            privileged_events: b.parity.privileged,
            refused: b
                .parity
                .refused
                .iter()
                .map(|(call, (n, why))| (call.clone(), format!("{n} events: {why}")))
                .collect(),
            unmapped_events: b.parity.unmapped,
            unmapped: b
                .role
                .permissions
                .unmapped
                .iter()
                .map(|((s, n), e)| (format!("{s} {n}"), *e))
                .collect(),
            granted_actions: b.parity.granted,
            unobserved_actions: b.parity.unobserved.iter().cloned().collect(),
            actions_today: b.parity.today,
            beyond_today: b.parity.beyond_today.iter().cloned().collect(),
        },
    }
}

fn prepare(b: &Blueprint, file: Option<&str>) -> Vec<String> {
    let mut out = b.advice.steps.clone();
    if let Some(file) = file.filter(|_| b.makes_role()) {
        out.insert(0, format!("review {file}: every statement has its evidence above it"));
    }
    if let Some(unblock) = b.advice.unblock {
        out.push(format!("a role becomes possible with: {unblock}"));
    }
    out
}

/// Where static keys live, by kind of workload.
fn change(b: &Blueprint) -> Vec<String> {
    let role = &b.role_name;
    let mut out: Vec<String> = match b.kind {
        WorkloadKind::Ec2 => vec![
            format!("associate the instance profile {role} with the instances (launch template too)"),
            "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the service's environment, and the profile from ~/.aws/credentials".into(),
            "restart the program: SDKs keep the credentials they started with".into(),
        ],
        WorkloadKind::EcsTask => vec![
            format!("set taskRoleArn of the task definition to {role}"),
            "remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from its environment and secrets".into(),
            "deploy the new revision".into(),
        ],
        WorkloadKind::Lambda => vec![
            format!("let the function's execution role be {role}, or attach its policies to the role it has"),
            "remove the key from the function's environment variables: names that SDKs read stand before the role".into(),
        ],
        WorkloadKind::CodeBuild => vec![
            format!("set the project's service role to {role}"),
            "remove the key from the project's environment variables and from Secrets Manager or Parameter Store entries that it reads".into(),
        ],
        WorkloadKind::EksPod => vec![
            "remove the key from the Kubernetes secret and from the pod's env and envFrom".into(),
            "restart the deployment, so that its pods get the new credentials".into(),
        ],
        WorkloadKind::GithubActions => vec![
            format!("in the workflow: permissions: id-token: write, and aws-actions/configure-aws-credentials with role-to-assume {role}"),
            "delete AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the secrets of repository, environment and organization".into(),
        ],
        WorkloadKind::GitlabCi | WorkloadKind::Bitbucket | WorkloadKind::CircleCi | WorkloadKind::HcpTerraform => vec![
            format!("let the job ask for an OIDC token and assume {role} with it (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE)"),
            "delete the key from the variables of project, group and contexts".into(),
        ],
        WorkloadKind::OnPremises | WorkloadKind::Jenkins => vec![
            format!("in ~/.aws/config, a profile with credential_process = aws_signing_helper credential-process … for {role}"),
            "remove the profile from ~/.aws/credentials, or the credential from the Jenkins store: it stands before credential_process".into(),
        ],
        WorkloadKind::SsmHybridNode => vec![
            format!("register the node with an activation for {role}"),
            "remove the key from its environment and files".into(),
        ],
        WorkloadKind::ThirdPartySaas => vec![
            format!("enter the ARN of {role} and the external id at the vendor"),
            "have the vendor delete the key".into(),
        ],
        WorkloadKind::GoogleCloud | WorkloadKind::Azure => vec![
            format!("let the workload exchange its identity token for {role} (web_identity_token_file, role_arn)"),
            "delete the key from its secret store".into(),
        ],
        WorkloadKind::Human => vec![
            "remove the profile from ~/.aws/credentials, and the key from tools that keep their own copy".into(),
        ],
        WorkloadKind::RoleAssumer
        | WorkloadKind::SesSmtp
        | WorkloadKind::UrlSigner
        | WorkloadKind::LegacyApp
        | WorkloadKind::Unknown => Vec::new(),
    };
    if !b.secret_places.is_empty() {
        out.insert(
            0,
            format!(
                "its user agents say that the key comes from {}: look there first",
                b.secret_places.join(" or ")
            ),
        );
    }
    out
}

fn verify(b: &Blueprint) -> Vec<String> {
    let mut out = Vec::new();
    if b.makes_role() {
        out.push(format!("in the workload: aws sts get-caller-identity names assumed-role/{}", b.role_name));
        out.push(format!(
            "in CloudTrail: events with userIdentity.sessionContext.sessionIssuer.userName {} make the calls that the key made",
            b.role_name
        ));
        out.push("no AccessDenied of the role: each names the action to look at".into());
    }
    if b.outcome != Outcome::Rotate && b.outcome != Outcome::Identify {
        out.push(format!("collect again: consumer {} has no newer event", b.id));
    }
    out
}

fn back(b: &Blueprint) -> Vec<String> {
    if matches!(b.outcome, Outcome::Rotate | Outcome::Identify) {
        return Vec::new();
    }
    vec![
        "put the key back where it was: it stays active until every consumer is over".into(),
        "leave the role: it can do nothing that the key could not".into(),
    ]
}

fn caveats(b: &Blueprint) -> Vec<String> {
    let mut out = b.advice.caveats.clone();
    let names = |grants: &[Grant]| grants.iter().map(|g| g.action.to_string()).collect::<Vec<_>>().join(", ");
    let privileged = &b.role.permissions.privileged;
    if !privileged.is_empty() {
        let what = if b.privileged {
            "attached, as asked for"
        } else {
            "not attached; --include-privileged attaches them"
        };
        out.push(format!("with these it could make itself an administrator ({what}): {}", names(privileged)));
    }
    for profile in &b.role.permissions.profiles {
        out.push(format!("it hands instance profile {profile} to instances: iam:PassRole on that profile's role is needed, and no log names the role"));
    }
    if !b.role.today_known && !b.role.observed.is_empty() {
        out.push("what the user may do today is not known: authorization details of the account were not among the inputs, or not whole".into());
    }
    for condition in &b.conditions {
        out.push(format!("the user's policies have a condition that the role does not carry: {condition}"));
    }
    for (service, (time, _)) in &b.unseen {
        out.push(format!(
            "IAM says that the user reached {service} last on {time}, and no event shows what it did there"
        ));
    }
    if b.role.policies.coarser {
        out.push("resources were made coarser, or policies exceed IAM's limits: there is more than ten managed policies and the inline limit hold".into());
    }
    if let Companion::OidcProvider { issuer, known: false, .. } = &b.companion {
        out.push(format!("whether the account has an OIDC provider for {issuer} is not known"));
    }
    out
}

fn edits(b: &Blueprint) -> Vec<String> {
    let mut out: Vec<String> = b
        .trusted_by
        .iter()
        .map(|role| format!("the trust policy of {role} names the user: add {} before the cut-over, and take the user out after it", b.role_name))
        .collect();
    let grants =
        b.role.observed.iter().any(|call| call.name == "CreateGrant" && call.source.starts_with("kms."));
    if grants {
        out.push("it creates KMS grants: grants that name the user as grantee or retiring principal have to be made anew for the role".into());
    }
    out.extend(b.named_in.iter().map(|what| {
        format!(
            "{what} names the user: add {} before the cut-over, and take the user out after it",
            b.role_name
        )
    }));
    if b.makes_role() && !b.resource_policies_read {
        out.push("resource policies and KMS grants were not among the inputs: look for the user's ARN and unique id in those of the resources above (S3, KMS, SQS, SNS, Secrets Manager, ECR)".into());
    }
    out
}

/// As Markdown.
pub(super) fn markdown(list: &Checklist) -> String {
    let mut out = format!("# Cut-over of {}\n\nUser {}.\n", code(&list.key), code(&list.owner));
    for (n, part) in list.consumers.iter().enumerate() {
        let _ = writeln!(out, "\n## {}. {}: {}\n", n + 1, part.kind, comment(part.replacement));
        let _ = writeln!(out, "{}; consumer `{}`.", code(&part.origin), part.consumer);
        if let (Some(role), Some(file)) = (&part.role, &part.file) {
            let _ = writeln!(out, "Role {} is made by {}.", code(role), code(file));
        }
        let figures = &part.parity;
        if figures.mapped_events > 0 {
            let _ = writeln!(
                out,
                "\nOf {} events whose actions are known, the policies allow {}{}; {} actions are granted{}{}.",
                figures.mapped_events,
                figures.allowed_events,
                if figures.privileged_events > 0 {
                    format!(", and the privileged ones {} more", figures.privileged_events)
                } else {
                    String::new()
                },
                figures.granted_actions,
                figures
                    .actions_today
                    .map_or(String::new(), |today| format!(", where the user may do {today} today")),
                if figures.unmapped_events > 0 {
                    format!("; {} events are of calls whose actions are not known", figures.unmapped_events)
                } else {
                    String::new()
                },
            );
        }
        let inputs = part
            .inputs
            .iter()
            .map(|input| format!("{}: {}", code(&format!("--set {}=…", input.name)), input.ask))
            .collect::<Vec<_>>();
        let unmapped = figures
            .unmapped
            .iter()
            .map(|(call, events)| format!("{} ({events} events)", code(call)))
            .collect::<Vec<_>>();
        let denied = part
            .denied
            .iter()
            .map(|(call, events)| format!("{} ({events} events)", code(call)))
            .collect::<Vec<_>>();
        let plain = |items: &[String]| items.iter().map(|item| escaped(item)).collect::<Vec<_>>();
        for (title, items) in [
            ("Inputs that are missing", inputs),
            ("Ask the owner first", plain(&part.ask)),
            ("Prepare", plain(&part.prepare)),
            ("Change", plain(&part.change)),
            ("See that it worked", plain(&part.verify)),
            ("Go back", plain(&part.back)),
            ("Watch out", plain(&part.caveats)),
            ("Policies elsewhere", plain(&part.edits)),
            ("Attempted and denied: not granted", denied),
            ("Calls whose actions are not known", unmapped),
            (
                "Granted, though no policy of the user's covers it today (a resource policy may, or one that it had then)",
                figures.beyond_today.iter().map(|grant| code(grant)).collect(),
            ),
        ] {
            if !items.is_empty() {
                let _ = writeln!(out, "\n### {title}\n");
                items.iter().for_each(|item| {
                    let _ = writeln!(out, "- [ ] {item}");
                });
            }
        }
    }
    out.push_str("\n## Afterwards\n\n");
    for step in &list.afterwards {
        let _ = writeln!(out, "- [ ] {step}");
    }
    out
}

/// Markdown that shows the text and nothing else.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in comment(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn code(text: &str) -> String {
    let text = comment(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}
