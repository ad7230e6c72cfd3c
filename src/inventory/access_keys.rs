//! Lists of access keys, as `aws iam list-access-keys` prints them.

use super::facts::KeyStatus;
use super::policies::list;
use crate::model::{AccessKeyId, parse_instant};
use jiff::Timestamp;
use serde_json::Value;

/// One listed key. The list says no account.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) id: AccessKeyId,
    pub(crate) user: String,
    pub(crate) status: Option<KeyStatus>,
    pub(crate) created: Option<Timestamp>,
}

/// Reads one document
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>); the notes name what was odd.
pub(crate) fn read(content: &Value) -> (Vec<Listed>, Vec<String>) {
    let (mut keys, mut notes) = (Vec::new(), Vec::new());
    for item in list(content.get("AccessKeyMetadata")) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = AccessKeyId::new(text("AccessKeyId"));
        if !id.is_static() {
            notes.push(format!("{:?} is not an access key id", id.as_str()));
            continue;
        }
        let status = match text("Status") {
            "Active" => Some(KeyStatus::Active),
            "Inactive" => Some(KeyStatus::Inactive),
            "Expired" => Some(KeyStatus::Expired),
            other => {
                notes.push(format!("key {id}: unknown status {other:?}"));
                None
            }
        };
        keys.push(Listed {
            id,
            user: text("UserName").to_owned(),
            status,
            created: parse_instant(text("CreateDate")),
        });
    }
    if content.get("IsTruncated") == Some(&Value::Bool(true)) {
        notes.push("the list is marked IsTruncated: further pages are needed to see every key".into());
    }
    (keys, notes)
}
