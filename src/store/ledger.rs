//! The journal on disk: appended and synced line by line, locked while it is open, cut back where its last line is torn.

use crate::ports::{Ledger, LedgerError};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A journal that this process alone may write.
pub struct JournalFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Bytes that are whole lines.
    length: u64,
    /// The last whole line.
    last: Option<String>,
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("{0}: another offkey is working with it")]
    Busy(String),
    /// There is one already.
    #[error("{0}: the plan was applied already")]
    Exists(String),
    /// There is none.
    #[error("{0}: there is no journal: the plan was not applied from here")]
    Missing(String),
    /// The file system says no.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

/// How a journal is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// There must be none yet.
    New,
    /// There must be one.
    Existing,
}

impl JournalFile {
    /// Opens and locks a journal; its text comes along. A torn last line stays until [`JournalFile::cut`].
    ///
    /// # Errors
    /// Where another process has it, where there is one or none against expectation, or the file system says no.
    pub fn open(path: &Path, opening: Opening) -> Result<(Self, String), JournalError> {
        let name = || path.display().to_string();
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => JournalError::Exists(name()),
            io::ErrorKind::NotFound if opening == Opening::Existing => JournalError::Missing(name()),
            _ => JournalError::Io(name(), error),
        };
        let mut options = File::options();
        options.read(true).write(true);
        if opening == Opening::New {
            options.create_new(true);
            private(&mut options);
        }
        let mut file = options.open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy(name())),
            Err(TryLockError::Error(error)) => return Err(JournalError::Io(name(), error)),
        }
        if opening == Opening::New {
            // The file itself has to outlive a crash, too.
            sync_parent(path).map_err(io)?;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        let length = text.rfind('\n').map_or(0, |at| at + 1) as u64;
        let last = text.lines().take(text.matches('\n').count()).last().map(str::to_owned);
        Ok((Self { path: path.to_owned(), state: Mutex::new(State { file, length, last }) }, text))
    }

    /// Drops what follows the last whole line.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn cut(&self) -> Result<(), JournalError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let io = |error| JournalError::Io(self.path.display().to_string(), error);
        state.file.set_len(state.length).map_err(io)?;
        state.file.sync_all().map_err(io)
    }
}

impl Ledger for JournalFile {
    fn append(&self, line: &dyn Fn(Option<&str>) -> String) -> Result<(), LedgerError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let text = line(state.last.as_deref());
        let length = state.length;
        let written = state
            .file
            .seek(SeekFrom::Start(length))
            .and_then(|_| state.file.write_all(text.as_bytes()))
            .and_then(|()| state.file.sync_data());
        if let Err(error) = written {
            // Half a line is worse than none; if even this fails, the next reader drops it.
            let _ = state.file.set_len(length).and_then(|()| state.file.sync_data());
            return Err(LedgerError(format!("{}: {error}", self.path.display())));
        }
        state.length += text.len() as u64;
        state.last = Some(text.trim_end().to_owned());
        Ok(())
    }
}

/// A lock on one user of one account, for all plans of this machine.
pub struct UserLock(#[allow(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl UserLock {
    /// Takes the lock; `None` where another process has it.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn take(directory: &Path, account: &str, user: &str) -> io::Result<Option<Self>> {
        std::fs::create_dir_all(directory)?;
        // Names of users have no slash (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
        let path = directory.join(format!("{account}-{}.lock", user.replace(['/', '\\'], "_")));
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(unix)]
fn private(options: &mut std::fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut std::fs::OpenOptions) {}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(parent)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_and_torn_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.journal");
        assert!(matches!(JournalFile::open(&path, Opening::Existing), Err(JournalError::Missing(_))));
        let (journal, text) = JournalFile::open(&path, Opening::New).unwrap();
        assert_eq!(text, "");
        journal.append(&|before| format!("{before:?} one\n")).unwrap();
        journal.append(&|before| format!("{before:?} two\n")).unwrap();
        assert!(matches!(JournalFile::open(&path, Opening::Existing), Err(JournalError::Busy(_))));
        drop(journal);
        assert!(matches!(JournalFile::open(&path, Opening::New), Err(JournalError::Exists(_))));
        let whole = std::fs::read_to_string(&path).unwrap();
        assert_eq!(whole, "None one\nSome(\"None one\") two\n");
        std::fs::write(&path, format!("{whole}{{\"n\":3")).unwrap();
        let (journal, text) = JournalFile::open(&path, Opening::Existing).unwrap();
        assert!(text.ends_with("{\"n\":3"));
        journal.cut().unwrap();
        journal.append(&|before| format!("{} three\n", before.unwrap().len())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}20 three\n"));
    }

    #[test]
    fn one_user_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let lock = UserLock::take(dir.path(), "111122223333", "ci").unwrap();
        assert!(lock.is_some());
        assert!(UserLock::take(dir.path(), "111122223333", "ci").unwrap().is_none());
        assert!(UserLock::take(dir.path(), "111122223333", "other").unwrap().is_some());
        drop(lock);
        assert!(UserLock::take(dir.path(), "111122223333", "ci").unwrap().is_some());
    }
}
