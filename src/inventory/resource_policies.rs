//! Policies of resources, and grants of KMS keys: whom they name.

use super::policies::{document, list};
use serde_json::Value;
use std::collections::BTreeSet;

/// One resource's policy or grant, and the principals in it: ARNs and unique ids.
pub(crate) struct Named {
    pub(crate) what: String,
    pub(crate) principals: BTreeSet<String>,
}

/// Reads the output of one of `aws s3api get-bucket-policy`, `kms get-key-policy`, `kms list-grants`, `sns
/// get-topic-attributes`, `sqs get-queue-attributes`, `secretsmanager get-resource-policy`, `ecr get-repository-policy`; and
/// notes on what was odd. Only some of them name their resource: a policy may name it itself, else its file does.
pub(crate) fn read(content: &Value, label: &str) -> (Vec<Named>, Vec<String>) {
    if let Some(grants) = content.get("Grants") {
        let grants = list(Some(grants)).into_iter().map(|grant| {
            let principals =
                ["GranteePrincipal", "RetiringPrincipal"].iter().filter_map(|name| text(grant, name));
            let (key, id) =
                (text(grant, "KeyId").unwrap_or(label), text(grant, "GrantId").unwrap_or_default());
            Named {
                what: format!("grant {id} of {key}"),
                principals: principals.map(str::to_owned).collect(),
            }
        });
        return (grants.collect(), Vec::new());
    }
    let attributes = content.get("Attributes");
    let policy = content
        .get("Policy")
        .or_else(|| attributes?.get("Policy"))
        .or_else(|| content.get("ResourcePolicy"))
        .or_else(|| content.get("policyText"));
    let Some(policy) = policy.and_then(document) else {
        return (Vec::new(), vec!["a resource's policy that cannot be read".to_owned()]);
    };
    let told = ["TopicArn", "QueueArn"].iter().find_map(|name| text(attributes?, name));
    let told = told.or_else(|| ["ARN", "repositoryName"].iter().find_map(|name| text(content, name)));
    let statements = list(policy.get("Statement"));
    let own = || {
        let resources = statements.iter().flat_map(|statement| list(statement.get("Resource")));
        resources.filter_map(Value::as_str).find(|resource| *resource != "*")
    };
    let what = told.or_else(own).map_or_else(|| label.to_owned(), str::to_owned);
    let mut principals = BTreeSet::new();
    for statement in &statements {
        for name in ["Principal", "NotPrincipal"] {
            let named =
                list(statement.get(name).and_then(|p| p.get("AWS"))).into_iter().filter_map(Value::as_str);
            principals.extend(named.map(str::to_owned));
        }
        // Conditions name users by ARN (aws:PrincipalArn) and unique id (aws:userid), too.
        if let Some(conditions) = statement.get("Condition") {
            strings(conditions, &mut |text| {
                if text.contains(":user/") || text.starts_with("AIDA") {
                    principals.insert(text.to_owned());
                }
            });
        }
    }
    (vec![Named { what: format!("the policy of {what}"), principals }], Vec::new())
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn strings(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(map) => map.values().for_each(|item| strings(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whom_policies_and_grants_name() {
        let policy = |resource: &str| {
            json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:user/ci", "AIDAEXAMPLE"]},
                "Action": "*", "Resource": resource, "Condition": {"StringLike": {"aws:userid": ["AIDAOTHER", "x"]}}}]})
            .to_string()
        };
        let cases = [
            (json!({"Policy": policy("arn:aws:s3:::b/*")}), "the policy of arn:aws:s3:::b/*", 3),
            (json!({"Policy": policy("*")}), "the policy of key.json", 3),
            (
                json!({"Attributes": {"Policy": policy("*"), "QueueArn": "arn:aws:sqs:x"}}),
                "the policy of arn:aws:sqs:x",
                3,
            ),
            (
                json!({"ARN": "arn:aws:secretsmanager:x", "ResourcePolicy": policy("*")}),
                "the policy of arn:aws:secretsmanager:x",
                3,
            ),
            (json!({"repositoryName": "app", "policyText": policy("*")}), "the policy of app", 3),
            (
                json!({"Grants": [{"KeyId": "k", "GrantId": "g", "GranteePrincipal": "arn:aws:iam::111122223333:user/ci"}]}),
                "grant g of k",
                1,
            ),
        ];
        for (content, what, principals) in cases {
            let (named, notes) = read(&content, "key.json");
            assert!(notes.is_empty(), "{content}");
            assert_eq!((named[0].what.as_str(), named[0].principals.len()), (what, principals), "{content}");
        }
        assert_eq!(read(&json!({"Policy": "{\"Statement\":"}), "x").1.len(), 1);
    }
}
