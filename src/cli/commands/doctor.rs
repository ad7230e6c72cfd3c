//! `offkey doctor`: tries every permission that a collection needs, and says what a report lacks without it.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::filter::Filter;
use super::live::{self, LiveArguments};
use super::s3_source::{self, Access as S3Options};
use crate::aws::{COMMANDS, Meter, Part, Probe, Tried};
use crate::model::parse_day;
use crate::report::clean;
use clap::Args;
use serde::Serialize;
use std::fmt::Write;

/// Try every permission that collect --aws needs, and say what a report lacks without it
///
/// Each is tried by a request that changes nothing, in every account that would be collected. Give the options that you
/// would give to collect.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey doctor --profile audit
  offkey doctor --organization --json")]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    access: S3Options,
    #[command(flatten)]
    live: LiveArguments,
    /// Print what was tried as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Outcome {
    schema: &'static str,
    caller: String,
    denied: usize,
    probes: Vec<View>,
}

#[derive(Serialize)]
struct View {
    account: String,
    part: &'static str,
    action: &'static str,
    outcome: &'static str,
    detail: Option<String>,
    /// What a report lacks without it; of those that are not allowed.
    without: Option<&'static str>,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let wanted = arguments.filter.resolve(&parse_day)?;
    let meter = Meter::new(arguments.live.budget());
    let live = live::connect(&arguments.live, &arguments.access, &wanted, &meter, terminal);
    // Who may not list accounts is told so below, with the rest.
    let organization = arguments.live.organization || !arguments.live.ou.is_empty();
    let live = match live {
        Err(error) if organization && error.kind != ExitKind::Authentication => {
            terminal.warn(&error.message);
            let own = LiveArguments { organization: false, ou: Vec::new(), ..arguments.live.clone() };
            live::connect(&own, &arguments.access, &wanted, &meter, terminal)?
        }
        other => other?,
    };
    let parts: Vec<Part> = COMMANDS
        .iter()
        .filter(|(name, _)| *name == "collect")
        .flat_map(|(_, parts)| parts.iter().copied())
        .filter(|part| *part != Part::ResourcePolicies || arguments.live.resource_policies)
        .collect();
    let bar = terminal.counter("permissions tried");
    let probes = live.aws.probe(&live.accounts, &parts, organization, terminal.stop(), &mut |_| bar.inc(1));
    bar.finish_and_clear();
    let probes = probes.map_err(s3_source::failure)?;
    let outcome = Outcome {
        schema: "offkey.doctor/1",
        caller: live.aws.caller().arn.clone(),
        denied: probes.iter().filter(|probe| matches!(probe.tried, Tried::Denied(_))).count(),
        probes: probes.iter().map(view).collect(),
    };
    if arguments.json {
        let mut bytes = serde_json::to_vec(&outcome).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    } else {
        terminal.data(text(&outcome).as_bytes())?;
    }
    let all = outcome.probes.iter().all(|probe| probe.outcome == "allowed" || probe.outcome == "not-tried");
    Ok(if all && outcome.denied == 0 { ExitKind::Done } else { ExitKind::Incomplete })
}

fn view(probe: &Probe) -> View {
    let (outcome, detail) = match &probe.tried {
        Tried::Allowed => ("allowed", None),
        Tried::Denied(why) => ("denied", Some(why.clone())),
        Tried::NotTried(why) => ("not-tried", Some(why.clone())),
        Tried::Unclear(why) => ("unclear", Some(why.clone())),
    };
    View {
        account: probe.account.clone(),
        part: probe.need.part.id(),
        action: probe.need.action,
        outcome,
        detail,
        without: (outcome != "allowed").then_some(probe.need.without),
    }
}

fn text(outcome: &Outcome) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "asking as {}", clean(&outcome.caller));
    let mut account = "";
    for probe in &outcome.probes {
        if probe.account != account {
            account = &probe.account;
            let of = outcome.probes.iter().filter(|other| other.account == account);
            let (all, allowed) =
                of.fold((0, 0), |(n, ok), p| (n + 1, ok + usize::from(p.outcome == "allowed")));
            let _ = writeln!(out, "\naccount {account}: {allowed} of {all} allowed");
        }
        if probe.outcome == "allowed" {
            continue;
        }
        let _ = writeln!(out, "  {:<9}  {}", probe.outcome, probe.action);
        if let Some(without) = probe.without {
            let _ = writeln!(out, "             without it: {without}");
        }
        if let Some(detail) = &probe.detail {
            let _ = writeln!(out, "             {}", clean(detail));
        }
    }
    let end = match outcome.denied {
        0 => "nothing is denied".to_owned(),
        n => format!("{n} denied; `offkey permissions collect` prints what is needed"),
    };
    let _ = writeln!(out, "\n{end}");
    out
}
