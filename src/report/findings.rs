//! The main findings of a report in sentences, each with the keys it is about.

use super::view::{Finding, Key, UserRef};
use crate::analysis::Analysis;
use crate::evidence::GapKind;
use crate::model::{Day, counted};
use crate::recommend::Wave as WaveKind;

/// The findings that there are, most urgent first; what bears on all others, the evidence itself, goes first.
pub(super) fn findings(analysis: &Analysis, keys: &[Key], unknown_users: &[UserRef]) -> Vec<Finding> {
    let mut out = Findings(Vec::new());
    about_evidence(analysis, keys, &mut out);
    out.0.extend(about_keys(keys));
    let n = unknown_users.len();
    out.say(
        "users-unknown",
        n,
        "Of 1 user it is not known whether it has keys.",
        "Of {n} users it is not known whether they have keys.",
    );
    if keys.is_empty() && n == 0 {
        out.say("no-keys", 1, "No access key was found in the inputs.", "");
    }
    out.0
}

struct Findings(Vec<Finding>);

impl Findings {
    /// A finding about the inputs.
    fn say(&mut self, id: &'static str, n: usize, one: &str, many: &str) {
        self.about(id, Vec::new(), n, one, many);
    }

    /// A finding about keys.
    fn keys<'a>(&mut self, id: &'static str, keys: impl Iterator<Item = &'a Key>, one: &str, many: &str) {
        let keys: Vec<String> = keys.map(|key| key.reference.clone()).collect();
        let n = keys.len();
        self.about(id, keys, n, one, many);
    }

    /// Says more of the last finding.
    fn add(&mut self, text: &str) {
        if let Some(last) = self.0.last_mut() {
            last.text.push_str(text);
        }
    }

    fn about(&mut self, id: &'static str, keys: Vec<String>, n: usize, one: &str, many: &str) {
        let text = match n {
            0 => return,
            1 => one.to_owned(),
            n => many.replace("{n}", &n.to_string()),
        };
        self.0.push(Finding { id, text, keys });
    }
}

fn about_evidence(analysis: &Analysis, keys: &[Key], out: &mut Findings) {
    let damaged = analysis.material.skips.iter().filter(|skip| skip.reason.may_hide_records()).count();
    out.say(
        "unread",
        damaged,
        "1 place in the inputs could not be read and may hide events.",
        "{n} places in the inputs could not be read and may hide events.",
    );
    let coverage = &analysis.material.evidence.coverage;
    let ends = coverage.accounts().filter_map(|account| coverage.window(account)).map(|w| w.last).max();
    let today = Day::of(analysis.as_of);
    let stale = keys.iter().any(|key| key.gaps.iter().any(|gap| gap.id == GapKind::StaleEvidence.id()));
    if let Some(last) = ends.filter(|_| stale) {
        let behind = counted((today.0 - last.0).max(0), "day");
        let text = format!(
            "Events end on {last}, {behind} before the report's time: nothing can be called unused. Judge by the logs' own time with --as-of evidence."
        );
        out.say("stale-evidence", 1, &text, "");
    }
    let later =
        keys.iter().filter(|key| key.usage.last.as_deref().is_some_and(|last| is_later(last, analysis)));
    out.keys(
        "later-events",
        later,
        "1 key has events later than the report's time; they count as use.",
        "{n} keys have events later than the report's time; they count as use.",
    );
    if !analysis.material.networks.knows_providers() && keys.iter().any(|key| !key.consumers.is_empty()) {
        let text =
            "No IP range files were given: clouds, runners and servers of one's own cannot be told apart.";
        out.say("no-ranges", 1, text, "");
    }
}

fn is_later(time: &str, analysis: &Analysis) -> bool {
    crate::model::parse_instant(time).is_some_and(|time| Day::of(time) > Day::of(analysis.as_of))
}

/// Findings about keys, which need nothing but them.
pub(super) fn about_keys(keys: &[Key]) -> Vec<Finding> {
    let mut out = Findings(Vec::new());
    let with = |code: &'static str| keys.iter().filter(move |key| key.reasons.iter().any(|r| r.code == code));
    let verdict = |id: &'static str| keys.iter().filter(move |key| key.verdict == id);
    out.keys(
        "quarantined",
        with("quarantined"),
        "1 key belongs to a user that AWS quarantined: treat it as an incident.",
        "{n} keys belong to users that AWS quarantined: treat them as incidents.",
    );
    out.keys(
        "key-validated",
        with("key-validated"),
        "1 key was tried by a scanner for leaked keys: somebody else may hold it.",
        "{n} keys were tried by scanners for leaked keys: somebody else may hold them.",
    );
    out.keys(
        "attack-tool",
        with("attack-tool"),
        "1 key was used by an attack tool: was that a test of yours?",
        "{n} keys were used by attack tools: were those tests of yours?",
    );
    out.keys("root-key", with("root-key"), "1 root key is in use.", "{n} root keys are in use.");
    out.keys(
        "session-context",
        with("session-context"),
        "1 key signs records that carry a session context: its id or its records are not what they seem.",
        "{n} keys sign records that carry a session context: their ids or records are not what they seem.",
    );
    out.keys(
        "retire",
        verdict("retire"),
        "1 key can be retired now: nothing uses it, and no gap forbids the conclusion.",
        "{n} keys can be retired now: nothing uses them, and no gap forbids the conclusion.",
    );
    let off = verdict("retire").filter(|key| key.status == Some("Inactive")).count();
    match off {
        0 => {}
        1 => out.add(" One is inactive already."),
        n => out.add(&format!(" {n} are inactive already.")),
    }
    out.keys(
        "quick-wins",
        keys.iter().filter(|key| key.wave == WaveKind::QuickWins.id()),
        "1 key is a quick win: a single workload inside AWS, whose role can take over.",
        "{n} keys are quick wins: a single workload inside AWS each, whose role can take over.",
    );
    out.keys(
        "shared",
        keys.iter().filter(|key| key.consumers.len() > 1),
        "1 key is shared by several consumers.",
        "{n} keys are shared by several consumers.",
    );
    out.keys(
        "all-denied",
        keys.iter().filter(|key| key.usage.events > 0 && key.usage.denied_events == key.usage.events),
        "1 key is in use though every call it makes is denied.",
        "{n} keys are in use though every call they make is denied.",
    );
    out.keys(
        "rotate",
        verdict("rotate"),
        "1 key has to stay for now and should be rotated.",
        "{n} keys have to stay for now and should be rotated.",
    );
    out.keys(
        "investigate",
        verdict("investigate"),
        "1 key needs investigation before anything is touched.",
        "{n} keys need investigation before anything is touched.",
    );
    out.0
}
