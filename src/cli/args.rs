//! What the command line says, before anything is done about it.

use super::commands::{
    athena, collect, completions, demo, diff, doctor, evidence, explain, graph, keys, man, merge, mute,
    parity, permissions, replace, report, schema,
};
use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand};

/// Finds out what depends on each long-lived AWS access key, and recommends what replaces it
#[derive(Parser, Debug)]
#[command(name = "offkey", version, about, long_about = LONG_ABOUT, max_term_width = 100, disable_help_subcommand = true, after_help = "See 'offkey COMMAND --help' for examples. Exit codes are listed in docs/cli.md.")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const LONG_ABOUT: &str = "Finds out what depends on each long-lived AWS access key (AKIA…), from CloudTrail logs and IAM exports, and recommends for every consumer the role that replaces the key.\n\nReads files, stores and, if collect is told to, logs in S3 and AWS accounts themselves. For files no AWS account is needed; nothing but the requests that a command names leaves the machine. Only rotate and retire change anything, by a plan that was read before.";

/// Options of every command.
#[derive(Args, Debug, Clone)]
pub(super) struct Global {
    /// Print no progress and no warnings
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// When to use colour on standard error: auto, always or never; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub(super) color: ColorChoice,
}

#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of it, for as long as the program runs")]
pub(super) enum Command {
    Demo(demo::Arguments),
    Collect(collect::Arguments),
    Athena(athena::Arguments),
    Merge(merge::Arguments),
    Doctor(doctor::Arguments),
    Permissions(permissions::Arguments),
    Report(report::Arguments),
    Explain(explain::Arguments),
    Graph(graph::Arguments),
    Diff(diff::Arguments),
    Evidence(evidence::Arguments),
    Replace(replace::Arguments),
    Parity(parity::Arguments),
    Verify(keys::verify::Arguments),
    Retire(keys::retire::Arguments),
    Rotate(keys::rotate::Arguments),
    Mute(mute::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// The inputs and what bears on reading and judging them.
#[derive(Args, Debug, Clone)]
pub(super) struct Inputs {
    /// CloudTrail logs, credential reports, authorization details, access key lists, trail descriptions,
    /// providers' IP range files: directories, files (.json, .gz, .zip, .csv), stores made by collect, or '-'; told
    /// apart by content
    #[arg(value_name = "INPUT", required = true)]
    pub(super) inputs: Vec<String>,
    /// Threads that read files [default: number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Decode and count every record, also those that no key and no session of a key signed; several times slower
    #[arg(long)]
    pub(super) census: bool,
}

/// What bears on verdicts.
#[derive(Args, Debug, Clone)]
pub(super) struct Judging {
    /// A key older than this is due
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=36_500))]
    pub(super) max_age: i32,
    /// A key idle for longer than this is due; nothing is called unused on less evidence than this
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=36_500))]
    pub(super) max_idle: i32,
    /// The time to judge by: RFC 3339, a date, or 'evidence' for the newest time in the inputs [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) as_of: Option<String>,
}

/// The command line as clap knows it, for help, completions, manual page and documentation.
pub fn command() -> clap::Command {
    Cli::command()
}
