//! From a CloudTrail event to the IAM actions that it needs: by the table of all actions, or not at all.
//!
//! The table is made by `scripts/make_action_table.py` from two pinned packages. An event that it does not explain stays
//! unmapped: an invented action is worse than a gap.

use super::overrides::{HOSTS, OVERRIDES, Override};
use flate2::read::GzDecoder;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::LazyLock;

/// What an action lets its holder do
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Lists what there is.
    List,
    /// Reads content.
    Read,
    /// Changes tags, which conditions of policies may rest on.
    Tagging,
    /// Changes anything else.
    Write,
    /// Changes who may do what.
    Permissions,
}

impl AccessLevel {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Tagging => "tagging",
            Self::Write => "write",
            Self::Permissions => "permissions-management",
        }
    }

    fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'L' => Self::List,
            b'R' => Self::Read,
            b'T' => Self::Tagging,
            b'W' => Self::Write,
            b'P' => Self::Permissions,
            _ => return None,
        })
    }
}

/// An IAM action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    /// Service prefix, such as `s3`.
    pub prefix: &'static str,
    /// Name in IAM's spelling, such as `GetObject`.
    pub name: &'static str,
    /// What it lets its holder do.
    pub level: AccessLevel,
    /// Its types of resources, as the table has them.
    kinds: &'static str,
}

impl Action {
    /// Whether a policy can name resources for it.
    pub fn scoped(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// Formats of the ARNs that it takes, without `arn:PARTITION:` and with variables as `*`, and whether every call
    /// needs one of them
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
    pub fn formats(&self) -> impl Iterator<Item = (&'static str, bool)> + use<> {
        let formats = formats(self.prefix);
        self.kinds.split(',').filter_map(move |kind| {
            let (number, every) = kind.strip_suffix('!').map_or((kind, false), |number| (number, true));
            Some((*formats.get(number.parse::<usize>().ok()?)?, every))
        })
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.prefix, self.name)
    }
}

/// Formats of the ARNs of all resources of a service, as in [`Action::formats`].
pub(super) fn formats(prefix: &str) -> &'static [&'static str] {
    TABLE.types.get(prefix).map_or(&[], Vec::as_slice)
}

/// All actions, by service.
pub fn all_actions() -> impl Iterator<Item = Action> {
    TABLE.services.values().flatten().copied()
}

/// Actions that one event can need.
const MOST: usize = 4;

/// What an event needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "it is looked at and dropped; a box would allocate")]
pub enum Needs {
    /// No permission: anybody may call it.
    Nothing,
    /// These actions, all of them; in some cases, as the overrides say, they are an upper bound.
    Actions([Option<Action>; MOST]),
    /// It is not known; nothing is guessed.
    Unmapped,
}

impl Needs {
    /// The actions, none where there are none or none is known.
    pub fn actions(&self) -> impl Iterator<Item = Action> + '_ {
        let all: &[Option<Action>] = match self {
            Self::Actions(all) => all,
            Self::Nothing | Self::Unmapped => &[],
        };
        all.iter().flatten().copied()
    }
}

struct Table {
    /// Actions by service prefix, sorted by name without case.
    services: HashMap<&'static str, Vec<Action>>,
    types: HashMap<&'static str, Vec<&'static str>>,
    hosts: HashMap<&'static str, &'static str>,
    free: HashSet<(&'static str, &'static str)>,
    verbs: HashMap<&'static str, &'static str>,
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    // The table is part of the program; a test reads all of it.
    let read = GzDecoder::new(&include_bytes!("actions.txt.gz")[..]).read_to_string(&mut text);
    debug_assert!(read.is_ok());
    text
});

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        services: HashMap::new(),
        types: HashMap::new(),
        hosts: HOSTS.iter().map(|(host, prefix, _)| (*host, *prefix)).collect(),
        free: HashSet::new(),
        verbs: HashMap::new(),
    };
    for line in TEXT.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("S"), Some(prefix)) => {
                let mut actions: Vec<Action> = words.filter_map(|word| action(prefix, word)).collect();
                actions.sort_by(|a, b| without_case(a.name, b.name));
                table.services.insert(prefix, actions);
            }
            (Some("T"), Some(prefix)) => {
                table.types.insert(prefix, words.collect());
            }
            (Some("H"), Some(host)) => {
                table.hosts.extend(words.next().map(|prefix| (host, prefix)));
            }
            (Some("N"), Some(host)) => table.free.extend(words.next().map(|operation| (host, operation))),
            (Some("V"), Some(operation)) => {
                table.verbs.extend(words.next().map(|verb| (operation, verb)));
            }
            _ => {}
        }
    }
    table
});

fn action(prefix: &'static str, word: &'static str) -> Option<Action> {
    let (name, kind) = word.split_once(':')?;
    let (level, kinds) = kind.split_once(':')?;
    Some(Action { prefix, name, level: AccessLevel::from_letter(*level.as_bytes().first()?)?, kinds })
}

fn without_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|b| b.to_ascii_lowercase()).cmp(b.bytes().map(|b| b.to_ascii_lowercase()))
}

/// The action of that name, without regard to case, as IAM compares
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).
pub fn find_action(prefix: &str, name: &str) -> Option<Action> {
    let actions = TABLE.services.get(prefix)?;
    let at = actions.binary_search_by(|action| without_case(action.name, name)).ok()?;
    actions.get(at).copied()
}

/// What a call needs, by its event source (`s3.amazonaws.com`) and name. Only calls of event type `AwsApiCall` need
/// anything; that is the caller's to know. Nothing is allocated.
pub fn needs(source: &str, event: &str) -> Needs {
    let host = source.strip_suffix(".cn").unwrap_or(source);
    let host = host.strip_suffix(".amazonaws.com").unwrap_or(host);
    let event = without_version(event);
    if let Some(found) = OVERRIDES.iter().find(|row| row.host == host && row.events.contains(&event)) {
        return by_override(found);
    }
    let table = &*TABLE;
    if table.free.contains(&(host, event)) {
        return Needs::Nothing;
    }
    let prefix = prefix_of(source).unwrap_or_default();
    // Application Auto Scaling calls itself `autoscaling` in the trail; what both services have is either's.
    if host == "autoscaling" {
        let both = ["application-autoscaling", "autoscaling"].map(|prefix| find_action(prefix, event));
        return match both {
            [Some(_), Some(_)] | [None, None] => Needs::Unmapped,
            [one, other] => one.or(other).map_or(Needs::Unmapped, one_action),
        };
    }
    if let Some(found) = find_action(prefix, event) {
        return one_action(found);
    }
    if prefix == "apigateway"
        && let Some(verb) = table.verbs.get(event).and_then(|verb| find_action(prefix, verb))
    {
        return one_action(verb);
    }
    Needs::Unmapped
}

/// The IAM prefix that an event source stands for, where it is known.
pub fn prefix_of(source: &str) -> Option<&'static str> {
    let host = source.strip_suffix(".cn").unwrap_or(source);
    let host = host.strip_suffix(".amazonaws.com").unwrap_or(host);
    let table = &*TABLE;
    table.services.get_key_value(host).map(|(prefix, _)| *prefix).or_else(|| table.hosts.get(host).copied())
}

/// Why an event's actions have other names than the event, where they have.
pub fn reason(source: &str, event: &str) -> Option<&'static str> {
    let host = source.strip_suffix(".cn").unwrap_or(source);
    let host = host.strip_suffix(".amazonaws.com").unwrap_or(host);
    let event = without_version(event);
    let by_name = OVERRIDES.iter().find(|row| row.host == host && row.events.contains(&event));
    let by_host = || HOSTS.iter().find(|(name, ..)| *name == host).map(|(_, _, why)| *why);
    by_name.map(|row| row.why).or_else(by_host)
}

fn one_action(action: Action) -> Needs {
    Needs::Actions([Some(action), None, None, None])
}

fn by_override(row: &Override) -> Needs {
    if row.actions.is_empty() {
        return Needs::Nothing;
    }
    let mut all = [None; MOST];
    for (slot, spelled) in all.iter_mut().zip(row.actions) {
        *slot = spelled.split_once(':').and_then(|(prefix, name)| find_action(prefix, name));
    }
    if all.iter().any(Option::is_some) { Needs::Actions(all) } else { Needs::Unmapped }
}

/// An event's name without its API version: Lambda and CloudFront write `GetFunction20150331v2`, `CreateInvalidation2020_05_31`.
/// A bare `V2` stays.
fn without_version(event: &str) -> &str {
    let bytes = event.as_bytes();
    let digits = |bytes: &[u8]| bytes.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let mut end = bytes.len();
    let tail = digits(bytes);
    // A name of digits only has no byte before them.
    if let Some(v) = end.checked_sub(tail + 1)
        && (1..4).contains(&tail)
        && bytes.get(v) == Some(&b'v')
    {
        end = v;
    }
    let head = bytes.get(..end).unwrap_or_default();
    for underscores in [false, true] {
        let len = if underscores { 10 } else { 8 };
        let Some(start) = end.checked_sub(len) else { continue };
        let Some(date) = head.get(start..) else { continue };
        let shape = date.iter().enumerate().all(|(n, b)| match (underscores, n) {
            (true, 4 | 7) => *b == b'_',
            _ => b.is_ascii_digit(),
        });
        let century = date.starts_with(b"19") || date.starts_with(b"20");
        let after_letter =
            start.checked_sub(1).and_then(|n| bytes.get(n)).is_some_and(u8::is_ascii_alphabetic);
        if shape && century && after_letter {
            return event.get(..start).unwrap_or(event);
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(source: &str, event: &str) -> String {
        match needs(source, event) {
            Needs::Nothing => "nothing".into(),
            Needs::Unmapped => "unmapped".into(),
            some => {
                let names: Vec<String> = some.actions().map(|a| format!("{}:{}", a.prefix, a.name)).collect();
                names.join(" ")
            }
        }
    }

    #[test]
    fn the_whole_table_is_read() {
        assert!(TABLE.services.len() > 400 && TABLE.verbs.len() > 100 && TABLE.free.len() > 30);
        let actions: usize = TABLE.services.values().map(Vec::len).sum();
        assert!(actions > 22_000, "{actions}");
        // Every word of the table is an action that was understood.
        let words: usize =
            TEXT.lines().filter(|line| line.starts_with("S ")).map(|line| line.split(' ').count() - 2).sum();
        assert_eq!(words, actions);
    }

    #[test]
    fn every_override_names_actions_that_exist_once_and_says_why() {
        let mut seen = HashSet::new();
        for row in OVERRIDES {
            assert!(!row.why.is_empty() && row.actions.len() <= MOST, "{} {:?}", row.host, row.events);
            for spelled in row.actions {
                let (prefix, name) = spelled.split_once(':').unwrap();
                let found = find_action(prefix, name).unwrap_or_else(|| panic!("{spelled} is no action"));
                assert_eq!(found.name, name, "{spelled}");
            }
            for event in row.events {
                assert!(seen.insert((row.host, *event)), "{} {event} stands twice", row.host);
                // An override that says what the rules say anyway says nothing.
                assert_eq!(without_version(event), *event);
            }
        }
        for (host, prefix, why) in HOSTS {
            assert!(TABLE.services.contains_key(prefix) && !why.is_empty(), "{host}");
        }
    }

    #[test]
    fn events_and_their_actions() {
        let cases = [
            ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
            ("s3", "GetBucketCors", "s3:GetBucketCORS"),
            ("s3", "CopyObject", "s3:GetObject s3:PutObject"),
            ("s3", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
            ("lambda", "GetFunction20150331v2", "lambda:GetFunction"),
            ("lambda", "Invoke", "lambda:InvokeFunction"),
            ("cloudfront", "CreateInvalidation2020_05_31", "cloudfront:CreateInvalidation"),
            ("monitoring", "DescribeAlarms", "cloudwatch:DescribeAlarms"),
            ("email", "GetSendQuota", "ses:GetSendQuota"),
            ("amazonmq", "ListBrokers", "mq:ListBrokers"),
            ("autoscaling", "RegisterScalableTarget", "application-autoscaling:RegisterScalableTarget"),
            ("autoscaling", "CreateAutoScalingGroup", "autoscaling:CreateAutoScalingGroup"),
            ("autoscaling", "PutScalingPolicy", "unmapped"),
            ("apigateway", "CreateApi", "apigateway:POST"),
            ("sts", "GetCallerIdentity", "nothing"),
            ("cognito-idp", "InitiateAuth", "nothing"),
            ("sts", "AssumeRole", "sts:AssumeRole"),
            ("s3", "NoSuchCall", "unmapped"),
            ("no-such-service", "ListBuckets", "unmapped"),
            ("", "", "unmapped"),
        ];
        for (host, event, want) in cases {
            assert_eq!(spelled(&format!("{host}.amazonaws.com"), event), want, "{host} {event}");
        }
        assert_eq!(spelled("s3.amazonaws.com.cn", "ListBuckets"), "s3:ListAllMyBuckets");
    }

    #[test]
    fn versions_are_taken_off_and_nothing_else() {
        for (event, want) in [
            ("ListFunctions20150331", "ListFunctions"),
            ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
            ("CreateDistribution2020_05_31", "CreateDistribution"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("GetTrail12345678", "GetTrail12345678"),
            ("20150331", "20150331"),
            ("v2", "v2"),
            ("é20150331", "é20150331"),
        ] {
            assert_eq!(without_version(event), want);
        }
    }
}
