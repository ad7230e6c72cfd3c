//! `offkey diff`: progress between two reports, or over many.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::outputs;
use crate::report::{Change, Diff, PastReport, Point, burn_down, diff};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::Path;

/// Say what changed between two JSON reports: keys retired, rotated, new, returned; consumers; verdicts and why
///
/// With one directory instead of two files: the burn-down over all JSON reports in it, by their times.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey diff last-week.json report.json
  offkey diff last-week.json report.json --fail-on new-key --fail-on returned
  offkey diff reports/ --json")]
pub(in super::super) struct Arguments {
    /// The earlier report, or a directory of reports
    #[arg(value_name = "FROM")]
    from: String,
    /// The later report
    #[arg(value_name = "TO")]
    to: Option<String>,
    /// Also write it as Markdown
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with 10 if there is such a change; may be given several times
    #[arg(long, value_name = "WHAT", requires = "to")]
    fail_on: Vec<FailOn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    NewKey,
    Found,
    Returned,
    NewConsumer,
    Verdict,
    Any,
}

/// The burn-down.
#[derive(Serialize)]
struct BurnDown {
    schema: &'static str,
    points: Vec<Point>,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    match &arguments.to {
        Some(to) => two(arguments, to, terminal),
        None => many(arguments, terminal),
    }
}

/// A report of a hundred thousand keys has a fifth of that.
const LARGEST: u64 = 8 << 30;

fn read(path: &str) -> Result<PastReport, Failure> {
    // A pipe would be waited for.
    let meta = std::fs::metadata(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(Failure::new(format!("{path}: no file, or one of more than {} GB", LARGEST >> 30))
            .hint("give two reports written with `offkey report … -o FILE.json`, or one directory of them"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    PastReport::read(&text).map_err(|error| {
        Failure::new(format!("{path}: {error}"))
            .hint("give reports written with `offkey report … -o FILE.json`")
    })
}

fn two(arguments: &Arguments, to: &str, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let (from, to) = (read(&arguments.from)?, read(to)?);
    if from.as_of > to.as_of {
        terminal.warn("the first report is the later one: what is new is shown as gone");
    }
    let found = diff(&from, &to);
    if let Some(path) = &arguments.output {
        outputs::write(path, found.text(true).as_bytes(), terminal)?;
    }
    print(&found, arguments.json, || found.text(false), terminal)?;
    let failed = arguments.fail_on.iter().any(|on| failing(*on, &found));
    Ok(if failed { ExitKind::Findings } else { ExitKind::Done })
}

fn failing(on: FailOn, found: &Diff) -> bool {
    match on {
        FailOn::NewKey => found.count(Change::NewKey) > 0,
        FailOn::Found => found.count(Change::Found) > 0,
        FailOn::Returned => found.count(Change::Returned) > 0,
        FailOn::NewConsumer => found.count(Change::NewConsumer) > 0,
        FailOn::Verdict => found.count(Change::Verdict) > 0,
        FailOn::Any => !found.changes.is_empty(),
    }
}

fn many(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let points = points(&arguments.from, terminal)?;
    if points.is_empty() {
        return Err(Failure::new(format!("{}: no JSON report in it", arguments.from)));
    }
    let text = burn_down(&points);
    if let Some(path) = &arguments.output {
        outputs::write(path, format!("```\n{text}```\n").as_bytes(), terminal)?;
    }
    let found = BurnDown { schema: "offkey.burn-down/1", points };
    print(&found, arguments.json, || text, terminal)?;
    Ok(ExitKind::Done)
}

/// Counts of all reports in a directory, in the order of their times; other files are passed over, and said.
pub(super) fn points(directory: &str, terminal: &Terminal) -> Result<Vec<Point>, Failure> {
    let wrong = |error: std::io::Error| Failure::new(format!("{directory}: {error}"));
    if !Path::new(directory).is_dir() {
        return Err(Failure::usage(format!("{directory} is no directory"))
            .hint("offkey diff FROM TO, or offkey diff DIRECTORY"));
    }
    let mut points = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match read(&path.to_string_lossy()) {
            Ok(report) => points.push(report.point()),
            Err(failure) => terminal.warn(&format!("passed over {}", failure.message)),
        }
    }
    points.sort_by(|a: &Point, b| a.as_of.cmp(&b.as_of));
    points.dedup();
    Ok(points)
}

fn print(
    value: &impl Serialize,
    json: bool,
    text: impl FnOnce() -> String,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if !json {
        return terminal.data(text().as_bytes());
    }
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| Failure::new(e.to_string()))?;
    bytes.push(b'\n');
    terminal.data(&bytes)
}
