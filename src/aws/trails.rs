//! Trails: where their logs are, whether they deliver, and what they leave out.

use super::documents::{selectors, time, trail};
use super::live::{Collected, Context, Happening, Problem, TrailBucket};
use super::s3::explain;
use super::session::client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A trail that records one region shows only there; those of all regions and of an organization show everywhere
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html>).
pub(super) async fn collect(context: &Arc<Context>, regions: &[String]) {
    let mut came = Collected::new(&context.account.id, "cloudtrail");
    let mut found: BTreeMap<String, aws_sdk_cloudtrail::types::Trail> = BTreeMap::new();
    for region in regions {
        let client = client!(aws_sdk_cloudtrail, context.account, region.clone());
        match client.describe_trails().include_shadow_trails(true).send().await {
            Ok(answer) => {
                for trail in answer.trail_list() {
                    found.insert(trail.trail_arn().unwrap_or_default().to_owned(), trail.clone());
                }
            }
            Err(error) => {
                let problem =
                    Problem::of(&explain(&format!("cloudtrail:DescribeTrails in {region}"), &error));
                came.problems.push(problem);
            }
        }
    }
    // Also an empty list says something, if every region was asked.
    if !found.is_empty() || came.problems.is_empty() {
        let list: Vec<Value> = found.values().map(trail).collect();
        came.documents.push(("trails", json!({"trailList": list})));
    }
    for (arn, described) in &found {
        if let Some(bucket) = described.s3_bucket_name() {
            let prefix = described.s3_key_prefix().unwrap_or_default().trim_matches('/').to_owned();
            let bucket = TrailBucket {
                bucket: bucket.to_owned(),
                prefix,
                trail: arn.clone(),
                account: context.account.id.clone(),
                everywhere: described.is_multi_region_trail() == Some(true),
            };
            context.say(Happening::Bucket(bucket)).await;
        }
        let home = described.home_region().map_or_else(|| context.account.region(), str::to_owned);
        let client = client!(aws_sdk_cloudtrail, context.account, home);
        let answer = client.get_trail_status().name(arn).send().await;
        came.take(
            "trail-status",
            answer.map_err(|error| explain("cloudtrail:GetTrailStatus", &error)).map(|status| {
                json!({
                    "TrailARN": arn,
                    "IsLogging": status.is_logging(),
                    "LatestDeliveryTime": status.latest_delivery_time().map(time),
                    "StartLoggingTime": status.start_logging_time().map(time),
                    "StopLoggingTime": status.stop_logging_time().map(time),
                    "LatestDeliveryError": status.latest_delivery_error(),
                })
            }),
        );
        let answer = client.get_event_selectors().trail_name(arn).send().await;
        let answer = answer.map_err(|error| explain("cloudtrail:GetEventSelectors", &error));
        came.take("event-selectors", answer.map(|answer| selectors(&answer)));
    }
    context.say(Happening::Came(came)).await;
}
