//! Evaluates identity policies, as IAM does for a request of a principal in its own account
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).
//!
//! Weighed are identity policies and a permissions boundary. Resource policies, service and resource control policies and
//! session policies are not: they can only be known where they are.

use super::conditions::{Truth, condition};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// `service:Action`.
    pub action: &'a str,
    /// ARN, or `*` for actions that take no resource.
    pub resource: &'a str,
    /// Condition keys in small letters, and their values.
    pub context: BTreeMap<String, Vec<String>>,
}

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// Policies allow it, and the boundary does not.
    OutsideBoundary,
    /// It depends on a part of a policy that cannot be evaluated: an unknown operator, or a statement in no known form.
    Unknown,
}

impl Decision {
    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied by a statement",
            Self::NotAllowed => "allowed by no statement",
            Self::OutsideBoundary => "outside of the permissions boundary",
            Self::Unknown => "not known: a statement cannot be evaluated",
        }
    }
}

/// Decides a request by the documents of a principal's policies and its boundary.
pub fn decide(policies: &[&Value], boundary: Option<&Value>, request: &Request<'_>) -> Decision {
    let by_policies = sum(policies, request);
    match boundary {
        Some(_) if by_policies == Decision::Denied => Decision::Denied,
        Some(boundary) => match (by_policies, sum(&[boundary], request)) {
            (_, Decision::Denied) => Decision::Denied,
            (Decision::Allowed, Decision::NotAllowed) => Decision::OutsideBoundary,
            (Decision::Allowed, other) => other,
            (other, _) => other,
        },
        None => by_policies,
    }
}

fn sum(policies: &[&Value], request: &Request<'_>) -> Decision {
    let (mut allowed, mut open) = (false, false);
    for statement in policies.iter().flat_map(|policy| list(policy.get("Statement"))) {
        let truth = applies(statement, request);
        match (statement.get("Effect").and_then(Value::as_str), truth) {
            (_, Truth::No) => {}
            (Some("Deny"), Truth::Yes) => return Decision::Denied,
            (Some("Allow"), Truth::Yes) => allowed = true,
            _ => open = true,
        }
    }
    match (allowed, open) {
        // What cannot be evaluated may be a denial.
        (_, true) => Decision::Unknown,
        (true, false) => Decision::Allowed,
        (false, false) => Decision::NotAllowed,
    }
}

fn applies(statement: &Value, request: &Request<'_>) -> Truth {
    let action =
        || element(statement, "Action", "NotAction", |pattern| action_matches(pattern, request.action));
    let resource =
        || element(statement, "Resource", "NotResource", |pattern| resource_matches(pattern, request));
    let conditions = || match statement.get("Condition") {
        None => Truth::Yes,
        Some(Value::Object(operators)) => Truth::all(operators.iter().flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, values)| condition(operator, key, &list(Some(values)), request))
        })),
        Some(_) => Truth::Unknown,
    };
    // The cheap ones first; one that does not apply settles it.
    match (action(), resource()) {
        (Truth::No, _) | (_, Truth::No) => Truth::No,
        (a, b) => Truth::all([a, b, conditions()]),
    }
}

fn element(statement: &Value, name: &str, not: &str, matches: impl Fn(&str) -> bool) -> Truth {
    let any = |value: &Value| list(Some(value)).into_iter().filter_map(Value::as_str).any(&matches);
    match (statement.get(name), statement.get(not)) {
        (Some(value), None) => Truth::from(any(value)),
        (None, Some(value)) => Truth::from(!any(value)),
        _ => Truth::Unknown,
    }
}

/// Service and action are compared without case
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).
pub(super) fn action_matches(pattern: &str, action: &str) -> bool {
    // Every action there is gets compared for every user: on bytes, without copies, and nearly all differ at once.
    let first = |text: &str| text.as_bytes().first().map(u8::to_ascii_lowercase);
    if !matches!(first(pattern), Some(b'*' | b'?')) && first(pattern) != first(action) {
        return false;
    }
    if pattern.contains('?') && !action.is_ascii() {
        return wildcard(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
    }
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let fits = |p: &u8, t: &u8| *p == b'?' || p.eq_ignore_ascii_case(t);
    crate::model::wildcard(pattern, action, |p| *p == b'*', fits)
}

fn resource_matches(pattern: &str, request: &Request<'_>) -> bool {
    let Some(pattern) = resolved(pattern, request) else { return false };
    if pattern == ["*"].map(Piece::wild) {
        return true;
    }
    arn_matches(&pattern, request.resource)
}

/// Whether an ARN with wildcards matches an ARN, field by field: a wildcard does not reach over a colon, except in the
/// resource's own field
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>).
pub(super) fn arn_matches(pattern: &[Piece], arn: &str) -> bool {
    let wanted = fields(pattern);
    let have: Vec<&str> = arn.splitn(6, ':').collect();
    if wanted.len() != 6 || have.len() != 6 {
        return glob(pattern, arn);
    }
    wanted.iter().zip(have).all(|(field, text)| glob(field, text))
}

fn fields(pattern: &[Piece]) -> Vec<Vec<Piece>> {
    let mut out = vec![Vec::new()];
    for piece in pattern {
        if *piece == Piece::Char(':') && out.len() < 6 {
            out.push(Vec::new());
        } else if let Some(last) = out.last_mut() {
            last.push(*piece);
        }
    }
    out
}

/// Part of a pattern, variables resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Any,
    One,
    Char(char),
}

impl Piece {
    fn wild(text: &str) -> Self {
        match text {
            "*" => Self::Any,
            "?" => Self::One,
            other => Self::Char(other.chars().next().unwrap_or_default()),
        }
    }
}

/// Pieces of a pattern without variables.
pub(super) fn pieces(pattern: &str) -> Vec<Piece> {
    pattern.chars().map(|c| Piece::wild(c.encode_utf8(&mut [0; 4]))).collect()
}

/// A pattern with its variables resolved; nothing where one has no value, as such a statement matches nothing
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
pub(super) fn resolved(pattern: &str, request: &Request<'_>) -> Option<Vec<Piece>> {
    let mut out = Vec::new();
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        let Some((name, after)) = variable.split_once('}') else { break };
        out.extend(pieces(before));
        match name {
            "*" | "?" | "$" => out.extend(name.chars().map(Piece::Char)),
            _ => {
                let (name, default) = name.split_once(',').map_or((name, None), |(n, d)| (n, Some(d.trim())));
                let values = request.context.get(&name.trim().to_ascii_lowercase());
                let value = match values.map(Vec::as_slice) {
                    Some([one]) => one.as_str(),
                    _ => default?.trim_matches('\''),
                };
                out.extend(value.chars().map(Piece::Char));
            }
        }
        rest = after;
    }
    out.extend(pieces(rest));
    Some(out)
}

/// `*` for any run of characters and `?` for one.
pub(super) fn wildcard(pattern: &str, text: &str) -> bool {
    glob(&pieces(pattern), text)
}

pub(super) fn glob(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let fits = |p: &Piece, t: &char| match p {
        Piece::One => true,
        Piece::Char(wanted) => wanted == t,
        Piece::Any => false,
    };
    crate::model::wildcard(pattern, &text, |p| *p == Piece::Any, fits)
}

/// IAM writes one item bare and several as a list.
pub(super) fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decided(statements: Value, action: &str, resource: &str) -> Decision {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let context = BTreeMap::from([("aws:username".to_owned(), vec!["ann".to_owned()])]);
        decide(&[&policy], None, &Request { action, resource, context })
    }

    #[test]
    fn statements_and_what_they_decide() {
        let object = "arn:aws:s3:::b/home/ann/x";
        let allow = |action: Value, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
        let deny = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        use Decision::{Allowed, Denied, NotAllowed, Unknown};
        let cases = [
            (allow(json!("s3:GetObject"), json!("*")), Allowed),
            (allow(json!("S3:get*"), json!(["arn:aws:s3:::b/*"])), Allowed),
            (allow(json!("s3:Get?bject"), json!("arn:aws:s3:::b/home/${aws:username}/*")), Allowed),
            (allow(json!("s3:GetObject"), json!("arn:aws:s3:::b/home/${aws:userid}/*")), NotAllowed),
            (allow(json!("s3:GetObject"), json!("arn:aws:s3:::b/home/${aws:userid, 'ann'}/*")), Allowed),
            (allow(json!("s3:GetObject"), json!("arn:aws:s3:::b/home/${*}/*")), NotAllowed),
            (allow(json!("s3:GetObject"), json!("arn:aws:s3:::B/*")), NotAllowed),
            (json!([allow(json!("s3:*"), json!("*")), deny("s3:Get*")]), Denied),
            (json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}), Allowed),
            (json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}), NotAllowed),
            (json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}), NotAllowed),
            (json!({"Effect": "Allow", "Action": "s3:*"}), Unknown),
            (json!([]), NotAllowed),
            (
                json!([allow(json!("s3:*"), json!("*")),
                    {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"NewOperator": {"aws:x": "y"}}}]),
                Unknown,
            ),
        ];
        for (statements, want) in cases {
            assert_eq!(decided(statements.clone(), "s3:GetObject", object), want, "{statements}");
        }
    }

    #[test]
    fn wildcards_stay_in_their_fields() {
        let allow = |resource: &str| json!({"Effect": "Allow", "Action": "*", "Resource": resource});
        let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
        for (pattern, want) in [
            ("arn:aws:sqs:*:111122223333:q", true),
            ("arn:aws:sqs:*:*:*", true),
            ("arn:*:q", true),
            ("arn:aws:sqs:*:q:q", false),
            ("arn:aws:sqs:eu-*:111122223333:?", true),
        ] {
            assert_eq!(
                decided(allow(pattern), "sqs:SendMessage", queue) == Decision::Allowed,
                want,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_boundary_only_takes_away() {
        let all = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        let s3 = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
        let none = json!({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}});
        let request = |action| Request { action, resource: "*", context: BTreeMap::new() };
        assert_eq!(decide(&[&all], Some(&s3), &request("s3:ListAllMyBuckets")), Decision::Allowed);
        assert_eq!(decide(&[&all], Some(&s3), &request("sqs:ListQueues")), Decision::OutsideBoundary);
        assert_eq!(decide(&[&s3], Some(&all), &request("sqs:ListQueues")), Decision::NotAllowed);
        assert_eq!(decide(&[&all], Some(&none), &request("s3:ListAllMyBuckets")), Decision::Denied);
    }
}
