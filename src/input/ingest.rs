//! Reads many files at once and hands on what they hold, a bounded batch at a time.

use super::json_values::{Trouble, ValueSink, read_values};
use super::open::{Opened, open, was_interrupted};
use super::recognise::{Document, DocumentKind, Found, recognise};
use super::walk::{Argument, Entry, expand};
use crate::cloudtrail::{Event, ObjectName, object_name};
use crate::model::{Skip, SkipReason};
use serde_json::Value;
use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Events a batch holds at most.
const BATCH: usize = 2048;

/// Bytes of JSON behind a batch at most, so that few huge records cannot fill memory either.
const BATCH_BYTES: usize = 2 << 20;

/// Batches that may wait for the receiver, so that fast readers cannot fill memory.
const QUEUE: usize = 16;

/// Places named for one file; past that they are counted.
const NAMED_SKIPS: usize = 100;

/// The largest credential report that is read; a row is about 300 bytes and an account has at most 5,000 users.
const MAX_CSV: u64 = 64 << 20;

/// What to read and how.
pub struct Ingest<'a> {
    /// Paths as the user gave them; `-` is standard input.
    pub arguments: &'a [Argument],
    /// Threads that read; at least one.
    pub jobs: usize,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
    /// Called once with the number of files and their bytes on disk.
    pub total: &'a (dyn Fn(usize, u64) + Sync),
    /// Called with every stretch of bytes read from disk.
    pub tick: &'a (dyn Fn(u64) + Sync),
}

/// Some of what one file holds.
#[derive(Debug, Default)]
pub struct Batch {
    /// CloudTrail events, in file order.
    pub events: Vec<Event>,
    /// Other exports.
    pub documents: Vec<Document>,
    /// Set in a file's last batch.
    pub file: Option<FileReport>,
}

/// What became of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its label.
    pub label: String,
    /// Which of the arguments it came from.
    pub argument: usize,
    /// SHA-256 of its bytes on disk, in hex; `None` where it could not be read whole.
    pub sha256: Option<String>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Events found.
    pub events: u64,
    /// Documents found.
    pub documents: u64,
    /// Log objects by their names, here or in archives, and whether some of each could not be read.
    pub objects: Vec<(ObjectName, bool)>,
    /// What was passed over.
    pub skips: Vec<Skip>,
}

/// The user asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Reads everything behind the arguments. `receive` gets batches in no particular order of files; what it
/// builds must not depend on that order. Returns what could not even be opened as a file.
///
/// # Errors
/// [`Interrupted`] when `stop` was set.
pub fn ingest(job: &Ingest<'_>, receive: &mut dyn FnMut(Batch)) -> Result<Vec<Skip>, Interrupted> {
    let (entries, skips) = expand(job.arguments);
    (job.total)(entries.len(), entries.iter().map(|e| e.size).sum());
    // Largest first, so that no thread is left alone with a giant at the end.
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.label.cmp(&b.label)));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = sync_channel::<Batch>(QUEUE);
    std::thread::scope(|scope| {
        for _ in 0..job.jobs.clamp(1, order.len().max(1)) {
            let sender = sender.clone();
            let (next, order) = (&next, &order);
            scope.spawn(move || {
                while let Some(entry) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if job.stop.load(Ordering::Relaxed) {
                        break;
                    }
                    read_file(entry, job, &sender);
                }
            });
        }
        drop(sender);
        for batch in receiver {
            receive(batch);
        }
    });
    if job.stop.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(skips) }
}

fn read_file(entry: &Entry, job: &Ingest<'_>, sender: &SyncSender<Batch>) {
    let mut reader = FileReader {
        sender,
        batch: Batch::default(),
        batch_bytes: 0,
        report: FileReport { label: entry.label.clone(), argument: entry.argument, ..FileReport::default() },
        more_skips: 0,
    };
    let opened = open(entry, job.tick, job.stop, &mut |label, content| reader.content(label, content));
    match opened {
        Ok(Opened { sha256, bytes }) => {
            reader.report.sha256 = sha256;
            reader.report.bytes = bytes;
            if bytes < entry.size {
                let detail =
                    format!("{bytes} bytes of the {} listed: it shrank while it was read", entry.size);
                reader.skip(&entry.label, Some(bytes), SkipReason::Truncated, detail);
            }
        }
        Err(error) if was_interrupted(&error) => return,
        Err(error) => {
            reader.skip(&entry.label, None, SkipReason::Unreadable, error.to_string());
            reader.object(&entry.label, true);
        }
    }
    reader.finish();
}

struct FileReader<'a> {
    sender: &'a SyncSender<Batch>,
    batch: Batch,
    batch_bytes: usize,
    report: FileReport,
    more_skips: u64,
}

impl FileReader<'_> {
    /// One plain content: the file itself, or a member of an archive.
    fn content(&mut self, label: &str, content: &mut dyn BufRead) {
        let (skips, more, events) = (self.report.skips.len(), self.more_skips, self.report.events);
        let container = self.read_content(label, content);
        if object_name(label).is_none() {
            return;
        }
        let passed = self.report.skips.get(skips..).unwrap_or_default();
        let mut damaged = self.more_skips > more || passed.iter().any(|skip| skip.reason.may_hide_records());
        // A log object holds records or an empty list of them; an error page in its place holds neither.
        if !damaged && !container && self.report.events == events {
            self.skip(label, None, SkipReason::BadField, "a log object without a list of records".into());
            damaged = true;
        }
        self.object(label, damaged);
    }

    /// Notes a log object, whatever it lies in.
    fn object(&mut self, label: &str, damaged: bool) {
        self.report.objects.extend(object_name(label).map(|name| (name, damaged)));
    }

    /// Reads the content; tells whether there was a list of records, be it empty.
    fn read_content(&mut self, label: &str, content: &mut dyn BufRead) -> bool {
        let mut container = false;
        match sniff(content) {
            // CloudTrail delivers no empty objects: one that is empty was cut.
            Sniffed::Empty if object_name(label).is_some() => {
                self.skip(label, None, SkipReason::Truncated, "an empty log object".into());
            }
            Sniffed::Empty => self.skip(label, None, SkipReason::UnknownContent, "empty".into()),
            Sniffed::CredentialReport => {
                let mut bytes = Vec::new();
                match content.take(MAX_CSV + 1).read_to_end(&mut bytes) {
                    Ok(n) if n as u64 > MAX_CSV => {
                        let detail = "a credential report of over 64 MB".to_owned();
                        self.skip(label, None, SkipReason::TooLarge, detail);
                    }
                    Ok(_) => {
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        self.document(label, DocumentKind::CredentialReport, Value::String(text));
                    }
                    Err(error) => self.skip(label, None, SkipReason::DamagedArchive, error.to_string()),
                }
            }
            Sniffed::Utf16 => match utf16(content) {
                Some(text) => container = self.read_content(label, &mut text.as_bytes()),
                None => {
                    let detail = "UTF-16 text that is damaged or of over 64 MB; save it as UTF-8".to_owned();
                    self.skip(label, None, SkipReason::Unsupported, detail);
                }
            },
            Sniffed::Archive(what) => {
                let detail = format!("{what}; unpack or convert it first");
                self.skip(label, None, SkipReason::Unsupported, detail);
            }
            Sniffed::Binary if object_name(label).is_some() => {
                let detail = "binary content in a log object".to_owned();
                self.skip(label, None, SkipReason::DamagedArchive, detail);
            }
            Sniffed::Binary => self.skip(label, None, SkipReason::UnknownContent, "binary content".into()),
            Sniffed::Text { looks_like_logs } => {
                let mut member = Member {
                    file: self,
                    label,
                    values: 0,
                    strangers: 0,
                    first_stranger: 0,
                    unknown: 0,
                    first_unknown: 0,
                    containers: false,
                    troubles: vec![],
                };
                read_values(&mut ReadDyn(content), &mut member);
                let Member {
                    values,
                    strangers,
                    first_stranger,
                    unknown,
                    first_unknown,
                    containers,
                    troubles,
                    ..
                } = member;
                container = containers;
                let nothing = values == 0 && !containers;
                let only_words = nothing && troubles.iter().all(|(_, t)| matches!(t, Trouble::Malformed(_)));
                if only_words && !looks_like_logs {
                    let detail = "neither JSON nor an IAM credential report".to_owned();
                    self.skip(label, Some(0), SkipReason::UnknownContent, detail);
                } else {
                    for (offset, trouble) in troubles {
                        self.trouble(label, offset, &trouble);
                    }
                }
                if strangers > 0 {
                    let detail =
                        format!("{strangers} values in CloudTrail's words, but in no form that offkey knows");
                    self.skip(label, Some(first_stranger), SkipReason::BadField, detail);
                }
                if unknown > 0 {
                    let detail = format!(
                        "{unknown} JSON objects that are neither CloudTrail records nor a known export"
                    );
                    self.skip(label, Some(first_unknown), SkipReason::UnknownContent, detail);
                }
            }
        }
        container
    }

    fn trouble(&mut self, label: &str, offset: u64, trouble: &Trouble) {
        let (reason, detail) = match trouble {
            Trouble::Malformed(expected) => {
                (SkipReason::MalformedJson, format!("expected {expected}; the rest of the line is lost"))
            }
            Trouble::Truncated(inside) => {
                (SkipReason::Truncated, format!("the content ends inside {inside}"))
            }
            Trouble::TooDeep => (SkipReason::TooDeep, "arrays nested over 32 deep".into()),
            Trouble::TooLarge => (SkipReason::TooLarge, "one value of over 64 MB".into()),
            Trouble::Io(error) if was_interrupted(error) => return,
            Trouble::Io(error) => (SkipReason::DamagedArchive, error.to_string()),
        };
        self.skip(label, Some(offset), reason, detail);
    }

    fn skip(&mut self, label: &str, offset: Option<u64>, reason: SkipReason, detail: String) {
        if self.report.skips.len() < NAMED_SKIPS {
            self.report.skips.push(Skip { source: label.to_owned(), offset, reason, detail });
        } else {
            self.more_skips += 1;
        }
    }

    fn event(&mut self, event: Event, bytes: usize) {
        self.report.events += 1;
        self.batch.events.push(event);
        self.batch_bytes += bytes;
        if self.batch.events.len() >= BATCH || self.batch_bytes >= BATCH_BYTES {
            self.send();
        }
    }

    fn document(&mut self, label: &str, kind: DocumentKind, content: Value) {
        self.report.documents += 1;
        self.batch.documents.push(Document { kind, source: label.to_owned(), content });
    }

    fn send(&mut self) {
        // The receiver outlives the readers; if it is gone, there is nobody left to tell.
        self.batch_bytes = 0;
        let _ = self.sender.send(std::mem::take(&mut self.batch));
    }

    fn finish(mut self) {
        if self.more_skips > 0 {
            let detail = format!("and {} more places in this file", self.more_skips);
            let source = self.report.label.clone();
            self.report.skips.push(Skip { source, offset: None, reason: SkipReason::MalformedJson, detail });
        }
        self.batch.file = Some(std::mem::take(&mut self.report));
        self.send();
    }
}

/// Collects what one content holds.
struct Member<'a, 'b> {
    file: &'a mut FileReader<'b>,
    label: &'a str,
    values: u64,
    /// Values that may well have been records.
    strangers: u64,
    first_stranger: u64,
    unknown: u64,
    first_unknown: u64,
    containers: bool,
    troubles: Vec<(u64, Trouble)>,
}

impl Member<'_, '_> {
    fn stranger(&mut self, offset: u64) {
        if self.strangers == 0 {
            self.first_stranger = offset;
        }
        self.strangers += 1;
    }
}

impl ValueSink for Member<'_, '_> {
    fn value(&mut self, raw: &[u8], offset: u64) {
        self.values += 1;
        recognise(raw, &mut |found| match found {
            Found::Event(event) => {
                if event.odd_identity {
                    let detail = "a record whose identity or key id is in no readable form".to_owned();
                    self.file.skip(self.label, Some(offset), SkipReason::BadField, detail);
                }
                if event.time.is_none() && event.identity.key.is_some() {
                    let detail = "a record whose eventTime cannot be read".to_owned();
                    self.file.skip(self.label, Some(offset), SkipReason::BadField, detail);
                }
                self.file.event(*event, raw.len());
            }
            Found::Document(kind, content) => self.file.document(self.label, kind, content),
            Found::Known => {}
            Found::Malformed => {
                let detail = "a record that is not valid JSON".to_owned();
                self.file.skip(self.label, Some(offset), SkipReason::MalformedJson, detail);
            }
            Found::NoObject => self.stranger(offset),
            Found::Unknown if has_log_words(raw) => self.stranger(offset),
            Found::Unknown => {
                if self.unknown == 0 {
                    self.first_unknown = offset;
                }
                self.unknown += 1;
            }
        });
    }

    fn no_object(&mut self, offset: u64) {
        self.stranger(offset);
    }

    fn rest(&mut self, raw: &[u8], offset: u64) {
        // `aws cloudtrail lookup-events --max-items` ends so.
        let whole: Option<Value> = if has(raw, b"oken\"") { serde_json::from_slice(raw).ok() } else { None };
        let more =
            whole.as_ref().and_then(|value| value.get("NextToken")).is_some_and(|token| !token.is_null());
        if more {
            let detail = "a listing that goes on (NextToken): fetch its further pages, too".to_owned();
            self.file.skip(self.label, Some(offset), SkipReason::Truncated, detail);
        }
        // A record or an envelope can hold a list of that name, too.
        recognise(raw, &mut |found| match found {
            Found::Event(event) => self.file.event(*event, raw.len()),
            Found::Document(kind, content) => self.file.document(self.label, kind, content),
            Found::Malformed => self.stranger(offset),
            Found::Known | Found::NoObject | Found::Unknown => {}
        });
    }

    fn trouble(&mut self, offset: u64, trouble: Trouble) {
        // Named at the end, when it is known whether this was JSON at all; bounded like every list.
        if self.troubles.len() <= NAMED_SKIPS {
            self.troubles.push((offset, trouble));
        } else {
            self.file.more_skips += 1;
        }
    }

    fn container(&mut self) {
        self.containers = true;
    }
}

struct ReadDyn<'a>(&'a mut dyn BufRead);

impl Read for ReadDyn<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

enum Sniffed {
    Empty,
    CredentialReport,
    Utf16,
    Archive(&'static str),
    Binary,
    Text { looks_like_logs: bool },
}

/// Looks at the first bytes without taking them. Errors are left for whoever reads on.
fn sniff(content: &mut dyn BufRead) -> Sniffed {
    let whole = match content.fill_buf() {
        Ok([]) => return Sniffed::Empty,
        Ok(head) => head,
        Err(_) => return Sniffed::Text { looks_like_logs: false },
    };
    if whole.starts_with(b"\xff\xfe") || whole.starts_with(b"\xfe\xff") {
        return Sniffed::Utf16;
    }
    if matches!(whole, [a, 0, b, 0, ..] if *a != 0 && *b != 0)
        || matches!(whole, [0, a, 0, b, ..] if *a != 0 && *b != 0)
    {
        return Sniffed::Utf16;
    }
    // <https://www.gnu.org/software/tar/manual/html_node/Standard.html>
    if whole.get(257..262) == Some(b"ustar") {
        return Sniffed::Archive("a tar archive");
    }
    if let Some((_, what)) = ARCHIVES.iter().find(|(magic, _)| whole.starts_with(magic)) {
        return Sniffed::Archive(what);
    }
    let head = whole.get(..1024).unwrap_or(whole);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.starts_with(b"user,arn,") || head.starts_with(b"\"user\",\"arn\"") {
        return Sniffed::CredentialReport;
    }
    // NUL padding before text is known from logs that were cut and rewritten; other control bytes are not.
    let controls = head.iter().filter(|b| matches!(b, 1..=8 | 14..=31 | 127)).count();
    if controls * 20 > head.len() {
        Sniffed::Binary
    } else {
        Sniffed::Text { looks_like_logs: has_log_words(whole) }
    }
}

/// Containers that may well hold logs and that offkey does not open, by how they begin.
const ARCHIVES: &[(&[u8], &str)] = &[
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PAR1", "Parquet"),
    (b"Obj\x01", "Avro"),
];

/// Whether bytes hold CloudTrail records in some form, so that passing over them may lose records. A mere mention of
/// its words, as in prose or configuration, is none.
fn has_log_words(bytes: &[u8]) -> bool {
    has(bytes, b"userIdentity") && (has(bytes, b"eventTime") || has(bytes, b"eventName"))
        || has(bytes, b"accessKeyId") && has(bytes, b"AKIA")
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// What PowerShell's `>` writes, as UTF-8; nothing where it is damaged or too large to hold.
fn utf16(content: &mut dyn BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let n = content.take(MAX_CSV + 1).read_to_end(&mut bytes).ok()?;
    let (mark, rest) = bytes.split_at_checked(2)?;
    let marked = matches!(mark, b"\xff\xfe" | b"\xfe\xff");
    let little = mark == b"\xff\xfe" || !marked && mark.first() != Some(&0);
    let text = if marked { rest } else { &bytes };
    let unit = |pair: &[u8]| {
        let pair = [pair.first().copied()?, pair.get(1).copied()?];
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let units: Vec<u16> = text.chunks(2).filter_map(unit).collect();
    if n as u64 > MAX_CSV { None } else { String::from_utf16(&units).ok() }
}
