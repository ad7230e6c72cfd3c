//! One file a command: its arguments, and what it does with them.

mod chosen;
pub(super) mod collect;
pub(super) mod completions;
mod cut_overs;
pub(super) mod demo;
pub(super) mod diff;
pub(super) mod doctor;
pub(super) mod evidence;
pub(super) mod explain;
mod filter;
pub(super) mod graph;
pub(super) mod keys;
mod live;
mod load;
mod lookups;
pub(super) mod man;
pub(super) mod merge;
pub(super) mod mute;
mod outputs;
pub(super) mod parity;
pub(super) mod permissions;
mod ranges;
pub(super) mod replace;
pub(super) mod report;
mod s3_source;
pub(super) mod schema;
mod store_sink;
