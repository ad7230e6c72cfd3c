//! Reads many files at once, each by one thread, which folds what it finds.

use super::fold::Fold;
use super::open::{Opened, Visit, open, open_bytes, open_stream, was_interrupted};
use super::quick::{Depth, LARGEST, Quick};
use super::reader::FileReader;
use super::walk::Entry;
use crate::cloudtrail::delivery_stamp;
use crate::model::{SESSIONS_NOT_COUNTED, SkipReason};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What to read and how.
pub struct Ingest<'a> {
    /// How much of the trails is wanted.
    pub depth: Depth,
    /// Whether files are hashed.
    pub hash: bool,
    /// Whether log objects of the usual form are read the quick way; the general way gives the same, slowly.
    pub quick: bool,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
    /// Called with every stretch of bytes read from disk.
    pub tick: &'a (dyn Fn(u64) + Sync),
}

/// Whether everything is read, or only what earlier reading left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Everything.
    First,
    /// Log objects that were read before, for the role sessions that turned out to matter since.
    Again,
}

/// Gives the bytes of files that are not on this machine's disk.
pub trait Fetch: Sync {
    /// The next file, by its place in the list; nothing at the end.
    fn next(&self) -> Option<(usize, io::Result<Fetched>)>;
}

/// A file's bytes.
pub enum Fetched {
    /// All of them.
    Whole(Vec<u8>),
    /// As they come, as there are too many to hold.
    Stream(Box<dyn Read + Send>),
}

/// The user asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// In which order files are read: giants first, so that no thread is left alone with one at the end; then log objects
/// by their time, so that sessions are mostly known before their use is met; then by name.
pub fn reading_order(entries: &[Entry]) -> Vec<usize> {
    let key = |entry: &'_ Entry| {
        let giant = entry.size > LARGEST as u64;
        (!giant, std::cmp::Reverse(if giant { entry.size } else { 0 }))
    };
    // Usual stamps have fourteen bytes, and are compared as one number; of longer ones sixteen count.
    let stamp = |entry: &Entry| {
        let mut number = [0; 16];
        let text = delivery_stamp(entry.inside.to_str()?)?;
        number.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Some(u128::from_be_bytes(number))
    };
    let mut order: Vec<_> =
        entries.iter().enumerate().map(|(n, entry)| (key(entry), stamp(entry), n)).collect();
    order.sort_unstable();
    order.into_iter().map(|(.., n)| n).collect()
}

/// Reads the entries, one thread for each of `folds`. What they build must not depend on the order of files.
///
/// # Errors
/// [`Interrupted`] when `stop` was set.
pub fn ingest<F: Fold>(
    job: &Ingest<'_>,
    pass: Pass,
    entries: &[Entry],
    folds: &mut [F],
) -> Result<(), Interrupted> {
    let order = reading_order(entries);
    let next = AtomicUsize::new(0);
    side_by_side(folds, |fold| {
        let mut thread = Thread { job, pass, quick: Quick::new(), bytes: Vec::new() };
        while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            if job.stop.load(Ordering::Relaxed) {
                break;
            }
            if let Some(entry) = entries.get(*place) {
                thread.local(entry, *place, fold);
            }
        }
    });
    if job.stop.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
}

/// Works on each, the last on the thread that asks: one is all that many runs need, and memory that is asked for and given
/// back there costs less than what other threads get (<https://sourceware.org/glibc/wiki/MallocInternals>).
fn side_by_side<F: Fold>(folds: &mut [F], work: impl Fn(&mut F) + Sync) {
    let Some((here, others)) = folds.split_last_mut() else { return };
    std::thread::scope(|scope| {
        let work = &work;
        others.iter_mut().for_each(|fold| drop(scope.spawn(|| work(fold))));
        work(here);
    });
}

/// Reads files that come from elsewhere.
///
/// # Errors
/// [`Interrupted`] when `stop` was set.
pub fn ingest_fetched<F: Fold>(
    job: &Ingest<'_>,
    pass: Pass,
    entries: &[Entry],
    fetch: &dyn Fetch,
    folds: &mut [F],
) -> Result<(), Interrupted> {
    side_by_side(folds, |fold| {
        let mut thread = Thread { job, pass, quick: Quick::new(), bytes: Vec::new() };
        while !job.stop.load(Ordering::Relaxed)
            && let Some((place, bytes)) = fetch.next()
        {
            if let Some(entry) = entries.get(place) {
                thread.fetched(entry, place, bytes, fold);
            }
        }
    });
    if job.stop.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
}

/// What one thread keeps from file to file.
struct Thread<'a> {
    job: &'a Ingest<'a>,
    pass: Pass,
    quick: Quick,
    bytes: Vec<u8>,
}

impl Thread<'_> {
    fn local(&mut self, entry: &Entry, place: usize, fold: &mut dyn Fold) {
        let mut reader = FileReader::new(entry, place, fold);
        if self.job.quick
            && reader.name.as_ref().is_some_and(|name| !name.digest)
            && let Some(read) = self.whole(entry)
        {
            (self.job.tick)(read);
            if self.quickly(&mut reader) {
                return reader.finish();
            }
            if self.pass == Pass::Again {
                return self.gone(reader, "it changed since it was read");
            }
            // What the quick way leaves alone is read once more, but counted once in the progress.
            return general(entry, reader, self.job.stop, |visit, stop| open(entry, &|_| {}, stop, visit));
        }
        if self.pass == Pass::Again {
            return self.gone(reader, "it is no longer there");
        }
        general(entry, reader, self.job.stop, |visit, stop| open(entry, self.job.tick, stop, visit));
    }

    fn fetched(&mut self, entry: &Entry, place: usize, bytes: io::Result<Fetched>, fold: &mut dyn Fold) {
        let mut reader = FileReader::new(entry, place, fold);
        match bytes {
            Ok(Fetched::Stream(mut stream)) => {
                let label = entry.label();
                general(entry, reader, self.job.stop, |visit, stop| {
                    open_stream(&label, &mut stream, self.job.tick, stop, visit)
                });
            }
            Ok(Fetched::Whole(bytes)) => {
                self.bytes = bytes;
                (self.job.tick)(self.bytes.len() as u64);
                let copy_needed = !self.bytes.starts_with(b"\x1f\x8b");
                let spare = if copy_needed { self.bytes.clone() } else { Vec::new() };
                if self.job.quick && self.quickly(&mut reader) {
                    return reader.finish();
                }
                if self.pass == Pass::Again {
                    return self.gone(reader, "it changed since it was read");
                }
                let label = entry.label();
                let bytes = if copy_needed { &spare } else { &self.bytes };
                general(entry, reader, self.job.stop, |visit, stop| {
                    open_bytes(&label, Cursor::new(bytes), stop, visit)
                });
            }
            Err(error) => {
                reader.skip_all(None, SkipReason::Unreadable, error.to_string());
                reader.unread_object();
                reader.finish();
            }
        }
    }

    /// The whole file, if it is one for the quick way. Its length on disk is returned.
    fn whole(&mut self, entry: &Entry) -> Option<u64> {
        let size = usize::try_from(entry.size).ok().filter(|size| *size <= LARGEST)?;
        let mut file = File::open(entry.path()?).ok()?;
        // One byte more than there should be, so that a single call reads the file and sees whether it has grown.
        self.bytes.resize(size + 1, 0);
        let mut filled = 0;
        loop {
            match file.read(self.bytes.get_mut(filled..)?) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            if filled >= size {
                break;
            }
        }
        self.bytes.truncate(filled);
        (filled == size).then_some(entry.size)
    }

    fn quickly(&mut self, reader: &mut FileReader<'_>) -> bool {
        let len = self.bytes.len() as u64;
        let hash = self.job.hash.then(|| hex(&Sha256::digest(&self.bytes)));
        let done = match self.pass {
            Pass::First => self.quick.read(&mut self.bytes, self.job.depth, reader),
            Pass::Again => self.quick.read_again(&mut self.bytes, reader),
        };
        if done {
            reader.report.bytes = len;
            reader.report.sha256 = hash;
        }
        done
    }

    /// A log object that has to be read again and cannot be.
    fn gone(&self, mut reader: FileReader<'_>, why: &str) {
        let detail = format!("{why}: {SESSIONS_NOT_COUNTED}");
        reader.skip_all(None, SkipReason::Unreadable, detail);
        reader.finish();
    }
}

/// Reads a file the general way.
fn general(
    entry: &Entry,
    mut reader: FileReader<'_>,
    stop: &AtomicBool,
    open: impl FnOnce(&mut Visit<'_>, &AtomicBool) -> io::Result<Opened>,
) {
    let opened = open(&mut |label, content| reader.content(label, content), stop);
    match opened {
        Ok(Opened { sha256, bytes }) => {
            reader.report.sha256 = sha256;
            reader.report.bytes = bytes;
            if bytes < entry.size {
                let detail =
                    format!("{bytes} bytes of the {} listed: it shrank while it was read", entry.size);
                reader.skip_all(Some(bytes), SkipReason::Truncated, detail);
            }
        }
        Err(error) if was_interrupted(&error) => return,
        Err(error) => {
            reader.skip_all(None, SkipReason::Unreadable, error.to_string());
            reader.unread_object();
        }
    }
    reader.finish();
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
