//! Names from logs as policies write them, and what kinds of things they are of.

use std::borrow::Cow;

/// A name from a log, as a policy has to write it so that it stands for itself and nothing else
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>). Policies
/// hold no characters past U+00FF (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>): `?` stands
/// for each of those.
pub(super) fn safe(name: Cow<'_, str>) -> Cow<'_, str> {
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'*' | b'?' | b'$');
    if name.bytes().all(plain) {
        return name;
    }
    let mut out = String::with_capacity(name.len() + 8);
    for c in name.chars() {
        match c {
            '*' | '?' | '$' => out.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            ' '..='~' | '\u{a1}'..='\u{ff}' => out.push(c),
            _ => out.push('?'),
        }
    }
    Cow::Owned(out)
}

/// ARNs that records and requests write otherwise than policies do.
pub(super) fn mended(arn: Cow<'_, str>) -> Cow<'_, str> {
    // A log group's ARN is often written with the wildcard that policies have.
    if arn.contains(":log-group:") && arn.ends_with(":${*}") {
        return Cow::Owned(arn.trim_end_matches(":${*}").to_owned());
    }
    // A secret's ARN ends in a hyphen and six characters, which callers may leave out
    // (https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html).
    if arn.contains(":secretsmanager:") && arn.contains(":secret:") {
        let whole = arn
            .rsplit_once('-')
            .is_some_and(|(_, end)| end.len() == 6 && end.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !whole {
            return arn + "-??????";
        }
    }
    arn
}

/// Words inside ARNs that tell kinds of resources apart.
const WORDS: &[&str] = &[
    "autoScalingGroupName",
    "backup",
    "deployments",
    "export",
    "import",
    "index",
    "integration",
    "launchConfigurationName",
    "log-stream",
    "methods",
    "model-endpoint",
    "object",
    "resources",
    "stages",
    "stream",
];

/// Services whose resources are names and nothing else.
const BARE: &[&str] = &["codecommit", "codepipeline", "sns", "sqs"];

/// What kinds of things one record names, behind `kinds:`: an ARN of each kind, names as `x`. Policies have to cover every
/// call of a name, and calls of one name may act on different kinds of things.
pub(super) fn kinds(resources: &[String]) -> Option<String> {
    let mut out = String::from(KINDS);
    if let [arn] = resources {
        return kind(arn, &mut out).then_some(out);
    }
    let of = |arn: &String| {
        let mut kind = String::new();
        self::kind(arn, &mut kind).then_some(kind)
    };
    let mut kinds: Vec<String> = resources.iter().filter_map(of).collect();
    kinds.sort_unstable();
    kinds.dedup();
    out.push_str(&kinds.join(" "));
    (!kinds.is_empty()).then_some(out)
}

const KINDS: &str = "kinds:";

/// Spells the kind of an ARN; tells whether it is one.
fn kind(arn: &str, out: &mut String) -> bool {
    let mut ends = arn.bytes().enumerate().filter(|(_, b)| *b == b':').map(|(at, _)| at).skip(1).take(4);
    let (Some(second), Some(third), Some(fourth), Some(fifth)) =
        (ends.next(), ends.next(), ends.next(), ends.next())
    else {
        return false;
    };
    let part = |from: usize, to: usize| arn.get(from + 1..to).unwrap_or_default();
    let (service, account) = (part(second, third), part(fourth, fifth));
    let resource = arn.get(fifth + 1..).unwrap_or_default();
    out.reserve(arn.len() + 16);
    let from = out.len();
    for part in ["arn:aws:", service, ":", mask(part(third, fourth)), ":", mask(account), ":"] {
        out.push_str(part);
    }
    if service == "s3" && account.is_empty() {
        out.push_str(if resource.contains('/') { "x/x" } else { "x" });
        return true;
    }
    let bare = BARE.contains(&service);
    let (mut first, mut rest) = (true, resource);
    for n in 0..6 {
        if rest.is_empty() {
            break;
        }
        let end = rest.bytes().position(|b| matches!(b, b'/' | b':'));
        let (name, mark, after) = match end {
            Some(at) => (rest.get(..at), rest.get(at..=at), rest.get(at + 1..)),
            None => (Some(rest), None, None),
        };
        let name = name.unwrap_or_default();
        let keep = name.is_empty() || first && !bare || n > 0 && WORDS.contains(&name);
        out.push_str(if keep { name } else { "x" });
        out.push_str(mark.unwrap_or_default());
        first &= name.is_empty();
        rest = after.unwrap_or_default();
    }
    let spelled = out.get(from..).unwrap_or_default();
    if spelled.bytes().any(|b| !b.is_ascii_graphic()) {
        let spelled: String = spelled.chars().filter(|c| !c.is_whitespace()).collect();
        out.truncate(from);
        out.push_str(&spelled);
    }
    true
}

fn mask(field: &str) -> &'static str {
    if field.is_empty() { "" } else { "x" }
}

pub(super) fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.first_chunk::<2>().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
