//! An account's users, keys and policies, by the IAM API.

use super::documents::{access_key, authorization_details, credential, last_used, service, time};
use super::live::{Collected, Context, Happening, Problem};
use super::s3::{AwsError, explain};
use super::session::{HOME, client};
use aws_sdk_iam::Client;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::{AccessAdvisorUsageGranularityType, JobStatusType, ReportStateType};
use base64::Engine;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often jobs that AWS runs are asked whether they are done.
const ASKED: u32 = 60;

pub(super) async fn collect(context: &Arc<Context>) {
    let client = client!(aws_sdk_iam, context.account, HOME);
    let (mut whole, users, has_report) = whole_account(context, &client).await;
    let listed = match users {
        Some(users) => Some(users),
        // Names at least, if only those may be asked for.
        None => match list_users(&client).await {
            Ok(users) => Some(users),
            Err(error) => {
                whole.problems.push(Problem::of(&error));
                None
            }
        },
    };
    context.say(Happening::Came(whole)).await;
    let Some(users) = listed else { return };
    let names = users.iter().map(|user| user.name.clone()).collect();
    context.say(Happening::Users(context.account.id.clone(), names)).await;
    let mut tasks = JoinSet::new();
    for user in users {
        let part = format!("iam/users/{}", user.name);
        if context.has(&part) {
            continue;
        }
        let (context, client) = (context.clone(), client.clone());
        tasks.spawn(async move {
            let _slot = context.slots.clone().acquire_owned().await;
            let came = one_user(&context, &client, &user, &part, has_report).await;
            context.say(Happening::Came(came)).await;
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// A user's name, and its ARN, which has its path.
struct Named {
    name: String,
    arn: String,
}

/// What is asked once an account; users where all of them came; whether there is a credential report.
async fn whole_account(context: &Context, client: &Client) -> (Collected, Option<Vec<Named>>, bool) {
    let mut whole = Collected::new(&context.account.id, "iam/account");
    let mut users = Vec::new();
    let mut pages = client.get_account_authorization_details().into_paginator().send();
    let mut complete = true;
    while let Some(page) = pages.next().await {
        match page.map_err(|error| explain("iam:GetAccountAuthorizationDetails", &error)) {
            Ok(page) => {
                let named = |(name, arn): (&str, &str)| Named { name: name.to_owned(), arn: arn.to_owned() };
                users.extend(
                    page.user_detail_list().iter().filter_map(|u| u.user_name().zip(u.arn())).map(named),
                );
                whole.documents.push(("authorization-details", authorization_details(&page)));
            }
            Err(error) => {
                complete = false;
                whole.problems.push(Problem::of(&error));
                // Pages that came stay, as what they are: not all.
                if let Some((_, Value::Object(last))) = whole.documents.last_mut() {
                    last.insert("IsTruncated".to_owned(), Value::Bool(true));
                }
                break;
            }
        }
    }
    let report = credential_report(client, &mut whole).await;
    let has_report = report.is_ok();
    whole.take("credential-report", report);
    whole.take("user-credentials", service_credentials(client).await);
    whole.take("identity-providers", identity_providers(client).await);
    (whole, complete.then_some(users), has_report)
}

async fn list_users(client: &Client) -> Result<Vec<Named>, AwsError> {
    let mut users = client.list_users().into_paginator().items().send();
    let mut out = Vec::new();
    while let Some(user) = users.next().await {
        let user = user.map_err(|error| explain("iam:ListUsers", &error))?;
        out.push(Named { name: user.user_name().to_owned(), arn: user.arn().to_owned() });
    }
    Ok(out)
}

/// The credential report; AWS hands out the last one again for four hours
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>).
async fn credential_report(client: &Client, whole: &mut Collected) -> Result<Value, AwsError> {
    for attempt in 0..ASKED {
        match client.generate_credential_report().send().await {
            Ok(answer) if answer.state() == Some(&ReportStateType::Complete) => break,
            Ok(_) => wait(attempt).await,
            Err(error) => {
                // One that somebody else had made may be there all the same.
                whole.problems.push(Problem::of(&explain("iam:GenerateCredentialReport", &error)));
                break;
            }
        }
    }
    let answer = client.get_credential_report().send().await;
    let report = answer.map_err(|error| explain("iam:GetCredentialReport", &error))?;
    let content = report.content().map(|blob| blob.as_ref()).unwrap_or_default();
    Ok(json!({
        "Content": base64::engine::general_purpose::STANDARD.encode(content),
        "ReportFormat": "text/csv",
        "GeneratedTime": report.generated_time().map(time),
    }))
}

async fn service_credentials(client: &Client) -> Result<Value, AwsError> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let call = client.list_service_specific_credentials().all_users(true).set_marker(marker);
        let page = call.send().await.map_err(|e| explain("iam:ListServiceSpecificCredentials", &e))?;
        found.extend(page.service_specific_credentials().iter().map(|c| {
            credential(
                "service-specific",
                c.user_name(),
                c.service_specific_credential_id(),
                c.service_name(),
                c.status().as_str(),
                Some(c.create_date()),
            )
        }));
        marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
        if marker.is_none() {
            return Ok(json!({"UserCredentials": found}));
        }
    }
}

async fn identity_providers(client: &Client) -> Result<Value, AwsError> {
    let answer = client.list_open_id_connect_providers().send().await;
    let providers = answer.map_err(|error| explain("iam:ListOpenIDConnectProviders", &error))?;
    let arns = providers.open_id_connect_provider_list().iter().map(|p| json!({"Arn": p.arn()}));
    Ok(json!({"OpenIDConnectProviderList": arns.collect::<Vec<_>>()}))
}

/// A user's keys with their last use, its other credentials, and the services it reached.
async fn one_user(
    context: &Context,
    client: &Client,
    user: &Named,
    part: &str,
    has_report: bool,
) -> Collected {
    let name = user.name.as_str();
    let mut came = Collected::new(&context.account.id, part);
    let keys = access_keys(client, name).await;
    if keys.as_ref().is_err_and(|error| error.to_string().contains("NoSuchEntity")) {
        // Deleted since it was listed: there is nothing to know.
        return came;
    }
    let (ids, listed) = match &keys {
        Ok((ids, listed)) => (ids.clone(), Ok(listed.clone())),
        Err(error) => (Vec::new(), Err(error.clone())),
    };
    came.take("access-keys", listed);
    let (mut used, mut asked) = (Vec::new(), None);
    for id in &ids {
        asked = Some((context.now)());
        let answer = client.get_access_key_last_used().access_key_id(id).send().await;
        match answer.map_err(|error| explain(&format!("iam:GetAccessKeyLastUsed of {id}"), &error)) {
            Ok(answer) => used.extend(answer.access_key_last_used().map(|u| last_used(id, name, u))),
            Err(error) => came.problems.push(Problem::of(&error)),
        }
    }
    if !used.is_empty() {
        let document = json!({"AccessKeysLastUsed": used, "Account": context.account.id, "Observed": asked});
        came.documents.push(("access-keys-last-used", document));
    }
    // A user without keys has nothing that offkey would retire.
    if !ids.is_empty() || keys.is_err() {
        let mut others = Vec::new();
        other_credentials(client, name, has_report, &mut others, &mut came).await;
        let document = json!({"UserCredentials": others, "Account": context.account.id, "UserName": name});
        came.documents.push(("user-credentials", document));
        came.take("services-last-accessed", services(client, user).await);
    }
    came
}

async fn access_keys(client: &Client, name: &str) -> Result<(Vec<String>, Value), AwsError> {
    let mut keys = client.list_access_keys().user_name(name).into_paginator().items().send();
    let (mut ids, mut listed) = (Vec::new(), Vec::new());
    while let Some(key) = keys.next().await {
        let key = key.map_err(|error| explain(&format!("iam:ListAccessKeys of {name}"), &error))?;
        ids.extend(key.access_key_id().map(str::to_owned));
        listed.push(access_key(&key));
    }
    Ok((ids, json!({"AccessKeyMetadata": listed})))
}

/// SSH keys; and what the credential report says, where there is none: certificates, MFA devices, a password.
async fn other_credentials(
    client: &Client,
    name: &str,
    has_report: bool,
    out: &mut Vec<Value>,
    came: &mut Collected,
) {
    let mut keys = client.list_ssh_public_keys().user_name(name).into_paginator().items().send();
    while let Some(key) = keys.next().await {
        match key.map_err(|error| explain(&format!("iam:ListSSHPublicKeys of {name}"), &error)) {
            Ok(k) => out.push(credential(
                "ssh-key",
                name,
                k.ssh_public_key_id(),
                "",
                k.status().as_str(),
                Some(k.upload_date()),
            )),
            Err(error) => {
                came.problems.push(Problem::of(&error));
                break;
            }
        }
    }
    if has_report {
        return;
    }
    let mut certificates = client.list_signing_certificates().user_name(name).into_paginator().items().send();
    while let Some(found) = certificates.next().await {
        match found.map_err(|error| explain(&format!("iam:ListSigningCertificates of {name}"), &error)) {
            Ok(c) => out.push(credential(
                "certificate",
                name,
                c.certificate_id(),
                "",
                c.status().as_str(),
                c.upload_date(),
            )),
            Err(error) => {
                came.problems.push(Problem::of(&error));
                break;
            }
        }
    }
    let mut devices = client.list_mfa_devices().user_name(name).into_paginator().items().send();
    while let Some(found) = devices.next().await {
        match found.map_err(|error| explain(&format!("iam:ListMFADevices of {name}"), &error)) {
            Ok(device) => out.push(credential(
                "mfa-device",
                name,
                device.serial_number(),
                "",
                "Active",
                Some(device.enable_date()),
            )),
            Err(error) => {
                came.problems.push(Problem::of(&error));
                break;
            }
        }
    }
    match client.get_login_profile().user_name(name).send().await {
        Ok(answer) => {
            let since = answer.login_profile().map(|profile| profile.create_date());
            out.push(credential("password", name, "", "", "Active", since));
        }
        Err(error) if error.code() == Some("NoSuchEntity") => {}
        Err(error) => {
            came.problems.push(Problem::of(&explain(&format!("iam:GetLoginProfile of {name}"), &error)));
        }
    }
}

/// Services and actions that a user reached, in at least 400 days
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html>).
async fn services(client: &Client, user: &Named) -> Result<Value, AwsError> {
    let name = &user.name;
    let what = format!("iam:GenerateServiceLastAccessedDetails of {name}");
    let call = client.generate_service_last_accessed_details().arn(&user.arn);
    let call = call.granularity(AccessAdvisorUsageGranularityType::ActionLevel);
    let job = call.send().await.map_err(|error| explain(&what, &error))?;
    let what = format!("iam:GetServiceLastAccessedDetails of {name}");
    let (mut found, mut marker, mut asked) = (Vec::new(), None::<String>, 0);
    loop {
        let call = client.get_service_last_accessed_details().job_id(job.job_id().unwrap_or_default());
        let page = call.set_marker(marker.clone()).send().await.map_err(|error| explain(&what, &error))?;
        match page.job_status() {
            JobStatusType::InProgress if asked < ASKED => {
                wait(asked).await;
                asked += 1;
                continue;
            }
            JobStatusType::Completed => {}
            other => return Err(AwsError::Failed(what, format!("the job is {other}"))),
        }
        found.extend(page.services_last_accessed().iter().map(service));
        marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
        if marker.is_none() {
            return Ok(json!({"JobStatus": "COMPLETED", "ServicesLastAccessed": found}));
        }
    }
}

async fn wait(attempt: u32) {
    // Reports of small accounts take a second, those of large ones a minute.
    tokio::time::sleep(Duration::from_millis(if attempt < 3 { 200 } else { 2000 })).await;
}
