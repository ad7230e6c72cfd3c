//! A static key on a server outside any cloud: IAM Roles Anywhere.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::TrustPolicy;

/// IAM Roles Anywhere.
pub(super) const RULE: Rule = Rule {
    id: "roles-anywhere",
    title: "IAM Roles Anywhere",
    kind: WorkloadKind::OnPremises,
    fits: always,
    advise: |case| {
        Advice::new(
            Outcome::NewRole,
            &[
                "register your certificate authority as a trust anchor, and create a profile with the role",
                "give the server a certificate and a credential_process with aws_signing_helper",
                "remove the key from its credentials file and environment",
            ],
        )
        .trusting(TrustPolicy::roles_anywhere(case.region(), case.account))
        .caveat("a server that cannot hold a certificate may become an SSM hybrid node instead")
    },
};
