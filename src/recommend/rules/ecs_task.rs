//! A static key in an ECS task: the task role.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::TrustPolicy;
use serde_json::json;

/// ECS task role.
pub(super) const RULE: Rule = Rule {
    id: "ecs-task-role",
    title: "ECS task role",
    kind: WorkloadKind::EcsTask,
    fits: always,
    advise: |case| {
        let source = format!("arn:aws:ecs:{}:{}:*", case.region(), case.account);
        let trust = TrustPolicy::service(
            "ecs-tasks.amazonaws.com",
            &[
                ("ArnLike", "aws:SourceArn", json!(source)),
                ("StringEquals", "aws:SourceAccount", json!(case.account)),
            ],
            &[],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create the role and name it as taskRoleArn in the task definition (not as the execution role)",
                "remove the key from the task's environment and secrets",
                "deploy, and look for calls by the role with ECS in their session name",
            ],
        )
        .trusting(trust)
    },
};
