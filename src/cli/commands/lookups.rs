//! LookupEvents for keys and the sessions that they hand out: page by page into the store, each page once.

use super::super::error::Failure;
use super::super::terminal::Terminal;
use super::collect::failure;
use super::live::{Live, LookupWhen, skip};
use super::s3_source;
use crate::analysis::read_page;
use crate::aws::{LOOKUP_DAYS, LookupAnswer, LookupPage, LookupQuery, lookup_seconds};
use crate::evidence::{Facts, Lineage};
use crate::model::{AccessKeyId, Skip, SkipReason};
use crate::store::{EvidenceStore, StoreError, StoredDocument, StoredFile};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The longest that a session lasts: 36 hours, of GetSessionToken and GetFederationToken
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>).
const SESSION: i64 = 36 * 3600;

/// Events can arrive late: what was asked of the last hour is asked again
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html>: about five minutes on average).
const LATE: i64 = 3600;

/// How far one query came, as the store keeps it.
#[derive(Clone, Debug, Default)]
struct State {
    /// The span of which everything is there.
    known: Option<(i64, i64)>,
    /// The span that is being asked, and where it goes on.
    asking: Option<(i64, i64, Option<String>)>,
    pages: u64,
    events: u64,
    /// Events that are no JSON.
    bad: u64,
    /// The key at the root, where this is a session's.
    root: Option<String>,
}

impl State {
    fn read(content: &Value) -> Self {
        let inside = content.get("LookedUp").unwrap_or(&Value::Null);
        let second = |name: &str| {
            let time: Timestamp = inside.get(name)?.as_str()?.parse().ok()?;
            Some(time.as_second())
        };
        let number = |name: &str| inside.get(name).and_then(Value::as_u64).unwrap_or_default();
        let text = |name: &str| inside.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            known: second("From").zip(second("To")),
            asking: second("AskingFrom").zip(second("AskingTo")).map(|(a, b)| (a, b, text("NextToken"))),
            pages: number("Pages"),
            events: number("Events"),
            bad: number("Unreadable"),
            root: text("Root"),
        }
    }

    fn write(&self, account: &str, region: &str, key: &str) -> Value {
        let time = |second: i64| Timestamp::from_second(second).ok().map(|t| t.to_string());
        json!({"LookedUp": {
            "Account": account,
            "Region": region,
            "AccessKeyId": key,
            "Root": self.root,
            "From": self.known.and_then(|(from, _)| time(from)),
            "To": self.known.and_then(|(_, to)| time(to)),
            "Complete": self.known.is_some(),
            "AskingFrom": self.asking.as_ref().and_then(|(from, ..)| time(*from)),
            "AskingTo": self.asking.as_ref().and_then(|(_, to, _)| time(*to)),
            "NextToken": self.asking.as_ref().and_then(|(.., token)| token.clone()),
            "Pages": self.pages,
            "Events": self.events,
            "Unreadable": self.bad,
        }})
    }

    /// The span asked last is there, to its end.
    fn settle(&mut self) {
        let Some((from, to, _)) = self.asking.take() else { return };
        self.known = match self.known {
            Some((first, last)) if from <= last.saturating_add(1) => Some((first.min(from), to.max(last))),
            _ => Some((from, to)),
        };
    }
}

/// What lookups brought.
#[derive(Debug, Default)]
pub(super) struct LookedUp {
    pub(super) queries: u64,
    pub(super) pages: u64,
    pub(super) events: u64,
}

fn identity(account: &str, region: &str, key: &str) -> String {
    format!("aws/{account}/{region}/lookup/{key}")
}

/// Looks keys up, and the sessions found while doing so, in all regions of their accounts.
pub(super) fn run(
    live: &mut Live,
    with_logs: &BTreeSet<String>,
    store: &mut EvidenceStore,
    lineage: &Arc<Lineage>,
    terminal: &Terminal,
) -> Result<LookedUp, Failure> {
    let wanted = |account: &String| match live.arguments.lookup {
        LookupWhen::Never => false,
        LookupWhen::Always => true,
        LookupWhen::Auto => !with_logs.contains(account),
    };
    let accounts: Vec<String> = live.accounts.iter().filter(|account| wanted(account)).cloned().collect();
    if accounts.is_empty() {
        return Ok(LookedUp::default());
    }
    let now = live.started.as_second();
    let mut states = states(store).map_err(failure)?;
    let (mut queries, mut queued) = (Vec::new(), BTreeSet::new());
    let since = live.since.as_second();
    let keys = keys(store).map_err(failure)?;
    for account in &accounts {
        let regions = live.regions.get(account).map(|(regions, _)| regions.clone()).unwrap_or_default();
        for key in keys.get(account).into_iter().flatten() {
            for region in &regions {
                let name = identity(account, region, key);
                let state = states.entry(name.clone()).or_default();
                let span = (now - LOOKUP_DAYS * 86_400, now);
                queries.extend(next(state, &name, span, since).filter(|_| queued.insert(name)));
            }
        }
    }
    // Sessions that an earlier run found and did not come to.
    for (name, state) in &mut states {
        let of = query_of(name, 0, 0, None).map(|query| query.account);
        if state.asking.is_some() && of.is_some_and(|account| accounts.contains(&account)) {
            queries.extend(next(state, name, (0, 0), since).filter(|_| queued.insert(name.clone())));
        }
    }
    if !queries.is_empty() {
        let seconds = lookup_seconds(&queries);
        terminal.note(&format!(
            "LookupEvents: {} queries in {} accounts, at least {}; more where keys have many events or sessions",
            queries.len(),
            accounts.len(),
            super::super::terminal::span(seconds as u64),
        ));
    }
    let bar = terminal.steps_bar(queries.len() as u64, "lookups");
    let (mut sum, mut problem, mut skips) = (LookedUp::default(), None, Vec::new());
    let collected: BTreeSet<&String> = live.accounts.iter().collect();
    let result = live.aws.lookup(queries, terminal.stop(), &mut |answer| {
        let page = match answer {
            LookupAnswer::Stopped(query, why) => {
                bar.inc(1);
                let name = identity(&query.account, &query.region, &query.key);
                let state = states.entry(name.clone()).or_default();
                let file = StoredFile { skips: vec![skip(&name, &why)], ..file(&query, state, now) };
                skips.extend(file.skips.iter().cloned());
                problem = store.add(&Facts::default(), [file]).err().or(problem.take());
                return Vec::new();
            }
            LookupAnswer::Page(page) => page,
        };
        if problem.is_some() {
            return Vec::new();
        }
        sum.pages += 1;
        sum.events += page.events.len() as u64;
        let name = identity(&page.query.account, &page.query.region, &page.query.key);
        let root = states.get(&name).and_then(|state| state.root.clone());
        let state = states.entry(name.clone()).or_default();
        take(state, &page);
        let (events, bad): (Vec<&String>, Vec<&String>) =
            page.events.iter().partition(|event| is_record(event));
        state.bad += bad.len() as u64;
        let last = page.next.is_none();
        if last && state.bad > 0 {
            skips.push(unreadable(&name, state.bad));
        }
        let mut files = vec![file(&page.query, state, now)];
        let mut more = Vec::new();
        for minted in events.iter().filter_map(|event| minted(event)) {
            let account = minted.account.unwrap_or_else(|| page.query.account.clone());
            if !collected.contains(&account) {
                continue;
            }
            let regions =
                live.regions.get(&account).map(|(regions, _)| regions.as_slice()).unwrap_or_default();
            for region in regions {
                let name = identity(&account, region, &minted.session);
                let state = states.entry(name.clone()).or_default();
                state.root.get_or_insert_with(|| root.clone().unwrap_or_else(|| page.query.key.clone()));
                let span = (minted.at, now.min(minted.at + SESSION));
                if let Some(query) = next(state, &name, span, since).filter(|_| queued.insert(name)) {
                    // Known in the store with the page that shows it: a run that is killed here comes to it later.
                    files.push(file(&query, state, now));
                    more.push(query);
                }
            }
        }
        let read = read_page(&name, &body(&events), lineage);
        if let Err(error) = store.add(&read, files) {
            problem = Some(error);
            return Vec::new();
        }
        bar.inc_length(more.len() as u64);
        bar.inc(u64::from(last));
        sum.queries += u64::from(last);
        more
    });
    bar.finish_and_clear();
    live.skips.extend(skips);
    if let Some(error) = problem {
        return Err(failure(error));
    }
    result.map_err(|error| {
        let interrupted = s3_source::failure(error);
        interrupted.hint("the pages that came are in the store; run the same command again to go on")
    })?;
    Ok(sum)
}

/// What is still to be asked of a key in a region, if anything.
fn next(state: &mut State, name: &str, (from, to): (i64, i64), since: i64) -> Option<LookupQuery> {
    // Where an earlier run stopped.
    if let Some((from, to, token)) = &state.asking {
        return query_of(name, *from, *to, token.clone());
    }
    let from = match state.known {
        // Done by the run that this one goes on with, or over for good.
        Some((_, last)) if last >= to || last >= since => return None,
        Some((first, last)) if first <= from => (last - LATE).max(from),
        _ => from,
    };
    state.asking = Some((from, to, None));
    query_of(name, from, to, None)
}

/// The query of a name as [`identity`] makes them.
fn query_of(name: &str, from: i64, to: i64, token: Option<String>) -> Option<LookupQuery> {
    let mut parts = name.split('/').skip(1);
    let (account, region) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let key = parts.nth(1)?.to_owned();
    Some(LookupQuery { account, region, key, from, to, token })
}

/// Notes a page.
fn take(state: &mut State, page: &LookupPage) {
    if page.restarted {
        state.pages = 0;
    }
    state.pages += 1;
    state.events += page.events.len() as u64;
    if let Some(asking) = &mut state.asking {
        asking.2.clone_from(&page.next);
    }
    if page.next.is_none() {
        state.settle();
    }
}

/// How far each query came.
fn states(store: &EvidenceStore) -> Result<HashMap<String, State>, StoreError> {
    let documents = store.documents("lookups")?.into_iter();
    Ok(documents
        .map(|(identity, content)| {
            (identity, State::read(&serde_json::from_str(&content).unwrap_or_default()))
        })
        .collect())
}

/// Keys of each account, as the live collection listed them.
fn keys(store: &EvidenceStore) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (identity, content) in store.documents("access-keys")? {
        let Some(account) = identity.strip_prefix("aws/").and_then(|rest| rest.split('/').next()) else {
            continue;
        };
        let content: Value = serde_json::from_str(&content).unwrap_or_default();
        let listed = content.get("AccessKeyMetadata").and_then(Value::as_array);
        let ids = listed.into_iter().flatten().filter_map(|key| key.get("AccessKeyId")?.as_str());
        keys.entry(account.to_owned()).or_default().extend(ids.map(str::to_owned));
    }
    Ok(keys)
}

/// The query's file: how far it came, and no coverage, as it says nothing of other keys.
fn file(query: &LookupQuery, state: &State, now: i64) -> StoredFile {
    let name = identity(&query.account, &query.region, &query.key);
    let content = state.write(&query.account, &query.region, &query.key).to_string();
    StoredFile {
        identity: name.clone(),
        label: name.clone(),
        input: "aws".to_owned(),
        records: state.events,
        documents: vec![StoredDocument {
            kind: "lookups".to_owned(),
            source: format!("aws/{}", query.account),
            content,
        }],
        skips: (state.bad > 0).then(|| unreadable(&name, state.bad)).into_iter().collect(),
        observed: now.saturating_mul(1_000_000),
        ..StoredFile::default()
    }
}

/// Whether an event is a JSON object, as CloudTrail writes it: one that is none must not hide those beside it.
fn is_record(event: &str) -> bool {
    event.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(event).is_ok()
}

/// Records as a log object holds them.
fn body(events: &[&String]) -> Vec<u8> {
    let mut bytes = b"{\"Records\":[".to_vec();
    for (n, event) in events.iter().enumerate() {
        if n > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(event.as_bytes());
    }
    bytes.extend_from_slice(b"]}");
    bytes
}

fn unreadable(name: &str, events: u64) -> Skip {
    let detail = format!("{events} events of LookupEvents are no JSON");
    Skip { source: name.to_owned(), offset: None, reason: SkipReason::MalformedJson, detail }
}

struct Minted {
    session: String,
    /// The role's account, where it is a role's session.
    account: Option<String>,
    at: i64,
}

/// The session that a record hands out, if it does.
fn minted(event: &str) -> Option<Minted> {
    let event: Value = serde_json::from_str(event).ok()?;
    let session = event.pointer("/responseElements/credentials/accessKeyId")?.as_str()?;
    if event.get("eventSource")?.as_str()? != "sts.amazonaws.com" || AccessKeyId::new(session).is_static() {
        return None;
    }
    let at: Timestamp = event.get("eventTime")?.as_str()?.parse().ok()?;
    let role = event.pointer("/requestParameters/roleArn").and_then(Value::as_str);
    let account = role.and_then(|arn| arn.split(':').nth(4)).map(str::to_owned);
    Some(Minted { session: session.to_owned(), account, at: at.as_second() })
}
