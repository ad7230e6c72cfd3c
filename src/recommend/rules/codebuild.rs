//! A static key in a CodeBuild project: its service role.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};
use serde_json::json;

/// CodeBuild service role.
pub(super) const RULE: Rule = Rule {
    id: "codebuild-service-role",
    title: "CodeBuild service role",
    kind: WorkloadKind::CodeBuild,
    fits: always,
    advise: |case| {
        let project = format!("arn:aws:codebuild:{}:{}:project/<PROJECT>", case.region(), case.account);
        let trust = TrustPolicy::service(
            "codebuild.amazonaws.com",
            &[
                ("StringEquals", "aws:SourceArn", json!(project)),
                ("StringEquals", "aws:SourceAccount", json!(case.account)),
            ],
            &[Need { name: "PROJECT", ask: "Which CodeBuild project is it?" }],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "add the observed permissions to the project's service role",
                "remove the key from the project's environment and from secrets its buildspec reads",
            ],
        )
        .trusting(trust)
    },
};
