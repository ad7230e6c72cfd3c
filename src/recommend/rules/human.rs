//! A static key in a person's hands: sign in instead.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;

/// IAM Identity Center or aws login.
pub(super) const RULE: Rule = Rule {
    id: "identity-center",
    title: "IAM Identity Center or aws login",
    kind: WorkloadKind::Human,
    fits: always,
    advise: |case| {
        let advice = Advice::new(
            Outcome::SignIn,
            &[
                "give the person a permission set in IAM Identity Center with what was observed",
                "let them run `aws configure sso`, or `aws login` (AWS CLI 2.32 and newer)",
                "remove the key from ~/.aws/credentials and from tools that keep their own copy",
            ],
        );
        let scheduled = !case.consumer.cadence.office_hours && case.consumer.cadence.active_days > 20;
        if scheduled {
            advice.caveat(
                "use does not keep to office hours: a script on the machine may depend on the key, too",
            )
        } else {
            advice
        }
    },
};
