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
        (_, Some(proof)) if proof.all == 0 => blocked(format!(
            "no call of the key is known that worked, so that nothing can be compared with what {role} does"
        )),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{GapNote, example};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn used(at: &str, service: &str) -> Option<LastUse> {
        Some(LastUse { at: time(at), service: service.to_owned() })
    }

    /// What blocks, after one thing is changed about a key that may be deactivated. Its longest silence was 30 days.
    fn blocked(
        operation: Operation,
        change: &dyn Fn(&mut KeyPlan, &mut Seen, &mut Vec<Accepted>),
    ) -> Vec<String> {
        let plan = example(operation);
        let mut key = plan.keys[0].clone();
        let mut progress = Progress::new(operation);
        progress.verified = Some(time("2026-10-01T13:00:00Z"));
        let mut seen = Seen {
            now: time("2026-11-10T00:00:00Z"),
            old: used("2026-10-05T00:00:00Z", "s3"),
            new: used("2026-11-09T00:00:00Z", "s3"),
            role: Some(time("2026-11-09T00:00:00Z")),
            proof: Some(RoleProof { carried: 3, all: 3, consumers: 2, all_consumers: 2 }),
            fresh: None,
        };
        let mut accepted = Vec::new();
        change(&mut key, &mut seen, &mut accepted);
        let (blockers, because) = gate(&plan, &key, &progress, &seen, &accepted);
        assert!(!blockers.is_empty() || because.len() >= 2, "{because:?}");
        blockers.into_iter().map(|blocker| blocker.id).collect()
    }

    fn accept(gap: &str) -> Accepted {
        Accepted { key: None, gap: gap.to_owned(), reason: "r".to_owned() }
    }

    #[test]
    fn the_gate_opens_only_on_proof() {
        use Operation::{Retire, Rotate};
        type Change<'a> = &'a dyn Fn(&mut KeyPlan, &mut Seen, &mut Vec<Accepted>);
        let cells: &[(&str, Operation, Change<'_>, &[&str])] = &[
            ("all is proved", Rotate, &|_, _, _| {}, &[]),
            ("all is proved", Retire, &|_, _, _| {}, &[]),
            ("the new key was never used", Rotate, &|_, s, _| s.new = None, &["replacement"]),
            (
                "offkey's own use",
                Rotate,
                &|_, s, _| s.new = used("2026-10-01T13:00:00Z", "sts"),
                &["replacement"],
            ),
            (
                "STS used by others, later",
                Rotate,
                &|_, s, _| s.new = used("2026-10-01T13:31:00Z", "sts"),
                &[],
            ),
            ("used yesterday", Rotate, &|_, s, _| s.old = used("2026-11-09T00:00:00Z", "s3"), &["silence"]),
            (
                "silent for 30 days, as often",
                Rotate,
                &|_, s, _| s.old = used("2026-10-11T00:00:00Z", "s3"),
                &["silence"],
            ),
            ("silent for 31 days", Rotate, &|_, s, _| s.old = used("2026-10-10T00:00:00Z", "s3"), &[]),
            (
                "silence cannot be accepted",
                Rotate,
                &|_, s, a| {
                    s.old = used("2026-11-09T00:00:00Z", "s3");
                    a.push(accept("silence"));
                },
                &["silence"],
            ),
            (
                "seven days at least",
                Rotate,
                &|k, s, _| {
                    k.evidence.as_mut().unwrap().longest_gap_days = Some(1);
                    s.old = used("2026-11-03T12:00:00Z", "s3");
                },
                &["silence"],
            ),
            (
                "IAM says never, the plan saw a use",
                Rotate,
                &|k, s, _| {
                    s.old = None;
                    k.last_used = Some(time("2026-11-09T00:00:00Z"));
                },
                &["silence"],
            ),
            (
                "IAM says never, the logs saw a use",
                Rotate,
                &|k, s, _| {
                    s.old = None;
                    k.evidence.as_mut().unwrap().last_event = Some(time("2026-11-09T00:00:00Z"));
                },
                &["silence"],
            ),
            (
                "newer evidence saw a use",
                Rotate,
                &|k, s, _| {
                    let mut fresh = k.evidence.clone().unwrap();
                    fresh.last_event = Some(time("2026-11-09T00:00:00Z"));
                    s.fresh = Some(fresh);
                },
                &["silence"],
            ),
            (
                "never used and young",
                Rotate,
                &|k, s, _| {
                    (s.old, k.last_used) = (None, None);
                    k.evidence.as_mut().unwrap().last_event = None;
                    k.key.created = time("2026-11-01T00:00:00Z");
                },
                &["silence"],
            ),
            ("no evidence", Rotate, &|k, _, _| k.evidence = None, &["cadence-unknown"]),
            (
                "no evidence, accepted",
                Rotate,
                &|k, _, a| {
                    k.evidence = None;
                    a.push(accept("cadence-unknown"));
                },
                &[],
            ),
            (
                "seen on one day",
                Rotate,
                &|k, _, _| k.evidence.as_mut().unwrap().longest_gap_days = None,
                &["cadence-unknown"],
            ),
            (
                "an open gap",
                Rotate,
                &|k, _, _| {
                    k.evidence
                        .as_mut()
                        .unwrap()
                        .gaps
                        .push(GapNote { id: "no-data-events".into(), detail: "d".into() });
                },
                &["no-data-events"],
            ),
            (
                "another key's gap is accepted",
                Rotate,
                &|k, _, a| {
                    k.evidence
                        .as_mut()
                        .unwrap()
                        .gaps
                        .push(GapNote { id: "no-data-events".into(), detail: "d".into() });
                    a.push(Accepted { key: Some("AKIAOTHER".into()), ..accept("no-data-events") });
                },
                &["no-data-events"],
            ),
            (
                "this key's gap is accepted",
                Rotate,
                &|k, _, a| {
                    k.evidence
                        .as_mut()
                        .unwrap()
                        .gaps
                        .push(GapNote { id: "no-data-events".into(), detail: "d".into() });
                    a.push(Accepted { key: Some(k.key.id.clone()), ..accept("no-data-events") });
                },
                &[],
            ),
            ("no role, in use", Retire, &|k, _, _| k.role = None, &["replacement"]),
            (
                "no role, unused",
                Retire,
                &|k, _, _| {
                    k.role = None;
                    k.evidence.as_mut().unwrap().verdict = "retire".into();
                },
                &[],
            ),
            (
                "the role was never used",
                Retire,
                &|_, s, _| (s.role, s.proof) = (None, None),
                &["replacement"],
            ),
            ("used, but for what", Retire, &|_, s, _| s.proof = None, &["replacement"]),
            (
                "the role makes some calls",
                Retire,
                &|_, s, _| s.proof.as_mut().unwrap().carried = 2,
                &["replacement"],
            ),
            (
                "one consumer is missing",
                Retire,
                &|_, s, _| s.proof.as_mut().unwrap().consumers = 1,
                &["replacement"],
            ),
            (
                "nothing was needed, and the role did nothing",
                Retire,
                &|_, s, _| {
                    s.proof = Some(RoleProof { carried: 0, all: 0, consumers: 0, all_consumers: 0 });
                },
                &["replacement"],
            ),
        ];
        for (what, operation, change, want) in cells {
            assert_eq!(blocked(*operation, change), *want, "{what} ({operation:?})");
        }
    }
}
