//! `offkey report`: the migration report.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::cut_overs::cut_overs;
use super::diff::points;
use super::mute::rules;
use super::{load, outputs};
use crate::report::{
    Part, Report, ReportFormat, accounts_of, assemble, for_executives, mute, of_account, point_of, redact,
    summary,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::path::Path;

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
    /// A picture for the page's head: PNG, JPEG, GIF, WebP or SVG of at most 256 KB
    #[arg(long, value_name = "FILE")]
    logo: Option<String>,
    /// For whom page and Markdown are made; data formats are always whole
    #[arg(long, value_name = "WHO", value_enum, default_value_t = Audience::Eng)]
    audience: Audience,
    /// Above this size, the page is written in parts: one for each account, and one that leads to them
    #[arg(long, value_name = "MB", default_value_t = 20)]
    split_above: u16,
    /// Put others in place of key ids, account ids, addresses and names, the same one each time
    #[arg(long)]
    redact: bool,
    /// A directory of earlier JSON reports, for the burn-down
    #[arg(long, value_name = "DIR")]
    history: Option<String>,
    /// Exemptions [default: offkey.mutes.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    mutes: Option<String>,
    /// Exit with 10 if a key has this verdict, or is due, also where the evidence is incomplete; exempt and inactive keys do
    /// not count; may be given several times
    #[arg(long, value_name = "WHAT")]
    fail_on: Vec<FailOn>,
    #[command(flatten)]
    judging: Judging,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Audience {
    /// Those who decide: verdicts, waves, gaps and counts
    Exec,
    /// Those who do it: everything
    Eng,
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
    let logo = arguments.logo.as_deref().map(logo).transpose()?;
    let analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    let mut report = assemble(&analysis, &arguments.title);
    cut_overs(&mut report, &analysis);
    report.logo = logo;
    if let Some(directory) = &arguments.history {
        let now = point_of(&report);
        report.history = points(directory, terminal)?;
        report.history.retain(|point| point.as_of < now.as_of);
        report.history.push(now);
    }
    match rules(arguments.mutes.as_deref(), analysis.as_of) {
        Ok(rules) => mute(&mut report, &rules),
        Err(failure) if arguments.mutes.is_some() => return Err(failure),
        // Nobody named the file; a report without exemptions says more, not less.
        Err(failure) => terminal.warn(&format!("exemptions are not used: {failure}")),
    }
    if arguments.redact {
        redact(&mut report, &analysis);
    }
    let for_them = match arguments.audience {
        Audience::Exec => Some(for_executives(&report)),
        Audience::Eng => None,
    };
    for (path, format) in &formats {
        let report = for_them.as_ref().filter(|_| format.is_for_people()).unwrap_or(&report);
        let bytes = rendered(*format, report, path)?;
        let limit = u64::from(arguments.split_above) * 1_000_000;
        let accounts = accounts_of(report);
        if *format == ReportFormat::Html && bytes.len() as u64 > limit && accounts.len() > 1 {
            terminal.note(&format!(
                "{path} would have {} MB: one page for each account",
                bytes.len() / 1_000_000
            ));
            in_parts(path, report, &accounts, terminal)?;
        } else {
            outputs::write(path, &bytes, terminal)?;
        }
    }
    if arguments.json {
        let bytes = ReportFormat::Json.render(&report).map_err(Failure::new)?;
        terminal.data(&bytes)?;
    } else if formats.is_empty() {
        terminal.data(summary(&report, terminal.width()).as_bytes())?;
    } else {
        terminal.note(&summary(&report, terminal.width()));
    }
    let found =
        report.keys.iter().filter(|key| key.muted_by.is_none() && key.status != Some("Inactive")).any(
            |key| {
                arguments.fail_on.iter().any(|on| match on {
                    FailOn::Any => true,
                    FailOn::Due => key.due_by_age == Some(true) || key.due_by_idle == Some(true),
                    FailOn::Retire => key.verdict == "retire",
                    FailOn::Replace => key.verdict == "replace",
                    FailOn::Rotate => key.verdict == "rotate",
                    FailOn::Investigate => key.verdict == "investigate",
                })
            },
        );
    // What was asked for comes first: one damaged file must not silence a gate.
    Ok(if found { ExitKind::Findings } else { load::completeness(&analysis.material) })
}

fn rendered(format: ReportFormat, report: &Report, path: &str) -> Result<Vec<u8>, Failure> {
    format.render(report).map_err(|error| Failure::new(format!("cannot render {path}: {error}")))
}

/// A page for each account, and one that has all keys and leads to them.
fn in_parts(
    path: &str,
    report: &Report,
    accounts: &BTreeSet<String>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let (stem, extension) = path.rsplit_once('.').unwrap_or((path, "html"));
    let mut parts = Vec::new();
    for account in accounts {
        // Whatever stood in an account's place in the logs must not lead out of the directory.
        let name: String = account.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        let name = if name.is_empty() { format!("part-{}", parts.len() + 1) } else { name };
        let file = format!("{stem}.{name}.{extension}");
        let mut part = of_account(report, account);
        part.part_of = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        outputs::write(&file, &rendered(ReportFormat::Html, &part, &file)?, terminal)?;
        let file =
            Path::new(&file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        parts.push(Part { account: account.clone(), file });
    }
    let mut whole = for_executives(report);
    whole.audience = report.audience;
    whole.parts = parts;
    outputs::write(path, &rendered(ReportFormat::Html, &whole, path)?, terminal)
}

/// A logo larger than this is a photograph.
const LOGO: u64 = 256 * 1024;

/// The picture as a `data:` URI. As such it runs nothing, also where it is SVG.
fn logo(path: &str) -> Result<String, Failure> {
    let cannot = |why: String| Failure::new(format!("cannot use {path} as logo: {why}"));
    let meta = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if !meta.is_file() || meta.len() > LOGO {
        return Err(cannot(format!("it is no file of at most {} KB", LOGO / 1024)));
    }
    let bytes = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let text = String::from_utf8_lossy(bytes.get(..512).unwrap_or(&bytes)).into_owned();
    let kind = if starts(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if starts(b"\xff\xd8\xff") {
        "image/jpeg"
    } else if starts(b"GIF8") {
        "image/gif"
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        "image/webp"
    } else if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') && text.contains("<svg") {
        "image/svg+xml"
    } else {
        return Err(cannot("it is no PNG, JPEG, GIF, WebP or SVG".to_owned()));
    };
    Ok(format!("data:{kind};base64,{}", STANDARD.encode(bytes)))
}
