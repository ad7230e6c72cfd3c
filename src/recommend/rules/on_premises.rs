//! A static key on a server outside any cloud: IAM Roles Anywhere.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};
use serde_json::json;

/// IAM Roles Anywhere.
pub(super) const RULE: Rule = Rule {
    id: "roles-anywhere",
    title: "IAM Roles Anywhere",
    kind: WorkloadKind::OnPremises,
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
                "give the server a certificate and a credential_process with aws_signing_helper",
                "remove the key from its credentials file and environment",
            ],
        )
        .trusting(trust)
        .caveat("a server that cannot hold a certificate may become an SSM hybrid node instead")
    },
};
