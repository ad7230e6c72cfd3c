//! Finds, in one pass over a whole log object, where each record lies and which of them have to be decoded.

mod blocks;
#[cfg(target_arch = "x86_64")]
mod groups;
mod masks;
mod records;

pub use masks::{Instructions, fetch};
pub(super) use masks::{first_special, marked};
pub use records::{
    Kind, Mark, PADDING, Record, Records, RoleSession, Scan, is_service_call, role_session, scan, scan_ahead,
    scan_by, session_hash,
};
