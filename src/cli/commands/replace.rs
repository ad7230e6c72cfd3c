//! `offkey replace`: the role that replaces a key, for each consumer, as infrastructure code.

use super::super::args::{Inputs, Judging};
use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::{chosen, load, outputs};
use crate::iac::{Choices, Target, blueprints, write};
use clap::{Args, ValueEnum};
use std::path::Path;

/// Write the role that replaces a key: trust policy, least-privilege policies, cut-over checklist, for each consumer
///
/// Policies allow what was observed and nothing else; a replay of every call tells how far they do. Actions by which the
/// consumer could make itself an administrator are written apart and attached to nothing, unless --include-privileged is
/// given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey replace AKIAIOSFODNN7EXAMPLE AWSLogs/ iam/ -o role --to terraform
  offkey replace ci-deployer org.db -o role --to cloudformation --set github_subject=repo:example/app:environment:prod")]
pub(in super::super) struct Arguments {
    /// Key id, the beginning of one, or the name of a user with one key
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    inputs: Inputs,
    /// Directory to write to; it is made if need be
    #[arg(short, long = "output", value_name = "DIR")]
    output: String,
    /// What to write
    #[arg(long, value_name = "TOOL", value_enum)]
    to: Tool,
    /// An input of a trust policy; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Attach privileged policies, too
    #[arg(long)]
    include_privileged: bool,
    /// Write roles even though the key is part of an incident
    #[arg(long)]
    despite_incident: bool,
    /// Allow calls in the regions that were called only, where those are three at most
    #[arg(long)]
    only_regions: bool,
    /// Replace files that are there and differ
    #[arg(long)]
    force: bool,
    /// Print the checklist as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judging: Judging,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tool {
    /// Files for `terraform apply`
    Terraform,
    /// Templates for `aws cloudformation deploy`
    Cloudformation,
    /// Scripts of AWS CLI commands
    Cli,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let mut choices = Choices {
        privileged: arguments.include_privileged,
        regions: arguments.only_regions,
        despite_incident: arguments.despite_incident,
        ..Choices::default()
    };
    for pair in &arguments.set {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(
                Failure::usage(format!("--set {pair:?}: there is no '='")).hint("write --set name=value")
            );
        };
        let name = name.trim().to_ascii_uppercase().replace('-', "_");
        if choices.values.insert(name, value.to_owned()).is_some() {
            return Err(Failure::usage(format!("--set {pair:?}: given twice")));
        }
    }
    let analysis = load::analysis(&arguments.inputs, &arguments.judging, terminal)?;
    let key = chosen::key(&analysis, &arguments.key)?;
    let roles = blueprints(&analysis, key, &choices).map_err(Failure::usage)?;
    if roles.is_empty() {
        return Err(Failure::new(format!(
            "no use of {} is known, so there is nothing to replace it with",
            key.subject.reference()
        ))
        .hint("'offkey explain' says what is known of it"));
    }
    let target = match arguments.to {
        Tool::Terraform => Target::Terraform,
        Tool::Cloudformation => Target::CloudFormation,
        Tool::Cli => Target::Cli,
    };
    let written = write(&roles, target, env!("CARGO_PKG_VERSION"));
    outputs::write_all(Path::new(&arguments.output), &written.files, arguments.force, terminal)?;
    for role in &roles {
        for need in role.needs().iter().filter(|_| role.makes_role()) {
            let name = need.name.to_lowercase();
            terminal.warn(&format!("{}: an input is missing: --set {name}=…   {}", role.role_name, need.ask));
        }
        if !role.makes_role() {
            terminal.note(&format!(
                "{}: no role is made ({}); the checklist says what to do",
                role.origin, role.title
            ));
        }
    }
    if arguments.json {
        let mut bytes =
            serde_json::to_vec_pretty(&written.checklist).map_err(|e| Failure::new(e.to_string()))?;
        bytes.push(b'\n');
        terminal.data(&bytes)?;
    }
    Ok(load::completeness(&analysis.material))
}
