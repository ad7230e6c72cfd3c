//! From the bytes of one CloudTrail record to the event that the other rooms work with.

mod acted_on;
mod decode;
mod event;
mod fields;
mod habits;
mod json;
mod layout;
mod members;
mod memo;
mod names;
mod request;
mod scan;
mod targets;
mod text;
mod unnamed;

pub use acted_on::ActedOn;
pub use decode::{Decoder, Detail, NotAnEvent, decode};
pub use event::{Category, Event, EventId, Identity, IdentityKind, Minted};
pub use layout::{ObjectName, delivery_stamp, file_part, object_name};
pub(crate) use memo::Memo;
pub use scan::{
    Instructions, Kind, Mark, PADDING, Record, Records, RoleSession, Scan, fetch, is_service_call,
    role_session, scan, scan_ahead, scan_by, session_hash,
};
pub use targets::{TARGETS, Target};
pub use text::{lossy_string, text};
pub use unnamed::made_up_id;
