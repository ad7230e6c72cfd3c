//! `offkey collect --athena`: finds the table, says what it will cost, and has every slice computed once.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::athena_queries::{Queries, finished, stored};
use super::collect::failure;
use super::filter::Wanted;
use super::live::DAYS;
use super::s3_source::{self, Access as S3Options};
use crate::athena::{
    Description, Estimate, Layout, Slice, TableSpec, create_table, dollars, identifier, months, read_results,
    session_slices,
};
use crate::aws::{Access, AthenaPlace, AthenaTable, Aws, Choice, Meter, S3, S3Url};
use crate::cloudtrail::{object_name, session_hash};
use crate::evidence::{Coverage, Lineage};
use crate::model::{Day, parse_day};
use crate::store::{EvidenceStore, QueryState, StoredFile};
use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Having Athena compute the evidence where the logs lie.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Athena")]
pub(super) struct AthenaArguments {
    /// Have Amazon Athena compute the evidence where the logs lie, an account and a month at a time
    #[arg(long)]
    pub(super) athena: bool,
    /// Athena's workgroup
    #[arg(long, value_name = "NAME", default_value = "primary")]
    pub(super) workgroup: String,
    /// Database of the table
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(super) database: String,
    /// Table of CloudTrail logs [default: the only one in the database, or the trail's]
    #[arg(long, value_name = "NAME")]
    pub(super) table: Option<String>,
    /// Where the trail's logs are, for a table that offkey made or makes
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub(super) trail: Option<String>,
    /// Make the table where there is none; what will be made is printed first
    #[arg(long)]
    pub(super) create_table: bool,
    /// Where Athena writes results, where the workgroup does not say
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub(super) output_location: Option<String>,
    /// Refuse to scan more: 500GB, 2TB, or unlimited, which also spares listing the logs
    #[arg(long, value_name = "SIZE", default_value = "1TB", value_parser = size)]
    pub(super) max_scan: u64,
    /// Queries that run at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=20))]
    pub(super) queries: u16,
    /// Results of `offkey athena sql` that somebody else had computed: CSV or Parquet
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) athena_results: Vec<PathBuf>,
}

/// Reads 500GB and the like; bytes as AWS counts them on its bills.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write 500GB, 2TB or unlimited".to_owned();
    if text == "unlimited" {
        return Ok(u64::MAX);
    }
    let units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000)];
    let (number, unit) =
        units.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes))).ok_or_else(wrong)?;
    number.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(wrong)
}

impl AthenaArguments {
    /// Options that mean nothing without --athena are not passed over in silence.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let given = [
            ("--table", self.table.is_some()),
            ("--trail", self.trail.is_some()),
            ("--create-table", self.create_table),
            ("--output-location", self.output_location.is_some()),
        ];
        if let Some((name, _)) = given.into_iter().find(|(_, given)| *given && !self.athena) {
            return Err(Failure::usage(format!("{name} needs --athena")));
        }
        let names = [Some(&self.database), self.table.as_ref()];
        for name in names.into_iter().flatten() {
            identifier(name).map_err(|error| Failure::usage(error.to_string()))?;
        }
        // Workgroups' names are words, dots and hyphens
        // (https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroup.html).
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.workgroup.is_empty() || !self.workgroup.chars().all(fits) {
            return Err(Failure::usage(format!(
                "--workgroup: {:?} is no name of a workgroup",
                self.workgroup
            )));
        }
        if self.create_table && self.trail.is_none() {
            return Err(Failure::usage("--create-table needs --trail")
                .hint("say where the logs are: s3://BUCKET/PREFIX"));
        }
        Ok(())
    }
}

/// What was done.
#[derive(Debug, Default, Serialize)]
pub(super) struct Asked {
    pub(super) table: String,
    pub(super) estimated_bytes: Option<u64>,
    pub(super) slices: usize,
    pub(super) slices_known: usize,
    pub(super) slices_of_sessions: usize,
    pub(super) queries_started: u64,
    pub(super) scanned_bytes: u64,
    pub(super) rows: u64,
    pub(super) events: u64,
    /// What Athena charges for what it scanned, about, in dollars.
    pub(super) dollars: f64,
    /// Accounts' days that could not be read.
    pub(super) days_not_read: u64,
}

/// Has it computed.
pub(super) fn run(
    arguments: &AthenaArguments,
    access: &S3Options,
    wanted: &Wanted,
    fresh: bool,
    meter: &Arc<Meter>,
    store: &mut EvidenceStore,
    terminal: &Terminal,
) -> Result<Asked, Failure> {
    let connection =
        Access { profile: access.profile.clone(), region: access.region.clone(), ..Access::default() };
    let aws = Aws::connect(&connection, meter.clone()).map_err(s3_source::failure)?;
    let mut s3 = aws.s3(&aws.own(), access.requester_pays);
    let place = AthenaPlace {
        workgroup: arguments.workgroup.clone(),
        database: arguments.database.clone(),
        output: arguments.output_location.clone(),
    };
    let mut queries = Queries::new(&aws, place, usize::from(arguments.queries), terminal);
    let layout = layout(arguments, wanted, &mut queries, &mut s3, store)?;
    let today = Day::of(terminal.now());
    let (first, last) = (wanted.since.unwrap_or(today.plus(-DAYS)), wanted.until.unwrap_or(today));
    let accounts = accounts(&layout, wanted, &mut s3)?;
    let origin = layout.scope(&wanted.regions);
    if fresh {
        store.forget_queries(&format!("{origin}/")).map_err(failure)?;
    }
    let all = months(&accounts, first, last);
    let slices = left(&all, &origin, store)?;
    let mut asked = Asked { table: origin.clone(), slices: all.len(), ..Asked::default() };
    asked.slices_known = all.len()
        - slices
            .iter()
            .map(|slice| (&slice.account, slice.first.to_string().get(..7).map(str::to_owned)))
            .collect::<BTreeSet<_>>()
            .len();
    terminal.note(&format!(
        "{origin}: {} slices of an account and a month, {} of them known already",
        asked.slices, asked.slices_known
    ));
    let listed = match slices.is_empty() || arguments.max_scan == u64::MAX {
        true => None,
        false => Some(estimate(&layout, &slices, wanted, &mut s3, terminal)?),
    };
    if let Some(listed) = &listed {
        let Estimate { bytes, objects, exact } = listed.estimate;
        asked.estimated_bytes = Some(bytes);
        terminal.note(&format!(
            "{} of {} log objects to scan{}, about {:.2} dollars; once more at most, where keys took roles",
            bytes_text(bytes),
            objects,
            if exact { "" } else { ", by a sample of days" },
            dollars(bytes, slices.len() as u64),
        ));
        if bytes > arguments.max_scan {
            return Err(Failure::new(format!(
                "{} would be scanned, which is more than --max-scan ({})",
                bytes_text(bytes),
                bytes_text(arguments.max_scan)
            ))
            .hint("narrow it by --accounts, --since and --until, or raise --max-scan"));
        }
    }
    let regions = &wanted.regions;
    let mut counts = listed.map(|listed| listed.counts).unwrap_or_default();
    queries.limit = arguments.max_scan;
    let everything = slices.is_empty();
    if !everything {
        finished(store, &origin, false, terminal).map_err(failure)?;
    }
    queries.run(&layout, slices, regions, &mut counts, store)?;
    // Which sessions matter is known only when all that hands some out was read.
    let sessions = sessions(store)?;
    let (of_sessions, odd) = session_slices(&accounts, &sessions, first, last);
    let of_sessions = left(&of_sessions, &origin, store)?;
    asked.slices_of_sessions = of_sessions.len();
    if !of_sessions.is_empty() {
        terminal.note(&format!(
            "{} role sessions that keys handed out: {} slices to look for what they did",
            sessions.len(),
            of_sessions.len()
        ));
        finished(store, &origin, false, terminal).map_err(failure)?;
        queries.run(&layout, of_sessions, regions, &mut BTreeMap::new(), store)?;
    }
    if odd > 0 {
        terminal.warn(&format!("{odd} session ids in the logs are none, and were not asked about"));
    }
    finished(store, &origin, true, terminal).map_err(failure)?;
    asked.queries_started = queries.started;
    asked.scanned_bytes = queries.scanned;
    asked.rows = queries.rows;
    asked.events = queries.events;
    asked.days_not_read = queries.not_read.len() as u64;
    asked.dollars = dollars(queries.scanned, queries.started);
    Ok(asked)
}

/// The slices of which something is left to ask. Days of a month that an earlier run asked about are asked about once more
/// only from its last one on, as records come late.
fn left(slices: &[Slice], origin: &str, store: &EvidenceStore) -> Result<Vec<Slice>, Failure> {
    let known = store.queries().map_err(failure)?;
    let done: HashSet<&str> = known
        .iter()
        .filter(|query| query.state == QueryState::Done)
        .map(|query| query.name.as_str())
        .collect();
    let split: HashSet<&str> = known
        .iter()
        .filter(|query| query.state == QueryState::Split)
        .map(|query| query.name.as_str())
        .collect();
    let mut left = Vec::new();
    let mut open: Vec<Slice> = slices.iter().rev().cloned().collect();
    while let Some(mut slice) = open.pop() {
        let name = slice.name(origin);
        if done.contains(name.as_str()) {
            continue;
        }
        if split.contains(name.as_str())
            && let Some([before, after]) = slice.halves()
        {
            open.extend([after, before]);
            continue;
        }
        if slice.sessions.is_empty() {
            let account = slice.account.as_deref().unwrap_or("all");
            let of_account = format!("{origin}/{account}/");
            let asked = done.iter().filter_map(|name| {
                let (from, to) = name.strip_prefix(&of_account)?.split_once('/')?;
                Some((parse_day(from)?, parse_day(to)?))
            });
            let until =
                asked.filter(|(from, to)| *from <= slice.first && *to < slice.last).map(|(_, to)| to).max();
            slice.first = until.map_or(slice.first, |until| until.max(slice.first));
        }
        left.push(slice);
    }
    Ok(left)
}

/// The table: as named, as the trail's is called, or the only one there is.
fn layout(
    arguments: &AthenaArguments,
    wanted: &Wanted,
    queries: &mut Queries<'_>,
    s3: &mut S3,
    store: &mut EvidenceStore,
) -> Result<Layout, Failure> {
    let database = &arguments.database;
    let place = queries.place.clone();
    let usable = |table: AthenaTable| {
        Layout::of(database, &described(table)).map_err(|error| {
            Failure::new(error.to_string())
                .hint("name another --table, or have offkey make one: --trail s3://… --create-table")
        })
    };
    let Some(trail) = &arguments.trail else {
        if let Some(name) = &arguments.table {
            let found = queries.aws.athena_table(&place, name).map_err(s3_source::failure)?;
            let none = || {
                Failure::new(format!("there is no table {database}.{name}"))
                    .hint("name another --database or --table, or have offkey make one: --trail s3://… --create-table")
            };
            return usable(found.ok_or_else(none)?);
        }
        let tables = queries.aws.athena_tables(&place).map_err(s3_source::failure)?;
        let fit: Vec<Layout> =
            tables.into_iter().filter_map(|table| Layout::of(database, &described(table)).ok()).collect();
        return match <[Layout; 1]>::try_from(fit) {
            Ok([only]) => Ok(only),
            Err(fit) if fit.is_empty() => {
                Err(Failure::new(format!("no table in the database {database} holds CloudTrail logs by day"))
                    .hint(
                        "name another --database, or have offkey make a table: --trail s3://… --create-table",
                    ))
            }
            Err(fit) => {
                let names: Vec<&str> = fit.iter().map(|layout| layout.table.as_str()).collect();
                Err(Failure::usage(format!("several tables hold CloudTrail logs: {}", names.join(", ")))
                    .hint("choose one by --table"))
            }
        };
    };
    let location = trail_location(trail, s3)?;
    let name = arguments.table.clone().unwrap_or_else(|| table_name(&location));
    let found = queries.aws.athena_table(&place, &name).map_err(s3_source::failure)?;
    if let Some(found) = found {
        let layout = usable(found)?;
        if layout.location != location {
            return Err(Failure::new(format!(
                "the table {} is of {}, not of {location}",
                layout.origin(),
                layout.location
            ))
            .hint("name another --table"));
        }
        return Ok(layout);
    }
    let spec = TableSpec {
        database: database.clone(),
        table: name.clone(),
        location: location.clone(),
        regions: wanted.regions.clone(),
        // Before any trail; partitions that nobody asks for cost nothing.
        first: parse_day("2013-01-01").unwrap_or(Day(0)),
    };
    let ddl = create_table(&spec).map_err(|error| Failure::usage(error.to_string()))?;
    queries.terminal.note(&ddl);
    if !arguments.create_table {
        return Err(Failure::new(format!("there is no table {database}.{name}"))
            .hint("--create-table makes it as printed above"));
    }
    queries.statement(&format!("{database}.{name}/create"), &ddl, store)?;
    Ok(Layout::own(database, &name, &location))
}

fn described(table: AthenaTable) -> Description {
    let AthenaTable { name, columns, partitions, parameters } = table;
    Description { name, columns, partitions, parameters }
}

/// Where accounts' directories are: below `AWSLogs`, and below the organization's id where there is one
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>).
fn trail_location(trail: &str, s3: &mut S3) -> Result<String, Failure> {
    let url = S3Url::parse(trail).filter(|_| S3Url::is_one(trail)).ok_or_else(|| {
        Failure::usage(format!("--trail: {trail}: no bucket in it")).hint("write s3://bucket/prefix")
    })?;
    let mut prefix = url.prefix.trim_matches('/').to_owned();
    if !prefix.split('/').any(|part| part == "AWSLogs") {
        prefix = format!("{prefix}/AWSLogs").trim_start_matches('/').to_owned();
    }
    let here = S3Url { bucket: url.bucket.clone(), prefix: format!("{prefix}/") };
    let below = s3.below(&here).map_err(s3_source::failure)?;
    let is_account = |name: &&String| name.len() == 13 && name.bytes().take(12).all(|b| b.is_ascii_digit());
    let organizations: Vec<&String> = below.iter().filter(|name| name.starts_with("o-")).collect();
    if below.is_empty() {
        return Err(Failure::new(format!("there is nothing below s3://{}/{prefix}/", url.bucket))
            .hint("name the trail's bucket and prefix as describe-trails shows them"));
    }
    match (below.iter().any(|name| is_account(&name)), organizations.as_slice()) {
        (false, [only]) => Ok(format!("s3://{}/{prefix}/{}", url.bucket, only.trim_end_matches('/'))),
        (_, []) => Ok(format!("s3://{}/{prefix}", url.bucket)),
        _ => Err(Failure::usage(format!(
            "--trail: below s3://{}/{prefix}/ are accounts and organizations",
            url.bucket
        ))
        .hint("name one of them: s3://BUCKET/AWSLogs/o-…, or a table of your own by --table")),
    }
}

/// A table's name from where its logs are: the same for the same place.
fn table_name(location: &str) -> String {
    let hash: String = Sha256::digest(location).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let bucket = location.trim_start_matches("s3://").split('/').next().unwrap_or_default();
    let word: String =
        bucket.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(60).collect();
    format!("offkey_{}_{hash}", word.to_lowercase())
}

/// Accounts whose partitions are asked for.
fn accounts(layout: &Layout, wanted: &Wanted, s3: &mut S3) -> Result<Vec<Option<String>>, Failure> {
    if layout.account.is_none() {
        let only = layout.only_account.as_ref();
        let unknown = wanted.accounts.iter().find(|id| only != Some(id));
        return match unknown {
            Some(id) => Err(Failure::usage(format!(
                "--accounts: the table {} has no partition for accounts, {id} among them",
                layout.origin()
            ))),
            None => Ok(vec![None]),
        };
    }
    if !wanted.accounts.is_empty() {
        return Ok(wanted.accounts.iter().cloned().map(Some).collect());
    }
    let url = S3Url::parse(&format!("{}/", layout.location)).ok_or_else(|| {
        Failure::new(format!("the table {} has no location in S3", layout.origin())).hint("name --accounts")
    })?;
    let below = s3.below(&url).map_err(|error| s3_source::failure(error).hint("or name --accounts"))?;
    let ids = below.iter().map(|name| name.trim_end_matches('/'));
    let ids: Vec<Option<String>> = ids
        .filter(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()))
        .map(|id| Some(id.to_owned()))
        .collect();
    if ids.is_empty() {
        return Err(Failure::new(format!("there are no accounts' logs below {}/", layout.location))
            .hint("name --accounts, or another --table"));
    }
    Ok(ids)
}

/// Objects that lie in S3, of each account's day; the account is empty where the table cannot tell them apart.
pub(super) type Counts = BTreeMap<(String, Day), Coverage>;

struct Listed {
    estimate: Estimate,
    counts: Counts,
}

/// More log objects than this are not listed one by one: a thousand come with each request.
const LISTED: u64 = 300_000;

/// What the slices will scan: by listing all of their days, or some.
fn estimate(
    layout: &Layout,
    slices: &[Slice],
    wanted: &Wanted,
    s3: &mut S3,
    terminal: &Terminal,
) -> Result<Listed, Failure> {
    let url = S3Url::parse(&format!("{}/", layout.location))
        .ok_or_else(|| Failure::new(format!("the table {} has no location in S3", layout.origin())))?;
    let days: BTreeSet<Day> = slices.iter().flat_map(|s| (s.first.0..=s.last.0).map(Day)).collect();
    let all: Vec<Day> = days.iter().copied().collect();
    let sample: BTreeSet<Day> =
        [0, all.len() / 2, all.len().saturating_sub(1)].iter().filter_map(|n| all.get(*n).copied()).collect();
    let mut list = |first: Day, last: Day| {
        let slashed = |day: Day| Some(day.to_string().replace('-', "/"));
        let accounts = slices.iter().filter_map(|slice| slice.account.clone()).collect::<BTreeSet<_>>();
        let choice = Choice {
            accounts: accounts.into_iter().collect(),
            regions: wanted.regions.clone(),
            since: slashed(first),
            until: slashed(last),
        };
        let counter = terminal.counter("listing");
        let listing = s3.list(&url, &choice, terminal.stop(), &|found| counter.set_position(found as u64));
        counter.finish_and_clear();
        listing.map(|listing| listing.objects).map_err(|error| {
            s3_source::failure(error).hint(
                "s3:ListBucket is needed to say what will be scanned; --max-scan unlimited does without",
            )
        })
    };
    let (mut bytes, mut objects) = (0, 0);
    for day in &sample {
        for object in list(*day, *day)?.iter().filter(|object| object.key.contains("/CloudTrail/")) {
            bytes += object.size;
            objects += 1;
        }
    }
    let sampled = Estimate::from_sample(bytes, objects, sample.len() as u64, all.len() as u64);
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Ok(Listed { estimate: sampled, counts: Counts::new() });
    };
    if sampled.objects > LISTED {
        return Ok(Listed { estimate: sampled, counts: Counts::new() });
    }
    let (mut estimate, mut counts) = (Estimate { exact: true, ..Estimate::default() }, Counts::new());
    for object in list(*first, *last)? {
        let Some(name) = object_name(&object.key) else { continue };
        let account = name.account.as_str().to_owned();
        let ours = |slice: &Slice| {
            (slice.first..=slice.last).contains(&name.day)
                && slice.account.as_ref().is_none_or(|id| *id == account)
        };
        if !slices.iter().any(ours) {
            continue;
        }
        if !name.digest {
            estimate.bytes += object.size;
            estimate.objects += 1;
        }
        let known = layout.account.is_some() || layout.only_account.is_some();
        let key = if known { account } else { String::new() };
        counts.entry((key, name.day)).or_default().see_object(&name, 0, false);
    }
    Ok(Listed { estimate, counts })
}

/// Role sessions that may derive from keys, with the days on which each was handed out, where those are known. What sessions
/// of users did was read with everything else.
pub(super) fn sessions(store: &EvidenceStore) -> Result<BTreeMap<String, Option<(Day, Day)>>, Failure> {
    let lineage = Lineage::default();
    let facts = store.sessions().map_err(failure)?;
    crate::analysis::teach(&lineage, &facts);
    let minted = store.minted().map_err(failure)?.into_iter();
    let days: BTreeMap<String, (Day, Day)> = minted.map(|(id, first, last)| (id, (first, last))).collect();
    let by_role = |step: &str| !matches!(step, "GetSessionToken" | "GetFederationToken");
    let own = facts.origins.iter().filter(|(.., step)| by_role(step)).map(|(session, ..)| session);
    let others = facts.received.iter().map(|(_, session, _)| session);
    Ok(own
        .chain(others)
        .filter(|session| lineage.contains(session_hash(session.as_bytes())))
        .map(|session| (session.clone(), days.get(session).copied()))
        .collect())
}

fn bytes_text(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.1} TB", bytes as f64 / 1e12),
    }
}

/// Reads results that somebody else had computed.
pub(super) fn results(
    files: &[PathBuf],
    lineage: &Arc<Lineage>,
    store: &mut EvidenceStore,
    terminal: &Terminal,
) -> Result<u64, Failure> {
    let mut events = 0;
    let mut origins = BTreeSet::new();
    let mut looked = false;
    for path in files {
        let wrong = |text: String| {
            Failure::new(format!("{}: {text}", path.display()))
                .hint("give the CSV or Parquet that Athena wrote for `offkey athena sql`, unchanged")
        };
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let mut problem = None;
        let read = read_results(file, lineage, &mut |facts| {
            problem = store.add_results(&facts, [], &[], None).err();
            problem.is_none() && !terminal.stopped()
        });
        if terminal.stopped() {
            return Err(Failure::interrupted().hint("run the same command again to go on"));
        }
        if let Some(error) = problem {
            return Err(failure(error));
        }
        let rows = read.map_err(|error| wrong(error.to_string()))?;
        events += rows.days.iter().map(|day| day.records).sum::<u64>();
        looked |= rows.of_sessions;
        origins.extend(rows.origins.iter().cloned());
        let files: Vec<StoredFile> = rows.days.iter().map(|day| stored(day, terminal)).collect();
        store.add_results(&rows.facts, files, &rows.minted, None).map_err(failure)?;
    }
    let sessions = sessions(store)?;
    let left = !sessions.is_empty() && !looked;
    for origin in &origins {
        finished(store, origin, !left, terminal).map_err(failure)?;
    }
    if left {
        terminal.warn(&format!(
            "keys handed out {} role sessions, whose calls are in no result yet: offkey athena sql --sessions-of STORE prints the query for them",
            sessions.len()
        ));
    }
    Ok(events)
}

/// Whether something in the store says that a collection with Athena is not finished.
pub(super) fn kind(store: &EvidenceStore) -> Result<ExitKind, Failure> {
    let open = store.documents("collection").map_err(failure)?.into_iter().any(|(identity, content)| {
        let content: serde_json::Value = serde_json::from_str(&content).unwrap_or_default();
        identity.starts_with("athena/") && content.get("Finished").is_some_and(serde_json::Value::is_null)
    });
    Ok(if open { ExitKind::Incomplete } else { ExitKind::Done })
}

/// The only table of a store's results, for the query of its sessions.
pub(super) fn exists(path: &Path) -> Result<(), Failure> {
    match EvidenceStore::is_store(path) {
        true => Ok(()),
        false => Err(Failure::new(format!("{}: no store", path.display()))
            .hint("name the store of collect --athena-results")),
    }
}
