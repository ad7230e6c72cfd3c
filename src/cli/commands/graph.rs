//! `offkey graph`: the dependency graph.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::{load, outputs};
use crate::analysis::{Detail, graph_of};
use crate::report::GraphFormat;
use clap::Args;

/// Write the dependency graph: accounts, users, keys, sessions, consumers, networks, services, roles, replacements
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey graph AWSLogs/ iam/ -o overview.svg
  offkey graph AWSLogs/ iam/ --key AKIAIOSFODNN7EXAMPLE -o key.mmd")]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Write the graph here: .svg, .dot, .graphml, .mmd or .json; may be given several times
    #[arg(short, long = "output", value_name = "FILE")]
    outputs: Vec<String>,
    /// Print the graph as JSON
    #[arg(long)]
    json: bool,
    /// Only this key and what depends on it; may be given several times
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Also show actions and the resources that they acted on; with --key they are always shown
    #[arg(long)]
    detail: bool,
    #[command(flatten)]
    judging: Judging,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let formats =
        outputs::formats(&arguments.outputs, GraphFormat::from_path, ".svg, .dot, .graphml, .mmd, .json")?;
    let mut analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    if !arguments.keys.is_empty() {
        if let Some(missing) =
            arguments.keys.iter().find(|key| !analysis.keys.iter().any(|k| k.subject.reference() == **key))
        {
            return Err(Failure::new(format!("no key {missing:?} in the inputs"))
                .hint("'offkey report INPUT… --json' lists them all"));
        }
        analysis.keys.retain(|key| arguments.keys.contains(&key.subject.reference()));
    }
    // One key's picture has room for everything.
    if arguments.detail || !arguments.keys.is_empty() {
        analysis.graph = graph_of(&analysis.material, &analysis.keys, Detail::Resources);
    }
    for (path, format) in &formats {
        let bytes =
            format.render(&analysis.graph).map_err(|e| Failure::new(format!("cannot render {path}: {e}")))?;
        outputs::write(path, &bytes, terminal)?;
    }
    if formats.is_empty() || arguments.json {
        terminal.data(&GraphFormat::Json.render(&analysis.graph).map_err(Failure::new)?)?;
    }
    Ok(load::completeness(&analysis.material))
}
