//! From the paths a user names to the files to read: directories are walked, everything else is checked.

use crate::model::{Skip, SkipReason};
use std::fs::{FileType, Metadata};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The argument that means standard input.
pub const STDIN: &str = "-";

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is; `None` is standard input.
    pub path: Option<PathBuf>,
    /// What reports call it: as the user named it, with `/` between parts.
    pub label: String,
    /// Size in bytes when it was listed; 0 for standard input.
    pub size: u64,
    /// Which of the user's arguments it came from.
    pub argument: usize,
}

/// Lists the files behind the arguments, sorted by label. Links are followed, each file once per argument.
/// What cannot be read or should not be (pipes, sockets, devices, link loops) is returned as skipped.
pub fn expand(arguments: &[String]) -> (Vec<Entry>, Vec<Skip>) {
    let (mut entries, mut skips) = (Vec::new(), Vec::new());
    for (argument, name) in arguments.iter().enumerate() {
        if name == STDIN {
            entries.push(Entry {
                path: None,
                label: STDIN.into(),
                size: 0,
                argument,
            });
            continue;
        }
        let path = Path::new(name);
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => walk(path, argument, &mut entries, &mut skips),
            Ok(meta) => file(path, &meta, argument, &mut entries, &mut skips),
            Err(error) => skips.push(skip(path, SkipReason::Unreadable, error.to_string())),
        }
    }
    entries.sort_by(|a, b| (a.argument, &a.label).cmp(&(b.argument, &b.label)));
    (entries, skips)
}

fn walk(root: &Path, argument: usize, entries: &mut Vec<Entry>, skips: &mut Vec<Skip>) {
    for step in WalkDir::new(root).follow_links(true) {
        match step {
            Ok(found) if found.file_type().is_dir() => {}
            // The entry's own metadata is that of the link; `std::fs::metadata` is that of the file.
            Ok(found) => match std::fs::metadata(found.path()) {
                Ok(meta) => file(found.path(), &meta, argument, entries, skips),
                Err(error) => skips.push(skip(found.path(), SkipReason::Unreadable, error.to_string())),
            },
            Err(error) => {
                let reason = if error.loop_ancestor().is_some() {
                    SkipReason::LinkLoop
                } else {
                    SkipReason::Unreadable
                };
                let path = error.path().unwrap_or(root).to_path_buf();
                let detail = match error.io_error() {
                    Some(io) => io.to_string(),
                    None => "the link leads back to a directory that holds it".into(),
                };
                skips.push(skip(&path, reason, detail));
            }
        }
    }
}

fn file(path: &Path, meta: &Metadata, argument: usize, entries: &mut Vec<Entry>, skips: &mut Vec<Skip>) {
    if meta.is_file() {
        entries.push(Entry {
            path: Some(path.to_path_buf()),
            label: label(path),
            size: meta.len(),
            argument,
        });
    } else {
        let detail = format!("{}; to read a stream, pipe it into '-'", kind(meta.file_type()));
        skips.push(skip(path, SkipReason::NotARegularFile, detail));
    }
}

#[cfg(unix)]
fn kind(file_type: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if file_type.is_fifo() {
        "a named pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind(_: FileType) -> &'static str {
    "not a regular file"
}

fn label(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn skip(path: &Path, reason: SkipReason, detail: String) -> Skip {
    Skip {
        source: label(path),
        offset: None,
        reason,
        detail,
    }
}
