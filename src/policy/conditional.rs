//! What some calls of a name need and others do not, by what their requests show.

use super::actions::{AccessLevel, Action, Needs, find_action, needs};
use std::collections::BTreeSet;

/// What a kind of call needs, all that its requests show taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needed {
    /// Actions on what the calls acted on.
    pub(super) actions: Vec<Action>,
    /// Actions on something else.
    pub(super) elsewhere: Vec<(Action, BTreeSet<String>)>,
    /// Roles that were handed to a service.
    pub(super) passed: BTreeSet<String>,
    /// Instance profiles that were handed out; which roles are in them no log says.
    pub(super) profiles: BTreeSet<String>,
    /// Whether the actions are an upper bound: some calls needed only some of them.
    pub(super) upper: bool,
}

/// What calls of that name with such requests needed; nothing where it is not known.
pub(super) fn needed(
    source: &str,
    event: &str,
    shows: &BTreeSet<String>,
    named: &BTreeSet<String>,
) -> Option<Needed> {
    let host = source.strip_suffix(".cn").unwrap_or(source);
    let host = host.strip_suffix(".amazonaws.com").unwrap_or(host);
    let mut actions: Vec<Action> = match needs(source, event) {
        Needs::Unmapped => shared(host, event, shows, named)?,
        known => known.actions().collect(),
    };
    let has = |show: &str| shows.contains(show);
    let items: Vec<&str> = shows.iter().filter_map(|show| show.strip_prefix("item:")).collect();
    let mut upper = host == "dynamodb" && actions.len() > 1;
    if event == "TransactWriteItems" && !items.is_empty() {
        actions.retain(|action| items.iter().any(|item| of_item(item) == action.name));
        upper = false;
    }
    if has("reads") && event.contains("Statement") {
        actions.retain(|action| action.name == "PartiQLSelect");
        upper = false;
    }
    // A call that passes a role says which; the table's own mention of it says only that it may.
    actions.retain(|action| action.to_string() != "iam:PassRole");
    let mut out = Needed { upper, ..Needed::default() };
    let base = actions.clone();
    let tagged: BTreeSet<String> =
        shows.iter().filter_map(|show| show.strip_prefix("tagged:")).map(str::to_owned).collect();
    let tags = base.iter().filter_map(|action| tagging(action, event));
    let tags_itself = base.iter().any(|action| action.level == AccessLevel::Tagging);
    let mut tags_elsewhere = Vec::new();
    if !tagged.is_empty() && !tags_itself {
        // What is made is tagged, not what it is made of.
        tags_elsewhere = tags.map(|action| (action, tagged.clone())).collect();
    } else if has("tags") && !tags_itself {
        actions.extend(tags);
    }
    match host {
        "s3" => actions.extend(s3(event, &base, shows)),
        "lambda" if has("layers") => actions.extend(find_action("lambda", "GetLayerVersion")),
        "bedrock" if has("guardrail") => actions.extend(find_action("bedrock", "ApplyGuardrail")),
        "secretsmanager" if has("filters") && event.starts_with("Batch") => {
            actions.extend(find_action("secretsmanager", "ListSecrets"));
        }
        _ => {}
    }
    out.elsewhere.extend(tags_elsewhere);
    let from: BTreeSet<String> =
        shows.iter().filter_map(|show| show.strip_prefix("from:")).map(str::to_owned).collect();
    if has("from-version") {
        actions.extend(find_action("s3", "GetObjectVersion"));
    }
    if host == "sts" && event == "AssumeRole" {
        actions.extend(has("session-tags").then(|| find_action("sts", "TagSession")).flatten());
        actions.extend(has("source-identity").then(|| find_action("sts", "SetSourceIdentity")).flatten());
    }
    if matches!(event, "CopyObject" | "UploadPartCopy") && !from.is_empty() {
        // It reads there and writes here.
        let reads = |action: &Action| action.name.starts_with("GetObject");
        out.elsewhere.extend(actions.iter().filter(|a| reads(a)).map(|action| (*action, from.clone())));
        actions.retain(|action| !reads(action));
    }
    if host == "s3" && has("missing-object") {
        let buckets = named
            .iter()
            .filter(|arn| arn.contains(":s3:::"))
            .filter_map(|arn| arn.split('/').next())
            .map(str::to_owned)
            .collect();
        out.elsewhere.extend(find_action("s3", "ListBucket").map(|action| (action, buckets)));
    }
    out.passed = shows.iter().filter_map(|show| show.strip_prefix("pass:")).map(str::to_owned).collect();
    out.profiles = shows.iter().filter_map(|show| show.strip_prefix("profile:")).map(str::to_owned).collect();
    actions.sort_unstable();
    actions.dedup();
    out.actions = actions;
    Some(out)
}

/// Calls that EC2 Auto Scaling and Application Auto Scaling both have: the latter name a service's namespace
/// (<https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html>), the former a group.
fn shared(
    host: &str,
    event: &str,
    shows: &BTreeSet<String>,
    named: &BTreeSet<String>,
) -> Option<Vec<Action>> {
    if host != "autoscaling" {
        return None;
    }
    let mut out = Vec::new();
    if shows.contains("service-namespace") {
        out.push(find_action("application-autoscaling", event)?);
    }
    if named.iter().any(|arn| arn.contains(":autoScalingGroup:")) {
        out.push(find_action("autoscaling", event)?);
    }
    (!out.is_empty()).then_some(out)
}

fn of_item(item: &str) -> &'static str {
    match item.to_ascii_lowercase().as_str() {
        "put" => "PutItem",
        "update" => "UpdateItem",
        "delete" => "DeleteItem",
        "conditioncheck" => "ConditionCheckItem",
        _ => "",
    }
}

/// Objects' versions, access lists and tags are actions of their own, and who may not list a bucket is told "denied" in
/// place of "not found"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>).
fn s3(event: &str, base: &[Action], shows: &BTreeSet<String>) -> Vec<Action> {
    let has = |show: &str| shows.contains(show);
    let puts = matches!(event, "PutObject" | "CopyObject" | "CreateMultipartUpload" | "PostObject");
    let versioned = base.iter().filter(|_| has("version")).map(|a| a.name.replace("Object", "ObjectVersion"));
    let also = [
        (has("acl") && puts, "PutObjectAcl"),
        (has("acl") && event == "CreateBucket", "PutBucketAcl"),
        (has("object-tags") && puts, "PutObjectTagging"),
        (has("bypass-governance"), "BypassGovernanceRetention"),
        (has("retention") && puts, "PutObjectRetention"),
        (has("legal-hold") && puts, "PutObjectLegalHold"),
        (has("ownership") && event == "CreateBucket", "PutBucketOwnershipControls"),
        (has("object-lock") && event == "CreateBucket", "PutBucketObjectLockConfiguration"),
        (has("object-lock") && event == "CreateBucket", "PutBucketVersioning"),
    ];
    let also = also.into_iter().filter(|(shown, _)| *shown).map(|(_, name)| name.to_owned());
    versioned.chain(also).filter_map(|name| find_action("s3", &name)).collect()
}

/// The action by which a service sets tags at creation.
fn tagging(action: &Action, event: &str) -> Option<Action> {
    // S3's buckets and objects have their own ways.
    if action.prefix == "s3" {
        return None;
    }
    let noun = event.strip_prefix("Create").or_else(|| event.strip_prefix("Put")).unwrap_or(event);
    let by_noun = find_action(action.prefix, &format!("Tag{noun}"));
    let names = ["TagResource", "AddTags", "AddTagsToResource", "CreateTags", "CreateOrUpdateTags"];
    by_noun.or_else(|| names.iter().find_map(|name| find_action(action.prefix, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_request_shows() {
        let cases: &[(&str, &str, &[&str], &str)] = &[
            ("s3", "GetObject", &[], "s3:GetObject"),
            ("s3", "GetObject", &["version"], "s3:GetObject s3:GetObjectVersion"),
            ("s3", "DeleteObject", &["version"], "s3:DeleteObject s3:DeleteObjectVersion"),
            ("s3", "PutObject", &["acl", "object-tags"], "s3:PutObject s3:PutObjectAcl s3:PutObjectTagging"),
            ("s3", "CopyObject", &["from:arn:aws:s3:::a/k"], "s3:PutObject | s3:GetObject"),
            ("s3", "HeadObject", &["missing-object"], "s3:GetObject | s3:ListBucket"),
            (
                "lambda",
                "CreateFunction20150331",
                &["tags", "layers", "pass:r"],
                "lambda:CreateFunction lambda:GetLayerVersion lambda:TagResource + r",
            ),
            (
                "autoscaling",
                "CreateAutoScalingGroup",
                &["tags"],
                "autoscaling:CreateAutoScalingGroup autoscaling:CreateOrUpdateTags",
            ),
            (
                "autoscaling",
                "RegisterScalableTarget",
                &["tags", "service-namespace", "pass:r"],
                "application-autoscaling:RegisterScalableTarget application-autoscaling:TagResource + r",
            ),
            (
                "autoscaling",
                "PutScalingPolicy",
                &["service-namespace"],
                "application-autoscaling:PutScalingPolicy",
            ),
            ("autoscaling", "PutScalingPolicy", &[], "unmapped"),
            ("bedrock", "InvokeModel", &["guardrail"], "bedrock:ApplyGuardrail bedrock:InvokeModel"),
            ("budgets", "CreateBudget", &["tags"], "budgets:ModifyBudget budgets:TagResource"),
            (
                "elasticloadbalancing",
                "CreateLoadBalancer",
                &["tags"],
                "elasticloadbalancing:AddTags elasticloadbalancing:CreateLoadBalancer",
            ),
            ("es", "CreateDomain", &["tags"], "es:AddTags es:CreateDomain"),
            ("iam", "CreateRole", &["tags"], "iam:CreateRole iam:TagRole"),
            ("ec2", "RunInstances", &["tags"], "ec2:CreateTags ec2:RunInstances"),
            ("ec2", "CreateTags", &["tags"], "ec2:CreateTags"),
            (
                "secretsmanager",
                "BatchGetSecretValue",
                &["filters"],
                "secretsmanager:BatchGetSecretValue secretsmanager:GetSecretValue secretsmanager:ListSecrets",
            ),
            (
                "dynamodb",
                "TransactWriteItems",
                &["item:put", "item:conditionCheck"],
                "dynamodb:ConditionCheckItem dynamodb:PutItem",
            ),
            ("dynamodb", "ExecuteStatement", &["reads"], "dynamodb:PartiQLSelect"),
        ];
        for (host, event, shows, want) in cases {
            let shows = shows.iter().map(|show| (*show).to_owned()).collect();
            let named = BTreeSet::from(["arn:aws:s3:::b/k".to_owned()]);
            let got = needed(&format!("{host}.amazonaws.com"), event, &shows, &named).map_or(
                "unmapped".into(),
                |n| {
                    let all: Vec<String> = n.actions.iter().map(ToString::to_string).collect();
                    let mut text = all.join(" ");
                    for (action, _) in &n.elsewhere {
                        text += &format!(" | {action}");
                    }
                    for role in &n.passed {
                        text += &format!(" + {role}");
                    }
                    text
                },
            );
            assert_eq!(got, *want, "{host} {event}");
        }
    }
}
