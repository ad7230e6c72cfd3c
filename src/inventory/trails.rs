//! Trail descriptions and event selectors: what a trail records at all.

use super::facts::{Selectors, Trail};
use super::policies::list;
use crate::model::AccountId;
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads `aws cloudtrail describe-trails`. An organization trail shows in member accounts with the ARN of the
/// management account, so the account comes from elsewhere where the caller knows better.
pub(crate) fn read_trails(content: &Value) -> Vec<(Option<AccountId>, Trail)> {
    let flag = |trail: &Value, name: &str| trail.get(name) == Some(&Value::Bool(true));
    list(content.get("trailList"))
        .into_iter()
        .map(|trail| {
            let arn = trail.get("TrailARN").and_then(Value::as_str).unwrap_or_default().to_owned();
            let read = Trail {
                multi_region: flag(trail, "IsMultiRegionTrail"),
                organization: flag(trail, "IsOrganizationTrail"),
                selectors: None,
                logging: None,
                arn,
            };
            (AccountId::from_arn(&read.arn), read)
        })
        .collect()
}

/// Reads `aws cloudtrail get-event-selectors`, basic or advanced
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html>).
pub(crate) fn read_selectors(content: &Value) -> (String, Selectors) {
    let arn = content.get("TrailARN").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut selectors = Selectors::default();
    for basic in list(content.get("EventSelectors")) {
        let management = basic.get("IncludeManagementEvents") != Some(&Value::Bool(false));
        let all = basic.get("ReadWriteType").and_then(Value::as_str).is_none_or(|t| t == "All");
        selectors.all_management |= management && all;
        selectors.excluded.extend(strings(basic.get("ExcludeManagementEventSources")));
        for data in list(basic.get("DataResources")) {
            selectors.data_types.extend(data.get("Type").and_then(Value::as_str).map(str::to_owned));
        }
    }
    for advanced in list(content.get("AdvancedEventSelectors")) {
        let field = |name: &str| {
            let fields = list(advanced.get("FieldSelectors"));
            fields.into_iter().find(|f| f.get("Field").and_then(Value::as_str) == Some(name))
        };
        let equals = |name: &str| field(name).map(|f| strings(f.get("Equals"))).unwrap_or_default();
        if equals("eventCategory").contains("Management") {
            selectors.all_management |= field("readOnly").is_none();
            selectors
                .excluded
                .extend(field("eventSource").map(|f| strings(f.get("NotEquals"))).unwrap_or_default());
        }
        selectors.data_types.extend(equals("resources.type"));
    }
    (arn, selectors)
}

fn strings(value: Option<&Value>) -> BTreeSet<String> {
    list(value).into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn basic_and_advanced_selectors_say_the_same() {
        let basic = json!({"TrailARN": "t", "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}], "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]});
        let advanced = json!({"TrailARN": "t", "AdvancedEventSelectors": [
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]},
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]}]});
        assert_eq!(read_selectors(&basic), read_selectors(&advanced));
        let write_only = json!({"EventSelectors": [{"ReadWriteType": "WriteOnly"}]});
        assert!(!read_selectors(&write_only).1.all_management);
    }
}
