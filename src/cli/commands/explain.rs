//! `offkey explain`: one key in words.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::{chosen, load};
use crate::report::{assemble, explain};
use clap::Args;

/// Explain one key: verdict, consumers, evidence, confidence, what would change it, what to ask whom
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey explain AKIAIOSFODNN7EXAMPLE AWSLogs/ iam/
  offkey explain AKIAIOSFODNN7EXAMPLE AWSLogs/ iam/ --json | jq .consumers")]
pub(in super::super) struct Arguments {
    /// Key id, the beginning of one, or the name of a user with one key
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    inputs: Inputs,
    /// Print the key as JSON, as it stands in the report
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judging: Judging,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    let wanted = chosen::key(&analysis, &arguments.key)?.subject.reference();
    let report = assemble(&analysis, "");
    let Some(key) = report.keys.iter().find(|key| key.reference == wanted) else {
        return Err(Failure::new(format!("no key {wanted:?} in the report")));
    };
    if arguments.json {
        let mut bytes = serde_json::to_vec_pretty(key).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    } else {
        terminal.data(explain(key).as_bytes())?;
    }
    Ok(load::completeness(&analysis.material))
}
