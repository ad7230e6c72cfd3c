//! `offkey man`: the manual page.

use super::super::args::command;
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use clap::Args;

/// Print the manual page in roff
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey man | man -l -
  offkey man report | man -l -")]
pub(in super::super) struct Arguments {
    /// The page of this command instead of the program's
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let mut bytes = Vec::new();
    let mut program = command();
    program.build();
    let wanted = match &arguments.command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                return Err(
                    Failure::usage(format!("no command {name:?}")).hint("'offkey --help' lists the commands")
                );
            }
        },
    };
    let page = clap_mangen::Man::new(wanted);
    page.render(&mut bytes).map_err(|e| Failure::new(format!("cannot render the manual page: {e}")))?;
    terminal.data(&bytes)?;
    Ok(ExitKind::Done)
}
