//! A static key in HCP Terraform: dynamic provider credentials.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// HCP Terraform dynamic credentials.
pub(super) const RULE: Rule = Rule {
    id: "hcp-terraform-oidc",
    title: "HCP Terraform dynamic credentials",
    kind: WorkloadKind::HcpTerraform,
    fits: always,
    advise: |case| {
        let trust = TrustPolicy::web_identity(
            case.account,
            "app.terraform.io",
            "aws.workload.identity",
            "organization:<ORGANIZATION>:project:<PROJECT>:workspace:<WORKSPACE>:run_phase:*",
            &[
                Need { name: "ORGANIZATION", ask: "Which HCP Terraform organization?" },
                Need { name: "PROJECT", ask: "Which project?" },
                Need { name: "WORKSPACE", ask: "Which workspace?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create the OIDC provider app.terraform.io in the account",
                "set TFC_AWS_PROVIDER_AUTH=true and TFC_AWS_RUN_ROLE_ARN in the workspace",
                "delete the key from workspace variables and variable sets",
            ],
        )
        .trusting(trust)
        .caveat("better than one role for both phases: a read-only one for run_phase:plan and another for run_phase:apply")
        .caveat("the audience aws.workload.identity is the documented default and was not verified here: compare it with the workspace")
    },
};
