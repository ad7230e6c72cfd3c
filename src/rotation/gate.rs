//! What has to be proved before a key is deactivated.

use super::state::Progress;
use crate::plan::{Accepted, FLOOR_DAYS, Gist, KeyPlan, Operation, Plan};
use crate::ports::LastUse;
use jiff::{SignedDuration, Timestamp};

/// IAM rounds last-used to 15 minutes
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html>), and offkey's own proof is a use.
const OWN_USE: SignedDuration = SignedDuration::from_mins(30);

/// What logs say of the role that replaces a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleProof {
    /// Kinds of calls that the key made and the role makes, too.
    pub carried: usize,
    /// All kinds of calls that the key made.
    pub all: usize,
    /// Consumers of the key that appear under the role.
    pub consumers: usize,
    /// All of the key's consumers.
    pub all_consumers: usize,
}

/// What IAM and the evidence show when the gate is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// AWS's time.
    pub now: Timestamp,
    /// Last use of the old key.
    pub old: Option<LastUse>,
    /// Last use of the new key.
    pub new: Option<LastUse>,
    /// Last use of the role that replaces it.
    pub role: Option<Timestamp>,
    /// What logs say of that role, where somebody looked.
    pub proof: Option<RoleProof>,
    /// Evidence newer than the plan's, where it was given.
    pub fresh: Option<Gist>,
}

/// Something that is not proved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Stable id, by which it can be accepted.
    pub id: String,
    /// What is missing.
    pub text: String,
    /// When it will be proved if nothing happens; `None` where waiting alone does not prove it.
    pub until: Option<Timestamp>,
}

/// Days that the old key has to be silent: longer than the longest gap in its own history.
pub fn required_silence(plan: &Plan, evidence: Option<&Gist>) -> i32 {
    let cadence = evidence.and_then(|gist| gist.longest_gap_days).map_or(0, |days| days.saturating_add(1));
    plan.settings.silence_days.max(cadence).max(FLOOR_DAYS)
}

/// What is not proved yet, and what the rest rests on.
pub fn gate(
    plan: &Plan,
    key: &KeyPlan,
    progress: &Progress,
    seen: &Seen,
    accepted: &[Accepted],
) -> (Vec<Blocker>, Vec<String>) {
    let mut blockers = Vec::new();
    let mut because = Vec::new();
    let evidence = seen.fresh.as_ref().or(key.evidence.as_ref());
    match plan.operation {
        Operation::Rotate => carried_by_key(progress, seen, &mut blockers, &mut because),
        Operation::Retire => carried_by_role(key, evidence, seen, &mut blockers, &mut because),
    }
    silence(plan, key, evidence, seen, &mut blockers, &mut because);
    match evidence {
        None => blockers.push(Blocker {
            id: "cadence-unknown".to_owned(),
            text: "how often the key is used is not known: no evidence was given".to_owned(),
            until: None,
        }),
        Some(gist) => {
            if gist.events > 0 && gist.longest_gap_days.is_none() {
                blockers.push(Blocker {
                    id: "cadence-unknown".to_owned(),
                    text: "the key was seen on one day only, so that its rhythm is not known".to_owned(),
                    until: None,
                });
            }
            blockers.extend(gist.gaps.iter().map(|gap| Blocker {
                id: gap.id.clone(),
                text: gap.detail.clone(),
                until: None,
            }));
        }
    }
    blockers.retain(|blocker| {
        let taken = accepted.iter().find(|accepted| {
            accepted.gap == blocker.id && accepted.key.as_ref().is_none_or(|id| *id == key.key.id)
        });
        // The floor is no gap of evidence: nobody can take it upon themselves.
        let taken = taken.filter(|_| blocker.id != "silence");
        if let Some(accepted) = taken {
            because.push(format!("accepted {}: {} (because {})", blocker.id, blocker.text, accepted.reason));
        }
        taken.is_none()
    });
    (blockers, because)
}

/// The new key is used, and not only by offkey's own proof.
fn carried_by_key(progress: &Progress, seen: &Seen, blockers: &mut Vec<Blocker>, because: &mut Vec<String>) {
    let own = progress.verified.map(|at| at.saturating_add(OWN_USE).unwrap_or(at));
    let by_others = |used: &LastUse| used.service != "sts" || own.is_none_or(|own| used.at > own);
    match &seen.new {
        Some(used) if by_others(used) => {
            because.push(format!("the new key was used at {} ({}), says IAM", used.at, used.service));
        }
        used => {
            let only = used.as_ref().map_or("not used yet", |_| "used by offkey's own proof only");
            blockers.push(Blocker {
                id: "replacement".to_owned(),
                text: format!(
                    "the new key is {only}: the consumers have not been given it, or do not run often"
                ),
                until: None,
            });
        }
    }
}

/// The role is used instead, or nothing needs replacing.
fn carried_by_role(
    key: &KeyPlan,
    evidence: Option<&Gist>,
    seen: &Seen,
    blockers: &mut Vec<Blocker>,
    because: &mut Vec<String>,
) {
    let mut blocked = |text: String| {
        blockers.push(Blocker { id: "replacement".to_owned(), text, until: None });
    };
    let Some(role) = &key.role else {
        match evidence {
            Some(gist) if gist.verdict == "retire" => {
                because.push(format!("unused by the evidence of {}: nothing needs replacing", gist.as_of));
            }
            _ => blocked(
                "no role is named that replaces the key (--role), and no evidence says that it is unused"
                    .to_owned(),
            ),
        }
        return;
    };
    match (seen.role, &seen.proof) {
        (_, Some(proof)) if proof.carried < proof.all || proof.consumers < proof.all_consumers => {
            blocked(format!(
                "logs show {role} making {} of the key's {} kinds of calls, and {} of its {} consumers there",
                proof.carried, proof.all, proof.consumers, proof.all_consumers
            ))
        }
        (used, Some(proof)) => because.push(format!(
            "logs show {role} making all of the key's {} kinds of calls, for all {} consumers{}",
            proof.all,
            proof.all_consumers,
            used.map_or_else(String::new, |at| format!("; IAM says it was used at {at}"))
        )),
        (None, None) => blocked(format!("{role} was never used, says IAM")),
        (Some(at), None) => blocked(format!(
            "{role} was used at {at}, says IAM, but by whom and for what is not known: give logs (--evidence)"
        )),
    }
}

fn silence(
    plan: &Plan,
    key: &KeyPlan,
    evidence: Option<&Gist>,
    seen: &Seen,
    blockers: &mut Vec<Blocker>,
    because: &mut Vec<String>,
) {
    let days = required_silence(plan, evidence);
    let last = [
        seen.old.as_ref().map(|used| used.at),
        evidence.and_then(|gist| gist.last_event),
        // What the plan saw once stays seen.
        key.evidence.as_ref().and_then(|gist| gist.last_event),
        key.last_used,
    ];
    let Some(last) = last.into_iter().flatten().max() else {
        let age = seen.now.duration_since(key.key.created);
        if age < SignedDuration::from_hours(24 * i64::from(days)) {
            let until = key.key.created.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).ok();
            let text = format!("the key was never used, but is younger than {days} days");
            blockers.push(Blocker { id: "silence".to_owned(), text, until });
        } else {
            because.push(format!("the old key was never used, says IAM, and is older than {days} days"));
        }
        return;
    };
    let until =
        last.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX);
    if seen.now < until {
        let text = format!("the old key was used at {last}: it has to be silent for {days} days");
        blockers.push(Blocker { id: "silence".to_owned(), text, until: Some(until) });
    } else {
        because.push(format!("the old key is silent since {last}, which is longer than {days} days"));
    }
}
