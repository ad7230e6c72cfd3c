//! A static key in Google Cloud: the service account's identity token.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// Web identity from Google Cloud.
pub(super) const RULE: Rule = Rule {
    id: "google-web-identity",
    title: "Web identity from Google Cloud",
    kind: WorkloadKind::GoogleCloud,
    fits: always,
    advise: |_| {
        let trust = TrustPolicy::google(
            "<AUDIENCE>",
            "<SERVICE_ACCOUNT_ID>",
            &[
                Need { name: "AUDIENCE", ask: "Which audience will the identity token ask for?" },
                Need {
                    name: "SERVICE_ACCOUNT_ID",
                    ask: "What is the service account's numeric unique id (not its address)?",
                },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "give the workload a service account of its own",
                "let it fetch an identity token from the metadata server and call AssumeRoleWithWebIdentity",
                "remove the key from Secret Manager, environment and code",
            ],
        )
        .trusting(trust)
        .caveat("accounts.google.com is built into IAM: create no OIDC provider for it")
    },
};
