//! The replacement patterns, one file each. `docs/development.md` says how to add one.

mod azure;
mod bitbucket;
mod circleci;
mod codebuild;
mod ec2;
mod ecs_task;
mod eks_irsa;
mod eks_pod_identity;
mod github_actions;
mod gitlab_ci;
mod google_cloud;
mod hcp_terraform;
mod human;
mod jenkins;
mod lambda;
mod legacy_app;
mod on_premises;
mod role_assumer;
mod root_key;
mod ses_smtp;
mod ssm_hybrid_node;
mod third_party_saas;
mod unidentified;
mod url_signer;

use super::advice::Rule;
pub(crate) use root_key::root_key;
pub(crate) use unidentified::unidentified;

/// Every rule, in the order in which they are tried.
pub const ALL: &[Rule] = &[
    ec2::RULE,
    ecs_task::RULE,
    lambda::RULE,
    codebuild::RULE,
    eks_irsa::RULE,
    eks_pod_identity::RULE,
    github_actions::RULE,
    gitlab_ci::RULE,
    bitbucket::RULE,
    circleci::RULE,
    hcp_terraform::RULE,
    on_premises::RULE,
    jenkins::RULE,
    ssm_hybrid_node::RULE,
    third_party_saas::RULE,
    google_cloud::RULE,
    azure::RULE,
    human::RULE,
    role_assumer::RULE,
    ses_smtp::RULE,
    url_signer::RULE,
    legacy_app::RULE,
];
