//! Tries every permission with a request that changes nothing and brings next to nothing.

use super::live::{Problem, ProblemKind};
use super::needs::{Need, Part, Place, needs_of};
use super::s3::{AwsError, explain};
use super::session::{Account, Aws, HOME, client};
use std::sync::atomic::{AtomicBool, Ordering};

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It may be done.
    Allowed,
    /// AWS refused.
    Denied(String),
    /// It cannot be tried, and why.
    NotTried(String),
    /// AWS did not answer the question.
    Unclear(String),
}

/// One permission in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The permission.
    pub need: &'static Need,
    /// Account.
    pub account: String,
    /// What came.
    pub tried: Tried,
}

/// Something that exists in no account: being told so means that one was allowed to ask.
const NOBODY: &str = "offkey-doctor-asks-for-nobody";

/// What else says that the request was let through
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>: who may not ask is told so first).
const PASSED: [&str; 12] = [
    "NoSuchEntity",
    "ReportNotPresent",
    "ReportExpired",
    "ReportInProgress",
    "CredentialReport",
    "TrailNotFound",
    "NoSuchKey",
    "NoSuchBucketPolicy",
    "NotFoundException",
    "ResourceNotFoundException",
    "NonExistentQueue",
    "QueueDoesNotExist",
];

impl Aws {
    /// Tries the permissions of some parts in some accounts; the caller's own account also those of the organization.
    ///
    /// # Errors
    /// [`AwsError::Interrupted`] when `stop` was set.
    pub fn probe(
        &self,
        accounts: &[String],
        parts: &[Part],
        organization: bool,
        stop: &AtomicBool,
        told: &mut dyn FnMut(&Probe),
    ) -> Result<Vec<Probe>, AwsError> {
        let own = self.own();
        let mut probes = Vec::new();
        let mut add = |probe: Probe| {
            told(&probe);
            probes.push(probe);
        };
        for need in needs_of(parts).filter(|need| need.place == Place::Management) {
            if need.part == Part::Organization && !organization {
                continue;
            }
            // Taking roles is tried account by account.
            if need.action != "sts:AssumeRole" {
                let tried = self.runtime.block_on(try_one(&own, need.action, &Known::default()));
                add(Probe { need, account: own.id.clone(), tried });
            }
        }
        for id in accounts {
            if stop.load(Ordering::Relaxed) {
                return Err(AwsError::Interrupted);
            }
            let account = self.account(id);
            let taken = match self.runtime.block_on(account.check()) {
                Ok(()) => Tried::Allowed,
                Err(error) => judged("sts:AssumeRole", &error),
            };
            let reached = taken == Tried::Allowed;
            if *id != own.id
                && let Some(need) = needs_of(parts).find(|need| need.action == "sts:AssumeRole")
            {
                add(Probe { need, account: id.clone(), tried: taken });
            }
            let known = if reached { self.runtime.block_on(known(&account)) } else { Known::default() };
            for need in needs_of(parts).filter(|need| need.place != Place::Management) {
                let tried = match reached {
                    true => self.runtime.block_on(try_one(&account, need.action, &known)),
                    false => Tried::NotTried("the role in the account cannot be taken".to_owned()),
                };
                add(Probe { need, account: id.clone(), tried });
            }
        }
        Ok(probes)
    }
}

/// Things that requests can be tried on.
#[derive(Clone, Debug, Default)]
struct Known {
    key: Option<String>,
    /// Bucket and what keys of logs in it begin with.
    logs: Option<(String, String)>,
    secret: Option<String>,
    kms: Option<String>,
    topic: Option<String>,
    queue: Option<String>,
    bucket: Option<String>,
}

async fn known(account: &Account) -> Known {
    let mut known = Known::default();
    let iam = client!(aws_sdk_iam, account, HOME);
    if let Ok(page) = iam.list_users().max_items(20).send().await {
        for user in page.users() {
            let keys = iam.list_access_keys().user_name(user.user_name()).send().await.ok();
            known.key = keys.and_then(|k| Some(k.access_key_metadata().first()?.access_key_id()?.to_owned()));
            if known.key.is_some() {
                break;
            }
        }
    }
    let region = account.region();
    if let Ok(answer) = client!(aws_sdk_cloudtrail, account, region.clone()).describe_trails().send().await {
        known.logs = answer.trail_list().iter().find_map(|trail| {
            let prefix = trail.s3_key_prefix().map(|prefix| format!("{}/", prefix.trim_matches('/')));
            Some((trail.s3_bucket_name()?.to_owned(), format!("{}AWSLogs/", prefix.unwrap_or_default())))
        });
    }
    let s3 = client!(aws_sdk_s3, account, region.clone());
    if let Ok(answer) = s3.list_buckets().max_buckets(1).send().await {
        known.bucket = answer.buckets().first().and_then(|bucket| bucket.name()).map(str::to_owned);
    }
    if let Ok(answer) = client!(aws_sdk_kms, account, region.clone()).list_keys().limit(1).send().await {
        known.kms = answer.keys().first().and_then(|key| key.key_id()).map(str::to_owned);
    }
    if let Ok(answer) = client!(aws_sdk_sns, account, region.clone()).list_topics().send().await {
        known.topic = answer.topics().first().and_then(|topic| topic.topic_arn()).map(str::to_owned);
    }
    if let Ok(answer) =
        client!(aws_sdk_sqs, account, region.clone()).list_queues().max_results(1).send().await
    {
        known.queue = answer.queue_urls().first().cloned();
    }
    if let Ok(answer) =
        client!(aws_sdk_secretsmanager, account, region).list_secrets().max_results(1).send().await
    {
        known.secret = answer.secret_list().first().and_then(|secret| secret.arn()).map(str::to_owned);
    }
    known
}

/// Tries one request and tells only what became of it.
macro_rules! ask {
    ($call:expr) => {
        $call.send().await.map(|_| ()).map_err(|error| explain("", &error))
    };
}

/// The same on something that has to be there.
macro_rules! ask_of {
    ($what:expr, $missing:literal, |$name:ident| $call:expr) => {
        match &$what {
            Some($name) => ask!($call),
            None => return Tried::NotTried($missing.to_owned()),
        }
    };
}

async fn try_one(account: &Account, action: &'static str, known: &Known) -> Tried {
    let region = account.region();
    let iam = client!(aws_sdk_iam, account, HOME);
    let trails = client!(aws_sdk_cloudtrail, account, region.clone());
    let organization = client!(aws_sdk_organizations, account, HOME);
    let nobody_arn = format!("arn:aws:iam::{}:user/{NOBODY}", account.id);
    let trail = format!("arn:aws:cloudtrail:{region}:{}:trail/{NOBODY}", account.id);
    let job = "00000000-0000-4000-8000-000000000000";
    let result = match action {
        "organizations:ListAccounts" => ask!(organization.list_accounts().max_results(1)),
        "organizations:ListRoots" => ask!(organization.list_roots().max_results(1)),
        "organizations:ListOrganizationalUnitsForParent" | "organizations:ListAccountsForParent" => {
            return of_root(&organization, action).await;
        }
        "account:ListRegions" => {
            ask!(client!(aws_sdk_account, account, HOME).list_regions().max_results(1))
        }
        "iam:GetAccountAuthorizationDetails" => ask!(iam.get_account_authorization_details().max_items(1)),
        "iam:ListUsers" => ask!(iam.list_users().max_items(1)),
        "iam:GenerateCredentialReport" => ask!(iam.generate_credential_report()),
        "iam:GetCredentialReport" => ask!(iam.get_credential_report()),
        "iam:ListAccessKeys" => ask!(iam.list_access_keys().user_name(NOBODY)),
        "iam:GetAccessKeyLastUsed" => ask_of!(known.key, "no access key is known to ask about", |key| iam
            .get_access_key_last_used()
            .access_key_id(key)),
        "iam:ListServiceSpecificCredentials" => {
            ask!(iam.list_service_specific_credentials().user_name(NOBODY))
        }
        "iam:ListSSHPublicKeys" => ask!(iam.list_ssh_public_keys().user_name(NOBODY)),
        "iam:ListSigningCertificates" => ask!(iam.list_signing_certificates().user_name(NOBODY)),
        "iam:ListMFADevices" => ask!(iam.list_mfa_devices().user_name(NOBODY)),
        "iam:GetLoginProfile" => ask!(iam.get_login_profile().user_name(NOBODY)),
        "iam:ListOpenIDConnectProviders" => ask!(iam.list_open_id_connect_providers()),
        "iam:GenerateServiceLastAccessedDetails" => {
            ask!(iam.generate_service_last_accessed_details().arn(&nobody_arn))
        }
        "iam:GetServiceLastAccessedDetails" => ask!(iam.get_service_last_accessed_details().job_id(job)),
        "iam:SimulateCustomPolicy" => {
            let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
            ask!(iam.simulate_custom_policy().policy_input_list(policy).action_names("s3:ListAllMyBuckets"))
        }
        "cloudtrail:DescribeTrails" => ask!(trails.describe_trails()),
        "cloudtrail:GetTrailStatus" => ask!(trails.get_trail_status().name(&trail)),
        "cloudtrail:GetEventSelectors" => ask!(trails.get_event_selectors().trail_name(&trail)),
        "cloudtrail:LookupEvents" => ask!(trails.lookup_events().max_results(1)),
        "s3:ListBucket" | "s3:GetObject" => return of_logs(account, known, action).await,
        "kms:Decrypt" => {
            return Tried::NotTried("shows only when an encrypted log object is read".to_owned());
        }
        "cloudformation:ListResources" | "ec2:DescribeAddresses" => {
            let client = client!(aws_sdk_cloudcontrol, account, region);
            ask!(client.list_resources().type_name("AWS::EC2::EIP").max_results(1))
        }
        "rolesanywhere:ListTrustAnchors" => {
            let client = client!(aws_sdk_cloudcontrol, account, region);
            ask!(client.list_resources().type_name("AWS::RolesAnywhere::TrustAnchor").max_results(1))
        }
        "s3:ListAllMyBuckets" => ask!(client!(aws_sdk_s3, account, region).list_buckets().max_buckets(1)),
        "s3:GetBucketPolicy" => ask_of!(known.bucket, "no bucket is known to ask about", |bucket| client!(
            aws_sdk_s3, account, region
        )
        .get_bucket_policy()
        .bucket(bucket)),
        "kms:ListKeys" => ask!(client!(aws_sdk_kms, account, region).list_keys().limit(1)),
        "kms:GetKeyPolicy" => ask_of!(known.kms, "there is no KMS key to ask about", |key| client!(
            aws_sdk_kms,
            account,
            region
        )
        .get_key_policy()
        .key_id(key)),
        "kms:ListGrants" => ask_of!(known.kms, "there is no KMS key to ask about", |key| client!(
            aws_sdk_kms,
            account,
            region
        )
        .list_grants()
        .key_id(key)),
        "sqs:ListQueues" => ask!(client!(aws_sdk_sqs, account, region).list_queues().max_results(1)),
        "sqs:GetQueueAttributes" => ask_of!(known.queue, "there is no queue to ask about", |url| client!(
            aws_sdk_sqs,
            account,
            region
        )
        .get_queue_attributes()
        .queue_url(url)),
        "sns:ListTopics" => ask!(client!(aws_sdk_sns, account, region).list_topics()),
        "sns:GetTopicAttributes" => ask_of!(known.topic, "there is no topic to ask about", |arn| client!(
            aws_sdk_sns,
            account,
            region
        )
        .get_topic_attributes()
        .topic_arn(arn)),
        "secretsmanager:ListSecrets" => {
            ask!(client!(aws_sdk_secretsmanager, account, region).list_secrets().max_results(1))
        }
        "secretsmanager:GetResourcePolicy" => {
            ask_of!(known.secret, "there is no secret to ask about", |arn| client!(
                aws_sdk_secretsmanager,
                account,
                region
            )
            .get_resource_policy()
            .secret_id(arn))
        }
        _ => return Tried::NotTried("there is no request to try it with".to_owned()),
    };
    result.map_or_else(|error| judged(action, &error), |()| Tried::Allowed)
}

async fn of_root(client: &aws_sdk_organizations::Client, action: &str) -> Tried {
    let root = client.list_roots().max_results(1).send().await.ok();
    let root = root.and_then(|answer| answer.roots().first()?.id().map(str::to_owned));
    let Some(root) = root else { return Tried::NotTried("the organization's root is not known".to_owned()) };
    let result = match action {
        "organizations:ListAccountsForParent" => {
            ask!(client.list_accounts_for_parent().parent_id(root).max_results(1))
        }
        _ => ask!(client.list_organizational_units_for_parent().parent_id(root).max_results(1)),
    };
    result.map_or_else(|error| judged(action, &error), |()| Tried::Allowed)
}

/// Listing and reading logs; of one object its first byte.
async fn of_logs(account: &Account, known: &Known, action: &'static str) -> Tried {
    let Some((bucket, prefix)) = &known.logs else {
        return Tried::NotTried("no trail is known whose bucket could be asked".to_owned());
    };
    let client = client!(aws_sdk_s3, account, account.region());
    let listing = client.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await;
    let listing = match listing.map_err(|error| explain("", &error)) {
        Ok(listing) => listing,
        Err(error) if action == "s3:ListBucket" => return judged(action, &error),
        Err(_) => return Tried::NotTried("the bucket cannot be listed".to_owned()),
    };
    if action == "s3:ListBucket" {
        return Tried::Allowed;
    }
    let Some(key) = listing.contents().first().and_then(|object| object.key()) else {
        return Tried::NotTried("there is no log object yet".to_owned());
    };
    let result = ask!(client.get_object().bucket(bucket).key(key).range("bytes=0-0"));
    result.map_or_else(|error| judged(action, &error), |()| Tried::Allowed)
}

/// What an error says of the permission that was tried.
fn judged(action: &str, error: &AwsError) -> Tried {
    let text = error.to_string();
    let text = text.strip_prefix(": ").unwrap_or(&text).to_owned();
    if Problem::from_text(&text).kind == ProblemKind::Denied {
        // A request can need several permissions; AWS names the one that is missing.
        let named = text.split("perform: ").nth(1).and_then(|rest| rest.split_whitespace().next());
        return match named {
            Some(other) if other != action => Tried::NotTried(format!("{other} is denied")),
            _ => Tried::Denied(text),
        };
    }
    if PASSED.iter().any(|code| text.starts_with(code) || text.contains(&format!(" {code}"))) {
        return Tried::Allowed;
    }
    Tried::Unclear(text)
}
