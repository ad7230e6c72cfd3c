//! The dependency graph: accounts, users, keys, sessions, consumers, services, networks and roles.
//!
//! The only room that knows petgraph.

mod build;
mod query;

pub use build::{Edge, EdgeKind, Graph, GraphInput, Node, NodeKind};
pub use query::{BlastRadius, Hub, SharedConsumer};
