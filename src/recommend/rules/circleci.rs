//! A static key in CircleCI: the job's OIDC token.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// CircleCI OIDC.
pub(super) const RULE: Rule = Rule {
    id: "circleci-oidc",
    title: "CircleCI OIDC",
    kind: WorkloadKind::CircleCi,
    fits: always,
    advise: |case| {
        let trust = TrustPolicy::web_identity(
            case.account,
            "oidc.circleci.com/org/<ORGANIZATION_ID>",
            "<ORGANIZATION_ID>",
            "org/<ORGANIZATION_ID>/project/<PROJECT_ID>/user/*",
            &[
                Need {
                    name: "ORGANIZATION_ID",
                    ask: "What is the CircleCI organization's id? It is issuer and audience.",
                },
                Need { name: "PROJECT_ID", ask: "What is the project's id?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create the organization's OIDC provider in the account",
                "let the job use the aws-cli orb's role setup, or AssumeRoleWithWebIdentity with CIRCLE_OIDC_TOKEN_V2",
                "delete the key from contexts and project environment variables",
            ],
        )
        .trusting(trust)
        .caveat("the subject ends in the user who started the job: the pattern lets any user of the project in")
    },
};
