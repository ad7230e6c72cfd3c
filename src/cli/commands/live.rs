//! `offkey collect --aws`: asks AWS itself, part by part, into the store; and goes on where it was cut short.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::collect::failure;
use super::filter::Wanted;
use super::s3_source::{self, Access as S3Options, Source};
use crate::aws::{
    Access, Aws, AwsError, Budget, Collected, Happening, LivePlan, Meter, Problem, ProblemKind, S3Url,
    TrailBucket,
};
use crate::cloudtrail::{object_name, session_hash};
use crate::evidence::Facts;
use crate::input::Entry;
use crate::model::{Day, Skip, SkipReason};
use crate::store::{EvidenceStore, StoreError, StoredDocument, StoredFile};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What the role is called that `offkey permissions` sets up.
pub(super) const ROLE: &str = "offkey-reader";

/// A collection that was cut short is gone on with for so long; later, answers of both would be of too different times.
/// As long as AWS keeps a credential report.
const RESUMED: i64 = 4 * 3600;

/// Days of logs that are read where `--since` does not say: the default threshold of idleness, and some more.
pub(super) const DAYS: i32 = 100;

/// A trail whose newest log object is older shows no longer what happens.
const LATELY: i32 = 2;

/// When LookupEvents is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LookupWhen {
    /// For accounts without recent logs of a trail of all regions
    Auto,
    /// For all accounts
    Always,
    /// Not at all
    Never,
}

/// Asking AWS itself.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Live AWS")]
pub(super) struct LiveArguments {
    /// Ask AWS: users, keys and policies, trails and their logs in S3, and LookupEvents for what no trail shows; only
    /// reads are made
    #[arg(long)]
    pub(super) aws: bool,
    /// All active accounts of the organization, instead of the caller's own or those of --accounts
    #[arg(long)]
    pub(super) organization: bool,
    /// Accounts below this organizational unit or root; may be given several times
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(super) ou: Vec<String>,
    /// Accounts to leave out
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(super) exclude_accounts: Vec<String>,
    /// Role to take in other accounts than the caller's
    #[arg(long, value_name = "NAME", default_value = ROLE)]
    pub(super) role_name: String,
    /// External id that those roles ask for
    #[arg(long, value_name = "ID")]
    pub(super) external_id: Option<String>,
    /// MFA device to show first: its ARN or serial number; its code is asked for
    #[arg(long, value_name = "ARN")]
    pub(super) mfa_serial: Option<String>,
    /// When to ask LookupEvents, which takes half a second for each key and region at least
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(super) lookup: LookupWhen,
    /// Do not read the trails' logs from S3
    #[arg(long)]
    pub(super) no_trails: bool,
    /// Also read the policies of buckets, KMS keys, queues, topics and secrets, which may name users
    #[arg(long)]
    pub(super) resource_policies: bool,
    /// Make so many requests to AWS at most, retries among them
    #[arg(long, value_name = "N")]
    pub(super) max_calls: Option<u64>,
    /// Ask AWS for so long at most: 90s, 30m, 2h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) max_time: Option<Duration>,
    /// Start anew also where a collection was cut short
    #[arg(long)]
    pub(super) fresh: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(['s', 'm', 'h']);
    let unit = match text.strip_prefix(number) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        _ => return Err("write 90s, 30m or 2h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "write 90s, 30m or 2h".to_owned())?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}

impl LiveArguments {
    /// Options that mean nothing without --aws are not passed over in silence.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let given = [
            ("--organization", self.organization),
            ("--ou", !self.ou.is_empty()),
            ("--exclude-accounts", !self.exclude_accounts.is_empty()),
            ("--external-id", self.external_id.is_some()),
            ("--mfa-serial", self.mfa_serial.is_some()),
            ("--no-trails", self.no_trails),
            ("--resource-policies", self.resource_policies),
        ];
        match given.into_iter().find(|(_, given)| *given && !self.aws) {
            Some((name, _)) => {
                Err(Failure::usage(format!("{name} needs --aws")).hint("collect --aws asks AWS itself"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn budget(&self) -> Budget {
        Budget { max_calls: self.max_calls, max_time: self.max_time }
    }
}

/// A connection and what it brought.
pub(super) struct Live {
    pub(super) aws: Aws,
    pub(super) arguments: LiveArguments,
    /// Accounts that are collected.
    pub(super) accounts: Vec<String>,
    pub(super) started: Timestamp,
    /// When the collection began that this run goes on with; otherwise when this run did.
    pub(super) since: Timestamp,
    resource_pays: bool,
    scope: String,
    buckets: BTreeSet<TrailBucket>,
    /// Regions of each account, and whether AWS itself named them.
    pub(super) regions: BTreeMap<String, (Vec<String>, bool)>,
    /// What did not come; the store knows it already.
    pub(super) skips: Vec<Skip>,
    /// Trails' logs that could not be listed.
    pub(super) unlisted: Vec<Skip>,
}

/// Connects to AWS and finds the accounts.
pub(super) fn connect(
    arguments: &LiveArguments,
    access: &S3Options,
    wanted: &Wanted,
    meter: &Arc<Meter>,
    terminal: &Terminal,
) -> Result<Live, Failure> {
    let mfa = match &arguments.mfa_serial {
        Some(serial) => Some((serial.clone(), terminal.ask(&format!("MFA code of {serial}: "))?)),
        None => None,
    };
    let access_to_all = Access {
        profile: access.profile.clone(),
        region: access.region.clone(),
        role_name: Some(arguments.role_name.clone()),
        external_id: arguments.external_id.clone(),
        mfa,
        ..Access::default()
    };
    let aws = Aws::connect(&access_to_all, meter.clone()).map_err(s3_source::failure)?;
    let accounts = accounts(&aws, arguments, wanted, terminal)?;
    let scope =
        json!({"accounts": accounts, "regions": wanted.regions, "policies": arguments.resource_policies});
    let now = terminal.now();
    Ok(Live {
        aws,
        arguments: arguments.clone(),
        accounts,
        started: now,
        since: now,
        resource_pays: access.requester_pays,
        scope: scope.to_string(),
        buckets: BTreeSet::new(),
        regions: BTreeMap::new(),
        skips: Vec::new(),
        unlisted: Vec::new(),
    })
}

/// The accounts that are wanted, sorted.
pub(super) fn accounts(
    aws: &Aws,
    arguments: &LiveArguments,
    wanted: &Wanted,
    terminal: &Terminal,
) -> Result<Vec<String>, Failure> {
    let mut accounts = if arguments.organization || !arguments.ou.is_empty() {
        let members = aws.members(&arguments.ou).map_err(|error| {
            s3_source::failure(error).hint(
                "only the management account and delegated administrators may list accounts; name them by --accounts otherwise",
            )
        })?;
        let (active, closed): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| member.active);
        if !closed.is_empty() {
            let ids: Vec<String> = closed.into_iter().map(|member| member.id).collect();
            terminal.note(&format!("not active, and not collected: {}", ids.join(", ")));
        }
        let listed: Vec<String> = active.into_iter().map(|member| member.id).collect();
        if let Some(unknown) = wanted.accounts.iter().find(|id| !listed.contains(id)) {
            return Err(Failure::usage(format!(
                "--accounts: {unknown} is no active account of the organization"
            )));
        }
        listed.into_iter().filter(|id| wanted.accounts.is_empty() || wanted.accounts.contains(id)).collect()
    } else if wanted.accounts.is_empty() {
        vec![aws.caller().account.clone()]
    } else {
        wanted.accounts.clone()
    };
    accounts.retain(|id| !arguments.exclude_accounts.contains(id));
    accounts.sort();
    accounts.dedup();
    if accounts.is_empty() {
        return Err(Failure::usage("no account is left to collect"));
    }
    Ok(accounts)
}

/// The time in RFC 3339, as documents have it.
fn now_text() -> String {
    super::super::terminal::now().to_string()
}

impl Live {
    /// Collects inventory, trails and surroundings into the store.
    pub(super) fn collect(&mut self, store: &mut EvidenceStore, terminal: &Terminal) -> Result<(), Failure> {
        let done = self.resume(store, terminal).map_err(failure)?;
        self.mark(store, None).map_err(failure)?;
        let plan = LivePlan {
            accounts: self.accounts.clone(),
            regions: Vec::new(),
            resource_policies: self.arguments.resource_policies,
            done,
        };
        let caller = self.aws.caller().clone();
        terminal.note(&format!("asking AWS as {} about {} accounts", caller.arn, plan.accounts.len()));
        let bar = terminal.steps_bar(plan.accounts.len() as u64, "accounts collected");
        let (mut problem, mut gone, mut skips) = (None, Vec::new(), Vec::new());
        let (mut buckets, mut regions) = (BTreeSet::new(), BTreeMap::new());
        let observed = self.started.as_microsecond();
        let result = self.aws.collect(&plan, now_text, terminal.stop(), &mut |happening| {
            let taken = match happening {
                Happening::Came(came) => {
                    bar.set_message(format!("accounts collected, {} requests", self.aws.meter().sum().calls));
                    let file = stored(&came, observed);
                    skips.extend(file.skips.iter().cloned());
                    store.add(&Facts::default(), [file])
                }
                Happening::Users(account, names) => {
                    let beginning = format!("aws/{account}/iam/users/");
                    let names: BTreeSet<String> = names.into_iter().collect();
                    store.observed(&beginning).map(|known| {
                        let left = known.into_iter().map(|(identity, _)| identity);
                        gone.extend(
                            left.filter(|i| !names.contains(i.get(beginning.len()..).unwrap_or_default())),
                        );
                    })
                }
                Happening::Regions(account, names, told) => {
                    regions.insert(account, (names, told));
                    Ok(())
                }
                Happening::Bucket(bucket) => {
                    buckets.insert(bucket);
                    Ok(())
                }
                Happening::Done(_) => {
                    bar.inc(1);
                    Ok(())
                }
            };
            problem = taken.err();
            problem.is_none()
        });
        bar.finish_and_clear();
        (self.buckets, self.regions, self.skips) = (buckets, regions, skips);
        if let Some(error) = problem {
            return Err(failure(error));
        }
        store.forget(&gone).map_err(failure)?;
        result.map_err(|error| match error {
            AwsError::Interrupted => {
                Failure::interrupted().hint("what came is in the store; run the same command again to go on")
            }
            other => s3_source::failure(other),
        })
    }

    /// What the collection that this run goes on with had done; nothing where it starts anew.
    fn resume(
        &mut self,
        store: &mut EvidenceStore,
        terminal: &Terminal,
    ) -> Result<BTreeSet<String>, StoreError> {
        let (mut earlier, mut over) = (None, Vec::new());
        for (identity, content) in store.documents("collection")? {
            let content: Value = serde_json::from_str(&content).unwrap_or_default();
            if identity == self.name() {
                earlier = Some(content);
            } else if identity.starts_with("aws/") && self.covers(&content) {
                over.push(identity);
            }
        }
        store.forget(&over)?;
        let Some(content) = earlier else { return Ok(BTreeSet::new()) };
        let text = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or_default();
        let started: Option<Timestamp> = text("Started").parse().ok();
        let same = text("Scope") == self.scope && content.get("Finished").is_some_and(Value::is_null);
        let Some(started) = started.filter(|at| {
            same && self.started.as_second() - at.as_second() < RESUMED && !self.arguments.fresh
        }) else {
            return Ok(BTreeSet::new());
        };
        self.since = started;
        let done: BTreeSet<String> =
            store.whole_since("aws/", started.as_microsecond())?.into_iter().collect();
        terminal.note(&format!(
            "going on with the collection of {started}: {} parts of it are there",
            done.len()
        ));
        Ok(done)
    }

    /// What the store calls a collection of these accounts; those of others stand beside it, also when stores are merged.
    fn name(&self) -> String {
        format!("aws/collection/{:08x}", session_hash(self.scope.as_bytes()))
    }

    /// Whether all accounts of an earlier collection are collected by this one, which then takes its place.
    fn covers(&self, earlier: &Value) -> bool {
        let scope = earlier.get("Scope").and_then(Value::as_str).unwrap_or_default();
        let scope: Value = serde_json::from_str(scope).unwrap_or_default();
        let accounts = scope.get("accounts").and_then(Value::as_array).into_iter().flatten();
        accounts.filter_map(Value::as_str).all(|id| self.accounts.iter().any(|own| own == id))
    }

    /// Notes how far the collection came.
    fn mark(&self, store: &mut EvidenceStore, finished: Option<Timestamp>) -> Result<(), StoreError> {
        let content = json!({
            "Started": self.since.to_string(),
            "Finished": finished.map(|at| at.to_string()),
            "Scope": self.scope,
            "Caller": self.aws.caller().arn,
        });
        let document =
            StoredDocument { kind: "collection".into(), source: self.name(), content: content.to_string() };
        let file = StoredFile {
            identity: self.name(),
            label: self.name(),
            input: "aws".into(),
            documents: vec![document],
            observed: self.started.as_microsecond(),
            ..StoredFile::default()
        };
        store.add(&Facts::default(), [file])
    }

    /// Notes that everything was asked, unless the budget forbade some of it.
    pub(super) fn finish(&self, store: &mut EvidenceStore) -> Result<(), Failure> {
        if self.aws.meter().is_spent() {
            return Ok(());
        }
        self.mark(store, Some(super::super::terminal::now())).map_err(failure)
    }

    /// What of the trails' logs is wanted: of the collected accounts, and of the last hundred days unless said otherwise.
    pub(super) fn logs(&self, wanted: &Wanted) -> Wanted {
        let since = wanted.since.or_else(|| Some(Day::of(self.started).plus(-DAYS)));
        Wanted { since, accounts: self.accounts.clone(), ..wanted.clone() }
    }

    /// The trails' buckets as sources, each listed with the first credentials that may list it; what nobody may is
    /// skipped.
    pub(super) fn sources(
        &mut self,
        first: usize,
        wanted: &Wanted,
        terminal: &Terminal,
    ) -> Result<Vec<(Source, Vec<Entry>)>, Failure> {
        if self.arguments.no_trails {
            return Ok(Vec::new());
        }
        let mut places: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for bucket in &self.buckets {
            let owner = bucket.trail.split(':').nth(4).unwrap_or_default();
            let candidates = places.entry((bucket.bucket.clone(), bucket.prefix.clone())).or_default();
            candidates.extend([owner.to_owned(), bucket.account.clone()]);
        }
        let own = self.aws.caller().account.clone();
        let mut sources = Vec::new();
        for ((bucket, prefix), accounts) in places {
            let slash = if prefix.is_empty() { "" } else { "/" };
            let url = S3Url { bucket, prefix: format!("{prefix}{slash}AWSLogs/") };
            let others = accounts.iter().filter(|id| **id != own && self.accounts.contains(id)).take(3);
            let mut last = None;
            for id in std::iter::once(&own).chain(others) {
                let s3 = self.aws.s3(&self.aws.account(id), self.resource_pays);
                let mut source = Source::at(url.clone(), s3, first + sources.len());
                match source.list(wanted, terminal) {
                    Ok((entries, archived)) => {
                        self.unlisted.extend(archived);
                        sources.push((source, entries));
                        last = None;
                        break;
                    }
                    Err(error) if error.kind == ExitKind::Interrupted => return Err(error),
                    Err(error) => last = Some(error),
                }
            }
            if let Some(error) = last {
                self.unlisted.push(skip(
                    &format!("{}/{}", url.root(), url.prefix),
                    &Problem::from_text(&error.message),
                ));
            }
        }
        Ok(sources)
    }

    /// Accounts whose trails show all regions until now: nothing is left for LookupEvents.
    pub(super) fn with_logs(&self, sources: &[(Source, Vec<Entry>)]) -> BTreeSet<String> {
        let today = Day::of(self.started);
        let names = sources.iter().flat_map(|(_, entries)| entries).map(Entry::label);
        let recent = names.filter_map(|label| {
            let name = object_name(&label)?;
            (name.day >= today.plus(-LATELY)).then(|| name.account.to_string())
        });
        let recent: BTreeSet<String> = recent.collect();
        let everywhere = self.buckets.iter().filter(|bucket| bucket.everywhere);
        everywhere.filter(|bucket| recent.contains(&bucket.account)).map(|b| b.account.clone()).collect()
    }
}

/// What came, as the store keeps it.
fn stored(came: &Collected, observed: i64) -> StoredFile {
    // Where exports name no account, the last twelve digits in their source do; a user's name may have some, too.
    let source = format!("aws/{}", came.account);
    let documents: Vec<StoredDocument> = came
        .documents
        .iter()
        .map(|(kind, content)| StoredDocument {
            kind: (*kind).to_owned(),
            source: source.clone(),
            content: content.to_string(),
        })
        .collect();
    let size = documents.iter().map(|document| document.content.len() as u64).sum();
    StoredFile {
        identity: came.name.clone(),
        label: came.name.clone(),
        input: "aws".to_owned(),
        size,
        bytes: size,
        documents,
        skips: came.problems.iter().map(|problem| skip(&came.name, problem)).collect(),
        observed,
        ..StoredFile::default()
    }
}

/// A problem as something that was passed over.
pub(super) fn skip(source: &str, problem: &Problem) -> Skip {
    let reason = match problem.kind {
        ProblemKind::Denied => SkipReason::Denied,
        ProblemKind::Failed => SkipReason::CallFailed,
        ProblemKind::NotAsked => SkipReason::NotAsked,
    };
    Skip { source: source.to_owned(), offset: None, reason, detail: problem.detail.clone() }
}
