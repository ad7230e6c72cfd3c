//! A static key in Jenkins: IAM Roles Anywhere, or the role of the machine that runs it.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::TrustPolicy;

/// IAM Roles Anywhere for Jenkins.
pub(super) const RULE: Rule = Rule {
    id: "jenkins-roles-anywhere",
    title: "IAM Roles Anywhere for Jenkins",
    kind: WorkloadKind::Jenkins,
    fits: always,
    advise: |case| {
        Advice::new(
            Outcome::NewRole,
            &[
                "register your certificate authority as a trust anchor, and create a profile with the role",
                "give controller or agents a certificate and a credential_process with aws_signing_helper",
                "delete the key from the Jenkins credentials store and from job definitions",
            ],
        )
        .trusting(TrustPolicy::roles_anywhere(case.region(), case.account))
        .caveat("where agents run on EC2, ECS or EKS, their own role is simpler; where jobs differ in rights, give each its own role")
    },
};
