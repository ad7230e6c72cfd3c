//! The only room that writes to disk.

mod evidence;
mod files;
mod ledger;
mod load;
mod merge;
mod profile;
mod queries;
mod write;
mod write_files;

pub use evidence::{EvidenceStore, PendingFile, StoreError, StoredDocument, StoredFile};
pub use files::{DemoTree, Existing, existing, make_directory, write_durably};
pub use ledger::{JournalError, JournalFile, Opening, UserLock};
pub use load::{KnownFiles, Stored, StoredInput};
pub use merge::Merged;
pub use profile::ProfileSink;
pub use queries::{QueryState, StoredQuery};
