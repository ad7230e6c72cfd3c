//! offkey finds out what depends on each long-lived AWS access key and how to replace it with a role.
//!
//! Data flows one way through the rooms; `docs/architecture.md` has the map and `tests/architecture.rs` keeps it.

pub mod analysis;
pub mod athena;
pub mod attribution;
pub mod aws;
pub mod cli;
pub mod cloudtrail;
pub mod demo;
pub mod evidence;
pub mod graph;
pub mod iac;
pub mod input;
pub mod inventory;
pub mod model;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod recommend;
pub mod report;
pub mod rotation;
pub mod store;
