//! Writes outputs, all formats checked before the first byte is written.

use super::super::error::Failure;
use super::super::terminal::Terminal;
use crate::store::write_durably;
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
