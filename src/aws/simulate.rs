//! Asks IAM itself what policies would allow: `iam:SimulateCustomPolicy`, which changes nothing
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>).

use super::s3::{ANSWER, AwsError, configured, explain};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use tokio::runtime::Runtime;

/// One request that a policy may allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// `service:Action`.
    pub action: String,
    /// ARN, or `*`.
    pub resource: String,
    /// Condition keys and their values.
    pub context: Vec<(String, String)>,
}

/// What IAM says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Allowed.
    Allowed,
    /// Denied by a statement.
    Denied,
    /// Allowed by no statement.
    NotAllowed,
}

/// A connection to IAM.
pub struct Iam {
    runtime: Runtime,
    client: Client,
}

impl Iam {
    /// Loads the configuration; nothing is asked of IAM yet.
    ///
    /// # Errors
    /// [`AwsError::Failed`] where the machine has no threads left.
    pub fn connect(profile: Option<&str>) -> Result<Self, AwsError> {
        let (runtime, config) = configured(profile, None, ANSWER)?;
        let mut builder = aws_sdk_iam::config::Builder::from(&config);
        // IAM has one endpoint a partition; without a region the commercial one is meant.
        if config.region().is_none() {
            builder = builder.region(aws_config::Region::new("us-east-1"));
        }
        Ok(Self { runtime, client: Client::from_conf(builder.build()) })
    }

    /// Asks whether policies allow a request.
    ///
    /// # Errors
    /// [`AwsError`] where IAM cannot be asked, or does not answer the question.
    pub fn ask(&self, policies: &[String], question: &Question) -> Result<Answer, AwsError> {
        let what = format!("iam:SimulateCustomPolicy for {}", question.action);
        let context = question.context.iter().map(|(key, value)| {
            let entry = ContextEntry::builder().context_key_name(key).context_key_values(value);
            entry.context_key_type(ContextKeyTypeEnum::String).build()
        });
        let call = self
            .client
            .simulate_custom_policy()
            .set_policy_input_list(Some(policies.to_vec()))
            .action_names(&question.action)
            .resource_arns(&question.resource)
            .set_context_entries(Some(context.collect()));
        let output = self.runtime.block_on(call.send()).map_err(|error| explain(&what, &error))?;
        match output.evaluation_results().first().map(|result| result.eval_decision()) {
            Some(PolicyEvaluationDecisionType::Allowed) => Ok(Answer::Allowed),
            Some(PolicyEvaluationDecisionType::ExplicitDeny) => Ok(Answer::Denied),
            Some(PolicyEvaluationDecisionType::ImplicitDeny) => Ok(Answer::NotAllowed),
            other => Err(AwsError::Failed(what, format!("an answer that is none: {other:?}"))),
        }
    }
}
