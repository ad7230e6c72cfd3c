//! `offkey retire`: takes keys away whose users have something better, by a plan.

use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use super::apply::{
    Acting, PlanFile, Resuming, RollingBack, apply, audit, resume, rollback, show_plan, status,
};
use super::connect::AwsOptions;
use super::planning::{Choosing, Doing, Special, run as make};
use crate::plan::Operation;
use clap::{Args, Subcommand};

/// Retire keys that nothing needs any more: prove, deactivate, wait, delete
///
/// Nothing is done without a plan: `plan` looks and writes a file, `apply` does what the file says, once, and stops with
/// exit code 6 wherever something has to be waited for; `resume`, from cron or CI, goes on.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey retire plan AKIAI44QH8DHBEXAMPLE --role arn:aws:iam::111122223333:role/ci --evidence logs/ -o ci.plan.json
  offkey retire apply ci.plan.json --evidence logs/
  offkey retire resume ci.plan.json --delete AKIAI44QH8DHBEXAMPLE")]
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
    Apply(Applying),
    /// Go on where a plan stopped, waited or was interrupted
    Resume(Resuming),
    /// Say how far every key is; asks nothing of AWS
    Status(PlanFile),
    /// Make keys active again and end the plan
    Rollback(RollingBack),
    /// Prove that nobody changed a journal, and print it
    Audit(PlanFile),
}

#[derive(Args, Debug)]
struct Applying {
    #[command(flatten)]
    acting: Acting,
    /// Logs that show the role carrying the load; may be given several times
    #[arg(long, value_name = "INPUT")]
    evidence: Vec<String>,
}

#[derive(Args, Debug)]
struct Plan {
    #[command(flatten)]
    choosing: Choosing,
    /// ARN of the role that replaces the keys, with {account} and {user} filled in; keys that the evidence calls unused
    /// need none
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    #[command(flatten)]
    doing: Doing,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(in super::super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let operation = Operation::Retire;
    match &arguments.action {
        Action::Plan(plan) => plan.run(terminal),
        Action::Show(file) => show_plan(operation, file, terminal),
        Action::Apply(applying) => apply(operation, &applying.acting, &applying.evidence, terminal),
        Action::Resume(resuming) => resume(operation, resuming, terminal),
        Action::Status(file) => status(operation, file, terminal),
        Action::Rollback(rolling) => rollback(operation, rolling, terminal),
        Action::Audit(file) => audit(file, terminal),
    }
}

impl Plan {
    fn run(&self, terminal: &Terminal) -> Result<ExitKind, Failure> {
        if self.role.as_ref().is_some_and(|role| !role.contains(":role/")) {
            return Err(
                Failure::usage("--role takes the ARN of a role").hint("arn:aws:iam::111122223333:role/NAME")
            );
        }
        let special = Special {
            operation: Operation::Retire,
            ses_smtp: &[],
            sink: &|_, _, _| Ok(None),
            role: &|account, user, _| {
                self.role.as_ref().map(|role| role.replace("{account}", account).replace("{user}", user))
            },
        };
        make(&self.choosing, &self.doing, &self.aws, &special, terminal)
    }
}
