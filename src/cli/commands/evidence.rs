//! `offkey evidence`: the usage rows themselves.

use super::super::args::Inputs;
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::{load, outputs};
use crate::input::Depth;
use crate::report::{RowFormat, rows};
use clap::Args;

/// Write the usage rows: how often each key made which call from where
///
/// Rows group by key, event source, event name, region, source address, user agent and error code. Without -o
/// they are printed as JSON lines.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey evidence AWSLogs/ -o rows.csv
  offkey evidence AWSLogs/ --wide | jq -c 'select(.session_path != \"\")'
  zcat *.json.gz | offkey evidence - -o rows.jsonl")]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Write the rows here: .jsonl or .csv; may be given several times
    #[arg(short, long = "output", value_name = "FILE")]
    outputs: Vec<String>,
    /// Print JSON lines, also where -o is given
    #[arg(long)]
    json: bool,
    /// Group by account, session path, invoking service, VPC endpoint, assumed role and presigning as well, and
    /// add the rows of sessions that derive from keys
    #[arg(long)]
    wide: bool,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let depth = if arguments.wide { Depth::Evidence } else { Depth::Keys };
    let formats = outputs::formats(&arguments.outputs, RowFormat::from_path, ".jsonl, .csv")?;
    let material = load::material(&arguments.inputs, depth, terminal)?;
    let render = |format| {
        let derived = material.evidence.derived.iter().filter(|_| arguments.wide);
        rows(material.evidence.direct.iter().chain(derived), arguments.wide, format)
    };
    if material.evidence.direct.is_empty() {
        terminal
            .note("note: no record in the inputs was signed by an access key (AKIA…), so there are no rows");
    }
    for (path, format) in &formats {
        let bytes = render(*format).map_err(|e| Failure::new(format!("cannot render {path}: {e}")))?;
        outputs::write(path, &bytes, terminal)?;
    }
    if formats.is_empty() || arguments.json {
        terminal.data(&render(RowFormat::JsonLines).map_err(Failure::new)?)?;
    }
    Ok(load::completeness(&material))
}
