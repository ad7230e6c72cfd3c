//! Opens what the user named, recognises it by content and hands out events and documents, and what was skipped.
//!
//! A file that cannot be read never hides its neighbours: every trouble becomes a [`crate::model::Skip`].

mod fold;
mod inflate;
mod ingest;
mod json_values;
mod lists;
mod open;
mod quick;
mod reader;
mod recognise;
mod sniff;
mod walk;

pub use fold::{FileReport, Fold, SeenObject};
pub use ingest::{Fetch, Fetched, Ingest, Interrupted, Pass, ingest, ingest_fetched, reading_order};
pub use json_values::{Trouble, ValueSink, read_values};
pub use quick::Depth;
pub use recognise::{Document, DocumentKind, Found, recognise};
pub use walk::{Argument, Entry, Place, Root, STDIN, expand};
