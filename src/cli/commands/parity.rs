//! `offkey parity`: how far the derived policies allow what was observed, and nothing else.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::load;
use crate::analysis::{parity_of, role_of};
use crate::aws::{Answer, AwsError, Iam, Question};
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;

/// Replay every observed call against the policies derived from it, and say what they allow, refuse and grant too much
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey parity AWSLogs/ iam/
  offkey parity org.db --json | jq .keys[].beyond_today")]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Also ask IAM itself, by iam:SimulateCustomPolicy, which changes nothing, and say where it decides otherwise
    #[arg(long)]
    simulate: bool,
    /// Profile of the AWS configuration to ask with
    #[arg(long, value_name = "NAME", requires = "simulate")]
    profile: Option<String>,
    /// Print figures of each key as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judging: Judging,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    let iam = match arguments.simulate {
        true => Some(Iam::connect(arguments.profile.as_deref()).map_err(refused)?),
        false => None,
    };
    let (mut asked, mut otherwise) = (0_u64, Vec::new());
    let bar = terminal.counter("replaying calls");
    let (mut keys, mut roles, mut coarser) = (Vec::new(), 0_usize, 0_usize);
    for key in &analysis.keys {
        if terminal.stopped() {
            return Err(Failure::interrupted());
        }
        let made = key.attribution.consumers.iter().map(|consumer| role_of(&analysis, key, consumer));
        let made: Vec<_> = made.filter(|role| !role.observed.is_empty()).collect();
        for role in iam.iter().flat_map(|_| &made) {
            let (policies, requests) = role.replayed();
            for request in requests.iter().filter(|_| !policies.is_empty()) {
                if terminal.stopped() {
                    return Err(Failure::interrupted());
                }
                let question = Question {
                    action: request.action.clone(),
                    resource: request.resource.clone(),
                    context: request.context.clone(),
                };
                let Some(answer) = iam.as_ref().map(|iam| iam.ask(&policies, &question)) else { continue };
                let answer = answer.map_err(refused)?;
                asked += 1;
                if (answer == Answer::Allowed) != request.allowed {
                    otherwise
                        .push(format!("{} on {}: IAM says {answer:?}", request.action, request.resource));
                }
            }
        }
        roles += made.len();
        coarser += made.iter().filter(|role| role.policies.coarser).count();
        keys.push((key.subject.reference(), parity_of(&analysis, key, &made)));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut sum = keys.first().map(|(_, parity)| parity.clone()).unwrap_or_default();
    keys.iter().skip(1).for_each(|(_, parity)| sum.add(parity));
    // What users may do today does not add up: keys share users.
    sum.today = None;
    let unobserved: usize = keys.iter().map(|(_, parity)| parity.unobserved.len()).sum();
    let share = |part: u64, whole: u64| if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 };
    let allowed = sum.allowed + sum.privileged;
    if arguments.json {
        let of = |parity: &crate::analysis::Parity| {
            json!({
                "mapped_events": parity.mapped, "allowed_events": parity.allowed, "privileged_events": parity.privileged, "unnamed_events": parity.unnamed,
                "free_events": parity.free, "unmapped_events": parity.unmapped, "granted_actions": parity.granted,
                "refused": parity.refused.iter().map(|(call, (events, why))| json!({"call": call, "events": events, "why": why})).collect::<Vec<_>>(),
                "unobserved_actions": parity.unobserved, "needless_stars": parity.needless_stars,
                "actions_today": parity.today, "beyond_today": parity.beyond_today,
            })
        };
        let named = |(name, parity): &(String, crate::analysis::Parity)| {
            let mut value = of(parity);
            set(&mut value, "key", json!(name));
            value
        };
        let each: Vec<_> = keys.iter().map(named).collect();
        let mut total = of(&sum);
        set(&mut total, "unobserved_grants", json!(unobserved));
        let simulated = iam.is_some().then(|| json!({"asked": asked, "otherwise": otherwise}));
        let all = json!({"schema": "offkey.parity/1", "roles": roles, "coarser_roles": coarser, "total": total, "simulated": simulated, "keys": each});
        let mut bytes = serde_json::to_vec_pretty(&all).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
        return Ok(load::completeness(&analysis.material));
    }
    let mut out = String::new();
    let _ = writeln!(out, "{roles} roles for the consumers of {} keys", keys.len());
    let _ = writeln!(
        out,
        "  {allowed} of {} events whose actions are known are allowed ({:.2} %), {} of them by privileged policies only",
        sum.mapped,
        share(allowed, sum.mapped),
        sum.privileged
    );
    let _ = writeln!(
        out,
        "  {} of them do not say on what: the question was whether the action is allowed on anything",
        sum.unnamed
    );
    let _ = writeln!(
        out,
        "  {} events need no permission; {} events are of calls whose actions are not known",
        sum.free, sum.unmapped
    );
    let _ = writeln!(
        out,
        "  {unobserved} of {} actions granted were not seen in use ({:.2} %)",
        sum.granted,
        if sum.granted == 0 { 0.0 } else { unobserved as f64 * 100.0 / sum.granted as f64 }
    );
    let _ =
        writeln!(out, "  {} grants on * although calls named what they acted on", sum.needless_stars.len());
    let _ = writeln!(out, "  {} grants that the users' policies do not cover today", sum.beyond_today.len());
    if iam.is_some() {
        let agreed = asked.saturating_sub(otherwise.len() as u64);
        let _ = writeln!(out, "  IAM itself decides alike for {agreed} of {asked} requests");
        for line in &otherwise {
            let _ = writeln!(out, "  otherwise: {}", crate::report::clean(line));
        }
    }
    for (call, (events, why)) in &sum.refused {
        let _ = writeln!(out, "  refused: {}, {events} events: {why}", crate::report::clean(call));
    }
    terminal.data(out.as_bytes())?;
    Ok(load::completeness(&analysis.material))
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(name.to_owned(), value);
    }
}

fn refused(error: AwsError) -> Failure {
    match &error {
        AwsError::Interrupted => Failure::interrupted(),
        AwsError::Authentication(..) => Failure {
            kind: ExitKind::Authentication,
            ..Failure::new(error.to_string())
                .hint("set credentials up as for the AWS CLI, or name a --profile")
        },
        AwsError::Failed(_, text) if text.contains("AccessDenied") => {
            Failure::new(error.to_string()).hint("iam:SimulateCustomPolicy is needed; it changes nothing")
        }
        AwsError::Failed(..) | AwsError::Elsewhere(..) => {
            Failure::new(error.to_string()).hint("check the network, or leave --simulate out")
        }
    }
}
