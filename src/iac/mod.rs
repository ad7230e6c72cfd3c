//! Roles as infrastructure code, with the cut-over of each consumer: values in, files out. Nothing here writes.

mod blueprint;
mod checklist;
mod cloudformation;
mod cutover;
mod files;
mod shell;
mod terraform;
mod text;

pub use blueprint::{Blueprint, Choices, blueprints};
pub use checklist::{Checklist, Figures, Input, Part};
pub use files::{Target, Written, write};
