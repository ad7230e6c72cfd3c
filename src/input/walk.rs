//! From the paths a user names to the files to read: directories are walked, everything else is checked.

use crate::model::{Skip, SkipReason};
use std::fs::{FileType, Metadata};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The argument that means standard input.
pub const STDIN: &str = "-";

/// Something the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Where it is; [`STDIN`] for standard input.
    pub path: String,
    /// What reports call it.
    pub name: String,
}

impl Argument {
    /// An argument that is called what it is.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { name: path.clone(), path }
    }
}

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
pub fn expand(arguments: &[Argument]) -> (Vec<Entry>, Vec<Skip>) {
    let mut found = Found { entries: Vec::new(), skips: Vec::new() };
    for (number, argument) in arguments.iter().enumerate() {
        if argument.path == STDIN {
            found.entries.push(Entry { path: None, label: argument.name.clone(), size: 0, argument: number });
            continue;
        }
        let root = Root { argument, number };
        let path = Path::new(&argument.path);
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => found.walk(path, &root),
            Ok(meta) => found.file(path, &meta, &root),
            Err(error) => found.skip(path, &root, SkipReason::Unreadable, error.to_string()),
        }
    }
    found.entries.sort_by(|a, b| (a.argument, &a.label).cmp(&(b.argument, &b.label)));
    (found.entries, found.skips)
}

struct Root<'a> {
    argument: &'a Argument,
    number: usize,
}

impl Root<'_> {
    fn label(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.argument.path).unwrap_or(Path::new(""));
        let inside = inside.to_string_lossy().replace('\\', "/");
        let name = self.argument.name.trim_end_matches('/');
        if inside.is_empty() { name.to_owned() } else { format!("{name}/{inside}") }
    }
}

struct Found {
    entries: Vec<Entry>,
    skips: Vec<Skip>,
}

impl Found {
    fn walk(&mut self, start: &Path, root: &Root<'_>) {
        for step in WalkDir::new(start).follow_links(true) {
            match step {
                Ok(found) if found.file_type().is_dir() => {}
                // The entry's own metadata is that of the link; `std::fs::metadata` is that of the file.
                Ok(found) => match std::fs::metadata(found.path()) {
                    Ok(meta) => self.file(found.path(), &meta, root),
                    Err(error) => self.skip(found.path(), root, SkipReason::Unreadable, error.to_string()),
                },
                Err(error) => {
                    let (reason, detail) = match (error.loop_ancestor(), error.io_error()) {
                        (Some(_), _) => {
                            (SkipReason::LinkLoop, "the link leads back to a directory that holds it".into())
                        }
                        (None, Some(io)) => (SkipReason::Unreadable, io.to_string()),
                        (None, None) => (SkipReason::Unreadable, error.to_string()),
                    };
                    self.skip(error.path().unwrap_or(start), root, reason, detail);
                }
            }
        }
    }

    fn file(&mut self, path: &Path, meta: &Metadata, root: &Root<'_>) {
        if meta.is_file() {
            let label = root.label(path);
            self.entries.push(Entry {
                path: Some(path.to_path_buf()),
                label,
                size: meta.len(),
                argument: root.number,
            });
        } else {
            let detail = format!("{}; to read a stream, pipe it into '-'", kind(meta.file_type()));
            self.skip(path, root, SkipReason::NotARegularFile, detail);
        }
    }

    fn skip(&mut self, path: &Path, root: &Root<'_>, reason: SkipReason, detail: String) {
        self.skips.push(Skip { source: root.label(path), offset: None, reason, detail });
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
