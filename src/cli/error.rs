//! Errors as people meet them: what, where, what next; and the exit codes.

use std::fmt;

/// What an exit code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// Done.
    Done = 0,
    /// An error.
    Error = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// Done, but some of the input could not be read: the evidence is incomplete.
    Incomplete = 3,
    /// There are no AWS credentials, or AWS does not accept them.
    Authentication = 4,
    /// A plan that cannot be applied any more, or a state that it does not expect: a person has to decide.
    Drifted = 5,
    /// Waiting, or a condition that is not met yet.
    Paused = 6,
    /// Findings at or over `--fail-on`.
    Findings = 10,
    /// A plan has something to do, where that was asked.
    Changes = 11,
    /// Interrupted by the user.
    Interrupted = 130,
}

/// The exit codes that this version can return, with their meaning; `docs/cli.md` is held to this list.
pub const EXIT_CODES: &[(ExitKind, &str)] = &[
    (ExitKind::Done, "done; findings are not failures unless --fail-on says so"),
    (ExitKind::Error, "an error: nothing was written, or not everything"),
    (ExitKind::Usage, "the command line cannot be understood"),
    (
        ExitKind::Incomplete,
        "done, but part of the input could not be read: the evidence is incomplete (10 goes first)",
    ),
    (ExitKind::Authentication, "there are no AWS credentials, or AWS does not accept them"),
    (
        ExitKind::Drifted,
        "the plan is stale, was changed, or does not fit what AWS shows: nothing more was done, and a person has to decide",
    ),
    (ExitKind::Paused, "paused at a wait or a condition; it says until when, and resume goes on"),
    (ExitKind::Findings, "done, and some key has a verdict named by --fail-on"),
    (ExitKind::Changes, "the plan has something to do (--detailed-exit-code)"),
    (ExitKind::Interrupted, "interrupted; what was written before is whole"),
];

/// An error on its way to the terminal.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ExitKind,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { kind: ExitKind::Error, message: message.into(), hint: None }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { kind: ExitKind::Usage, ..Self::new(message) }
    }

    pub(super) fn interrupted() -> Self {
        Self { kind: ExitKind::Interrupted, ..Self::new("interrupted") }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
