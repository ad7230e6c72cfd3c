//! The rooms in their order: inputs are read, evidence folded, consumers attributed, verdicts passed.

mod fold;
mod keys;
mod read;
mod role_use;
mod roles;

pub use crate::policy::Parity;
pub use fold::{PORTION_FILES, Portion, ReadFile, Sink};
pub use keys::{Analysis, AsOf, Detail, KeyAnalysis, KeySubject, analyse, graph_of};
pub use read::{
    Collecting, InputSummary, Kept, Material, Reading, collect, read, read_bytes, read_page, teach,
};
pub use role_use::{RoleCall, RoleUse, role_use};
pub use roles::{Role, parity_of, role_of, user_of};
