//! Names that stand for others: gathered first, numbered in their order, then put in wherever the others stand.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::OnceLock;

/// What a name is of: the pseudonym begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Id,
    Account,
    Address,
    User,
    Agent,
    Program,
    Name,
}

/// Prefixes of AWS's own identifiers
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>).
const PREFIXES: &[&str] =
    &["AKIA", "ASIA", "AIDA", "AROA", "AGPA", "ANPA", "ANVA", "APKA", "ABIA", "ACCA", "ASCA", "AIPA"];

/// Words that AWS or this program says anyway: as names they are left as they are.
const COMMON: &[&str] = &[
    "root",
    "<root_account>",
    "aws",
    "s3",
    "iam",
    "sts",
    "ec2",
    "key",
    "user",
    "role",
    "account",
    "none",
    "unknown",
];

/// First parts of resources in ARNs that say what kind of thing it is.
const TYPES: &[&str] = &[
    "alias",
    "assumed-role",
    "client-vpn-endpoint",
    "cluster",
    "federated-user",
    "function",
    "group",
    "instance",
    "instance-profile",
    "key",
    "log-group",
    "log-stream",
    "mfa",
    "oidc-provider",
    "parameter",
    "policy",
    "project",
    "repository",
    "role",
    "root",
    "saml-provider",
    "secret",
    "sts",
    "table",
    "task",
    "trail",
    "user",
    "volume",
];

/// Texts, and what is put in the place of each.
#[derive(Default)]
struct Finder {
    search: Option<AhoCorasick>,
    put: Vec<String>,
}

impl Finder {
    fn new<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Self {
        let (texts, put): (Vec<&String>, Vec<String>) = pairs.map(|(text, put)| (text, put.clone())).unzip();
        Self {
            search: AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(&texts).ok(),
            put,
        }
    }

    /// Hands what was found, and what stands between, to `out`; texts inside of longer words are not found.
    fn each(&self, text: &str, mut between: impl FnMut(&str, &mut String), out: &mut String) {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let joins = |a: Option<char>, b: Option<char>| a.is_some_and(word) && b.is_some_and(word);
        let mut done = 0;
        for found in self.search.iter().flat_map(|search| search.find_iter(text)) {
            let (before, after) =
                (piece(0, found.start()).chars().next_back(), piece(found.end(), text.len()).chars().next());
            let inner = piece(found.start(), found.end());
            if joins(before, inner.chars().next()) || joins(inner.chars().next_back(), after) {
                continue;
            }
            between(piece(done, found.start()), out);
            out.push_str(self.put.get(found.pattern().as_usize()).map_or("…", String::as_str));
            done = found.end();
        }
        between(piece(done, text.len()), out);
    }
}

/// Whether a word is one of this program's own language, by what its documents say: as somebody's tag, path or the like it is left
/// alone in sentences, which would say nothing otherwise.
fn is_ordinary(word: &str) -> bool {
    const DOCUMENTS: [&str; 6] = [
        include_str!("../../docs/verdicts.md"),
        include_str!("../../docs/attribution.md"),
        include_str!("../../docs/replacements.md"),
        include_str!("../../docs/policy.md"),
        include_str!("../../docs/rotation.md"),
        include_str!("../../docs/inputs.md"),
    ];
    static WORDS: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let letters = |c: char| !c.is_ascii_alphabetic();
    let words = WORDS.get_or_init(|| DOCUMENTS.iter().flat_map(|text| text.split(letters)).collect());
    words.contains(word)
}

/// Names and what stands for them.
#[derive(Default)]
pub(super) struct Pseudonyms {
    gathered: BTreeMap<String, Kind>,
    arns: BTreeSet<String>,
    stands_for: BTreeMap<String, String>,
    /// Whole ARNs first: names in them may have spaces and commas, and would end where a sentence's word does.
    whole: Finder,
    names: Finder,
}

impl Pseudonyms {
    fn add(&mut self, text: &str, kind: Kind) {
        // One letter says nothing, and stands in every sentence.
        if text.chars().count() > 1 && !COMMON.contains(&text) {
            let own = self.gathered.entry(text.to_owned()).or_insert(kind);
            *own = (*own).min(kind);
        }
    }

    /// A key id or another identifier of AWS's.
    pub(super) fn id(&mut self, text: &str) {
        self.add(text, Kind::Id);
    }

    /// An account.
    pub(super) fn account(&mut self, text: &str) {
        self.add(text, Kind::Account);
    }

    /// A source address; a service's name in its place is left as it is.
    pub(super) fn address(&mut self, text: &str) {
        // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
        match text.parse::<IpAddr>() {
            Ok(_) => self.add(text, Kind::Address),
            Err(_) if text.ends_with(".amazonaws.com") || text == "AWS Internal" => {}
            Err(_) => self.add(text, Kind::Name),
        }
    }

    /// A sentence that may have addresses in it.
    pub(super) fn addresses(&mut self, text: &str) {
        for part in text.split([' ', ',', '(', ')']).filter(|part| part.parse::<IpAddr>().is_ok()) {
            self.add(part, Kind::Address);
        }
    }

    /// What an exemption names: `key …`, `user …` or `account …`.
    pub(super) fn exempt(&mut self, text: &str) {
        match text.split_once(' ') {
            Some(("key", id)) => self.id(id),
            Some(("account", account)) => self.account(account),
            Some((_, user)) => self.user(user),
            None => self.user(text),
        }
    }

    /// A user.
    pub(super) fn user(&mut self, text: &str) {
        self.add(text, Kind::User);
    }

    /// A user agent as a whole.
    pub(super) fn agent(&mut self, text: &str) {
        self.add(text, Kind::Agent);
    }

    /// A program of somebody's own.
    pub(super) fn program(&mut self, text: &str) {
        self.add(text, Kind::Program);
    }

    /// Any other name.
    pub(super) fn name(&mut self, text: &str) {
        self.add(text, Kind::Name);
    }

    /// What a report calls a key: its id, or account, user and slot.
    pub(super) fn reference(&mut self, text: &str) {
        if let Some((account, user)) = text.split_once('/') {
            self.account(account);
            self.user(user.rsplit_once('#').map_or(user, |(user, _)| user));
        } else {
            self.id(text);
        }
    }

    /// A host; those of public providers are left as they are, but for what stands behind them.
    pub(super) fn host(&mut self, text: &str) {
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        const PUBLIC: &[&str] = &[
            ".amazonaws.com",
            ".githubusercontent.com",
            "gitlab.com",
            ".terraform.io",
            ".circleci.com",
            ".bitbucket.org",
            ".google.com",
            ".windows.net",
        ];
        if !PUBLIC.iter().any(|public| host.ends_with(public)) {
            self.name(host);
        }
        path.split('/').filter(|part| part.len() > 8).for_each(|part| self.name(part));
    }

    /// An ARN, or a name in its place: the account, and every part of the resource.
    pub(super) fn arn(&mut self, text: &str) {
        let Some(parts) = Arn::parse(text) else { return self.name(text) };
        if parts.account == "aws" {
            // AWS's own, the same for everybody.
            return;
        }
        self.arns.insert(text.to_owned());
        self.account(parts.account);
        let issuer = parts.resource.strip_prefix("oidc-provider/");
        if let Some(issuer) = issuer {
            return self.host(issuer);
        }
        let names: Vec<&str> = parts.names().map(|name| name.trim_matches('*')).collect();
        for name in names.into_iter().filter(|name| !name.is_empty() && !TYPES.contains(name)) {
            if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                self.id(name)
            } else {
                self.name(name)
            }
        }
    }

    /// The path from a key to a session: `AssumeRole ARN > GetSessionToken`.
    pub(super) fn path(&mut self, text: &str) {
        for word in text.split(" > ").flat_map(|step| step.split(' ').skip(1)) {
            self.arn(word);
        }
    }

    /// Numbers what was gathered.
    pub(super) fn finish(mut self) -> Self {
        let mut numbers: BTreeMap<Kind, usize> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (text, kind) in &self.gathered {
            let number = numbers.entry(*kind).or_default();
            *number += 1;
            let plain = match kind {
                Kind::Id | Kind::Account => shortened(text),
                Kind::Address => network(text),
                Kind::User => format!("user-{number}"),
                Kind::Agent => format!("agent-{number}"),
                Kind::Program => format!("program-{number}"),
                Kind::Name => format!("name-{number}"),
            };
            // Shortened texts may meet.
            let mut short = plain.clone();
            let mut again = 1;
            while !taken.insert(short.clone()) {
                again += 1;
                short = format!("{plain}~{again}");
            }
            self.stands_for.insert(text.clone(), short);
        }
        let in_sentences =
            |text: &&String| self.gathered.get(*text) != Some(&Kind::Name) || !is_ordinary(text);
        self.names = Finder::new(self.stands_for.iter().filter(|(text, _)| in_sentences(text)));
        let arns: BTreeMap<String, String> =
            self.arns.iter().filter_map(|arn| Some((arn.clone(), self.renamed(&Arn::parse(arn)?)))).collect();
        self.whole = Finder::new(arns.iter());
        self
    }

    /// The text with everything that was gathered, or looks like it, replaced.
    pub(super) fn text(&self, text: &str) -> String {
        if let Some(whole) = self.stands_for.get(text) {
            return whole.clone();
        }
        let mut out = String::with_capacity(text.len());
        self.whole.each(text, |between, out| self.without_whole(between, out), &mut out);
        out
    }

    /// A text without the ARNs that were gathered: others may be in it.
    fn without_whole(&self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(at) = rest.find("arn:") {
            let (before, from) = rest.split_at(at);
            self.words(before, out);
            let end = from.find(|c: char| c.is_whitespace() || "\"'(),;>".contains(c)).unwrap_or(from.len());
            // A full stop ends the sentence, and no ARN.
            let (arn, after) =
                from.split_at(from.get(..end).map_or(end, |arn| arn.trim_end_matches('.').len()));
            match Arn::parse(arn) {
                Some(parts) => out.push_str(&self.renamed(&parts)),
                None => self.words(arn, out),
            }
            rest = after;
        }
        self.words(rest, out);
    }

    fn renamed(&self, arn: &Arn<'_>) -> String {
        if arn.account == "aws" {
            return format!("arn:{}:{}:{}:aws:{}", arn.partition, arn.service, arn.region, arn.resource);
        }
        let account = if arn.account.is_empty() { String::new() } else { self.one(arn.account) };
        let mut resource = String::new();
        let mut word = String::new();
        for c in arn.resource.chars().chain(['\0']) {
            if c != '\0' && !Arn::BETWEEN.contains(&c) {
                word.push(c);
                continue;
            }
            let bare = word.trim_matches('*');
            if bare.is_empty() || TYPES.contains(&bare) || bare.starts_with('<') {
                resource.push_str(&word);
            } else {
                resource.push_str(&word.replacen(bare, &self.one(bare), 1));
            }
            word.clear();
            if c != '\0' {
                resource.push(c);
            }
        }
        format!("arn:{}:{}:{}:{account}:{resource}", arn.partition, arn.service, arn.region)
    }

    /// What stands for a name; `…` where it was not gathered.
    fn one(&self, text: &str) -> String {
        match self.stands_for.get(text) {
            Some(other) => other.clone(),
            None if text.starts_with('<') => text.to_owned(),
            None => {
                let mut out = String::new();
                self.words(text, &mut out);
                if out == text { "…".to_owned() } else { out }
            }
        }
    }

    fn words(&self, text: &str, out: &mut String) {
        self.names.each(text, patterns, out);
    }
}

/// Replaces what looks like an identifier, an account or an address, though nobody gathered it.
fn patterns(text: &str, out: &mut String) {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_');
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(inside).unwrap_or(rest.len());
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = from.find(|c| !inside(c)).unwrap_or(from.len());
        let (token, after) = from.split_at(end);
        // Full stops and colons end sentences; two colons end prefixes.
        let is_address = token.parse::<IpAddr>().is_ok();
        let bare = if is_address { token } else { token.trim_end_matches(['.', ':']) };
        // With a port behind it.
        let host = bare.rsplit_once(':').filter(|(host, port)| {
            host.parse::<std::net::Ipv4Addr>().is_ok() && port.bytes().all(|b| b.is_ascii_digit())
        });
        let digits = bare.len() == 12 && bare.bytes().all(|b| b.is_ascii_digit());
        let id = bare.len() >= 16 && PREFIXES.iter().any(|prefix| bare.starts_with(prefix));
        if digits || id {
            out.push_str(&shortened(bare));
        } else if let Some((host, port)) = host {
            out.push_str(&format!("{}:{port}", network(host)));
        } else if bare.len() > 6 && bare.parse::<IpAddr>().is_ok() {
            out.push_str(&network(bare));
        } else {
            out.push_str(bare);
        }
        out.push_str(token.get(bare.len()..).unwrap_or_default());
        rest = after;
    }
}

/// The first four letters of an identifier, where they only tell what it is of, and the last four.
fn shortened(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let last: String = letters.iter().skip(letters.len().saturating_sub(4)).collect();
    let first = PREFIXES.iter().find(|prefix| text.starts_with(**prefix)).copied().unwrap_or_default();
    if letters.len() < 12 { "…".to_owned() } else { format!("{first}…{last}") }
}

/// The network of an address, as far as it says little.
fn network(text: &str) -> String {
    match text.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, ..] = v4.octets();
            format!("{a}.{b}.x.x")
        }
        Ok(IpAddr::V6(v6)) => {
            let [a, ..] = v6.segments();
            format!("{a:x}:x::")
        }
        Err(_) => "…".to_owned(),
    }
}

struct Arn<'a> {
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    const BETWEEN: [char; 2] = ['/', ':'];

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        (parts.next()? == "arn").then_some(())?;
        let (partition, service, region, account) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { partition, service, region, account, resource: parts.next()? })
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.resource.split(Self::BETWEEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_others_the_same_each_time() {
        let mut names = Pseudonyms::default();
        names.id("AKIAIOSFODNN7EXAMPLE");
        names.account("111122223333");
        names.user("deploy");
        names.address("192.0.2.7");
        names.address("192.0.2.8");
        names.arn("arn:aws:s3:::payroll-exports/2026/*");
        names.arn("arn:aws:s3:::hr/Salaries of Jane Doe, o'b;x.csv");
        names.name("account");
        names.name("last");
        names.exempt("user gone-already");
        names.path("AssumeRole arn:aws:iam::444455556666:role/reader > GetSessionToken");
        let names = names.finish();
        for (text, want) in [
            ("AKIAIOSFODNN7EXAMPLE", "AKIA…MPLE"),
            ("key AKIAIOSFODNN7EXAMPLE of deploy, deployed", "key AKIA…MPLE of user-1, deployed"),
            ("111122223333/deploy#1", "…3333/user-1#1"),
            ("from 192.0.2.7 and 192.0.2.8.", "from 192.0.x.x and 192.0.x.x~2."),
            ("from 198.51.100.9, 2001:db8::1", "from 198.51.x.x, 2001:x::"),
            ("network 198.51.100.0/24", "network 198.51.x.x/24"),
            ("boto3 at 2001:db8:77::/48", "boto3 at 2001:x::/48"),
            ("from 203.0.113.200:44321", "from 203.0.x.x:44321"),
            (
                "s3:PutObject on arn:aws:s3:::hr/Salaries of Jane Doe, o'b;x.csv, twice",
                "s3:PutObject on arn:aws:s3:::name-3/name-2, twice",
            ),
            ("the account that was last used", "the account that was last used"),
            ("arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess"),
            ("user gone-already", "user user-2"),
            ("arn:aws:s3:::payroll-exports/2026/*", "arn:aws:s3:::name-5/name-1/*"),
            ("role arn:aws:iam::444455556666:role/reader.", "role arn:aws:iam::…6666:role/name-6."),
            ("arn:aws:iam::999988887777:role/other", "arn:aws:iam::…7777:role/…"),
            (
                "AssumeRole arn:aws:iam::444455556666:role/reader > x",
                "AssumeRole arn:aws:iam::…6666:role/name-6 > x",
            ),
            ("AIDAQWERTYUIOPASDFGH was here at 12:30", "AIDA…DFGH was here at 12:30"),
            ("arn:aws:iam::<ACCOUNT_ID>:role/<ROLE>", "arn:aws:iam::<ACCOUNT_ID>:role/<ROLE>"),
        ] {
            assert_eq!(names.text(text), want, "{text}");
        }
    }
}
