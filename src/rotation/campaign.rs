//! Many keys at once: one user's keys one after the other, different users' side by side; one key's failure stops no other.

use super::execute::{Ending, Run};
use super::state::{Phase, Progress};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is told of a key when its run ends.
#[derive(Clone, Debug)]
pub struct Told {
    /// Key id.
    pub key: String,
    /// How far it has come.
    pub progress: Progress,
    /// How the run ended.
    pub ending: Ending,
}

/// How a key's run ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// Nothing is left to do.
    Finished,
    /// Rolled back.
    RolledBack,
    /// It waits.
    Paused,
    /// A person has to decide.
    Stopped,
    /// Something failed.
    Failed,
    /// The user asked to stop, or it was not begun.
    Interrupted,
}

impl Ended {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::RolledBack => "rolled-back",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Told {
    /// In one word.
    pub fn ended(&self) -> Ended {
        match &self.ending {
            Ending::Finished if self.progress.phase == Phase::RolledBack => Ended::RolledBack,
            Ending::Finished => Ended::Finished,
            Ending::Paused { .. } => Ended::Paused,
            Ending::Stopped(_) => Ended::Stopped,
            Ending::Failed(_) => Ended::Failed,
            Ending::Interrupted => Ended::Interrupted,
        }
    }
}

/// How many keys ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary(pub BTreeMap<Ended, usize>);

impl Summary {
    /// Counts.
    pub fn of(told: &[Told]) -> Self {
        let mut out = BTreeMap::new();
        for one in told {
            *out.entry(one.ended()).or_default() += 1;
        }
        Self(out)
    }
}

/// Runs all keys, so many users at once, and tells of each when it ends; in the order of the plan afterwards.
pub fn run_all<'a>(runs: Vec<Run<'a>>, at_once: usize, each: &(dyn Fn(&Told) + Sync)) -> Vec<Told> {
    let order: Vec<String> = runs.iter().map(|run| run.key.key.id.clone()).collect();
    let mut by_user: BTreeMap<(String, String), Vec<Run<'a>>> = BTreeMap::new();
    for run in runs {
        by_user.entry((run.key.account.clone(), run.key.user.clone())).or_default().push(run);
    }
    let users: Vec<Mutex<Vec<Run<'a>>>> = by_user.into_values().map(Mutex::new).collect();
    let next = AtomicUsize::new(0);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once.clamp(1, users.len().max(1)) {
            scope.spawn(|| {
                while let Some(user) = users.get(next.fetch_add(1, Ordering::SeqCst)) {
                    for run in user.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
                        let ending = run.go();
                        let one =
                            Told { key: run.key.key.id.clone(), progress: run.progress.clone(), ending };
                        each(&one);
                        told.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    }
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    told.sort_by_key(|one| order.iter().position(|id| *id == one.key));
    told
}
