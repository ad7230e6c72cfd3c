//! A static key in Bitbucket Pipelines: the step's OIDC token.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// Bitbucket Pipelines OIDC.
pub(super) const RULE: Rule = Rule {
    id: "bitbucket-oidc",
    title: "Bitbucket Pipelines OIDC",
    kind: WorkloadKind::Bitbucket,
    fits: always,
    advise: |case| {
        // Issuer, audience and subject are all particular to the workspace, so they are copied from its settings.
        let trust = TrustPolicy::web_identity(
            case.account,
            "api.bitbucket.org/2.0/workspaces/<WORKSPACE>/pipelines-config/identity/oidc",
            "ari:cloud:bitbucket::workspace/<WORKSPACE_UUID>",
            "{<REPOSITORY_UUID>}:*",
            &[
                Need { name: "WORKSPACE", ask: "Which Bitbucket workspace?" },
                Need {
                    name: "WORKSPACE_UUID",
                    ask: "What is its UUID (repository settings, OpenID Connect)?",
                },
                Need { name: "REPOSITORY_UUID", ask: "What is the repository's UUID?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create the workspace's OIDC provider in the account",
                "set `oidc: true` on the step and give it the role",
                "delete the key from repository, deployment and workspace variables",
            ],
        )
        .trusting(trust)
        .caveat("the subject ends in the step's own UUID, which differs at each run: the pattern pins the repository, not the branch")
    },
};
