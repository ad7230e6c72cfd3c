//! One file a command: its arguments, and what it does with them.

mod chosen;
pub(super) mod collect;
pub(super) mod completions;
pub(super) mod demo;
pub(super) mod evidence;
pub(super) mod explain;
mod filter;
pub(super) mod graph;
mod load;
pub(super) mod man;
mod outputs;
pub(super) mod parity;
mod ranges;
pub(super) mod replace;
pub(super) mod report;
mod s3_source;
pub(super) mod schema;
mod store_sink;
