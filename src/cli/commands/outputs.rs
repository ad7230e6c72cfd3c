//! Writes outputs, all formats checked before the first byte is written.

use super::super::error::Failure;
use super::super::terminal::Terminal;
use crate::store::{Existing, existing, make_directory, write_durably};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// Pairs each output path with its format, by extension.
pub(super) fn formats<F>(
    outputs: &[String],
    from_path: impl Fn(&str) -> Option<F>,
    known: &str,
) -> Result<Vec<(String, F)>, Failure> {
    let format = |path: &String| match from_path(path) {
        Some(format) => Ok((path.clone(), format)),
        None => Err(Failure::usage(format!("cannot tell the format of {path:?} by its extension"))
            .hint(format!("use one of {known}"))),
    };
    outputs.iter().map(format).collect()
}

/// The error without the name of the temporary file, which nobody asked for.
fn plain(error: &std::io::Error) -> String {
    let kind = std::io::Error::from(error.kind());
    if error.get_ref().is_some() { kind.to_string() } else { error.to_string() }
}

/// Writes one output.
pub(super) fn write(path: &str, bytes: &[u8], terminal: &Terminal) -> Result<(), Failure> {
    if terminal.stopped() {
        return Err(Failure::interrupted());
    }
    write_durably(Path::new(path), bytes).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "the directory does not exist; create it first",
            ErrorKind::PermissionDenied => "choose a directory that you may write to",
            ErrorKind::StorageFull => "free some space; the file's old content is untouched",
            _ => "the file's old content, if any, is untouched",
        };
        Failure::new(format!("cannot write {path}: {}", plain(&error))).hint(hint)
    })?;
    terminal.note(&format!("wrote {path} ({} bytes)", bytes.len()));
    Ok(())
}

/// Writes files into a directory, none of them if one is there already with another content, unless `force`.
pub(super) fn write_all(
    directory: &Path,
    files: &BTreeMap<String, String>,
    force: bool,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let shown = directory.display();
    let state = make_directory(directory)
        .and_then(|()| {
            files
                .iter()
                .map(|(name, text)| Ok((name, existing(&directory.join(name), text.as_bytes())?)))
                .collect()
        })
        .map_err(|error: std::io::Error| {
            Failure::new(format!("cannot write to {shown}: {}", plain(&error)))
        })?;
    let state: Vec<(&String, Existing)> = state;
    let different: Vec<&str> = state
        .iter()
        .filter(|(_, found)| *found == Existing::Different)
        .map(|(name, _)| name.as_str())
        .collect();
    if !different.is_empty() && !force {
        let message = format!("{shown} has other content in {}: nothing was written", different.join(", "));
        return Err(Failure::new(message).hint("choose another directory, or replace the files with --force"));
    }
    for (name, found) in &state {
        if let Some(text) = files.get(*name).filter(|_| *found != Existing::Same) {
            write(&directory.join(name).to_string_lossy(), text.as_bytes(), terminal)?;
        }
    }
    let same = state.iter().filter(|(_, found)| *found == Existing::Same).count();
    if same > 0 {
        terminal.note(&format!("{same} files in {shown} are as they were"));
    }
    Ok(())
}
