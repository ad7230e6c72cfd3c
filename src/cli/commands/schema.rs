//! `offkey schema`: the JSON Schema of reports.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use clap::Args;

/// Print the JSON Schema of JSON reports
#[derive(Args, Debug)]
#[command(after_help = "Example:
  offkey schema > offkey-report-1.schema.json")]
pub(in super::super) struct Arguments {}

pub(in super::super) fn run(_: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let mut bytes =
        serde_json::to_vec_pretty(&crate::report::schema()).map_err(|e| Failure::new(e.to_string()))?;
    bytes.push(b'\n');
    terminal.data(&bytes)?;
    Ok(ExitKind::Done)
}
