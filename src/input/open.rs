//! Opens a file down to its plain content: gzip members, zip archives and both inside each other.

use super::walk::Entry;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::sync::atomic::{AtomicBool, Ordering};

/// A zip archive that arrives as a stream has to be held in memory, as its directory is at its end.
const MAX_STREAMED_ZIP: u64 = 256 << 20;

/// Archives inside archives are opened this deep.
const MAX_NESTING: usize = 4;

const BUFFER: usize = 128 << 10;

/// What is called for each plain content found, with its label.
pub(crate) type Visit<'a> = dyn FnMut(&str, &mut dyn BufRead) + 'a;

/// What was read of one file.
pub(crate) struct Opened {
    /// SHA-256 of the bytes as they lie on disk, in hex; `None` where they could not all be read.
    pub(crate) sha256: Option<String>,
    /// Bytes read from disk.
    pub(crate) bytes: u64,
}

/// Error that stands for the user's interrupt; it is told apart by [`was_interrupted`].
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Stopped;

/// Whether an error from a stream is the user's interrupt.
pub(crate) fn was_interrupted(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stopped>())
}

/// Opens one entry and visits every plain content in it. Errors of the file itself are returned; errors
/// inside its streams reach the visitor through the reader.
pub(crate) fn open(
    entry: &Entry,
    tick: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
    visit: &mut Visit<'_>,
) -> io::Result<Opened> {
    let label = entry.label();
    let Some(path) = entry.path() else {
        return counted(io::stdin().lock(), tick, stop, |reader| descend(&label, reader, 0, visit));
    };
    let mut file = File::open(path)?;
    // Between listing and opening the path may have become a pipe.
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("no longer a regular file"));
    }
    let mut magic = Vec::new();
    (&file).take(4).read_to_end(&mut magic)?;
    file.rewind()?;
    if magic == ZIP {
        // A zip is read out of order, so its hash takes a pass of its own.
        let opened = counted(&file, tick, stop, |_| Ok(()))?;
        file.rewind()?;
        let mut member = |label: &str, content: &mut dyn BufRead| descend(label, content, 1, visit);
        unzip(&label, &file, &mut member)?;
        return Ok(opened);
    }
    counted(file, tick, stop, |reader| descend(&label, reader, 0, visit))
}

/// The same for a file whose bytes are in memory.
pub(crate) fn open_bytes(
    label: &str,
    mut file: Cursor<&Vec<u8>>,
    stop: &AtomicBool,
    visit: &mut Visit<'_>,
) -> io::Result<Opened> {
    if !file.get_ref().starts_with(ZIP) {
        return counted(file, &|_| {}, stop, |reader| descend(label, reader, 0, visit));
    }
    let opened = counted(&mut file, &|_| {}, stop, |_| Ok(()))?;
    let mut member = |label: &str, content: &mut dyn BufRead| descend(label, content, 1, visit);
    unzip(label, file, &mut member)?;
    Ok(opened)
}

/// The same for a file that comes as a stream.
pub(crate) fn open_stream(
    label: &str,
    stream: &mut dyn Read,
    tick: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
    visit: &mut Visit<'_>,
) -> io::Result<Opened> {
    counted(stream, tick, stop, |reader| descend(label, reader, 0, visit))
}

const ZIP: &[u8] = b"PK\x03\x04";
const GZIP: &[u8] = b"\x1f\x8b";

/// Lets `read` have the source while every byte of it is counted and hashed.
fn counted(
    source: impl Read,
    tick: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
    read: impl FnOnce(&mut dyn BufRead) -> io::Result<()>,
) -> io::Result<Opened> {
    let mut counted = Counted { source, tick, stop, hash: Sha256::new(), bytes: 0 };
    read(&mut BufReader::with_capacity(BUFFER, &mut counted))?;
    // A decoder stops at the first damage; the hash is of the whole file all the same.
    let drained = io::copy(&mut counted, &mut io::sink());
    match drained {
        Err(error) if was_interrupted(&error) => Err(error),
        _ => Ok(Opened {
            sha256: drained.is_ok().then(|| hex(&counted.hash.finalize())),
            bytes: counted.bytes,
        }),
    }
}

/// Looks at the first bytes and decompresses until plain content is reached.
fn descend(label: &str, content: &mut dyn BufRead, nesting: usize, visit: &mut Visit<'_>) -> io::Result<()> {
    // An error here is met again, and reported, by whoever reads the content.
    let head = content.fill_buf().unwrap_or_default();
    if nesting >= MAX_NESTING {
        visit(label, content);
    } else if head.starts_with(GZIP) {
        let mut inner = BufReader::with_capacity(BUFFER, MultiGzDecoder::new(content));
        descend(label, &mut inner, nesting + 1, visit)?;
    } else if head.starts_with(ZIP) {
        let mut bytes = Vec::new();
        let limit = MAX_STREAMED_ZIP + 1;
        let n = content.take(limit).read_to_end(&mut bytes)?;
        if n as u64 == limit {
            return Err(io::Error::other("a zip archive of over 256 MB inside a stream; unpack it first"));
        }
        let mut member = |label: &str, content: &mut dyn BufRead| descend(label, content, nesting + 1, visit);
        unzip(label, Cursor::new(bytes), &mut member)?;
    } else {
        visit(label, content);
    }
    Ok(())
}

/// Visits every file of an archive; one damaged member does not hide the next.
fn unzip(
    label: &str,
    archive: impl Read + Seek,
    visit: &mut dyn FnMut(&str, &mut dyn BufRead) -> io::Result<()>,
) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(archive).map_err(io::Error::other)?;
    for index in 0..archive.len() {
        let mut name = format!("{label}!{index}");
        let result = match archive.by_index(index) {
            Ok(member) if member.is_dir() => continue,
            Ok(member) => {
                if let Ok(own) = member.name() {
                    name = format!("{label}!{}", own.replace('\\', "/"));
                }
                visit(&name, &mut BufReader::with_capacity(BUFFER, member))
            }
            Err(error) => Err(io::Error::other(error)),
        };
        match result {
            Err(error) if was_interrupted(&error) => return Err(error),
            // The member's own trouble is reported where all damage is: by whoever reads its content.
            Err(error) => visit(&name, &mut BufReader::new(Failing(Some(error))))?,
            Ok(()) => {}
        }
    }
    Ok(())
}

/// A stream that is nothing but one error, so that a bad archive member is reported where all damage is.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

struct Counted<'a, R> {
    source: R,
    tick: &'a (dyn Fn(u64) + Sync),
    stop: &'a AtomicBool,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other(Stopped));
        }
        let n = self.source.read(out)?;
        self.hash.update(out.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        (self.tick)(n as u64);
        Ok(n)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
