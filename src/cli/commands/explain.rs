//! `offkey explain`: one key in words.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::load;
use crate::report::{Key, assemble, explain};
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
    let report = assemble(&analysis, "");
    let wanted = arguments.key.to_lowercase();
    let exact = report.keys.iter().find(|key| key.reference == arguments.key);
    let is_meant = |key: &&Key| {
        let user = key.user.as_ref().is_some_and(|user| user.to_lowercase() == wanted);
        user || key.reference.to_lowercase().starts_with(&wanted)
    };
    let starting: Vec<_> = report.keys.iter().filter(is_meant).collect();
    let key = match (exact, starting.as_slice()) {
        (Some(key), _) => key,
        (None, [key]) => key,
        (None, []) => {
            let message =
                format!("no key {:?} among the {} keys of the inputs", arguments.key, report.keys.len());
            return Err(Failure::new(message).hint("'offkey report INPUT… -o keys.csv' lists them all"));
        }
        (None, several) => {
            let names: Vec<&str> = several.iter().take(5).map(|key| key.reference.as_str()).collect();
            let more = if several.len() > names.len() { ", …" } else { "" };
            let message =
                format!("{} keys match {:?}: {}{more}", several.len(), arguments.key, names.join(", "));
            return Err(Failure::new(message).hint("give more of the key id"));
        }
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
