//! Log objects in bulk, for measuring: the estate's own records, repeated under new ids, as many and as large as
//! wanted.

use super::cast::Cast;
use super::dice::{Dice, Stream};
use super::estate::{Region, Site};
use super::events;
use super::generate::{Emit, EstateOptions, gzip, object_path};
use super::{noise, story};
use serde_json::{Value, json};

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct BulkOptions {
    /// JSON in all, in bytes.
    pub bytes: u64,
    /// JSON of one object, in bytes. CloudTrail's are from a few to many thousand records long.
    pub object_bytes: usize,
    /// Records of a thousand that access keys sign.
    pub key_share: u32,
    /// What everything follows from.
    pub seed: u64,
}

/// Days that records are taken from.
const DAYS: i32 = 4;

/// One record, cut where its ids go.
struct Template {
    pieces: Vec<String>,
}

/// What stands in a template for an id, and for the day.
const HOLE: &str = "\u{0}";
const DAY: &str = "\u{1}";

/// Templates of one account's region, as a log object holds records of one only.
#[derive(Default)]
struct Pool {
    of_keys: Vec<Template>,
    of_others: Vec<Template>,
    /// Of both, the records that hand out sessions.
    handing_out: Vec<Template>,
}

impl Template {
    fn new(mut record: Value, dice: &mut Dice) -> Self {
        let Value::Object(map) = &mut record else { return Self { pieces: Vec::new() } };
        map.insert("requestID".into(), json!(HOLE));
        map.insert("eventID".into(), json!(HOLE));
        // Real records are longer than the demo's, most of them by what was asked for.
        if map.get("requestParameters").is_none_or(Value::is_null) {
            let items: Vec<Value> = (0..3)
                .map(|_| json!({"resourceId": format!("i-0{}", dice.hex(16)), "filterSet": {"items": []}, "maxResults": 100}))
                .collect();
            map.insert("requestParameters".into(), json!({"resourcesSet": {"items": items}, "dryRun": false, "clientToken": "example", "tagSet": {"items": [{"key": "team", "value": "example"}, {"key": "stage", "value": "production"}]}}));
        }
        let time = map.get("eventTime").and_then(Value::as_str).and_then(|time| time.get(10..));
        let time = time.map(|time| format!("{DAY}{time}")).unwrap_or_default();
        map.insert("eventTime".into(), json!(time));
        let text = record.to_string().replace("\\u0000", HOLE).replace("\\u0001", DAY);
        Self {
            pieces: text
                .split_inclusive([HOLE, DAY].map(|hole| hole.chars().next().unwrap_or('\0')))
                .map(str::to_owned)
                .collect(),
        }
    }

    fn write(&self, day: &str, dice: &mut Dice, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            if let Some(text) = piece.strip_suffix(HOLE) {
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(dice.uuid().as_bytes());
            } else if let Some(text) = piece.strip_suffix(DAY) {
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(day.as_bytes());
            } else {
                out.extend_from_slice(piece.as_bytes());
            }
        }
    }
}

/// Makes the objects and hands each, as relative path and bytes, to `emit`. Returns the bytes of JSON.
///
/// # Errors
/// Whatever `emit` returns.
pub fn bulk<E>(options: &BulkOptions, emit: &mut Emit<'_, E>) -> Result<u64, E> {
    let cast = story::cast(&EstateOptions { keys: 400, days: 90, seed: options.seed });
    let mut dice = Dice::new(options.seed, Stream::Files, i32::MAX);
    let pools = templates(&cast, &mut dice);
    let (mut made, mut objects) = (0_u64, 0_u32);
    while made < options.bytes && !pools.is_empty() {
        // Sessions are handed out before they are used, as in life: in the first object of each pool.
        let first = (objects as usize) < pools.len();
        let chosen = if first { objects as usize } else { dice.position(pools.len()) };
        let Some(((site, region), pool)) = pools.get(chosen) else { break };
        let day = cast.first_day().plus(if first { 0 } else { i32::try_from(objects % 89).unwrap_or(0) + 1 });
        let date = day.to_string();
        let mut json = b"{\"Records\":[".to_vec();
        let mut mints = pool.handing_out.iter().filter(|_| first).peekable();
        while json.len() < options.object_bytes || mints.peek().is_some() {
            if json.last() != Some(&b'[') {
                json.push(b',');
            }
            let pool = if dice.below(1000) < options.key_share { &pool.of_keys } else { &pool.of_others };
            if let Some(template) = mints.next().or_else(|| pool.get(dice.position(pool.len()))) {
                template.write(&date, &mut dice, &mut json);
            }
        }
        json.extend_from_slice(b"]}");
        made += json.len() as u64;
        let path = object_path(*site, *region, day, objects % 24, &dice.base32(16));
        emit(&path, &gzip(&json))?;
        objects += 1;
    }
    Ok(made)
}

/// Records signed by access keys, and all others, of every account's region that has some of both.
fn templates(cast: &Cast, dice: &mut Dice) -> Vec<((Site, Region), Pool)> {
    let mut pools: Vec<((Site, Region), Pool)> =
        Site::ALL.into_iter().flat_map(|s| Region::ALL.map(|r| ((s, r), Pool::default()))).collect();
    for day in (0..DAYS).map(|n| cast.first_day().plus(80 + n)) {
        let mut events = Vec::new();
        for (index, consumer) in cast.consumers.iter().enumerate() {
            events.extend(events::of_day(cast, index, consumer, day));
        }
        for site in Site::ALL {
            events.extend(noise::of_day(cast, site, day, events.len()));
        }
        for event in events {
            let key = event.record.pointer("/userIdentity/accessKeyId").and_then(Value::as_str);
            let of_key = key.is_some_and(|key| key.starts_with("AKIA"));
            let console = event.record.get("sessionCredentialFromConsole").is_some();
            // People in the console are few beside machines.
            if console && !dice.percent(25) {
                continue;
            }
            let here = pools.iter_mut().find(|((s, r), _)| (*s, *r) == (event.site, event.region));
            if let Some((_, pool)) = here {
                let minted = event.record.pointer("/responseElements/credentials/accessKeyId").is_some();
                let service =
                    event.record.pointer("/userIdentity/type").and_then(Value::as_str) == Some("AWSService");
                if minted && !service {
                    pool.handing_out.push(Template::new(event.record.clone(), dice));
                }
                let templates = if of_key { &mut pool.of_keys } else { &mut pool.of_others };
                templates.push(Template::new(event.record, dice));
            }
        }
    }
    pools.retain(|(_, pool)| !pool.of_keys.is_empty() && !pool.of_others.is_empty());
    pools
}
