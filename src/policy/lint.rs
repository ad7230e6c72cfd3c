//! Trust policies that are refused, whatever was filled in: each lets in more than it seems.

use super::evaluate::list;
use serde_json::Value;

/// What is wrong with a trust policy, in sentences; none where nothing is.
///
/// Rules: no wildcard principal; no `ForAllValues:`, which holds where the claim is absent
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>);
/// another company's account only with an external id
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>); a web identity only with audience and subject
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>); certificates only with
/// trust anchor and subject (<https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html>).
pub fn faults(document: &Value) -> Vec<String> {
    list(document.get("Statement")).into_iter().flat_map(of_statement).collect()
}

fn of_statement(statement: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return out;
    }
    let principal = statement.get("Principal");
    let of = |kind: &str| -> Vec<&str> {
        list(principal.and_then(|p| p.get(kind))).into_iter().filter_map(Value::as_str).collect()
    };
    let (aws, federated, services) = (of("AWS"), of("Federated"), of("Service"));
    if statement.get("NotPrincipal").is_some() || principal.is_none_or(Value::is_string) || aws.contains(&"*")
    {
        out.push("anybody may assume it: name the principal".to_owned());
    }
    let conditions: Vec<(&str, &str, Vec<&str>)> = statement
        .get("Condition")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .flat_map(|(operator, keys)| {
            keys.as_object().into_iter().flatten().map(move |(key, values)| {
                (
                    operator.as_str(),
                    key.as_str(),
                    list(Some(values)).into_iter().filter_map(Value::as_str).collect(),
                )
            })
        })
        .collect();
    if conditions.iter().any(|(operator, ..)| operator.starts_with("ForAllValues:")) {
        out.push(
            "a condition with ForAllValues holds where the claim is absent: use a plain operator".to_owned(),
        );
    }
    let has = |end: &str| {
        conditions.iter().find(|(operator, key, _)| !operator.contains("Not") && key.ends_with(end))
    };
    if aws.iter().any(|arn| *arn != "*") && has("sts:ExternalId").is_none() {
        out.push("another account may assume it without an external id".to_owned());
    }
    let by_token = federated.iter().any(|f| !f.contains(":saml-provider/"));
    if by_token {
        for (end, what) in [(":aud", "audience"), (":sub", "subject")] {
            let audience_of_google = end == ":aud" && has(":oaud").is_some();
            if has(end).is_none() && !audience_of_google {
                out.push(format!("any {what} of the identity provider is let in: pin {end}"));
            }
        }
        for (operator, key, values) in conditions.iter().filter(|(_, key, _)| key.ends_with(":sub")) {
            out.extend(values.iter().filter_map(|value| subject(operator, key, value)));
        }
    }
    if services.contains(&"rolesanywhere.amazonaws.com")
        && (has("aws:SourceArn").is_none() || has("x509Subject/CN").is_none())
    {
        out.push("any certificate of any trust anchor is let in: pin anchor and subject".to_owned());
    }
    out
}

/// Characters that have to stand before a wildcard, so that it cannot reach other tenants.
const BEFORE_WILDCARD: usize = 12;

fn subject(operator: &str, key: &str, value: &str) -> Option<String> {
    let wildcard = value.find(['*', '?']);
    let github = key.starts_with("token.actions.githubusercontent.com");
    if operator.starts_with("StringLike") && (wildcard.is_some_and(|at| at < BEFORE_WILDCARD || github)) {
        return Some(format!("subject {value:?} lets in others than the one meant: write it in full"));
    }
    if !github || value.contains('<') {
        return None;
    }
    // https://docs.github.com/en/actions/reference/security/oidc: names carry ids in repositories made, renamed or moved
    // after 2026-07-15.
    let mut parts = value.splitn(3, ':');
    let (kind, repository, rest) =
        (parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let named = repository.split_once('/').is_some_and(|(owner, name)| {
        let whole = |text: &str| !text.is_empty() && !text.starts_with('@') && !text.ends_with('@');
        whole(owner) && whole(name) && owner.contains('@') == name.contains('@')
    });
    let of_job = rest == "pull_request"
        || ["ref:refs/heads/", "ref:refs/tags/", "environment:", "job_workflow_ref:"]
            .iter()
            .any(|s| rest.starts_with(s));
    (kind != Some("repo") || !named || !of_job).then(|| {
        format!(
            "subject {value:?} is none of GitHub's: repo:OWNER/REPO:ref:refs/heads/BRANCH, repo:OWNER/REPO:environment:NAME or repo:OWNER/REPO:pull_request, with OWNER@ID/REPO@ID for repositories made, renamed or moved after 2026-07-15"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::trust::TrustPolicy;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_refused() {
        let with = |principal: Value, condition: Value| json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}]});
        let github = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"});
        let sub = |operator: &str, sub: &str| {
            json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                operator: {"token.actions.githubusercontent.com:sub": sub, "token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}})
        };
        let vendor = json!({"AWS": "arn:aws:iam::444455556666:root"});
        let cases = [
            (with(json!("*"), json!({})), 1),
            (with(json!({"AWS": "*"}), json!({})), 1),
            (with(vendor.clone(), json!({})), 1),
            (with(vendor, json!({"StringEquals": {"sts:ExternalId": "x"}})), 0),
            (with(json!({"Service": "ec2.amazonaws.com"}), json!({})), 0),
            (with(json!({"Service": "rolesanywhere.amazonaws.com"}), json!({})), 1),
            (with(github.clone(), json!({})), 2),
            (with(github.clone(), json!({"ForAllValues:StringEquals": {"x:aud": "a", "x:sub": "b"}})), 1),
            (with(github.clone(), sub("StringEquals", "repo:example/app:ref:refs/heads/main")), 0),
            (with(github.clone(), sub("StringEquals", "repo:example@1/app@2:environment:prod")), 0),
            (with(github.clone(), sub("StringEquals", "repo:example@1/app:environment:prod")), 1),
            (with(github.clone(), sub("StringEquals", "repo:example/app:pull_request")), 0),
            (with(github.clone(), sub("StringEquals", "repo:example/app")), 1),
            (with(github.clone(), sub("StringEquals", "example/app:ref:refs/heads/main")), 1),
            (with(github.clone(), sub("StringLike", "repo:example/*:ref:refs/heads/main")), 1),
            (with(github, sub("StringLike", "*")), 1),
        ];
        for (document, want) in cases {
            assert_eq!(faults(&document).len(), want, "{document} {:?}", faults(&document));
        }
        let safe = TrustPolicy::roles_anywhere("eu-west-1", "111122223333");
        assert_eq!(faults(&safe.document), Vec::<String>::new());
    }
}
