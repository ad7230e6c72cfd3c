//! From the paths a user names to the files to read: directories are walked, everything else is checked.

use crate::model::{Skip, SkipReason};
use std::ffi::OsStr;
use std::fs::{FileType, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

/// Where entries are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard input.
    Stdin,
    /// On this machine, below the path that the user gave.
    Local,
    /// Elsewhere, below an address such as `s3://bucket/prefix`; [`super::Fetch`] brings it.
    Remote,
}

/// What entries have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Where they are.
    pub place: Place,
    /// Path or address.
    pub path: String,
    /// What reports call it.
    pub name: String,
    /// Which of the user's arguments it is.
    pub argument: usize,
}

/// One thing to read. There can be millions: what they share lies in the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it lies below.
    pub root: Arc<Root>,
    /// Where it lies there; empty for the root itself.
    pub inside: Box<OsStr>,
    /// Size in bytes when it was listed; 0 for standard input.
    pub size: u64,
    /// Which version of it this is, as far as the listing tells: its time of change in nanoseconds, or a hash of its
    /// tag.
    pub version: u64,
}

impl Entry {
    /// Where it is on this machine.
    pub fn path(&self) -> Option<PathBuf> {
        match self.root.place {
            Place::Local if self.inside.is_empty() => Some(PathBuf::from(&self.root.path)),
            Place::Local => Some(Path::new(&self.root.path).join(&*self.inside)),
            Place::Stdin | Place::Remote => None,
        }
    }

    /// What reports call it: as the user named it, with `/` between parts.
    pub fn label(&self) -> String {
        below(&self.root.name, &self.inside)
    }

    /// What it is called wherever it is named from: its absolute path, or its address.
    pub fn identity(&self) -> String {
        match self.path() {
            Some(path) => std::path::absolute(&path).unwrap_or(path).to_string_lossy().into_owned(),
            None => below(&self.root.path, &self.inside),
        }
    }
}

fn below(root: &str, inside: &OsStr) -> String {
    let inside = inside.to_string_lossy().replace('\\', "/");
    let root = if inside.is_empty() { root } else { root.trim_end_matches('/') };
    if inside.is_empty() { root.trim_end_matches('/').to_owned() } else { format!("{root}/{inside}") }
}

/// Lists the files behind the arguments, sorted by label. Links are followed, each file once per argument.
/// What cannot be read or should not be (pipes, sockets, devices, link loops) is returned as skipped.
pub fn expand(arguments: &[Argument]) -> (Vec<Entry>, Vec<Skip>) {
    let mut found = Found { entries: Vec::new(), skips: Vec::new() };
    for (number, argument) in arguments.iter().enumerate() {
        let place = if argument.path == STDIN { Place::Stdin } else { Place::Local };
        let (path, name) = (argument.path.clone(), argument.name.clone());
        let root = Arc::new(Root { place, path, name, argument: number });
        if root.place == Place::Stdin {
            found.entries.push(Entry { root, inside: OsStr::new("").into(), size: 0, version: 0 });
            continue;
        }
        let path = Path::new(&argument.path);
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => found.walk(path, &root),
            Ok(meta) => found.file(path, &meta, &root),
            Err(error) => found.skip(path, &root, SkipReason::Unreadable, error.to_string()),
        }
    }
    found.entries.sort_by(|a, b| (a.root.argument, &a.inside).cmp(&(b.root.argument, &b.inside)));
    (found.entries, found.skips)
}

fn inside<'a>(root: &Root, path: &'a Path) -> &'a OsStr {
    path.strip_prefix(&root.path).unwrap_or(Path::new("")).as_os_str()
}

struct Found {
    entries: Vec<Entry>,
    skips: Vec<Skip>,
}

impl Found {
    fn walk(&mut self, start: &Path, root: &Arc<Root>) {
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

    fn file(&mut self, path: &Path, meta: &Metadata, root: &Arc<Root>) {
        if meta.is_file() {
            self.entries.push(Entry {
                root: root.clone(),
                inside: inside(root, path).into(),
                size: meta.len(),
                version: version(meta),
            });
        } else {
            let detail = format!("{}; to read a stream, pipe it into '-'", kind(meta.file_type()));
            self.skip(path, root, SkipReason::NotARegularFile, detail);
        }
    }

    fn skip(&mut self, path: &Path, root: &Root, reason: SkipReason, detail: String) {
        let source = below(&root.name, inside(root, path));
        self.skips.push(Skip { source, offset: None, reason, detail });
    }
}

fn version(meta: &Metadata) -> u64 {
    let changed = meta.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    changed.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
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
