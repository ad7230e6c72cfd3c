//! From what calls acted on to the resources of a policy: fitting to the action, and no finer than what will be there
//! tomorrow.

use super::actions::{Action, formats};
use crate::model::wildcard;
use std::collections::{BTreeMap, BTreeSet};

/// More resources of one action than this become their common shapes.
pub(super) const MOST_IN_STATEMENT: usize = 20;

/// More keys of one S3 folder than this become the folder.
const MOST_OF_FOLDER: usize = 3;

/// How an action's resources came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// As calls named them.
    Exact,
    /// Wider than what calls named, as names come and go or are too many.
    Widened,
    /// `*`: the action takes no resources.
    NoneTaken,
    /// `*`: some calls do not say what they acted on.
    NotNamed,
    /// As the user's own policies allow today, as some calls do not say what they acted on.
    AsToday,
}

impl Scope {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Widened => "widened",
            Self::NoneTaken => "none-taken",
            Self::NotNamed => "not-named",
            Self::AsToday => "as-today",
        }
    }
}

/// Resources that are made and gone while a workload runs: tomorrow's have other names. By format, without variables that
/// stand for places.
const FLEETING: &[&str] = &[
    "batch:*:*:job/*",
    "codebuild:*:*:build/*",
    "ec2:*:*:fleet/*",
    "ec2:*::image/*",
    "ec2:*:*:instance/*",
    "ec2:*:*:network-interface/*",
    "ec2:*:*:spot-instances-request/*",
    "ec2:*:*:snapshot/*",
    "ec2:*::snapshot/*",
    "ec2:*:*:volume/*",
    "ecs:*:*:container-instance/*/*",
    "ecs:*:*:task/*/*",
    "elasticache:*:*:snapshot:*",
    "elasticmapreduce:*:*:cluster/*",
    "logs:*:*:log-group:*:log-stream:*",
    "rds:*:*:cluster-snapshot:*",
    "rds:*:*:snapshot:*",
    "sagemaker:*:*:processing-job/*",
    "sagemaker:*:*:training-job/*",
    "sagemaker:*:*:transform-job/*",
    "ssm:*:*:automation-execution/*",
    "ssm:*:*:session/*",
    "states:*:*:execution:*:*",
    "states:*:*:express:*:*:*",
];

/// Resources with revisions behind their names: tomorrow's have other ones.
const REVISED: &[&str] =
    &["batch:*:*:job-definition/*:*", "ecs:*:*:task-definition/*:*", "lambda:*:*:layer:*:*"];

/// The ARN with any revision.
fn any_revision(arn: &str) -> String {
    arn.rfind(':').and_then(|at| arn.get(..=at)).map_or_else(|| arn.to_owned(), |head| format!("{head}*"))
}

/// No call but EC2's acts on more types of resources at once.
const MOST_AT_ONCE: usize = 4;

/// EC2's actions that make instances.
const LAUNCHES: &[&str] = &["CreateFleet", "RequestSpotFleet", "RequestSpotInstances", "RunInstances"];

/// SSM's actions that act on machines which requests may choose by tags.
const ON_MACHINES: &[&str] = &["SendCommand", "StartSession"];

/// What the calls of one name acted on, all of them together.
pub(super) struct Acted<'a> {
    /// As policies write ARNs.
    pub(super) named: &'a BTreeSet<String>,
    /// For each combination that single calls named, an ARN of each kind; none where that was not kept.
    pub(super) combinations: Vec<Vec<&'a str>>,
    /// Whether names were made coarser before they came here.
    pub(super) coarse: bool,
    /// Regions of the calls.
    pub(super) regions: &'a BTreeSet<String>,
}

impl<'a> Acted<'a> {
    /// Something named by itself, not by single calls.
    pub(super) fn on(named: &'a BTreeSet<String>, regions: &'a BTreeSet<String>) -> Self {
        Self { named, combinations: Vec::new(), coarse: false, regions }
    }
}

/// The resources of an action, given what calls named. Nothing where some call named nothing that fits.
pub(super) fn resources(action: &Action, acted: &Acted<'_>) -> Option<(BTreeSet<String>, Scope)> {
    let mut fitting: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for arn in acted.named {
        if let Some(format) = fit(action, arn) {
            fitting.entry(format).or_default().insert(arn.clone());
        }
    }
    // Calls on objects that tell their bucket only, such as deleting many at once.
    let buckets =
        |kinds: &BTreeSet<&str>| kinds.is_empty() && takes(action, OBJECT) && !takes(action, BUCKET);
    let formats_of = |kinds: &Vec<&str>| -> BTreeSet<&'static str> {
        let mut found: BTreeSet<&'static str> = kinds.iter().filter_map(|kind| fit(action, kind)).collect();
        if buckets(&found) && kinds.iter().any(|kind| best_format(action.prefix, kind) == Some(BUCKET)) {
            found.insert(OBJECT);
        }
        found
    };
    let combinations: Vec<BTreeSet<&'static str>> = acted.combinations.iter().map(formats_of).collect();
    let by_bucket = |kinds: &Vec<&str>| buckets(&kinds.iter().filter_map(|kind| fit(action, kind)).collect());
    if acted.combinations.iter().any(by_bucket) || buckets(&fitting.keys().copied().collect()) {
        let told = acted.named.iter().filter(|arn| best_format(action.prefix, arn) == Some(BUCKET));
        fitting.entry(OBJECT).or_default().extend(told.map(|bucket| format!("{bucket}/*")));
        fitting.retain(|_, arns| !arns.is_empty());
    }
    // A call that names nothing of a fitting kind may have acted on anything.
    if fitting.is_empty() || combinations.iter().any(BTreeSet::is_empty) {
        return None;
    }
    let partition = acted.named.iter().find_map(|arn| arn.split(':').nth(1))?;
    let mut scope = if acted.coarse { Scope::Widened } else { Scope::Exact };
    let mut out = BTreeSet::new();
    for (format, arns) in &fitting {
        let widened = widen(format, arns);
        if widened.iter().any(|arn| !acted.named.contains(arn)) || widened.len() != arns.len() {
            scope = scope.max(Scope::Widened);
        }
        out.extend(widened);
    }
    // A call on several types of resources needs all of them, and logs do not name all. Launching takes many that the
    // reference calls optional, named in deep places.
    let launches = action.prefix == "ec2" && LAUNCHES.contains(&action.name)
        || action.prefix == "rds"
            && (action.name.starts_with("CreateDBInstance") || action.name.starts_with("RestoreDB"));
    let on_machines = action.prefix == "ssm" && ON_MACHINES.contains(&action.name);
    // Where the reference calls very many of them required, it means one of them (kinds of models in Bedrock).
    let required = action.formats().filter(|(_, every)| *every).count();
    let all_of_them = action.prefix == "ec2" || required <= MOST_AT_ONCE;
    for (format, every) in action.formats() {
        let machine = on_machines && matches!(format, "ec2:*:*:instance/*" | "ssm:*:*:managed-instance/*");
        let machines_named = fitting.keys().any(|f| f.ends_with("instance/*"));
        // Named by some calls is not named by all.
        let always = fitting.contains_key(format) && combinations.iter().all(|kinds| kinds.contains(format));
        if !always && (every && all_of_them || launches || machine && !machines_named) {
            out.insert(any_of(format, partition, acted.regions));
            scope = Scope::Widened;
        }
    }
    if action.prefix == "logs" {
        // Most actions on log groups are checked against the group with `:*` behind it
        // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
        let groups: Vec<String> =
            out.iter().filter(|arn| is_log_group(arn)).map(|arn| format!("{arn}:*")).collect();
        out.extend(groups);
    }
    Some((without_covered(out), scope))
}

/// What of the named things an action is checked against.
pub(super) fn checked_on(action: &Action, named: &BTreeSet<String>) -> Vec<String> {
    let direct: Vec<String> = named.iter().filter(|arn| fit(action, arn).is_some()).cloned().collect();
    if direct.is_empty() && takes(action, OBJECT) && !takes(action, BUCKET) {
        let told = named.iter().filter(|arn| best_format(action.prefix, arn) == Some(BUCKET));
        return told.map(|bucket| format!("{bucket}/*")).collect();
    }
    direct
}

/// The format by which an action takes a resource.
fn fit(action: &Action, arn: &str) -> Option<&'static str> {
    let best = best_format(action.prefix, arn)?;
    // The reference has versions and aliases as types of their own; actions on functions are checked against them, too.
    let function = best.starts_with("lambda:*:*:function:*:") && takes(action, FUNCTION);
    if function { Some(FUNCTION) } else { takes(action, best).then_some(best) }
}

const FUNCTION: &str = "lambda:*:*:function:*";

fn takes(action: &Action, wanted: &str) -> bool {
    action.formats().any(|(format, _)| format == wanted)
}

const BUCKET: &str = "s3:::*";
const OBJECT: &str = "s3:::*/*";

fn is_log_group(arn: &str) -> bool {
    arn.contains(":log-group:") && !arn.contains(":log-stream:") && !arn.ends_with(":*")
}

/// The most specific format of a service that an ARN has.
fn best_format(prefix: &str, arn: &str) -> Option<&'static str> {
    let rest = arn.splitn(3, ':').nth(2)?;
    let fits = formats(prefix).iter().filter(|format| glob(format, rest));
    fits.max_by_key(|format| format.bytes().filter(|b| *b != b'*').count()).copied()
}

/// Any resource of a format, in the regions of the calls. The account stays open: subnets, keys and images may be shared.
fn any_of(format: &str, partition: &str, regions: &BTreeSet<String>) -> String {
    let mut fields: Vec<&str> = format.splitn(4, ':').collect();
    if let (Some(field), Some(region)) = (fields.get_mut(1), regions.first())
        && *field == "*"
        && regions.len() == 1
    {
        *field = region;
    }
    format!("arn:{partition}:{}", fields.join(":"))
}

fn widen(format: &str, arns: &BTreeSet<String>) -> BTreeSet<String> {
    let wide: BTreeSet<String> = match format {
        OBJECT => return without_covered(s3_objects(arns)),
        // Whatever the names of buckets have in common, others own the rest of them.
        BUCKET => return arns.clone(),
        _ if REVISED.contains(&format) => arns.iter().map(|arn| any_revision(arn)).collect(),
        _ if FLEETING.contains(&format) => arns.iter().map(|arn| any_name(arn)).collect(),
        _ => arns.clone(),
    };
    if wide.len() <= MOST_IN_STATEMENT {
        return without_covered(wide);
    }
    let coarser: BTreeSet<String> = wide.iter().map(|arn| any_name(arn)).collect();
    if coarser.len() <= MOST_IN_STATEMENT {
        return without_covered(coarser);
    }
    // A bucket, a topic: nothing is left but the service's own in that region and account.
    without_covered(coarser.iter().map(|arn| head(arn) + "*").collect())
}

/// `arn:partition:service:region:account:`.
fn head(arn: &str) -> String {
    let end = arn.match_indices(':').nth(4).map_or(arn.len(), |(at, _)| at + 1);
    arn.get(..end).unwrap_or(arn).to_owned()
}

/// The ARN with any name in place of what follows the type, and what belongs to the type's parent kept:
/// `task/CLUSTER/*`, `log-group:GROUP:log-stream:*`, `instance/*`.
fn any_name(arn: &str) -> String {
    let head = head(arn);
    let resource = arn.get(head.len()..).unwrap_or_default();
    let resource = resource.trim_end_matches(['*', '/', ':']);
    match resource.rfind(['/', ':']).and_then(|at| resource.get(..=at)) {
        Some(kept) => format!("{head}{kept}*"),
        None => arn.to_owned(),
    }
}

/// Keys of objects say today's names. A part of a key that looks made up (dates, numbers, ids) ends what is kept, and so
/// does a folder with several keys.
fn s3_objects(arns: &BTreeSet<String>) -> BTreeSet<String> {
    let kept: BTreeSet<String> = arns.iter().map(|arn| without_made_up(arn)).collect();
    let mut by_folder: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for arn in &kept {
        let folder = arn.rfind('/').and_then(|at| arn.get(..=at)).unwrap_or(arn);
        by_folder.entry(folder).or_default().push(arn);
    }
    let mut out = BTreeSet::new();
    for (folder, arns) in by_folder {
        if arns.len() > MOST_OF_FOLDER {
            out.insert(format!("{folder}*"));
        } else {
            out.extend(arns.into_iter().cloned());
        }
    }
    out
}

fn without_made_up(arn: &str) -> String {
    let Some(slash) = arn.find('/') else { return arn.to_owned() };
    let (bucket, key) = arn.split_at_checked(slash + 1).unwrap_or((arn, ""));
    let mut kept = bucket.to_owned();
    for (n, part) in key.split('/').enumerate() {
        if n > 0 {
            kept.push('/');
        }
        if part == "*" || is_made_up(part) {
            // What stands before the number often says what it is: `report-2026-11.csv`.
            let word =
                part.find(|c: char| c.is_ascii_digit()).and_then(|at| part.get(..at)).unwrap_or_default();
            let word = word.trim_end_matches(|c: char| c.is_ascii_hexdigit());
            let telling = word.len() >= 3 && word.ends_with(['-', '_', '.', '=']);
            return format!("{kept}{}*", if telling { word } else { "" });
        }
        kept.push_str(part);
    }
    kept
}

/// Whether part of a key looks as if a machine had chosen it: four digits or more, or a long run of hexadecimal digits.
fn is_made_up(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let run = part.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max().unwrap_or(0);
    digits >= 4 || (digits > 0 && run >= 8)
}

/// Without those that others of the set cover.
pub(super) fn without_covered(all: BTreeSet<String>) -> BTreeSet<String> {
    let wide: Vec<&String> = all.iter().filter(|arn| has_wildcard(arn)).collect();
    let covered = |arn: &String| wide.iter().any(|other| *other != arn && covers(other, arn));
    all.iter().filter(|arn| !covered(arn)).cloned().collect()
}

pub(super) fn has_wildcard(arn: &str) -> bool {
    arn.replace("${*}", "").replace("${?}", "").contains(['*', '?'])
}

/// Whether everything that the second matches is matched by the first, both as policies write ARNs. A wildcard of the
/// second counts as itself, which only `*` of the first matches.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    // Escaped characters stand for themselves on both sides.
    wide == "*" || glob_with(&tokens(wide), &tokens(narrow))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Byte(u8),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let bytes = pattern.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (bytes.get(at..at + 4), byte) {
            (Some([b'$', b'{', c @ (b'*' | b'?' | b'$'), b'}']), _) => {
                out.push(Token::Byte(*c));
                at += 3;
            }
            (_, b'*') => out.push(Token::Any),
            (_, b'?') => out.push(Token::One),
            (_, byte) => out.push(Token::Byte(*byte)),
        }
        at += 1;
    }
    out
}

fn glob_with(pattern: &[Token], text: &[Token]) -> bool {
    let fits = |p: &Token, t: &Token| if *p == Token::One { *t != Token::Any } else { p == t };
    wildcard(pattern, text, |p| *p == Token::Any, fits)
}

/// Whether a text has a format whose `*` stand for any characters.
fn glob(format: &str, text: &str) -> bool {
    let text: Vec<Token> = text.bytes().map(Token::Byte).collect();
    glob_with(&tokens(format), &text)
}

#[cfg(test)]
mod tests {
    use super::super::actions::find_action;
    use super::*;

    fn scoped(action: &str, named: &[&str]) -> (Vec<String>, &'static str) {
        let (prefix, name) = action.split_once(':').unwrap();
        let action = find_action(prefix, name).unwrap();
        let named = named.iter().map(|arn| (*arn).to_owned()).collect();
        let regions = BTreeSet::from(["eu-west-1".to_owned()]);
        resources(&action, &Acted::on(&named, &regions))
            .map_or((Vec::new(), "nothing"), |(arns, scope)| (arns.into_iter().collect(), scope.id()))
    }

    #[test]
    fn what_fits_the_action_and_will_be_there_tomorrow() {
        let b = "arn:aws:s3:::b";
        let q = "arn:aws:sqs:eu-west-1:111122223333:q";
        let cases: &[(&str, &[&str], &[&str], &str)] = &[
            ("s3:ListBucket", &[b, "arn:aws:s3:::b/k"], &[b], "exact"),
            (
                "s3:GetObject",
                &[b, "arn:aws:s3:::b/config/app.json"],
                &["arn:aws:s3:::b/config/app.json"],
                "exact",
            ),
            ("s3:GetObject", &["arn:aws:s3:::b/logs/2026/11/24/a.gz"], &["arn:aws:s3:::b/logs/*"], "widened"),
            (
                "s3:PutObject",
                &["arn:aws:s3:::b/r/report-2026-11.csv"],
                &["arn:aws:s3:::b/r/report-*"],
                "widened",
            ),
            (
                "s3:GetObject",
                &["arn:aws:s3:::b/x/a", "arn:aws:s3:::b/x/b", "arn:aws:s3:::b/x/c", "arn:aws:s3:::b/x/d"],
                &["arn:aws:s3:::b/x/*"],
                "widened",
            ),
            ("sqs:SendMessage", &[q], &[q], "exact"),
            ("sqs:SendMessage", &[b], &[], "nothing"),
            ("s3:DeleteObject", &[b], &["arn:aws:s3:::b/*"], "widened"),
            (
                "ecs:RunTask",
                &["arn:aws:ecs:eu-west-1:111122223333:task-definition/app:42"],
                &["arn:aws:ecs:eu-west-1:111122223333:task-definition/app:*"],
                "widened",
            ),
            (
                "ec2:TerminateInstances",
                &["arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"],
                &["arn:aws:ec2:eu-west-1:111122223333:instance/*"],
                "widened",
            ),
            (
                "ecs:StopTask",
                &["arn:aws:ecs:eu-west-1:111122223333:task/main/0123456789abcdef"],
                &["arn:aws:ecs:eu-west-1:111122223333:task/main/*"],
                "widened",
            ),
            (
                "ssm:SendCommand",
                &["arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"],
                &[
                    "arn:aws:ec2:eu-west-1:*:instance/*",
                    "arn:aws:ssm:eu-west-1:*:managed-instance/*",
                    "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
                ],
                "widened",
            ),
            ("s3:GetObject", &["arn:aws:s3:::b/odd${*}name"], &["arn:aws:s3:::b/odd${*}name"], "exact"),
        ];
        for (action, named, want, scope) in cases {
            let (arns, got) = scoped(action, named);
            assert_eq!(
                (arns.iter().map(String::as_str).collect::<Vec<_>>(), got),
                (want.to_vec(), *scope),
                "{action}"
            );
        }
    }

    #[test]
    fn several_types_are_all_there() {
        let (arns, scope) =
            scoped("ec2:RunInstances", &["arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1"]);
        assert!(arns.contains(&"arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1".to_owned()));
        assert!(arns.contains(&"arn:aws:ec2:eu-west-1:*:instance/*".to_owned()), "{arns:?}");
        assert!(arns.contains(&"arn:aws:ec2:eu-west-1::image/*".to_owned()), "{arns:?}");
        assert_eq!(scope, "widened");
    }

    #[test]
    fn too_many_become_their_shape() {
        let arns: Vec<String> =
            (0..40).map(|n| format!("arn:aws:dynamodb:eu-west-1:111122223333:table/t{n}")).collect();
        let named: Vec<&str> = arns.iter().map(String::as_str).collect();
        let want = (vec!["arn:aws:dynamodb:eu-west-1:111122223333:table/*".to_owned()], "widened");
        assert_eq!(scoped("dynamodb:GetItem", &named), want);
        let arns: Vec<String> = (0..40).map(|n| format!("arn:aws:sqs:eu-west-1:111122223333:q{n}")).collect();
        let named: Vec<&str> = arns.iter().map(String::as_str).collect();
        let want = (vec!["arn:aws:sqs:eu-west-1:111122223333:*".to_owned()], "widened");
        assert_eq!(scoped("sqs:SendMessage", &named), want);
        let arns: Vec<String> = (0..40).map(|n| format!("arn:aws:s3:::bucket-{n}/a/b")).collect();
        let named: Vec<&str> = arns.iter().map(String::as_str).collect();
        assert_eq!(scoped("s3:PutObject", &named).0.len(), 40, "nobody else's buckets");
    }

    #[test]
    fn covering() {
        for (wide, narrow, want) in [
            ("*", "arn:x", true),
            ("arn:a/*", "arn:a/b", true),
            ("arn:a/*", "arn:a/*", true),
            ("arn:a/b", "arn:a/*", false),
            ("arn:a/?", "arn:a/*", false),
            ("arn:a/${*}", "arn:a/b", false),
            ("arn:a/*", "arn:a/${*}", true),
        ] {
            assert_eq!(covers(wide, narrow), want, "{wide} {narrow}");
        }
    }
}
