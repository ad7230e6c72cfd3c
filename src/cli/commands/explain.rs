//! `offkey explain`: one key in words.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::load;
use crate::report::{assemble, explain};
use clap::Args;

/// Explain one key: verdict, consumers, evidence, confidence, what would change it, what to ask whom
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey explain AKIAIOSFODNN7EXAMPLE AWSLogs/ iam/
  offkey explain AKIAIOSFODNN7EXAMPLE AWSLogs/ iam/ --json | jq .consumers")]
pub(in super::super) struct Arguments {
    /// Key id, or the beginning of one, as in the report
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
    let exact = report.keys.iter().find(|key| key.reference == arguments.key);
    let starting: Vec<_> =
        report.keys.iter().filter(|key| key.reference.starts_with(&arguments.key)).collect();
    let key = match (exact, starting.as_slice()) {
        (Some(key), _) => key,
        (None, [key]) => key,
        (None, []) => {
            let message =
                format!("no key {:?} among the {} keys of the inputs", arguments.key, report.keys.len());
            return Err(Failure::new(message).hint("'offkey report INPUT… --json' lists them all"));
        }
        (None, several) => {
            let names: Vec<&str> = several.iter().take(5).map(|key| key.reference.as_str()).collect();
            let message =
                format!("{} keys start with {:?}: {}", several.len(), arguments.key, names.join(", "));
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
