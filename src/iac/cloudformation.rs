//! Roles as CloudFormation templates in YAML.

use super::blueprint::{Blueprint, Companion};
use super::text::{comment, yaml, yaml_string};
use serde_json::{Value, json};
use std::fmt::Write;

/// One consumer's template.
pub(super) fn file(blueprint: &Blueprint, heading: &[String]) -> String {
    let mut out = String::new();
    for line in heading {
        let _ = writeln!(out, "# {}", comment(line));
    }
    let Some(trust) = &blueprint.trust else { return out };
    let _ = writeln!(out, "AWSTemplateFormatVersion: \"2010-09-09\"");
    let _ = writeln!(out, "Description: {}", yaml_string(&format!("Replaces {}", blueprint.key)));
    let creates_provider = matches!(blueprint.companion, Companion::OidcProvider { known: false, .. });
    if creates_provider {
        out.push_str("Parameters:\n  CreateOidcProvider:\n    Type: String\n    Default: \"true\"\n    AllowedValues: [\"true\", \"false\"]\n    Description: false if the account has the provider already\nConditions:\n  MakesProvider: !Equals [!Ref CreateOidcProvider, \"true\"]\n");
    }
    out.push_str("Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n");
    let _ = writeln!(out, "      RoleName: {}", yaml_string(&blueprint.role_name));
    if let Some(boundary) = &blueprint.boundary {
        let _ = writeln!(out, "      # The user has this permissions boundary, and so has the role.");
        let _ = writeln!(out, "      PermissionsBoundary: {}", yaml_string(boundary));
    }
    let _ = write!(out, "      AssumeRolePolicyDocument:{}", yaml(&trust.document, 8));
    for (n, (name, document, attached)) in blueprint.policies().into_iter().enumerate() {
        if !attached {
            out.push_str("  # PRIVILEGED, and attached to nothing: whoever has this can become an administrator. Attach it by hand, or\n  # write these files again with --include-privileged, if the consumer must keep it.\n");
        }
        let (kind, names) = if document.inline && attached {
            ("AWS::IAM::RolePolicy", "PolicyName")
        } else {
            ("AWS::IAM::ManagedPolicy", "ManagedPolicyName")
        };
        let _ = writeln!(
            out,
            "  Policy{}:\n    Type: {kind}\n    Properties:\n      {names}: {}",
            n + 1,
            yaml_string(&name)
        );
        if document.inline && attached {
            out.push_str("      RoleName: !Ref Role\n");
        } else if attached {
            out.push_str("      Roles: [!Ref Role]\n");
        }
        out.push_str("      PolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n");
        for statement in &document.statements {
            for line in blueprint.evidence(&statement.actions, &statement.resources) {
                let _ = writeln!(out, "          # {}", comment(&line));
            }
            let _ = write!(out, "          -{}", yaml(&statement.json(), 12));
        }
    }
    if let Some((name, condition, value)) = companion(blueprint) {
        let condition = condition.map_or(String::new(), |condition| format!("    Condition: {condition}\n"));
        let _ = write!(
            out,
            "  {name}:\n{condition}    Type: {}\n    Properties:{}",
            text(&value, "Type"),
            yaml(value.get("Properties").unwrap_or(&Value::Null), 6)
        );
        // References are a tag of CloudFormation's, which no string may be.
        out = out
            .replace(&format!("{}\n", yaml_string(ROLE_ARN)), "!GetAtt Role.Arn\n")
            .replace(&format!("{}\n", yaml_string(ROLE)), "!Ref Role\n");
    }
    for (service, (time, _)) in &blueprint.unseen {
        let _ = writeln!(
            out,
            "# REVIEW: IAM says that the user reached {} last on {}, and no event shows what it did there.\n# If it was this consumer, and it still needs it, add a statement for it.",
            comment(service),
            comment(time)
        );
    }
    out.push_str("Outputs:\n  RoleArn:\n    Value: !GetAtt Role.Arn\n");
    out
}

const ROLE: &str = "offkey-reference-to-role";
const ROLE_ARN: &str = "offkey-reference-to-role-arn";

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn companion(blueprint: &Blueprint) -> Option<(&'static str, Option<&'static str>, Value)> {
    Some(match &blueprint.companion {
        Companion::None | Companion::OidcProvider { known: true, .. } => return None,
        Companion::InstanceProfile => (
            "InstanceProfile",
            None,
            json!({"Type": "AWS::IAM::InstanceProfile", "Properties": {"InstanceProfileName": blueprint.role_name, "Roles": [ROLE]}}),
        ),
        Companion::OidcProvider { issuer, audience, .. } => (
            "OidcProvider",
            Some("MakesProvider"),
            json!({"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": format!("https://{issuer}"), "ClientIdList": [audience]}}),
        ),
        Companion::PodIdentity { cluster, namespace, service_account } => (
            "PodIdentityAssociation",
            None,
            json!({"Type": "AWS::EKS::PodIdentityAssociation", "Properties": {"ClusterName": cluster, "Namespace": namespace, "ServiceAccount": service_account, "RoleArn": ROLE_ARN}}),
        ),
        Companion::RolesAnywhere { .. } => (
            "Profile",
            None,
            json!({"Type": "AWS::RolesAnywhere::Profile", "Properties": {"Name": blueprint.role_name, "Enabled": true, "RoleArns": [ROLE_ARN]}}),
        ),
    })
}
