//! The only room that writes to disk.

mod evidence;
mod files;
mod load;
mod write;

pub use evidence::{EvidenceStore, PendingFile, StoreError, StoredDocument, StoredFile};
pub use files::{DemoTree, write_durably};
pub use load::{KnownFiles, Stored, StoredInput};
