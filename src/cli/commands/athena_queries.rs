//! Runs the queries of slices: each is noted before it starts, read page by page, and noted with the last of its rows.

use super::super::error::Failure;
use super::super::terminal::Terminal;
use super::athena_source::Counts;
use super::collect::failure;
use super::s3_source;
use crate::athena::{DayRead, Layout, Reader, Slice, usage_sql};
use crate::aws::{AthenaAnswer, AthenaEnd, AthenaJob, AthenaPlace, Aws, AwsError, ProblemKind};
use crate::evidence::{Facts, Lineage};
use crate::model::{Day, Skip, SkipReason};
use crate::store::{EvidenceStore, QueryState, StoreError, StoredDocument, StoredFile, StoredQuery};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How often a query is begun anew that Athena itself says to try again, or that somebody stopped.
const ATTEMPTS: u32 = 3;

/// Events and rows after which what was learned goes into the store.
const PORTION: usize = 50_000;

/// Runs queries and counts what they did.
pub(super) struct Queries<'a> {
    pub(super) aws: &'a Aws,
    pub(super) place: AthenaPlace,
    pub(super) terminal: &'a Terminal,
    at_once: usize,
    /// Bytes that may be scanned.
    pub(super) limit: u64,
    pub(super) started: u64,
    pub(super) scanned: u64,
    pub(super) rows: u64,
    pub(super) events: u64,
    /// Accounts' days that could not be read.
    pub(super) not_read: BTreeSet<(String, Day)>,
}

/// A query on its way.
struct Open {
    slice: Option<Slice>,
    query: StoredQuery,
    sql: String,
    reader: Option<Reader>,
    /// Attempts of this run.
    tries: u32,
}

impl<'a> Queries<'a> {
    pub(super) fn new(aws: &'a Aws, place: AthenaPlace, at_once: usize, terminal: &'a Terminal) -> Self {
        Self {
            aws,
            place,
            terminal,
            at_once,
            limit: u64::MAX,
            started: 0,
            scanned: 0,
            rows: 0,
            events: 0,
            not_read: BTreeSet::new(),
        }
    }

    /// Runs one statement that makes something.
    pub(super) fn statement(
        &mut self,
        name: &str,
        sql: &str,
        store: &mut EvidenceStore,
    ) -> Result<(), Failure> {
        let known = store.queries().map_err(failure)?.into_iter().find(|query| query.name == name);
        let mut query = known.unwrap_or_else(|| StoredQuery::planned(name));
        // It was made once and is gone again.
        if query.state == QueryState::Done {
            query = StoredQuery { attempt: query.attempt + 1, ..StoredQuery::planned(name) };
        }
        let open = Open { slice: None, query, sql: sql.to_owned(), reader: None, tries: 0 };
        self.all(vec![open], None, &mut Counts::new(), store)
    }

    /// Runs the queries of slices.
    pub(super) fn run(
        &mut self,
        layout: &Layout,
        slices: Vec<Slice>,
        regions: &[String],
        counts: &mut Counts,
        store: &mut EvidenceStore,
    ) -> Result<(), Failure> {
        if slices.is_empty() {
            return Ok(());
        }
        let known: HashMap<String, StoredQuery> =
            store.queries().map_err(failure)?.into_iter().map(|query| (query.name.clone(), query)).collect();
        let mut opened = Vec::new();
        for slice in slices {
            opened.push(open(layout, slice, regions, |name| known.get(name).cloned())?);
        }
        self.all(opened, Some((layout, regions)), counts, store)
    }

    fn all(
        &mut self,
        opened: Vec<Open>,
        of: Option<(&Layout, &[String])>,
        counts: &mut Counts,
        store: &mut EvidenceStore,
    ) -> Result<(), Failure> {
        // Noted before anything is started, so that whatever happens the next run knows what it may have started.
        let planned: Vec<StoredQuery> = opened.iter().map(|open| open.query.clone()).collect();
        store.note_queries(&planned).map_err(failure)?;
        let bar = self.terminal.steps_bar(opened.len() as u64, "slices");
        let mut jobs = Vec::new();
        for open in &opened {
            jobs.push(job(open, store).map_err(failure)?);
        }
        let mut open: HashMap<String, Open> =
            opened.into_iter().map(|open| (open.query.name.clone(), open)).collect();
        let (mut problem, mut fatal) = (None, None);
        let (place, aws, at_once) = (self.place.clone(), self.aws, self.at_once);
        let result = aws.athena(&place, jobs, at_once, self.terminal.stop(), &mut |answer| {
            let last = matches!(answer, AthenaAnswer::Done(..) | AthenaAnswer::Ended(..));
            let followed = match self.take(answer, &mut open, of, counts, store) {
                Ok(followed) => followed,
                Err(Stop::Store(error)) => {
                    problem = Some(error);
                    return None;
                }
                Err(Stop::Failed(error)) => {
                    fatal = Some(error);
                    return None;
                }
            };
            bar.inc_length(followed.len() as u64);
            bar.inc(u64::from(last));
            Some(followed)
        });
        bar.finish_and_clear();
        if let Some(error) = problem {
            return Err(failure(error));
        }
        if let Some(error) = fatal {
            return Err(error);
        }
        result.map_err(|error| match error {
            AwsError::Interrupted => Failure::interrupted()
                .hint("running queries were stopped; run the same command again to go on"),
            other => s3_source::failure(other),
        })
    }

    fn take(
        &mut self,
        answer: AthenaAnswer,
        open: &mut HashMap<String, Open>,
        of: Option<(&Layout, &[String])>,
        counts: &mut Counts,
        store: &mut EvidenceStore,
    ) -> Result<Vec<AthenaJob>, Stop> {
        let name = match &answer {
            AthenaAnswer::Started(name, _)
            | AthenaAnswer::Rows(name, ..)
            | AthenaAnswer::Done(name, ..)
            | AthenaAnswer::Ended(name, _) => name.clone(),
        };
        let Some(known) = open.get_mut(&name) else { return Ok(Vec::new()) };
        match answer {
            AthenaAnswer::Started(_, execution) => {
                self.started += 1;
                known.query.execution = Some(execution);
                known.query.state = QueryState::Running;
                store.note_queries(std::slice::from_ref(&known.query))?;
                Ok(Vec::new())
            }
            AthenaAnswer::Rows(_, rows, first) => {
                // What makes a table has no rows that mean anything.
                if known.slice.is_some() {
                    self.rows(known, rows, first, store)?;
                }
                Ok(Vec::new())
            }
            AthenaAnswer::Done(_, scanned, _) => {
                self.done(known, scanned, counts, store)?;
                open.remove(&name);
                if self.scanned > self.limit {
                    return Err(Stop::Failed(
                        Failure::new("more was scanned by now than --max-scan allows").hint(
                            "what was read is in the store; raise --max-scan and run the same command again to go on",
                        ),
                    ));
                }
                Ok(Vec::new())
            }
            AthenaAnswer::Ended(_, end) => {
                let Some(known) = open.remove(&name) else { return Ok(Vec::new()) };
                self.ended(known, end, open, of, store)
            }
        }
    }

    fn rows(
        &mut self,
        open: &mut Open,
        mut rows: Vec<Vec<String>>,
        first: bool,
        store: &mut EvidenceStore,
    ) -> Result<(), Stop> {
        let wrong = |error: crate::athena::Unreadable, name: &str| {
            Stop::Failed(Failure::new(format!("{name}: {error}")))
        };
        if first {
            // The first row of the first page are the columns' names
            // (https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html).
            let header = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
            let reader = Reader::new(&header, Arc::new(Lineage::default()));
            open.reader = Some(reader.map_err(|error| wrong(error, &open.query.name))?);
            open.query.rows = 0;
        }
        let Some(reader) = &mut open.reader else { return Ok(()) };
        for row in &rows {
            reader.row(row).map_err(|error| wrong(error, &open.query.name))?;
        }
        open.query.rows += rows.len() as u64;
        self.rows += rows.len() as u64;
        if reader.size() >= PORTION {
            store.add_results(&reader.facts(), [], &[], None)?;
        }
        Ok(())
    }

    fn done(
        &mut self,
        open: &mut Open,
        scanned: u64,
        counts: &mut Counts,
        store: &mut EvidenceStore,
    ) -> Result<(), Stop> {
        let rows = open.reader.take().map(Reader::finish).unwrap_or_default();
        open.query.state = QueryState::Done;
        open.query.scanned = scanned;
        open.query.detail.clear();
        self.scanned += scanned;
        let mut days = rows.days;
        if let Some(slice) = open.slice.as_ref().filter(|slice| slice.sessions.is_empty()) {
            add_quiet(slice, &open.query.name, counts, &mut days);
        }
        self.events += days.iter().map(|day| day.records).sum::<u64>();
        let files: Vec<StoredFile> = days.iter().map(|day| stored(day, self.terminal)).collect();
        // What an earlier run could not read of a day is read now.
        if let Some(slice) = open.slice.as_ref().filter(|slice| slice.first == slice.last) {
            let origin = open.query.name.split('/').next().unwrap_or_default();
            let account = slice.account.as_deref().unwrap_or("all");
            store.forget(&[lost_name(origin, account, slice)])?;
        }
        store.add_results(&rows.facts, files, &rows.minted, Some(&open.query))?;
        Ok(())
    }

    /// A query that came to nothing: begun anew, asked in halves, or given up.
    fn ended(
        &mut self,
        mut known: Open,
        end: AthenaEnd,
        open: &mut HashMap<String, Open>,
        of: Option<(&Layout, &[String])>,
        store: &mut EvidenceStore,
    ) -> Result<Vec<AthenaJob>, Stop> {
        let (why, again) = match end {
            AthenaEnd::Failed(why, says_so) => {
                let again = says_so || may_pass(&why);
                (why, again)
            }
            AthenaEnd::Cancelled(why) => (format!("it was stopped: {why}"), true),
            AthenaEnd::Expired(why) => (format!("Athena knows it no longer: {why}"), true),
            AthenaEnd::Call(problem) => {
                let hint = match problem.kind {
                    ProblemKind::Denied => "offkey permissions athena prints what is needed",
                    ProblemKind::NotAsked => {
                        "what was read is in the store; run the same command again to go on"
                    }
                    ProblemKind::Failed => {
                        "what was read is in the store; check --workgroup and --output-location, and run the same command again to go on"
                    }
                };
                return Err(Stop::Failed(Failure::new(problem.detail).hint(hint)));
            }
        };
        known.reader = None;
        known.query.execution = None;
        known.query.detail.clone_from(&why);
        known.query.attempt += 1;
        known.tries += 1;
        let title = known.slice.as_ref().map_or_else(|| known.query.name.clone(), Slice::title);
        if again && known.tries < ATTEMPTS {
            known.query.state = QueryState::Planned;
            store.note_queries(std::slice::from_ref(&known.query))?;
            let job = job(&known, store)?;
            open.insert(known.query.name.clone(), known);
            return Ok(vec![job]);
        }
        let of_data = again || is_of_data(&why);
        let (Some(slice), Some((layout, regions)), true) = (&known.slice, of, of_data) else {
            known.query.state = QueryState::Failed;
            store.note_queries(std::slice::from_ref(&known.query))?;
            return Err(Stop::Failed(Failure::new(format!("{title}: Athena says: {why}")).hint(
                "what was read is in the store; run the same command again when that is mended, and it goes on",
            )));
        };
        if let Some(halves) = slice.halves() {
            known.query.state = QueryState::Split;
            self.terminal.warn(&format!("{title}: {why}; asking for half of it at a time"));
            let mut jobs = Vec::new();
            let mut noted = vec![known.query.clone()];
            for half in halves {
                let half = self::open(layout, half, regions, |_| None).map_err(Stop::Failed)?;
                noted.push(half.query.clone());
                jobs.push(job(&half, store)?);
                open.insert(half.query.name.clone(), half);
            }
            store.note_queries(&noted)?;
            return Ok(jobs);
        }
        known.query.state = QueryState::Failed;
        let account = slice.account.clone().or_else(|| layout.only_account.clone()).unwrap_or_default();
        self.not_read.insert((account.clone(), slice.first));
        self.terminal.warn(&format!("{title}: {why}"));
        let origin = layout.scope(regions);
        let name = lost_name(&origin, slice.account.as_deref().unwrap_or("all"), slice);
        // Whoever read that day from S3 misses nothing.
        if store.has_objects(&account, slice.first)? {
            store.forget(std::slice::from_ref(&name))?;
            store.note_queries(std::slice::from_ref(&known.query))?;
            return Ok(Vec::new());
        }
        let detail = format!(
            "Athena cannot read it ({why}); read it by offkey collect {}/ --accounts {account} --since {} --until {}, then collect --athena again",
            layout.location, slice.first, slice.first
        );
        let file = StoredFile {
            skips: vec![Skip { source: name.clone(), offset: None, reason: SkipReason::Unreadable, detail }],
            label: name.clone(),
            identity: name,
            input: format!("athena:{origin}"),
            retry: true,
            observed: self.terminal.now().as_microsecond(),
            ..StoredFile::default()
        };
        store.add_results(&Facts::default(), [file], &[], Some(&known.query))?;
        Ok(Vec::new())
    }
}

/// Why all shall end.
enum Stop {
    Store(StoreError),
    Failed(Failure),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn open(
    layout: &Layout,
    slice: Slice,
    regions: &[String],
    known: impl Fn(&str) -> Option<StoredQuery>,
) -> Result<Open, Failure> {
    let name = slice.name(&layout.scope(regions));
    let mut query = known(&name).unwrap_or_else(|| StoredQuery::planned(&name));
    // What failed for good is tried anew by every run.
    if query.state == QueryState::Failed {
        query.state = QueryState::Planned;
        query.execution = None;
    }
    let sql = usage_sql(layout, &slice, regions).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Open { slice: Some(slice), query, sql, reader: None, tries: 0 })
}

fn job(open: &Open, store: &EvidenceStore) -> Result<AthenaJob, StoreError> {
    Ok(AthenaJob {
        name: open.query.name.clone(),
        sql: open.sql.clone(),
        token: store.token(&open.query, &open.sql)?,
        query: open.query.execution.clone(),
    })
}

/// Whether what Athena says may pass by itself.
fn may_pass(why: &str) -> bool {
    let words = [
        "exhausted resources",
        "throttl",
        "SlowDown",
        "INTERNAL_ERROR",
        "GENERIC_INTERNAL_ERROR",
        "timed out",
        "timeout",
        "TOO_MANY_OPEN_PARTITIONS",
    ];
    words.iter().any(|word| why.contains(word))
}

/// Whether what Athena says is about a log object, or about too much at once, so that another part may do.
fn is_of_data(why: &str) -> bool {
    let words = [
        "HIVE_BAD_DATA",
        "HIVE_CURSOR_ERROR",
        "HIVE_CANNOT_OPEN_SPLIT",
        "HIVE_UNKNOWN_ERROR",
        "exceeded",
        "too large",
    ];
    words.iter().any(|word| why.contains(word)) && !why.contains("Bytes scanned limit")
}

/// Days that have log objects or digests of which no record came: those are evidence, too.
fn add_quiet(slice: &Slice, name: &str, counts: &mut Counts, days: &mut Vec<DayRead>) {
    let account = slice.account.clone();
    let wanted: Vec<(String, Day)> = counts
        .keys()
        .filter(|(id, day)| {
            (slice.first..=slice.last).contains(day) && account.as_ref().is_none_or(|account| account == id)
        })
        .cloned()
        .collect();
    let origin = name.split('/').next().unwrap_or_default();
    for key in wanted {
        let Some(coverage) = counts.remove(&key) else { continue };
        let day = key.1.to_string();
        match days.iter_mut().find(|read| read.account == key.0 && read.day == day) {
            Some(read) => read.coverage.merge(&coverage),
            None => days.push(DayRead {
                origin: origin.to_owned(),
                account: key.0,
                day,
                coverage,
                ..DayRead::default()
            }),
        }
    }
}

/// What the store calls the part of a day that could not be read.
fn lost_name(origin: &str, account: &str, slice: &Slice) -> String {
    let what = if slice.sessions.is_empty() { "not-read" } else { "sessions-not-read" };
    format!("athena/{origin}/{account}/{}/{what}", slice.first)
}

/// An account's day, as the store keeps it: one file for each, so that whoever reads the day again replaces it.
pub(super) fn stored(day: &DayRead, terminal: &Terminal) -> StoredFile {
    let account = if day.account.is_empty() { "all" } else { &day.account };
    let name = format!("athena/{}/{account}/{}", day.origin, day.day);
    let skip = |reason, detail| Skip { source: name.clone(), offset: None, reason, detail };
    let mut skips = Vec::new();
    if day.others > 0 {
        skips.push(skip(SkipReason::BadField, format!("{} records that are no events", day.others)));
    }
    if day.odd > 0 {
        let detail = format!("{} records whose identity or key id is in no readable form", day.odd);
        skips.push(skip(SkipReason::BadField, detail));
    }
    if day.undated > 0 {
        skips.push(skip(
            SkipReason::BadField,
            format!("{} records whose eventTime cannot be read", day.undated),
        ));
    }
    StoredFile {
        identity: name.clone(),
        label: name.clone(),
        input: format!("athena:{}", day.origin),
        records: day.records,
        signed: day.signed,
        coverage: day.coverage.clone().into(),
        skips,
        observed: terminal.now().as_microsecond(),
        ..StoredFile::default()
    }
}

/// Notes whether all that a table can tell is in the store: until then no key is called unused.
pub(super) fn finished(
    store: &mut EvidenceStore,
    origin: &str,
    finished: bool,
    terminal: &Terminal,
) -> Result<(), StoreError> {
    let name = format!("athena/{origin}/collection");
    let now = terminal.now();
    let content = json!({"Finished": finished.then(|| now.to_string()), "Scope": origin});
    let document =
        StoredDocument { kind: "collection".into(), source: name.clone(), content: content.to_string() };
    let file = StoredFile {
        identity: name.clone(),
        label: name,
        input: format!("athena:{origin}"),
        documents: vec![document],
        observed: now.as_microsecond(),
        ..StoredFile::default()
    };
    store.add_results(&Facts::default(), [file], &[], None)
}
