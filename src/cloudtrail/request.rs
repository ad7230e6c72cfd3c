//! What a record's resources and request say of the permission that the call needed: what it acted on, and what the
//! request shows that only some calls of its name have.

use super::fields::Fields;
use super::json::Walk;
use super::targets::{TARGETS, Target};
use super::text::{lossy_string, text};
use serde_json::Value;
use std::borrow::Cow;

/// Longer names are no ARNs: those end at 2,048 characters
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResourceNameType.html>).
const LONGEST: usize = 2048;
/// Resources taken from one record; no call names more, and a forged list must not fill memory.
const MOST: usize = 100;

/// Whose call it was, for names that have to be completed.
pub(super) struct Setting<'a> {
    pub(super) host: &'a str,
    pub(super) event: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) caller_arn: &'a str,
    pub(super) error: &'a str,
    pub(super) reads: bool,
}

/// ARNs as policies write them, and what the request shows.
#[derive(Default)]
pub(super) struct Named<'a> {
    pub(super) resources: Vec<Cow<'a, str>>,
    pub(super) shows: Vec<Cow<'static, str>>,
}

/// Members of requests that mean tags are set at once.
const TAGS: &[&str] =
    &["tags", "taglist", "tagset", "resourcetags", "tagspecificationset", "tagspecifications"];

/// Other members of requests by which a call needs more: host, member, and what it shows.
const SHOWS: &[(&str, &str, &str)] = &[
    ("autoscaling", "serviceNamespace", "service-namespace"),
    ("bedrock", "guardrailIdentifier", "guardrail"),
    ("lambda", "layers", "layers"),
    ("s3", "versionId", "version"),
    ("s3", "x-amz-acl", "acl"),
    ("s3", "x-amz-tagging", "object-tags"),
    ("s3", "x-amz-bypass-governance-retention", "bypass-governance"),
    ("secretsmanager", "filters", "filters"),
];

/// Members that carry a role without having "role" in their names.
const ROLE_MEMBERS: &[&str] = &["credentials", "credentialsarn"];

/// Reads both.
pub(super) fn named<'a>(fields: &Fields<'a>, setting: &Setting<'_>) -> Named<'a> {
    let mut named = Named::default();
    for raw in &fields.arns {
        named.resources.push(safe(text(Some(raw))));
    }
    if let Some(raw) = fields.record.request_parameters.filter(|raw| raw.starts_with('{')) {
        Request { raw, setting, members: members(raw) }.read(&mut named);
    }
    if setting.host == "s3" && matches!(setting.error, "NoSuchKey" | "NotFound" | "404") {
        named.shows.push("missing-object".into());
    }
    if setting.reads {
        named.shows.extend(
            matches!(setting.event, "ExecuteStatement" | "BatchExecuteStatement").then_some("reads".into()),
        );
    }
    named.resources.retain(|arn| arn.len() <= LONGEST);
    named.resources.sort_unstable();
    named.resources.dedup();
    named.resources.truncate(MOST);
    named.shows.retain(|show| show.len() <= LONGEST);
    named.shows.sort_unstable();
    named.shows.dedup();
    named
}

/// A name from a log, as a policy has to write it so that it stands for itself and nothing else
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>). Policies
/// hold no characters past U+00FF (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>): `?` stands
/// for each of those.
fn safe(name: Cow<'_, str>) -> Cow<'_, str> {
    let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '*' | '?' | '$');
    if name.chars().all(plain) {
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

/// Members of the request; of repeated ones, the last.
fn members(raw: &str) -> Vec<(&str, &str)> {
    let walk = Walk::new(raw);
    let mut members: Vec<(&str, &str)> = Vec::new();
    // Deeper than the walk goes nothing is looked for, but what came before it counts.
    let _ = walk.object(0, |key, at| {
        let (value, end) = walk.value(at)?;
        if let Ok(key) = std::str::from_utf8(key) {
            members.retain(|(known, _)| *known != key);
            members.push((key, value));
        }
        Some(end)
    });
    members
}

struct Request<'r, 's> {
    raw: &'r str,
    setting: &'s Setting<'s>,
    members: Vec<(&'r str, &'r str)>,
}

impl<'r> Request<'r, '_> {
    fn read(&self, named: &mut Named<'_>) {
        let host = self.setting.host;
        for target in TARGETS.iter().filter(|target| target.host == host) {
            let fits = |start: &&str| self.setting.event.starts_with(start);
            if target.events.is_empty() || target.events.iter().any(fits) {
                self.target(target, named);
            }
        }
        match host {
            "sqs" => named.resources.extend(self.text("queueUrl").and_then(|url| self.queue(&url))),
            "s3" => {
                let source = self.text("x-amz-copy-source");
                named.shows.extend(source.map(|source| Cow::Owned(format!("from:{}", self.copied(&source)))));
            }
            "lambda" => {
                let layers = self.texts("layers[]").into_iter().filter(|layer| layer.starts_with("arn:"));
                named.resources.extend(layers.map(|layer| safe(layer.into())));
            }
            "ec2" => {
                let ids = self.texts("resourcesSet.items[].resourceId");
                named.resources.extend(ids.iter().filter_map(|id| self.of_id(id)));
            }
            "dynamodb" => {
                let items = self.texts("transactItems[]{}");
                named.shows.extend(items.into_iter().map(|kind| Cow::Owned(format!("item:{kind}"))));
            }
            _ => {}
        }
        for (_, member, show) in SHOWS.iter().filter(|(of, ..)| *of == host) {
            if self.member(member).is_some_and(is_something) {
                named.shows.push(Cow::Borrowed(show));
            }
        }
        if self.members.iter().any(|(key, raw)| is_any(key, TAGS) && is_something(raw)) {
            named.shows.push("tags".into());
        }
        self.passed_roles(named);
    }

    /// `iam:PassRole` appears in no log: calls that receive a role say it
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>).
    fn passed_roles(&self, named: &mut Named<'_>) {
        let Setting { host, event, reads, .. } = self.setting;
        if *reads || matches!(*host, "sts" | "kms" | "organizations" | "sso") {
            return;
        }
        if *host == "iam" {
            if *event == "AddRoleToInstanceProfile" {
                for role in self.texts("roleName") {
                    let [p, _, a] = self.place();
                    named
                        .shows
                        .push(format!("pass:arn:{p}:iam::{a}:role/{}", safe(role.clone().into())).into());
                }
            }
            return;
        }
        if memchr::memmem::find(self.raw.as_bytes(), b":role/").is_some()
            && let Ok(value) = serde_json::from_str::<Value>(self.raw)
        {
            roles_in(&value, false, &mut |arn| {
                named.shows.push(Cow::Owned(format!("pass:{}", safe(arn.into()))));
            });
        }
        if let Some(profile) = self.member("iamInstanceProfile").filter(|raw| is_something(raw)) {
            let value: Value = serde_json::from_str(profile).unwrap_or_default();
            let name = ["arn", "name"].iter().find_map(|member| value.get(member)?.as_str());
            named.shows.extend(name.map(|name| Cow::Owned(format!("profile:{name}"))));
        }
    }

    fn target(&self, target: &Target, named: &mut Named<'_>) {
        let [first, rest @ ..] = target.params else { return };
        let rest: Vec<String> =
            rest.iter().filter_map(|param| self.texts(param).into_iter().next()).collect();
        if rest.len() + 1 != target.params.len() {
            return;
        }
        let [partition, region, account] = self.place();
        for name in self.texts(first) {
            let Some(name) = plain(target, &name) else { continue };
            let part = |text: &str| safe(text.to_owned().into()).into_owned();
            let mut arn = target.arn.replace("{p}", partition).replace("{r}", region).replace("{a}", account);
            // Documents that belong to AWS have no account.
            if target.host == "ssm" && name.starts_with("AWS-") {
                arn = arn.replace(&format!(":{account}:document"), "::document");
            }
            // Names last, so that nothing in one is taken for a place.
            let mut out = String::new();
            let mut at = arn.as_str();
            while let Some((before, after)) = at.split_once('{') {
                let (place, after) = after.split_once('}').unwrap_or(("0", after));
                out.push_str(before);
                match place {
                    "0" => out.push_str(&part(name)),
                    _ => out.extend(rest.first().and_then(|text| plain(target, text)).map(part)),
                }
                at = after;
            }
            out.push_str(at);
            named.resources.push(Cow::Owned(out));
        }
    }

    /// Partition, region and account of what is named plainly.
    fn place(&self) -> [&str; 3] {
        let partition = self.setting.caller_arn.split(':').nth(1).filter(|p| p.starts_with("aws"));
        let by_region = match self.setting.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        [partition.unwrap_or(by_region), self.setting.region, self.setting.account]
    }

    /// EC2's ids say what they are of.
    fn of_id(&self, id: &str) -> Option<Cow<'static, str>> {
        let (start, _) = id.rsplit_once('-')?;
        let (kind, shared) = match start {
            "ami" => ("image", true),
            "eipalloc" => ("elastic-ip", false),
            "eni" => ("network-interface", false),
            "i" => ("instance", false),
            "igw" => ("internet-gateway", false),
            "nat" => ("natgateway", false),
            "rtb" => ("route-table", false),
            "sg" => ("security-group", false),
            "snap" => ("snapshot", true),
            "subnet" => ("subnet", false),
            "vol" => ("volume", false),
            "vpc" => ("vpc", false),
            _ => return None,
        };
        let [partition, region, account] = self.place();
        // Images and snapshots have no account in their ARNs.
        let account = if shared { "" } else { account };
        Some(Cow::Owned(format!(
            "arn:{partition}:ec2:{region}:{account}:{kind}/{}",
            safe(id.to_owned().into())
        )))
    }

    /// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>).
    fn queue(&self, url: &str) -> Option<Cow<'static, str>> {
        let mut parts = url.rsplit('/');
        let (name, account) = (parts.next()?, parts.next()?);
        let [partition, region, _] = self.place();
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        is_account.then(|| {
            Cow::Owned(format!("arn:{partition}:sqs:{region}:{account}:{}", safe(name.to_owned().into())))
        })
    }

    /// `BUCKET/KEY`, with or without a slash before it, percent-encoded
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>).
    fn copied(&self, source: &str) -> String {
        let source = source.split("?versionId=").next().unwrap_or_default().trim_start_matches('/');
        if source.starts_with("arn:") {
            return safe(source.into()).into_owned();
        }
        let [partition, ..] = self.place();
        format!("arn:{partition}:s3:::{}", safe(percent_decoded(source).into()))
    }

    fn member(&self, name: &str) -> Option<&'r str> {
        self.members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, raw)| *raw)
    }

    fn text(&self, name: &str) -> Option<String> {
        let raw = self.member(name).filter(|raw| raw.starts_with('"'))?;
        Some(lossy_string(raw).into_owned()).filter(|text| !text.is_empty())
    }

    /// All texts at a path.
    fn texts(&self, path: &str) -> Vec<String> {
        let (first, rest) = match path.find(['.', '[', '{']) {
            None => return self.text(path).into_iter().collect(),
            Some(at) => path.split_at_checked(at).unwrap_or((path, "")),
        };
        let mut out = Vec::new();
        if let Some(raw) = self.member(first).filter(|raw| raw.starts_with(['{', '[']))
            && let Ok(value) = serde_json::from_str::<Value>(raw)
        {
            collect(&value, rest, &mut out);
        }
        out.truncate(MOST);
        out
    }
}

fn collect(value: &Value, path: &str, out: &mut Vec<String>) {
    if path.is_empty() {
        out.extend(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    } else if let Some(rest) = path.strip_prefix("[]") {
        value.as_array().into_iter().flatten().take(MOST).for_each(|item| collect(item, rest, out));
    } else if path == "{}" {
        out.extend(value.as_object().into_iter().flatten().take(MOST).map(|(key, _)| key.clone()));
    } else if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(['.', '[', '{']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if let Some(member) = value.get(name) {
            collect(member, rest, out);
        }
    }
}

/// The part of a name that stands in the ARN, where there is one: an ARN in a name's place is a resource as it is, and an
/// alias or another account's name stands for something that is not known here.
fn plain<'n>(target: &Target, name: &'n str) -> Option<&'n str> {
    if name.starts_with("arn:") {
        // What only completes another name may be given as an ARN, too.
        return if target.params.len() > 1 { name.rsplit('/').next() } else { None };
    }
    match target.host {
        "kms" if name.starts_with("alias/") => None,
        // `ACCOUNT:function:NAME` is a name of another account, maybe.
        "lambda" if name.contains(":function:") || name.contains(":layer:") => None,
        "ssm" => Some(name.trim_start_matches('/')),
        "route53" => Some(name.rsplit('/').next().unwrap_or(name)),
        // Inference profiles (`us.anthropic…`) call models in several regions.
        "bedrock" if !name.contains('.') || is_profile(name) => None,
        // Revisions come and go.
        "batch" | "ecs" if target.params.iter().any(|param| param.ends_with("Definition")) => {
            name.split(':').next()
        }
        _ => Some(name),
    }
    .filter(|name| !name.is_empty())
}

fn is_profile(model: &str) -> bool {
    let area = model.split('.').next().unwrap_or_default();
    matches!(area, "us" | "eu" | "ap" | "apac" | "jp" | "au" | "ca" | "sa" | "global" | "us-gov")
}

fn is_any(key: &str, names: &[&str]) -> bool {
    names.iter().any(|name| key.eq_ignore_ascii_case(name))
}

fn is_something(raw: &str) -> bool {
    let squeezed: String = raw.chars().filter(|c| !c.is_whitespace()).take(16).collect();
    !matches!(squeezed.as_str(), "null" | "\"\"" | "[]" | "{}" | "false" | "{\"items\":[]}")
}

/// Role ARNs under members whose names speak of a role.
fn roles_in(value: &Value, speaks: bool, found: &mut impl FnMut(String)) {
    match value {
        Value::String(text)
            if speaks && text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/") =>
        {
            found(text.clone());
        }
        Value::Array(items) => items.iter().take(MOST).for_each(|item| roles_in(item, speaks, found)),
        Value::Object(map) => {
            for (key, member) in map {
                let key = key.to_ascii_lowercase();
                roles_in(member, key.contains("role") || is_any(&key, ROLE_MEMBERS), found);
            }
        }
        _ => {}
    }
}

fn percent_decoded(text: &str) -> String {
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
