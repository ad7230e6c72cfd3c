//! What report, explain, graph and evidence have in common: reading the inputs and judging the keys.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::collect;
use crate::analysis::{Analysis, AsOf, InputSummary, Kept, Material, Reading, analyse, read};
use crate::aws::S3Url;
use crate::input::{Argument, Depth, Document, DocumentKind, STDIN};
use crate::model::{Skip, parse_instant};
use crate::recommend::Thresholds;
use crate::store::{EvidenceStore, Stored, StoredDocument, StoredInput};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::thread::available_parallelism;

/// Skips named one by one on the terminal; the rest is counted.
const NAMED: usize = 10;

/// Reads the inputs.
pub(super) fn material(inputs: &Inputs, depth: Depth, terminal: &Terminal) -> Result<Material, Failure> {
    check_arguments(&inputs.inputs)?;
    let (stores, files): (Vec<&String>, Vec<&String>) =
        inputs.inputs.iter().partition(|input| EvidenceStore::is_store(Path::new(input)));
    let mut kept = Vec::new();
    for path in &stores {
        let store = EvidenceStore::open(Path::new(path)).map_err(collect::failure)?;
        kept.push(from_store(path, store.load().map_err(collect::failure)?));
    }
    let arguments: Vec<Argument> = files.into_iter().map(Argument::new).collect();
    let depth = if inputs.census { Depth::Census } else { depth };
    let material = read_all(&arguments, kept, depth, inputs.jobs, terminal)?;
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

/// Says at once what cannot be read at all.
pub(super) fn check_arguments(inputs: &[String]) -> Result<(), Failure> {
    if inputs.iter().filter(|input| *input == STDIN).count() > 1 {
        let hint = "concatenate streams before they are piped in";
        return Err(Failure::usage("standard input ('-') can be read once only").hint(hint));
    }
    for input in inputs.iter().filter(|input| *input != STDIN) {
        if S3Url::is_one(input) {
            return Err(Failure::usage(format!("{input}: logs in S3 are collected into a store first"))
                .hint("offkey collect s3://…, then give the store as input"));
        }
        // Whoever misspells a path wants to know before anything is read; a link to nothing is no misspelling.
        if std::fs::symlink_metadata(Path::new(input)).is_err() {
            return Err(Failure::new(format!("{input}: no such file or directory"))
                .hint("give directories or files with CloudTrail logs or IAM exports, or '-'"));
        }
    }
    Ok(())
}

/// Threads to read with.
pub(super) fn jobs(wanted: Option<u16>) -> usize {
    wanted.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from)
}

/// What a store holds, as if it were read now.
fn from_store(path: &str, stored: Stored) -> Kept {
    let document = |document: StoredDocument| {
        let kind = DocumentKind::from_id(&document.kind)?;
        let content = serde_json::from_str(&document.content).ok()?;
        Some(Document { kind, source: document.source, content })
    };
    let input = |input: StoredInput| {
        let mut hash = Sha256::new();
        input.lines.iter().for_each(|line| hash.update(format!("{line}\n")));
        InputSummary {
            name: format!("{path}: {}", if input.name.is_empty() { "not listed" } else { &input.name }),
            files: usize::try_from(input.files).unwrap_or(usize::MAX),
            bytes: input.bytes,
            events: input.records,
            documents: input.documents,
            sha256: hash.finalize().iter().map(|b| format!("{b:02x}")).collect(),
        }
    };
    Kept {
        facts: stored.facts,
        coverage: stored.coverage,
        documents: stored.documents.into_iter().filter_map(document).collect(),
        inputs: stored.inputs.into_iter().map(input).collect(),
        skips: stored.skips,
        signed: stored.signed,
    }
}

/// Reads with a progress bar.
pub(super) fn read_all(
    arguments: &[Argument],
    kept: Vec<Kept>,
    depth: Depth,
    jobs: Option<u16>,
    terminal: &Terminal,
) -> Result<Material, Failure> {
    let bar = terminal.bytes_bar();
    let jobs = self::jobs(jobs);
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
    let result = read(&reading, kept);
    bar.finish_and_clear();
    result.map_err(|_| Failure::interrupted())
}

pub(super) fn warn_of_skips(skips: &[Skip], terminal: &Terminal) {
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
