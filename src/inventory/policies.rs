//! The one question asked of policies so far: may this user send mail through Amazon SES?

use crate::model::wildcard;
use serde_json::Value;

/// What a policy document allows of `ses:SendRawEmail`, the action that SMTP needs
/// (<https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html>). Denials and conditions are not
/// weighed: the answer is about what may be, and blocks the verdict "unused".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    /// A statement that names SES allows it.
    pub(crate) named: bool,
    /// A statement allows everything.
    pub(crate) by_wildcard: bool,
}

impl Mail {
    pub(crate) fn or(self, other: Mail) -> Mail {
        Mail { named: self.named || other.named, by_wildcard: self.by_wildcard || other.by_wildcard }
    }
}

/// Reads a policy document: an object, or its JSON as a string, percent-encoded or not. Nothing where it cannot be read.
pub(crate) fn document(value: &Value) -> Option<Value> {
    let parsed = match value {
        Value::String(text) => {
            serde_json::from_str(text).or_else(|_| serde_json::from_str(&percent_decoded(text))).ok()?
        }
        other => other.clone(),
    };
    parsed.get("Statement")?;
    Some(parsed)
}

/// What a policy allows; nothing where it cannot be read, which is not the same as allowing nothing.
pub(crate) fn mail(value: &Value) -> Option<Mail> {
    let document = document(value)?;
    let mut mail = Mail::default();
    for statement in list(document.get("Statement")) {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        for action in list(statement.get("Action")).into_iter().filter_map(Value::as_str) {
            let action = action.to_ascii_lowercase();
            if glob(action.as_bytes(), b"ses:sendrawemail") {
                if action.starts_with("ses:") { mail.named = true } else { mail.by_wildcard = true }
            }
        }
        if statement.get("NotAction").is_some() {
            let excluded = list(statement.get("NotAction")).into_iter().filter_map(Value::as_str);
            let mut excluded = excluded.map(str::to_ascii_lowercase);
            mail.by_wildcard |= !excluded.any(|action| glob(action.as_bytes(), b"ses:sendrawemail"));
        }
    }
    Some(mail)
}

/// IAM writes one item bare and several as a list.
pub(crate) fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

/// `*` for any run of characters and `?` for one
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    wildcard(pattern, text, |p| *p == b'*', |p, t| *p == b'?' || p == t)
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        if byte == b'%' {
            let mut ahead = bytes.clone();
            if let (Some(high), Some(low)) = (digit(ahead.next()), digit(ahead.next())) {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
                continue;
            }
        }
        out.push(byte);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_may_send_mail() {
        let policy = |statement: Value| json!({"Version": "2012-10-17", "Statement": statement});
        let cases = [
            (
                policy(json!({"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"})),
                (true, false),
            ),
            (
                policy(json!([{"Effect": "Allow", "Action": ["s3:*", "SES:Send*"], "Resource": "*"}])),
                (true, false),
            ),
            (policy(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})), (false, true)),
            (policy(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})), (false, true)),
            (policy(json!({"Effect": "Allow", "NotAction": ["ses:*"], "Resource": "*"})), (false, false)),
            (policy(json!({"Effect": "Deny", "Action": "ses:*", "Resource": "*"})), (false, false)),
            (policy(json!({"Effect": "Allow", "Action": "ses:Get*", "Resource": "*"})), (false, false)),
            (
                json!(
                    "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ses%3A%2A%22%7D%7D"
                ),
                (true, false),
            ),
        ];
        for unreadable in [
            json!(null),
            json!("{not json"),
            json!({}),
            json!("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"ses:SendRawEm"),
        ] {
            assert_eq!(mail(&unreadable), None, "{unreadable}");
        }
        for (document, (named, by_wildcard)) in cases {
            assert_eq!(mail(&document), Some(Mail { named, by_wildcard }), "{document}");
        }
    }
}
