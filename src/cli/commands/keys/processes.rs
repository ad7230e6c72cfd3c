//! Commands of the operator's: a sink that is given JSON on standard input, and a watch. What they print is never shown.

use crate::model::Secret;
use crate::ports::{Held, Pair, Sink, SinkError, Watch};
use crate::rotation::smtp_password;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Exit code by which a command says that it does not know an operation.
const UNKNOWN_OPERATION: i32 = 3;

/// What a command may print when it is asked for a secret.
const ANSWER: u64 = 65_536;

/// A command as a place for secrets.
pub(super) struct CommandSink {
    pub(super) command: String,
    pub(super) account: String,
    pub(super) user: String,
    /// The key that is replaced.
    pub(super) old: String,
    pub(super) limit: Duration,
    pub(super) smtp: Vec<String>,
}

impl CommandSink {
    fn wrong(&self, passing: bool, text: impl std::fmt::Display) -> SinkError {
        SinkError { passing, text: format!("sink command `{}`: {text}", self.command) }
    }

    /// Runs it; `None` where it does not know the operation.
    fn run(&self, operation: &str, mut message: Value) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError> {
        if let Value::Object(map) = &mut message {
            map.insert("version".to_owned(), json!(1));
            map.insert("operation".to_owned(), json!(operation));
            map.insert("account".to_owned(), json!(self.account));
            map.insert("user".to_owned(), json!(self.user));
            map.insert("old_access_key_id".to_owned(), json!(self.old));
        }
        let input = Zeroizing::new(serde_json::to_vec(&message).unwrap_or_default());
        wipe(&mut message);
        let about = [
            ("OFFKEY_OPERATION", operation),
            ("OFFKEY_ACCOUNT", &self.account),
            ("OFFKEY_USER", &self.user),
            ("OFFKEY_OLD_ACCESS_KEY_ID", &self.old),
        ];
        let run = run(&self.command, &about, &input, self.limit);
        match run.map_err(|error| self.wrong(true, format_args!("{operation}: {error}")))? {
            (Some(status), output) if status.success() => Ok(Some(output)),
            (Some(status), _) if status.code() == Some(UNKNOWN_OPERATION) => Ok(None),
            (Some(status), _) => Err(self.wrong(true, format_args!("{operation}: {status}"))),
            (None, _) => Err(self.wrong(
                true,
                format_args!("{operation}: took longer than {} s and was stopped", self.limit.as_secs()),
            )),
        }
    }
}

impl Sink for CommandSink {
    fn prove(&self, old: &str) -> Result<(), SinkError> {
        match self.run("prove", json!({"access_key_id": old}))? {
            Some(_) => Ok(()),
            None => Err(self.wrong(false, "it has to know the operation \"prove\"")),
        }
    }

    fn store(&self, pair: &Pair<'_>) -> Result<(), SinkError> {
        let mut message = json!({
            "access_key_id": pair.id,
            "secret_access_key": pair.secret.expose(),
        });
        if let (false, Value::Object(map)) = (self.smtp.is_empty(), &mut message) {
            let of = |region: &String| (region.clone(), json!(smtp_password(pair.secret, region).expose()));
            map.insert("ses_smtp_passwords".to_owned(), Value::Object(self.smtp.iter().map(of).collect()));
        }
        match self.run("store", message)? {
            Some(_) => Ok(()),
            None => Err(self.wrong(false, "it has to know the operation \"store\"")),
        }
    }

    fn fetch(&self, id: &str) -> Result<Held, SinkError> {
        let Some(output) = self.run("fetch", json!({"access_key_id": id}))? else {
            return Ok(Held::WriteOnly);
        };
        if output.iter().all(u8::is_ascii_whitespace) {
            return Ok(Held::Nothing);
        }
        let Ok(mut answer) = serde_json::from_slice::<Value>(&output) else {
            return Err(self.wrong(false, "fetch: what it printed is no JSON"));
        };
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let held = match (text("access_key_id"), text("secret_access_key")) {
            (Some(held), Some(secret)) if held == id => Held::Secret(Secret::new(secret)),
            _ => Held::Nothing,
        };
        wipe(&mut answer);
        Ok(held)
    }

    fn publish(&self, id: &str) -> Result<(), SinkError> {
        // Whoever makes no difference between storing and publishing need not know it.
        self.run("publish", json!({"access_key_id": id})).map(drop)
    }
}

/// Overwrites the strings of a message.
fn wipe(value: &mut Value) {
    use zeroize::Zeroize;
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

/// A command as a watch.
pub(super) struct CommandWatch {
    pub(super) command: String,
    pub(super) limit: Duration,
}

impl Watch for CommandWatch {
    fn check(&self, account: &str, user: &str, key: &str) -> Option<String> {
        let about = [("OFFKEY_ACCOUNT", account), ("OFFKEY_USER", user), ("OFFKEY_ACCESS_KEY_ID", key)];
        match run(&self.command, &about, b"", self.limit) {
            Ok((Some(status), _)) if status.success() => None,
            Ok((Some(status), _)) => Some(format!("`{}` ended with {status}", self.command)),
            Ok((None, _)) => Some(format!("`{}` took longer than {} s", self.command, self.limit.as_secs())),
            Err(error) => Some(format!("`{}` cannot be run: {error}", self.command)),
        }
    }
}

/// Runs a command by the shell, within a limit: its status (`None` where it was stopped) and what it printed.
fn run(
    command: &str,
    environment: &[(&str, &str)],
    input: &[u8],
    limit: Duration,
) -> std::io::Result<(Option<ExitStatus>, Zeroizing<Vec<u8>>)> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    shell.envs(environment.iter().copied());
    own_group(&mut shell);
    let mut child = shell.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    std::thread::scope(|scope| {
        // Threads of their own, as a command may print before it has read everything.
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(input);
            }
        });
        let reader = scope.spawn(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            if let Some(mut stdout) = stdout {
                let _ = stdout.by_ref().take(ANSWER).read_to_end(&mut bytes);
                let _ = std::io::copy(&mut stdout, &mut std::io::sink());
            }
            bytes
        });
        let end = Instant::now() + limit;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if Instant::now() >= end {
                stop(&mut child);
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok((status, reader.join().unwrap_or_default()))
    })
}

/// Ends the command with everything that it started.
fn stop(child: &mut Child) {
    if cfg!(unix) {
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}
