//! Builds trust policies. What only the owner knows becomes a placeholder in angle brackets, which IAM refuses,
//! so that none can be overlooked; each is listed as a need with the question to ask.

use serde_json::{Map, Value, json};

/// Something the owner has to fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The placeholder's name, as it stands between angle brackets.
    pub name: &'static str,
    /// What to ask.
    pub ask: &'static str,
}

/// A trust policy and what is still missing in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustPolicy {
    /// The document
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>).
    pub document: Value,
    /// Placeholders in it.
    pub needs: Vec<Need>,
}

/// Conditions, as (operator, key, value); every operator is a plain one. `ForAllValues:` is never used: it
/// passes when the claim is absent.
type Condition<'a> = (&'a str, &'a str, Value);

impl TrustPolicy {
    /// A role that an AWS service assumes.
    pub fn service(principal: &str, conditions: &[Condition<'_>], needs: &[Need]) -> Self {
        Self::new(json!({"Service": principal}), &["sts:AssumeRole"], conditions, needs)
    }

    /// A role that an AWS service assumes with session tags, and whatever further actions it needs.
    pub fn service_with(
        principal: &str,
        actions: &[&str],
        conditions: &[Condition<'_>],
        needs: &[Need],
    ) -> Self {
        Self::new(json!({"Service": principal}), actions, conditions, needs)
    }

    /// A role for identities of an OIDC provider: exact audience, exact or patterned subject.
    pub fn web_identity(account: &str, issuer: &str, audience: &str, subject: &str, needs: &[Need]) -> Self {
        let provider = format!("arn:aws:iam::{account}:oidc-provider/{issuer}");
        let (aud, sub) = (format!("{issuer}:aud"), format!("{issuer}:sub"));
        // The exact subject is the rule; a pattern only where part of the claim differs at each run.
        let operator = if subject.contains('*') { "StringLike" } else { "StringEquals" };
        let conditions =
            [("StringEquals", aud.as_str(), json!(audience)), (operator, sub.as_str(), json!(subject))];
        Self::new(json!({"Federated": provider}), &["sts:AssumeRoleWithWebIdentity"], &conditions, needs)
    }

    /// The same policy with its ARNs in another partition
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
    pub fn in_partition(mut self, partition: &str) -> Self {
        rewrite(&mut self.document, partition);
        self
    }

    /// The policy with a placeholder filled in, and whether there was one of that name.
    pub fn fill(&mut self, name: &str, value: &str) -> bool {
        let known = self.needs.iter().any(|need| need.name == name);
        if known {
            self.needs.retain(|need| need.name != name);
            replace_text(&mut self.document, &format!("<{name}>"), value);
        }
        known
    }

    /// Every occurrence of a text replaced.
    pub fn replace(&mut self, from: &str, to: &str) {
        replace_text(&mut self.document, from, to);
    }

    /// The identity provider replaced by another, in principal and conditions, if its name starts so.
    pub fn replace_issuer(&mut self, start: &str, to: &str) -> bool {
        let principal = self.document.pointer("/Statement/0/Principal/Federated").and_then(Value::as_str);
        let issuer =
            principal.and_then(|arn| arn.split_once(":oidc-provider/")).map(|(_, issuer)| issuer.to_owned());
        let Some(issuer) = issuer.filter(|issuer| issuer.starts_with(start)) else { return false };
        replace_text(&mut self.document, &issuer, to);
        true
    }

    /// With one more condition on every statement.
    pub fn require(&mut self, operator: &str, key: &str, value: &str) {
        for statement in
            self.document.get_mut("Statement").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let conditions =
                statement.as_object_mut().map(|s| s.entry("Condition").or_insert_with(|| json!({})));
            let keys = conditions
                .and_then(Value::as_object_mut)
                .map(|c| c.entry(operator).or_insert_with(|| json!({})));
            if let Some(keys) = keys.and_then(Value::as_object_mut) {
                keys.insert(key.to_owned(), json!(value));
            }
        }
    }

    /// A role for a Google service account. Google is built into IAM: the principal is its name, and the
    /// token's audience arrives as `:oaud`
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>).
    pub fn google(audience: &str, subject: &str, needs: &[Need]) -> Self {
        let conditions = [
            ("StringEquals", "accounts.google.com:oaud", json!(audience)),
            ("StringEquals", "accounts.google.com:sub", json!(subject)),
        ];
        let principal = json!({"Federated": "accounts.google.com"});
        Self::new(principal, &["sts:AssumeRoleWithWebIdentity"], &conditions, needs)
    }

    /// A role for machines with a certificate: trust anchor and subject are both pinned, as any certificate of
    /// any anchor would do otherwise
    /// (<https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html>).
    pub fn roles_anywhere(region: &str, account: &str) -> Self {
        let anchor = format!("arn:aws:rolesanywhere:{region}:{account}:trust-anchor/<TRUST_ANCHOR_ID>");
        Self::service_with(
            "rolesanywhere.amazonaws.com",
            &["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            &[
                ("ArnEquals", "aws:SourceArn", json!(anchor)),
                ("StringEquals", "aws:PrincipalTag/x509Subject/CN", json!("<COMMON_NAME>")),
            ],
            &[
                Need {
                    name: "TRUST_ANCHOR_ID",
                    ask: "Which Roles Anywhere trust anchor stands for your certificate authority?",
                },
                Need { name: "COMMON_NAME", ask: "Which common name does the machine's certificate carry?" },
            ],
        )
    }

    /// A role that another company's principal assumes, with an external id of its own.
    pub fn external(principal: &str, external_id: &str, needs: &[Need]) -> Self {
        let conditions = [("StringEquals", "sts:ExternalId", json!(external_id))];
        Self::new(json!({"AWS": principal}), &["sts:AssumeRole"], &conditions, needs)
    }

    fn new(principal: Value, actions: &[&str], conditions: &[Condition<'_>], needs: &[Need]) -> Self {
        let mut statement = Map::new();
        statement.insert("Effect".into(), json!("Allow"));
        statement.insert("Principal".into(), principal);
        statement.insert("Action".into(), if let [one] = actions { json!(one) } else { json!(actions) });
        if !conditions.is_empty() {
            let mut block = Map::new();
            for (operator, key, value) in conditions {
                let entry = block.entry(*operator).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(keys) = entry {
                    keys.insert((*key).to_owned(), value.clone());
                }
            }
            statement.insert("Condition".into(), Value::Object(block));
        }
        Self {
            document: json!({"Version": "2012-10-17", "Statement": [Value::Object(statement)]}),
            needs: needs.to_vec(),
        }
    }
}

fn rewrite(value: &mut Value, partition: &str) {
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix("arn:aws:") {
                *text = format!("arn:{partition}:{rest}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, partition)),
        Value::Object(map) => map.values_mut().for_each(|item| rewrite(item, partition)),
        _ => {}
    }
}

/// Also in keys: some condition keys begin with the issuer.
fn replace_text(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => *text = text.replace(from, to),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_text(item, from, to)),
        Value::Object(map) => {
            let members = std::mem::take(map);
            for (key, mut member) in members {
                replace_text(&mut member, from, to);
                map.insert(key.replace(from, to), member);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_all_listed_and_partitions_reach_every_arn() {
        let trust = TrustPolicy::roles_anywhere("cn-north-1", "111122223333").in_partition("aws-cn");
        let text = trust.document.to_string();
        assert!(!text.contains("arn:aws:") && text.contains("arn:aws-cn:rolesanywhere"));
        for need in &trust.needs {
            assert!(text.contains(&format!("<{}>", need.name)));
        }
        assert_eq!(text.matches('<').count(), trust.needs.len());
    }

    #[test]
    fn patterns_only_where_the_subject_has_one() {
        let exact = TrustPolicy::web_identity("111122223333", "issuer", "aud", "sub", &[]);
        let pattern = TrustPolicy::web_identity("111122223333", "issuer", "aud", "sub:*", &[]);
        let conditions = |t: &TrustPolicy| t.document["Statement"][0]["Condition"].to_string();
        assert!(!conditions(&exact).contains("StringLike"));
        assert!(conditions(&pattern).contains(r#""StringLike":{"issuer:sub":"sub:*"}"#));
        assert!(!conditions(&pattern).contains("ForAllValues"));
    }
}
