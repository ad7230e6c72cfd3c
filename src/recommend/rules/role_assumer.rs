//! A key that does nothing but assume roles: another way into the same roles.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;

/// Enter the role without the key.
pub(super) const RULE: Rule = Rule {
    id: "assume-role-directly",
    title: "Enter the role without the key",
    kind: WorkloadKind::RoleAssumer,
    fits: always,
    advise: |case| {
        let roles: Vec<&str> = case.consumer.roles.iter().map(|role| &**role).collect();
        let mut advice = Advice::new(
            Outcome::ExistingRole,
            &[
                "give the consumer an identity of its own: instance profile, task role or OIDC, by where it runs",
                "let the roles' trust policies name that identity beside the user, then without the user",
            ],
        );
        if roles.is_empty() {
            advice = advice.caveat("which roles it assumes is not recorded: the calls were denied or their parameters are missing");
        } else {
            advice.steps.insert(0, format!("no new permissions are needed: it assumes {}", roles.join(", ")));
        }
        if case.consumer.session_paths.is_empty() {
            advice = advice
                .caveat("no use of those sessions was seen: logs of the roles' accounts may be missing");
        }
        advice
    },
};
