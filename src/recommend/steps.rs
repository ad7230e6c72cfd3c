//! What to do next with a key, by its verdict and what decided it.

use super::verdict::{Reason, VerdictKind};

/// The next steps, in order. Incidents come before any migration.
pub(crate) fn next_steps(kind: VerdictKind, reasons: &[Reason]) -> Vec<&'static str> {
    let has = |codes: &[&str]| reasons.iter().any(|reason| codes.contains(&reason.code));
    let mut steps = Vec::new();
    if has(&["quarantined", "key-validated", "attack-tool"]) {
        steps.extend([
            "treat it as an incident: deactivate the key now, or rotate it first where a consumer below would break",
            "look in every region for calls from addresses that no consumer explains, since the key was last known to be safe",
            "look for what an intruder leaves behind: new users, keys, roles, trust policies, functions, instances",
            "find where the key got out, and remove it there; only then plan the migration",
        ]);
    }
    if has(&["root-key"]) {
        steps.extend([
            "find out what uses the root key, and give it an identity with only the permissions that its calls need",
            "delete the root key as soon as nothing depends on it",
        ]);
    }
    if has(&["session-context", "stray-identity"]) {
        steps.push(
            "compare the raw records with their source: masked or rewritten logs cannot be relied upon",
        );
    }
    if !steps.is_empty() {
        return steps;
    }
    match kind {
        VerdictKind::Retire => vec![
            "deactivate the key, which can be undone at once",
            "wait at least 7 days, and ask for failures: a failed authentication appears in no CloudTrail log",
            "delete the key, which cannot be undone",
        ],
        VerdictKind::Replace => vec![
            "confirm each consumer with its owner, and build its replacement below",
            "see the roles carry the load and the key fall silent for longer than its longest silence",
            "deactivate, wait at least 7 days, delete",
        ],
        VerdictKind::Rotate => vec![
            "make a second key, give it to every consumer below, and see it used",
            "deactivate the old key, wait at least 7 days, delete it",
            "work on what keeps a role from taking over",
        ],
        VerdictKind::Investigate => vec![
            "close the gaps and answer the questions below; until then, touch nothing",
            "judge again with the new evidence",
        ],
    }
}
