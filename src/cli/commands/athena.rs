//! `offkey athena sql`: the query for those who run it themselves.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::athena_source::{exists, sessions};
use super::collect::failure;
use super::live::DAYS;
use crate::athena::{
    Layout, Slice, TableSpec, cloudformation, create_table, identifier, session_slices, terraform, usage_sql,
};
use crate::model::{AccountId, Day, parse_day};
use crate::store::EvidenceStore;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Print what offkey asks Amazon Athena, for those who run it themselves
#[derive(Args, Debug)]
pub(in super::super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Sql(SqlArguments),
}

/// Print the query, or the statement that makes its table
///
/// Give the result, CSV or Parquet, to `offkey collect --athena-results`. What sessions did that keys handed out is asked
/// by a second query, which needs the first one's result: --sessions-of.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey athena sql --table offkey_trail --account 111122223333 --since 2026-09-01 --until 2026-09-30
  offkey athena sql --create-table --trail s3://example-trail/AWSLogs/o-exampleorg1 --table offkey_trail
  offkey athena sql --table offkey_trail --account 111122223333 --to cloudformation > query.json
  offkey collect --athena-results result.csv
  offkey athena sql --table offkey_trail --account 111122223333 --sessions-of offkey.db")]
struct SqlArguments {
    /// Database of the table
    #[arg(long, value_name = "NAME", default_value = "default")]
    database: String,
    /// Table, as offkey makes it
    #[arg(long, value_name = "NAME")]
    table: String,
    /// Account whose logs are wanted
    #[arg(long, value_name = "ID", required_unless_present = "create_table")]
    account: Option<String>,
    /// First day of delivery [default: 100 days ago]
    #[arg(long, value_name = "DAY")]
    since: Option<String>,
    /// Last day of delivery [default: today]
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// Only these regions
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    regions: Vec<String>,
    /// Print the statement that makes the table
    #[arg(long, requires = "trail")]
    create_table: bool,
    /// Where accounts' logs are: s3://BUCKET/[PREFIX/]AWSLogs[/o-ORGANIZATION]
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    trail: Option<String>,
    /// Print the query for what sessions did that keys handed out, as a store with the first query's result knows them
    #[arg(long, value_name = "FILE")]
    sessions_of: Option<PathBuf>,
    /// As what
    #[arg(long, value_enum, default_value = "sql")]
    to: Target,
    /// Workgroup of the named query
    #[arg(long, value_name = "NAME", default_value = "primary")]
    workgroup: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The text itself
    Sql,
    /// A CloudFormation template with a named query
    Cloudformation,
    /// Terraform with a named query
    Terraform,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let Command::Sql(arguments) = &arguments.command;
    let usage = |error: crate::athena::LayoutError| Failure::usage(error.to_string());
    for name in [&arguments.database, &arguments.table, &arguments.workgroup] {
        identifier(name).map_err(usage)?;
    }
    let day = |option: &str, text: &Option<String>, default: Day| match text {
        None => Ok(default),
        Some(text) => parse_day(text).ok_or_else(|| {
            Failure::usage(format!("--{option}: {text:?} is not a day")).hint("write 2026-10-01")
        }),
    };
    let today = Day::of(terminal.now());
    let first = day("since", &arguments.since, today.plus(-DAYS))?;
    let last = day("until", &arguments.until, today)?;
    if first > last {
        return Err(Failure::usage("--since is after --until"));
    }
    let location = arguments.trail.clone().unwrap_or_default();
    if arguments.create_table {
        let spec = TableSpec {
            database: arguments.database.clone(),
            table: arguments.table.clone(),
            location,
            regions: arguments.regions.clone(),
            first: parse_day("2013-01-01").unwrap_or(Day(0)),
        };
        let text = create_table(&spec).map_err(usage)? + ";\n";
        terminal.data(text.as_bytes())?;
        return Ok(ExitKind::Done);
    }
    if let Some(account) = arguments.account.as_ref().filter(|id| !AccountId::new(*id).is_well_formed()) {
        return Err(Failure::usage(format!("--account: {account:?} is not an account id"))
            .hint("account ids have twelve digits"));
    }
    let layout = Layout::own(&arguments.database, &arguments.table, &location);
    let slices = match &arguments.sessions_of {
        None => {
            vec![Slice { account: arguments.account.clone(), first, last, sessions: Vec::new() }]
        }
        Some(path) => {
            exists(path)?;
            let store = EvidenceStore::open(path).map_err(failure)?;
            let sessions = sessions(&store)?;
            session_slices(std::slice::from_ref(&arguments.account), &sessions, first, last).0
        }
    };
    if slices.is_empty() {
        terminal.note("no key handed out a role session in these days: there is nothing more to ask");
    }
    let many = slices.len() > 1;
    for (n, slice) in slices.iter().enumerate() {
        let sql = usage_sql(&layout, slice, &arguments.regions).map_err(usage)?;
        let name = if many { format!("offkey-usage-{}", n + 1) } else { "offkey-usage".to_owned() };
        let text = match arguments.to {
            Target::Sql => format!("{}{}\n", sql.trim_end(), if many { ";" } else { "" }),
            Target::Cloudformation => cloudformation(&layout, &name, &arguments.workgroup, &sql),
            Target::Terraform => terraform(&layout, &name, &arguments.workgroup, &sql),
        };
        terminal.data(text.as_bytes())?;
    }
    Ok(ExitKind::Done)
}
