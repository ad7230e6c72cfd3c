//! A static key in GitLab CI: the job's ID token.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// GitLab CI OIDC.
pub(super) const RULE: Rule = Rule {
    id: "gitlab-oidc",
    title: "GitLab CI OIDC",
    kind: WorkloadKind::GitlabCi,
    fits: always,
    advise: |case| {
        let trust = TrustPolicy::web_identity(
            case.account,
            "gitlab.com",
            "<GITLAB_AUDIENCE>",
            "project_path:<GROUP>/<PROJECT>:ref_type:branch:ref:<BRANCH>",
            &[
                Need {
                    name: "GITLAB_AUDIENCE",
                    ask: "Which audience do the jobs' id_tokens ask for (often https://gitlab.com)?",
                },
                Need { name: "GROUP", ask: "Which GitLab group?" },
                Need { name: "PROJECT", ask: "Which project?" },
                Need { name: "BRANCH", ask: "Which branch deploys?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create an OIDC provider for the GitLab host (gitlab.com, or your own)",
                "declare id_tokens in the job and call AssumeRoleWithWebIdentity with it",
                "delete the key from the project's and group's CI/CD variables",
            ],
        )
        .trusting(trust)
        .caveat("for a GitLab of your own, its host stands in place of gitlab.com in the trust policy")
    },
};
