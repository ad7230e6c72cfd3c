//! What became of every key, for people and for machines.

use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use crate::plan::{KeyPlan, Plan};
use crate::report::clean;
use crate::rotation::{Ended, Ending, Phase, Progress, Summary, Told};
use serde::Serialize;
use std::fmt::Write;

/// Name and version of the lines.
const SCHEMA: &str = "offkey.rotation/1";

/// One key.
#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) schema: &'static str,
    pub(super) plan: String,
    pub(super) account: String,
    pub(super) user: String,
    pub(super) access_key_id: String,
    pub(super) phase: &'static str,
    /// `finished`, `rolled-back`, `paused`, `stopped`, `failed`, `interrupted`, or `waiting` where nothing was run.
    pub(super) ended: &'static str,
    pub(super) new_access_key_id: Option<String>,
    pub(super) until: Option<String>,
    pub(super) why: Vec<Why>,
    pub(super) next: Vec<String>,
}

/// Why something is not done yet.
#[derive(Serialize)]
pub(super) struct Why {
    pub(super) id: String,
    pub(super) text: String,
}

/// Counts at the end.
#[derive(Serialize)]
struct Counts {
    schema: &'static str,
    plan: String,
    keys: usize,
    ended: std::collections::BTreeMap<&'static str, usize>,
}

/// What is told of a key that was run.
pub(super) fn of(plan: &Plan, path: &str, key: &KeyPlan, told: &Told) -> Outcome {
    let command = plan.operation.id();
    let mut out = blank(plan, key, &told.progress, told.ended().id());
    let why = |id: &str, text: &str| Why { id: id.to_owned(), text: text.to_owned() };
    match &told.ending {
        Ending::Finished => out.next = finished(plan, path, key, &told.progress),
        Ending::Paused { until, blockers } => {
            out.until = until.map(|until| until.to_string());
            out.why = blockers.iter().map(|blocker| why(&blocker.id, &blocker.text)).collect();
            let open: Vec<&str> =
                blockers.iter().filter(|b| b.until.is_none()).map(|blocker| blocker.id.as_str()).collect();
            let resume = format!("offkey {command} resume {path}");
            match (open.as_slice(), until) {
                (["confirm"], _) => out.next.push(format!("{resume} --delete {}", key.key.id)),
                ([], Some(until)) => out.next.push(format!("{resume}, from {until} on")),
                (open, _) => {
                    let evidence = open.iter().any(|id| !matches!(*id, "replacement" | "silence"));
                    let newer = if evidence { " --evidence NEWER-LOGS" } else { "" };
                    out.next.push(format!("{resume}{newer}, when that is so"));
                    let ids: Vec<String> = open.iter().map(|id| format!("--accept-gap {id}")).collect();
                    out.next
                        .push(format!("or take it upon yourself: {resume} {} --reason TEXT", ids.join(" ")));
                }
            }
        }
        Ending::Stopped(trouble) => {
            out.why.push(why(trouble.id, &trouble.text));
            out.next.clone_from(&trouble.choices);
        }
        Ending::Failed(text) => {
            out.why.push(why("failed", text));
            out.next.push(format!("offkey {command} resume {path}"));
        }
        Ending::Interrupted => out.next.push(format!("offkey {command} resume {path}")),
    }
    out
}

fn blank(plan: &Plan, key: &KeyPlan, progress: &Progress, ended: &'static str) -> Outcome {
    Outcome {
        schema: SCHEMA,
        plan: plan.id.clone(),
        account: key.account.clone(),
        user: key.user.clone(),
        access_key_id: key.key.id.clone(),
        phase: progress.phase.id(),
        ended,
        new_access_key_id: progress.new_key.clone(),
        until: None,
        why: Vec::new(),
        next: Vec::new(),
    }
}

fn finished(plan: &Plan, path: &str, key: &KeyPlan, progress: &Progress) -> Vec<String> {
    let command = plan.operation.id();
    match progress.phase {
        Phase::Deactivated => vec![format!(
            "{} is inactive and stays so; deletion was not asked for. To undo: offkey {command} rollback {path}",
            key.key.id
        )],
        Phase::RolledBack => {
            let why = progress.given_up.clone().unwrap_or_default();
            let mut out = vec![format!("the old key {} is as it was before deactivation: {why}", key.key.id)];
            if let Some(new) = &progress.new_key {
                out.push(format!(
                    "the new key {new} works, too: once nothing uses it, deactivate and delete it by hand"
                ));
            }
            out
        }
        _ => Vec::new(),
    }
}

/// What is known of a key from the journal alone.
pub(super) fn status(
    plan: &Plan,
    path: &str,
    key: &KeyPlan,
    progress: &Progress,
    remark: Option<String>,
) -> Outcome {
    let ended = match progress.phase {
        Phase::RolledBack if progress.released => "rolled-back",
        _ if progress.released => "finished",
        _ => "waiting",
    };
    let mut out = blank(plan, key, progress, ended);
    if let Some(text) = remark {
        out.why.push(Why { id: "last".to_owned(), text });
    }
    if ended == "waiting" {
        out.next.push(format!("offkey {} resume {path}", plan.operation.id()));
    } else {
        out.next = finished(plan, path, key, progress);
    }
    if let (Phase::Deactivated, Some(at)) = (progress.phase, progress.deactivated) {
        let wait = jiff::SignedDuration::from_hours(24 * i64::from(plan.settings.wait_days));
        out.until = at.saturating_add(wait).ok().map(|until| until.to_string());
    }
    out
}

/// Prints outcomes.
pub(super) fn print(outcomes: &[Outcome], json: bool, terminal: &Terminal) -> Result<(), Failure> {
    if json {
        return Ok(());
    }
    let wide =
        |column: &dyn Fn(&Outcome) -> usize, least| outcomes.iter().map(column).max().unwrap_or(0).max(least);
    let user = wide(&|one| one.user.chars().count(), 4);
    let mut out = String::new();
    let _ = writeln!(out, "{:<20}  {:<user$}  {:<12}  {:<11}  NEW KEY", "KEY", "USER", "PHASE", "ENDED");
    for one in outcomes {
        let new = one.new_access_key_id.as_deref().unwrap_or("-");
        let _ = writeln!(
            out,
            "{:<20}  {:<user$}  {:<12}  {:<11}  {new}",
            clean(&one.access_key_id),
            clean(&one.user),
            one.phase,
            one.ended
        );
        for why in &one.why {
            let _ = writeln!(out, "    {}: {}", why.id, clean(&why.text));
        }
        for next in &one.next {
            let _ = writeln!(out, "    next: {}", clean(next));
        }
    }
    if outcomes.len() > 1 {
        let _ = writeln!(out, "\n{}", counts(outcomes));
    }
    terminal.data(out.as_bytes())
}

fn counts(outcomes: &[Outcome]) -> String {
    let mut by: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    outcomes.iter().for_each(|one| *by.entry(one.ended).or_default() += 1);
    let parts: Vec<String> = by.iter().map(|(ended, n)| format!("{n} {ended}")).collect();
    format!("{} keys: {}", outcomes.len(), parts.join(", "))
}

/// One key as a line of JSON.
pub(super) fn line(outcome: &Outcome, terminal: &Terminal) -> Result<(), Failure> {
    let mut bytes = serde_json::to_vec(outcome).map_err(|e| Failure::new(e.to_string()))?;
    bytes.push(b'\n');
    terminal.data(&bytes)
}

/// The last line: how many ended how.
pub(super) fn last_line(plan: &Plan, outcomes: &[Outcome], terminal: &Terminal) -> Result<(), Failure> {
    let mut ended = std::collections::BTreeMap::new();
    outcomes.iter().for_each(|one| *ended.entry(one.ended).or_insert(0) += 1);
    let counts = Counts { schema: SCHEMA, plan: plan.id.clone(), keys: outcomes.len(), ended };
    let mut bytes = serde_json::to_vec(&counts).map_err(|e| Failure::new(e.to_string()))?;
    bytes.push(b'\n');
    terminal.data(&bytes)
}

/// The exit code of all together: the weightiest.
pub(super) fn exit(told: &[Told], rollback: bool) -> ExitKind {
    let Summary(counts) = Summary::of(told);
    let any = |ended| counts.contains_key(&ended);
    if any(Ended::Interrupted) {
        ExitKind::Interrupted
    } else if any(Ended::Failed) || (any(Ended::RolledBack) && !rollback) {
        ExitKind::Error
    } else if any(Ended::Stopped) {
        ExitKind::Drifted
    } else if any(Ended::Paused) {
        ExitKind::Paused
    } else {
        ExitKind::Done
    }
}
