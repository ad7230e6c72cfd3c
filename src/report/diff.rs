//! What changed between two reports: keys that went, turned, appeared and came back; consumers and verdicts; and the
//! burn-down over many. Reads JSON reports as they are written, so that those of earlier versions count, too.

use super::text::clean;
use crate::model::{counted, format_instant, parse_instant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Name and version of the format.
pub const DIFF_SCHEMA: &str = "offkey.diff/1";

/// The part of a report that is compared. Fields of later versions are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct PastReport {
    schema: String,
    /// The time it speaks for.
    pub as_of: String,
    #[serde(default)]
    redacted: bool,
    keys: Vec<PastKey>,
}

#[derive(Clone, Debug, Deserialize)]
struct PastKey {
    reference: String,
    account: Option<String>,
    user: Option<String>,
    status: Option<String>,
    created: Option<String>,
    verdict: String,
    due_by_age: Option<bool>,
    due_by_idle: Option<bool>,
    #[serde(default)]
    reasons: Vec<PastReason>,
    #[serde(default)]
    consumers: Vec<PastConsumer>,
    #[serde(default)]
    gaps: Vec<PastGap>,
}

#[derive(Clone, Debug, Deserialize)]
struct PastReason {
    code: String,
    text: String,
}

#[derive(Clone, Debug, Deserialize)]
struct PastConsumer {
    id: String,
    kind_title: String,
    origin: String,
    #[serde(default)]
    seen: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct PastGap {
    id: String,
    #[serde(default)]
    blocks_unused: bool,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is gone, or inactive, and its user has no new one.
    Retired,
    /// It is gone, or inactive, and its user has a new one.
    Rotated,
    /// It was made since, and replaces none.
    NewKey,
    /// It was there before, and the earlier report did not know it.
    Found,
    /// It was inactive or gone, and works.
    Returned,
    /// Its verdict is another.
    Verdict,
    /// A consumer appeared.
    NewConsumer,
    /// A consumer was not seen any more.
    GoneConsumer,
}

impl Change {
    /// All of them, in the order of the output.
    pub const ALL: &'static [Self] = &[
        Self::Returned,
        Self::NewKey,
        Self::Found,
        Self::NewConsumer,
        Self::Retired,
        Self::Rotated,
        Self::Verdict,
        Self::GoneConsumer,
    ];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Rotated => "rotated",
            Self::NewKey => "new-key",
            Self::Found => "found",
            Self::Returned => "returned",
            Self::Verdict => "verdict",
            Self::NewConsumer => "new-consumer",
            Self::GoneConsumer => "gone-consumer",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Retired => "Retired",
            Self::Rotated => "Rotated",
            Self::NewKey => "New keys",
            Self::Found => "Keys that the earlier report did not know",
            Self::Returned => "Keys that came back",
            Self::Verdict => "Verdicts that changed",
            Self::NewConsumer => "Consumers that appeared",
            Self::GoneConsumer => "Consumers no longer seen",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changed {
    /// What.
    pub change: Change,
    /// Key.
    pub key: String,
    /// Account, where known.
    pub account: Option<String>,
    /// User, where known.
    pub user: Option<String>,
    /// In words: from what to what, and why.
    pub text: String,
}

/// Counts of one report, for the burn-down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Point {
    /// The time that the report speaks for.
    pub as_of: String,
    /// Keys.
    pub keys: usize,
    /// Of those, active ones.
    pub active: usize,
    /// Of those, due by age or idleness.
    pub due: usize,
    /// Active keys by verdict.
    pub verdicts: BTreeMap<String, usize>,
}

/// Counts of a report that was just made.
pub fn point_of(report: &super::view::Report) -> Point {
    let active: Vec<&super::view::Key> =
        report.keys.iter().filter(|key| key.status.is_none_or(|status| status == "Active")).collect();
    let mut verdicts = BTreeMap::new();
    active.iter().for_each(|key| *verdicts.entry(key.verdict.to_owned()).or_insert(0) += 1);
    let due = |key: &&&super::view::Key| key.due_by_age == Some(true) || key.due_by_idle == Some(true);
    Point {
        as_of: report.as_of.clone(),
        keys: report.keys.len(),
        active: active.len(),
        due: active.iter().filter(due).count(),
        verdicts,
    }
}

/// What changed between two reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diff {
    /// Always `offkey.diff/1`.
    pub schema: &'static str,
    /// The earlier report's counts.
    pub from: Point,
    /// The later report's.
    pub to: Point,
    /// Changes, the most alarming first.
    pub changes: Vec<Changed>,
}

impl PastReport {
    /// Reads a JSON report.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut report: Self = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| format!("not a JSON report: {error}"))?;
        if !report.schema.starts_with("offkey.report/") {
            return Err(format!("its schema is {:?}, not offkey.report", report.schema));
        }
        if report.schema != super::SCHEMA {
            return Err(format!("{} is of another version than {}", report.schema, super::SCHEMA));
        }
        if report.redacted {
            return Err(
                "it is redacted: pseudonyms of one report say nothing about those of another".to_owned()
            );
        }
        // However it is written, so that reports are in the order of their times.
        let time = parse_instant(&report.as_of).ok_or_else(|| format!("{:?} is no time", report.as_of))?;
        report.as_of = format_instant(time);
        Ok(report)
    }

    /// Its counts.
    pub fn point(&self) -> Point {
        let active: Vec<&PastKey> = self.keys.iter().filter(|key| key.works()).collect();
        let mut verdicts = BTreeMap::new();
        active.iter().for_each(|key| *verdicts.entry(key.verdict.clone()).or_insert(0) += 1);
        let due = |key: &&&PastKey| key.due_by_age == Some(true) || key.due_by_idle == Some(true);
        Point {
            as_of: self.as_of.clone(),
            keys: self.keys.len(),
            active: active.len(),
            due: active.iter().filter(due).count(),
            verdicts,
        }
    }
}

impl PastKey {
    /// A status that nobody knows may be an active one.
    fn works(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "Active")
    }

    fn owner(&self) -> Option<(&str, &str)> {
        Some((self.account.as_deref()?, self.user.as_deref()?))
    }

    fn changed(&self, change: Change, text: String) -> Changed {
        Changed {
            change,
            key: self.reference.clone(),
            account: self.account.clone(),
            user: self.user.clone(),
            text,
        }
    }

    fn because(&self) -> String {
        self.reasons.first().map_or_else(String::new, |reason| format!("{} ({})", reason.text, reason.code))
    }
}

/// Compares two reports.
pub fn diff(from: &PastReport, to: &PastReport) -> Diff {
    let before: BTreeMap<&str, &PastKey> =
        from.keys.iter().map(|key| (key.reference.as_str(), key)).collect();
    let after: BTreeMap<&str, &PastKey> = to.keys.iter().map(|key| (key.reference.as_str(), key)).collect();
    let mut changes = Vec::new();
    // New keys, each of which can be the successor of one that went.
    let fresh = |key: &&&PastKey| !before.contains_key(key.reference.as_str());
    let is_later =
        |key: &PastKey| match (key.created.as_deref().and_then(parse_instant), parse_instant(&from.as_of)) {
            (Some(created), Some(then)) => created > then,
            _ => false,
        };
    let mut heirs: BTreeMap<(&str, &str), Vec<&PastKey>> = BTreeMap::new();
    for key in after.values().filter(fresh).filter(|key| key.works() && is_later(key)) {
        if let Some(owner) = key.owner() {
            heirs.entry(owner).or_default().push(key);
        }
    }
    let mut inherited: BTreeSet<&str> = BTreeSet::new();
    for (reference, old) in &before {
        let now = after.get(reference);
        let ended = now.map_or_else(|| "gone", |key| if key.works() { "" } else { "inactive" });
        if old.works() && !ended.is_empty() {
            let heir = old.owner().and_then(|owner| heirs.get_mut(&owner)).and_then(Vec::pop);
            match heir {
                Some(heir) => {
                    inherited.insert(&heir.reference);
                    changes.push(
                        old.changed(Change::Rotated, format!("{ended}; its user has {} now", heir.reference)),
                    );
                }
                None => {
                    changes.push(old.changed(Change::Retired, format!("{ended}; it was {:?}", old.verdict)))
                }
            }
        }
        let Some(now) = now else { continue };
        if !old.works() && now.works() {
            changes.push(now.changed(
                Change::Returned,
                format!("it was {}, and is active", old.status.as_deref().unwrap_or("inactive")),
            ));
        }
        if now.works() && old.verdict != now.verdict {
            changes.push(now.changed(Change::Verdict, verdict(old, now)));
        }
        consumers(old, now, &mut changes);
    }
    for key in after.values().filter(fresh) {
        if inherited.contains(key.reference.as_str()) || !key.works() {
            continue;
        }
        let made = key.created.as_deref().unwrap_or("at a time that is not known");
        let change = if is_later(key) { Change::NewKey } else { Change::Found };
        changes.push(key.changed(change, format!("made {made}; {}", key.because())));
    }
    let rank = |change: Change| Change::ALL.iter().position(|other| *other == change);
    changes.sort_by(|a, b| (rank(a.change), &a.key, &a.text).cmp(&(rank(b.change), &b.key, &b.text)));
    Diff { schema: DIFF_SCHEMA, from: from.point(), to: to.point(), changes }
}

/// From what to what, and why: the reasons, and gaps that closed or opened.
fn verdict(old: &PastKey, now: &PastKey) -> String {
    let gaps = |key: &PastKey| -> BTreeSet<String> {
        key.gaps.iter().filter(|gap| gap.blocks_unused).map(|gap| gap.id.clone()).collect()
    };
    let (before, after) = (gaps(old), gaps(now));
    let list = |set: Vec<&String>| set.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let mut text = format!("{} → {}: {}", old.verdict, now.verdict, now.because());
    let (closed, opened) =
        (list(before.difference(&after).collect()), list(after.difference(&before).collect()));
    if !closed.is_empty() {
        let _ = write!(text, "; closed: {closed}");
    }
    if !opened.is_empty() {
        let _ = write!(text, "; opened: {opened}");
    }
    text
}

fn consumers(old: &PastKey, now: &PastKey, changes: &mut Vec<Changed>) {
    let seen = |key: &PastKey| -> BTreeMap<String, String> {
        let of = |c: &PastConsumer| (c.id.clone(), format!("{}: {}", c.kind_title, c.origin));
        key.consumers.iter().filter(|consumer| consumer.seen).map(of).collect()
    };
    let (before, after) = (seen(old), seen(now));
    for (id, text) in &after {
        if !before.contains_key(id) {
            changes.push(now.changed(Change::NewConsumer, text.clone()));
        }
    }
    for (id, text) in &before {
        if !after.contains_key(id) {
            changes.push(now.changed(Change::GoneConsumer, text.clone()));
        }
    }
}

/// Changes of a sort that are listed one by one.
const LISTED: usize = 200;

impl Diff {
    /// How many changes of a sort there are.
    pub fn count(&self, change: Change) -> usize {
        self.changes.iter().filter(|changed| changed.change == change).count()
    }

    /// For a terminal or, with `markdown`, for a pull request.
    pub fn text(&self, markdown: bool) -> String {
        let mut out = String::new();
        let shown =
            |text: &str| if markdown { super::text::markdown(text) } else { clean(text).into_owned() };
        let (head, item) = if markdown { ("## ", "- ") } else { ("", "  ") };
        let _ = writeln!(out, "{head}From {} to {}\n", self.from.as_of, self.to.as_of);
        let signed = |before: usize, after: usize| match after as i64 - before as i64 {
            0 => "as before".to_owned(),
            n => format!("{n:+}"),
        };
        let rows =
            [("active keys", self.from.active, self.to.active), ("of those due", self.from.due, self.to.due)];
        for (what, before, after) in rows {
            let _ = writeln!(out, "{item}{what}: {before} → {after} ({})", signed(before, after));
        }
        let verdicts: BTreeSet<&String> = self.from.verdicts.keys().chain(self.to.verdicts.keys()).collect();
        for verdict in verdicts {
            let of = |point: &Point| point.verdicts.get(verdict).copied().unwrap_or(0);
            let (before, after) = (of(&self.from), of(&self.to));
            let _ = writeln!(out, "{item}{}: {before} → {after} ({})", shown(verdict), signed(before, after));
        }
        if self.changes.is_empty() {
            let _ = writeln!(out, "\nNothing changed.");
        }
        for change in Change::ALL {
            let of: Vec<&Changed> = self.changes.iter().filter(|changed| changed.change == *change).collect();
            if of.is_empty() {
                continue;
            }
            let sub = if markdown { "### " } else { "" };
            let _ = writeln!(out, "\n{sub}{} ({})\n", change.title(), of.len());
            for changed in of.iter().take(LISTED) {
                let user =
                    changed.user.as_deref().map_or_else(String::new, |user| format!(" of {}", shown(user)));
                let key = if markdown { super::text::code(&changed.key) } else { shown(&changed.key) };
                let _ = writeln!(out, "{item}{key}{user}: {}", shown(&changed.text));
            }
            if of.len() > LISTED {
                let _ =
                    writeln!(out, "{item}and {}; --json has them all", counted(of.len() - LISTED, "more"));
            }
        }
        out
    }
}

/// The burn-down as a table of text.
pub fn burn_down(points: &[Point]) -> String {
    let most = points.iter().map(|point| point.active).max().unwrap_or(0).max(1);
    let mut out = format!("{:<20}  {:>6}  {:>6}  {:>6}\n", "AS OF", "ACTIVE", "DUE", "RETIRE");
    for point in points {
        let retire = point.verdicts.get("retire").copied().unwrap_or(0);
        let bar = "#".repeat((point.active * 30).div_ceil(most));
        let _ =
            writeln!(out, "{:<20}  {:>6}  {:>6}  {retire:>6}  {bar}", point.as_of, point.active, point.due);
    }
    out
}
