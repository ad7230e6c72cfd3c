//! Roles as Terraform: `terraform validate` accepts it once `terraform init` has brought the AWS provider.

use super::blueprint::{Blueprint, Companion};
use super::text::{comment, hcl, hcl_string, plain_name};
use crate::policy::Document;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Which provider is needed.
pub(super) const VERSIONS: &str = r#"# Written by offkey.
data "aws_caller_identity" "offkey" {}

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}
"#;

/// One consumer's file.
pub(super) fn file(blueprint: &Blueprint, heading: &[String]) -> String {
    let mut out = String::new();
    for line in heading {
        let _ = writeln!(out, "# {}", comment(line));
    }
    let Some(trust) = &blueprint.trust else { return out };
    let name = format!("offkey_{}", blueprint.id);
    let _ = writeln!(out, "\nresource \"aws_iam_role\" \"{name}\" {{");
    let _ = writeln!(out, "  name        = {}", hcl_string(&blueprint.role_name));
    let _ = writeln!(out, "  description = {}", hcl_string(&format!("Replaces {}", blueprint.key)));
    if let Some(boundary) = &blueprint.boundary {
        let _ = writeln!(out, "\n  # The user has this permissions boundary, and so has the role.");
        let _ = writeln!(out, "  permissions_boundary = {}", hcl_string(boundary));
    }
    let _ = writeln!(out, "\n  assume_role_policy = jsonencode({})", hcl(&trust.document, 2));
    if let Some(account) = &blueprint.account {
        let _ = writeln!(
            out,
            "\n  lifecycle {{\n    precondition {{\n      condition     = data.aws_caller_identity.offkey.account_id == {}\n      error_message = \"This role belongs into another account: the key's.\"\n    }}\n  }}",
            hcl_string(account)
        );
    }
    out.push_str("}\n");
    let _ = writeln!(out, "\noutput \"{name}_role_arn\" {{\n  value = aws_iam_role.{name}.arn\n}}");
    for (n, (policy, document, attached)) in blueprint.policies().into_iter().enumerate() {
        let label = format!("{name}_{}", n + 1);
        let body = body(blueprint, document);
        if !attached {
            out.push_str("\n# PRIVILEGED, and attached to nothing: whoever has this can become an administrator. Attach it by hand, or\n# write these files again with --include-privileged, if the consumer must keep it.\n");
        }
        if document.inline && attached {
            let _ = writeln!(
                out,
                "\nresource \"aws_iam_role_policy\" \"{label}\" {{\n  name = {}\n  role = aws_iam_role.{name}.id\n\n  policy = jsonencode({body})\n}}",
                hcl_string(&policy)
            );
            continue;
        }
        let _ = writeln!(
            out,
            "\nresource \"aws_iam_policy\" \"{label}\" {{\n  name = {}\n\n  policy = jsonencode({body})\n}}",
            hcl_string(&policy)
        );
        if attached {
            let _ = writeln!(
                out,
                "\nresource \"aws_iam_role_policy_attachment\" \"{label}\" {{\n  role       = aws_iam_role.{name}.name\n  policy_arn = aws_iam_policy.{label}.arn\n}}"
            );
        }
    }
    companion(&mut out, blueprint, &name);
    unseen(&mut out, blueprint);
    out
}

/// A policy with the evidence of each statement above it.
fn body(blueprint: &Blueprint, document: &Document) -> String {
    let mut out = String::from("{\n    \"Version\" = \"2012-10-17\"\n    \"Statement\" = [\n");
    for statement in &document.statements {
        for line in blueprint.evidence(&statement.actions, &statement.resources) {
            let _ = writeln!(out, "      # {}", comment(&line));
        }
        let _ = writeln!(out, "      {},", hcl(&statement.json(), 6));
    }
    out + "    ]\n  }"
}

/// The OIDC provider has a file of its own, the same for all roles that trust it: an account has each provider once.
pub(super) fn provider(blueprint: &Blueprint) -> Option<(String, String)> {
    let Companion::OidcProvider { issuer, audience, known: false } = &blueprint.companion else {
        return None;
    };
    let name = plain_name(issuer, 60);
    let label = name.replace('-', "_");
    let text = format!(
        "# Written by offkey. Set the variable to false if the account has this provider already.\nvariable \"create_oidc_{label}\" {{\n  type    = bool\n  default = true\n}}\n\nresource \"aws_iam_openid_connect_provider\" \"oidc_{label}\" {{\n  count          = var.create_oidc_{label} ? 1 : 0\n  url            = {}\n  client_id_list = [{}]\n}}\n",
        hcl_string(&format!("https://{issuer}")),
        hcl_string(audience)
    );
    Some((format!("oidc-provider-{name}.tf"), text))
}

fn companion(out: &mut String, blueprint: &Blueprint, name: &str) {
    match &blueprint.companion {
        Companion::None => {}
        Companion::InstanceProfile => {
            let _ = writeln!(
                out,
                "\nresource \"aws_iam_instance_profile\" \"{name}\" {{\n  name = {}\n  role = aws_iam_role.{name}.name\n}}",
                hcl_string(&blueprint.role_name)
            );
        }
        Companion::OidcProvider { known: true, issuer, .. } => {
            let _ = writeln!(
                out,
                "\n# The OIDC provider {} is there: a role of this account trusts it.",
                comment(issuer)
            );
        }
        Companion::OidcProvider { .. } => {}
        Companion::PodIdentity { cluster, namespace, service_account } => {
            let _ = writeln!(
                out,
                "\nresource \"aws_eks_pod_identity_association\" \"{name}\" {{\n  cluster_name    = {}\n  namespace       = {}\n  service_account = {}\n  role_arn        = aws_iam_role.{name}.arn\n}}",
                hcl_string(cluster),
                hcl_string(namespace),
                hcl_string(service_account)
            );
        }
        Companion::RolesAnywhere { region } => {
            let region = region.as_deref().unwrap_or("the region of the trust anchor");
            let _ = writeln!(out, "\n# The provider's region has to be {}.", comment(region));
            let _ = writeln!(
                out,
                "\nresource \"aws_rolesanywhere_profile\" \"{name}\" {{\n  name      = {}\n  role_arns = [aws_iam_role.{name}.arn]\n  enabled   = true\n}}",
                hcl_string(&blueprint.role_name)
            );
        }
    }
}

/// What may be missing, as statements to take up after a look.
fn unseen(out: &mut String, blueprint: &Blueprint) {
    for (service, (time, patterns)) in &blueprint.unseen {
        let _ = writeln!(
            out,
            "\n# REVIEW: IAM says that the user reached {} last on {}, and no event shows what it did there.",
            comment(service),
            comment(time)
        );
        out.push_str("# If it was this consumer, and it still needs it, add a statement such as:\n");
        let any = BTreeSet::from([format!("{service}:*")]);
        let actions = if patterns.is_empty() { &any } else { patterns };
        let spelled: Vec<String> = actions.iter().map(|action| hcl_string(&comment(action))).collect();
        let _ = writeln!(
            out,
            "#   {{ Sid = \"Review\", Effect = \"Allow\", Action = [{}], Resource = \"*\" }}",
            spelled.join(", ")
        );
    }
}
