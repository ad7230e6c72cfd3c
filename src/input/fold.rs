//! What reading hands on, and to whom.

use super::recognise::Document;
use crate::cloudtrail::{Event, EventId, ObjectName};
use crate::model::Skip;

/// Takes what one thread reads. Everything between two calls of [`Fold::file`] belongs to the second one's file.
pub trait Fold: Send {
    /// Whether the records of a role session, by its [`crate::cloudtrail::session_hash`], have to be handed on.
    fn wants(&mut self, session: u32) -> bool;
    /// A decoded record, for what it says of coverage; [`Fold::event`] follows.
    fn count(&mut self, event: &Event<'_>);
    /// An event that may count. `instead` makes an id for one that has none: the same for the same record of the same
    /// object or file, however often it is read.
    fn event(&mut self, event: &Event<'_>, instead: &dyn Fn() -> EventId);
    /// An event that does not count, but says something of coverage and of addresses.
    fn glance(&mut self, event: &Event<'_>);
    /// Another export.
    fn document(&mut self, document: Document);
    /// A file has been read to its end.
    fn file(&mut self, report: FileReport);
}

/// What became of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its label.
    pub label: String,
    /// Which of the arguments it came from.
    pub argument: usize,
    /// Its place in the list that was read.
    pub entry: usize,
    /// Whether its name is a log object's.
    pub is_object: bool,
    /// SHA-256 of its bytes on disk, in hex; `None` where it could not be read whole, or was not asked for.
    pub sha256: Option<String>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Records found, decoded or not.
    pub events: u64,
    /// Of those, records with an id that a key itself signed.
    pub signed: u64,
    /// Documents found.
    pub documents: u64,
    /// Log objects by their names, here or in archives.
    pub objects: Vec<SeenObject>,
    /// Role sessions, by their hashes, whose records were passed over; sorted.
    pub pending: Vec<u32>,
    /// What was passed over.
    pub skips: Vec<Skip>,
}

/// One log object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenObject {
    /// What its name says.
    pub name: ObjectName,
    /// Records that were not decoded, as nothing in them matters here.
    pub undecoded: u64,
    /// Whether some of it could not be read.
    pub damaged: bool,
}
