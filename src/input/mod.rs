//! Opens what the user named, recognises it by content and hands out events and documents, and what was skipped.
//!
//! A file that cannot be read never hides its neighbours: every trouble becomes a [`crate::model::Skip`].

mod ingest;
mod json_values;
mod open;
mod recognise;
mod walk;

pub use ingest::{Batch, FileReport, Ingest, Interrupted, ingest};
pub use json_values::{Trouble, ValueSink, read_values};
pub use recognise::{Document, DocumentKind, Found, recognise};
pub use walk::{Argument, Entry, STDIN, expand};
