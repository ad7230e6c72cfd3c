//! `offkey man`: the manual page.

use super::super::args::command;
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use clap::Args;

/// Print the manual page in roff
#[derive(Args, Debug)]
#[command(after_help = "Example:
  offkey man | man -l -")]
pub(in super::super) struct Arguments {}

pub(in super::super) fn run(_: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let mut bytes = Vec::new();
    let page = clap_mangen::Man::new(command());
    page.render(&mut bytes).map_err(|e| Failure::new(format!("cannot render the manual page: {e}")))?;
    terminal.data(&bytes)?;
    Ok(ExitKind::Done)
}
