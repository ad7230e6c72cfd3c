//! The kinds of workload that hold access keys: the rows of the replacement table.

use std::fmt;

macro_rules! workload_kinds {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $title:literal;)*) => {
        /// What sort of program or person uses a key from one place. The ids are stable: they stand in
        /// reports, in the graph and in the demo's truth.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WorkloadKind { $($(#[$doc])* $name,)* }

        impl WorkloadKind {
            /// Every kind, in the order of the replacement table.
            pub const ALL: &'static [WorkloadKind] = &[$(Self::$name,)*];

            /// Stable id for machines.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Name for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

workload_kinds! {
    /// A program on an EC2 instance.
    Ec2 = "ec2", "EC2 instance";
    /// A container in an Amazon ECS task, on Fargate or on instances.
    EcsTask = "ecs-task", "ECS task";
    /// An AWS Lambda function that carries a static key in its environment.
    Lambda = "lambda", "Lambda function";
    /// An AWS CodeBuild project.
    CodeBuild = "codebuild", "CodeBuild project";
    /// A pod in an Amazon EKS cluster.
    EksPod = "eks-pod", "EKS pod";
    /// A GitHub Actions workflow.
    GithubActions = "github-actions", "GitHub Actions";
    /// A GitLab CI job.
    GitlabCi = "gitlab-ci", "GitLab CI";
    /// A Bitbucket pipeline.
    Bitbucket = "bitbucket-pipelines", "Bitbucket Pipelines";
    /// A CircleCI job.
    CircleCi = "circleci", "CircleCI";
    /// An HCP Terraform (formerly Terraform Cloud) workspace.
    HcpTerraform = "hcp-terraform", "HCP Terraform";
    /// A server outside any cloud.
    OnPremises = "on-premises", "On-premises server";
    /// A Jenkins controller or agent.
    Jenkins = "jenkins", "Jenkins";
    /// A server registered with AWS Systems Manager as a hybrid node.
    SsmHybridNode = "ssm-hybrid-node", "SSM hybrid node";
    /// Another company's product that was given the key.
    ThirdPartySaas = "third-party-saas", "Third-party SaaS";
    /// A workload in Google Cloud.
    GoogleCloud = "google-cloud", "Google Cloud";
    /// A workload in Microsoft Azure.
    Azure = "azure", "Azure";
    /// A person at a workstation.
    Human = "human", "Person at a workstation";
    /// Something that uses the key for nothing but assuming roles.
    RoleAssumer = "role-assumer", "Only assumes a role";
    /// A mailer that signs in to the Amazon SES SMTP endpoint; its sends are in no log.
    SesSmtp = "ses-smtp", "SES SMTP mailer";
    /// A program that signs S3 URLs for others to follow; the signing is in no log.
    UrlSigner = "url-signer", "Presigned-URL signer";
    /// A program that can take nothing but static keys, or whose SDK is too old for anything else.
    LegacyApp = "legacy-app", "Application that only takes static keys";
    /// The evidence does not tell.
    Unknown = "unknown", "Unknown";
}

impl WorkloadKind {
    /// The kind with that id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}
