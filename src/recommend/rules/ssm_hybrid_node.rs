//! A static key on a server that is an SSM hybrid node: the node's own role.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::TrustPolicy;
use serde_json::json;

/// SSM hybrid node role.
pub(super) const RULE: Rule = Rule {
    id: "ssm-hybrid-role",
    title: "SSM hybrid node role",
    kind: WorkloadKind::SsmHybridNode,
    fits: always,
    advise: |case| {
        let trust = TrustPolicy::service(
            "ssm.amazonaws.com",
            &[("StringEquals", "aws:SourceAccount", json!(case.account))],
            &[],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "add the observed permissions to the node's service role, or register it anew with a role of its own",
                "let the program use the profile that the SSM agent keeps in the shared credentials file",
                "remove the key from the server",
            ],
        )
        .trusting(trust)
        .caveat("every node registered with the same activation shares its role: one activation per purpose keeps permissions apart")
    },
};
