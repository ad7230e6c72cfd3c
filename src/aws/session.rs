//! Who speaks to AWS: the configuration's own credentials, and roles in other accounts, each confined to reading.

use super::meter::{Meter, Metered};
use super::needs::{session_policy, session_policy_to_change};
use super::s3::{ANSWER, AwsError, S3, configured, explain};
use aws_config::identity::IdentityCache;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::config::Credentials;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;

/// How AWS is spoken to, where it is not what the configuration says.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Profile of the AWS configuration.
    pub profile: Option<String>,
    /// Region of the first requests.
    pub region: Option<String>,
    /// Name of the role to take in other accounts, with its path.
    pub role_name: Option<String>,
    /// What those roles' trust policies ask for.
    pub external_id: Option<String>,
    /// Serial number or ARN of an MFA device, and its current code.
    pub mfa: Option<(String, String)>,
    /// Whether roles in other accounts may change what a rotation changes; otherwise they only read.
    pub changes: bool,
    /// How long an answer is waited for, where not for a minute.
    pub answer_within: Option<Duration>,
}

/// Who the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Account id.
    pub account: String,
    /// ARN of the user, role session or root.
    pub arn: String,
}

/// A connection to AWS.
pub struct Aws {
    pub(super) runtime: Arc<Runtime>,
    pub(super) meter: Arc<Meter>,
    config: SdkConfig,
    access: Access,
    caller: Caller,
    /// Accounts whose roles were taken, so that each is taken once.
    roles: Mutex<HashMap<String, Account>>,
}

/// One account, as one may speak to it.
#[derive(Clone)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    pub(super) config: SdkConfig,
    pub(super) meter: Arc<Meter>,
}

/// A client of a service in a region, by its module's name.
macro_rules! client {
    ($sdk:ident, $account:expr, $region:expr) => {
        $sdk::Client::from_conf(
            $sdk::config::Builder::from(&$account.config)
                .region(aws_config::Region::new(String::from($region)))
                .interceptor($crate::aws::meter::Metered($account.meter.clone()))
                .build(),
        )
    };
}
pub(super) use client;

/// Where services without regions are asked
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html> names the partitions' home regions).
pub(super) const HOME: &str = "us-east-1";

impl Aws {
    /// Loads the configuration and asks who the caller is.
    ///
    /// # Errors
    /// [`AwsError::Authentication`] without credentials that AWS accepts; [`AwsError::Failed`] for anything else.
    pub fn connect(access: &Access, meter: Arc<Meter>) -> Result<Self, AwsError> {
        let (runtime, mut config) = configured(
            access.profile.as_deref(),
            access.region.as_deref(),
            access.answer_within.unwrap_or(ANSWER),
        )?;
        if config.region().is_none() {
            config = config.into_builder().region(Region::new(HOME)).build();
        }
        if let Some((serial, code)) = &access.mfa {
            let provider = runtime.block_on(with_mfa(&sts(&config, &meter), serial, code)).map_err(
                |error| match error {
                    AwsError::Failed(what, text) => AwsError::Authentication(what, text),
                    other => other,
                },
            )?;
            config = config.into_builder().credentials_provider(provider).build();
        }
        let answer = runtime.block_on(sts(&config, &meter).get_caller_identity().send());
        let identity = answer.map_err(|error| explain("sts:GetCallerIdentity", &error))?;
        let caller = Caller {
            account: identity.account().unwrap_or_default().to_owned(),
            arn: identity.arn().unwrap_or_default().to_owned(),
        };
        Ok(Self {
            runtime: Arc::new(runtime),
            meter,
            config,
            access: access.clone(),
            caller,
            roles: Mutex::default(),
        })
    }

    /// Who the credentials belong to.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller's own account.
    pub fn own(&self) -> Account {
        Account { id: self.caller.account.clone(), config: self.config.clone(), meter: self.meter.clone() }
    }

    /// An account: the caller's own with its own credentials, any other by its role.
    pub fn account(&self, id: &str) -> Account {
        match (&self.access.role_name, id == self.caller.account) {
            (Some(role), false) => {
                let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
                roles.entry(id.to_owned()).or_insert_with(|| self.by_role(id, role)).clone()
            }
            _ => Account { id: id.to_owned(), ..self.own() },
        }
    }

    /// S3 as an account sees it.
    pub fn s3(&self, account: &Account, requester_pays: bool) -> S3 {
        S3::of(self.runtime.clone(), account.config.clone(), requester_pays, self.meter.clone())
    }

    /// Key id of the credentials that sign requests.
    pub fn signing_key(&self) -> Option<String> {
        let provider = self.config.credentials_provider()?;
        let credentials = self.runtime.block_on(provider.provide_credentials()).ok()?;
        Some(credentials.access_key_id().to_owned())
    }

    /// Everything that was asked so far.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    fn by_role(&self, id: &str, role: &str) -> Account {
        // The partition is the caller's.
        let partition = self.caller.arn.split(':').nth(1).unwrap_or("aws");
        let provider = Role {
            client: sts(&self.config, &self.meter),
            arn: format!("arn:{partition}:iam::{id}:role/{}", role.trim_start_matches('/')),
            external_id: self.access.external_id.clone(),
            policy: if self.access.changes { session_policy_to_change() } else { session_policy() },
        };
        let provider = SharedCredentialsProvider::new(provider);
        // One cache for all of the account's clients.
        let cache = IdentityCache::lazy().build();
        let config =
            self.config.clone().into_builder().credentials_provider(provider).identity_cache(cache).build();
        Account { id: id.to_owned(), config, meter: self.meter.clone() }
    }
}

impl Account {
    /// Whether the account's credentials can be had.
    pub(super) async fn check(&self) -> Result<(), AwsError> {
        let client = client!(aws_sdk_sts, self, self.region());
        let asked = client.get_caller_identity().send().await;
        let what = format!("taking the role in account {}", self.id);
        asked.map(|_| ()).map_err(|error| explain(&what, &error))
    }

    /// The configuration's region.
    pub(super) fn region(&self) -> String {
        self.config.region().map_or_else(|| HOME.to_owned(), Region::to_string)
    }
}

fn sts(config: &SdkConfig, meter: &Arc<Meter>) -> aws_sdk_sts::Client {
    let builder = aws_sdk_sts::config::Builder::from(config).interceptor(Metered(meter.clone()));
    aws_sdk_sts::Client::from_conf(builder.build())
}

/// A session that has shown its MFA device
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
async fn with_mfa(
    client: &aws_sdk_sts::Client,
    serial: &str,
    code: &str,
) -> Result<SharedCredentialsProvider, AwsError> {
    let call = client.get_session_token().serial_number(serial).token_code(code);
    let answer = call.send().await.map_err(|error| explain("sts:GetSessionToken", &error))?;
    let credentials = answer.credentials().map(of_sts);
    credentials.map(SharedCredentialsProvider::new).ok_or_else(|| {
        AwsError::Failed("sts:GetSessionToken".to_owned(), "an answer without credentials".to_owned())
    })
}

fn of_sts(credentials: &aws_sdk_sts::types::Credentials) -> Credentials {
    let expires = SystemTime::try_from(*credentials.expiration()).ok();
    Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        Some(credentials.session_token().to_owned()),
        expires,
        "offkey",
    )
}

/// A role in another account, taken anew whenever its session runs out. The session policy lets it read what offkey
/// reads, whatever the role itself may do
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>).
#[derive(Debug)]
struct Role {
    client: aws_sdk_sts::Client,
    arn: String,
    external_id: Option<String>,
    policy: String,
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async move {
            let call = self.client.assume_role().role_arn(&self.arn).role_session_name("offkey-collect");
            let call = call.policy(&self.policy).set_external_id(self.external_id.clone());
            let answer = call.send().await.map_err(|error| {
                CredentialsError::provider_error(explain(&format!("taking {}", self.arn), &error))
            })?;
            answer
                .credentials()
                .map(of_sts)
                .ok_or_else(|| CredentialsError::unhandled("an answer without credentials"))
        })
    }
}
