//! What to do about one consumer, step by step, by what it is.

use super::blueprint::{Blueprint, Companion};
use super::files::Target;
use crate::model::WorkloadKind;
use crate::policy::{Danger, Grant};
use crate::recommend::Outcome;

/// Steps of advice that take the key away, which comes last here.
const TAKES_AWAY: &[&str] = &["remove the key", "delete the key", "have the vendor delete"];

pub(super) fn prepare(b: &Blueprint, file: Option<&str>, target: Target) -> Vec<String> {
    let takes_away = |step: &&String| TAKES_AWAY.iter().any(|start| step.starts_with(start));
    let mut out: Vec<String> = b.advice.steps.iter().filter(|step| !takes_away(step)).cloned().collect();
    if let Some(file) = file.filter(|_| b.makes_role()) {
        let apply = match target {
            Target::Terraform => "terraform init && terraform plan && terraform apply".to_owned(),
            Target::CloudFormation => format!(
                "aws cloudformation deploy --template-file {file} --stack-name {} --capabilities CAPABILITY_NAMED_IAM",
                b.role_name
            ),
            Target::Cli => format!("sh {file}"),
        };
        out.insert(0, format!("review {file}: every statement has its evidence above it; then: {apply}"));
    } else if let Some(file) = file {
        out.insert(
            0,
            format!(
                "{file} holds what its calls needed, for a permission set or a narrower policy of the user"
            ),
        );
    }
    if let Some(unblock) = b.advice.unblock {
        out.push(format!("a role becomes possible with: {unblock}"));
    }
    out
}

/// What to change, by kind of workload.
pub(super) fn change(b: &Blueprint) -> Vec<String> {
    let (role, arn) = (&b.role_name, b.role_arn());
    let mut out: Vec<String> = match b.kind {
        WorkloadKind::Ec2 => {
            vec![format!(
                "associate the instance profile {role} with the instances, and with their launch template"
            )]
        }
        WorkloadKind::EcsTask => {
            vec![format!("set taskRoleArn of the task definition to {arn}, and deploy the new revision")]
        }
        WorkloadKind::Lambda => {
            vec![format!(
                "let the function's execution role be {arn}, or attach its policies to the role it has"
            )]
        }
        WorkloadKind::CodeBuild => vec![format!("set the project's service role to {arn}")],
        WorkloadKind::EksPod if matches!(b.companion, Companion::PodIdentity { .. }) => {
            vec!["the association is made with the role; the pods have to be started anew".into()]
        }
        WorkloadKind::EksPod => {
            vec![format!(
                "annotate the service account: eks.amazonaws.com/role-arn: {arn}; start its pods anew"
            )]
        }
        WorkloadKind::GithubActions => vec![format!(
            "in the workflow: permissions: id-token: write, and aws-actions/configure-aws-credentials with role-to-assume: {arn}"
        )],
        WorkloadKind::GitlabCi
        | WorkloadKind::Bitbucket
        | WorkloadKind::CircleCi
        | WorkloadKind::HcpTerraform
        | WorkloadKind::GoogleCloud
        | WorkloadKind::Azure => {
            vec![format!(
                "let the job or program exchange its identity token for the role (role_arn {arn}, web_identity_token_file)"
            )]
        }
        WorkloadKind::OnPremises | WorkloadKind::Jenkins => vec![format!(
            "in ~/.aws/config, a profile with credential_process = aws_signing_helper credential-process --certificate FILE --private-key FILE --trust-anchor-arn ARN --profile-arn ARN --role-arn {arn}"
        )],
        WorkloadKind::SsmHybridNode => vec![format!("register the node with an activation for {role}")],
        WorkloadKind::ThirdPartySaas => vec![format!("enter {arn} and the external id at the vendor")],
        WorkloadKind::Human => vec!["sign in as above, and see that the usual commands work".into()],
        WorkloadKind::RoleAssumer
        | WorkloadKind::SesSmtp
        | WorkloadKind::UrlSigner
        | WorkloadKind::LegacyApp
        | WorkloadKind::Unknown => Vec::new(),
    };
    if matches!(b.outcome, Outcome::Rotate | Outcome::Identify) {
        return out;
    }
    out.push(
        "keep a sealed copy of the key's secret until the key is deleted: IAM never shows it again".into(),
    );
    out.push(match b.kind {
        WorkloadKind::Ec2 | WorkloadKind::EcsTask | WorkloadKind::Lambda | WorkloadKind::CodeBuild | WorkloadKind::EksPod => {
            "take the key out of environment, secrets and files that the program reads: SDKs look there before they ask for the role; then restart it".into()
        }
        WorkloadKind::OnPremises | WorkloadKind::Jenkins => {
            "take the key out of ~/.aws/credentials, the environment or the Jenkins store: it stands before credential_process".into()
        }
        _ => "switch from the key to the role, leaving the key's secret where it is stored".into(),
    });
    if !b.secret_places.is_empty() {
        let places = b.secret_places.join("; ");
        out.insert(0, format!("where the key is found, as its user agents say: {places}. Look there first"));
    }
    out
}

pub(super) fn verify(b: &Blueprint) -> Vec<String> {
    let mut out = Vec::new();
    if b.makes_role() {
        out.push(format!("in the workload: aws sts get-caller-identity names assumed-role/{}", b.role_name));
        out.push(format!(
            "in CloudTrail: events with userIdentity.sessionContext.sessionIssuer.userName {} make the calls that the key made",
            b.role_name
        ));
        out.push("new AccessDenied of the role: each names an action to look at; calls that the key was denied, too, are below".into());
    }
    if !matches!(b.outcome, Outcome::Rotate | Outcome::Identify) {
        out.push(format!("collect again: consumer {} has no newer event", b.id));
    }
    out
}

/// What comes after it was seen to work.
pub(super) fn remove(b: &Blueprint) -> Vec<String> {
    let place = match b.kind {
        _ if matches!(b.outcome, Outcome::Rotate | Outcome::Identify) => return Vec::new(),
        WorkloadKind::GithubActions => {
            "delete AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the secrets of repository, environment and organization"
        }
        WorkloadKind::GitlabCi
        | WorkloadKind::Bitbucket
        | WorkloadKind::CircleCi
        | WorkloadKind::HcpTerraform => "delete the key from the variables of project, group and contexts",
        WorkloadKind::EksPod => "delete the Kubernetes secret",
        WorkloadKind::ThirdPartySaas => "have the vendor delete the key",
        WorkloadKind::Human => {
            "delete the profile from ~/.aws/credentials, and the key from tools that keep their own copy"
        }
        _ => {
            "delete the key wherever it is stored for this consumer: secret stores, parameter stores, images, backups of configuration"
        }
    };
    vec![place.to_owned()]
}

pub(super) fn back(b: &Blueprint) -> Vec<String> {
    if matches!(b.outcome, Outcome::Rotate | Outcome::Identify) {
        return Vec::new();
    }
    let mut out =
        vec!["put the key back where it was: it stays active until every consumer is over".to_owned()];
    if b.makes_role() && b.parity.beyond_today.is_empty() && b.role.today_known {
        out.push("leave the role: it is allowed nothing that the user is not allowed today".to_owned());
    } else if b.makes_role() {
        out.push("delete the role, if the way back is to last: it is one more way in".to_owned());
    }
    out
}

pub(super) fn caveats(b: &Blueprint) -> Vec<String> {
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
    let careful: Vec<Grant> =
        b.role.permissions.grants.iter().filter(|grant| grant.danger == Danger::Careful).cloned().collect();
    if !careful.is_empty() {
        out.push(format!(
            "these reach further than they say, as they change who may do what with a resource, or run code with another role's permissions: {}",
            names(&careful)
        ));
    }
    if b.role.observed.is_empty() && !b.denied.is_empty() {
        out.push("every call was denied, so the role is granted nothing: ask whether the consumer is needed at all".into());
    }
    let calls =
        |name: &str| b.role.observed.iter().any(|call| call.source.starts_with("sts.") && call.name == name);
    if calls("AssumeRole") && b.makes_role() {
        out.push("it assumes roles: sessions that a role opens in other roles last one hour at most (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html), whatever it asked for with the key".into());
    }
    for name in ["GetFederationToken", "GetSessionToken"] {
        if calls(name) && b.makes_role() {
            out.push(format!(
                "it calls {name}, which a role cannot: let it use the role's own session, or assume a role"
            ));
        }
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

pub(super) fn edits(b: &Blueprint) -> Vec<String> {
    if !b.makes_role() {
        return Vec::new();
    }
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
