//! Roles as commands of the AWS CLI, in a POSIX shell script that can be run again.

use super::blueprint::{Blueprint, Companion};
use super::text::{comment, shell};
use serde_json::Value;
use std::fmt::Write;

/// One consumer's script.
pub(super) fn file(blueprint: &Blueprint, heading: &[String]) -> String {
    let mut out = String::from("#!/bin/sh\n");
    for line in heading {
        let _ = writeln!(out, "# {}", comment(line));
    }
    let Some(trust) = &blueprint.trust else { return out };
    out.push_str("set -eu\n\n");
    for need in &trust.needs {
        let _ = writeln!(
            out,
            "echo {} >&2",
            shell(&format!("an input is missing: --set {}=… ({})", need.name.to_lowercase(), need.ask))
        );
    }
    if !trust.needs.is_empty() {
        out.push_str("exit 1\n\n");
    }
    let _ = writeln!(
        out,
        "account=$(aws sts get-caller-identity --query Account --output text)\npartition=$(aws sts get-caller-identity --query Arn --output text | cut -d: -f2)\nrole={}\n",
        shell(&blueprint.role_name)
    );
    if let Some(account) = &blueprint.account {
        let _ = writeln!(
            out,
            "if [ \"$account\" != {0} ]; then\n  echo \"these credentials are of account $account, and the role belongs into \"{0} >&2\n  exit 1\nfi\n",
            shell(account)
        );
    }
    if let Companion::OidcProvider { issuer, audience, .. } = &blueprint.companion {
        let _ = writeln!(
            out,
            "aws iam get-open-id-connect-provider --open-id-connect-provider-arn \"arn:$partition:iam::$account:oidc-provider/\"{} >/dev/null 2>&1 ||\n  aws iam create-open-id-connect-provider --url {} --client-id-list {} >/dev/null\n",
            shell(issuer),
            shell(&format!("https://{issuer}")),
            shell(audience)
        );
    }
    let boundary = blueprint
        .boundary
        .as_ref()
        .map_or(String::new(), |arn| format!(" --permissions-boundary {}", shell(arn)));
    let _ = writeln!(
        out,
        "trust={}\nif aws iam get-role --role-name \"$role\" >/dev/null 2>&1; then\n  aws iam update-assume-role-policy --role-name \"$role\" --policy-document \"$trust\"\nelse\n  aws iam create-role --role-name \"$role\" --assume-role-policy-document \"$trust\"{boundary} >/dev/null\nfi",
        document(&trust.document)
    );
    for (name, policy, attached) in blueprint.policies() {
        out.push('\n');
        for statement in &policy.statements {
            for line in blueprint.evidence(&statement.actions, &statement.resources) {
                let _ = writeln!(out, "# {}", comment(&line));
            }
        }
        let body = document(&policy.json());
        if !attached {
            out.push_str("# PRIVILEGED: the policy is made and attached to nothing.\n");
        }
        if policy.inline && attached {
            let _ = writeln!(
                out,
                "aws iam put-role-policy --role-name \"$role\" --policy-name {} --policy-document {body}",
                shell(&name)
            );
            continue;
        }
        // IAM keeps five versions of a policy and says so when they are full.
        let _ = writeln!(
            out,
            "policy=\"arn:$partition:iam::$account:policy/\"{0}\nif aws iam get-policy --policy-arn \"$policy\" >/dev/null 2>&1; then\n  aws iam create-policy-version --policy-arn \"$policy\" --set-as-default --policy-document {body} >/dev/null\nelse\n  aws iam create-policy --policy-name {0} --policy-document {body} >/dev/null\nfi",
            shell(&name)
        );
        if attached {
            out.push_str("aws iam attach-role-policy --role-name \"$role\" --policy-arn \"$policy\"\n");
        }
    }
    companion(&mut out, blueprint);
    for (service, (time, _)) in &blueprint.unseen {
        let _ = writeln!(
            out,
            "\n# REVIEW: IAM says that the user reached {} last on {}, and no event shows what it did there.",
            comment(service),
            comment(time)
        );
    }
    out.push_str("\naws iam get-role --role-name \"$role\" --query Role.Arn --output text\n");
    out
}

fn document(value: &Value) -> String {
    shell(&serde_json::to_string_pretty(value).unwrap_or_default())
}

fn companion(out: &mut String, blueprint: &Blueprint) {
    match &blueprint.companion {
        Companion::None | Companion::OidcProvider { .. } => {}
        Companion::InstanceProfile => out.push_str("\nif ! aws iam get-instance-profile --instance-profile-name \"$role\" >/dev/null 2>&1; then\n  aws iam create-instance-profile --instance-profile-name \"$role\" >/dev/null\n  aws iam add-role-to-instance-profile --instance-profile-name \"$role\" --role-name \"$role\"\nfi\n"),
        Companion::PodIdentity { cluster, namespace, service_account } => {
            let what = format!(
                "--cluster-name {} --namespace {} --service-account {}",
                shell(cluster),
                shell(namespace),
                shell(service_account)
            );
            let _ = writeln!(out, "\nif [ \"$(aws eks list-pod-identity-associations {what} --query 'length(associations)')\" = 0 ]; then\n  aws eks create-pod-identity-association {what} --role-arn \"arn:$partition:iam::$account:role/$role\"\nfi");
        }
        Companion::RolesAnywhere { region } => {
            let region = region.as_ref().map_or(String::new(), |region| format!(" --region {}", shell(region)));
            let _ = writeln!(out, "\nif [ \"$(aws rolesanywhere list-profiles{region} --query \"length(profiles[?name=='$role'])\")\" = 0 ]; then\n  aws rolesanywhere create-profile{region} --name \"$role\" --enabled --role-arns \"arn:$partition:iam::$account:role/$role\"\nfi");
        }
    }
}
