//! From result rows to evidence: each row becomes the record that it stands for, and goes through the same decoder and
//! the same collector as records of files.

use super::sql::{COLUMNS, FORMAT};
use crate::cloudtrail::{Event, EventId, decode, made_up_id};
use crate::evidence::{Collector, Coverage, Facts, Lineage};
use crate::model::{AccessKeyId, Day, parse_day, parse_instant};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Why result rows cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Columns are missing.
    #[error("no column {0}: this is no result of the query that offkey prints")]
    Column(&'static str),
    /// Another version of the query.
    #[error("made by the query's version {0:?}; this version of offkey reads {FORMAT:?}")]
    Format(String),
    /// A value that cannot be.
    #[error("row {0}: {1} cannot be {2:?}")]
    Value(u64, &'static str, String),
}

/// What was read of one account and day of delivery.
#[derive(Clone, Debug, Default)]
pub struct DayRead {
    /// `database.table`.
    pub origin: String,
    /// The account's partition; empty where the table has none.
    pub account: String,
    /// Day of delivery.
    pub day: String,
    /// What it covers.
    pub coverage: Coverage,
    /// Events, copies included.
    pub records: u64,
    /// Of those, events with an id that keys themselves signed.
    pub signed: u64,
    /// Records that are no events.
    pub others: u64,
    /// Events by a key or session whose time cannot be read.
    pub undated: u64,
    /// Events whose key id is in no usual form.
    pub odd: u64,
}

/// Everything that rows gave.
#[derive(Default)]
pub struct Rows {
    /// What was learned.
    pub facts: Facts,
    /// Accounts and days of rows that count everything; rows of sessions only add facts.
    pub days: Vec<DayRead>,
    /// Sessions that were handed out, with the first and last day on which that was, by the records' times and by when they
    /// were delivered.
    pub minted: Vec<(String, Day, Day)>,
    /// Tables that rows are of.
    pub origins: Vec<String>,
    /// Whether rows of sessions were among them.
    pub of_sessions: bool,
}

/// Reads rows one by one.
pub struct Reader {
    places: [usize; COLUMNS.len()],
    lineage: Arc<Lineage>,
    collector: Collector,
    days: BTreeMap<(String, String, String), DayRead>,
    minted: BTreeMap<String, (Day, Day)>,
    unnamed: HashMap<[u8; 32], u64>,
    origins: BTreeSet<String>,
    of_sessions: bool,
    rows: u64,
}

/// One row as a record. What is empty is left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    user_identity: Identity<'a>,
    event_time: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip: &'a str,
    user_agent: &'a str,
    error_code: &'a str,
    #[serde(rename = "sharedEventID")]
    shared_id: &'a str,
    recipient_account_id: &'a str,
    vpc_endpoint_id: &'a str,
    event_category: &'a str,
    event_type: &'a str,
    management_event: &'a str,
    read_only: &'a str,
    session_credential_from_console: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    addendum: Option<Addendum<'a>>,
    additional_event_data: Part<'a>,
    request_parameters: Part<'a>,
    response_elements: Part<'a>,
    resources: Vec<BTreeMap<&'static str, &'a str>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    r#type: &'a str,
    access_key_id: &'a str,
    account_id: &'a str,
    arn: &'a str,
    user_name: &'a str,
    invoked_by: &'a str,
    session_context: Context<'a>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    attributes: BTreeMap<&'static str, &'static str>,
    session_issuer: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Addendum<'a> {
    reason: &'static str,
    #[serde(rename = "originalEventID")]
    original_event_id: &'a str,
}

/// JSON inside a column: as it is where it is JSON, else as text.
#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Json(&'a RawValue),
    Text(&'a str),
    Nothing(()),
}

impl Default for Part<'_> {
    fn default() -> Self {
        Self::Nothing(())
    }
}

impl<'a> Part<'a> {
    fn of(text: &'a str) -> Self {
        match serde_json::from_str(text) {
            Ok(raw) => Self::Json(raw),
            Err(_) if text.is_empty() => Self::Nothing(()),
            Err(_) => Self::Text(text),
        }
    }
}

/// A row's values by the names of their columns.
struct Values<'r> {
    places: &'r [usize; COLUMNS.len()],
    row: &'r [String],
}

impl<'r> Values<'r> {
    fn text(&self, name: &str) -> &'r str {
        let place = COLUMNS.iter().position(|column| *column == name).and_then(|n| self.places.get(n));
        place.and_then(|place| self.row.get(*place)).map_or("", String::as_str)
    }
}

impl Reader {
    /// Reads the names of columns.
    ///
    /// # Errors
    /// [`Unreadable::Column`] where one is missing.
    pub fn new(header: &[String], lineage: Arc<Lineage>) -> Result<Self, Unreadable> {
        let mut places = [0; COLUMNS.len()];
        for (slot, column) in places.iter_mut().zip(COLUMNS) {
            let place = header.iter().position(|name| name.trim().eq_ignore_ascii_case(column));
            *slot = place.ok_or(Unreadable::Column(column))?;
        }
        Ok(Self {
            places,
            collector: Collector::telling(lineage.clone()),
            lineage,
            days: BTreeMap::new(),
            minted: BTreeMap::new(),
            unnamed: HashMap::new(),
            origins: BTreeSet::new(),
            of_sessions: false,
            rows: 0,
        })
    }

    /// How much is held.
    pub fn size(&self) -> usize {
        self.collector.size()
    }

    /// Hands out what was learned by now; counts of days stay until the end.
    pub fn facts(&mut self) -> Facts {
        let fresh = Collector::telling(self.lineage.clone());
        std::mem::replace(&mut self.collector, fresh).into_facts()
    }

    /// Everything that is left.
    pub fn finish(mut self) -> Rows {
        let facts = self.facts();
        Rows {
            facts,
            days: self.days.into_values().collect(),
            minted: self.minted.into_iter().map(|(session, (first, last))| (session, first, last)).collect(),
            origins: self.origins.into_iter().collect(),
            of_sessions: self.of_sessions,
        }
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`Unreadable`], naming what cannot be.
    pub fn row(&mut self, row: &[String]) -> Result<(), Unreadable> {
        self.rows += 1;
        let places = self.places;
        let values = Values { places: &places, row };
        if values.text("format") != FORMAT {
            return Err(Unreadable::Format(values.text("format").to_owned()));
        }
        let bad = |column: &'static str| Unreadable::Value(self.rows, column, short(values.text(column)));
        let records: u64 = values.text("records").parse().map_err(|_| bad("records"))?;
        let part = values.text("part");
        let counts = match values.text("query_kind") {
            "usage" => true,
            "sessions" => false,
            _ => return Err(bad("query_kind")),
        };
        if !matches!(part, "use" | "machine" | "count" | "other") {
            return Err(bad("part"));
        }
        if !self.origins.contains(values.text("origin")) {
            self.origins.insert(values.text("origin").to_owned());
        }
        self.of_sessions |= !counts;
        let events =
            events(values.text("events"), part, values.text("event_day")).ok_or_else(|| bad("events"))?;
        let text = serde_json::to_string(&record(&values)).map_err(|_| bad("request"))?;
        let event = if part == "other" { None } else { decode(&text).ok() };
        if counts {
            self.count(&values, part, records, event.as_ref());
        }
        let Some(event) = event.filter(|_| part != "count") else { return Ok(()) };
        self.learn(&values, &event, &events, records);
        Ok(())
    }

    fn count(&mut self, values: &Values<'_>, part: &str, records: u64, event: Option<&Event<'_>>) {
        let [origin, account, day] =
            ["origin", "slice_account", "slice_day"].map(|name| values.text(name).to_owned());
        let fresh = || DayRead {
            origin: origin.clone(),
            account: account.clone(),
            day: day.replace('/', "-"),
            ..DayRead::default()
        };
        let key = (origin.clone(), account.clone(), day.clone());
        let read = self.days.entry(key).or_insert_with(fresh);
        let Some(event) = event else {
            read.others += records;
            return;
        };
        read.records += records;
        read.coverage.see_many(event, records);
        if part != "use" {
            return;
        }
        let usual = values.text("odd_object").is_empty();
        if usual && event.replaces.is_none() && event.is_static_key_use() {
            read.signed += records;
        }
        read.odd += if event.odd_identity { records } else { 0 };
        read.undated += if event.time.is_none() && event.identity.key.is_some() { records } else { 0 };
    }

    fn learn(&mut self, values: &Values<'_>, event: &Event<'_>, events: &[Named], records: u64) {
        if let (Some(minted), Some(time)) = (&event.minted, event.time)
            && AccessKeyId::names_session(&minted.key)
        {
            let day = Day::of(time);
            let delivered = parse_day(&values.text("slice_day").replace('/', "-")).unwrap_or(day);
            let known = self.minted.entry(minted.key.to_string()).or_insert((day, day));
            *known = (known.0.min(day).min(delivered), known.1.max(day).max(delivered));
        }
        let odd_object = values.text("odd_object");
        if values.text("part") == "machine" {
            self.collector.glance(event);
        } else if odd_object.is_empty() {
            for named in events {
                let mut event = event.clone();
                event.id = Some(named.id);
                if let Some(time) = &named.time {
                    event.time = parse_instant(time);
                }
                self.collector.add(&event, || named.id);
            }
        } else {
            let object = odd_object.rsplit('/').next().unwrap_or_default();
            let fingerprint = event.fingerprint(object);
            for _ in 0..records {
                let Self { collector, unnamed, .. } = self;
                collector.add(event, || {
                    let number = unnamed.entry(fingerprint).or_default();
                    *number += 1;
                    made_up_id(&fingerprint, *number)
                });
            }
        }
    }
}

/// The record that a row stands for.
fn record<'r>(values: &Values<'r>) -> Record<'r> {
    let v = |name: &str| values.text(name);
    let odd_time = v("odd_time");
    let arns = |column: &str, member: &'static str| {
        let list = v(column).split('\u{1f}').filter(|arn| !arn.is_empty());
        list.map(move |arn| BTreeMap::from([(member, arn)])).collect::<Vec<_>>()
    };
    let in_session = !v("in_session").is_empty();
    let issuer = v("issuer");
    let replaced = v("replaced_id");
    Record {
        user_identity: Identity {
            r#type: v("identity_type"),
            access_key_id: v("key_id"),
            account_id: v("identity_account"),
            arn: v("identity_arn"),
            user_name: v("user_name"),
            invoked_by: v("invoked_by"),
            session_context: Context {
                attributes: if in_session { BTreeMap::from([("creationDate", "")]) } else { BTreeMap::new() },
                session_issuer: if issuer.is_empty() {
                    BTreeMap::new()
                } else {
                    BTreeMap::from([("userName", issuer)])
                },
            },
        },
        event_time: if odd_time.is_empty() { v("event_day") } else { odd_time },
        event_source: v("event_source"),
        event_name: v("event_name"),
        aws_region: v("region"),
        source_ip: v("source_ip"),
        user_agent: v("user_agent"),
        error_code: v("error_code"),
        shared_id: v("shared_id"),
        recipient_account_id: v("recipient"),
        vpc_endpoint_id: v("vpc_endpoint"),
        event_category: v("event_category"),
        event_type: v("event_type"),
        management_event: v("management_event"),
        read_only: v("read_only"),
        session_credential_from_console: v("from_console"),
        addendum: (!replaced.is_empty())
            .then_some(Addendum { reason: "UPDATED_DATA", original_event_id: replaced }),
        additional_event_data: Part::of(v("additional")),
        request_parameters: Part::of(v("request")),
        response_elements: Part::of(v("response")),
        resources: [arns("arns", "ARN"), arns("arn_prefixes", "ARNPrefix")].concat(),
    }
}

/// An event of a row: its id, and its time where that is not the row's.
struct Named {
    id: EventId,
    time: Option<String>,
}

/// Reads `HHMMSS` and an id, or an id alone, one after the other.
fn events(text: &str, part: &str, day: &str) -> Option<Vec<Named>> {
    if part != "use" {
        return Some(Vec::new());
    }
    text.split(' ').filter(|event| !event.is_empty()).map(|event| named(event, day)).collect()
}

fn named(event: &str, day: &str) -> Option<Named> {
    let (time, id) = match event.len() {
        38 => event.split_at_checked(6)?,
        32 => ("", event),
        _ => return None,
    };
    let id = u128::from_str_radix(id, 16).ok()?.to_be_bytes();
    if time.is_empty() {
        return Some(Named { id, time: None });
    }
    let (hour, rest) = time.split_at_checked(2)?;
    let (minute, second) = rest.split_at_checked(2)?;
    Some(Named { id, time: Some(format!("{day}T{hour}:{minute}:{second}Z")) })
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
