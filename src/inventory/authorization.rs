//! Account authorization details: users with their groups, tags and policies, and the roles' issuers.

use super::facts::User;
use super::policies::{Mail, list, mail};
use crate::model::{AccountId, parse_instant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What one document says.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) users: Vec<(AccountId, String, User)>,
    /// Roles and the OIDC issuers they trust, per account.
    pub(crate) roles: BTreeMap<AccountId, (usize, BTreeSet<String>)>,
    pub(crate) notes: Vec<String>,
}

/// Reads the output of `aws iam get-account-authorization-details`
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>).
pub(crate) fn read(content: &Value) -> Details {
    let mut details = Details::default();
    let managed: BTreeMap<&str, Mail> = items(content, "Policies")
        .filter_map(|policy| {
            Some((text(policy, "Arn")?, default_version(policy).map(mail).unwrap_or_default()))
        })
        .collect();
    let mut groups: BTreeMap<&str, (BTreeSet<String>, Mail)> = BTreeMap::new();
    for group in items(content, "GroupDetailList") {
        if let Some(name) = text(group, "GroupName") {
            groups.insert(name, policies_of(group, "GroupPolicyList", &managed));
        }
    }
    for entry in items(content, "UserDetailList") {
        let (Some(name), Some(arn)) = (text(entry, "UserName"), text(entry, "Arn")) else {
            details.notes.push("a user without name or ARN".into());
            continue;
        };
        // Some demo exports write `arn:aws:iam::aws:user/…`; without an account a user cannot be placed.
        let Some(account) = AccountId::from_arn(arn) else {
            details.notes.push(format!("user {name:?}: no account in the ARN {arn:?}"));
            continue;
        };
        let (mut attached, mut may) = policies_of(entry, "UserPolicyList", &managed);
        for group in list(entry.get("GroupList")).into_iter().filter_map(Value::as_str) {
            if let Some((more, group_mail)) = groups.get(group) {
                attached.extend(more.iter().cloned());
                may = may.or(*group_mail);
            }
        }
        let tags = list(entry.get("Tags"));
        let user = User {
            arn: arn.to_owned(),
            id: text(entry, "UserId").unwrap_or_default().to_owned(),
            path: text(entry, "Path").unwrap_or("/").to_owned(),
            created: text(entry, "CreateDate").and_then(parse_instant),
            tags: tags
                .into_iter()
                .filter_map(|tag| Some((text(tag, "Key")?.to_owned(), text(tag, "Value")?.to_owned())))
                .collect(),
            attached,
            policies_known: true,
            may_send_mail: may.named,
            allows_everything: may.by_wildcard,
            password: None,
            slots: None,
        };
        details.users.push((account, name.to_owned(), user));
    }
    for role in items(content, "RoleDetailList") {
        if let Some(account) = text(role, "Arn").and_then(AccountId::from_arn) {
            let (count, issuers) = details.roles.entry(account).or_default();
            *count += 1;
            issuers.extend(issuers_of(role));
        }
    }
    details
}

fn items<'a>(content: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    list(content.get(name)).into_iter()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn default_version(policy: &Value) -> Option<&Value> {
    let versions = list(policy.get("PolicyVersionList"));
    let default = versions.iter().find(|v| v.get("IsDefaultVersion") == Some(&Value::Bool(true)));
    default.or(versions.first())?.get("Document")
}

fn policies_of(entry: &Value, inline: &str, managed: &BTreeMap<&str, Mail>) -> (BTreeSet<String>, Mail) {
    let mut attached = BTreeSet::new();
    let mut may = Mail::default();
    for policy in items(entry, "AttachedManagedPolicies") {
        if let Some(arn) = text(policy, "PolicyArn") {
            attached.insert(arn.to_owned());
            may = may.or(managed.get(arn).copied().unwrap_or_default());
        }
    }
    for policy in items(entry, inline) {
        may = may.or(policy.get("PolicyDocument").map(mail).unwrap_or_default());
    }
    (attached, may)
}

fn issuers_of(role: &Value) -> Vec<String> {
    let document = role.get("AssumeRolePolicyDocument");
    let mut issuers = Vec::new();
    for statement in list(document.and_then(|d| d.get("Statement"))) {
        let federated = statement.get("Principal").and_then(|p| p.get("Federated"));
        for arn in list(federated).into_iter().filter_map(Value::as_str) {
            if let Some((_, issuer)) = arn.split_once(":oidc-provider/") {
                issuers.push(issuer.to_owned());
            }
        }
    }
    issuers
}
