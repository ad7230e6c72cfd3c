//! Applies plans, goes on with them, takes them back; says how far they are, and proves their journals.

use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use super::connect::{AwsOptions, Naps, failed};
use super::evidence;
use super::journals::{drifted, journal_of, lock_users, open, read_plan, understood};
use super::outcome;
use super::planning::{accepted, clean_lines, mutes};
use super::processes::CommandWatch;
use super::{recover, sinks};
use crate::aws::{Aws, Keys};
use crate::plan::{Caller, Candidate, Gist, KeyPlan, Mutes, Operation, Plan, TAG, show, stops};
use crate::ports::{Identity, Ledger, Sink, Watch};
use crate::rotation::{
    Asked, Entry, Event, Forbidden, Phase, Progress, RoleProof, Run, Told, Trouble, World, line_of,
    read_journal, run_all,
};
use crate::store::Opening;
use clap::Args;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// A plan's file.
#[derive(Args, Debug, Clone)]
pub(super) struct PlanFile {
    /// The plan, as `plan -o FILE` wrote it
    #[arg(value_name = "PLAN")]
    pub(super) plan: String,
    /// Print JSON: a line for each key as it ends, then one with the counts
    #[arg(long)]
    pub(super) json: bool,
}

/// Everything that bears on acting.
#[derive(Args, Debug, Clone)]
pub(super) struct Acting {
    #[command(flatten)]
    pub(super) file: PlanFile,
    /// Users worked on at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) at_once: u16,
    /// Exemptions [default: offkey.mutes.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) mutes: Option<String>,
    /// Where locks on users are kept [default: the user's state directory]
    #[arg(long, value_name = "DIR")]
    pub(super) lock_dir: Option<String>,
    #[command(flatten)]
    pub(super) aws: AwsOptions,
}

/// Going on.
#[derive(Args, Debug, Clone)]
pub(super) struct Resuming {
    #[command(flatten)]
    pub(super) acting: Acting,
    /// Delete this key for ever, once its wait is over: its id, typed in full; may be given several times
    #[arg(long, value_name = "KEY")]
    pub(super) delete: Vec<String>,
    /// Take a gap upon yourself: its id, or KEY:ID for one key; needs --reason
    #[arg(long, value_name = "ID", requires = "reason")]
    pub(super) accept_gap: Vec<String>,
    /// Why those gaps may be accepted
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Newer logs, exports or stores than the plan's; may be given several times
    #[arg(long, value_name = "INPUT")]
    pub(super) evidence: Vec<String>,
    /// A key that appeared while one was being made, and that nobody knows: deactivate and delete it
    #[arg(long, value_name = "KEY")]
    pub(super) discard: Vec<String>,
    /// Make a new journal from what AWS shows, as the old one was lost
    #[arg(long)]
    pub(super) rebuild: bool,
}

/// Taking back.
#[derive(Args, Debug, Clone)]
pub(super) struct RollingBack {
    #[command(flatten)]
    pub(super) acting: Acting,
    /// Only this key; may be given several times
    #[arg(long, value_name = "KEY")]
    pub(super) key: Vec<String>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "asked for")]
    pub(super) reason: String,
}

/// Newer evidence of keys, and what logs say of their roles.
type Proofs = BTreeMap<String, (Option<Gist>, Option<RoleProof>)>;

/// One run over a plan.
struct Session<'a> {
    plan: Plan,
    path: &'a str,
    aws: Aws,
    terminal: &'a Terminal,
    acting: &'a Acting,
}

impl<'a> Session<'a> {
    fn begin(operation: Operation, acting: &'a Acting, terminal: &'a Terminal) -> Result<Self, Failure> {
        let path = acting.file.plan.as_str();
        let plan = read_plan(path, Some(operation))?;
        let aws = acting.aws.connect(terminal)?;
        let caller = Caller::of(&aws.caller().account, &aws.caller().arn);
        if caller != plan.caller {
            let text = format!(
                "the plan is {}'s of account {}, and you are {} of {}",
                plan.caller.principal, plan.caller.account, caller.principal, caller.account
            );
            return Err(drifted(text).hint("use the same principal, or make a plan of your own"));
        }
        if let Some(signing) = aws.signing_key()
            && plan.keys.iter().any(|key| key.key.id == signing)
        {
            return Err(drifted(format!("{signing} signs offkey's own requests, and the plan is about it"))
                .hint("sign with other credentials"));
        }
        Ok(Self { plan, path, aws, terminal, acting })
    }

    /// Interlocks as they are now: a key may have been exempted or quarantined since the plan was made.
    fn forbidden(&self, keys: &Keys<'_>, mutes: &Mutes, key: &KeyPlan) -> Result<Option<Trouble>, String> {
        let look = keys.look(&key.account, &key.user).map_err(|error| error.text)?;
        if look.keys.is_none() {
            // The run says so.
            return Ok(None);
        }
        let person = keys.person(&key.account, &key.user).map_err(|error| error.text)?;
        let candidate = Candidate {
            account: &key.account,
            user: &key.user,
            key: &key.key.id,
            look: &look,
            person: &person,
            signing: None,
            ses_smtp: !self.plan.settings.ses_smtp.is_empty(),
            managed: &[],
            // The plan has settled who manages the key.
            states_given: true,
            mutes,
            operation: self.plan.operation,
            sends_mail: false,
        };
        let ours = look.tag(TAG).is_some_and(|tag| tag.split('/').next() == Some(self.plan.id.as_str()));
        // What depends on how far the plan has come, the run looks at.
        let own = |id: &str| {
            matches!(id, "no-user" | "no-key" | "inactive" | "two-keys" | "tags-full")
                || (id == "claimed" && ours)
        };
        let stop = stops(&candidate).into_iter().find(|stop| !own(stop.id));
        Ok(stop.map(|stop| Trouble { id: stop.id, text: stop.why, choices: vec![stop.instead] }))
    }

    /// Runs all keys and tells.
    fn run(
        &self,
        ledger: &dyn Ledger,
        progress: &BTreeMap<String, Progress>,
        asked: &BTreeMap<String, Asked>,
        evidence: &[String],
        journal: Option<&crate::rotation::Journal>,
    ) -> Result<ExitKind, Failure> {
        let keys = Keys::of(&self.aws);
        let (plan, terminal) = (&self.plan, self.terminal);
        let now = keys.time().map_err(failed)?;
        let who = self.aws.caller().arn.clone();
        let proofs = self.proofs(ledger, evidence, now, &who)?;
        let naps = Naps(terminal);
        let limit = Duration::from_secs(plan.settings.command_seconds);
        let watch = plan.settings.watch.clone().map(|command| CommandWatch { command, limit });
        let bar = terminal.steps_bar(plan.keys.len() as u64, "keys");
        let tell = |key: &str, text: &str| bar.suspend(|| terminal.note(&format!("{key}: {text}")));
        let world = World {
            identity: &keys,
            ledger,
            watch: watch.as_ref().map(|watch| watch as &dyn Watch),
            patience: &naps,
            who: &who,
            tell: &tell,
        };
        let sinks: Vec<Option<Box<dyn Sink>>> =
            plan.keys.iter().map(|key| sinks::of(plan, key, &self.aws)).collect();
        let mutes = mutes(self.acting.mutes.as_deref(), now)?;
        let forbidden = |key: &KeyPlan| self.forbidden(&keys, &mutes, key);
        let mut runs: Vec<Run<'_>> = Vec::new();
        let none = Asked::default();
        for (key, sink) in plan.keys.iter().zip(&sinks) {
            let mine = progress.get(&key.key.id).cloned().unwrap_or_else(|| Progress::new(plan.operation));
            let asked = asked.get(&key.key.id).unwrap_or(&none);
            // Taking back is always allowed.
            let forward = asked.rollback.is_none() && mine.given_up.is_none() && !mine.released;
            let given = proofs.get(&key.key.id);
            runs.push(Run {
                plan,
                key,
                asked,
                world: &world,
                sink: sink.as_deref(),
                progress: mine,
                fresh: given
                    .and_then(|(gist, _)| gist.clone())
                    .or_else(|| journal.and_then(|j| j.evidence(&key.key.id))),
                proof: given.and_then(|(_, proof)| proof.clone()),
                secret: None,
                now,
                forbidden: forward.then_some(&forbidden as Forbidden<'_>),
                remarked: journal.and_then(|journal| journal.remark(&key.key.id)),
            });
        }
        let json = self.acting.file.json;
        let lines = Mutex::new(());
        let outcome_of = |one: &Told| {
            let key = plan.keys.iter().find(|key| key.key.id == one.key);
            key.map(|key| outcome::of(plan, self.path, key, one))
        };
        let each = |one: &Told| {
            bar.inc(1);
            if json && let Some(outcome) = outcome_of(one) {
                let _guard = lines.lock();
                let _ = outcome::line(&outcome, terminal);
            }
        };
        let told = run_all(runs, usize::from(self.acting.at_once), &each);
        bar.finish_and_clear();
        let mut outcomes: Vec<outcome::Outcome> = told.iter().filter_map(outcome_of).collect();
        for (outcome, one) in outcomes.iter_mut().zip(&told) {
            if one.progress.phase == Phase::Deleted {
                outcome.next = match plan.operation {
                    Operation::Retire => keys.leftovers(&outcome.account, &outcome.user),
                    Operation::Rotate => vec![remaining(&keys, outcome)],
                };
            }
        }
        if json {
            outcome::last_line(plan, &outcomes, terminal)?;
        }
        outcome::print(&outcomes, json, terminal)?;
        let rollback = asked.values().any(|asked| asked.rollback.is_some());
        Ok(outcome::exit(&told, rollback))
    }

    /// Newer evidence, written down as it is used; and what logs say of roles.
    fn proofs(
        &self,
        ledger: &dyn Ledger,
        inputs: &[String],
        now: jiff::Timestamp,
        who: &str,
    ) -> Result<Proofs, Failure> {
        let mut out = BTreeMap::new();
        if inputs.is_empty() {
            return Ok(out);
        }
        let report = evidence::report(inputs, self.terminal)?;
        let mut roles: BTreeMap<&str, Option<crate::analysis::RoleUse>> = BTreeMap::new();
        for key in &self.plan.keys {
            let gist = evidence::gist(&report, &key.key.id);
            if let Some(gist) = &gist {
                let entry = Entry::Evidence { key: key.key.id.clone(), gist: gist.clone() };
                append(ledger, now, who, entry)?;
            }
            let proof = match (&key.role, evidence::key_of(&report, &key.key.id)) {
                (Some(role), Some(seen)) => {
                    if !roles.contains_key(role.as_str()) {
                        roles.insert(role, evidence::of_role(inputs, role, self.terminal)?);
                    }
                    roles.get(role.as_str()).and_then(Option::as_ref).map(|role| evidence::proof(seen, role))
                }
                _ => None,
            };
            out.insert(key.key.id.clone(), (gist, proof));
        }
        Ok(out)
    }

    fn asked(&self, asked: Asked) -> BTreeMap<String, Asked> {
        self.plan.keys.iter().map(|key| (key.key.id.clone(), asked.clone())).collect()
    }

    fn write(&self, ledger: &dyn Ledger, entry: Entry) -> Result<(), Failure> {
        let keys = Keys::of(&self.aws);
        append(ledger, keys.time().map_err(failed)?, &self.aws.caller().arn, entry)
    }
}

/// After a rotation a user has one active key: the new one.
fn remaining(keys: &Keys<'_>, outcome: &outcome::Outcome) -> String {
    let look = match keys.look(&outcome.account, &outcome.user) {
        Ok(look) => look,
        Err(error) => return format!("which keys the user has now is not known: {error}"),
    };
    let ids: Vec<String> = look
        .keys
        .unwrap_or_default()
        .into_iter()
        .map(|key| format!("{} ({:?})", key.id, key.status))
        .collect();
    format!("the user's keys are now: {}", ids.join(", "))
}

fn append(ledger: &dyn Ledger, now: jiff::Timestamp, who: &str, entry: Entry) -> Result<(), Failure> {
    let line = |before: Option<&str>| line_of(before, now, who, entry.clone());
    ledger.append(&line).map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))
}

fn opened(plan: &Plan) -> Entry {
    Entry::Opened {
        plan: plan.id.clone(),
        digest: plan.digest.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Begins a plan, once.
pub(super) fn apply(
    operation: Operation,
    acting: &Acting,
    evidence: &[String],
    terminal: &Terminal,
) -> Result<ExitKind, Failure> {
    let session = Session::begin(operation, acting, terminal)?;
    let plan = &session.plan;
    let now = Keys::of(&session.aws).time().map_err(failed)?;
    if now >= plan.expires {
        return Err(drifted(format!("the plan expired at {}", plan.expires)).hint("make a new plan"));
    }
    let _locks = lock_users(plan, acting.lock_dir.as_deref())?;
    let (file, _) = open(session.path, Opening::New)?;
    #[cfg(debug_assertions)]
    let file = super::crash::Crashing { inner: &file };
    session.write(&file, opened(plan))?;
    let asked = Asked { accepted: plan.accepted.clone(), ..Asked::default() };
    session.run(&file, &BTreeMap::new(), &session.asked(asked), evidence, None)
}

/// Goes on.
pub(super) fn resume(
    operation: Operation,
    resuming: &Resuming,
    terminal: &Terminal,
) -> Result<ExitKind, Failure> {
    let session = Session::begin(operation, &resuming.acting, terminal)?;
    let plan = &session.plan;
    let unknown = |id: &&String| !plan.keys.iter().any(|key| key.key.id == **id);
    if let Some(id) = resuming.delete.iter().find(unknown) {
        return Err(Failure::usage(format!("--delete {id}: the plan is not about that key")));
    }
    if !resuming.delete.is_empty() && !plan.settings.delete {
        return Err(Failure::usage("the plan deletes nothing: it ends with keys deactivated")
            .hint("deletion is asked for when a plan is made: --delete-after DAYS"));
    }
    let more = accepted(&resuming.accept_gap, resuming.reason.as_deref())?;
    let _locks = lock_users(plan, resuming.acting.lock_dir.as_deref())?;
    let (file, text) = if resuming.rebuild {
        recover::rebuilt(&session.aws, plan, session.path, opened(plan))?
    } else {
        open(session.path, Opening::Existing)?
    };
    let (journal, torn, progress) = understood(plan, session.path, &text)?;
    if torn.is_some() {
        file.cut().map_err(|error| Failure::new(error.to_string()))?;
    }
    #[cfg(debug_assertions)]
    let ledger = super::crash::Crashing { inner: &file };
    #[cfg(not(debug_assertions))]
    let ledger = file;
    if journal.lines.is_empty() {
        session.write(&ledger, opened(plan))?;
    }
    if let Some(last) = journal.last()
        && Keys::of(&session.aws).time().map_err(failed)? < last
    {
        terminal.warn("AWS's clock is behind the journal's last line: waits take that much longer");
    }
    session.write(
        &ledger,
        Entry::Resumed { command: "resume".to_owned(), dropped: torn.map(|torn| torn.bytes) },
    )?;
    for one in &more {
        session.write(&ledger, Entry::Accepted(one.clone()))?;
    }
    let mut accepted = plan.accepted.clone();
    accepted.extend(journal.accepted());
    accepted.extend(more);
    let asked = Asked {
        rollback: None,
        delete: resuming.delete.clone(),
        discard: resuming.discard.clone(),
        accepted,
    };
    session.run(&ledger, &progress, &session.asked(asked), &resuming.evidence, Some(&journal))
}

/// Takes back what can be taken back.
pub(super) fn rollback(
    operation: Operation,
    rolling: &RollingBack,
    terminal: &Terminal,
) -> Result<ExitKind, Failure> {
    let session = Session::begin(operation, &rolling.acting, terminal)?;
    let plan = &session.plan;
    if let Some(id) = rolling.key.iter().find(|id| !plan.keys.iter().any(|key| key.key.id == **id)) {
        return Err(Failure::usage(format!("--key {id}: the plan is not about that key")));
    }
    let _locks = lock_users(plan, rolling.acting.lock_dir.as_deref())?;
    let (file, text) = open(session.path, Opening::Existing)?;
    let (journal, torn, mut progress) = understood(plan, session.path, &text)?;
    if torn.is_some() {
        file.cut().map_err(|error| Failure::new(error.to_string()))?;
    }
    #[cfg(debug_assertions)]
    let ledger = super::crash::Crashing { inner: &file };
    #[cfg(not(debug_assertions))]
    let ledger = file;
    if journal.lines.is_empty() {
        session.write(&ledger, opened(plan))?;
    }
    session.write(
        &ledger,
        Entry::Resumed { command: "rollback".to_owned(), dropped: torn.map(|torn| torn.bytes) },
    )?;
    let mut asked = session.asked(Asked {
        rollback: Some(rolling.reason.clone()),
        accepted: plan.accepted.clone(),
        ..Asked::default()
    });
    if !rolling.key.is_empty() {
        // The others stay where they are.
        let chosen = |id: &String| rolling.key.contains(id);
        asked.retain(|id, _| chosen(id));
        let mut only = session.plan.clone();
        only.keys.retain(|key| chosen(&key.key.id));
        progress.retain(|id, _| chosen(id));
        let session = Session { plan: only, ..session };
        return session.run(&ledger, &progress, &asked, &[], Some(&journal));
    }
    session.run(&ledger, &progress, &asked, &[], Some(&journal))
}

/// How far every key is, from the plan and its journal alone.
pub(super) fn status(
    operation: Operation,
    file: &PlanFile,
    terminal: &Terminal,
) -> Result<ExitKind, Failure> {
    let plan = read_plan(&file.plan, Some(operation))?;
    let path = journal_of(&file.plan);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::new(format!("{}: {error}", path.display()))),
    };
    let (journal, torn, progress) = understood(&plan, &file.plan, &text)?;
    if let Some(torn) = torn {
        terminal.warn(&format!(
            "{}: the last line is torn ({} bytes): resume drops it",
            path.display(),
            torn.bytes
        ));
    }
    if journal.lines.is_empty() {
        terminal.note("the plan was not applied yet");
    }
    let remark = |id: &str| {
        let of = |line: &crate::rotation::Line| match &line.what {
            Entry::Remark { key, text } if key == id => Some(format!("{}: {text}", line.at)),
            Entry::Key { key, event: Event::Failed { error, .. } } if key == id => {
                Some(format!("{}: {error}", line.at))
            }
            _ => None,
        };
        journal.lines.iter().rev().find_map(of)
    };
    let outcomes: Vec<outcome::Outcome> = plan
        .keys
        .iter()
        .filter_map(|key| {
            let progress = progress.get(&key.key.id)?;
            Some(outcome::status(&plan, &file.plan, key, progress, remark(&key.key.id)))
        })
        .collect();
    if file.json {
        outcomes.iter().try_for_each(|one| outcome::line(one, terminal))?;
        outcome::last_line(&plan, &outcomes, terminal)?;
    }
    outcome::print(&outcomes, file.json, terminal)?;
    let waits = outcomes.iter().any(|one| one.ended == "waiting");
    Ok(if waits { ExitKind::Paused } else { ExitKind::Done })
}

/// Shows a plan.
pub(super) fn show_plan(
    operation: Operation,
    file: &PlanFile,
    terminal: &Terminal,
) -> Result<ExitKind, Failure> {
    let plan = read_plan(&file.plan, Some(operation))?;
    let text = if file.json { plan.text() } else { show(&plan, Some(terminal.now())) };
    terminal.data(clean_lines(&text).as_bytes())?;
    Ok(ExitKind::Done)
}

/// Proves a journal, and prints it.
pub(super) fn audit(file: &PlanFile, terminal: &Terminal) -> Result<ExitKind, Failure> {
    let plan = read_plan(&file.plan, None)?;
    let path = journal_of(&file.plan);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let (journal, torn, _) = understood(&plan, &file.plan, &text)?;
    let mut out = String::new();
    for line in &journal.lines {
        if file.json {
            out.push_str(&serde_json::to_string(line).unwrap_or_default());
        } else {
            let what = serde_json::to_string(&line.what).unwrap_or_default();
            out.push_str(&format!("{:>4}  {}  {}  {what}", line.n, line.at, line.who));
        }
        out.push('\n');
    }
    terminal.data(clean_lines(&out).as_bytes())?;
    if let Some(torn) = torn {
        terminal.warn(&format!(
            "{} bytes at the end are no whole line: what they began was not done",
            torn.bytes
        ));
    }
    let last =
        read_journal(&text).ok().and_then(|(journal, _)| journal.lines.last().map(|line| line.hash.clone()));
    terminal.note(&format!(
        "{}: {} lines, each with the hash of the one before; the last is {}",
        path.display(),
        journal.lines.len(),
        last.unwrap_or_default()
    ));
    Ok(ExitKind::Done)
}
