//! Answers of AWS as the documents that the AWS CLI would print, so that one reader serves files and live accounts.

use aws_sdk_iam::types as iam;
use aws_smithy_types::DateTime;
use serde_json::{Map, Value, json};

/// A time as the CLI prints it.
pub(super) fn time(time: &DateTime) -> Value {
    time.fmt(aws_smithy_types::date_time::Format::DateTime).map_or(Value::Null, Value::String)
}

fn maybe(at: Option<&DateTime>) -> Value {
    at.map_or(Value::Null, time)
}

/// An object without the fields that AWS did not give.
fn object(fields: Value) -> Value {
    match fields {
        Value::Object(map) => {
            Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// One page of `get-account-authorization-details`
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>). Policy documents stay
/// percent-encoded, as the API gives them.
pub(super) fn authorization_details(
    page: &aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput,
) -> Value {
    json!({
        "UserDetailList": page.user_detail_list().iter().map(user).collect::<Vec<_>>(),
        "GroupDetailList": page.group_detail_list().iter().map(group).collect::<Vec<_>>(),
        "RoleDetailList": page.role_detail_list().iter().map(role).collect::<Vec<_>>(),
        "Policies": page.policies().iter().map(policy).collect::<Vec<_>>(),
        "IsTruncated": false,
    })
}

fn user(user: &iam::UserDetail) -> Value {
    object(json!({
        "Path": user.path(),
        "UserName": user.user_name(),
        "UserId": user.user_id(),
        "Arn": user.arn(),
        "CreateDate": maybe(user.create_date()),
        "UserPolicyList": inline(user.user_policy_list()),
        "GroupList": user.group_list(),
        "AttachedManagedPolicies": attached(user.attached_managed_policies()),
        "PermissionsBoundary": boundary(user.permissions_boundary()),
        "Tags": tags(user.tags()),
    }))
}

fn group(group: &iam::GroupDetail) -> Value {
    object(json!({
        "Path": group.path(),
        "GroupName": group.group_name(),
        "GroupId": group.group_id(),
        "Arn": group.arn(),
        "CreateDate": maybe(group.create_date()),
        "GroupPolicyList": inline(group.group_policy_list()),
        "AttachedManagedPolicies": attached(group.attached_managed_policies()),
    }))
}

fn role(role: &iam::RoleDetail) -> Value {
    let profiles = role.instance_profile_list().iter();
    object(json!({
        "Path": role.path(),
        "RoleName": role.role_name(),
        "RoleId": role.role_id(),
        "Arn": role.arn(),
        "CreateDate": maybe(role.create_date()),
        "AssumeRolePolicyDocument": role.assume_role_policy_document(),
        "InstanceProfileList": profiles.map(|p| json!({"InstanceProfileName": p.instance_profile_name(), "Arn": p.arn()})).collect::<Vec<_>>(),
        "RolePolicyList": inline(role.role_policy_list()),
        "AttachedManagedPolicies": attached(role.attached_managed_policies()),
        "PermissionsBoundary": boundary(role.permissions_boundary()),
        "Tags": tags(role.tags()),
    }))
}

fn policy(policy: &iam::ManagedPolicyDetail) -> Value {
    let version = |version: &iam::PolicyVersion| {
        object(json!({
            "Document": version.document(),
            "VersionId": version.version_id(),
            "IsDefaultVersion": version.is_default_version(),
            "CreateDate": maybe(version.create_date()),
        }))
    };
    // Older versions allow nothing, and are most of the text.
    let versions = policy.policy_version_list().iter().filter(|version| version.is_default_version());
    object(json!({
        "PolicyName": policy.policy_name(),
        "PolicyId": policy.policy_id(),
        "Arn": policy.arn(),
        "Path": policy.path(),
        "DefaultVersionId": policy.default_version_id(),
        "AttachmentCount": policy.attachment_count(),
        "PolicyVersionList": versions.map(version).collect::<Vec<_>>(),
    }))
}

fn inline(policies: &[iam::PolicyDetail]) -> Value {
    let one =
        |p: &iam::PolicyDetail| json!({"PolicyName": p.policy_name(), "PolicyDocument": p.policy_document()});
    policies.iter().map(one).collect()
}

fn attached(policies: &[iam::AttachedPolicy]) -> Value {
    let one = |p: &iam::AttachedPolicy| json!({"PolicyName": p.policy_name(), "PolicyArn": p.policy_arn()});
    policies.iter().map(one).collect()
}

fn boundary(boundary: Option<&iam::AttachedPermissionsBoundary>) -> Value {
    boundary.map_or(
        Value::Null,
        |b| json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": b.permissions_boundary_arn()}),
    )
}

fn tags(tags: &[iam::Tag]) -> Value {
    tags.iter().map(|tag| json!({"Key": tag.key(), "Value": tag.value()})).collect()
}

/// An entry of `list-access-keys`.
pub(super) fn access_key(key: &iam::AccessKeyMetadata) -> Value {
    object(json!({
        "UserName": key.user_name(),
        "AccessKeyId": key.access_key_id(),
        "Status": key.status().map(iam::StatusType::as_str),
        "CreateDate": maybe(key.create_date()),
    }))
}

/// What `get-access-key-last-used` says, with the key's id, which it leaves out.
pub(super) fn last_used(id: &str, user: &str, used: &iam::AccessKeyLastUsed) -> Value {
    object(json!({
        "AccessKeyId": id,
        "UserName": user,
        "LastUsedDate": maybe(used.last_used_date()),
        "ServiceName": used.service_name(),
        "Region": used.region(),
    }))
}

/// An entry of `get-service-last-accessed-details`.
pub(super) fn service(used: &iam::ServiceLastAccessed) -> Value {
    let action = |action: &iam::TrackedActionLastAccessed| {
        object(json!({
            "ActionName": action.action_name(),
            "LastAccessedEntity": action.last_accessed_entity(),
            "LastAccessedTime": maybe(action.last_accessed_time()),
            "LastAccessedRegion": action.last_accessed_region(),
        }))
    };
    let actions: Vec<Value> = used.tracked_actions_last_accessed().iter().map(action).collect();
    object(json!({
        "ServiceName": used.service_name(),
        "LastAuthenticated": maybe(used.last_authenticated()),
        "ServiceNamespace": used.service_namespace(),
        "LastAuthenticatedEntity": used.last_authenticated_entity(),
        "LastAuthenticatedRegion": used.last_authenticated_region(),
        "TotalAuthenticatedEntities": used.total_authenticated_entities(),
        "TrackedActionsLastAccessed": if actions.is_empty() { Value::Null } else { Value::Array(actions) },
    }))
}

/// A credential of a user that is no access key, in offkey's own words.
pub(super) fn credential(
    kind: &str,
    user: &str,
    id: &str,
    detail: &str,
    status: &str,
    since: Option<&DateTime>,
) -> Value {
    object(
        json!({"Kind": kind, "UserName": user, "Id": id, "Detail": detail, "Status": status, "Since": maybe(since)}),
    )
}

/// An entry of `describe-trails` (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html>).
pub(super) fn trail(trail: &aws_sdk_cloudtrail::types::Trail) -> Value {
    object(json!({
        "Name": trail.name(),
        "S3BucketName": trail.s3_bucket_name(),
        "S3KeyPrefix": trail.s3_key_prefix(),
        "IncludeGlobalServiceEvents": trail.include_global_service_events(),
        "IsMultiRegionTrail": trail.is_multi_region_trail(),
        "HomeRegion": trail.home_region(),
        "TrailARN": trail.trail_arn(),
        "LogFileValidationEnabled": trail.log_file_validation_enabled(),
        "KmsKeyId": trail.kms_key_id(),
        "HasCustomEventSelectors": trail.has_custom_event_selectors(),
        "IsOrganizationTrail": trail.is_organization_trail(),
    }))
}

/// `get-event-selectors`.
pub(super) fn selectors(
    answer: &aws_sdk_cloudtrail::operation::get_event_selectors::GetEventSelectorsOutput,
) -> Value {
    use aws_sdk_cloudtrail::types::{AdvancedEventSelector, AdvancedFieldSelector, EventSelector};
    let basic = |selector: &EventSelector| {
        let data = selector.data_resources().iter();
        object(json!({
            "ReadWriteType": selector.read_write_type().map(|kind| kind.as_str()),
            "IncludeManagementEvents": selector.include_management_events(),
            "DataResources": data.map(|d| json!({"Type": d.r#type(), "Values": d.values()})).collect::<Vec<_>>(),
            "ExcludeManagementEventSources": selector.exclude_management_event_sources(),
        }))
    };
    let field = |field: &AdvancedFieldSelector| {
        let mut out = Map::new();
        out.insert("Field".to_owned(), json!(field.field()));
        let lists = [
            ("Equals", field.equals()),
            ("StartsWith", field.starts_with()),
            ("EndsWith", field.ends_with()),
            ("NotEquals", field.not_equals()),
            ("NotStartsWith", field.not_starts_with()),
            ("NotEndsWith", field.not_ends_with()),
        ];
        for (name, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            out.insert(name.to_owned(), json!(values));
        }
        Value::Object(out)
    };
    let advanced = |selector: &AdvancedEventSelector| {
        object(
            json!({"Name": selector.name(), "FieldSelectors": selector.field_selectors().iter().map(field).collect::<Vec<_>>()}),
        )
    };
    let mut out = Map::new();
    out.insert("TrailARN".to_owned(), json!(answer.trail_arn()));
    if !answer.event_selectors().is_empty() || answer.advanced_event_selectors().is_empty() {
        out.insert("EventSelectors".to_owned(), answer.event_selectors().iter().map(basic).collect());
    }
    if !answer.advanced_event_selectors().is_empty() {
        out.insert(
            "AdvancedEventSelectors".to_owned(),
            answer.advanced_event_selectors().iter().map(advanced).collect(),
        );
    }
    Value::Object(out)
}
