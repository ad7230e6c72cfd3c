//! The main findings of a report in sentences.

use super::view::{Key, UserRef};
use crate::analysis::Analysis;
use crate::recommend::Wave as WaveKind;

/// The main findings in sentences, most urgent first; only those that there are.
pub(super) fn findings(analysis: &Analysis, keys: &[Key], unknown_users: &[UserRef]) -> Vec<String> {
    let with = |code: &str| keys.iter().filter(|key| key.reasons.iter().any(|r| r.code == code)).count();
    let verdict = |id: &str| keys.iter().filter(|key| key.verdict == id).count();
    let mut out = Vec::new();
    let mut say = |n: usize, one: &str, many: &str| match n {
        0 => {}
        1 => out.push(one.to_owned()),
        n => out.push(many.replace("{n}", &n.to_string())),
    };
    say(
        with("quarantined"),
        "1 key belongs to a user that AWS quarantined: treat it as an incident.",
        "{n} keys belong to users that AWS quarantined: treat them as incidents.",
    );
    say(
        with("key-validated"),
        "1 key was tried by a scanner for leaked keys: somebody else holds it.",
        "{n} keys were tried by scanners for leaked keys: somebody else holds them.",
    );
    say(with("root-key"), "1 root key is in use.", "{n} root keys are in use.");
    say(
        with("session-context"),
        "1 key signs records that carry a session context: its id or its records are not what they seem.",
        "{n} keys sign records that carry a session context: their ids or records are not what they seem.",
    );
    say(
        verdict("retire"),
        "1 key can be retired now: nothing uses it, and no gap is open.",
        "{n} keys can be retired now: nothing uses them, and no gap is open.",
    );
    let quick = keys.iter().filter(|key| key.wave == WaveKind::QuickWins.id()).count();
    say(
        quick,
        "1 key is a quick win: a single workload inside AWS, whose role can take over.",
        "{n} keys are quick wins: a single workload inside AWS each, whose role can take over.",
    );
    let shared = keys.iter().filter(|key| key.consumers.len() > 1).count();
    say(shared, "1 key is shared by several consumers.", "{n} keys are shared by several consumers.");
    let denied =
        keys.iter().filter(|key| key.usage.events > 0 && key.usage.denied_events == key.usage.events).count();
    say(
        denied,
        "1 key is in use though every call it makes is denied.",
        "{n} keys are in use though every call they make is denied.",
    );
    say(
        verdict("rotate"),
        "1 key has to stay for now and should be rotated.",
        "{n} keys have to stay for now and should be rotated.",
    );
    say(
        verdict("investigate"),
        "1 key needs investigation before anything is touched.",
        "{n} keys need investigation before anything is touched.",
    );
    say(
        unknown_users.len(),
        "Of 1 user it is not known whether it has keys.",
        "Of {n} users it is not known whether they have keys.",
    );
    let damaged = analysis.material.skips.iter().filter(|skip| skip.reason.may_hide_records()).count();
    say(
        damaged,
        "1 place in the inputs could not be read and may hide events.",
        "{n} places in the inputs could not be read and may hide events.",
    );
    if keys.is_empty() && unknown_users.is_empty() {
        out.push("No access key was found in the inputs.".to_owned());
    }
    out
}
