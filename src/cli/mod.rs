//! The command line: arguments, terminal, exit codes. The only room that prints, asks the clock or exits.

mod args;
mod commands;
mod error;
mod terminal;

pub use args::command;
pub use error::{EXIT_CODES, ExitKind};
pub use terminal::main;
