//! Which sessions may derive from an access key, known to all readers while they read.
//!
//! Role sessions sign most records of an account, and few of them matter here. A reader decodes those whose session
//! is known to derive from a key, and notes the others by a short hash, so that an object can be read again when it
//! turns out later that one of them does. The set errs on the side of too many: which sessions do derive is decided
//! by [`super::sessions`] at the end.

use crate::cloudtrail::session_hash;
use hashbrown::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[derive(Default)]
struct Known {
    derived: HashSet<u32>,
    /// The same, in the order in which they were learned, so that those who follow need only take what is new.
    order: Vec<u32>,
    /// Sessions by the session that handed them out, as long as that is not known to derive from a key.
    children: HashMap<u32, HashSet<u32>>,
    /// Forged or masked shared ids can have several of each.
    shared_children: HashMap<String, HashSet<u32>>,
    shared_parents: HashMap<String, HashSet<Option<u32>>>,
}

impl Known {
    fn derive(&mut self, session: u32) {
        let mut next = vec![session];
        while let Some(session) = next.pop() {
            if self.derived.insert(session) {
                self.order.push(session);
                next.extend(self.children.remove(&session).into_iter().flatten());
            }
        }
    }

    /// `parent` is nothing where an access key itself handed the session out.
    fn hand_out(&mut self, parent: Option<u32>, child: u32) {
        match parent {
            Some(parent) if !self.derived.contains(&parent) => {
                self.children.entry(parent).or_default().insert(child);
            }
            _ => self.derive(child),
        }
    }
}

/// One more step of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A key or a session (its id) handed out a session.
    HandedOut(&'a str, &'a str),
    /// Another account's unnamed caller received a session, under a shared event id.
    Received(&'a str, &'a str),
    /// A key or session made a call that has that shared event id.
    Shared(&'a str, &'a str),
}

/// The sessions that may derive from a key.
#[derive(Default)]
pub struct Lineage {
    known: RwLock<Known>,
    /// How many there are.
    number: AtomicUsize,
}

impl Lineage {
    /// Learns a step.
    pub fn learn(&self, step: Step<'_>) {
        let name = |id: &str| id.starts_with("ASIA").then(|| session_hash(id.as_bytes()));
        let mut known = self.write();
        match step {
            Step::HandedOut(parent, child) => known.hand_out(name(parent), session_hash(child.as_bytes())),
            Step::Received(shared, child) => {
                let child = session_hash(child.as_bytes());
                known.shared_children.entry(shared.to_owned()).or_default().insert(child);
                for parent in known.shared_parents.get(shared).cloned().into_iter().flatten() {
                    known.hand_out(parent, child);
                }
            }
            Step::Shared(shared, parent) => {
                let parent = name(parent);
                known.shared_parents.entry(shared.to_owned()).or_default().insert(parent);
                for child in known.shared_children.get(shared).cloned().into_iter().flatten() {
                    known.hand_out(parent, child);
                }
            }
        }
        self.number.store(known.order.len(), Ordering::Release);
    }

    /// Whether the session of that hash may derive from a key, as far as is known by now.
    pub fn contains(&self, session: u32) -> bool {
        self.read().derived.contains(&session)
    }

    /// How many sessions may derive from a key.
    pub fn len(&self) -> usize {
        self.read().derived.len()
    }

    /// Whether no session may.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // The set stays consistent whatever a thread that panicked was doing: every change is complete in itself.
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for one reader, who asks for every role session's record: what it has learned by now it knows without a lock.
pub struct Follower {
    lineage: Arc<Lineage>,
    known: HashSet<u32>,
    taken: usize,
    /// A bit for the last bits of each that is known: nearly all that are asked for show there that they are not, in a place
    /// that stays near.
    hints: Vec<u64>,
}

/// Words of hints that there are at least, a power of two: 8 KB.
const HINTS: usize = 1 << 10;

impl Follower {
    /// One who knows nothing yet.
    pub fn new(lineage: Arc<Lineage>) -> Self {
        Self { lineage, known: HashSet::new(), taken: 0, hints: vec![0; HINTS] }
    }

    /// [`Lineage::contains`].
    pub fn contains(&mut self, session: u32) -> bool {
        if self.lineage.number.load(Ordering::Acquire) != self.taken {
            self.catch_up();
        }
        self.hints.get(self.word(session)).is_some_and(|word| word >> (session % 64) & 1 == 1)
            && self.known.contains(&session)
    }

    /// The word of hints for a session. There is a power of two of them.
    fn word(&self, session: u32) -> usize {
        (session as usize / 64) & (self.hints.len() - 1)
    }

    #[cold]
    fn catch_up(&mut self) {
        let lineage = self.lineage.clone();
        let known = lineage.read();
        self.known.extend(known.order.iter().skip(self.taken));
        // Sixteen bits or more for each.
        if known.order.len() * 16 > self.hints.len() * 64 {
            self.hints = vec![0; (known.order.len() / 4).next_power_of_two() * 2];
            self.taken = 0;
        }
        for session in known.order.iter().skip(self.taken) {
            let word = self.word(*session);
            if let Some(word) = self.hints.get_mut(word) {
                *word |= 1 << (session % 64);
            }
        }
        self.taken = known.order.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_follow_know_the_same() {
        let lineage = Arc::new(Lineage::default());
        let mut follower = Follower::new(lineage.clone());
        let id = |n: usize| format!("ASIA{n:016}");
        let known = |n: usize| n.is_multiple_of(3);
        for n in 0..60_000 {
            if known(n) {
                lineage.learn(Step::HandedOut("AKIA1", &id(n)));
            }
            // Now and then, so that it has much or little to catch up with.
            if n < 100 || n % 9_973 == 0 || n == 59_999 {
                for asked in 0..=n {
                    let session = session_hash(id(asked).as_bytes());
                    assert_eq!(follower.contains(session), lineage.contains(session), "{asked} of {n}");
                    assert!(!known(asked) || follower.contains(session), "{asked} of {n}");
                }
            }
        }
        assert!(follower.hints.len() > HINTS);
        let set: u32 = follower.hints.iter().map(|word| word.count_ones()).sum();
        assert!(set as usize * 8 < follower.hints.len() * 64, "{set} hints that say nothing");
    }

    #[test]
    fn those_who_follow_keep_up_with_those_who_learn() {
        let lineage = Arc::new(Lineage::default());
        std::thread::scope(|scope| {
            let learner = |from: usize| {
                let lineage = lineage.clone();
                move || {
                    (from..12_000)
                        .step_by(2)
                        .for_each(|n| lineage.learn(Step::HandedOut("AKIA1", &format!("ASIA{n}"))))
                }
            };
            let all = [0, 1].map(|from| scope.spawn(learner(from)));
            let mut follower = Follower::new(lineage.clone());
            while !all.iter().all(|learner| learner.is_finished()) {
                let known = lineage.read().order.clone();
                assert!(known.iter().all(|session| follower.contains(*session)));
            }
        });
        let mut follower = Follower::new(lineage.clone());
        assert!(lineage.read().order.iter().all(|session| follower.contains(*session)));
        assert_eq!(lineage.len(), 12_000);
    }

    #[test]
    fn chains_close_in_any_order() {
        let steps = [
            Step::HandedOut("AKIA1", "ASIA1"),
            Step::HandedOut("ASIA1", "ASIA2"),
            Step::Shared("s", "ASIA2"),
            Step::Received("s", "ASIA3"),
            Step::HandedOut("ASIA3", "ASIA4"),
            Step::HandedOut("ASIA8", "ASIA9"),
        ];
        for turn in 0..steps.len() {
            let lineage = Arc::new(Lineage::default());
            let mut follower = Follower::new(lineage.clone());
            let mut order = steps;
            order.rotate_left(turn);
            for step in order {
                lineage.learn(step);
                for id in 1..10 {
                    let session = session_hash(format!("ASIA{id}").as_bytes());
                    assert_eq!(follower.contains(session), lineage.contains(session));
                }
            }
            for id in ["ASIA1", "ASIA2", "ASIA3", "ASIA4"] {
                assert!(lineage.contains(session_hash(id.as_bytes())), "{id} in turn {turn}");
            }
            for id in ["ASIA8", "ASIA9"] {
                assert!(!lineage.contains(session_hash(id.as_bytes())), "{id}");
            }
        }
    }
}
