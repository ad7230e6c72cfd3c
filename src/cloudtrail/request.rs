//! What a record's resources and request say of the permission that the call needed: what it acted on, and what the
//! request shows that only some calls of its name have.

use super::acted_on::ActedOn;
use super::fields::Fields;
use super::json::Walk;
use super::names::{mended, safe};
use super::targets::{Piece, Start, Target, Way, targets_of};
use super::text::text_in;
use memchr::memmem::Finder;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Longer names are no ARNs: those end at 2,048 characters
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResourceNameType.html>).
pub(super) const LONGEST: usize = 2048;
/// Resources taken from one record; no call names more, and a forged list must not fill memory.
pub(super) const MOST: usize = 100;

/// Whose call it was, for names that have to be completed.
pub(super) struct Setting<'a> {
    pub(super) host: &'a str,
    pub(super) event: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    /// Of the caller's ARN, where it is one of AWS's; else empty.
    pub(super) partition: &'a str,
    pub(super) error: &'a str,
    pub(super) reads: bool,
}

/// ARNs as policies write them, and what the request shows.
#[derive(Default)]
pub(super) struct Named<'a> {
    pub(super) resources: Vec<Cow<'a, str>>,
    pub(super) shows: Vec<Cow<'static, str>>,
    /// Whether the request names something that could not be made an ARN.
    pub(super) unresolved: bool,
}

/// Members that say whose resource it is, where it is not the caller's.
const OWNERS: &[(&str, &str)] =
    &[("ecr", "registryId"), ("glue", "catalogId"), ("sqs", "queueOwnerAWSAccountId")];

/// Members whose content says what it wants, so that a role's ARN in it is not a role that is passed.
const FREE: &[&str] = &[
    "annotations",
    "arguments",
    "defaultarguments",
    "dockerlabels",
    "environment",
    "environmentvariables",
    "hyperparameters",
    "labels",
    "metadata",
    "options",
    "parameters",
    "tags",
    "variables",
];

/// Members of requests that mean tags are set at once.
const TAGS: &[&str] =
    &["tags", "taglist", "tagset", "resourcetags", "tagspecificationset", "tagspecifications"];

/// Other members of requests by which a call needs more: host, member, and what it shows.
const SHOWS: &[(&str, &[(&str, &str)])] = &[
    ("autoscaling", &[("serviceNamespace", "service-namespace")]),
    ("bedrock", &[("guardrailIdentifier", "guardrail")]),
    ("lambda", &[("layers", "layers")]),
    (
        "s3",
        &[
            ("versionId", "version"),
            ("x-amz-acl", "acl"),
            ("x-amz-bucket-object-lock-enabled", "object-lock"),
            ("x-amz-grant-full-control", "acl"),
            ("x-amz-grant-read", "acl"),
            ("x-amz-grant-read-acp", "acl"),
            ("x-amz-grant-write-acp", "acl"),
            ("x-amz-object-lock-legal-hold", "legal-hold"),
            ("x-amz-object-lock-mode", "retention"),
            ("x-amz-object-ownership", "ownership"),
            ("x-amz-tagging", "object-tags"),
            ("x-amz-bypass-governance-retention", "bypass-governance"),
        ],
    ),
    ("secretsmanager", &[("filters", "filters")]),
    ("sts", &[("sourceIdentity", "source-identity")]),
];

/// Members that carry a role, beside those whose names end in "roleArn".
const ROLE_MEMBERS: &[&str] = &[
    "credentials",
    "credentialsarn",
    "deliverlogspermissionarn",
    "iamfleetrole",
    "noderole",
    "role",
    "servicerole",
];

/// Reads both; nothing where resources are listed in a way that has to be read the general way.
pub(super) fn named(fields: &Fields<'_>, setting: &Setting<'_>) -> Option<ActedOn> {
    let mut named = Named::default();
    let listed = fields.listed()?;
    for raw in listed.arns {
        named.resources.push(mended(safe(fields.text(Some(raw)))));
    }
    for raw in listed.prefixes {
        named.resources.push(safe(fields.text(Some(raw))) + "*");
    }
    if let Some(raw) = fields.record.request_parameters.filter(|raw| raw.starts_with('{')) {
        let mut members = members_of(raw);
        // EC2 wraps some requests into one member.
        if let [(name, inner)] = members.as_slice()
            && setting.host == "ec2"
            && name.ends_with("Request")
            && inner.starts_with('{')
        {
            members = members_of(inner);
        }
        Request { raw, plain: fields.plain, setting, members }.read(&mut named);
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
    // A call that failed may not have come to the point where a role is passed or another object read.
    if !setting.error.is_empty() {
        let shown = ["pass:", "profile:", "from:", "tagged:"];
        named.shows.retain(|show| !shown.iter().any(|start| show.starts_with(start)));
    }
    named.shows.retain(|show| show.len() <= LONGEST);
    named.shows.sort_unstable();
    named.shows.dedup();
    let resources = named.resources.into_iter().map(Cow::into_owned).collect();
    Some(ActedOn::new(resources, named.shows, named.unresolved))
}

/// Members of the request; of repeated ones, the last.
fn members_of(raw: &str) -> Vec<(&str, &str)> {
    let walk = Walk::new(raw);
    let mut members: Vec<(&str, &str)> = Vec::new();
    // Deeper than the walk goes nothing is looked for, but what came before it counts.
    let _ = walk.object(0, |key, at| {
        let (value, end) = walk.value(at)?;
        keep_last(&mut members, key, value);
        Some(end)
    });
    members
}

/// Takes a member in, instead of one of the same name.
fn keep_last<'a>(members: &mut Vec<(&'a str, &'a str)>, key: &'a str, value: &'a str) {
    if members.iter().any(|(known, _)| *known == key) {
        members.retain(|(known, _)| *known != key);
    }
    members.push((key, value));
}

pub(super) struct Request<'r, 's> {
    pub(super) raw: &'r str,
    /// Whether nothing in it is spelled with escapes.
    pub(super) plain: bool,
    pub(super) setting: &'s Setting<'s>,
    pub(super) members: Vec<(&'r str, &'r str)>,
}

impl<'r> Request<'r, '_> {
    fn read(&self, named: &mut Named<'r>) {
        let host = self.setting.host;
        let event = Start::of(self.setting.event);
        for way in targets_of(host) {
            if way.starts.is_empty() || way.starts.iter().any(|start| start.begins(event, self.setting.event))
            {
                self.target(way, named);
            }
        }
        match host {
            "sqs" => named.resources.extend(self.text("queueUrl").and_then(|url| self.queue(&url))),
            "s3" => self.s3(named),
            "lambda" => {
                let layers = self.texts("layers[]").into_iter().filter(|layer| layer.starts_with("arn:"));
                named.resources.extend(layers.map(safe));
                self.qualified(named);
            }
            "ec2" => {
                for id in self.texts("resourcesSet.items[].resourceId") {
                    match self.of_id(&id) {
                        Some(arn) => named.resources.push(arn),
                        None => named.unresolved = true,
                    }
                }
                for kind in self.texts("tagSpecificationSet.items[].resourceType") {
                    let [p, r, a] = self.place();
                    // Images and snapshots have no account in their ARNs; what is made is the caller's.
                    let account = if matches!(&*kind, "image" | "snapshot") { "" } else { a };
                    named.shows.push(format!("tagged:arn:{p}:ec2:{r}:{account}:{}/*", safe(kind)).into());
                }
            }
            "ecs" => self.ecs(named),
            "rds" => self.rds(named),
            "events" => self.buses(named),
            "bedrock" => self.models(named),
            "sts" => {
                named.shows.extend(
                    self.member("tags").filter(|raw| is_something(raw)).map(|_| "session-tags".into()),
                );
            }
            "ssm" => {
                for target in self.texts("target") {
                    let [p, r, a] = self.place();
                    let (service, kind) = if target.starts_with("mi-") {
                        ("ssm", "managed-instance")
                    } else {
                        ("ec2", "instance")
                    };
                    named.resources.push(format!("arn:{p}:{service}:{r}:{a}:{kind}/{}", safe(target)).into());
                }
            }
            "dynamodb" => {
                let items = self.texts("transactItems[]{}");
                named.shows.extend(items.into_iter().map(|kind| Cow::Owned(format!("item:{kind}"))));
            }
            _ => {}
        }
        let shows = SHOWS.iter().find(|(of, _)| *of == host).map_or(&[][..], |(_, shows)| shows);
        for (member, show) in shows {
            if self.member(member).is_some_and(is_something) {
                named.shows.push(Cow::Borrowed(show));
            }
        }
        if self.has_tags() {
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
                    named.shows.push(format!("pass:arn:{p}:iam::{a}:role/{}", safe(role)).into());
                }
            }
            return;
        }
        static ROLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b":role/"));
        if ROLE.find(self.raw.as_bytes()).is_some()
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

    pub(super) fn has_tags(&self) -> bool {
        self.members.iter().any(|(key, raw)| is_any(key, TAGS) && is_something(raw))
    }

    fn target(&self, way: &Way, named: &mut Named<'r>) {
        let [first, others @ ..] = way.target.params else { return };
        // Most names are plain members, and most requests have no such member.
        if !way.is_path {
            let Some(name) = self.text(first) else { return };
            let Some(rest) = self.rest(others) else { return };
            return self.resource(way, name, &rest, named);
        }
        let names = self.texts(first);
        if names.is_empty() {
            return;
        }
        let Some(rest) = self.rest(others) else { return };
        for name in names {
            self.resource(way, name, &rest, named);
        }
    }

    /// What completes a name, where all of it is there.
    fn rest(&self, params: &[&str]) -> Option<Vec<Cow<'r, str>>> {
        params.iter().map(|param| self.texts(param).into_iter().next()).collect()
    }

    /// One resource by its name.
    fn resource(&self, way: &Way, name: Cow<'r, str>, rest: &[Cow<'r, str>], named: &mut Named<'r>) {
        let target = way.target;
        let Some(part) = plain(target, &name) else {
            // An ARN is taken as it is; another's name or an alias is not known.
            match (name.starts_with("arn:"), target.host, target.params) {
                (true, "dynamodb", [_, "indexName"]) => {
                    let index = rest.first().cloned().unwrap_or_default();
                    named.resources.push(format!("{}/index/{}", safe(name), safe(index)).into());
                }
                (true, ..) => named.resources.push(mended(safe(name))),
                (_, "bedrock", _) => {}
                // Records of KMS name the key beside the request.
                (_, "kms", _) if named.resources.iter().any(|arn| arn.contains(":key/")) => {}
                (_, "lambda", _) => match self.of_account(&name) {
                    Some(arn) => named.resources.push(arn),
                    None => named.unresolved = true,
                },
                _ => named.unresolved = true,
            }
            return;
        };
        let [partition, region, account] = self.place();
        let name = part;
        // Documents that belong to AWS have no account, and others may be called so, too.
        let by_aws = target.host == "ssm" && (name.starts_with("AWS") || name.starts_with("Amazon"));
        if by_aws && target.arn.contains(":document/") {
            let document = safe(name.into());
            named.resources.push(format!("arn:{partition}:ssm:{region}::document/{document}").into());
        }
        if target.arn.contains(":parameter/") && name.starts_with("aws/service/") {
            // Public parameters are nobody's.
            named
                .resources
                .push(format!("arn:{partition}:ssm:{region}::parameter/{}", safe(name.into())).into());
        }
        // These services keep names in small letters, and so do their ARNs.
        let lower = matches!(target.host, "rds" | "sagemaker").then(|| name.to_lowercase());
        let name = safe(lower.as_deref().unwrap_or(name).into());
        let mut out = String::with_capacity(target.arn.len() + name.len() + 48);
        for piece in &way.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Partition => out.push_str(partition),
                Piece::Region => out.push_str(region),
                Piece::Account => out.push_str(account),
                Piece::Name => out.push_str(&name),
                // What only completes another name may be given as an ARN, too.
                Piece::Other => {
                    let text = rest.first().map_or("", |text| &**text);
                    let name = if text.starts_with("arn:") { text.rsplit('/').next() } else { Some(text) };
                    out.push_str(&safe(name.unwrap_or_default().into()));
                }
            }
        }
        named.resources.push(Cow::Owned(out));
    }

    /// Partition, region and account of what is named plainly. What is none of these is left empty, and fits nothing.
    pub(super) fn place(&self) -> [&str; 3] {
        let host = self.setting.host;
        let by_region = match self.setting.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let told = Some(self.setting.partition).filter(|told| !told.is_empty());
        let partition = told.unwrap_or(by_region);
        let owner = OWNERS.iter().find(|(of, _)| *of == host).and_then(|(_, member)| self.member(member));
        let owner = owner.and_then(|raw| raw.strip_prefix('"')?.strip_suffix('"'));
        let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        let account =
            owner.filter(is_account).or(Some(self.setting.account).filter(is_account)).unwrap_or("");
        let region = self.setting.region;
        let is_region = region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        [partition, if is_region { region } else { "" }, account]
    }

    pub(super) fn member(&self, name: &str) -> Option<&'r str> {
        self.members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, raw)| *raw)
    }

    pub(super) fn text(&self, name: &str) -> Option<Cow<'r, str>> {
        let raw = self.member(name).filter(|raw| raw.starts_with('"'))?;
        Some(text_in(Some(raw), self.plain)).filter(|text| !text.is_empty())
    }

    /// All texts at a path.
    pub(super) fn texts(&self, path: &str) -> Vec<Cow<'r, str>> {
        let (first, rest) = match path.find(['.', '[', '{']) {
            None => return self.text(path).into_iter().collect(),
            Some(at) => path.split_at_checked(at).unwrap_or((path, "")),
        };
        let mut out = Vec::new();
        if let Some(raw) = self.member(first).filter(|raw| raw.starts_with(['{', '['])) {
            let plain = self.plain || memchr::memchr(b'\\', raw.as_bytes()).is_none();
            if !plain || along(Walk::new(raw), 0, rest, &mut out).is_none() {
                out.clear();
                collect(&serde_json::from_str(raw).unwrap_or_default(), rest, &mut out);
            }
        }
        out.truncate(MOST);
        out
    }
}

/// Collects the texts at a path of the value that starts at a place, where nothing is spelled with escapes. Returns where
/// the value ends; nothing where it has to be read otherwise.
fn along<'r>(walk: Walk<'r, '_>, at: usize, path: &str, out: &mut Vec<Cow<'r, str>>) -> Option<usize> {
    match walk.byte(at)? {
        b'"' if path.is_empty() => {
            let (raw, end) = walk.value(at)?;
            let text = raw.strip_prefix('"')?.strip_suffix('"')?;
            out.extend((!text.is_empty()).then_some(Cow::Borrowed(text)));
            Some(end)
        }
        b'[' if path.starts_with("[]") => {
            let (rest, mut items) = (path.get(2..)?, 0);
            walk.array(at, |at| {
                items += 1;
                if items > MOST { walk.pass(at) } else { along(walk, at, rest, out) }
            })
        }
        b'{' if path == "{}" => {
            let before = out.len();
            walk.object(at, |key, at| {
                let names = out.get(before..)?;
                if names.len() < MOST && !names.iter().any(|name| name == key) {
                    out.push(Cow::Borrowed(key));
                }
                walk.pass(at)
            })
        }
        b'{' if path.starts_with('.') => {
            let rest = path.get(1..)?;
            let end = rest.find(['.', '[', '{']).unwrap_or(rest.len());
            let (name, rest) = rest.split_at_checked(end)?;
            let before = out.len();
            walk.object(at, |key, at| {
                if key != name {
                    return walk.pass(at);
                }
                // Of repeated members the last one counts.
                out.truncate(before);
                along(walk, at, rest, out)
            })
        }
        _ => walk.pass(at),
    }
}

fn collect(value: &Value, path: &str, out: &mut Vec<Cow<'_, str>>) {
    if path.is_empty() {
        out.extend(value.as_str().filter(|text| !text.is_empty()).map(|text| Cow::Owned(text.to_owned())));
    } else if let Some(rest) = path.strip_prefix("[]") {
        value.as_array().into_iter().flatten().take(MOST).for_each(|item| collect(item, rest, out));
    } else if path == "{}" {
        out.extend(
            value.as_object().into_iter().flatten().take(MOST).map(|(key, _)| Cow::Owned(key.clone())),
        );
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
        return None;
    }
    match target.host {
        "kms" if name.starts_with("alias/") => None,
        // `ACCOUNT:function:NAME` is a name of another account, maybe.
        "lambda" if name.contains(":function:") || name.contains(":layer:") => None,
        "lambda"
            if name
                .split(':')
                .next()
                .is_some_and(|first| first.len() == 12 && first.bytes().all(|b| b.is_ascii_digit())) =>
        {
            None
        }
        // `NAME:VERSION` and `NAME:LABEL` select of a parameter.
        "ssm" => name.trim_start_matches('/').split(':').next(),
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

pub(super) fn is_profile(model: &str) -> bool {
    let area = model.split('.').next().unwrap_or_default();
    matches!(area, "us" | "eu" | "ap" | "apac" | "jp" | "au" | "ca" | "sa" | "global" | "us-gov")
}

fn is_any(key: &str, names: &[&str]) -> bool {
    names.iter().any(|name| key.eq_ignore_ascii_case(name))
}

fn is_something(raw: &str) -> bool {
    match raw.as_bytes() {
        // Only where it may be one of those below it is looked at character by character.
        [b'"', b'!' | b'#'..=b'~', ..] | [b'0'..=b'9' | b'-' | b't', ..] => return true,
        _ => {}
    }
    let squeezed = || raw.chars().filter(|c| !c.is_whitespace()).take(16);
    const NOTHING: [&str; 6] = ["{}", "[]", "{\"items\":[]}", "null", "false", "\"\""];
    !NOTHING.iter().any(|nothing| squeezed().eq(nothing.chars()))
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
                if !is_any(&key, FREE) {
                    roles_in(member, key.ends_with("rolearn") || is_any(&key, ROLE_MEMBERS), found);
                }
            }
        }
        _ => {}
    }
}
