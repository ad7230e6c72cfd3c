//! A static key in an EKS pod: EKS Pod Identity.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;
use crate::policy::{Need, TrustPolicy};
use serde_json::json;

/// EKS Pod Identity.
pub(super) const RULE: Rule = Rule {
    id: "eks-pod-identity",
    title: "EKS Pod Identity",
    kind: WorkloadKind::EksPod,
    fits: always,
    advise: |case| {
        // Session tags that Pod Identity adds
        // (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html).
        let trust = TrustPolicy::service_with(
            "pods.eks.amazonaws.com",
            &["sts:AssumeRole", "sts:TagSession"],
            &[
                ("StringEquals", "aws:RequestTag/eks-cluster-name", json!("<CLUSTER>")),
                ("StringEquals", "aws:RequestTag/kubernetes-namespace", json!("<NAMESPACE>")),
                ("StringEquals", "aws:RequestTag/kubernetes-service-account", json!("<SERVICE_ACCOUNT>")),
            ],
            &[
                Need { name: "CLUSTER", ask: "Which EKS cluster does it run in?" },
                Need { name: "NAMESPACE", ask: "Which Kubernetes namespace does it run in?" },
                Need { name: "SERVICE_ACCOUNT", ask: "Which service account does it run as?" },
            ],
        );
        let advice = Advice::new(
            Outcome::NewRole,
            &[
                "install the EKS Pod Identity agent add-on, if the cluster lacks it",
                "create the role and a pod identity association for the service account",
                "remove the key from the Kubernetes secret and from the pod's environment, and restart the pods",
            ],
        );
        let known = case.facts.is_some_and(|facts| facts.has_authorization_details);
        let caveat = if known {
            "pods on Fargate cannot use Pod Identity; they need a role for their service account (IRSA)"
        } else {
            "whether the account uses roles for service accounts (IRSA) is not known: authorization details were not among the inputs"
        };
        advice.trusting(trust).caveat(caveat)
    },
};
