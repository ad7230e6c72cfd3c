//! A static key in an EKS pod, where roles for service accounts are in use already.

use super::super::advice::{Advice, Case, Outcome, Rule};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};

/// An EKS cluster's issuer that roles of the account trust, which shows that the account works this way.
fn issuer<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.facts?.oidc_issuers.iter().find(|issuer| issuer.starts_with("oidc.eks.")).map(String::as_str)
}

/// IAM role for an EKS service account.
pub(super) const RULE: Rule = Rule {
    id: "eks-irsa",
    title: "IAM role for an EKS service account",
    kind: WorkloadKind::EksPod,
    fits: |case| issuer(case).is_some(),
    advise: |case| {
        let issuer = issuer(case).unwrap_or("<OIDC_ISSUER>");
        let trust = TrustPolicy::web_identity(
            case.account,
            issuer,
            "sts.amazonaws.com",
            "system:serviceaccount:<NAMESPACE>:<SERVICE_ACCOUNT>",
            &[
                Need { name: "NAMESPACE", ask: "Which Kubernetes namespace does it run in?" },
                Need { name: "SERVICE_ACCOUNT", ask: "Which service account does it run as?" },
            ],
        );
        Advice::new(
            Outcome::NewRole,
            &[
                "create the role and annotate the service account with its ARN",
                "remove the key from the Kubernetes secret and from the pod's environment",
                "restart the pods, and look for AssumeRoleWithWebIdentity by this service account",
            ],
        )
        .trusting(trust)
        .caveat(format!("other roles of this account already trust {issuer}; if the workload runs in another cluster, its issuer differs"))
    },
};
