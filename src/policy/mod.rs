//! From observed calls to the actions that they needed, to policies that allow just that, and their evaluation; and trust
//! policies.

mod actions;
mod conditional;
mod conditions;
mod derive;
mod documents;
mod escalation;
mod evaluate;
mod lint;
mod overrides;
mod parity;
mod scope;
mod trust;

pub use actions::{AccessLevel, Action, Needs, all_actions, find_action, needs, prefix_of, reason};
pub use derive::{Grant, GrantCondition, Observed, Permissions, derive};
pub use documents::{
    Document, INLINE_LIMIT, MANAGED_LIMIT, MOST_MANAGED, Split, Statement, characters, split, statements,
};
pub use escalation::{Danger, danger};
pub use evaluate::{Decision, Request, decide};
pub use lint::faults;
pub use parity::{Parity, Replayed, parity, replayed};
pub use scope::Scope;
pub use trust::{Need, TrustPolicy};
