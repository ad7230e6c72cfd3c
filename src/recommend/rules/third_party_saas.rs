//! A static key given to another company: a role with an external id.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// Cross-account role with external id.
pub(super) const RULE: Rule = Rule {
    id: "saas-external-id",
    title: "Cross-account role with external id",
    kind: WorkloadKind::ThirdPartySaas,
    fits: always,
    advise: |_| {
        let trust = TrustPolicy::external(
            "arn:aws:iam::<VENDOR_ACCOUNT_ID>:root",
            "<EXTERNAL_ID>",
            &[
                Need {
                    name: "VENDOR_ACCOUNT_ID",
                    ask: "Which AWS account, or better which role, does the vendor call from?",
                },
                Need {
                    name: "EXTERNAL_ID",
                    ask: "Which external id did the vendor generate for you? It must be unique to you.",
                },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "ask the vendor for role-based access: account or role, and an external id",
                "create the role, enter its ARN at the vendor, and see that the integration works",
                "have the vendor delete the key",
            ],
        )
        .trusting(trust)
        .caveat("a vendor that only takes keys is a reason to rotate, and to ask again")
    },
};
