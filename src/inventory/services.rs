//! Service-last-accessed details of users: which services IAM saw a user reach, and when.

use super::policies::list;
use crate::model::{AccountId, parse_instant};
use jiff::Timestamp;
use serde_json::Value;

/// One service that a user reached.
#[derive(Debug, PartialEq)]
pub(crate) struct Accessed {
    pub(crate) account: AccountId,
    pub(crate) user: String,
    /// The service's IAM prefix, such as `s3`.
    pub(crate) service: String,
    pub(crate) last: Timestamp,
}

/// Reads `aws iam get-service-last-accessed-details` of a user
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html>). The document names the
/// user only where the user reached a service; denied attempts count there, and every key, password and session of the
/// user. What is of a role or group is passed over. The notes name what was odd.
pub(crate) fn read(content: &Value) -> (Vec<Accessed>, Vec<String>) {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    if content.get("JobStatus").and_then(Value::as_str).is_some_and(|status| status != "COMPLETED") {
        notes.push("the job had not completed: nothing in it counts".to_owned());
        return (out, notes);
    }
    for item in list(content.get("ServicesLastAccessed")) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let arn = text("LastAuthenticatedEntity");
        let Some((_, path)) = arn.split_once(":user/") else { continue };
        let user = path.rsplit('/').next().unwrap_or_default();
        match (AccountId::from_arn(arn), parse_instant(text("LastAuthenticated"))) {
            (Some(account), Some(last)) if !user.is_empty() => out.push(Accessed {
                account,
                user: user.to_owned(),
                service: text("ServiceNamespace").to_owned(),
                last,
            }),
            _ => notes.push(format!("service {:?}: no account or no time", text("ServiceNamespace"))),
        }
    }
    if content.get("IsTruncated") == Some(&Value::Bool(true)) {
        notes.push("the details are marked IsTruncated: further services may have been used".to_owned());
    }
    (out, notes)
}
