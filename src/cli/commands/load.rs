//! What report, explain, graph and evidence have in common: reading the inputs and judging the keys.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use crate::analysis::{Analysis, AsOf, Material, Reading, analyse, read};
use crate::input::{Argument, Depth, STDIN};
use crate::model::{Skip, parse_instant};
use crate::recommend::Thresholds;
use std::path::Path;
use std::thread::available_parallelism;

/// Skips named one by one on the terminal; the rest is counted.
const NAMED: usize = 10;

/// Reads the inputs.
pub(super) fn material(inputs: &Inputs, depth: Depth, terminal: &Terminal) -> Result<Material, Failure> {
    let arguments: Vec<Argument> = inputs.inputs.iter().map(Argument::new).collect();
    if arguments.iter().filter(|a| a.path == STDIN).count() > 1 {
        let hint = "concatenate streams before they are piped in";
        return Err(Failure::usage("standard input ('-') can be read once only").hint(hint));
    }
    for argument in arguments.iter().filter(|a| a.path != STDIN) {
        // Whoever misspells a path wants to know before anything is read; a link to nothing is no misspelling.
        if std::fs::symlink_metadata(Path::new(&argument.path)).is_err() {
            let message = format!("{}: no such file or directory", argument.path);
            return Err(Failure::new(message)
                .hint("give directories or files with CloudTrail logs or IAM exports, or '-'"));
        }
    }
    let material =
        read_all(&arguments, if inputs.census { Depth::Census } else { depth }, inputs.jobs, terminal)?;
    if material.is_empty() {
        let mut message = format!("nothing in {} could be understood", inputs.inputs.join(", "));
        if material.skips.is_empty() {
            message.push_str(": no files, or no records in them");
        }
        for skip in material.skips.iter().take(NAMED) {
            message.push_str(&format!("\n  {skip}"));
        }
        if material.skips.len() > NAMED {
            message.push_str(&format!("\n  and {} more", material.skips.len() - NAMED));
        }
        let hint = "offkey reads CloudTrail logs, IAM credential reports, account authorization details and access key lists";
        return Err(Failure::new(message).hint(hint));
    }
    warn_of_skips(&material.skips, terminal);
    Ok(material)
}

/// Reads with a progress bar.
pub(super) fn read_all(
    arguments: &[Argument],
    depth: Depth,
    jobs: Option<u16>,
    terminal: &Terminal,
) -> Result<Material, Failure> {
    let bar = terminal.bytes_bar();
    let jobs = jobs.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    let reading = Reading {
        arguments,
        depth,
        jobs,
        stop: terminal.stop(),
        total: &|files, bytes| {
            bar.set_message(format!("reading {files} files"));
            bar.set_length(bytes);
        },
        tick: &|bytes| bar.inc(bytes),
    };
    let result = read(&reading, Vec::new());
    bar.finish_and_clear();
    result.map_err(|_| Failure::interrupted())
}

fn warn_of_skips(skips: &[Skip], terminal: &Terminal) {
    let serious: Vec<&Skip> = skips.iter().filter(|skip| skip.reason.may_hide_records()).collect();
    for skip in serious.iter().take(NAMED) {
        terminal.warn(&format!("skipped {skip}"));
    }
    if serious.len() > NAMED {
        terminal.warn(&format!("and {} more; the report names them all", serious.len() - NAMED));
    }
    let harmless = skips.len() - serious.len();
    if harmless > 0 {
        let places =
            if harmless == 1 { "1 place holds".to_owned() } else { format!("{harmless} places hold") };
        terminal.note(&format!("note: {places} nothing that offkey knows; the report names them"));
    }
}

/// Judges the keys.
pub(super) fn analysis(inputs: &Inputs, judging: &Judging, terminal: &Terminal) -> Result<Analysis, Failure> {
    let now = terminal.now();
    let as_of = match judging.as_of.as_deref() {
        None => AsOf::At(now),
        Some("evidence") => AsOf::Evidence(now),
        Some(text) => match parse_instant(text).or_else(|| parse_instant(&format!("{text}T00:00:00Z"))) {
            Some(time) => AsOf::At(time),
            None => {
                let message = format!("--as-of: {text:?} is not a time");
                return Err(
                    Failure::usage(message).hint("write 2026-10-01, 2026-10-01T12:00:00Z or 'evidence'")
                );
            }
        },
    };
    let reports_now = matches!(as_of, AsOf::Evidence(_));
    let thresholds = Thresholds { max_age: judging.max_age, max_idle: judging.max_idle };
    let analysis = analyse(material(inputs, Depth::Evidence, terminal)?, as_of, thresholds);
    if reports_now && analysis.as_of == now {
        terminal.warn("no input says when it was made: judging by the time of day");
    }
    Ok(analysis)
}

/// 3 where some of the input could not be read, else 0.
pub(super) fn completeness(material: &Material) -> ExitKind {
    let hidden = material.skips.iter().any(|skip| skip.reason.may_hide_records());
    if hidden { ExitKind::Incomplete } else { ExitKind::Done }
}
