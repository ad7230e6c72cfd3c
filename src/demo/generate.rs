//! Writes the estate, one account's region and day at a time, so that memory stays flat.

use super::cast::Cast;
use super::dice::{Dice, Stream};
use super::estate::{Region, Site};
use super::events::{self, Event};
use super::truth::{ConsumerTruth, KeyTruth, Truth};
use super::{iam_files, networks, noise, odd_files, story};
use crate::model::{Day, parse_instant};
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use std::io::Write;

/// How large the estate is, and what it follows from.
#[derive(Clone, Debug)]
pub struct EstateOptions {
    /// Access keys; fewer than the fixed cast needs are raised to it.
    pub keys: u32,
    /// Days of logs, at least one.
    pub days: u32,
    /// What everything follows from.
    pub seed: u64,
}

impl Default for EstateOptions {
    fn default() -> Self {
        Self { keys: 60, days: 90, seed: 1 }
    }
}

/// The estate's now: the end of the evidence. The last day of logs is the day before.
pub fn as_of() -> Timestamp {
    parse_instant("2026-10-01T00:00:00Z").unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Takes one file: relative path and content.
pub type Emit<'a, E> = dyn FnMut(&str, &[u8]) -> Result<(), E> + 'a;

/// Makes the estate up and hands every file, as relative path and bytes, to `emit`, always in the same order.
/// Returns the truth, which is not part of the estate.
///
/// # Errors
/// Whatever `emit` returns.
pub fn generate<E>(options: &EstateOptions, emit: &mut Emit<'_, E>) -> Result<Truth, E> {
    let options = EstateOptions { days: options.days.max(1), ..options.clone() };
    let cast = story::cast(&options);
    for (path, bytes) in networks::files().into_iter().chain(iam_files::files(&cast)) {
        emit(&path, &bytes)?;
    }
    let first = cast.first_day();
    let days = i32::try_from(options.days).unwrap_or(1);
    for day in (0..days).map(|n| first.plus(n)) {
        one_day(&cast, day, emit)?;
    }
    Ok(truth(&cast))
}

fn one_day<E>(cast: &Cast, day: Day, emit: &mut Emit<'_, E>) -> Result<(), E> {
    let mut events: Vec<Event> = Vec::new();
    for (index, consumer) in cast.consumers.iter().enumerate() {
        events.extend(events::of_day(cast, index, consumer, day));
    }
    for site in Site::ALL {
        let own = events.iter().filter(|event| event.site == site).count();
        events.extend(noise::of_day(cast, site, day, own.max(6)));
    }
    events.sort_by_key(|event| event.second);
    let mut dice = Dice::new(cast.options.seed, Stream::Files, day.0);
    for site in Site::ALL {
        for region in Region::ALL {
            let here: Vec<&Event> =
                events.iter().filter(|event| event.site == site && event.region == region).collect();
            if here.is_empty() {
                continue;
            }
            // Delivered twice a day: what happened in each half.
            for (hour, half) in [(12, 0), (23, 1)] {
                let midday = day.start().as_second() + 43_200;
                let records: Vec<_> =
                    here.iter().filter(|e| (e.second >= midday) == (half == 1)).map(|e| &e.record).collect();
                if records.is_empty() {
                    continue;
                }
                let path = object_path(site, region, day, hour, &dice.base32(16));
                let mut bytes = b"{\"Records\":".to_vec();
                // Serialising values to memory does not fail.
                let _ = serde_json::to_writer(&mut bytes, &records);
                bytes.push(b'}');
                emit(&path, &gzip(&bytes))?;
            }
            let odd_day = day == Day::of(cast.as_of).plus(-1);
            if odd_day && site == Site::Legacy && region == Region::UsEast1 {
                for (path, bytes) in odd_files::of_day(cast, day, &here) {
                    emit(&path, &bytes)?;
                }
            }
        }
    }
    Ok(())
}

/// The name of a log object in an organization's trail.
pub(super) fn object_path(site: Site, region: Region, day: Day, hour: u32, random: &str) -> String {
    let (account, region, date) = (site.id(), region.id(), day.to_string());
    let (slashed, plain) = (date.replace('-', "/"), date.replace('-', ""));
    format!(
        "trail/AWSLogs/o-exampleorg1/{account}/CloudTrail/{region}/{slashed}/{account}_CloudTrail_{region}_{plain}T{hour:02}55Z_{random}.json.gz"
    )
}

/// Compressed, without a time in the header.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn truth(cast: &Cast) -> Truth {
    let consumers_of = |index: usize| cast.consumers.iter().filter(move |c| c.key == index && !c.scanner);
    let consumer = |c: &super::cast::Consumer| ConsumerTruth {
        name: c.name.clone(),
        kind: c.kind.id().to_owned(),
        visible: c.visible,
        source_ips: c.ips.clone(),
        user_agents: c.agents.iter().map(|agent| (*agent).to_owned()).collect(),
        note: c.note.to_owned(),
    };
    let keys = cast.keys.iter().enumerate().map(|(index, key)| {
        let user = cast.users.get(key.user);
        KeyTruth {
            access_key_id: key.id.clone(),
            account_id: user.map(|u| u.site.id().to_owned()).unwrap_or_default(),
            user_name: user.map(|u| u.name.clone()).unwrap_or_default(),
            in_use: consumers_of(index).next().is_some(),
            traps: key.traps.iter().map(|trap| (*trap).to_owned()).collect(),
            note: key.note.clone(),
            consumers: consumers_of(index).map(consumer).collect(),
        }
    });
    Truth {
        version: "offkey.truth/1",
        seed: cast.options.seed,
        days: cast.options.days,
        as_of: cast.as_of.to_string(),
        keys: keys.collect(),
    }
}
