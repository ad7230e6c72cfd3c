//! The only room that writes to disk.

mod files;

pub use files::{DemoTree, write_durably};
