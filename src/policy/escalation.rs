//! Actions by which a principal can give itself more than it has.

use super::actions::{AccessLevel, Action};

/// How carefully an action is to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// No more than it says.
    None,
    /// It can reach further than it says: it changes who may do what with a resource, or runs code as another role. It is
    /// granted where it was used, and called out.
    Careful,
    /// With it, a principal can make itself an administrator. It is never granted unless somebody asks for it.
    Privileged,
}

impl Danger {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Careful => "careful",
            Self::Privileged => "privileged",
        }
    }
}

/// Services whose changes are changes of who may do what.
const GOVERNING: &[&str] =
    &["iam", "identitystore", "organizations", "ram", "rolesanywhere", "sso", "sso-directory"];

/// Actions that run code, or open a shell, with the permissions of something else. By hand: their access levels are plain
/// Write.
const RUNS_CODE: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateResource",
    "cloudformation:CreateStack",
    "cloudformation:CreateStackInstances",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:SetStackPolicy",
    "cloudformation:UpdateStack",
    "codebuild:StartBuild",
    "codebuild:UpdateProject",
    "cognito-identity:SetIdentityPoolRoles",
    "ec2-instance-connect:SendSSHPublicKey",
    "ec2:AssociateIamInstanceProfile",
    "ec2:ModifyInstanceAttribute",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "ec2:RunInstances",
    "ecs:ExecuteCommand",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:UpdateService",
    "eks:AssociateAccessPolicy",
    "eks:CreateAccessEntry",
    "eks:CreatePodIdentityAssociation",
    "glue:CreateDevEndpoint",
    "glue:CreateJob",
    "glue:UpdateDevEndpoint",
    "glue:UpdateJob",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "lambda:PublishLayerVersion",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "secretsmanager:PutResourcePolicy",
    "ssm:CreateAssociation",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "ssm:StartSession",
    "states:UpdateStateMachine",
];

/// The danger of an action on any resource.
pub fn danger(action: &Action) -> Danger {
    let changes = !matches!(action.level, AccessLevel::List | AccessLevel::Read);
    if GOVERNING.contains(&action.prefix) && changes
        || action.prefix == "sts" && action.name.starts_with("Assume")
    {
        return Danger::Privileged;
    }
    let spelled = action.to_string();
    if action.level == AccessLevel::Permissions || RUNS_CODE.contains(&spelled.as_str()) {
        return Danger::Careful;
    }
    Danger::None
}

#[cfg(test)]
mod tests {
    use super::super::actions::find_action;
    use super::*;

    #[test]
    fn what_is_dangerous() {
        let of = |spelled: &str| {
            let (prefix, name) = spelled.split_once(':').unwrap();
            let action = find_action(prefix, name).unwrap_or_else(|| panic!("{spelled} is no action"));
            assert_eq!(action.to_string(), spelled);
            danger(&action)
        };
        for spelled in RUNS_CODE {
            assert_ne!(of(spelled), Danger::None, "{spelled}");
        }
        for privileged in [
            "iam:PassRole",
            "iam:CreateAccessKey",
            "iam:TagRole",
            "sts:AssumeRole",
            "organizations:AttachPolicy",
        ] {
            assert_eq!(of(privileged), Danger::Privileged, "{privileged}");
        }
        for careful in ["s3:PutBucketPolicy", "kms:CreateGrant", "lambda:AddPermission"] {
            assert_eq!(of(careful), Danger::Careful, "{careful}");
        }
        for none in ["iam:ListUsers", "s3:PutObject", "sts:GetCallerIdentity", "organizations:ListAccounts"] {
            assert_eq!(of(none), Danger::None, "{none}");
        }
    }
}
