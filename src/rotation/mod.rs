//! Retires and rotates: a pure state machine, what it decides, a journal to replay, and one driver that acts.

mod campaign;
mod decide;
mod execute;
mod gate;
mod journal;
mod rebuild;
mod shape;
mod smtp;
mod state;

pub use campaign::{Ended, Summary, Told, run_all};
pub use decide::{Asked, Closer, Decision, Trouble, View, decide};
pub use execute::{Ending, Forbidden, Run, World};
pub use gate::{Blocker, RoleProof, Seen, gate, required_silence};
pub use journal::{Damage, Entry, Journal, Line, TornTail, line_of, read_journal};
pub use rebuild::{Rebuilt, rebuild};
pub use shape::JsonSink;
pub use smtp::smtp_password;
pub use state::{Event, Illegal, Phase, Progress, Step};
