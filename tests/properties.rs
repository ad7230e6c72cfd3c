//! Properties that hold for any input: no panic, no loss, no dependence on order or on where buffers end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use offkey::cloudtrail::decode;
use offkey::evidence::{Collector, UsageRow};
use offkey::input::{Found, Trouble, ValueSink, read_values, recognise};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Read;

/// Hands out a stream in pieces of given sizes.
struct Pieces<'a>(&'a [u8], &'a [usize], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1.get(self.2 % self.1.len().max(1)).copied().unwrap_or(1).max(1);
        self.2 += 1;
        let n = size.min(out.len()).min(self.0.len());
        out[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

#[derive(Default)]
struct Log {
    values: Vec<(u64, Vec<u8>)>,
    troubles: Vec<u64>,
}

impl ValueSink for Log {
    fn value(&mut self, raw: &[u8], offset: u64) {
        self.values.push((offset, raw.to_vec()));
    }
    fn trouble(&mut self, offset: u64, _: Trouble) {
        self.troubles.push(offset);
    }
}

fn walk(bytes: &[u8], pieces: &[usize]) -> Log {
    let mut log = Log::default();
    read_values(&mut Pieces(bytes, pieces, 0), &mut log);
    log
}

/// JSON of any shape, with keys that look like containers among the rest.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("{\"eventVersion\":\"1.08\"")),
    ];
    let key = prop_oneof![
        "[a-z]{1,3}",
        Just("detail".to_owned()),
        Just("data".to_owned()),
        Just("userIdentity".to_owned()),
        any::<String>()
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A record of one of a few keys and sessions, some of which hand out others.
fn any_event() -> impl Strategy<Value = Value> {
    let ids = ["AKIA1", "AKIA2", "ASIA1", "ASIA2", "ASIA3"];
    let parts = (0..6_usize, prop::option::of(2..5_usize), 0..6_u8, 0..5_u32, 0..3_u8, 0..8_u8, 0..3_u8);
    parts.prop_map(move |(key, child, id, hour, name, odd, user)| {
        let uuid = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
        // Another account's principal has no key id; its call is joined by the shared id.
        let identity = match ids.get(key) {
            Some(id) => json!({"type": "IAMUser", "accessKeyId": id, "accountId": "111122223333", "userName": format!("u{user}")}),
            None => json!({"type": "AWSAccount", "accountId": "444455556666"}),
        };
        json!({
            "userIdentity": identity,
            "eventName": if odd < 3 { "AssumeRole".to_owned() } else { format!("N{name}") },
            "eventSource": "sts.amazonaws.com",
            "eventTime": if hour == 4 { "garbage".to_owned() } else { format!("2026-09-01T0{hour}:00:00Z") },
            "eventID": if id == 5 { "x".to_owned() } else { uuid(id) },
            "sharedEventID": if odd < 5 { Some(format!("shared{}", odd % 2)) } else { None },
            "addendum": if odd == 6 { json!({"reason": "UPDATED_DATA", "originalEventID": uuid(name)}) } else { Value::Null },
            "responseElements": child.map(|c| json!({"credentials": {"accessKeyId": ids[c]}})),
        })
    })
}

fn fold(events: &[Value]) -> Vec<String> {
    let (mut collector, mut next) = (Collector::default(), 0_u64);
    for event in events {
        // A record without an id counts each time; where it stands makes it one of its own.
        let mut made_up = [0xff; 16];
        made_up[8..].copy_from_slice(&next.to_be_bytes());
        next += 1;
        collector.add(&decode(&event.to_string()).unwrap(), || made_up);
    }
    let evidence = collector.finish();
    let show = |row: &UsageRow| {
        let s = &row.stats;
        format!(
            "{} {} {} {} {:?} {:?} {:?} {:?}",
            row.key, row.name, row.session_path, s.count, s.first, s.last, s.days, s.sample
        )
    };
    let mut out: Vec<String> = evidence.direct.iter().chain(&evidence.derived).map(show).collect();
    out.extend(evidence.activity.iter().map(|a| format!("{a:?}")));
    out.extend(evidence.chains.sessions.iter().map(|s| format!("{s:?}")));
    out.extend(evidence.user_sessions.iter().map(|s| format!("{s:?}")));
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_survived_and_buffers_do_not_show(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\ \n1atR".to_vec())], 0..400), pieces in prop::collection::vec(1..40_usize, 1..8)) {
        let whole = walk(&bytes, &[usize::MAX]);
        let cut = walk(&bytes, &pieces);
        prop_assert_eq!(&whole.values, &cut.values);
        prop_assert_eq!(&whole.troubles, &cut.troubles);
        for (_, raw) in &whole.values {
            recognise(raw, &mut |_| {});
        }
    }

    #[test]
    fn objects_come_out_as_they_went_in(values in prop::collection::vec(any_json(), 1..6), pretty in any::<bool>()) {
        let objects: Vec<&Value> = values.iter().filter(|v| v.is_object()).collect();
        let container = json!({"first": 1, "Records": objects, "last": [2]});
        let text = if pretty { serde_json::to_string_pretty(&container).unwrap() } else { container.to_string() };
        let log = walk(text.as_bytes(), &[7]);
        prop_assert!(log.troubles.is_empty());
        let back: Vec<Value> = log.values.iter().map(|(_, raw)| serde_json::from_slice(raw).unwrap()).collect();
        // Objects with a list under `Records` or `Events` are containers themselves; the generator makes none.
        prop_assert_eq!(back.iter().collect::<Vec<_>>(), objects);
    }

    #[test]
    fn a_cut_loses_only_what_it_cuts(count in 1..20_usize, at in any::<prop::sample::Index>()) {
        let records: Vec<Value> = (0..count).map(|n| json!({"eventName": format!("N{n}"), "eventTime": "2026-09-01T00:00:00Z"})).collect();
        let text = json!({"Records": records}).to_string();
        let cut = at.index(text.len());
        let log = walk(&text.as_bytes()[..cut], &[5]);
        let whole = log.values.len();
        for (n, (offset, raw)) in log.values.iter().enumerate() {
            prop_assert_eq!(&serde_json::from_slice::<Value>(raw).unwrap(), &records[n]);
            prop_assert!(*offset as usize + raw.len() <= cut);
        }
        let ends = text.match_indices("\"}").filter(|(i, _)| i + 2 <= cut).count();
        prop_assert_eq!(whole, ends.min(count));
        prop_assert!(cut == 0 || !log.troubles.is_empty(), "a cut is never silent");
    }

    #[test]
    fn order_never_matters(events in prop::collection::vec(any_event(), 0..30), seed in any::<u64>()) {
        let mut shuffled = events.clone();
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        prop_assert_eq!(fold(&events), fold(&shuffled));
    }

    #[test]
    fn reading_twice_counts_once(events in prop::collection::vec(any_event(), 0..20)) {
        let identified: Vec<Value> = events.into_iter().filter(|e| e["eventID"] != "x").collect();
        let twice: Vec<Value> = identified.iter().chain(&identified).cloned().collect();
        let rows = |events: &[Value]| fold(events).into_iter().filter(|line| !line.contains("Activity")).collect::<Vec<_>>();
        prop_assert_eq!(rows(&identified), rows(&twice));
    }

    #[test]
    fn recognised_json_never_panics(value in any_json()) {
        let mut found = 0;
        recognise(value.to_string().as_bytes(), &mut |f| {
            found += 1;
            let _ = matches!(f, Found::Event(_));
        });
        prop_assert!(found <= 10_000);
    }
}
