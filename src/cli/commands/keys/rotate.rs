//! `offkey rotate`: gives keys successors, step by step, by a plan.

use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use super::apply::{
    Acting, PlanFile, Resuming, RollingBack, apply, audit, resume, rollback, show_plan, status,
};
use super::connect::AwsOptions;
use super::planning::{Choosing, Doing, Special, run as make};
use super::sinks;
use crate::plan::Operation;
use clap::{Args, Subcommand};

/// Rotate keys that cannot go yet: create, store, prove, wait, deactivate, wait, delete
///
/// Nothing is done without a plan: `plan` looks and writes a file, `apply` does what the file says, once, and stops with
/// exit code 6 wherever something has to be waited for; `resume`, from cron or CI, goes on.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey rotate plan ci --sink secretsmanager:ci/aws --evidence store.db -o ci.plan.json
  offkey rotate apply ci.plan.json
  offkey rotate resume ci.plan.json
  offkey rotate resume ci.plan.json --delete AKIAI44QH8DHBEXAMPLE")]
pub(in super::super::super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Look, and write down what would be done; nothing is changed
    Plan(Box<Plan>),
    /// Show a plan: what happens, what can be undone, what waits
    Show(PlanFile),
    /// Begin what a plan says, once
    Apply(Acting),
    /// Go on where a plan stopped, waited or was interrupted
    Resume(Resuming),
    /// Say how far every key is; asks nothing of AWS
    Status(PlanFile),
    /// Make old keys active again and end the plan
    Rollback(RollingBack),
    /// Prove that nobody changed a journal, and print it
    Audit(PlanFile),
}

#[derive(Args, Debug)]
#[command(after_help = "Sinks, with {account}, {user} and {key} filled in:
  secretsmanager:NAME   the JSON keeps its shape; only the key's fields change
  ssm:NAME              a SecureString, likewise
  profile:NAME          of --credentials-file; other profiles stay byte for byte
  command:COMMAND       is given JSON on standard input; docs/rotation.md says how")]
struct Plan {
    #[command(flatten)]
    choosing: Choosing,
    /// Where the new secret goes
    #[arg(long, value_name = "KIND:WHERE")]
    sink: String,
    /// Region of the sink, where not the configuration's
    #[arg(long, value_name = "NAME")]
    sink_region: Option<String>,
    /// Credentials file of profile sinks [default: the AWS CLI's]
    #[arg(long, value_name = "FILE")]
    credentials_file: Option<String>,
    /// Also store the SMTP password of SES for this region; may be given several times
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    ses_smtp: Vec<String>,
    #[command(flatten)]
    doing: Doing,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(in super::super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let operation = Operation::Rotate;
    match &arguments.action {
        Action::Plan(plan) => plan.run(terminal),
        Action::Show(file) => show_plan(operation, file, terminal),
        Action::Apply(acting) => apply(operation, acting, &[], terminal),
        Action::Resume(resuming) => resume(operation, resuming, terminal),
        Action::Status(file) => status(operation, file, terminal),
        Action::Rollback(rolling) => rollback(operation, rolling, terminal),
        Action::Audit(file) => audit(file, terminal),
    }
}

impl Plan {
    fn run(&self, terminal: &Terminal) -> Result<ExitKind, Failure> {
        let (region, file) = (self.sink_region.as_deref(), self.credentials_file.as_deref());
        // What is misspelled is told before anything is asked.
        sinks::parse(&self.sink, region, file, ("account", "user", "key"))?;
        if self.sink.starts_with("profile:") && !self.ses_smtp.is_empty() {
            return Err(Failure::usage("a credentials file has no place for SMTP passwords")
                .hint("choose another sink, or leave --ses-smtp out"));
        }
        let special = Special {
            operation: Operation::Rotate,
            ses_smtp: &self.ses_smtp,
            sink: &|account, user, key| {
                sinks::parse(&self.sink, region, file, (account, user, key)).map(Some)
            },
            role: &|_, _, _| None,
        };
        make(&self.choosing, &self.doing, &self.aws, &special, terminal)
    }
}
