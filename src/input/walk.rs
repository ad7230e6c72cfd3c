//! From the paths a user names to the files to read: directories are walked, everything else is checked.

use crate::model::{Skip, SkipReason};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{FileType, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

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
    /// What it is called wherever it is named from: its absolute path, or its address.
    pub identity: String,
    /// Which of the user's arguments it is.
    pub argument: usize,
}

impl Root {
    /// A root; of a local one, the absolute path becomes its identity.
    pub fn new(place: Place, path: String, name: String, argument: usize) -> Self {
        let identity = match place {
            Place::Local => {
                std::path::absolute(&path).map_or_else(|_| path.clone(), |path| path.to_string_lossy().into())
            }
            Place::Stdin | Place::Remote => path.clone(),
        };
        Self { place, path, name, identity, argument }
    }
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
            Place::Local => Some(joined(Path::new(&self.root.path), &self.inside)),
            Place::Stdin | Place::Remote => None,
        }
    }

    /// What reports call it: as the user named it, with `/` between parts.
    pub fn label(&self) -> String {
        below(&self.root.name, &self.inside)
    }

    /// What it is called wherever it is named from: its absolute path, or its address.
    pub fn identity(&self) -> String {
        below(&self.root.identity, &self.inside)
    }
}

/// [`Path::join`] in one piece of memory.
fn joined(path: &Path, more: &OsStr) -> PathBuf {
    let mut out = PathBuf::with_capacity(path.as_os_str().len() + 1 + more.len());
    out.push(path);
    out.push(more);
    out
}

fn below(root: &str, inside: &OsStr) -> String {
    let inside = inside.to_str().map_or_else(|| inside.to_string_lossy(), Cow::Borrowed);
    let root = root.trim_end_matches('/');
    let mut out = String::with_capacity(root.len() + 1 + inside.len());
    out.push_str(root);
    if !inside.is_empty() {
        out.push('/');
        if cfg!(windows) {
            out.extend(inside.chars().map(|c| if c == '\\' { '/' } else { c }))
        } else {
            out.push_str(&inside)
        }
    }
    out
}

/// Lists the files behind the arguments, sorted by label. Links are followed, each file once per argument.
/// What cannot be read or should not be (pipes, sockets, devices, link loops) is returned as skipped.
pub fn expand(arguments: &[Argument]) -> (Vec<Entry>, Vec<Skip>) {
    let mut found = Found::default();
    for (number, argument) in arguments.iter().enumerate() {
        let place = if argument.path == STDIN { Place::Stdin } else { Place::Local };
        let (path, name) = (argument.path.clone(), argument.name.clone());
        let root = Arc::new(Root::new(place, path, name, number));
        if root.place == Place::Stdin {
            found.entries.push(Entry { root, inside: OsStr::new("").into(), size: 0, version: 0 });
            continue;
        }
        let path = Path::new(&argument.path);
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => found.walk(path, &root),
            Ok(meta) => found.file(OsStr::new(""), &meta, &root),
            Err(error) => found.skip(OsStr::new(""), &root, SkipReason::Unreadable, error.to_string()),
        }
    }
    found.entries.sort_by(|a, b| (a.root.argument, &a.inside).cmp(&(b.root.argument, &b.inside)));
    found.skips.sort_by(|a, b| a.source.cmp(&b.source));
    (found.entries, found.skips)
}

/// The directories that hold the one that is read, by their real paths: from where the user or a link entered a tree,
/// down to where the next link left it.
struct Trail {
    top: PathBuf,
    before: Option<(Arc<Trail>, PathBuf)>,
}

impl Trail {
    /// Whether a real path is one of the directories from here, at `bottom`, up to the root.
    fn holds(&self, target: &Path, bottom: &Path) -> bool {
        let here = bottom.starts_with(target) && target.starts_with(&self.top);
        here || self.before.as_ref().is_some_and(|(trail, left_at)| trail.holds(target, left_at))
    }
}

/// A directory still to be read: where it lies below the root, and what holds it.
type Directory = (PathBuf, Arc<Trail>);

/// More threads than that wait for the disk, not for the processor.
const MOST_WALKERS: usize = 8;

/// Directories still to be read, and how many are being read, which may hold more.
struct Queue {
    waiting: Mutex<(Vec<Directory>, usize)>,
    changed: Condvar,
}

impl Queue {
    /// The next directory; nothing when all are read.
    fn take(&self) -> Option<Directory> {
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(next) = state.0.pop() {
                state.1 += 1;
                return Some(next);
            }
            if state.1 == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A directory has been read, and these are in it.
    fn done(&self, more: Vec<Directory>) {
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.extend(more);
        state.1 -= 1;
        self.changed.notify_all();
    }
}

#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    skips: Vec<Skip>,
}

impl Found {
    /// Reads a directory tree, several directories at once: over unchanged files, that is most of what a second run does.
    fn walk(&mut self, start: &Path, root: &Arc<Root>) {
        let top = start.canonicalize().unwrap_or_else(|_| start.to_owned());
        let first = (PathBuf::new(), Arc::new(Trail { top, before: None }));
        let queue = Queue { waiting: Mutex::new((vec![first], 0)), changed: Condvar::new() };
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_WALKERS));
        std::thread::scope(|scope| {
            let walker = || {
                let mut found = Found::default();
                while let Some((inside, trail)) = queue.take() {
                    let before = found.entries.len();
                    let mut more = found.directory(start, inside, &trail, root);
                    // All will be sorted in the end, which is quick where most of it is.
                    let new = found.entries.get_mut(before..).unwrap_or_default();
                    new.sort_unstable_by(|a, b| a.inside.cmp(&b.inside));
                    more.sort_unstable_by(|a, b| b.0.as_os_str().cmp(a.0.as_os_str()));
                    queue.done(more);
                }
                found
            };
            let walkers: Vec<_> = (1..threads).map(|_| scope.spawn(walker)).collect();
            self.add(walker());
            for found in walkers {
                // A walker does nothing that could panic.
                self.add(found.join().unwrap_or_default());
            }
        });
    }

    fn add(&mut self, mut other: Found) {
        self.entries.append(&mut other.entries);
        self.skips.append(&mut other.skips);
    }

    /// Reads one directory; returns those in it. What an entry is, is asked by way of the open directory, which costs
    /// less than half of asking by path.
    fn directory(
        &mut self,
        start: &Path,
        inside: PathBuf,
        trail: &Arc<Trail>,
        root: &Arc<Root>,
    ) -> Vec<Directory> {
        let mut more = Vec::new();
        // Joined with nothing, a path would get a slash at its end.
        let path = if inside.as_os_str().is_empty() { start.to_owned() } else { start.join(&inside) };
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) => {
                self.skip(inside.as_os_str(), root, SkipReason::Unreadable, error.to_string());
                return more;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.skip(inside.as_os_str(), root, SkipReason::Unreadable, error.to_string());
                    continue;
                }
            };
            let inside = joined(&inside, &entry.file_name());
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => more.push((inside, trail.clone())),
                Ok(meta) if meta.is_symlink() => {
                    if let Some(trail) = self.follow(&path, &inside, trail, root) {
                        more.push((inside, trail));
                    }
                }
                Ok(meta) => self.file(inside.as_os_str(), &meta, root),
                Err(error) => {
                    self.skip(inside.as_os_str(), root, SkipReason::Unreadable, error.to_string());
                }
            }
        }
        more
    }

    /// Goes where a link leads: a file is taken; for a directory, its trail is returned unless it holds the link.
    fn follow(
        &mut self,
        directory: &Path,
        inside: &Path,
        trail: &Arc<Trail>,
        root: &Arc<Root>,
    ) -> Option<Arc<Trail>> {
        let link = directory.join(inside.file_name()?);
        let target = match std::fs::metadata(&link) {
            Ok(meta) if meta.is_dir() => {
                link.canonicalize().and_then(|target| Ok((target, directory.canonicalize()?)))
            }
            Ok(meta) => {
                self.file(inside.as_os_str(), &meta, root);
                return None;
            }
            Err(error) => Err(error),
        };
        match target {
            Ok((target, bottom)) if trail.holds(&target, &bottom) => {
                let detail = "the link leads back to a directory that holds it".to_owned();
                self.skip(inside.as_os_str(), root, SkipReason::LinkLoop, detail);
                None
            }
            Ok((top, bottom)) => Some(Arc::new(Trail { top, before: Some((trail.clone(), bottom)) })),
            Err(error) => {
                self.skip(inside.as_os_str(), root, SkipReason::Unreadable, error.to_string());
                None
            }
        }
    }

    fn file(&mut self, inside: &OsStr, meta: &Metadata, root: &Arc<Root>) {
        if meta.is_file() {
            let entry =
                Entry { root: root.clone(), inside: inside.into(), size: meta.len(), version: version(meta) };
            self.entries.push(entry);
        } else {
            let detail = format!("{}; to read a stream, pipe it into '-'", kind(meta.file_type()));
            self.skip(inside, root, SkipReason::NotARegularFile, detail);
        }
    }

    fn skip(&mut self, inside: &OsStr, root: &Root, reason: SkipReason, detail: String) {
        let source = below(&root.name, inside);
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
