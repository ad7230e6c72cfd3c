//! Reads one file the general way: whatever it is, whatever is wrong with it.

use super::fold::{FileReport, Fold, SeenObject};
use super::json_values::{Trouble, ValueSink, read_values};
use super::lists;
use super::open::was_interrupted;
use super::recognise::{Document, DocumentKind, Found, recognise};
use super::sniff::{MAX_TEXT, Sniffed, has, has_log_words, sniff, utf16};
use super::walk::Entry;
use crate::cloudtrail::{Event, EventId, ObjectName, file_part, made_up_id, object_name};
use crate::model::{Skip, SkipReason};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, BufRead, Read};

/// Places named for one file; past that they are counted.
const NAMED_SKIPS: usize = 100;

/// Reads one file and hands on what it holds.
pub(super) struct FileReader<'a> {
    pub(super) fold: &'a mut dyn Fold,
    pub(super) report: FileReport,
    /// What the file's name says, if it is a log object.
    pub(super) name: Option<ObjectName>,
    entry: &'a Entry,
    more_skips: u64,
    /// How many events without an id said the same, by what they said.
    unnamed: RefCell<HashMap<[u8; 32], u64>>,
}

impl<'a> FileReader<'a> {
    pub(super) fn new(entry: &'a Entry, place: usize, fold: &'a mut dyn Fold) -> Self {
        let label = entry.label();
        let name = object_name(&label);
        let report = FileReport {
            label,
            argument: entry.root.argument,
            entry: place,
            is_object: name.is_some(),
            ..FileReport::default()
        };
        Self { fold, report, name, entry, more_skips: 0, unnamed: RefCell::default() }
    }

    /// One plain content: the file itself, or a member of an archive.
    pub(super) fn content(&mut self, label: &str, content: &mut dyn BufRead) {
        let before = self.skipped();
        let events = self.report.events;
        self.unnamed.get_mut().clear();
        let container = self.read_content(label, content);
        let Some(name) = object_name(label) else { return };
        let mut damaged = self.hides_records_since(before);
        // A log object holds records or an empty list of them; an error page in its place holds neither.
        if !damaged && !container && self.report.events == events && !name.digest {
            self.skip(label, None, SkipReason::BadField, "a log object without a list of records".into());
            damaged = true;
        }
        self.object(label, 0, damaged);
    }

    /// How much was passed over by now.
    pub(super) fn skipped(&self) -> (usize, u64) {
        (self.report.skips.len(), self.more_skips)
    }

    /// Whether what was passed over since then may have hidden records.
    pub(super) fn hides_records_since(&self, (skips, more): (usize, u64)) -> bool {
        let passed = self.report.skips.get(skips..).unwrap_or_default();
        self.more_skips > more || passed.iter().any(|skip| skip.reason.may_hide_records())
    }

    /// Notes a log object, whatever it lies in.
    pub(super) fn object(&mut self, label: &str, undecoded: u64, damaged: bool) {
        let seen = |name| SeenObject { name, undecoded, damaged };
        self.report.objects.extend(object_name(label).map(seen));
    }

    /// Reads the content; tells whether there was a list of records, be it empty.
    fn read_content(&mut self, label: &str, content: &mut dyn BufRead) -> bool {
        match sniff(content) {
            // CloudTrail delivers no empty objects: one that is empty was cut.
            Sniffed::Empty if object_name(label).is_some() => {
                self.skip(label, None, SkipReason::Truncated, "an empty log object".into());
            }
            Sniffed::Empty => self.skip(label, None, SkipReason::UnknownContent, "empty".into()),
            Sniffed::CredentialReport => {
                let mut bytes = Vec::new();
                match content.take(MAX_TEXT + 1).read_to_end(&mut bytes) {
                    Ok(n) if n as u64 > MAX_TEXT => {
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
                Some(text) => return self.read_content(label, &mut text.as_bytes()),
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
            Sniffed::Text { .. } if lists::kind(label).is_some() => self.list(label, content),
            Sniffed::Text { looks_like_logs } => {
                let mut member = Member::new(self, label);
                read_values(&mut ReadDyn(content), &mut member);
                return member.finish(looks_like_logs);
            }
        }
        false
    }

    /// A file about networks that is no JSON.
    fn list(&mut self, label: &str, content: &mut dyn BufRead) {
        let Some(kind) = lists::kind(label) else { return };
        let mut text = String::new();
        let read = content.take(MAX_TEXT + 1).read_to_string(&mut text).map_err(|error| error.to_string());
        match read.and_then(|_| lists::parse(kind, &text)) {
            Ok(value) => self.document(label, kind, value),
            Err(detail) => {
                self.skip(label, None, SkipReason::BadField, format!("{}: {detail}", kind.title()))
            }
        }
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

    pub(super) fn skip(&mut self, label: &str, offset: Option<u64>, reason: SkipReason, detail: String) {
        if self.report.skips.len() < NAMED_SKIPS {
            self.report.skips.push(Skip { source: label.to_owned(), offset, reason, detail });
        } else {
            self.more_skips += 1;
        }
    }

    /// Notes trouble of the whole file.
    pub(super) fn skip_all(&mut self, offset: Option<u64>, reason: SkipReason, detail: String) {
        let label = self.report.label.clone();
        self.skip(&label, offset, reason, detail);
    }

    /// Notes the file as a log object, if it is one, that could not be read.
    pub(super) fn unread_object(&mut self) {
        let label = self.report.label.clone();
        self.object(&label, 0, true);
    }

    /// Hands an event on.
    pub(super) fn event(&mut self, label: &str, event: &Event<'_>, record: Place<'_>) {
        self.report.events += 1;
        self.report.signed +=
            u64::from(event.id.is_some() && event.replaces.is_none() && event.is_static_key_use());
        self.fold.count(event);
        self.apart(label, event, record);
    }

    /// Hands an event on that is counted elsewhere.
    pub(super) fn apart(&mut self, label: &str, event: &Event<'_>, record: Place<'_>) {
        let offset = record.offset;
        if event.odd_identity {
            let detail = "a record whose identity or key id is in no readable form".to_owned();
            self.skip(label, Some(offset), SkipReason::BadField, detail);
        }
        if event.time.is_none() && event.identity.key.is_some() {
            let detail = "a record whose eventTime cannot be read".to_owned();
            self.skip(label, Some(offset), SkipReason::BadField, detail);
        }
        let (entry, unnamed) = (self.entry, &self.unnamed);
        self.fold.event(event, &|| match object_name(label) {
            Some(_) => {
                let fingerprint = event.fingerprint(file_part(label));
                let mut numbers = unnamed.borrow_mut();
                let number = numbers.entry(fingerprint).or_default();
                *number += 1;
                made_up_id(&fingerprint, *number)
            }
            None => id_of_place(entry, label, record),
        });
    }

    fn document(&mut self, label: &str, kind: DocumentKind, content: Value) {
        self.report.documents += 1;
        self.fold.document(Document { kind, source: label.to_owned(), content });
    }

    pub(super) fn finish(mut self) {
        if self.more_skips > 0 {
            let detail = format!("and {} more places in this file", self.more_skips);
            let source = self.report.label.clone();
            self.report.skips.push(Skip { source, offset: None, reason: SkipReason::MalformedJson, detail });
        }
        self.fold.file(self.report);
    }
}

/// Where an event stands in a content.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Where the JSON value begins that it stands in.
    pub(super) offset: u64,
    /// That value.
    pub(super) raw: &'a [u8],
    /// Which of the value's events it is; envelopes can hold several.
    pub(super) nth: u64,
}

/// An id for a record that has none, from where it stands and what it says, for files that are no log objects.
fn id_of_place(entry: &Entry, label: &str, record: Place<'_>) -> EventId {
    let mut hash = Sha256::new();
    hash.update(entry.identity());
    hash.update(label.strip_prefix(&entry.label()).unwrap_or(label));
    hash.update([0]);
    hash.update(record.offset.to_be_bytes());
    hash.update(record.nth.to_be_bytes());
    hash.update(record.raw);
    let mut id = [0xff; 16];
    // The first four bytes stay as they are, which no id of the usual kind has: that is how such ids are known.
    for (slot, byte) in id.iter_mut().zip(hash.finalize()).skip(4) {
        *slot = byte;
    }
    id
}

/// Collects what one content holds.
pub(super) struct Member<'a, 'b> {
    pub(super) file: &'a mut FileReader<'b>,
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

impl<'a, 'b> Member<'a, 'b> {
    pub(super) fn new(file: &'a mut FileReader<'b>, label: &'a str) -> Self {
        Self {
            file,
            label,
            values: 0,
            strangers: 0,
            first_stranger: 0,
            unknown: 0,
            first_unknown: 0,
            containers: false,
            troubles: Vec::new(),
        }
    }

    /// Names what was passed over; tells whether there was a list of records.
    pub(super) fn finish(self, looks_like_logs: bool) -> bool {
        let Self { file, label, .. } = self;
        let nothing = self.values == 0 && !self.containers;
        let only_words = nothing && self.troubles.iter().all(|(_, t)| matches!(t, Trouble::Malformed(_)));
        if only_words && !looks_like_logs {
            let detail = "neither JSON nor an IAM credential report".to_owned();
            file.skip(label, Some(0), SkipReason::UnknownContent, detail);
        } else {
            for (offset, trouble) in self.troubles {
                file.trouble(label, offset, &trouble);
            }
        }
        if self.strangers > 0 {
            let detail =
                format!("{} values in CloudTrail's words, but in no form that offkey knows", self.strangers);
            file.skip(label, Some(self.first_stranger), SkipReason::BadField, detail);
        }
        if self.unknown > 0 {
            let detail = format!(
                "{} JSON objects that are neither CloudTrail records nor a known export",
                self.unknown
            );
            file.skip(label, Some(self.first_unknown), SkipReason::UnknownContent, detail);
        }
        self.containers
    }

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
        let mut nth = 0;
        recognise(raw, &mut |found| match found {
            Found::Event(event) => {
                self.file.event(self.label, event, Place { offset, raw, nth });
                nth += 1;
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
        let mut nth = 0;
        recognise(raw, &mut |found| match found {
            Found::Event(event) => {
                self.file.event(self.label, event, Place { offset, raw, nth });
                nth += 1;
            }
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
