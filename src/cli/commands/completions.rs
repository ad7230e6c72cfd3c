//! `offkey completions`: completion scripts for shells.

use super::super::args::command;
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use clap::Args;
use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = "Example:
  offkey completions bash > /etc/bash_completion.d/offkey")]
pub(in super::super) struct Arguments {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "offkey", &mut bytes);
    terminal.data(&bytes)?;
    Ok(ExitKind::Done)
}
