//! Makes plans: which keys, what was observed of them, what forbids touching them.

use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use super::super::outputs;
use super::connect::{AwsOptions, refused};
use super::evidence;
use super::journals::journal_of;
use crate::aws::{Aws, Keys};
use crate::model::{Day, counted};
use crate::plan::{
    Accepted, Caller, Candidate, FLOOR_DAYS, KeyPlan, LeftOut, Managed, Mutes, Operation, Plan, Settings,
    SinkSpec, managed_keys, read_mutes, show, stops,
};
use crate::ports::{Identity, KeyStatus};
use crate::report::Report;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Which keys.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Which keys")]
pub(super) struct Choosing {
    /// Key ids, or users, whose active keys are meant
    #[arg(value_name = "KEY|USER")]
    pub(super) keys: Vec<String>,
    /// All active keys of the accounts that fit the filters
    #[arg(long, conflicts_with = "keys", required_unless_present = "keys")]
    pub(super) all: bool,
    /// Accounts, instead of the caller's own
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(super) accounts: Vec<String>,
    /// Only keys older than this
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(0..=36_500))]
    pub(super) older_than: Option<i32>,
    /// Only keys not used for longer than this, says IAM
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(0..=36_500))]
    pub(super) unused_for: Option<i32>,
    /// Only keys of users with this tag, such as team=payments; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) tag: Vec<String>,
    /// Only keys of this wave of the report; needs --evidence
    #[arg(long, value_name = "ID", requires = "evidence")]
    pub(super) wave: Option<String>,
    /// Logs, exports or stores that say who uses the keys, how often, and what could not be seen; may be given several
    /// times
    #[arg(long, value_name = "INPUT")]
    pub(super) evidence: Vec<String>,
    /// Exemptions [default: offkey.mutes.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) mutes: Option<String>,
    /// Terraform state, or a CloudFormation stack's resources: keys in it are left alone; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) state: Vec<String>,
}

/// What is done to them.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "What is done")]
pub(super) struct Doing {
    /// The plan's file
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: String,
    /// Hours within which the plan may be begun
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=720))]
    pub(super) expires_in: i64,
    /// Days that the old key has to be silent before it is deactivated; more where its own rhythm asks for more
    #[arg(long, value_name = "DAYS", default_value_t = FLOOR_DAYS, value_parser = clap::value_parser!(i32).range(i64::from(FLOOR_DAYS)..=400))]
    pub(super) silence: i32,
    /// Delete the old key so many days after it was deactivated; without it nothing is deleted
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(7..=400))]
    pub(super) delete_after: Option<i32>,
    /// A command to run at every resume while a deactivated key is waited for: if it fails, the key is made active again
    #[arg(long, value_name = "COMMAND")]
    pub(super) watch: Option<String>,
    /// Take a gap upon yourself: its id, or KEY:ID for one key; needs --reason
    #[arg(long, value_name = "ID", requires = "reason")]
    pub(super) accept_gap: Vec<String>,
    /// Why those gaps may be accepted
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Seconds that a command of yours may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) command_timeout: u64,
    /// Seconds that IAM may take to show a change
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(super) settle: u64,
    /// Exit with 11 where the plan has something to do
    #[arg(long)]
    pub(super) detailed_exit_code: bool,
    /// Print the plan as JSON instead of words
    #[arg(long)]
    pub(super) json: bool,
}

/// The sink of a key, by account, user and key.
pub(super) type SinkOf<'a> = &'a (dyn Fn(&str, &str, &str) -> Result<Option<SinkSpec>, Failure> + Sync);

/// The role that replaces a key, likewise.
pub(super) type RoleOf<'a> = &'a (dyn Fn(&str, &str, &str) -> Option<String> + Sync);

/// What rotation and retirement do not share.
pub(super) struct Special<'a> {
    pub(super) operation: Operation,
    pub(super) ses_smtp: &'a [String],
    pub(super) sink: SinkOf<'a>,
    pub(super) role: RoleOf<'a>,
}

/// Gaps as the command line accepts them.
pub(super) fn accepted(gaps: &[String], reason: Option<&str>) -> Result<Vec<Accepted>, Failure> {
    let reason = reason.unwrap_or_default().trim();
    if !gaps.is_empty() && reason.is_empty() {
        return Err(Failure::usage("--accept-gap needs a reason").hint("--reason \"why it may be accepted\""));
    }
    let one = |gap: &String| {
        let (key, gap) = gap.split_once(':').map_or((None, gap.as_str()), |(key, gap)| (Some(key), gap));
        Accepted { key: key.map(str::to_owned), gap: gap.to_owned(), reason: reason.to_owned() }
    };
    Ok(gaps.iter().map(one).collect())
}

/// Exemptions: those named, or those that lie here.
pub(in super::super) fn mutes(file: Option<&str>, now: Timestamp) -> Result<Mutes, Failure> {
    let path = file.unwrap_or(super::super::mute::FILE);
    if file.is_none() && !Path::new(path).exists() {
        return Ok(Mutes::default());
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    read_mutes(&text, Day::of(now)).map_err(|wrong| {
        Failure::new(format!("{path}: {wrong}"))
            .hint("what is meant to be exempt cannot be told, so that nothing is touched: mend the file")
    })
}

fn states(files: &[String]) -> Result<Vec<Managed>, Failure> {
    let mut out = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
        let keys = managed_keys(&text).ok_or_else(|| {
            Failure::new(format!("{path}: neither a Terraform state nor a stack's resources")).hint(
                "terraform state pull, terraform show -json, or aws cloudformation describe-stack-resources",
            )
        })?;
        out.extend(keys);
    }
    Ok(out)
}

/// Keys looked at side by side.
const AT_ONCE: usize = 6;

/// A key's part of the plan, why it is left alone, or nothing where a filter leaves it out.
type Looked = Result<Option<Result<KeyPlan, LeftOut>>, Failure>;

/// A key to look at.
struct Wanted {
    account: String,
    user: String,
    key: String,
}

/// Makes the plan, writes it and shows it.
pub(super) fn run(
    choosing: &Choosing,
    doing: &Doing,
    options: &AwsOptions,
    special: &Special<'_>,
    terminal: &Terminal,
) -> Result<ExitKind, Failure> {
    if journal_of(&doing.output).exists() {
        return Err(Failure::new(format!("{}: this plan was applied already", doing.output))
            .hint("give the new plan another name: the old one's journal needs it"));
    }
    let accepted = accepted(&doing.accept_gap, doing.reason.as_deref())?;
    let managed = states(&choosing.state)?;
    let report = match choosing.evidence.as_slice() {
        [] => None,
        inputs => Some(evidence::report(inputs, terminal)?),
    };
    let aws = options.connect(terminal)?;
    let keys = Keys::of(&aws);
    let now = keys.time().map_err(super::connect::failed)?;
    let mutes = mutes(choosing.mutes.as_deref(), now)?;
    let planner = Planner {
        choosing,
        special,
        keys: &keys,
        report: report.as_ref(),
        signing: aws.signing_key(),
        managed,
        mutes,
        now,
    };
    let (planned, left_out) = planner.all(&aws, terminal)?;
    let nothing = planned.is_empty();
    let plan = Plan {
        schema: String::new(),
        operation: special.operation,
        id: String::new(),
        created: now,
        expires: now.saturating_add(SignedDuration::from_hours(doing.expires_in)).unwrap_or(now),
        caller: Caller::of(&aws.caller().account, &aws.caller().arn),
        settings: Settings {
            silence_days: doing.silence,
            wait_days: doing.delete_after.unwrap_or(FLOOR_DAYS),
            delete: doing.delete_after.is_some(),
            watch: doing.watch.clone(),
            ses_smtp: special.ses_smtp.to_vec(),
            settle_seconds: doing.settle,
            command_seconds: doing.command_timeout,
        },
        keys: planned,
        left_out,
        accepted,
        digest: String::new(),
    }
    .sealed();
    let text = plan.text();
    let shown = if doing.json { text.clone() } else { show(&plan, Some(now)) };
    terminal.data(clean_lines(&shown).as_bytes())?;
    if nothing {
        let left = counted(plan.left_out.len(), "key");
        let failure = Failure {
            kind: ExitKind::Drifted,
            ..Failure::new(format!("nothing to plan: {left} left alone, none to {}", special.operation.id()))
        };
        // A filter that finds nothing is no error.
        if plan.left_out.is_empty() && choosing.all {
            terminal.note("no key fits the filters; no plan was written");
            return Ok(ExitKind::Done);
        }
        return Err(failure.hint("the reasons are above, each with what to do instead"));
    }
    outputs::write(&doing.output, text.as_bytes(), terminal)?;
    terminal.note(&format!(
        "nothing was changed. Read the plan, then: offkey {} apply {}",
        special.operation.id(),
        doing.output
    ));
    Ok(if doing.detailed_exit_code { ExitKind::Changes } else { ExitKind::Done })
}

/// Names of users and tags may hold anything.
pub(super) fn clean_lines(text: &str) -> String {
    text.lines().map(|line| crate::report::clean(line).into_owned() + "\n").collect()
}

struct Planner<'a> {
    choosing: &'a Choosing,
    special: &'a Special<'a>,
    keys: &'a Keys<'a>,
    report: Option<&'a Report>,
    signing: Option<String>,
    managed: Vec<Managed>,
    mutes: Mutes,
    now: Timestamp,
}

impl Planner<'_> {
    fn all(&self, aws: &Aws, terminal: &Terminal) -> Result<(Vec<KeyPlan>, Vec<LeftOut>), Failure> {
        let own = [aws.caller().account.clone()];
        let accounts = if self.choosing.accounts.is_empty() { &own[..] } else { &self.choosing.accounts };
        let wanted = self.wanted(accounts, terminal)?;
        let bar = terminal.steps_bar(wanted.len() as u64, "keys looked at");
        // Several questions for each key: side by side they take a fraction of the time.
        let next = AtomicUsize::new(0);
        let found: Mutex<Vec<(usize, Looked)>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(wanted.len()) {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::SeqCst);
                        let Some(one) = wanted.get(n).filter(|_| !terminal.stopped()) else { return };
                        let looked = self.one(one);
                        let failed = looked.is_err();
                        found.lock().unwrap_or_else(PoisonError::into_inner).push((n, looked));
                        bar.inc(1);
                        if failed {
                            next.store(wanted.len(), Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        if terminal.stopped() {
            return Err(Failure::interrupted());
        }
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|(n, _)| *n);
        let (mut planned, mut left_out): (Vec<KeyPlan>, Vec<LeftOut>) = (Vec::new(), Vec::new());
        for (_, looked) in found {
            match looked? {
                Some(Ok(key)) => planned.push(key),
                Some(Err(left)) => left_out.push(left),
                None => {}
            }
        }
        bar.finish_and_clear();
        Ok((planned, left_out))
    }

    /// The keys that are meant.
    fn wanted(&self, accounts: &[String], terminal: &Terminal) -> Result<Vec<Wanted>, Failure> {
        let mut out: Vec<Wanted> = Vec::new();
        let users = |account: &str, user: &str, out: &mut Vec<Wanted>| -> Result<bool, Failure> {
            let look = self.keys.look(account, user).map_err(refused)?;
            let Some(keys) = look.keys else { return Ok(false) };
            for key in keys.into_iter().filter(|key| key.status == KeyStatus::Active) {
                out.push(Wanted { account: account.to_owned(), user: user.to_owned(), key: key.id });
            }
            Ok(true)
        };
        for name in &self.choosing.keys {
            let mut found = false;
            for account in accounts {
                if name.starts_with("AKIA") {
                    // AWS answers for keys of the account only, and refuses all others.
                    let owner = match self.keys.owner(account, name) {
                        Ok(owner) => owner,
                        Err(error) if error.kind == crate::ports::CallErrorKind::Denied => {
                            terminal.note(&format!("account {account}: {error}"));
                            None
                        }
                        Err(error) => return Err(refused(error)),
                    };
                    let owner = owner.filter(|owner| !owner.is_empty());
                    if let Some(user) = owner {
                        out.push(Wanted { account: account.clone(), user, key: name.clone() });
                        found = true;
                    }
                } else {
                    found |= users(account, name, &mut out)?;
                }
                if found {
                    break;
                }
            }
            if !found {
                let kind = if name.starts_with("AKIA") { "key" } else { "user" };
                return Err(Failure::new(format!("no {kind} {name} in account {}", accounts.join(", ")))
                    .hint("give its account by --accounts; names of users are spelled as IAM has them"));
            }
        }
        if self.choosing.all {
            for account in accounts {
                let listed = self.keys.users(account).map_err(refused)?;
                let bar = terminal.steps_bar(listed.len() as u64, "users listed");
                for user in listed {
                    if terminal.stopped() {
                        return Err(Failure::interrupted());
                    }
                    users(account, &user.name, &mut out)?;
                    bar.inc(1);
                }
                bar.finish_and_clear();
            }
        }
        let mut known = std::collections::BTreeSet::new();
        out.retain(|wanted| known.insert(wanted.key.clone()));
        Ok(out)
    }

    /// A key's part of the plan, why it is left alone, or nothing where a filter leaves it out.
    fn one(&self, wanted: &Wanted) -> Looked {
        let Wanted { account, user, key } = wanted;
        let look = self.keys.look(account, user).map_err(refused)?;
        for tag in &self.choosing.tag {
            let (name, value) = tag.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--tag {tag:?} has no value")).hint("write NAME=VALUE")
            })?;
            if look.tag(name) != Some(value) {
                return Ok(None);
            }
        }
        let used = self.keys.last_use(account, key).map_err(refused)?;
        let seen = look.keys.as_ref().and_then(|keys| keys.iter().find(|seen| seen.id == *key)).cloned();
        let older = |at: Timestamp, days: i32| {
            self.now.duration_since(at) > SignedDuration::from_hours(24 * i64::from(days))
        };
        if let Some(seen) = &seen {
            let young = self.choosing.older_than.is_some_and(|days| !older(seen.created, days));
            let last = used.as_ref().map_or(seen.created, |used| used.at);
            let busy = self.choosing.unused_for.is_some_and(|days| !older(last, days));
            if young || busy {
                return Ok(None);
            }
        }
        if let Some(wave) = &self.choosing.wave {
            let of = self.report.and_then(|report| evidence::key_of(report, key)).map(|key| key.wave);
            if of != Some(wave.as_str()) {
                return Ok(None);
            }
        }
        let gist = self.report.and_then(|report| evidence::gist(report, key));
        let person = self.keys.person(account, user).map_err(refused)?;
        let candidate = Candidate {
            account,
            user,
            key,
            look: &look,
            person: &person,
            signing: self.signing.as_deref(),
            ses_smtp: !self.special.ses_smtp.is_empty(),
            managed: &self.managed,
            states_given: !self.choosing.state.is_empty(),
            mutes: &self.mutes,
            operation: self.special.operation,
            sends_mail: gist.as_ref().is_some_and(|gist| gist.gaps.iter().any(|gap| gap.id == "ses-smtp")),
        };
        if let Some(stop) = stops(&candidate).first() {
            return Ok(Some(Err(stop.left_out(&candidate))));
        }
        let Some(seen) = seen else { return Ok(None) };
        Ok(Some(Ok(KeyPlan {
            account: account.clone(),
            user: user.clone(),
            user_arn: person.arn.clone(),
            key: seen,
            last_used: used.map(|used| used.at),
            sink: (self.special.sink)(account, user, key)?,
            role: (self.special.role)(account, user, key),
            evidence: gist,
        })))
    }
}
