//! A plan's file, its journal beside it, and the locks on its users.

use super::super::super::error::{ExitKind, Failure};
use crate::plan::{Operation, Plan};
use crate::rotation::{Journal, Progress, TornTail, read_journal};
use crate::store::{JournalError, JournalFile, Opening, UserLock};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A person has to decide.
pub(super) fn drifted(message: impl Into<String>) -> Failure {
    Failure { kind: ExitKind::Drifted, ..Failure::new(message) }
}

/// Where the journal of a plan is: beside it.
pub(super) fn journal_of(plan: &str) -> PathBuf {
    PathBuf::from(format!("{plan}.journal"))
}

/// Reads a plan that is for this command.
pub(super) fn read_plan(path: &str, operation: Option<Operation>) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("{path}: {error}")).hint("give the file that `plan -o FILE` wrote")
    })?;
    let plan =
        Plan::read(&text).map_err(|error| drifted(format!("{path}: {error}")).hint("make a new plan"))?;
    match operation {
        Some(wanted) if wanted != plan.operation => {
            let is = plan.operation.id();
            Err(Failure::usage(format!("{path}: a plan to {is}, not to {}", wanted.id()))
                .hint(format!("offkey {is} … {path}")))
        }
        _ => Ok(plan),
    }
}

/// Opens the journal, and locks it.
pub(super) fn open(path: &str, opening: Opening) -> Result<(JournalFile, String), Failure> {
    JournalFile::open(&journal_of(path), opening).map_err(|error| match &error {
        JournalError::Busy(_) => drifted(error.to_string()).hint("wait until it is done"),
        JournalError::Exists(_) => {
            drifted(error.to_string()).hint(format!("a plan is applied once; go on with: resume {path}"))
        }
        JournalError::Missing(_) => drifted(error.to_string())
            .hint("apply it; if the journal was lost, --rebuild makes a new one from what AWS shows"),
        JournalError::Io(..) => {
            Failure::new(error.to_string()).hint("the journal has to be writable before anything is done")
        }
    })
}

/// A journal, its torn tail, and how far every key has come.
pub(super) type Understood = (Journal, Option<TornTail>, BTreeMap<String, Progress>);

/// A journal that holds together and is this plan's, and how far every key has come.
pub(super) fn understood(plan: &Plan, path: &str, text: &str) -> Result<Understood, Failure> {
    let name = journal_of(path);
    let broken = |line: usize, what: String| {
        drifted(format!("{}: line {line}: {what}", name.display())).hint(
            "the journal was changed, or the disk is bad: nothing is done until a person has looked (audit)",
        )
    };
    let (journal, torn) = read_journal(text).map_err(|damage| broken(damage.line, damage.what))?;
    if let Some((id, digest)) = journal.plan()
        && (id != plan.id || digest != plan.digest)
    {
        return Err(drifted(format!("{}: the journal is of plan {id}, not of {}", name.display(), plan.id)));
    }
    let progress = journal.replay(plan).map_err(|(line, illegal)| broken(line, illegal.to_string()))?;
    Ok((journal, torn, progress))
}

/// Locks all users of a plan on this machine.
pub(super) fn lock_users(plan: &Plan, directory: Option<&str>) -> Result<Vec<UserLock>, Failure> {
    let directory = match directory {
        Some(path) => PathBuf::from(path),
        None => state_directory()?.join("locks"),
    };
    let mut users: Vec<(&str, &str)> =
        plan.keys.iter().map(|key| (key.account.as_str(), key.user.as_str())).collect();
    users.sort_unstable();
    users.dedup();
    let mut locks = Vec::new();
    for (account, user) in users {
        match UserLock::take(&directory, account, user) {
            Ok(Some(lock)) => locks.push(lock),
            Ok(None) => {
                let text =
                    format!("another offkey on this machine works on user {user} of account {account}");
                return Err(drifted(text).hint("wait until it is done"));
            }
            Err(error) => {
                return Err(Failure::new(format!("{}: {error}", directory.display()))
                    .hint("--lock-dir DIR names another place for locks"));
            }
        }
    }
    Ok(locks)
}

/// Where programs keep what is neither configuration nor data
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
fn state_directory() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .map(|path| path.join("offkey"))
        .ok_or_else(|| Failure::usage("there is no home directory for locks").hint("give --lock-dir DIR"))
}
