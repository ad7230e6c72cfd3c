//! What surrounds an account's keys: regions, own addresses, trust anchors, and policies of resources.

use super::live::{Collected, Context, Happening, Problem};
use super::s3::{AwsError, explain};
use super::session::{HOME, client};
use aws_sdk_account::types::RegionOptStatus;
use serde_json::{Value, json};
use std::sync::Arc;

/// Regions that are enabled in every account by default
/// (<https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>).
const DEFAULT: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "sa-east-1",
];

/// The account's enabled regions, or those that are enabled everywhere where AWS does not tell.
pub(super) async fn regions(context: &Context) -> Vec<String> {
    let client = client!(aws_sdk_account, context.account, HOME);
    let call = client.list_regions().region_opt_status_contains(RegionOptStatus::Enabled);
    let call = call.region_opt_status_contains(RegionOptStatus::EnabledByDefault);
    let mut found = Vec::new();
    let mut listing = call.into_paginator().items().send();
    let mut came = Collected::new(&context.account.id, "regions");
    while let Some(region) = listing.next().await {
        match region.map_err(|error| explain("account:ListRegions", &error)) {
            Ok(region) => found.extend(region.region_name().map(str::to_owned)),
            Err(error) => {
                came.problems.push(Problem::of(&error));
                break;
            }
        }
    }
    let told = came.problems.is_empty() && !found.is_empty();
    if told {
        let document = json!({"EnabledRegions": found, "Account": context.account.id});
        came.documents.push(("regions", document));
    } else {
        found = DEFAULT.iter().map(|region| (*region).to_owned()).collect();
    }
    let wanted = &context.plan.regions;
    let whole = told && (wanted.is_empty() || found.iter().all(|region| wanted.contains(region)));
    found.retain(|region| wanted.is_empty() || wanted.contains(region));
    context.say(Happening::Came(came)).await;
    context.say(Happening::Regions(context.account.id.clone(), found.clone(), whole)).await;
    found
}

pub(super) async fn collect(context: &Arc<Context>, regions: &[String]) {
    for region in regions {
        let _slot = context.slots.acquire().await;
        let part = format!("networks/{region}");
        if !context.has(&part) {
            let mut came = Collected::new(&context.account.id, &part);
            let found = resources(context, region, "AWS::EC2::EIP").await;
            keep(&mut came, "elastic-addresses", "Addresses", found);
            let anchors = resources(context, region, "AWS::RolesAnywhere::TrustAnchor").await;
            keep(&mut came, "trust-anchors", "TrustAnchors", anchors);
            context.say(Happening::Came(came)).await;
        }
        let part = format!("policies/{region}");
        if context.plan.resource_policies && !context.has(&part) {
            let came = regional_policies(context, region, &part).await;
            context.say(Happening::Came(came)).await;
        }
    }
    if context.plan.resource_policies && !context.has("policies/s3") {
        let came = bucket_policies(context).await;
        context.say(Happening::Came(came)).await;
    }
}

/// Keeps a list that is not empty.
fn keep(came: &mut Collected, kind: &'static str, name: &str, found: Result<Vec<Value>, AwsError>) {
    match found {
        Ok(list) if list.is_empty() => {}
        found => came.take(kind, found.map(|list| json!({name: list}))),
    }
}

/// Properties of all resources of a type, by Cloud Control
/// (<https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ListResources.html>). The SDK of EC2 takes longer
/// to build than all of offkey.
async fn resources(context: &Context, region: &str, kind: &str) -> Result<Vec<Value>, AwsError> {
    let client = client!(aws_sdk_cloudcontrol, context.account, region);
    let what = format!("cloudformation:ListResources of {kind} in {region}");
    let mut pages = client.list_resources().type_name(kind).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| explain(&what, &error))?;
        let described = page.resource_descriptions().iter().filter_map(|resource| resource.properties());
        found.extend(described.filter_map(|text| serde_json::from_str::<Value>(text).ok()));
    }
    Ok(found)
}

/// Whether an error only says that there is no policy.
fn is_none(error: &AwsError) -> bool {
    let none = ["NoSuchBucketPolicy", "NotFoundException", "ResourceNotFoundException"];
    matches!(error, AwsError::Failed(_, text) if none.iter().any(|code| text.contains(code)))
}

const POLICIES: &str = "resource-policies";

fn keep_policy(came: &mut Collected, answer: Result<Option<Value>, AwsError>) {
    match answer {
        Ok(Some(content)) => came.documents.push((POLICIES, content)),
        Ok(None) => {}
        Err(error) if is_none(&error) => {}
        Err(error) => came.problems.push(Problem::of(&error)),
    }
}

async fn bucket_policies(context: &Context) -> Collected {
    let mut came = Collected::new(&context.account.id, "policies/s3");
    let home = client!(aws_sdk_s3, context.account, context.account.region());
    let mut buckets = home.list_buckets().into_paginator().items().send();
    while let Some(bucket) = buckets.next().await {
        let bucket = match bucket.map_err(|error| explain("s3:ListAllMyBuckets", &error)) {
            Ok(bucket) => bucket,
            Err(error) => {
                came.problems.push(Problem::of(&error));
                break;
            }
        };
        let Some(name) = bucket.name() else { continue };
        let what = format!("s3:GetBucketPolicy of {name}");
        let client = match bucket.bucket_region() {
            Some(region) => client!(aws_sdk_s3, context.account, region),
            None => home.clone(),
        };
        let answer = client.get_bucket_policy().bucket(name).send().await;
        let answer = answer.map_err(|error| explain(&what, &error));
        keep_policy(&mut came, answer.map(|answer| answer.policy().map(|policy| json!({"Policy": policy}))));
    }
    came
}

async fn regional_policies(context: &Context, region: &str, part: &str) -> Collected {
    let mut came = Collected::new(&context.account.id, part);
    keys(context, region, &mut came).await;
    queues(context, region, &mut came).await;
    topics(context, region, &mut came).await;
    secrets(context, region, &mut came).await;
    came
}

async fn keys(context: &Context, region: &str, came: &mut Collected) {
    let client = client!(aws_sdk_kms, context.account, region);
    let mut keys = client.list_keys().into_paginator().items().send();
    while let Some(key) = keys.next().await {
        let key = match key.map_err(|error| explain(&format!("kms:ListKeys in {region}"), &error)) {
            Ok(key) => key,
            Err(error) => return came.problems.push(Problem::of(&error)),
        };
        let Some(id) = key.key_id() else { continue };
        let answer = client.get_key_policy().key_id(id).policy_name("default").send().await;
        let answer = answer.map_err(|error| explain(&format!("kms:GetKeyPolicy of {id}"), &error));
        let arn = key.key_arn();
        keep_policy(came, answer.map(|a| a.policy().map(|policy| json!({"Policy": policy, "ARN": arn}))));
        let mut grants = client.list_grants().key_id(id).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(grant) = grants.next().await {
            match grant.map_err(|error| explain(&format!("kms:ListGrants of {id}"), &error)) {
                Ok(grant) => found.push(json!({
                    "KeyId": arn,
                    "GrantId": grant.grant_id(),
                    "GranteePrincipal": grant.grantee_principal(),
                    "RetiringPrincipal": grant.retiring_principal(),
                })),
                Err(error) => {
                    came.problems.push(Problem::of(&error));
                    break;
                }
            }
        }
        if !found.is_empty() {
            came.documents.push((POLICIES, json!({"Grants": found})));
        }
    }
}

async fn queues(context: &Context, region: &str, came: &mut Collected) {
    use aws_sdk_sqs::types::QueueAttributeName::{Policy, QueueArn};
    let client = client!(aws_sdk_sqs, context.account, region);
    // Pages come only where a size is asked for.
    let mut queues = client.list_queues().max_results(1000).into_paginator().items().send();
    while let Some(url) = queues.next().await {
        let url = match url.map_err(|error| explain(&format!("sqs:ListQueues in {region}"), &error)) {
            Ok(url) => url,
            Err(error) => return came.problems.push(Problem::of(&error)),
        };
        let call = client.get_queue_attributes().queue_url(&url);
        let answer = call.attribute_names(Policy).attribute_names(QueueArn).send().await;
        let answer = answer.map_err(|error| explain(&format!("sqs:GetQueueAttributes of {url}"), &error));
        let policy = answer.map(|answer| {
            let attributes = answer.attributes()?;
            let policy = attributes.get(&Policy)?;
            Some(json!({"Attributes": {"Policy": policy, "QueueArn": attributes.get(&QueueArn)}}))
        });
        keep_policy(came, policy);
    }
}

async fn topics(context: &Context, region: &str, came: &mut Collected) {
    let client = client!(aws_sdk_sns, context.account, region);
    let mut topics = client.list_topics().into_paginator().items().send();
    while let Some(topic) = topics.next().await {
        let topic = match topic.map_err(|error| explain(&format!("sns:ListTopics in {region}"), &error)) {
            Ok(topic) => topic,
            Err(error) => return came.problems.push(Problem::of(&error)),
        };
        let Some(arn) = topic.topic_arn() else { continue };
        let answer = client.get_topic_attributes().topic_arn(arn).send().await;
        let answer = answer.map_err(|error| explain(&format!("sns:GetTopicAttributes of {arn}"), &error));
        let policy = answer.map(|answer| {
            let policy = answer.attributes()?.get("Policy")?;
            Some(json!({"Attributes": {"Policy": policy, "TopicArn": arn}}))
        });
        keep_policy(came, policy);
    }
}

async fn secrets(context: &Context, region: &str, came: &mut Collected) {
    let client = client!(aws_sdk_secretsmanager, context.account, region);
    let mut pages = client.list_secrets().into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        match page.map_err(|error| explain(&format!("secretsmanager:ListSecrets in {region}"), &error)) {
            Ok(page) => arns.extend(page.secret_list().iter().filter_map(|s| s.arn().map(str::to_owned))),
            Err(error) => {
                came.problems.push(Problem::of(&error));
                break;
            }
        }
    }
    for arn in arns {
        let answer = client.get_resource_policy().secret_id(&arn).send().await;
        let what = format!("secretsmanager:GetResourcePolicy of {arn}");
        let answer = answer.map_err(|error| explain(&what, &error));
        let policy = answer.map(|a| a.resource_policy().map(|p| json!({"ARN": arn, "ResourcePolicy": p})));
        keep_policy(came, policy);
    }
}
