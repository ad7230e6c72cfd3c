//! A static key in a Lambda function: the execution role it already has.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::TrustPolicy;

/// Lambda execution role.
pub(super) const RULE: Rule = Rule {
    id: "lambda-execution-role",
    title: "Lambda execution role",
    kind: WorkloadKind::Lambda,
    fits: always,
    advise: |case| {
        let caveat = match case.facts.map(|facts| facts.roles) {
            Some(roles) if roles > 0 => {
                "every function has an execution role already: add the permissions to it rather than to a second one"
            }
            _ => "every function has an execution role already, which was not among the inputs",
        };
        Advice::new(
            Outcome::NewRole,
            &[
                "find the function: the user agent names its runtime, and its address is AWS's",
                "add the observed permissions to its execution role",
                "remove the key from its environment variables and code",
            ],
        )
        .trusting(TrustPolicy::service("lambda.amazonaws.com", &[], &[]))
        .caveat(caveat)
    },
};
