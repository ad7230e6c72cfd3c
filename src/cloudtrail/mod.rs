//! From the bytes of one CloudTrail record to the event that the other rooms work with.

mod decode;
mod event;
mod layout;
mod text;

pub use decode::{NotAnEvent, decode};
pub use event::{Category, Event, EventId, Identity, IdentityKind, Minted};
pub use layout::{ObjectName, object_name};
pub use text::{lossy_string, text};
