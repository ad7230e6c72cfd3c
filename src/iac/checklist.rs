//! The cut-over of each consumer: what to change where, how to see that it worked, how to go back.

use super::blueprint::Blueprint;
use super::cutover::{back, caveats, change, edits, prepare, remove, verify};
use super::files::Target;
use super::text::comment;
use crate::recommend::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Version of the JSON.
const SCHEMA: &str = "offkey.replace/1";

/// The whole cut-over of one key.
#[derive(Debug, Serialize)]
pub struct Checklist {
    /// Version of the shape: `offkey.replace/1`.
    pub schema: &'static str,
    /// The key.
    pub key: String,
    /// Account and user.
    pub owner: String,
    /// The verdict on the key, and why.
    pub verdict: Vec<String>,
    /// What could not be seen of the key, and what would close the gap: the roles lack what it hides.
    pub not_seen: Vec<String>,
    /// Whether no input is missing.
    pub ready: bool,
    /// Files written beside it.
    pub files: Vec<String>,
    /// One part a consumer, busiest first.
    pub consumers: Vec<Part>,
    /// What is left to do for the key once all consumers are over.
    pub afterwards: Vec<String>,
}

/// One consumer's part.
#[derive(Debug, Serialize)]
pub struct Part {
    /// Consumer's id.
    pub consumer: String,
    /// Its kind.
    pub kind: &'static str,
    /// Program and place.
    pub origin: String,
    /// The replacement.
    pub replacement: &'static str,
    /// What becomes of the credential.
    pub outcome: &'static str,
    /// The role that is made, if any.
    pub role: Option<String>,
    /// The file that makes it.
    pub file: Option<String>,
    /// Inputs that are missing: name for `--set`, and the question.
    pub inputs: Vec<Input>,
    /// What to ask the owner first.
    pub ask: Vec<String>,
    /// What to prepare, in order.
    pub prepare: Vec<String>,
    /// What to change, and where.
    pub change: Vec<String>,
    /// How to see that it worked.
    pub verify: Vec<String>,
    /// What comes only after it was seen to work.
    pub remove: Vec<String>,
    /// How to go back.
    pub back: Vec<String>,
    /// What to watch out for.
    pub caveats: Vec<String>,
    /// Calls that were denied, with how often. They are no permission; whoever needs them asks for them.
    pub denied: BTreeMap<String, u64>,
    /// Edits of other policies that name the user.
    pub edits: Vec<String>,
    /// How the policies compare with what was observed.
    pub parity: Figures,
}

/// An input.
#[derive(Debug, Serialize)]
pub struct Input {
    /// Name for `--set`.
    pub name: String,
    /// The question.
    pub ask: &'static str,
}

/// The comparison in numbers.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Events whose actions are known and that need a permission.
    pub mapped_events: u64,
    /// Of those, events that the attached policies allow.
    pub allowed_events: u64,
    /// Of those, events that need a privileged policy.
    pub privileged_events: u64,
    /// Calls that the policies refuse, with their events and why.
    pub refused: BTreeMap<String, String>,
    /// Events that need no permission.
    pub free_events: u64,
    /// Events whose actions are not known.
    pub unmapped_events: u64,
    /// Calls whose actions are not known, with their events.
    pub unmapped: BTreeMap<String, u64>,
    /// Actions in the policies.
    pub granted_actions: usize,
    /// Of those, actions that no event is known to have needed.
    pub unobserved_actions: Vec<String>,
    /// Actions that the user's policies allow today; absent where those are not all known.
    pub actions_today: Option<usize>,
    /// Grants that the user's policies do not cover.
    pub beyond_today: Vec<String>,
}

/// The checklist for blueprints, given the files that were made for them.
pub(super) fn checklist(
    blueprints: &[Blueprint],
    files: &BTreeMap<String, String>,
    all: Vec<String>,
    target: Target,
) -> Checklist {
    let first = blueprints.first();
    let missing = |b: &Blueprint| b.makes_role() && !b.needs().is_empty();
    Checklist {
        schema: SCHEMA,
        key: first.map(|b| b.key.clone()).unwrap_or_default(),
        owner: first.map(|b| b.owner.clone()).unwrap_or_default(),
        verdict: first.map(|b| b.verdict.clone()).unwrap_or_default(),
        not_seen: first.map(|b| b.not_seen.clone()).unwrap_or_default(),
        ready: !blueprints.iter().any(missing),
        files: all,
        consumers: blueprints.iter().map(|b| part(b, files.get(&b.id).cloned(), target)).collect(),
        afterwards: afterwards(blueprints),
    }
}

fn afterwards(blueprints: &[Blueprint]) -> Vec<String> {
    let stay = |b: &Blueprint| matches!(b.outcome, Outcome::Rotate | Outcome::Identify);
    let silence = blueprints.iter().map(|b| b.longest_gap_days).max().unwrap_or(0);
    let mut out = Vec::new();
    if blueprints.iter().any(stay) {
        out.push("not every consumer can leave the key yet: make a second key, give it to those that cannot, see it used, and go on with the old one".to_owned());
    }
    out.push(format!(
        "wait until the key has been silent for longer than the longest silence of any consumer ({silence} days), and 7 days at least"
    ));
    out.extend(
        [
            "deactivate the key; reactivating it is the way back",
            "ask for failures for 7 days: failed authentication appears in no CloudTrail log",
            "delete the key, and the sealed copy of its secret",
        ]
        .map(str::to_owned),
    );
    out
}

fn part(b: &Blueprint, file: Option<String>, target: Target) -> Part {
    let makes = b.makes_role();
    Part {
        consumer: b.id.clone(),
        kind: b.kind.id(),
        origin: b.origin.clone(),
        replacement: b.title,
        outcome: b.outcome.id(),
        role: makes.then(|| b.role_name.clone()),
        inputs: b
            .needs()
            .iter()
            .map(|need| Input { name: need.name.to_lowercase(), ask: need.ask })
            .collect(),
        ask: b.questions.clone(),
        prepare: prepare(b, file.as_deref(), target),
        change: change(b),
        verify: verify(b),
        remove: remove(b),
        back: back(b),
        caveats: caveats(b),
        denied: b.denied.clone(),
        edits: edits(b),
        file,
        parity: Figures {
            mapped_events: b.parity.mapped,
            allowed_events: b.parity.allowed,
            privileged_events: b.parity.privileged,
            refused: b
                .parity
                .refused
                .iter()
                .map(|(call, (n, why))| (call.clone(), format!("{n} events: {why}")))
                .collect(),
            free_events: b.parity.free,
            unmapped_events: b.parity.unmapped,
            unmapped: b
                .role
                .permissions
                .unmapped
                .iter()
                .map(|((s, n), e)| (format!("{s} {n}"), *e))
                .collect(),
            granted_actions: b.parity.granted,
            unobserved_actions: b.parity.unobserved.iter().cloned().collect(),
            actions_today: b.parity.today,
            beyond_today: b.parity.beyond_today.iter().cloned().collect(),
        },
    }
}

/// As Markdown.
pub(super) fn markdown(list: &Checklist) -> String {
    let mut out = format!("# Cut-over of {}\n\nUser {}.\n", code(&list.key), code(&list.owner));
    for line in &list.verdict {
        let _ = writeln!(out, "\n{}.", escaped(line.trim_end_matches('.')));
    }
    if !list.not_seen.is_empty() {
        out.push_str("\n## Not seen: the roles below lack what these gaps hide\n\n");
        for gap in &list.not_seen {
            let _ = writeln!(out, "- [ ] {}", escaped(gap));
        }
    }
    for (n, part) in list.consumers.iter().enumerate() {
        let _ = writeln!(out, "\n## {}. {}: {}\n", n + 1, part.kind, comment(part.replacement));
        let _ = writeln!(out, "{}; consumer `{}`.", code(&part.origin), part.consumer);
        if let (Some(role), Some(file)) = (&part.role, &part.file) {
            let _ = writeln!(out, "Role {} is made by {}.", code(role), code(file));
        }
        let figures = &part.parity;
        if figures.free_events > 0 {
            let _ = writeln!(out, "\n{} events need no permission.", figures.free_events);
        }
        if figures.mapped_events > 0 {
            let _ = writeln!(
                out,
                "\nOf {} events whose actions are known, the policies allow {}{}; {} actions are granted{}{}.",
                figures.mapped_events,
                figures.allowed_events,
                if figures.privileged_events > 0 {
                    format!(", and the privileged ones {} more", figures.privileged_events)
                } else {
                    String::new()
                },
                figures.granted_actions,
                figures
                    .actions_today
                    .map_or(String::new(), |today| format!(", where the user may do {today} today")),
                if figures.unmapped_events > 0 {
                    format!("; {} events are of calls whose actions are not known", figures.unmapped_events)
                } else {
                    String::new()
                },
            );
        }
        let inputs = part
            .inputs
            .iter()
            .map(|input| format!("{}: {}", code(&format!("--set {}=…", input.name)), input.ask))
            .collect::<Vec<_>>();
        let unmapped = figures
            .unmapped
            .iter()
            .map(|(call, events)| format!("{} ({events} events)", code(call)))
            .collect::<Vec<_>>();
        let denied = part
            .denied
            .iter()
            .map(|(call, events)| format!("{} ({events} events)", code(call)))
            .collect::<Vec<_>>();
        let plain = |items: &[String]| items.iter().map(|item| escaped(item)).collect::<Vec<_>>();
        for (title, items) in [
            ("Inputs that are missing", inputs),
            ("Ask the owner first", plain(&part.ask)),
            ("Prepare", plain(&part.prepare)),
            ("Change", plain(&part.change)),
            ("See that it worked", plain(&part.verify)),
            ("Only then", plain(&part.remove)),
            ("Go back", plain(&part.back)),
            ("Watch out", plain(&part.caveats)),
            ("Policies elsewhere", plain(&part.edits)),
            ("Attempted and denied: not granted", denied),
            ("Calls whose actions are not known", unmapped),
            (
                "Granted, though no policy of the user's covers it today (a resource policy may, or one that it had then)",
                figures.beyond_today.iter().map(|grant| code(grant)).collect(),
            ),
        ] {
            if !items.is_empty() {
                let _ = writeln!(out, "\n### {title}\n");
                items.iter().for_each(|item| {
                    let _ = writeln!(out, "- [ ] {item}");
                });
            }
        }
    }
    out.push_str("\n## Afterwards\n\n");
    for step in &list.afterwards {
        let _ = writeln!(out, "- [ ] {step}");
    }
    out
}

/// Markdown that shows the text and nothing else.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in comment(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '[' | '<' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn code(text: &str) -> String {
    let text = comment(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}
