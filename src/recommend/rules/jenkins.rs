//! A static key in Jenkins: IAM Roles Anywhere, or the role of the machine that runs it.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};
use serde_json::json;

/// IAM Roles Anywhere for Jenkins.
pub(super) const RULE: Rule = Rule {
    id: "jenkins-roles-anywhere",
    title: "IAM Roles Anywhere for Jenkins",
    kind: WorkloadKind::Jenkins,
    fits: always,
    advise: |case| {
        let anchor = format!(
            "arn:aws:rolesanywhere:{}:{}:trust-anchor/<TRUST_ANCHOR_ID>",
            case.region(),
            case.account
        );
        let trust = TrustPolicy::service_with(
            "rolesanywhere.amazonaws.com",
            &["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            &[
                ("ArnEquals", "aws:SourceArn", json!(anchor)),
                ("StringEquals", "aws:PrincipalTag/x509Subject/CN", json!("<COMMON_NAME>")),
            ],
            &[
                Need {
                    name: "TRUST_ANCHOR_ID",
                    ask: "Which Roles Anywhere trust anchor stands for your certificate authority?",
                },
                Need { name: "COMMON_NAME", ask: "Which common name does the machine's certificate carry?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "register your certificate authority as a trust anchor, and create a profile with the role",
                "give controller or agents a certificate and a credential_process with aws_signing_helper",
                "delete the key from the Jenkins credentials store and from job definitions",
            ],
        )
        .trusting(trust)
        .caveat("where agents run on EC2, ECS or EKS, their own role is simpler; where jobs differ in rights, give each its own role")
    },
};
