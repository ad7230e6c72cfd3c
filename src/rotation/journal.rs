//! The journal as text: one JSON object a line, each carrying the hash of the line before, so that no line can be changed,
//! taken out or put in unseen. No secret is ever in it.

use super::state::{Event, Illegal, Progress};
use crate::plan::{Accepted, Gist, Plan};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// The first line: which plan is applied.
    Opened {
        /// Id.
        plan: String,
        /// Digest.
        digest: String,
        /// Version of the program.
        program: String,
    },
    /// Somebody went on with it.
    Resumed {
        /// The command.
        command: String,
        /// Bytes of a torn last line that were dropped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dropped: Option<u64>,
    },
    /// A gap was accepted.
    Accepted(Accepted),
    /// Newer evidence was given.
    Evidence {
        /// Key.
        key: String,
        /// What it says.
        gist: Gist,
    },
    /// Something happened to a key.
    Key {
        /// The old key.
        key: String,
        /// What.
        event: Event,
    },
    /// What was observed and decided where nothing was done: a pause, a stop, a watch.
    Remark {
        /// The old key.
        key: String,
        /// In words.
        text: String,
    },
    /// A lost journal was rebuilt from what AWS shows.
    Rebuilt {
        /// The old key.
        key: String,
        /// Events that must have happened.
        events: Vec<Event>,
        /// What cannot be known.
        unknown: Vec<String>,
    },
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Position, from 1.
    pub n: u64,
    /// AWS's time.
    pub at: Timestamp,
    /// Who: the caller's ARN.
    pub who: String,
    /// What.
    pub what: Entry,
    /// Hash of the line before; empty on the first.
    pub before: String,
    /// SHA-256 of this line without this field.
    pub hash: String,
}

/// A journal, read.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A journal that does not hold together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Damage {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Bytes at the end that are no whole line: the process or the machine went down while they were written, so that nothing
/// they speak of was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where they begin.
    pub at: u64,
    /// How many.
    pub bytes: u64,
}

/// The next line of a journal, as text with its line break.
pub fn line_of(before: Option<&str>, at: Timestamp, who: &str, what: Entry) -> String {
    let last: Option<Line> = before.and_then(|text| serde_json::from_str(text.trim_end()).ok());
    let mut line = Line {
        n: last.as_ref().map_or(1, |line| line.n + 1),
        at,
        who: who.to_owned(),
        what,
        before: last.map_or_else(String::new, |line| line.hash),
        hash: String::new(),
    };
    line.hash = hash_of(&line);
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

fn hash_of(line: &Line) -> String {
    let blank = Line { hash: String::new(), ..line.clone() };
    let text = serde_json::to_string(&blank).unwrap_or_default();
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a journal and proves its chain.
///
/// # Errors
/// Where a whole line is not as it was written.
pub fn read_journal(text: &str) -> Result<(Journal, Option<TornTail>), Damage> {
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let tail = text.get(whole..).unwrap_or_default();
    let torn = (!tail.is_empty()).then_some(TornTail { at: whole as u64, bytes: tail.len() as u64 });
    let mut journal = Journal::default();
    for (n, row) in text.get(..whole).unwrap_or_default().lines().enumerate() {
        let damage = |what: &str| Damage { line: n + 1, what: what.to_owned() };
        let line: Line = serde_json::from_str(row)
            .map_err(|error| damage(&format!("not a line of a journal: {error}")))?;
        let before = journal.lines.last().map_or("", |line| line.hash.as_str());
        if line.before != before {
            return Err(damage("it does not follow the line before it: lines are missing, or were changed"));
        }
        if line.n != n as u64 + 1 {
            return Err(damage(&format!("it is numbered {}", line.n)));
        }
        if line.hash != hash_of(&line) {
            return Err(damage("it was changed after it was written"));
        }
        if (n == 0) != matches!(line.what, Entry::Opened { .. }) {
            return Err(damage("a journal is opened once, by its first line"));
        }
        journal.lines.push(line);
    }
    Ok((journal, torn))
}

impl Journal {
    /// Id and digest of the plan it belongs to.
    pub fn plan(&self) -> Option<(&str, &str)> {
        match &self.lines.first()?.what {
            Entry::Opened { plan, digest, .. } => Some((plan, digest)),
            _ => None,
        }
    }

    /// Time of its last line.
    pub fn last(&self) -> Option<Timestamp> {
        self.lines.iter().map(|line| line.at).max()
    }

    /// How far every key has come, by replay.
    ///
    /// # Errors
    /// Where an event could not have happened.
    pub fn replay(&self, plan: &Plan) -> Result<BTreeMap<String, Progress>, (usize, Illegal)> {
        let start = |key: &crate::plan::KeyPlan| (key.key.id.clone(), Progress::new(plan.operation));
        let mut out: BTreeMap<String, Progress> = plan.keys.iter().map(start).collect();
        for (n, line) in self.lines.iter().enumerate() {
            let mut step = |key: &String, event: &Event| -> Result<(), (usize, Illegal)> {
                let Some(progress) = out.get_mut(key) else { return Ok(()) };
                *progress = progress.on(event, line.at).map_err(|illegal| (n + 1, illegal))?;
                Ok(())
            };
            match &line.what {
                Entry::Key { key, event } => step(key, event)?,
                Entry::Rebuilt { key, events, .. } => events.iter().try_for_each(|event| step(key, event))?,
                _ => {}
            }
        }
        Ok(out)
    }

    /// Gaps accepted along the way.
    pub fn accepted(&self) -> Vec<Accepted> {
        let of = |line: &Line| match &line.what {
            Entry::Accepted(accepted) => Some(accepted.clone()),
            _ => None,
        };
        self.lines.iter().filter_map(of).collect()
    }

    /// The last remark about a key.
    pub fn remark(&self, wanted: &str) -> Option<String> {
        let of = |line: &Line| match &line.what {
            Entry::Remark { key, text } if key == wanted => Some(text.clone()),
            _ => None,
        };
        self.lines.iter().rev().find_map(of)
    }

    /// The newest evidence given for a key along the way.
    pub fn evidence(&self, wanted: &str) -> Option<Gist> {
        let of = |line: &Line| match &line.what {
            Entry::Evidence { key, gist } if key == wanted => Some(gist.clone()),
            _ => None,
        };
        self.lines.iter().rev().find_map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::Step;

    fn written() -> String {
        let at: Timestamp = "2026-10-01T12:00:00Z".parse().unwrap();
        let key = "AKIAI44QH8DHBEXAMPLE".to_owned();
        let intended =
            Event::Intended { step: Step::Claim, listed: vec![], key: None, because: vec!["x".into()] };
        let done = Event::Done { step: Step::Claim, key: None, found: false };
        let mut text = String::new();
        let entries = [
            Entry::Opened { plan: "rotate-1".into(), digest: "d".into(), program: "0".into() },
            Entry::Key { key: key.clone(), event: intended },
            Entry::Key { key: key.clone(), event: done },
            Entry::Remark { key, text: "waits".into() },
        ];
        for entry in entries {
            text += &line_of(text.lines().last(), at, "arn:aws:iam::111122223333:user/operator", entry);
        }
        text
    }

    #[test]
    fn what_was_written_is_read_and_any_change_shows() {
        let text = written();
        let (journal, torn) = read_journal(&text).unwrap();
        assert_eq!((journal.lines.len(), torn), (4, None));
        let plan = crate::plan::example(crate::plan::Operation::Rotate);
        let progress = journal.replay(&plan).unwrap();
        assert_eq!(progress["AKIAI44QH8DHBEXAMPLE"].phase, crate::rotation::Phase::Claimed);
        let lines: Vec<&str> = text.lines().collect();
        for (name, changed) in [
            ("a line is missing", [lines[0], lines[2], lines[3]].join("\n") + "\n"),
            ("the first is missing", lines[1..].join("\n") + "\n"),
            ("two are swapped", [lines[0], lines[2], lines[1], lines[3]].join("\n") + "\n"),
            ("a word is changed", text.replace("waits", "works")),
            ("a line is doubled", [lines[0], lines[1], lines[1], lines[2]].join("\n") + "\n"),
            ("a line is no JSON", [lines[0], "{", lines[2]].join("\n") + "\n"),
            ("who is changed", text.replacen("user/operator", "user/nobody", 1)),
        ] {
            assert!(read_journal(&changed).is_err(), "{name}");
        }
    }

    #[test]
    fn a_torn_tail_is_told_at_every_byte() {
        let text = written();
        for cut in 0..text.len() {
            let part = text.get(..cut).unwrap();
            let (journal, torn) = read_journal(part).unwrap();
            let whole = part.rfind('\n').map_or(0, |at| at + 1);
            assert_eq!(torn.map_or(0, |torn| torn.bytes), (cut - whole) as u64);
            assert_eq!(journal.lines.len(), part.matches('\n').count());
        }
    }
}
