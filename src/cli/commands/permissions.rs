//! `offkey permissions`: the least that a command needs of AWS, as a policy or as the role for member accounts.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::keys::OPERATOR;
use super::live::ROLE;
use crate::aws::{COMMANDS, Need, Part, Place, needs_of, policy};
use clap::{Args, ValueEnum};

/// Print the permissions that a command needs
///
/// With --to terraform or cloudformation: the role for member accounts, for a StackSet for example; with json the policy
/// for whoever runs the command. All of it reads, but for rotate and retire.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offkey permissions collect
  offkey permissions collect --bucket example-trail --to json
  offkey permissions collect --to cloudformation --management-account 111122223333 > role.yaml")]
pub(in super::super) struct Arguments {
    /// The command: collect, doctor, parity, rotate or retire
    #[arg(value_name = "COMMAND")]
    command: String,
    /// As what
    #[arg(long, value_enum, default_value = "json")]
    to: Target,
    /// Bucket of the trails; may be given several times [default: any]
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Leave out the policies of buckets, keys, queues, topics and secrets
    #[arg(long)]
    no_resource_policies: bool,
    /// The account whose credentials take the role
    #[arg(long, value_name = "ID")]
    management_account: Option<String>,
    /// What the role is called [default: offkey-reader, or offkey-operator for rotate and retire]
    #[arg(long, value_name = "NAME")]
    role_name: Option<String>,
    /// External id that the role asks for
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// A policy document for the caller
    Json,
    /// The member accounts' role as Terraform
    Terraform,
    /// The member accounts' role as a CloudFormation template
    Cloudformation,
}

pub(in super::super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let Some((_, parts)) = COMMANDS.iter().find(|(name, _)| *name == arguments.command) else {
        let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        return Err(Failure::usage(format!("{}: asks nothing of AWS, or is no command", arguments.command))
            .hint(format!("commands that do: {}", names.join(", "))));
    };
    let parts: Vec<Part> = parts
        .iter()
        .copied()
        .filter(|part| !(arguments.no_resource_policies && *part == Part::ResourcePolicies))
        .collect();
    let resources = |need: &Need| resources(need, arguments);
    let member = |need: &&Need| need.place != Place::Management;
    let text = match arguments.to {
        Target::Json => policy(needs_of(&parts), &resources, true) + "\n",
        Target::Terraform => terraform(arguments, &policy(needs_of(&parts).filter(member), &resources, true)),
        Target::Cloudformation => {
            cloudformation(arguments, &policy(needs_of(&parts).filter(member), &resources, true))
        }
    };
    terminal.data(text.as_bytes())?;
    Ok(ExitKind::Done)
}

fn resources(need: &Need, arguments: &Arguments) -> Vec<String> {
    match need.action {
        "sts:AssumeRole" => {
            vec![format!("arn:aws:iam::*:role/{}", arguments.role_name().trim_start_matches('/'))]
        }
        "s3:ListBucket" | "s3:GetObject" if !arguments.bucket.is_empty() => {
            let end = if need.action == "s3:GetObject" { "/*" } else { "" };
            arguments.bucket.iter().map(|bucket| format!("arn:aws:s3:::{bucket}{end}")).collect()
        }
        _ => vec!["*".to_owned()],
    }
}

impl Arguments {
    fn changes(&self) -> bool {
        matches!(self.command.as_str(), "rotate" | "retire")
    }

    fn role_name(&self) -> &str {
        let usual = if self.changes() { OPERATOR } else { ROLE };
        self.role_name.as_deref().unwrap_or(usual)
    }

    fn does(&self) -> &'static str {
        if self.changes() {
            "It changes access keys, tags of their users, and secrets."
        } else {
            "It reads, and changes nothing."
        }
    }
}

/// Who may take the role; without an account the text cannot be applied by accident.
fn trust(arguments: &Arguments) -> String {
    let account = arguments.management_account.as_deref().unwrap_or("<MANAGEMENT_ACCOUNT>");
    let mut statement = serde_json::json!({
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
        "Action": "sts:AssumeRole",
    });
    if let (Some(id), Some(object)) = (&arguments.external_id, statement.as_object_mut()) {
        object.insert("Condition".to_owned(), serde_json::json!({"StringEquals": {"sts:ExternalId": id}}));
    }
    let document = serde_json::json!({"Version": "2012-10-17", "Statement": [statement]});
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn terraform(arguments: &Arguments, policy: &str) -> String {
    format!(
        "# The role that offkey takes in a member account. {does}\nresource \"aws_iam_role\" \"offkey\" {{\n  name                 = \"{name}\"\n  max_session_duration = 3600\n  assume_role_policy   = <<-EOT\n{trust}\n  EOT\n}}\n\nresource \"aws_iam_role_policy\" \"offkey\" {{\n  name   = \"read\"\n  role   = aws_iam_role.offkey.id\n  policy = <<-EOT\n{policy}\n  EOT\n}}\n",
        name = arguments.role_name(),
        does = arguments.does(),
        trust = indented(&trust(arguments), 4),
        policy = indented(policy, 4),
    )
}

/// JSON is YAML, so that the documents stand as they are.
fn cloudformation(arguments: &Arguments, policy: &str) -> String {
    format!(
        "AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: The role that offkey takes in a member account. {does}\nResources:\n  OffkeyReader:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: {name}\n      MaxSessionDuration: 3600\n      AssumeRolePolicyDocument:\n{trust}\n      Policies:\n        - PolicyName: read\n          PolicyDocument:\n{policy}\n",
        name = arguments.role_name(),
        does = arguments.does(),
        trust = indented(&trust(arguments), 8),
        policy = indented(policy, 12),
    )
}

fn indented(text: &str, by: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("{}{line}", " ".repeat(by))).collect();
    lines.join("\n")
}
