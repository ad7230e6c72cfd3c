//! How far a key has come: the state machine, pure and complete. Every event of the journal goes through it, when it is
//! written and when it is replayed; what it does not allow did not happen.

use crate::plan::Operation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing was done.
    Planned,
    /// The user carries the plan's tag.
    Claimed,
    /// The sink can be written to.
    SinkProved,
    /// There is a new key; its secret is in memory only.
    Created,
    /// The new secret is in the sink.
    Stored,
    /// The sink's secret signs in as the right user.
    Verified,
    /// Readers of the sink get the new secret.
    Published,
    /// The old key no longer works, and can be made to.
    Deactivated,
    /// The old key is gone for ever.
    Deleted,
    /// The old key works, and the plan is over.
    RolledBack,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: &'static [Self] = &[
        Self::Planned,
        Self::Claimed,
        Self::SinkProved,
        Self::Created,
        Self::Stored,
        Self::Verified,
        Self::Published,
        Self::Deactivated,
        Self::Deleted,
        Self::RolledBack,
    ];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed => "claimed",
            Self::SinkProved => "sink-proved",
            Self::Created => "created",
            Self::Stored => "stored",
            Self::Verified => "verified",
            Self::Published => "published",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// Something that is done, one call or a few to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Tags the user with the plan.
    Claim,
    /// Proves the sink.
    Prove,
    /// Makes the new key.
    Create,
    /// Gives the new key the console's description.
    Describe,
    /// Stores the new secret.
    Store,
    /// Signs in with what the sink holds.
    Verify,
    /// Hands the new secret to readers.
    Publish,
    /// Deactivates the old key.
    Deactivate,
    /// Makes the old key active again.
    Reactivate,
    /// Deletes the old key.
    Delete,
    /// Deactivates a new key whose secret was lost.
    Disarm,
    /// Deletes a new key whose secret was lost.
    Discard,
    /// Takes the tag off the user.
    Release,
}

impl Step {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Claim,
        Self::Prove,
        Self::Create,
        Self::Describe,
        Self::Store,
        Self::Verify,
        Self::Publish,
        Self::Deactivate,
        Self::Reactivate,
        Self::Delete,
        Self::Disarm,
        Self::Discard,
        Self::Release,
    ];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Prove => "prove",
            Self::Create => "create",
            Self::Describe => "describe",
            Self::Store => "store",
            Self::Verify => "verify",
            Self::Publish => "publish",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Disarm => "disarm",
            Self::Discard => "discard",
            Self::Release => "release",
        }
    }
}

/// What happened, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A step is about to be taken.
    Intended {
        /// The step.
        step: Step,
        /// For `create`: the user's keys before it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        listed: Vec<String>,
        /// For `disarm` and `discard`: the lost key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// For `deactivate` and `delete`: what it rests on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        because: Vec<String>,
    },
    /// It was taken.
    Done {
        /// The step.
        step: Step,
        /// For `create`: the new key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Whether nobody saw it happen, and its effect was found afterwards.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        found: bool,
    },
    /// It failed.
    Failed {
        /// The step.
        step: Step,
        /// Whether it may have been done all the same.
        unclear: bool,
        /// What was said.
        error: String,
    },
    /// It turned out that an unclear step was not done.
    NotDone {
        /// The step.
        step: Step,
    },
    /// The plan ends for this key, the old one working.
    GivenUp {
        /// Why.
        reason: String,
    },
    /// The plan is over, and the user carries no tag of it.
    Over,
}

/// An event that cannot happen in a state: the journal or the program is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot happen when {}{}", .phase.id(), .under_way.map_or_else(String::new, |step| format!(" with {} under way", step.id())))]
pub struct Illegal {
    /// What happened.
    pub event: String,
    /// When.
    pub phase: Phase,
    /// Step that was begun.
    pub under_way: Option<Step>,
}

/// How far one key has come, with what is known of its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done to it.
    pub operation: Operation,
    /// How far.
    pub phase: Phase,
    /// A step that was begun and whose end is not known, and when it was begun.
    pub under_way: Option<(Step, Timestamp)>,
    /// The user's keys before the new one was made.
    pub listed: Vec<String>,
    /// The new key.
    pub new_key: Option<String>,
    /// A key whose secret was lost, on its way out.
    pub lost: Option<String>,
    /// Whether the new key has its description.
    pub described: bool,
    /// When something last changed.
    pub changed: Option<Timestamp>,
    /// When the new key was proved to work.
    pub verified: Option<Timestamp>,
    /// When the old key was deactivated.
    pub deactivated: Option<Timestamp>,
    /// Whether the tag was taken off.
    pub released: bool,
    /// Why the plan ended early.
    pub given_up: Option<String>,
}

impl Progress {
    /// Nothing was done.
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            phase: Phase::Planned,
            under_way: None,
            listed: Vec::new(),
            new_key: None,
            lost: None,
            described: false,
            changed: None,
            verified: None,
            deactivated: None,
            released: false,
            given_up: None,
        }
    }

    /// Whether a step may be begun.
    pub fn allows(&self, step: Step) -> bool {
        use Phase::{
            Claimed, Created, Deactivated, Deleted, Planned, Published, RolledBack, SinkProved, Stored,
            Verified,
        };
        let rotates = self.operation == Operation::Rotate;
        let phase = self.phase;
        match step {
            Step::Claim => !self.released && phase != Deleted && phase != RolledBack,
            Step::Prove => rotates && phase == Claimed,
            Step::Create => rotates && phase == SinkProved && self.new_key.is_none() && self.lost.is_none(),
            Step::Describe => rotates && self.new_key.is_some() && !self.released,
            Step::Store => rotates && phase == Created,
            Step::Verify => rotates && phase == Stored,
            Step::Publish => rotates && phase == Verified,
            Step::Deactivate => phase == if rotates { Published } else { Claimed },
            Step::Reactivate => phase == Deactivated || self.is_under_way(Step::Deactivate),
            Step::Delete => phase == Deactivated,
            Step::Disarm => rotates && (phase == Created || phase == SinkProved),
            Step::Discard => rotates && self.lost.is_some() && (phase == Created || phase == SinkProved),
            Step::Release => matches!(phase, Deleted | RolledBack | Deactivated) || phase == Planned,
        }
    }

    /// Whether that step was begun and its end is not known.
    pub fn is_under_way(&self, step: Step) -> bool {
        self.under_way.is_some_and(|(begun, _)| begun == step)
    }

    /// What comes of an event.
    ///
    /// # Errors
    /// Where it cannot happen.
    pub fn on(&self, event: &Event, at: Timestamp) -> Result<Self, Illegal> {
        let illegal = || Illegal {
            event: serde_json::to_string(event).unwrap_or_default(),
            phase: self.phase,
            under_way: self.under_way.map(|(step, _)| step),
        };
        let mut next = self.clone();
        match event {
            Event::Intended { step, listed, key, .. } => {
                // A lost key is dealt with while its creation is still open; rollback overtakes a deactivation. A step
                // whose end is not known may be begun again where doing it twice is doing it once.
                let may = match self.under_way {
                    None => true,
                    Some((Step::Create, _)) => *step == Step::Disarm,
                    Some((Step::Deactivate, _)) => {
                        matches!(step, Step::Deactivate | Step::Reactivate | Step::Claim)
                    }
                    Some((begun, _)) => begun == *step || *step == Step::Claim,
                };
                if !may || !self.allows(*step) {
                    return Err(illegal());
                }
                match step {
                    Step::Create if listed.is_empty() => return Err(illegal()),
                    Step::Create => next.listed.clone_from(listed),
                    Step::Disarm if key.is_none() => return Err(illegal()),
                    Step::Disarm => {
                        next.lost.clone_from(key);
                    }
                    Step::Discard if *key != self.lost => return Err(illegal()),
                    _ => {}
                }
                next.under_way = Some((*step, at));
            }
            Event::Done { step, key, .. } => {
                if !self.is_under_way(*step) {
                    return Err(illegal());
                }
                next.under_way = None;
                next.changed = Some(at);
                match step {
                    Step::Claim if self.phase == Phase::Planned => next.phase = Phase::Claimed,
                    Step::Claim => {}
                    Step::Prove => next.phase = Phase::SinkProved,
                    Step::Create => {
                        if key.as_ref().is_none_or(|key| self.listed.contains(key)) {
                            return Err(illegal());
                        }
                        next.new_key.clone_from(key);
                        next.phase = Phase::Created;
                    }
                    Step::Describe => next.described = true,
                    Step::Store => next.phase = Phase::Stored,
                    Step::Verify => {
                        next.phase = Phase::Verified;
                        next.verified = Some(at);
                    }
                    Step::Publish => next.phase = Phase::Published,
                    Step::Deactivate => {
                        next.phase = Phase::Deactivated;
                        next.deactivated = Some(at);
                    }
                    Step::Reactivate => next.phase = Phase::RolledBack,
                    Step::Delete => next.phase = Phase::Deleted,
                    Step::Disarm => {}
                    Step::Discard => {
                        next.lost = None;
                        next.new_key = None;
                        next.described = false;
                        next.phase = Phase::SinkProved;
                    }
                    Step::Release => next.released = true,
                }
            }
            Event::Failed { step, unclear, .. } => {
                if !self.is_under_way(*step) {
                    return Err(illegal());
                }
                if !unclear {
                    next.under_way = None;
                }
            }
            Event::NotDone { step } => {
                if !self.is_under_way(*step) {
                    return Err(illegal());
                }
                next.under_way = None;
            }
            Event::GivenUp { reason } => {
                let over = matches!(self.phase, Phase::Deleted | Phase::Deactivated | Phase::RolledBack);
                if over && self.given_up.is_some()
                    || self.phase == Phase::Deleted
                    || self.under_way.is_some_and(|(step, _)| step == Step::Create)
                {
                    return Err(illegal());
                }
                next.given_up = Some(reason.clone());
                // A deactivated key is made active first.
                if self.phase != Phase::Deactivated && !self.is_under_way(Step::Deactivate) {
                    next.under_way = None;
                    next.phase = Phase::RolledBack;
                }
            }
            Event::Over => {
                if !matches!(self.phase, Phase::Deleted | Phase::RolledBack) || self.under_way.is_some() {
                    return Err(illegal());
                }
                next.released = true;
            }
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn intended(step: Step) -> Event {
        let key = matches!(step, Step::Disarm | Step::Discard).then(|| "AKIANEW".to_owned());
        Event::Intended { step, listed: vec!["AKIAOLD".to_owned()], key, because: vec![] }
    }

    fn done(step: Step) -> Event {
        Event::Done { step, key: (step == Step::Create).then(|| "AKIANEW".to_owned()), found: false }
    }

    /// Every event there is.
    fn events() -> Vec<Event> {
        let mut out = vec![Event::GivenUp { reason: "r".to_owned() }, Event::Over];
        for &step in Step::ALL {
            out.extend([intended(step), done(step), Event::NotDone { step }]);
            for unclear in [false, true] {
                out.push(Event::Failed { step, unclear, error: "e".to_owned() });
            }
        }
        out
    }

    /// Every state that can be reached, from the start, by whatever happens.
    fn reachable(operation: Operation) -> Vec<Progress> {
        let key = |p: &Progress| {
            format!(
                "{:?} {:?} {:?} {:?} {} {} {}",
                p.phase,
                p.under_way.map(|(s, _)| s),
                p.new_key,
                p.lost,
                p.described,
                p.released,
                p.given_up.is_some()
            )
        };
        let mut known = std::collections::BTreeMap::new();
        let mut open = vec![Progress::new(operation)];
        while let Some(state) = open.pop() {
            if known.insert(key(&state), state.clone()).is_some() {
                continue;
            }
            open.extend(events().iter().filter_map(|event| state.on(event, at(0)).ok()));
        }
        known.into_values().collect()
    }

    #[test]
    fn nothing_is_deleted_without_having_been_deactivated() {
        for operation in [Operation::Rotate, Operation::Retire] {
            let states = reachable(operation);
            assert!(states.len() > 20, "{}", states.len());
            for state in &states {
                for event in events() {
                    let Ok(next) = state.on(&event, at(1)) else { continue };
                    if next.phase == Phase::Deleted && state.phase != Phase::Deleted {
                        assert!(
                            state.phase == Phase::Deactivated && state.is_under_way(Step::Delete),
                            "{state:?}"
                        );
                        assert!(state.deactivated.is_some());
                    }
                    if next.phase == Phase::Deactivated && state.phase != Phase::Deactivated {
                        let before =
                            if operation == Operation::Rotate { Phase::Published } else { Phase::Claimed };
                        assert!(state.phase == before, "{state:?}");
                    }
                    // Going back is by reactivation, or before anything was deactivated.
                    if next.phase == Phase::RolledBack && state.phase == Phase::Deactivated {
                        assert!(state.is_under_way(Step::Reactivate), "{state:?} {event:?}");
                    }
                    if state.phase == Phase::Deleted {
                        assert_eq!(next.phase, Phase::Deleted, "nothing undoes it");
                    }
                }
            }
        }
    }

    #[test]
    fn a_retirement_makes_no_key_and_every_phase_can_be_reached() {
        for state in reachable(Operation::Retire) {
            assert!(state.new_key.is_none() && state.lost.is_none());
            for step in [
                Step::Prove,
                Step::Create,
                Step::Store,
                Step::Verify,
                Step::Publish,
                Step::Disarm,
                Step::Discard,
            ] {
                assert!(state.on(&intended(step), at(1)).is_err(), "{step:?} {state:?}");
            }
        }
        let states = reachable(Operation::Rotate);
        for &phase in Phase::ALL {
            assert!(states.iter().any(|state| state.phase == phase), "{phase:?}");
        }
    }

    #[test]
    fn an_outcome_without_its_intent_is_illegal() {
        for operation in [Operation::Rotate, Operation::Retire] {
            for state in reachable(operation) {
                for &step in Step::ALL {
                    if !state.is_under_way(step) {
                        assert!(state.on(&done(step), at(1)).is_err(), "{step:?} {state:?}");
                    }
                }
                // A second key is never made while one is there or on its way out.
                if state.new_key.is_some() || state.lost.is_some() {
                    assert!(state.on(&intended(Step::Create), at(1)).is_err(), "{state:?}");
                }
            }
        }
    }
}
