//! A made-up company's AWS estate in the real AWS formats, with the truth about who uses which key.
//!
//! Everything follows from a seed: the same options give the same bytes. Nothing here reads a clock or touches a
//! disk: [`generate()`] hands every file to a callback. All addresses come from ranges reserved for
//! documentation or private use, so that no made-up evidence can point at a real machine.

mod agents;
mod bulk;
mod calls;
mod cast;
mod dice;
mod estate;
mod events;
mod generate;
mod iam_files;
mod live;
mod networks;
mod noise;
mod odd_files;
mod recipes;
mod requests;
mod schedule;
mod story;
mod truth;

pub use bulk::{BulkOptions, bulk};
pub use generate::{Emit, EstateOptions, as_of, generate};
pub use live::LiveEstate;
pub use truth::{ConsumerTruth, KeyTruth, Truth};
