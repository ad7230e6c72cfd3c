//! The driver: looks, decides, writes down what it is about to do, does it, writes down what came of it.

use super::decide::{Asked, Closer, Decision, Trouble, View, decide};
use super::gate::{Blocker, RoleProof, Seen};
use super::journal::{Entry, line_of};
use super::state::{Event, Phase, Progress, Step};
use crate::model::Secret;
use crate::plan::{Gist, KeyPlan, Plan, TAG};
use crate::ports::{
    CallError, CallErrorKind, Held, Identity, KeyStatus, Ledger, Look, Pair, Patience, Sink, SinkError, Watch,
};
use jiff::Timestamp;

/// How often a step is tried in one run before a person hears of it.
const TRIES: u32 = 6;

/// Seconds until IAM is expected to know a new key everywhere, and between two attempts.
const CONVERGES: u64 = 180;
const EVERY: u64 = 2;

/// Turns of the loop: far more than any way through takes.
const TURNS: u32 = 400;

/// Everything outside.
pub struct World<'a> {
    /// IAM and STS.
    pub identity: &'a dyn Identity,
    /// The journal.
    pub ledger: &'a dyn Ledger,
    /// The operator's check.
    pub watch: Option<&'a dyn Watch>,
    /// Waiting.
    pub patience: &'a dyn Patience,
    /// Who acts: the caller's ARN.
    pub who: &'a str,
    /// Told what happens: key id, text.
    pub tell: &'a (dyn Fn(&str, &str) + Sync),
}

/// How one key's run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left to do.
    Finished,
    /// It waits.
    Paused {
        /// When something will be different by itself.
        until: Option<Timestamp>,
        /// For what.
        blockers: Vec<Blocker>,
    },
    /// A person has to decide.
    Stopped(Trouble),
    /// Something failed; a resume goes on from here.
    Failed(String),
    /// The user asked to stop.
    Interrupted,
}

/// One key on its way.
pub struct Run<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The key.
    pub key: &'a KeyPlan,
    /// What was asked for.
    pub asked: &'a Asked,
    /// Outside.
    pub world: &'a World<'a>,
    /// Where its new secret goes.
    pub sink: Option<&'a dyn Sink>,
    /// How far it has come.
    pub progress: Progress,
    /// Newer evidence than the plan's.
    pub fresh: Option<Gist>,
    /// What logs say of the role that replaces it.
    pub proof: Option<RoleProof>,
    /// The new secret, until it is proved to be in the sink.
    pub secret: Option<Secret>,
    /// AWS's time when it was last asked.
    pub now: Timestamp,
    /// What forbids going on, asked once at the beginning.
    pub forbidden: Option<Forbidden<'a>>,
    /// The last remark of the journal about the key, which is not made twice.
    pub remarked: Option<String>,
}

/// Says what forbids touching a key now, if anything does.
pub type Forbidden<'a> = &'a (dyn Fn(&KeyPlan) -> Result<Option<Trouble>, String> + Sync);

enum Act {
    Done(Option<String>),
    /// Nothing was done.
    Not(String, bool),
    /// It may have been done.
    Unclear(String),
    Stop(Trouble),
}

impl Run<'_> {
    /// Goes as far as it can.
    pub fn go(&mut self) -> Ending {
        let mut failures = 0;
        match self.forbidden.map_or(Ok(None), |forbidden| forbidden(self.key)) {
            Ok(None) => {}
            Ok(Some(trouble)) => return Ending::Stopped(trouble),
            Err(text) => return Ending::Failed(text),
        }
        for _ in 0..TURNS {
            let rescue = self.secret.is_some() && self.progress.phase == Phase::Created;
            if self.world.patience.stopped() && !rescue {
                return Ending::Interrupted;
            }
            let decision = if rescue && self.progress.under_way.is_none() {
                Decision::Act(Event::Intended {
                    step: Step::Store,
                    listed: vec![],
                    key: None,
                    because: vec![],
                })
            } else {
                match self.decided() {
                    Ok(decision) => decision,
                    Err(ending) => return ending,
                }
            };
            match decision {
                Decision::Act(event) => match self.act(event) {
                    Ok(true) => failures = 0,
                    Ok(false) => {
                        failures += 1;
                        if failures >= TRIES {
                            return Ending::Failed(
                                "AWS or the sink failed too often; resume goes on from here".into(),
                            );
                        }
                        // Twice as long each time; the SDK has waited before as well.
                        if !self.world.patience.wait(1 << failures.min(5)) && !rescue {
                            return Ending::Interrupted;
                        }
                    }
                    Err(ending) => return ending,
                },
                Decision::Note(event) => {
                    if let Err(ending) = self.write(event) {
                        return ending;
                    }
                }
                Decision::Settle => {
                    if !self.world.patience.wait(EVERY) {
                        return Ending::Interrupted;
                    }
                }
                Decision::Pause { until, blockers } => {
                    let why: Vec<String> =
                        blockers.iter().map(|blocker| format!("{}: {}", blocker.id, blocker.text)).collect();
                    let said = self.remark_once(format!("waits: {}", why.join("; ")));
                    return said.err().unwrap_or(Ending::Paused { until, blockers });
                }
                Decision::Stop(trouble) => {
                    let said = self.remark_once(format!("stopped: {}: {}", trouble.id, trouble.text));
                    return said.err().unwrap_or(Ending::Stopped(trouble));
                }
                Decision::Finished => return Ending::Finished,
                Decision::Look(_) => return Ending::Failed("nothing more can be seen".into()),
            }
        }
        Ending::Failed("it goes round in circles; the journal shows how".into())
    }

    /// Looks as closely as it takes to decide.
    fn decided(&mut self) -> Result<Decision, Ending> {
        let look = self.world.identity.look(&self.key.account, &self.key.user).map_err(failed)?;
        self.now = look.now;
        let mut gate: Option<Seen> = None;
        let (mut sink_holds, mut lost_use, mut watch) = (None, None, None);
        loop {
            let view = View {
                look: &look,
                in_memory: self.secret.is_some(),
                sink_holds,
                lost_use: lost_use.clone(),
                gate: gate.as_ref(),
                watch: watch.clone(),
            };
            match decide(self.plan, self.key, &self.progress, &view, self.asked) {
                Decision::Look(Closer::Sink) if sink_holds.is_none() => {
                    let new = self.progress.new_key.clone().unwrap_or_default();
                    sink_holds = Some(match self.sink.map(|sink| sink.fetch(&new)) {
                        Some(Ok(Held::Secret(_))) => true,
                        // What cannot be read back may or may not be there: such a key is made anew.
                        Some(Ok(Held::Nothing | Held::WriteOnly)) | None => false,
                        Some(Err(error)) => return Err(Ending::Failed(error.text)),
                    });
                }
                Decision::Look(Closer::LostKey(id)) if lost_use.is_none() => {
                    lost_use = Some(self.world.identity.last_use(&self.key.account, &id).map_err(failed)?);
                }
                Decision::Look(Closer::Gate) if gate.is_none() => gate = Some(self.seen(&look)?),
                Decision::Look(Closer::Watch) if watch.is_none() => {
                    let run =
                        |watch: &dyn Watch| watch.check(&self.key.account, &self.key.user, &self.key.key.id);
                    let said = self.world.watch.map_or_else(|| Some("there is no watch to run".into()), run);
                    self.remark(
                        said.as_ref()
                            .map_or("the watch is content".to_owned(), |wrong| format!("the watch: {wrong}")),
                    )?;
                    watch = Some(said);
                }
                decision => return Ok(decision),
            }
        }
    }

    /// What the gate asks for.
    fn seen(&self, look: &Look) -> Result<Seen, Ending> {
        let last = |key: &str| self.world.identity.last_use(&self.key.account, key).map_err(failed);
        Ok(Seen {
            now: look.now,
            old: last(&self.key.key.id)?,
            new: match &self.progress.new_key {
                Some(new) => last(new)?,
                None => None,
            },
            role: match &self.key.role {
                Some(role) => self.world.identity.role_last_use(&self.key.account, role).map_err(failed)?,
                None => None,
            },
            proof: self.proof.clone(),
            fresh: self.fresh.clone(),
        })
    }

    /// Writes an event down; nothing is believed before it is on the disk.
    fn write(&mut self, event: Event) -> Result<(), Ending> {
        // A clock that went back must not make the wait begin before what it waits for.
        if matches!(event, Event::Done { step: Step::Deactivate, .. }) {
            let begun = self.progress.under_way.map(|(_, at)| at);
            self.now = self.now.max(begun.unwrap_or(self.now));
        }
        let next =
            self.progress.on(&event, self.now).map_err(|illegal| Ending::Failed(illegal.to_string()))?;
        self.append(Entry::Key { key: self.key.key.id.clone(), event })?;
        self.progress = next;
        Ok(())
    }

    fn remark(&self, text: String) -> Result<(), Ending> {
        self.append(Entry::Remark { key: self.key.key.id.clone(), text })
    }

    /// A remark, unless the last one said the same: whoever resumes every hour reads it once.
    fn remark_once(&mut self, text: String) -> Result<(), Ending> {
        if self.remarked.as_ref() == Some(&text) {
            return Ok(());
        }
        self.remarked = Some(text.clone());
        self.remark(text)
    }

    fn append(&self, entry: Entry) -> Result<(), Ending> {
        let line = |before: Option<&str>| line_of(before, self.now, self.world.who, entry.clone());
        self.world.ledger.append(&line).map_err(|error| {
            Ending::Failed(format!("the journal cannot be written, so that nothing more was done: {error}"))
        })
    }

    /// Takes a step: intent, act, outcome. Whether it was done; `false` where it may be tried again.
    fn act(&mut self, event: Event) -> Result<bool, Ending> {
        let Event::Intended { step, key, because, .. } = &event else {
            return Err(Ending::Failed("only a step can be taken".into()));
        };
        let (step, lost, word) = (*step, key.clone(), because.first().cloned());
        self.write(event)?;
        (self.world.tell)(&self.key.key.id, step.id());
        match self.take(step, lost.as_deref(), word.as_deref()) {
            Act::Done(key) => {
                self.write(Event::Done { step, key, found: false })?;
                Ok(true)
            }
            Act::Not(error, again) => {
                (self.world.tell)(&self.key.key.id, &error);
                self.write(Event::Failed { step, unclear: false, error: error.clone() })?;
                if again { Ok(false) } else { Err(Ending::Failed(error)) }
            }
            Act::Unclear(error) => {
                (self.world.tell)(&self.key.key.id, &error);
                self.write(Event::Failed { step, unclear: true, error })?;
                Ok(false)
            }
            Act::Stop(trouble) => {
                self.write(Event::Failed { step, unclear: false, error: trouble.text.clone() })?;
                Err(Ending::Stopped(trouble))
            }
        }
    }

    fn take(&mut self, step: Step, lost: Option<&str>, word: Option<&str>) -> Act {
        let identity = self.world.identity;
        let (account, user, old) = (&self.key.account, &self.key.user, &self.key.key.id);
        let done = |result: Result<(), CallError>| result.map_or_else(not, |()| Act::Done(None));
        match step {
            Step::Claim => {
                let value = format!("{}/{}", self.plan.id, word.unwrap_or("claimed"));
                done(identity.tag(account, user, TAG, &value))
            }
            Step::Release => done(identity.untag(account, user, TAG)),
            Step::Describe => match &self.progress.new_key {
                // As the console describes it.
                Some(new) => done(identity.tag(account, user, new, &format!("Rotated key - replaces {old}"))),
                None => Act::Not("there is no new key".into(), false),
            },
            Step::Create => match identity.create(account, user) {
                Ok(new) => {
                    self.secret = Some(new.secret);
                    Act::Done(Some(new.id))
                }
                // Somebody else was quicker: what there is now, the next look tells.
                Err(error) if error.text.contains("LimitExceeded") => Act::Not(error.text, true),
                Err(error) => not(error),
            },
            Step::Deactivate => done(identity.set_status(account, user, old, KeyStatus::Inactive)),
            Step::Reactivate => done(identity.set_status(account, user, old, KeyStatus::Active)),
            Step::Delete => done(identity.delete(account, user, old)),
            Step::Disarm => match lost {
                Some(lost) => done(identity.set_status(account, user, lost, KeyStatus::Inactive)),
                None => Act::Not("no key is named".into(), false),
            },
            Step::Discard => match lost {
                Some(lost) => {
                    self.secret = None;
                    done(identity.delete(account, user, lost))
                }
                None => Act::Not("no key is named".into(), false),
            },
            Step::Prove | Step::Store | Step::Verify | Step::Publish => self.at_sink(step),
        }
    }

    fn at_sink(&mut self, step: Step) -> Act {
        let Some(sink) = self.sink else { return Act::Not("the plan names no sink".into(), false) };
        let (old, new) = (&self.key.key.id, self.progress.new_key.clone().unwrap_or_default());
        let done = |result: Result<(), SinkError>| result.map_or_else(not_stored, |()| Act::Done(None));
        match step {
            Step::Prove => done(sink.prove(old)),
            Step::Publish => done(sink.publish(&new)),
            Step::Store => {
                if let Some(secret) = &self.secret {
                    let (account, user) = (&self.key.account, &self.key.user);
                    if let Err(error) = sink.store(&Pair { account, user, old, id: &new, secret }) {
                        return not_stored(error);
                    }
                }
                match sink.fetch(&new) {
                    Err(error) => not_stored(error),
                    Ok(Held::Secret(held)) if self.secret.as_ref().is_none_or(|secret| *secret == held) => {
                        Act::Done(None)
                    }
                    Ok(Held::WriteOnly) if self.secret.is_some() => Act::Done(None),
                    Ok(_) => Act::Not("the sink does not give back what was stored".into(), true),
                }
            }
            _ => self.verify(sink, &new),
        }
    }

    /// Signs in with what the sink holds, as soon as IAM knows the key.
    fn verify(&mut self, sink: &dyn Sink, new: &str) -> Act {
        let secret = match sink.fetch(new) {
            Ok(Held::Secret(secret)) => secret,
            Ok(Held::WriteOnly) => match &self.secret {
                Some(secret) => secret.clone(),
                // The gate asks for use by others before anything is deactivated.
                None => {
                    let text = "a write-only sink: that its secret works shows when the new key is used";
                    return match self.remark(text.to_owned()) {
                        Ok(()) => Act::Done(None),
                        Err(_) => Act::Not("the journal cannot be written".into(), false),
                    };
                }
            },
            Ok(Held::Nothing) => return Act::Not(format!("the sink no longer holds {new}"), false),
            Err(error) => return not_stored(error),
        };
        let mut waited = 0;
        loop {
            match self.world.identity.whose(new, &secret) {
                Ok(arn) if arn == self.key.user_arn => {
                    self.secret = None;
                    return Act::Done(None);
                }
                Ok(arn) => {
                    return Act::Stop(Trouble {
                        id: "wrong-identity",
                        text: format!("the stored key signs in as {arn}, not as {}", self.key.user_arn),
                        choices: vec!["offkey's rollback keeps the old key working".into()],
                    });
                }
                // A new key takes some seconds to be known everywhere
                // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html>).
                Err(error) if error.kind == CallErrorKind::UnknownCredentials && waited < CONVERGES => {
                    if !self.world.patience.wait(EVERY) {
                        return Act::Not("interrupted".into(), true);
                    }
                    waited += EVERY;
                }
                Err(error) => return Act::Not(error.text, error.kind != CallErrorKind::UnknownCredentials),
            }
        }
    }
}

fn failed(error: CallError) -> Ending {
    Ending::Failed(error.text)
}

fn not(error: CallError) -> Act {
    match error.kind {
        CallErrorKind::Unclear => Act::Unclear(error.text),
        CallErrorKind::Throttled => Act::Not(error.text, true),
        _ => Act::Not(error.text, false),
    }
}

fn not_stored(error: SinkError) -> Act {
    Act::Not(error.text, error.passing)
}
