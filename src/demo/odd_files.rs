//! Damaged and odd files, as every trail that was kept for years has them. All lie in one account's tree.

use super::cast::Cast;
use super::dice::{Dice, Stream};
use super::estate::{Region, Site};
use super::events::Event;
use super::generate::{gzip, object_path};
use crate::model::Day;
use serde_json::{Value, json};

/// The odd files of an account's day, made from that day's own records.
pub(super) fn of_day(cast: &Cast, day: Day, events: &[&Event]) -> Vec<(String, Vec<u8>)> {
    let site = Site::Legacy;
    let mut dice = Dice::new(cast.options.seed, Stream::Exports(site.index()), day.0);
    let mut path = |region: Region, hour: u32| object_path(site, region, day, hour, &dice.base32(16));
    let records: Vec<&Value> = events.iter().map(|event| &event.record).collect();
    let whole = gzip(json!({"Records": records}).to_string().as_bytes());
    let half = whole.get(..whole.len() / 2).unwrap_or(&whole).to_vec();
    let inside = json!({"Records": records.iter().chain(records.first()).collect::<Vec<_>>()});
    let lookup: Vec<Value> = records
        .iter()
        .take(3)
        .map(|record| {
            let text = |name: &str| record.get(name).cloned().unwrap_or(Value::Null);
            json!({"EventId": text("eventID"), "EventName": text("eventName"), "ReadOnly": "true", "EventTime": text("eventTime"),
                   "EventSource": text("eventSource"), "Resources": [], "CloudTrailEvent": record.to_string()})
        })
        .collect();
    let bridge = json!({"version": "0", "id": "00000000-0000-4000-8000-0000000000aa", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3", "account": site.id(), "time": day.start().to_string(), "region": "us-east-1", "resources": [], "detail": records.first()});
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let aggregated = json!({"Records": [{"eventVersion": "1.11", "eventId": "00000000-0000-4000-8000-0000000000bb", "eventTime": day.start().to_string(),
        "eventSource": "s3.amazonaws.com", "eventName": "AggregatedEvent", "awsRegion": "us-east-1", "eventType": "AwsAggregatedEvent",
        "recipientAccountId": site.id(), "eventCategory": "Data"}]});
    let mut files = vec![
        (path(Region::EuWest1, 3), half),
        (path(Region::EuWest1, 4), dice_bytes(cast, day)),
        (path(Region::UsEast1, 5), whole),
        (path(Region::UsEast1, 6), gzip(inside.to_string().as_bytes())),
        (path(Region::UsEast1, 7), gzip(br#"{"Records":[]}"#)),
        (path(Region::UsEast1, 8), gzip(b"[]")),
        (path(Region::UsEast1, 9), gzip(aggregated.to_string().as_bytes())),
        ("exports/records.jsonl".to_owned(), lines.into_bytes()),
        ("exports/lookup-events.json".to_owned(), json!({"Events": lookup}).to_string().into_bytes()),
        ("exports/eventbridge.json".to_owned(), bridge.to_string().into_bytes()),
    ];
    files.push(insight(site, day));
    files.extend((0..24).map(|hour| digest(site, day, hour)));
    files
}

fn dice_bytes(cast: &Cast, day: Day) -> Vec<u8> {
    Dice::new(cast.options.seed, Stream::Files, day.0).bytes(4000)
}

fn insight(site: Site, day: Day) -> (String, Vec<u8>) {
    let account = site.id();
    let date = day.to_string();
    let record = json!({"Records": [{"eventVersion": "1.08", "eventTime": day.start().to_string(), "awsRegion": "us-east-1",
        "eventID": "00000000-0000-4000-8000-0000000000cc", "eventType": "AwsCloudTrailInsight", "recipientAccountId": account,
        "sharedEventID": "00000000-0000-4000-8000-0000000000dd", "eventCategory": "Insight",
        "insightDetails": {"state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "insightType": "ApiCallRateInsight"}}]});
    let (slashed, plain) = (date.replace('-', "/"), date.replace('-', ""));
    let path = format!(
        "trail/AWSLogs/o-exampleorg1/{account}/CloudTrail-Insight/us-east-1/{slashed}/{account}_CloudTrail-Insight_us-east-1_{plain}T0100Z_EXAMPLE.json.gz"
    );
    (path, gzip(record.to_string().as_bytes()))
}

fn digest(site: Site, day: Day, hour: u32) -> (String, Vec<u8>) {
    let account = site.id();
    let date = day.to_string();
    let (slashed, plain) = (date.replace('-', "/"), date.replace('-', ""));
    let name = format!(
        "{account}_CloudTrail-Digest_us-east-1_organization_us-east-1_{plain}T{hour:02}0000Z.json.gz"
    );
    let path = format!("trail/AWSLogs/o-exampleorg1/{account}/CloudTrail-Digest/us-east-1/{slashed}/{name}");
    let content = json!({"awsAccountId": account, "digestStartTime": format!("{date}T{hour:02}:00:00Z"), "digestEndTime": format!("{date}T{hour:02}:59:59Z"),
        "digestS3Bucket": "example-co-trail", "digestS3Object": path, "digestPublicKeyFingerprint": "example", "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null, "oldestEventTime": null, "previousDigestS3Bucket": null, "previousDigestS3Object": null, "logFiles": []});
    (path, gzip(content.to_string().as_bytes()))
}
