//! A static key on an EC2 instance: an instance profile.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::attribution::{Confidence, Place};
use crate::model::WorkloadKind;
use crate::policy::TrustPolicy;

/// EC2 instance profile.
pub(super) const RULE: Rule = Rule {
    id: "ec2-instance-profile",
    title: "EC2 instance profile",
    kind: WorkloadKind::Ec2,
    fits: always,
    advise: |case| {
        // An instance profile's role is assumed by EC2 without a source ARN, so a condition on one locks it out
        // (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html).
        let advice = Advice::new(
            Outcome::NewRole,
            &[
                "create the role with its instance profile and attach it to the instances",
                "require IMDSv2 on them, with a hop limit of 2 where containers need it",
                "remove the key from environment, files and code: SDKs look there before instance metadata",
            ],
        );
        let advice = advice.trusting(TrustPolicy::service("ec2.amazonaws.com", &[], &[]));
        if case.consumer.places.iter().any(|place| matches!(place, Place::VpcEndpoint(_))) {
            advice.caveat("calls come through a VPC endpoint, which tells the network only: make sure that it is an instance and no container or function")
        } else if case.consumer.confidence == Confidence::Low {
            advice.caveat("only its address says so, and anybody can rent addresses of AWS: make sure that it is an instance or elastic IP of yours, and no vendor's")
        } else {
            advice
        }
    },
};
