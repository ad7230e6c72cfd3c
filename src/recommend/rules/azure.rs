//! A static key in Azure: the managed identity's token.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// Web identity from Azure.
pub(super) const RULE: Rule = Rule {
    id: "azure-web-identity",
    title: "Web identity from Azure",
    kind: WorkloadKind::Azure,
    fits: always,
    advise: |case| {
        let trust = TrustPolicy::web_identity(
            case.account,
            "sts.windows.net/<TENANT_ID>/",
            "<APP_ID_URI>",
            "<OBJECT_ID>",
            &[
                Need { name: "TENANT_ID", ask: "Which Entra tenant?" },
                Need { name: "APP_ID_URI", ask: "Which application id URI is the token's audience?" },
                Need { name: "OBJECT_ID", ask: "What is the managed identity's object id?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create an OIDC provider for the tenant's own issuer, never the shared one",
                "let the workload fetch a token for its managed identity and call AssumeRoleWithWebIdentity",
                "remove the key from Key Vault, app settings and code",
            ],
        )
        .trusting(trust)
    },
};
