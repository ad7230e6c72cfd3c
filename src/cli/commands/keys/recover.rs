//! Makes a new journal where the old one was lost, from the tags on users, their keys and the sinks.

use super::super::super::error::Failure;
use super::connect::{failed, refused};
use super::journals::{drifted, open};
use super::sinks;
use crate::aws::{Aws, Keys};
use crate::plan::Plan;
use crate::ports::{Held, Identity, Ledger};
use crate::rotation::{Entry, line_of, rebuild};
use crate::store::{JournalFile, Opening};

/// A new journal, with its text.
pub(super) fn rebuilt(
    aws: &Aws,
    plan: &Plan,
    path: &str,
    opened: Entry,
) -> Result<(JournalFile, String), Failure> {
    let keys = Keys::of(aws);
    let mut entries = vec![opened];
    for key in &plan.keys {
        let look = keys.look(&key.account, &key.user).map_err(refused)?;
        let sink = sinks::of(plan, key, aws);
        let mut wrong = None;
        let holds = |id: &str| matches!(sink.as_ref().map(|sink| sink.fetch(id)), Some(Ok(Held::Secret(_))));
        let made = rebuild(plan, key, &look, &holds);
        match made {
            Ok(made) => entries.push(Entry::Rebuilt {
                key: key.key.id.clone(),
                events: made.events,
                unknown: made.unknown,
            }),
            Err(trouble) => wrong = Some(trouble),
        }
        if let Some(trouble) = wrong {
            return Err(drifted(format!("{}: {}", key.key.id, trouble.text)).hint(trouble.choices.join("; ")));
        }
    }
    let now = keys.time().map_err(failed)?;
    let who = aws.caller().arn.clone();
    let (ledger, _) = open(path, Opening::New)?;
    let mut text = String::new();
    for entry in entries {
        let last = text.lines().last().map(str::to_owned);
        let line = line_of(last.as_deref(), now, &who, entry);
        ledger
            .append(&|_| line.clone())
            .map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))?;
        text.push_str(&line);
    }
    Ok((ledger, text))
}
