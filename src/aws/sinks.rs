//! Secrets Manager and Parameter Store as places for new secrets.

use super::keys::call_error;
use super::session::{Account, Aws, client};
use crate::model::Secret;
use crate::ports::{CallError, CallErrorKind, SinkError, TextPlace};
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The staging label of the version that offkey wrote last. Readers ask for `AWSCURRENT`
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>).
const LABEL: &str = "offkey";
const CURRENT: &str = "AWSCURRENT";

/// What is written to see whether one may.
const PROBE: &str = r#"{"offkey":"probe"}"#;

/// A secret of Secrets Manager.
pub struct SecretPlace {
    runtime: Arc<Runtime>,
    client: aws_sdk_secretsmanager::Client,
    secret: String,
}

/// A SecureString of Parameter Store.
pub struct ParameterPlace {
    runtime: Arc<Runtime>,
    client: aws_sdk_ssm::Client,
    name: String,
}

impl Aws {
    /// A secret in an account; the region is the configuration's where none is given.
    pub fn secret_place(&self, account: &Account, secret: &str, region: Option<&str>) -> SecretPlace {
        let region = region.map_or_else(|| account.region(), str::to_owned);
        SecretPlace {
            runtime: self.runtime.clone(),
            client: client!(aws_sdk_secretsmanager, account, region),
            secret: secret.to_owned(),
        }
    }

    /// A parameter in an account; the region is the configuration's where none is given.
    pub fn parameter_place(&self, account: &Account, name: &str, region: Option<&str>) -> ParameterPlace {
        let region = region.map_or_else(|| account.region(), str::to_owned);
        ParameterPlace {
            runtime: self.runtime.clone(),
            client: client!(aws_sdk_ssm, account, region),
            name: name.to_owned(),
        }
    }
}

fn sink_error(error: CallError) -> SinkError {
    let passing = matches!(error.kind, CallErrorKind::Throttled | CallErrorKind::Unclear);
    SinkError { passing, text: error.text }
}

impl SecretPlace {
    fn what(&self, call: &str) -> String {
        format!("secretsmanager:{call} of {}", self.secret)
    }

    /// A version by its label: its id and its text.
    fn version(&self, label: &str) -> Result<Option<(String, Option<Secret>)>, SinkError> {
        let call = self.client.get_secret_value().secret_id(&self.secret).version_stage(label).send();
        match self.runtime.block_on(call) {
            Ok(answer) => {
                let id = answer.version_id.unwrap_or_default();
                Ok(Some((id, answer.secret_string.map(Secret::new))))
            }
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                // Either the secret, or that label of it.
                let message = error.message().unwrap_or_default();
                if message.contains("staging label")
                    || message.contains("VersionStage")
                    || message.contains("specified secret value")
                {
                    return Ok(None);
                }
                Err(sink_error(call_error(&self.what("GetSecretValue"), &error)))
            }
            Err(error) => Err(sink_error(call_error(&self.what("GetSecretValue"), &error))),
        }
    }

    fn put(&self, text: &str, token: &str) -> Result<(), SinkError> {
        let call = self
            .client
            .put_secret_value()
            .secret_id(&self.secret)
            .client_request_token(token)
            .secret_string(text)
            .version_stages(LABEL)
            .send();
        let answer = self.runtime.block_on(call);
        answer.map(drop).map_err(|error| sink_error(call_error(&self.what("PutSecretValue"), &error)))
    }
}

impl TextPlace for SecretPlace {
    fn current(&self) -> Result<Option<Secret>, SinkError> {
        match self.version(CURRENT)? {
            None => Ok(None),
            Some((_, Some(text))) => Ok(Some(text)),
            Some((_, None)) => Err(SinkError {
                passing: false,
                text: format!("{}: it is binary, and offkey knows texts only", self.name()),
            }),
        }
    }

    fn ours(&self) -> Result<Option<Secret>, SinkError> {
        Ok(self.version(LABEL)?.and_then(|(_, text)| text))
    }

    fn probe(&self) -> Result<(), SinkError> {
        // The same probe is the same version, however often it is put.
        let token: String = Sha256::digest(format!("probe {}", self.secret))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.put(PROBE, &token)
    }

    fn write(&self, text: &Secret, token: &str) -> Result<(), SinkError> {
        self.put(text.expose(), token)
    }

    fn publish(&self) -> Result<(), SinkError> {
        let Some((ours, _)) = self.version(LABEL)? else {
            return Err(SinkError {
                passing: false,
                text: format!("{}: what offkey wrote is gone", self.name()),
            });
        };
        let current = self.version(CURRENT)?.map(|(id, _)| id);
        if current.as_ref() == Some(&ours) {
            return Ok(());
        }
        let call = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.secret)
            .version_stage(CURRENT)
            .move_to_version_id(ours)
            .set_remove_from_version_id(current)
            .send();
        let answer = self.runtime.block_on(call);
        answer
            .map(drop)
            .map_err(|error| sink_error(call_error(&self.what("UpdateSecretVersionStage"), &error)))
    }

    fn name(&self) -> String {
        format!("secret {}", self.secret)
    }
}

impl ParameterPlace {
    fn what(&self, call: &str) -> String {
        format!("ssm:{call} of {}", self.name)
    }

    fn wrong(&self, text: &str) -> SinkError {
        SinkError { passing: false, text: format!("{}: {text}", self.name()) }
    }

    /// Writes a version. Its KMS key and tier have to be said each time, or they become the account's defaults
    /// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>).
    fn put(&self, text: &str) -> Result<(), SinkError> {
        let filter = ParameterStringFilter::builder().key("Name").values(&self.name).build();
        let filter = filter.map_err(|error| self.wrong(&error.to_string()))?;
        let call = self.client.describe_parameters().parameter_filters(filter).send();
        let known = self.runtime.block_on(call);
        let known =
            known.map_err(|error| sink_error(call_error(&self.what("DescribeParameters"), &error)))?;
        let known = known.parameters().first();
        if known.and_then(|known| known.r#type()).is_some_and(|kind| *kind != ParameterType::SecureString) {
            return Err(self.wrong("it is no SecureString"));
        }
        let call = self
            .client
            .put_parameter()
            .name(&self.name)
            .value(text)
            .r#type(ParameterType::SecureString)
            .overwrite(true)
            .set_key_id(known.and_then(|known| known.key_id()).map(str::to_owned))
            .set_tier(known.and_then(|known| known.tier()).cloned())
            .send();
        let answer = self.runtime.block_on(call);
        answer.map(drop).map_err(|error| sink_error(call_error(&self.what("PutParameter"), &error)))
    }
}

impl TextPlace for ParameterPlace {
    fn current(&self) -> Result<Option<Secret>, SinkError> {
        let call = self.client.get_parameter().name(&self.name).with_decryption(true).send();
        match self.runtime.block_on(call) {
            Ok(answer) => {
                let text = answer.parameter.and_then(|parameter| parameter.value).map(Secret::new);
                Ok(text.filter(|text| text.expose() != PROBE))
            }
            Err(error) if error.code() == Some("ParameterNotFound") => Ok(None),
            Err(error) => Err(sink_error(call_error(&self.what("GetParameter"), &error))),
        }
    }

    fn ours(&self) -> Result<Option<Secret>, SinkError> {
        self.current()
    }

    fn probe(&self) -> Result<(), SinkError> {
        // The same text again, as a new version: readers notice nothing.
        match self.current()? {
            Some(current) => self.put(current.expose()),
            None => self.put(PROBE),
        }
    }

    fn write(&self, text: &Secret, _: &str) -> Result<(), SinkError> {
        self.put(text.expose())
    }

    fn publish(&self) -> Result<(), SinkError> {
        // Whoever reads the parameter has it already.
        Ok(())
    }

    fn name(&self) -> String {
        format!("parameter {}", self.name)
    }
}
