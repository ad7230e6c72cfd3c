//! What to do next, from how far a key has come and what is seen now. Pure: time is among what is seen.

use super::gate::{Blocker, Seen, gate};
use super::state::{Event, Phase, Progress, Step};
use crate::plan::{Accepted, KeyPlan, Operation, Plan, TAG};
use crate::ports::{KeyStatus, LastUse, Look, SeenKey};
use jiff::{SignedDuration, Timestamp};

/// A key that nobody saw being made is the lost one only if AWS made it so shortly after it was asked for. All times are
/// AWS's own, so that no machine's clock bears on it.
const LOST_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// What the operator asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// To end the plan with the old key working, and why.
    pub rollback: Option<String>,
    /// Key ids that were typed: these may be deleted.
    pub delete: Vec<String>,
    /// Keys whose secret is lost, that may be deactivated and deleted though offkey is not certain.
    pub discard: Vec<String>,
    /// Gaps accepted, those of the plan among them.
    pub accepted: Vec<Accepted>,
}

/// What is seen, as far as it was looked at.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The user.
    pub look: &'a Look,
    /// Whether the new secret is in memory.
    pub in_memory: bool,
    /// Whether the sink holds the new key's secret; `None` where nobody looked.
    pub sink_holds: Option<bool>,
    /// Last use of a key whose secret may be lost; `None` where nobody looked.
    pub lost_use: Option<Option<LastUse>>,
    /// What the gate asks for; `None` where nobody looked.
    pub gate: Option<&'a Seen>,
    /// What the watch said, if it was run just now.
    pub watch: Option<Option<String>>,
}

/// Something to look at before it can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closer {
    /// Whether the sink holds the new key.
    Sink,
    /// Last use of a key.
    LostKey(String),
    /// Last uses, for the gate.
    Gate,
    /// The watch.
    Watch,
}

/// Why a person is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable id.
    pub id: &'static str,
    /// What was seen.
    pub text: String,
    /// What can be done.
    pub choices: Vec<String>,
}

impl Trouble {
    fn new(id: &'static str, text: impl Into<String>, choices: &[&str]) -> Self {
        Self { id, text: text.into(), choices: choices.iter().map(|&choice| choice.to_owned()).collect() }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write the event, then take the step that it intends.
    Act(Event),
    /// Write down what was found; nothing is done.
    Note(Event),
    /// Look closer first.
    Look(Closer),
    /// AWS may not show yet what was just done: look again in a moment.
    Settle,
    /// Nothing can be done before; come back.
    Pause {
        /// When something will be different by itself.
        until: Option<Timestamp>,
        /// What is waited for.
        blockers: Vec<Blocker>,
    },
    /// A person has to decide.
    Stop(Trouble),
    /// There is nothing left to do.
    Finished,
}

/// Decides. The old key is only touched if it is as the plan has it.
pub fn decide(plan: &Plan, key: &KeyPlan, progress: &Progress, view: &View<'_>, asked: &Asked) -> Decision {
    let case = Case { plan, key, progress, view, asked };
    // A plan that stopped at "deactivated" can still be rolled back.
    let returns =
        progress.phase == Phase::Deactivated && (asked.rollback.is_some() || progress.given_up.is_some());
    if progress.released && progress.under_way.is_none() && !returns {
        return Decision::Finished;
    }
    // Nothing goes before a secret that only this process has.
    if progress.phase == Phase::Created && view.in_memory && progress.under_way.is_none() {
        return act(Step::Store);
    }
    let Some(keys) = &view.look.keys else {
        let text = format!("there is no user {} any more", key.user);
        return Decision::Stop(Trouble::new("drift", text, &["make a new plan"]));
    };
    let ended = matches!(progress.phase, Phase::Deleted | Phase::RolledBack);
    let claim = view.look.tag(TAG);
    if let Some(other) = claim.filter(|value| !case.is_ours(value)) {
        if ended && progress.under_way.is_none() {
            return Decision::Note(Event::Over);
        }
        let text = format!("another plan works on user {}: tag {TAG} says {other:?}", key.user);
        let choices =
            ["wait until it is done", "if nobody knows it any more, remove the tag by hand and resume"];
        return Decision::Stop(Trouble::new("claimed", text, &choices));
    }
    if ended && progress.under_way.is_none() {
        return if claim.is_some() { act(Step::Release) } else { Decision::Note(Event::Over) };
    }
    if !ended && let Some(stop) = case.old_key(keys) {
        return stop;
    }
    if let Some(decision) = case.unfinished(keys) {
        return decision;
    }
    if let Some(reason) = &asked.rollback
        && progress.given_up.is_none()
    {
        // A key whose secret nobody has is of no use to anybody.
        if progress.lost.is_some() {
            return case.discard(keys);
        }
        if let (Phase::Created, false, Some(new)) = (progress.phase, view.in_memory, &progress.new_key) {
            match view.sink_holds {
                None => return Decision::Look(Closer::Sink),
                Some(false) => return case.disarm(new),
                Some(true) => {}
            }
        }
        return Decision::Note(Event::GivenUp { reason: reason.clone() });
    }
    if progress.given_up.is_some() && progress.phase == Phase::Deactivated {
        return act(Step::Reactivate);
    }
    if let Some(stop) = case.other_keys(keys) {
        return stop;
    }
    case.forward(keys)
}

fn act(step: Step) -> Decision {
    Decision::Act(Event::Intended { step, listed: vec![], key: None, because: vec![] })
}

struct Case<'a> {
    plan: &'a Plan,
    key: &'a KeyPlan,
    progress: &'a Progress,
    view: &'a View<'a>,
    asked: &'a Asked,
}

impl Case<'_> {
    fn is_ours(&self, tag: &str) -> bool {
        tag.split('/').next() == Some(self.plan.id.as_str())
    }

    /// Whether AWS may not show yet what was done last.
    fn is_settling(&self) -> bool {
        let settle = SignedDuration::from_secs(i64::try_from(self.plan.settings.settle_seconds).unwrap_or(0));
        let last = self.progress.under_way.map(|(_, at)| at).max(self.progress.changed);
        last.is_some_and(|at| self.view.look.now.duration_since(at) < settle)
    }

    fn settle_or(&self, trouble: Trouble) -> Decision {
        if self.is_settling() { Decision::Settle } else { Decision::Stop(trouble) }
    }

    /// The old key is as the plan and the journal have it, or that is trouble.
    fn old_key(&self, keys: &[SeenKey]) -> Option<Decision> {
        let id = &self.key.key.id;
        let deleting = self.progress.is_under_way(Step::Delete);
        let Some(old) = keys.iter().find(|seen| seen.id == *id) else {
            if deleting {
                return None;
            }
            let text = format!("{id} is gone, and this plan did not delete it");
            return Some(Decision::Stop(Trouble::new(
                "drift",
                text,
                &["offkey's rollback releases the user; nothing else is left to do"],
            )));
        };
        if old.created != self.key.key.created {
            let text = format!("{id} was made at {}, and the plan has {}", old.created, self.key.key.created);
            return Some(Decision::Stop(Trouble::new("drift", text, &["make a new plan"])));
        }
        let working = old.status == KeyStatus::Active;
        let p = self.progress;
        let deactivating = p.is_under_way(Step::Deactivate) || p.is_under_way(Step::Reactivate);
        if deactivating {
            return None;
        }
        match (p.phase >= Phase::Deactivated, working) {
            (false, false) => {
                let text = format!("{id} was deactivated by somebody else");
                let choices = [
                    "find out by whom and why",
                    "make it active again and resume",
                    "offkey's rollback ends the plan and leaves it as it is",
                ];
                // Rollback is what repairs this, too.
                if self.asked.rollback.is_some() {
                    return None;
                }
                Some(self.settle_or(Trouble::new("drift", text, &choices)))
            }
            (true, true) if p.given_up.is_none() => {
                let text = format!("{id} was made active again by somebody else: something needs it");
                let choices = [
                    "find out what needs it",
                    "offkey's rollback ends the plan",
                    "deactivate it by hand and resume",
                ];
                if self.asked.rollback.is_some() {
                    return None;
                }
                Some(self.settle_or(Trouble::new("drift", text, &choices)))
            }
            _ => None,
        }
    }

    /// A step whose end nobody saw: what IAM shows of it now.
    fn unfinished(&self, keys: &[SeenKey]) -> Option<Decision> {
        let (step, begun) = self.progress.under_way?;
        let status = |id: &str| keys.iter().find(|seen| seen.id == id).map(|seen| seen.status);
        let old = status(&self.key.key.id);
        let found = |is: bool| {
            if is {
                return Decision::Note(Event::Done { step, key: None, found: true });
            }
            if self.is_settling() { Decision::Settle } else { Decision::Note(Event::NotDone { step }) }
        };
        Some(match step {
            Step::Create => self.unfinished_creation(keys, begun),
            Step::Deactivate => {
                if let Some(reason) = &self.asked.rollback
                    && self.progress.given_up.is_none()
                    && old == Some(KeyStatus::Inactive)
                {
                    return Some(Decision::Note(Event::GivenUp { reason: reason.clone() }));
                }
                found(old == Some(KeyStatus::Inactive))
            }
            Step::Reactivate => found(old == Some(KeyStatus::Active)),
            Step::Delete => found(old.is_none()),
            Step::Disarm => found(self.progress.lost.as_deref().and_then(status) != Some(KeyStatus::Active)),
            Step::Discard => found(self.progress.lost.as_deref().and_then(status).is_none()),
            Step::Release => found(self.view.look.tag(TAG).is_none()),
            Step::Describe => {
                found(self.progress.new_key.as_deref().is_some_and(|id| self.view.look.tag(id).is_some()))
            }
            Step::Claim => found(self.view.look.tag(TAG).is_some()),
            // What the sink holds is looked up; proving, verifying and publishing may be done twice.
            Step::Store => match self.view.sink_holds {
                None => Decision::Look(Closer::Sink),
                Some(true) => Decision::Note(Event::Done { step, key: None, found: true }),
                Some(false) => Decision::Note(Event::NotDone { step }),
            },
            Step::Prove | Step::Verify | Step::Publish => Decision::Note(Event::NotDone { step }),
        })
    }

    /// CreateAccessKey was sent, and no answer came: a key that was not there before is the one, if it can be no other.
    fn unfinished_creation(&self, keys: &[SeenKey], begun: Timestamp) -> Decision {
        let new: Vec<&SeenKey> =
            keys.iter().filter(|seen| !self.progress.listed.contains(&seen.id)).collect();
        let key = match new.as_slice() {
            [] if self.is_settling() => return Decision::Settle,
            [] => return Decision::Note(Event::NotDone { step: Step::Create }),
            [key] => *key,
            _ => {
                let names: Vec<&str> = new.iter().map(|key| key.id.as_str()).collect();
                let text = format!("several keys appeared while one was being made: {}", names.join(", "));
                return Decision::Stop(Trouble::new("ambiguous", text, &["find out who made which"]));
            }
        };
        if self.asked.discard.contains(&key.id) {
            return self.disarm(&key.id);
        }
        // CreateDate has whole seconds.
        let early = key.created < begun.saturating_sub(SignedDuration::from_secs(2)).unwrap_or(begun);
        let late = key.created.duration_since(begun) > LOST_WITHIN;
        let choices = [
            format!("if nobody knows it: resume with --discard {}", key.id),
            "if somebody made it: agree who goes first, then rollback".to_owned(),
        ];
        let ambiguous =
            |text: String| Decision::Stop(Trouble { id: "ambiguous", text, choices: choices.to_vec() });
        if early || late {
            return ambiguous(format!(
                "{} appeared at {} while a key was asked for at {begun}: it may be somebody else's",
                key.id, key.created
            ));
        }
        match &self.view.lost_use {
            None => Decision::Look(Closer::LostKey(key.id.clone())),
            Some(Some(used)) => ambiguous(format!(
                "{} appeared while a key was being made, and was used at {}: it may be somebody else's",
                key.id, used.at
            )),
            Some(None) => self.disarm(&key.id),
        }
    }

    fn disarm(&self, id: &str) -> Decision {
        Decision::Act(Event::Intended {
            step: Step::Disarm,
            listed: vec![],
            key: Some(id.to_owned()),
            because: vec!["its secret was never stored".to_owned()],
        })
    }

    /// A lost key is deleted once it is seen to be inactive.
    fn discard(&self, keys: &[SeenKey]) -> Decision {
        let lost = self.progress.lost.clone();
        let seen = keys.iter().find(|seen| Some(&seen.id) == lost.as_ref());
        if seen.is_some_and(|seen| seen.status == KeyStatus::Active) {
            return if self.is_settling() {
                Decision::Settle
            } else {
                self.disarm(lost.as_deref().unwrap_or_default())
            };
        }
        Decision::Act(Event::Intended { step: Step::Discard, listed: vec![], key: lost, because: vec![] })
    }

    /// No third party's key is among the user's, and the new one is there.
    fn other_keys(&self, keys: &[SeenKey]) -> Option<Decision> {
        let p = self.progress;
        // A lost key on its way out is ours.
        let known = |seen: &&SeenKey| {
            seen.id == self.key.key.id
                || Some(&seen.id) == p.new_key.as_ref()
                || Some(&seen.id) == p.lost.as_ref()
        };
        if self.plan.operation == Operation::Rotate
            && let Some(other) = keys.iter().find(|seen| !known(seen))
        {
            let text = format!(
                "user {} has another key that this plan does not know: {} ({:?}, made {})",
                self.key.user, other.id, other.status, other.created
            );
            let choices = [
                "if it is used, finish or end this plan first (rollback)",
                "if it is not, delete it by hand and resume",
            ];
            return Some(Decision::Stop(Trouble::new("two-keys", text, &choices)));
        }
        let new = p.new_key.as_ref()?;
        match keys.iter().find(|seen| seen.id == *new) {
            Some(seen) if seen.status == KeyStatus::Active || p.lost.is_some() => None,
            seen => {
                let what = if seen.is_some() { "deactivated" } else { "deleted" };
                let text = format!("the new key {new} was {what} by somebody else");
                let choices =
                    ["offkey's rollback keeps the old key working", "make it active again and resume"];
                Some(self.settle_or(Trouble::new("drift", text, &choices)))
            }
        }
    }

    /// The next step of a plan on its way.
    fn forward(&self, keys: &[SeenKey]) -> Decision {
        let p = self.progress;
        match p.phase {
            Phase::Planned if self.view.look.now >= self.plan.expires => Decision::Stop(Trouble::new(
                "expired",
                format!("the plan could be begun until {}, and was not for this key", self.plan.expires),
                &["make a new plan for it"],
            )),
            Phase::Planned => act(Step::Claim),
            Phase::Claimed if self.plan.operation == Operation::Retire => self.gate(),
            Phase::Claimed => act(Step::Prove),
            Phase::SinkProved | Phase::Created if p.lost.is_some() => self.discard(keys),
            Phase::SinkProved => self.claimed_for("create").unwrap_or_else(|| {
                let listed = keys.iter().map(|seen| seen.id.clone()).collect();
                Decision::Act(Event::Intended { step: Step::Create, listed, key: None, because: vec![] })
            }),
            Phase::Created if self.view.in_memory => act(Step::Store),
            // After a crash: either the sink has it, or nobody has.
            Phase::Created => match (self.view.sink_holds, &p.new_key) {
                (None, _) => Decision::Look(Closer::Sink),
                (Some(true), _) => Decision::Act(Event::Intended {
                    step: Step::Store,
                    listed: vec![],
                    key: None,
                    because: vec!["the sink holds it already".to_owned()],
                }),
                (Some(false), Some(new)) => self.disarm(new),
                (Some(false), None) => Decision::Settle,
            },
            Phase::Stored if !p.described => act(Step::Describe),
            Phase::Stored => act(Step::Verify),
            Phase::Verified => act(Step::Publish),
            Phase::Published => self.gate(),
            Phase::Deactivated => self.deactivated(),
            Phase::Deleted | Phase::RolledBack => act(Step::Release),
        }
    }

    /// The tag names the step that is about to be taken, and was read again after it was written.
    fn claimed_for(&self, word: &str) -> Option<Decision> {
        let want = format!("{}/{word}", self.plan.id);
        (self.view.look.tag(TAG) != Some(want.as_str())).then(|| {
            Decision::Act(Event::Intended {
                step: Step::Claim,
                listed: vec![],
                key: None,
                because: vec![word.to_owned()],
            })
        })
    }

    fn gate(&self) -> Decision {
        let Some(seen) = self.view.gate else { return Decision::Look(Closer::Gate) };
        let (blockers, because) = gate(self.plan, self.key, self.progress, seen, &self.asked.accepted);
        if !blockers.is_empty() {
            let known = blockers.iter().all(|blocker| blocker.until.is_some());
            let until = blockers.iter().filter_map(|blocker| blocker.until).max().filter(|_| known);
            return Decision::Pause { until, blockers };
        }
        self.claimed_for("deactivate").unwrap_or_else(|| {
            Decision::Act(Event::Intended { step: Step::Deactivate, listed: vec![], key: None, because })
        })
    }

    fn deactivated(&self) -> Decision {
        if self.plan.settings.watch.is_some() {
            match &self.view.watch {
                None => return Decision::Look(Closer::Watch),
                Some(Some(wrong)) => {
                    return Decision::Note(Event::GivenUp { reason: format!("the watch failed: {wrong}") });
                }
                Some(None) => {}
            }
        }
        if !self.plan.settings.delete && self.plan.settings.watch.is_none() {
            return act(Step::Release);
        }
        let wait = SignedDuration::from_hours(24 * i64::from(self.plan.settings.wait_days));
        let until =
            self.progress.deactivated.and_then(|at| at.saturating_add(wait).ok()).unwrap_or(Timestamp::MAX);
        if self.view.look.now < until {
            let blocker = Blocker {
                id: "wait".to_owned(),
                text: format!("{} is deactivated; the wait ends at {until}", self.key.key.id),
                until: Some(until),
            };
            return Decision::Pause { until: Some(until), blockers: vec![blocker] };
        }
        if !self.plan.settings.delete {
            return act(Step::Release);
        }
        if !self.asked.delete.contains(&self.key.key.id) {
            let text = format!(
                "the wait is over: type the key's id to delete it for ever (--delete {})",
                self.key.key.id
            );
            let blocker = Blocker { id: "confirm".to_owned(), text, until: None };
            return Decision::Pause { until: None, blockers: vec![blocker] };
        }
        self.claimed_for("delete").unwrap_or_else(|| {
            let because = vec![
                "its id was typed".to_owned(),
                format!("deactivated by this plan, and waited for until {until}"),
            ];
            Decision::Act(Event::Intended { step: Step::Delete, listed: vec![], key: None, because })
        })
    }
}
