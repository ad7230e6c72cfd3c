//! Where new secrets go: what the command line says, and what fulfils it.

use super::super::super::error::Failure;
use super::processes::CommandSink;
use crate::aws::Aws;
use crate::plan::{KeyPlan, Plan, SinkSpec};
use crate::ports::Sink;
use crate::rotation::JsonSink;
use crate::store::ProfileSink;
use std::path::Path;
use std::time::Duration;

/// The file that the AWS CLI keeps credentials in
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html>).
pub(super) fn credentials_file() -> Option<String> {
    let given = std::env::var("AWS_SHARED_CREDENTIALS_FILE").ok().filter(|path| !path.is_empty());
    given.or_else(|| std::env::var("HOME").ok().map(|home| format!("{home}/.aws/credentials")))
}

/// Reads `KIND:WHERE`, with `{account}`, `{user}` and `{key}` filled in.
pub(super) fn parse(
    text: &str,
    region: Option<&str>,
    file: Option<&str>,
    (account, user, key): (&str, &str, &str),
) -> Result<SinkSpec, Failure> {
    let filled =
        |text: &str| text.replace("{account}", account).replace("{user}", user).replace("{key}", key);
    let region = region.map(str::to_owned);
    match text.split_once(':') {
        Some((_, "")) | None => {}
        Some(("secretsmanager", secret)) => {
            return Ok(SinkSpec::SecretsManager { secret: filled(secret), region });
        }
        Some(("ssm", parameter)) => return Ok(SinkSpec::Ssm { parameter: filled(parameter), region }),
        Some(("profile", profile)) => {
            let file = file.map(str::to_owned).or_else(credentials_file).ok_or_else(|| {
                Failure::usage("--sink profile: there is no home directory")
                    .hint("give --credentials-file FILE")
            })?;
            let file =
                std::path::absolute(&file).map_err(|error| Failure::new(format!("{file}: {error}")))?;
            return Ok(SinkSpec::Profile { profile: filled(profile), file: file.display().to_string() });
        }
        // The shell gets the values as variables, so that no name is taken for a command.
        Some(("command", command)) => return Ok(SinkSpec::Command { command: command.to_owned() }),
        Some(_) => {}
    }
    Err(Failure::usage(format!("--sink {text:?} is no place for a secret"))
        .hint("secretsmanager:NAME, ssm:NAME, profile:NAME or command:COMMAND"))
}

/// The sink of a key.
pub(super) fn of(plan: &Plan, key: &KeyPlan, aws: &Aws) -> Option<Box<dyn Sink>> {
    let account = aws.account(&key.account);
    let smtp = &plan.settings.ses_smtp;
    Some(match key.sink.as_ref()? {
        SinkSpec::SecretsManager { secret, region } => {
            Box::new(JsonSink::new(Box::new(aws.secret_place(&account, secret, region.as_deref())), smtp))
        }
        SinkSpec::Ssm { parameter, region } => Box::new(JsonSink::new(
            Box::new(aws.parameter_place(&account, parameter, region.as_deref())),
            smtp,
        )),
        SinkSpec::Profile { profile, file } => Box::new(ProfileSink::new(Path::new(file), profile)),
        SinkSpec::Command { command } => Box::new(CommandSink {
            command: command.clone(),
            account: key.account.clone(),
            user: key.user.clone(),
            old: key.key.id.clone(),
            limit: Duration::from_secs(plan.settings.command_seconds),
            smtp: smtp.clone(),
        }),
    })
}
