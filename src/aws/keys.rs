//! IAM and STS for rotation and retirement. Whatever fails says whether it may have been done.

use super::s3::{AwsError, causes};
use super::session::{Account, Aws, HOME, client};
use crate::model::Secret;
use crate::ports::{CallError, CallErrorKind, Identity, KeyStatus, LastUse, Look, NewKey, Person, SeenKey};
use aws_sdk_iam::Client;
use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::{StatusType, Tag};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

/// IAM and STS of all accounts that a plan speaks of.
pub struct Keys<'a> {
    aws: &'a Aws,
    clients: Mutex<HashMap<String, Client>>,
}

/// A user, as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
}

/// What is known of a failed call: its code and message, or what kept it from being answered.
pub(super) fn call_error<E>(what: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    let kind = match error {
        SdkError::ConstructionFailure(_) => CallErrorKind::Refused,
        SdkError::ServiceError(_) if !code.is_empty() => kind_of(code, status),
        SdkError::DispatchFailure(failure) if failure.is_user() => CallErrorKind::Refused,
        _ if status == 429 => CallErrorKind::Throttled,
        _ => CallErrorKind::Unclear,
    };
    let text = match (error.message(), code) {
        (Some(message), code) if !code.is_empty() => format!("{code}: {message}"),
        (_, code) if !code.is_empty() => code.to_owned(),
        // An answer that cannot be understood may hold a secret: nothing of it is shown.
        _ => match error {
            SdkError::ResponseError(_) | SdkError::ServiceError(_) => {
                format!("an answer that cannot be understood (status {status})")
            }
            other => causes(other),
        },
    };
    CallError { kind, text: format!("{what}: {text}") }
}

fn kind_of(code: &str, status: u16) -> CallErrorKind {
    let any = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if any(&["Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown"]) {
        CallErrorKind::Throttled
    } else if any(&["AccessDenied", "UnauthorizedOperation"]) {
        CallErrorKind::Denied
    } else if any(&[
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    ]) {
        CallErrorKind::UnknownCredentials
    } else if status >= 500 {
        CallErrorKind::Unclear
    } else {
        CallErrorKind::Refused
    }
}

fn time(time: &aws_sdk_iam::primitives::DateTime) -> Timestamp {
    Timestamp::from_second(time.secs()).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl<'a> Keys<'a> {
    /// Of a connection.
    pub fn of(aws: &'a Aws) -> Self {
        Self { aws, clients: Mutex::default() }
    }

    fn client(&self, account: &str) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let account: Account = self.aws.account(account);
            client!(aws_sdk_iam, account, HOME)
        };
        clients.entry(account.to_owned()).or_insert_with(make).clone()
    }

    /// Every user of an account.
    ///
    /// # Errors
    /// Any failed call.
    pub fn users(&self, account: &str) -> Result<Vec<ListedUser>, CallError> {
        let client = self.client(account);
        self.aws.runtime.block_on(async {
            let mut users = client.list_users().into_paginator().items().send();
            let mut out = Vec::new();
            while let Some(user) = users.next().await {
                let user = user.map_err(|error| call_error("iam:ListUsers", &error))?;
                out.push(ListedUser { name: user.user_name().to_owned(), arn: user.arn().to_owned() });
            }
            Ok(out)
        })
    }

    /// Whose key that is, in an account that has it; `None` where AWS does not tell.
    ///
    /// # Errors
    /// Any failed call. A key of another account is refused as if for want of permission
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>).
    pub fn owner(&self, account: &str, key: &str) -> Result<Option<String>, CallError> {
        let call = self.client(account).get_access_key_last_used().access_key_id(key).send();
        let answer = self.aws.runtime.block_on(call);
        Ok(answer
            .map_err(|error| call_error("iam:GetAccessKeyLastUsed", &error))?
            .user_name()
            .map(str::to_owned))
    }

    /// What a user has left beside access keys, in words: what to look at before the user itself goes.
    pub fn leftovers(&self, account: &str, user: &str) -> Vec<String> {
        let client = self.client(account);
        let mut out = Vec::new();
        let mut add = |what: &str, found: Result<usize, CallError>| match found {
            Ok(0) => {}
            Ok(n) => out.push(format!("the user still has {what} ({n})")),
            Err(error) => out.push(format!("whether the user has {what} is not known: {}", error.text)),
        };
        self.aws.runtime.block_on(async {
            let keys = client.list_access_keys().user_name(user).send().await;
            add(
                "other access keys",
                keys.map(|a| a.access_key_metadata().len()).map_err(|e| call_error("iam:ListAccessKeys", &e)),
            );
            let password = client.get_login_profile().user_name(user).send().await;
            add(
                "a console password",
                match password {
                    Ok(_) => Ok(1),
                    Err(error) if error.code() == Some("NoSuchEntity") => Ok(0),
                    Err(error) => Err(call_error("iam:GetLoginProfile", &error)),
                },
            );
            let ssh = client.list_ssh_public_keys().user_name(user).send().await;
            add(
                "SSH keys",
                ssh.map(|a| a.ssh_public_keys().len()).map_err(|e| call_error("iam:ListSSHPublicKeys", &e)),
            );
            let service = client.list_service_specific_credentials().user_name(user).send().await;
            add(
                "service-specific credentials",
                service
                    .map(|a| a.service_specific_credentials().len())
                    .map_err(|e| call_error("iam:ListServiceSpecificCredentials", &e)),
            );
            let certificates = client.list_signing_certificates().user_name(user).send().await;
            add(
                "signing certificates",
                certificates
                    .map(|a| a.certificates().len())
                    .map_err(|e| call_error("iam:ListSigningCertificates", &e)),
            );
        });
        if out.is_empty() {
            out.push(
                "the user has no other credentials: look at its groups and policies, then it may go, too"
                    .to_owned(),
            );
        }
        out
    }

    /// AWS's time, as it last said.
    ///
    /// # Errors
    /// Where no answer had a date.
    pub fn time(&self) -> Result<Timestamp, AwsError> {
        let none = || AwsError::Failed("AWS's time".into(), "no answer had a date".into());
        self.aws.meter().server_time().ok_or_else(none)
    }
}

impl Identity for Keys<'_> {
    fn look(&self, account: &str, user: &str) -> Result<Look, CallError> {
        let client = self.client(account);
        self.aws.runtime.block_on(async {
            let mut keys = Some(Vec::new());
            let mut pages = client.list_access_keys().user_name(user).into_paginator().items().send();
            while let Some(found) = pages.next().await {
                match found {
                    Ok(found) => {
                        let (Some(id), Some(status), Some(created)) =
                            (found.access_key_id(), found.status(), found.create_date())
                        else {
                            let text =
                                format!("iam:ListAccessKeys: a key of {user} without id, status or date");
                            return Err(CallError { kind: CallErrorKind::Unclear, text });
                        };
                        let status = match status {
                            StatusType::Active => KeyStatus::Active,
                            StatusType::Inactive | StatusType::Expired => KeyStatus::Inactive,
                            other => {
                                let text = format!(
                                    "iam:ListAccessKeys: {id} is {:?}, which offkey does not know",
                                    other.as_str()
                                );
                                return Err(CallError { kind: CallErrorKind::Refused, text });
                            }
                        };
                        keys.get_or_insert_default().push(SeenKey {
                            id: id.to_owned(),
                            status,
                            created: time(created),
                        });
                    }
                    Err(error) if error.code() == Some("NoSuchEntity") => {
                        keys = None;
                        break;
                    }
                    Err(error) => return Err(call_error("iam:ListAccessKeys", &error)),
                }
            }
            let mut tags = Vec::new();
            if keys.is_some() {
                let mut pages = client.list_user_tags().user_name(user).into_paginator().items().send();
                while let Some(tag) = pages.next().await {
                    let tag = tag.map_err(|error| call_error("iam:ListUserTags", &error))?;
                    tags.push((tag.key().to_owned(), tag.value().to_owned()));
                }
            }
            let now = self.aws.meter().server_time().ok_or_else(|| CallError {
                kind: CallErrorKind::Unclear,
                text: "iam:ListAccessKeys: an answer without a date: what time it is at AWS is not known"
                    .into(),
            })?;
            Ok(Look { now, keys, tags })
        })
    }

    fn person(&self, account: &str, user: &str) -> Result<Person, CallError> {
        let client = self.client(account);
        self.aws.runtime.block_on(async {
            let answer = client.get_user().user_name(user).send().await;
            let answer = answer.map_err(|error| call_error("iam:GetUser", &error))?;
            let mut person = Person {
                arn: answer.user().map(|user| user.arn().to_owned()).unwrap_or_default(),
                ..Person::default()
            };
            let mut attached =
                client.list_attached_user_policies().user_name(user).into_paginator().items().send();
            while let Some(policy) = attached.next().await {
                let policy = policy.map_err(|error| call_error("iam:ListAttachedUserPolicies", &error))?;
                person.policies.extend(policy.policy_arn().map(str::to_owned));
            }
            let mut inline = client.list_user_policies().user_name(user).into_paginator().items().send();
            while let Some(name) = inline.next().await {
                person.inline.push(name.map_err(|error| call_error("iam:ListUserPolicies", &error))?);
            }
            let mut groups = client.list_groups_for_user().user_name(user).into_paginator().items().send();
            while let Some(group) = groups.next().await {
                let group = group.map_err(|error| call_error("iam:ListGroupsForUser", &error))?;
                let of = client.list_attached_group_policies().group_name(group.group_name());
                let mut attached = of.into_paginator().items().send();
                while let Some(policy) = attached.next().await {
                    let policy =
                        policy.map_err(|error| call_error("iam:ListAttachedGroupPolicies", &error))?;
                    person.policies.extend(policy.policy_arn().map(str::to_owned));
                }
            }
            Ok(person)
        })
    }

    fn last_use(&self, account: &str, key: &str) -> Result<Option<LastUse>, CallError> {
        let call = self.client(account).get_access_key_last_used().access_key_id(key).send();
        let answer = self.aws.runtime.block_on(call);
        let answer = answer.map_err(|error| call_error("iam:GetAccessKeyLastUsed", &error))?;
        let Some(used) = answer.access_key_last_used() else {
            let text = format!("iam:GetAccessKeyLastUsed: nothing is said of {key}");
            return Err(CallError { kind: CallErrorKind::Unclear, text });
        };
        let at = used.last_used_date().map(time);
        Ok(at.map(|at| LastUse { at, service: used.service_name().to_owned() }))
    }

    fn role_last_use(&self, account: &str, role: &str) -> Result<Option<Timestamp>, CallError> {
        // A role of another account is asked for there.
        let account = role.split(':').nth(4).filter(|id| !id.is_empty()).unwrap_or(account);
        let name = role.rsplit('/').next().unwrap_or(role);
        let answer = self.aws.runtime.block_on(self.client(account).get_role().role_name(name).send());
        let answer = answer.map_err(|error| call_error("iam:GetRole", &error))?;
        let used =
            answer.role().and_then(|role| role.role_last_used()).and_then(|used| used.last_used_date());
        Ok(used.map(time))
    }

    fn tag(&self, account: &str, user: &str, key: &str, value: &str) -> Result<(), CallError> {
        let tag = Tag::builder()
            .key(key)
            .value(value)
            .build()
            .map_err(|error| CallError { kind: CallErrorKind::Refused, text: error.to_string() })?;
        let call = self.client(account).tag_user().user_name(user).tags(tag).send();
        self.aws.runtime.block_on(call).map(drop).map_err(|error| call_error("iam:TagUser", &error))
    }

    fn untag(&self, account: &str, user: &str, key: &str) -> Result<(), CallError> {
        let call = self.client(account).untag_user().user_name(user).tag_keys(key).send();
        self.aws.runtime.block_on(call).map(drop).map_err(|error| call_error("iam:UntagUser", &error))
    }

    fn create(&self, account: &str, user: &str) -> Result<NewKey, CallError> {
        // A second request would make a second key, and the first one's secret would be lost.
        let once = aws_sdk_iam::config::Config::builder().retry_config(RetryConfig::disabled());
        let call =
            self.client(account).create_access_key().user_name(user).customize().config_override(once).send();
        let answer = self.aws.runtime.block_on(call);
        let answer = answer.map_err(|error| call_error("iam:CreateAccessKey", &error))?;
        // Moved out, not copied: what is left of the answer holds no secret.
        let key = answer.access_key.ok_or_else(|| CallError {
            kind: CallErrorKind::Unclear,
            text: "iam:CreateAccessKey: an answer without a key".into(),
        })?;
        let secret = Secret::new(key.secret_access_key);
        if key.access_key_id.is_empty() || secret.expose().is_empty() {
            let text = "iam:CreateAccessKey: an answer without a key".into();
            return Err(CallError { kind: CallErrorKind::Unclear, text });
        }
        Ok(NewKey { id: key.access_key_id, secret })
    }

    fn set_status(&self, account: &str, user: &str, key: &str, status: KeyStatus) -> Result<(), CallError> {
        let status = match status {
            KeyStatus::Active => StatusType::Active,
            KeyStatus::Inactive => StatusType::Inactive,
        };
        let call =
            self.client(account).update_access_key().user_name(user).access_key_id(key).status(status).send();
        self.aws.runtime.block_on(call).map(drop).map_err(|error| call_error("iam:UpdateAccessKey", &error))
    }

    fn delete(&self, account: &str, user: &str, key: &str) -> Result<(), CallError> {
        let call = self.client(account).delete_access_key().user_name(user).access_key_id(key).send();
        match self.aws.runtime.block_on(call) {
            Ok(_) => Ok(()),
            // An answer was lost, and the SDK asked again.
            Err(error) if error.code() == Some("NoSuchEntity") => Ok(()),
            Err(error) => Err(call_error("iam:DeleteAccessKey", &error)),
        }
    }

    fn whose(&self, key: &str, secret: &Secret) -> Result<String, CallError> {
        let credentials = Credentials::new(key, secret.expose(), None, None, "offkey-proof");
        let own = self.aws.own();
        let config = aws_sdk_sts::config::Builder::from(&own.config)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .interceptor(super::meter::Metered(own.meter.clone()))
            .identity_cache(aws_config::identity::IdentityCache::no_cache())
            .build();
        let call = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send();
        let answer = self.aws.runtime.block_on(call);
        let answer = answer.map_err(|error| call_error("sts:GetCallerIdentity with the new key", &error))?;
        Ok(answer.arn().unwrap_or_default().to_owned())
    }
}
