//! `offkey report`: the migration report.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::diff::points;
use super::mute::rules;
use super::{load, outputs};
use crate::report::{ReportFormat, assemble, mute, point_of, summary};
use clap::{Args, ValueEnum};

/// Write the migration report: a verdict for every key, a replacement for every consumer
///
/// Without -o a summary is printed. One analysis serves any number of outputs; the extension chooses the format.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey report AWSLogs/ iam/ -o report.html -o report.json
  offkey report AWSLogs/ credential-report.csv access-keys.json --max-idle 60
  aws iam get-account-authorization-details | offkey report - -o users.md
  offkey report AWSLogs/ iam/ --fail-on retire --quiet   # exit 10 if unused keys are left")]
pub(in super::super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Write the report here: .html, .md, .json, .csv or .sarif; may be given several times
    #[arg(short, long = "output", value_name = "FILE")]
    outputs: Vec<String>,
    /// Print the whole report as JSON instead of the summary
    #[arg(long)]
    json: bool,
    /// Title of the report
    #[arg(long, value_name = "TEXT", default_value = "Access key migration report")]
    title: String,
    /// A directory of earlier JSON reports, for the burn-down
    #[arg(long, value_name = "DIR")]
    history: Option<String>,
    /// Exemptions [default: offkey.mutes.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    mutes: Option<String>,
    /// Exit with 10 if a key has this verdict, or is due, also where the evidence is incomplete; exempt keys do
    /// not count; may be given several times
    #[arg(long, value_name = "WHAT")]
    fail_on: Vec<FailOn>,
    #[command(flatten)]
    judging: Judging,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Retire,
    Replace,
    Rotate,
    Investigate,
    Due,
    Any,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let formats =
        outputs::formats(&arguments.outputs, ReportFormat::from_path, ".html, .md, .json, .csv, .sarif")?;
    let analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    let mut report = assemble(&analysis, &arguments.title);
    if let Some(directory) = &arguments.history {
        let now = point_of(&report);
        report.history = points(directory, terminal)?;
        report.history.retain(|point| point.as_of < now.as_of);
        report.history.push(now);
    }
    match rules(arguments.mutes.as_deref(), analysis.as_of) {
        Ok(rules) => mute(&mut report, &rules),
        // A report without exemptions says more, not less.
        Err(failure) => terminal.warn(&format!("exemptions are not used: {failure}")),
    }
    for (path, format) in &formats {
        let bytes = format.render(&report).map_err(|e| Failure::new(format!("cannot render {path}: {e}")))?;
        outputs::write(path, &bytes, terminal)?;
    }
    if arguments.json {
        let bytes = ReportFormat::Json.render(&report).map_err(Failure::new)?;
        terminal.data(&bytes)?;
    } else if formats.is_empty() {
        terminal.data(summary(&report).as_bytes())?;
    } else {
        terminal.note(&summary(&report));
    }
    let found = report.keys.iter().filter(|key| key.muted_by.is_none()).any(|key| {
        arguments.fail_on.iter().any(|on| match on {
            FailOn::Any => true,
            FailOn::Due => key.due_by_age == Some(true) || key.due_by_idle == Some(true),
            FailOn::Retire => key.verdict == "retire",
            FailOn::Replace => key.verdict == "replace",
            FailOn::Rotate => key.verdict == "rotate",
            FailOn::Investigate => key.verdict == "investigate",
        })
    });
    // What was asked for comes first: one damaged file must not silence a gate.
    Ok(if found { ExitKind::Findings } else { load::completeness(&analysis.material) })
}
