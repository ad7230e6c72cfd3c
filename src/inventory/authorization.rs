//! Account authorization details: users with their groups, tags and policies, and the roles' issuers.

use super::facts::{Boundary, Inventory, User};
use super::policies::{Mail, document, list, mail};
use crate::model::{AccountId, parse_instant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What all documents say. Pages of one listing come as documents of their own, so nothing is resolved before
/// all of them are read.
#[derive(Debug, Default)]
pub(crate) struct Details {
    users: Vec<RawUser>,
    /// Groups by account and name.
    groups: BTreeMap<(AccountId, String), RawGroup>,
    /// Managed policies by ARN, with what they allow.
    managed: BTreeMap<String, (Mail, Vec<Value>)>,
    roles: BTreeMap<AccountId, BTreeMap<String, BTreeSet<String>>>,
    /// Principals that trust policies name, with the roles, by account.
    trusts: BTreeMap<AccountId, BTreeMap<String, BTreeSet<String>>>,
}

#[derive(Debug)]
struct RawUser {
    account: AccountId,
    name: String,
    user: User,
    groups: Vec<String>,
    /// What inline policies allow; nothing where one cannot be read.
    inline: Option<Mail>,
    boundary: Option<String>,
}

#[derive(Debug)]
struct RawGroup {
    attached: BTreeSet<String>,
    inline: Option<Mail>,
    documents: Vec<Value>,
}

/// AWS's own policies that only deny; their documents are not needed.
const DENYING: &str = ":iam::aws:policy/AWSCompromisedKeyQuarantine";

impl Details {
    /// Reads one output of `aws iam get-account-authorization-details`
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>) and returns
    /// notes on what was odd.
    pub(crate) fn read(&mut self, content: &Value) -> Vec<String> {
        let mut notes = Vec::new();
        for policy in items(content, "Policies") {
            let document = default_version(policy).and_then(document);
            let allows = document.as_ref().and_then(mail);
            if let (Some(arn), Some(document), Some(allows)) = (text(policy, "Arn"), document, allows) {
                let known = self.managed.entry(arn.to_owned()).or_default();
                known.0 = known.0.or(allows);
                if !known.1.contains(&document) {
                    known.1.push(document);
                }
            }
        }
        for group in items(content, "GroupDetailList") {
            if let (Some(name), Some(account)) =
                (text(group, "GroupName"), text(group, "Arn").and_then(AccountId::from_arn))
            {
                let (attached, inline, documents) = policies_of(group, "GroupPolicyList");
                let known = self.groups.entry((account, name.to_owned())).or_insert_with(|| RawGroup {
                    attached: BTreeSet::new(),
                    inline: Some(Mail::default()),
                    documents: Vec::new(),
                });
                known.attached.extend(attached);
                known.inline = known.inline.zip(inline).map(|(a, b)| a.or(b));
                known.documents.extend(documents);
            }
        }
        for entry in items(content, "UserDetailList") {
            let (Some(name), Some(arn)) = (text(entry, "UserName"), text(entry, "Arn")) else {
                notes.push("a user without name or ARN".into());
                continue;
            };
            // Some demo exports write `arn:aws:iam::aws:user/…`; without an account a user cannot be placed.
            let Some(account) = AccountId::from_arn(arn) else {
                notes.push(format!("user {name:?}: no account in the ARN {arn:?}"));
                continue;
            };
            let (attached, inline, policies) = policies_of(entry, "UserPolicyList");
            let boundary = entry.get("PermissionsBoundary").and_then(|b| text(b, "PermissionsBoundaryArn"));
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
                policies,
                ..User::default()
            };
            let groups =
                list(entry.get("GroupList")).into_iter().filter_map(Value::as_str).map(str::to_owned);
            self.users.push(RawUser {
                account,
                name: name.to_owned(),
                user,
                groups: groups.collect(),
                inline,
                boundary: boundary.map(str::to_owned),
            });
        }
        for role in items(content, "RoleDetailList") {
            if let Some((arn, account)) =
                text(role, "Arn").and_then(|arn| Some((arn, AccountId::from_arn(arn)?)))
            {
                for principal in principals_of(role) {
                    let trusts = self.trusts.entry(account.clone()).or_default();
                    trusts.entry(principal).or_default().insert(arn.to_owned());
                }
                let issuers = self.roles.entry(account).or_default().entry(arn.to_owned()).or_default();
                issuers.extend(issuers_of(role));
            }
        }
        notes
    }

    /// Adds users and roles to the inventory. Where several exports speak of one user, what any of them allows
    /// counts: which of them is newer is not known.
    pub(crate) fn resolve(self, inventory: &mut Inventory) {
        for raw in &self.users {
            let (mut attached, mut may) = (raw.user.attached.clone(), raw.inline.unwrap_or_default());
            let mut known = raw.inline.is_some();
            let mut policies = raw.user.policies.clone();
            for group in &raw.groups {
                match self.groups.get(&(raw.account.clone(), group.clone())) {
                    Some(group) => {
                        attached.extend(group.attached.iter().cloned());
                        may = may.or(group.inline.unwrap_or_default());
                        known &= group.inline.is_some();
                        policies.extend(group.documents.iter().cloned());
                    }
                    None => known = false,
                }
            }
            for arn in attached.iter().filter(|arn| !arn.contains(DENYING)) {
                match self.managed.get(arn) {
                    Some((allows, documents)) => {
                        may = may.or(*allows);
                        policies.extend(documents.iter().cloned());
                    }
                    None => known = false,
                }
            }
            let boundary = raw.boundary.as_ref().map(|arn| Boundary {
                arn: arn.clone(),
                document: self.managed.get(arn).and_then(|(_, documents)| documents.first().cloned()),
            });
            inventory.accounts.entry(raw.account.clone()).or_default().has_authorization_details = true;
            let user = inventory.users.entry((raw.account.clone(), raw.name.clone())).or_default();
            let merged = User {
                password: user.password,
                slots: user.slots.take(),
                slots_observed: user.slots_observed,
                attached: attached.union(&user.attached).cloned().collect(),
                may_send_mail: may.named || user.may_send_mail,
                allows_everything: may.by_wildcard || user.allows_everything,
                policies_known: known && (!user.in_details || user.policies_known),
                policies: [std::mem::take(&mut user.policies), policies].concat(),
                boundary: boundary.or_else(|| user.boundary.take()),
                other_credentials: std::mem::take(&mut user.other_credentials),
                services: std::mem::take(&mut user.services),
                in_details: true,
                ..raw.user.clone()
            };
            *user = merged;
        }
        for (account, trusts) in self.trusts {
            let facts = inventory.accounts.entry(account).or_default();
            for (principal, roles) in trusts {
                facts.trusts.entry(principal).or_default().extend(roles);
            }
        }
        for (account, roles) in self.roles {
            let facts = inventory.accounts.entry(account).or_default();
            facts.has_authorization_details = true;
            facts.roles += roles.len();
            facts.oidc_issuers.extend(roles.into_values().flatten());
        }
    }
}

fn items<'a>(content: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    list(content.get(name)).into_iter()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn default_version(policy: &Value) -> Option<&Value> {
    let versions = list(policy.get("PolicyVersionList"));
    versions.into_iter().find(|v| v.get("IsDefaultVersion") == Some(&Value::Bool(true)))?.get("Document")
}

/// ARNs of attached policies, what inline ones allow, which is nothing where one of those cannot be read, and their
/// documents.
fn policies_of(entry: &Value, inline: &str) -> (BTreeSet<String>, Option<Mail>, Vec<Value>) {
    let attached = items(entry, "AttachedManagedPolicies").filter_map(|policy| text(policy, "PolicyArn"));
    let documents: Vec<Option<Value>> =
        items(entry, inline).map(|policy| policy.get("PolicyDocument").and_then(document)).collect();
    let allows = documents
        .iter()
        .map(|document| document.as_ref().and_then(mail))
        .try_fold(Mail::default(), |sum, one| Some(sum.or(one?)));
    (attached.map(str::to_owned).collect(), allows, documents.into_iter().flatten().collect())
}

fn issuers_of(role: &Value) -> Vec<String> {
    let mut issuers = Vec::new();
    let Some(document) = role.get("AssumeRolePolicyDocument").and_then(document) else { return issuers };
    for statement in list(document.get("Statement")) {
        let federated = statement.get("Principal").and_then(|p| p.get("Federated"));
        for arn in list(federated).into_iter().filter_map(Value::as_str) {
            if let Some((_, issuer)) = arn.split_once(":oidc-provider/") {
                issuers.push(issuer.to_owned());
            }
        }
    }
    issuers
}

/// AWS principals of a role's trust policy.
fn principals_of(role: &Value) -> Vec<String> {
    let Some(document) = role.get("AssumeRolePolicyDocument").and_then(document) else { return Vec::new() };
    let statements = list(document.get("Statement")).into_iter();
    let named = statements.flat_map(|s| list(s.get("Principal").and_then(|p| p.get("AWS"))));
    named.filter_map(Value::as_str).map(str::to_owned).collect()
}
