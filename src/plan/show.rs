//! A plan as people want to read it: what will happen, what can be undone, what cannot, what waits.

use super::document::{KeyPlan, Operation, Plan};
use crate::model::counted;
use jiff::Timestamp;
use std::fmt::Write;

/// One thing that a plan does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WouldDo {
    /// What.
    pub what: String,
    /// How it is undone; `None` where it cannot be.
    pub undo: Option<&'static str>,
}

/// Everything that a plan does to a key, in order.
pub fn steps(plan: &Plan, key: &KeyPlan) -> Vec<WouldDo> {
    let mut out = Vec::new();
    let mut add = |what: String, undo| out.push(WouldDo { what, undo });
    let id = &key.key.id;
    let silence = needed_silence(plan, key);
    add(
        format!("claim user {} by a tag, so that nobody else works on it", key.user),
        Some("the tag goes at the end, or by rollback"),
    );
    if plan.operation == Operation::Rotate {
        let sink = key.sink.as_ref().map_or_else(String::new, ToString::to_string);
        add(format!("prove that a secret can be written to {sink}"), Some("what is written is no secret"));
        add(
            "create a second key for the user".to_owned(),
            Some("deactivate and delete it by hand: nothing uses it yet"),
        );
        add(
            format!("store its secret in {sink}, read it back, sign in with it, hand it to readers"),
            Some("the old key keeps working"),
        );
        add(
            format!("wait until the new key is used and {id} has been silent for {silence} days"),
            Some("waiting changes nothing"),
        );
    } else {
        let role = key.role.as_deref().unwrap_or("whatever replaces it");
        add(
            format!("wait until {role} carries the load and {id} has been silent for {silence} days"),
            Some("waiting changes nothing"),
        );
    }
    add(format!("deactivate {id}"), Some("offkey's rollback makes it active again at once"));
    if plan.settings.delete {
        let watch = plan.settings.watch.as_ref().map_or_else(String::new, |watch| {
            format!(", and at every resume run `{watch}`: if it fails, the key is made active again")
        });
        add(format!("wait {} days{watch}", plan.settings.wait_days), Some("waiting changes nothing"));
        add(format!("delete {id}, once somebody types its id"), None);
    }
    add("remove the tag".to_owned(), Some("nothing depends on it"));
    out
}

/// Days of silence before deactivation: longer than the longest gap in the key's own history.
fn needed_silence(plan: &Plan, key: &KeyPlan) -> i32 {
    let cadence = key.evidence.as_ref().and_then(|evidence| evidence.longest_gap_days);
    plan.settings.silence_days.max(cadence.map_or(0, |days| days.saturating_add(1)))
}

/// The plan in words.
pub fn show(plan: &Plan, now: Option<Timestamp>) -> String {
    let mut out = String::new();
    let count = counted(plan.keys.len(), "key");
    if plan.keys.is_empty() {
        let _ = writeln!(out, "no plan: there is no key to {}", plan.operation.id());
    } else {
        let _ = writeln!(out, "plan {}: {} {count}", plan.id, plan.operation.id());
        let _ = writeln!(out, "  made {} by {}", plan.created, plan.caller.principal);
        let over = if now.is_some_and(|now| now >= plan.expires) { " (expired)" } else { "" };
        let _ = writeln!(out, "  may be begun until {}{over}", plan.expires);
    }
    for key in &plan.keys {
        let _ = writeln!(out, "\n{} of user {} in account {}", key.key.id, key.user, key.account);
        let used = key
            .last_used
            .map_or_else(|| "never used, says IAM".to_owned(), |at| format!("last used {at}, says IAM"));
        let _ = writeln!(out, "  made {}, {used}", key.key.created);
        match &key.evidence {
            None => {
                let _ = writeln!(
                    out,
                    "  no evidence of who uses it was given (--evidence): its rhythm is unknown"
                );
            }
            Some(evidence) => {
                let last = evidence
                    .last_event
                    .map_or_else(|| "no event".to_owned(), |at| format!("the last at {at}"));
                let _ = writeln!(
                    out,
                    "  evidence of {}: verdict {}, {} events, {last}",
                    evidence.as_of, evidence.verdict, evidence.events
                );
                for consumer in &evidence.consumers {
                    let _ = writeln!(out, "    used by {consumer}");
                }
                for gap in &evidence.gaps {
                    let state = accepted(plan, key, &gap.id).map_or("blocks deactivation", |_| "accepted");
                    let _ = writeln!(out, "    gap {} ({state}): {}", gap.id, gap.detail);
                }
            }
        }
        for (n, step) in steps(plan, key).iter().enumerate() {
            let _ = writeln!(out, "  {}. {}", n + 1, step.what);
            match step.undo {
                Some(undo) => {
                    let _ = writeln!(out, "       undo: {undo}");
                }
                None => {
                    let _ = writeln!(out, "       CANNOT BE UNDONE");
                }
            }
        }
    }
    for accepted in &plan.accepted {
        let of = accepted.key.as_deref().unwrap_or("all keys");
        let _ = writeln!(out, "\naccepted for {of}: {}, because {}", accepted.gap, accepted.reason);
    }
    if !plan.left_out.is_empty() {
        let _ = writeln!(out, "\nleft alone: {}", counted(plan.left_out.len(), "key"));
        for left in &plan.left_out {
            let _ = writeln!(
                out,
                "  {} of {} in {} [{}]: {}",
                left.key, left.user, left.account, left.stop, left.why
            );
            let _ = writeln!(out, "    instead: {}", left.instead);
        }
    }
    if !plan.settings.delete && !plan.keys.is_empty() {
        let _ = writeln!(out, "\nnothing is deleted: deletion was not asked for (--delete-after DAYS)");
    }
    out
}

fn accepted<'a>(plan: &'a Plan, key: &KeyPlan, gap: &str) -> Option<&'a str> {
    plan.accepted
        .iter()
        .find(|accepted| accepted.gap == gap && accepted.key.as_ref().is_none_or(|id| *id == key.key.id))
        .map(|accepted| accepted.reason.as_str())
}
