//! A static key in GitHub Actions: the workflow's own OIDC token.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// GitHub Actions OIDC.
pub(super) const RULE: Rule = Rule {
    id: "github-oidc",
    title: "GitHub Actions OIDC",
    kind: WorkloadKind::GithubActions,
    fits: always,
    advise: |case| {
        let trust = TrustPolicy::web_identity(
            case.account,
            "token.actions.githubusercontent.com",
            "sts.amazonaws.com",
            "<GITHUB_SUBJECT>",
            &[Need {
                name: "GITHUB_SUBJECT",
                ask: "Which repository and branch or environment? repo:OWNER/REPO:ref:refs/heads/BRANCH or repo:OWNER/REPO:environment:NAME; repositories created, renamed or transferred after 2026-07-15 use repo:OWNER@OWNERID/REPO@REPOID:…",
            }],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create the OIDC provider token.actions.githubusercontent.com, if the account lacks it",
                "create the role for the exact subject, and pin the repository id where the workflow allows it",
                "give the workflow `permissions: id-token: write` and configure-aws-credentials a role-to-assume",
                "delete the key from the repository's, environment's and organization's secrets",
            ],
        )
        .trusting(trust)
        .caveat("a self-hosted runner uses the same OIDC token: where jobs run makes no difference to the trust policy")
    },
};
