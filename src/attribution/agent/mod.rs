//! Reads user agents: which program, on what system, and where the credential came from.
//!
//! The newer grammar (`ua/2.x`) and its business-metric letters are described with the AWS SDKs' user-agent
//! code; older agents follow no common grammar and are matched by product name. Agents can be forged: what is
//! read here is a hint, never proof, and what is absent says nothing.

mod credentials;
mod parse;
mod products;
mod system;
mod tokens;

pub use credentials::CredentialSource;
pub use parse::Agent;
pub(crate) use parse::is_service_name;
pub use products::{ProgramKind, is_public_program};
pub use system::System;
