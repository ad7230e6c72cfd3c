//! Who uses a key: programs, places and rhythm make consumers, one workload each, with the signals cited.

mod agent;
mod consumers;
mod kind;
mod networks;
mod origin;
mod questions;

pub use agent::{Agent, CredentialSource, ProgramKind, System, is_public_program};
pub use consumers::{
    Allowed, AllowedCall, Aside, AsideKind, Attribution, Calls, Consumer, KeyContext, attribute,
};
pub use kind::{Confidence, Signal, Strength};
pub use networks::{Networks, OwnKind, Place, RangeFile, RangeKind};
pub use origin::Origin;
