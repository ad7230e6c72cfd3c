//! The permissions of rotation and retirement. Everything else that offkey asks for only reads.

use super::needs::{Need, Part, Place, need};

const fn member(action: &'static str, part: Part, without: &'static str) -> Need {
    need(action, part, Place::Member, without)
}

/// Everything that `rotate` and `retire` may ask for.
pub(super) const CHANGES: &[Need] = &[
    member("iam:ListAccessKeys", Part::Keys, "nothing can be planned or done"),
    member(
        "iam:ListUserTags",
        Part::Keys,
        "nothing can be planned or done: another operator would not be seen",
    ),
    member("iam:GetAccessKeyLastUsed", Part::Keys, "no key can be deactivated: its silence cannot be proved"),
    member("iam:GetUser", Part::Keys, "nothing can be planned"),
    member("iam:ListUsers", Part::Keys, "keys cannot be chosen by filters"),
    member(
        "iam:ListAttachedUserPolicies",
        Part::Keys,
        "nothing can be planned: a quarantine would not be seen",
    ),
    member("iam:ListUserPolicies", Part::Keys, "nothing can be planned: a sender of mail would not be seen"),
    member("iam:ListGroupsForUser", Part::Keys, "nothing can be planned: a quarantine would not be seen"),
    member(
        "iam:ListAttachedGroupPolicies",
        Part::Keys,
        "nothing can be planned: a quarantine would not be seen",
    ),
    member("iam:TagUser", Part::Keys, "nothing can be done: another operator would not see it"),
    member("iam:UntagUser", Part::Keys, "users stay claimed"),
    member("iam:UpdateAccessKey", Part::Keys, "no key can be deactivated, or made active again"),
    member("iam:DeleteAccessKey", Part::Keys, "no key can be deleted"),
    member("iam:GetLoginProfile", Part::Keys, "what a user has left is not told"),
    member("iam:ListSSHPublicKeys", Part::Keys, "what a user has left is not told"),
    member("iam:ListServiceSpecificCredentials", Part::Keys, "what a user has left is not told"),
    member("iam:ListSigningCertificates", Part::Keys, "what a user has left is not told"),
    member("iam:CreateAccessKey", Part::NewKeys, "no key can be rotated"),
    member("iam:GetRole", Part::RoleUse, "that a role is used cannot be proved"),
    member("secretsmanager:GetSecretValue", Part::Sinks, "Secrets Manager cannot be a sink"),
    member("secretsmanager:PutSecretValue", Part::Sinks, "Secrets Manager cannot be a sink"),
    member("secretsmanager:UpdateSecretVersionStage", Part::Sinks, "Secrets Manager cannot be a sink"),
    member("ssm:GetParameter", Part::Sinks, "Parameter Store cannot be a sink"),
    member("ssm:PutParameter", Part::Sinks, "Parameter Store cannot be a sink"),
    member("ssm:DescribeParameters", Part::Sinks, "Parameter Store cannot be a sink"),
    member("kms:Decrypt", Part::Sinks, "sinks with keys of the customer's own cannot be read back"),
    member("kms:GenerateDataKey", Part::Sinks, "sinks with keys of the customer's own cannot be written"),
];
