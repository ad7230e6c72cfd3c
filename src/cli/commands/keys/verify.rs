//! `offkey verify`: whether a role carries a key's load, and whether the key has been silent for long enough.

use super::super::super::args::{Inputs, Judging};
use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use super::super::{chosen, load};
use super::evidence;
use crate::model::{counted, parse_instant};
use crate::plan::FLOOR_DAYS;
use crate::report::{assemble, clean};
use clap::Args;
use jiff::SignedDuration;
use serde::Serialize;
use std::fmt::Write;

/// Say whether a key may be deactivated: is it silent for long enough, does its role carry the load, what was not seen
///
/// Reads files only, and changes nothing. Exit code 6 where something is not proved yet.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey verify AKIAI44QH8DHBEXAMPLE AWSLogs/ iam/ --role arn:aws:iam::111122223333:role/ci
  offkey verify AKIAI44QH8DHBEXAMPLE store.db --json")]
pub(in super::super::super) struct Arguments {
    /// Key id, the beginning of one, or the name of a user with one key
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    inputs: Inputs,
    /// ARN of the role that replaces the key; its calls are looked for in the logs
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// Days that the key has to be silent at least
    #[arg(long, value_name = "DAYS", default_value_t = FLOOR_DAYS, value_parser = clap::value_parser!(i32).range(i64::from(FLOOR_DAYS)..=400))]
    silence: i32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judging: Judging,
}

#[derive(Serialize)]
struct Verification {
    schema: &'static str,
    key: String,
    as_of: String,
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    id: String,
    passed: bool,
    text: String,
}

pub(in super::super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    let wanted = chosen::key(&analysis, &arguments.key)?.subject.reference();
    let report = assemble(&analysis, "");
    let key = report
        .keys
        .iter()
        .find(|key| key.reference == wanted)
        .ok_or_else(|| Failure::new(format!("no key {wanted:?} in the report")))?;
    let mut checks = Vec::new();
    let mut check =
        |id: &str, passed: bool, text: String| checks.push(Check { id: id.to_owned(), passed, text });
    let many = key.usage.active_days > 1;
    let gap = if many { key.usage.longest_gap_days.saturating_add(1) } else { 0 };
    let days = arguments.silence.max(gap);
    let last = [key.usage.last.as_deref(), key.last_used.time.as_deref()];
    let last = last.into_iter().flatten().filter_map(parse_instant).max();
    match (last, key.last_used.state) {
        (Some(at), _) => {
            let until = at.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(at);
            let text =
                format!("last used at {at}; it has to be silent for {days} days, that is until {until}");
            check("silence", analysis.as_of >= until, text);
        }
        (None, "never") => check("silence", true, "never used, says IAM, and no event was seen".to_owned()),
        (None, _) => check(
            "silence",
            false,
            "no event was seen, and IAM's record of its last use is not known".to_owned(),
        ),
    }
    if key.usage.events > 0 && !many {
        check(
            "cadence-unknown",
            false,
            "it was seen on one day only: how often it is used is not known".to_owned(),
        );
    }
    for gap in key.gaps.iter().filter(|gap| gap.blocks_unused) {
        check(gap.id, false, format!("{}; {}", gap.text, gap.close_by));
    }
    let needed: usize =
        evidence::needed(key).iter().flatten().collect::<std::collections::BTreeSet<_>>().len();
    match &arguments.role {
        Some(role) => match evidence::of_role(&arguments.inputs.inputs, role, terminal)? {
            None => check(
                "replacement",
                false,
                "stores hold calls of keys only: give the logs themselves to see the role's".to_owned(),
            ),
            Some(seen) => {
                let proof = evidence::proof(key, &seen);
                let passed =
                    proof.carried == proof.all && proof.consumers == proof.all_consumers && !seen.is_empty();
                let text = format!(
                    "{role} made {} of the key's {} kinds of calls that worked; {} of {} are wholly covered",
                    proof.carried,
                    proof.all,
                    proof.consumers,
                    counted(proof.all_consumers, "consumer")
                );
                check("replacement", passed, text);
                let denied: Vec<String> = seen
                    .iter()
                    .filter(|(_, call)| call.failed > 0 && call.last.is_none())
                    .map(|((host, name), call)| format!("{name} of {host} ({})", call.failed))
                    .collect();
                if !denied.is_empty() {
                    check(
                        "failures",
                        false,
                        format!("the role's calls that never worked: {}", denied.join(", ")),
                    );
                }
            }
        },
        None if key.verdict == "retire" => {
            check("replacement", true, "unused by the evidence: nothing needs replacing".to_owned())
        }
        None => check(
            "replacement",
            false,
            format!(
                "{} worked, and no role is named that makes them now (--role)",
                counted(needed, "kind") + " of calls"
            ),
        ),
    }
    let verification = Verification {
        schema: "offkey.verification/1",
        key: wanted.clone(),
        as_of: report.as_of.clone(),
        ready: checks.iter().all(|check| check.passed),
        checks,
    };
    if arguments.json {
        let mut bytes = serde_json::to_vec_pretty(&verification).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    } else {
        let mut out = String::new();
        let word = if verification.ready { "may be deactivated" } else { "may NOT be deactivated yet" };
        let _ = writeln!(out, "{} {word}, by the evidence of {}", clean(&wanted), verification.as_of);
        for check in &verification.checks {
            let mark = if check.passed { "proved" } else { "not proved" };
            let _ = writeln!(out, "  {mark:<10}  {}: {}", check.id, clean(&check.text));
        }
        terminal.data(out.as_bytes())?;
    }
    Ok(if verification.ready { load::completeness(&analysis.material) } else { ExitKind::Paused })
}
