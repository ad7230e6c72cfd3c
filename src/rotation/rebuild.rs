//! Rebuilds a lost journal from the tags on the user, its keys and the sink, and says what cannot be known.

use super::decide::Trouble;
use super::state::{Event, Step};
use crate::plan::{KeyPlan, Operation, Plan, TAG};
use crate::ports::{KeyStatus, Look};

/// What must have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events that lead to what is seen.
    pub events: Vec<Event>,
    /// What cannot be known.
    pub unknown: Vec<String>,
}

/// Works out how far a plan has come from what AWS shows; `sink_holds` says of a key id whether the sink has its secret.
///
/// # Errors
/// Where several things may have happened: a person has to say which.
pub fn rebuild(
    plan: &Plan,
    key: &KeyPlan,
    look: &Look,
    sink_holds: &dyn Fn(&str) -> bool,
) -> Result<Rebuilt, Trouble> {
    let mut out = Rebuilt { events: Vec::new(), unknown: Vec::new() };
    let trouble =
        |text: String, choice: &str| Trouble { id: "ambiguous", text, choices: vec![choice.to_owned()] };
    let Some(keys) = &look.keys else {
        return Err(trouble(format!("there is no user {}", key.user), "nothing is left to do"));
    };
    let Some((ours, word)) = look.tag(TAG).and_then(|tag| tag.split_once('/')) else {
        let text = format!(
            "user {} carries no tag {TAG}: either the plan was not begun for it, or it is over",
            key.user
        );
        return match keys.iter().find(|seen| seen.id == key.key.id) {
            Some(seen) if seen.status == KeyStatus::Active => Ok(Rebuilt { unknown: vec![text], ..out }),
            _ => Err(trouble(text, "offkey touches nothing here; look at CloudTrail for who did what")),
        };
    };
    if ours != plan.id {
        return Err(trouble(format!("the tag {TAG} is of plan {ours}"), "resume that plan instead"));
    }
    out.did(Step::Claim, None);
    let old = keys.iter().find(|seen| seen.id == key.key.id);
    if plan.operation == Operation::Retire {
        match old.map(|seen| seen.status) {
            Some(KeyStatus::Active) => {}
            Some(KeyStatus::Inactive) if word != "claimed" => out.deactivated(),
            Some(KeyStatus::Inactive) => {
                return Err(trouble(
                    format!("{} is inactive, and the tag does not say that this plan did it", key.key.id),
                    "make it active, or end here by hand",
                ));
            }
            None if word == "delete" => {
                out.deactivated();
                out.did(Step::Delete, None);
            }
            None => {
                return Err(trouble(
                    format!("{} is gone, and the tag does not say that this plan deleted it", key.key.id),
                    "remove the tag by hand",
                ));
            }
        }
        return Ok(out);
    }
    out.did(Step::Prove, None);
    let description = format!("Rotated key - replaces {}", key.key.id);
    let others: Vec<_> = keys.iter().filter(|seen| seen.id != key.key.id).collect();
    let new = match others.as_slice() {
        [] if old.is_some() => {
            out.unknown.push("whether a key was made and discarded before".to_owned());
            return Ok(out);
        }
        [] => {
            return Err(trouble(
                format!("{} is gone and there is no new key", key.key.id),
                "look at CloudTrail for who did what",
            ));
        }
        [new] => *new,
        _ => {
            return Err(trouble(
                "the user's keys cannot be told apart".to_owned(),
                "look at the keys' descriptions",
            ));
        }
    };
    let described = look.tag(&new.id) == Some(description.as_str());
    out.events.push(Event::Intended {
        step: Step::Create,
        listed: vec![key.key.id.clone()],
        key: None,
        because: vec![],
    });
    if !sink_holds(&new.id) {
        if described || old.is_none_or(|seen| seen.status == KeyStatus::Inactive) {
            return Err(trouble(
                format!("{} is described as the new key, and the sink does not hold its secret", new.id),
                "find where its secret is; offkey's rollback is not possible without a journal: make the old key active by hand",
            ));
        }
        out.unknown.push(format!("whether this plan made {}: its secret is not in the sink; if nobody knows it, resume with --discard {}", new.id, new.id));
        return Ok(out);
    }
    out.events.push(Event::Done { step: Step::Create, key: Some(new.id.clone()), found: true });
    out.did(Step::Store, None);
    if described {
        out.did(Step::Describe, None);
    }
    match old.map(|seen| seen.status) {
        Some(KeyStatus::Active) => out
            .unknown
            .push("whether the new secret was proved and handed to readers: both are done again".to_owned()),
        status => {
            for step in [Step::Verify, Step::Publish] {
                out.did(step, None);
            }
            out.deactivated();
            if status.is_none() {
                if word != "delete" {
                    return Err(trouble(
                        format!("{} is gone, and the tag does not say that this plan deleted it", key.key.id),
                        "remove the tag by hand",
                    ));
                }
                out.did(Step::Delete, None);
            }
        }
    }
    Ok(out)
}

impl Rebuilt {
    fn did(&mut self, step: Step, key: Option<String>) {
        self.events.push(Event::Intended { step, listed: vec![], key: key.clone(), because: vec![] });
        self.events.push(Event::Done { step, key, found: true });
    }

    fn deactivated(&mut self) {
        self.did(Step::Deactivate, None);
        self.unknown
            .push("when the old key was deactivated, and on what proof: the wait begins anew".to_owned());
    }
}
