//! The estate's exports as the stand-in for AWS takes them: by account, to be asked for by API.

use base64::Engine;
use serde_json::{Deserializer, Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a log object's path begins with in the estate; the rest is its key in the trail's bucket.
const TRAIL: &str = "trail/";

/// Files of an estate, sorted into what IAM and CloudTrail would say of each account and what S3 would hold.
pub struct LiveEstate {
    /// Accounts with their exports, and regions.
    pub exports: Value,
    /// Bucket of the trail.
    pub bucket: String,
    /// Keys and contents of its objects.
    pub objects: Vec<(String, Vec<u8>)>,
}

impl LiveEstate {
    /// Sorts an estate's files, as (path, content).
    pub fn of(files: Vec<(String, Vec<u8>)>) -> Self {
        let mut accounts: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        let (mut objects, mut regions, mut bucket) = (Vec::new(), BTreeSet::new(), String::new());
        for (path, bytes) in files {
            if let Some(key) = path.strip_prefix(TRAIL) {
                let region = key.split("/CloudTrail/").nth(1).and_then(|rest| rest.split('/').next());
                regions.extend(region.map(str::to_owned));
                objects.push((key.to_owned(), bytes));
                continue;
            }
            let mut parts = path.split('/').skip(1);
            let (Some(account), Some(name)) = (parts.next(), parts.next()) else { continue };
            let known = accounts.entry(account.to_owned()).or_default();
            let parsed = || serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
            match name {
                "authorization-details.json" => known.insert("details".into(), parsed()),
                "credential-report.csv" => {
                    known.insert("report".into(), Value::String(String::from_utf8_lossy(&bytes).into_owned()))
                }
                "credential-report.json" => {
                    let content =
                        parsed().get("Content").and_then(Value::as_str).unwrap_or_default().to_owned();
                    let report =
                        base64::engine::general_purpose::STANDARD.decode(content).unwrap_or_default();
                    known
                        .insert("report".into(), Value::String(String::from_utf8_lossy(&report).into_owned()))
                }
                "access-keys.json" => {
                    let lists = Deserializer::from_slice(&bytes).into_iter::<Value>().filter_map(Result::ok);
                    let keys = lists.flat_map(|list| {
                        list.get("AccessKeyMetadata").and_then(Value::as_array).cloned().unwrap_or_default()
                    });
                    known.insert("keys".into(), keys.collect())
                }
                "describe-trails.json" => {
                    let trails = parsed();
                    let named = trails.pointer("/trailList/0/S3BucketName").and_then(Value::as_str);
                    bucket = named.unwrap_or_default().to_owned();
                    known.insert("trails".into(), trails)
                }
                "get-event-selectors.json" => known.insert("selectors".into(), parsed()),
                _ => None,
            };
        }
        accounts.retain(|_, exports| exports.contains_key("details"));
        Self { exports: json!({"accounts": accounts, "regions": regions}), bucket, objects }
    }
}
