//! The quick way and the general one give the same rows, whatever the objects look like.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use offkey::analysis::{Reading, read, read_bytes};
use offkey::cloudtrail::{Decoder, Detail, Event, Instructions, PADDING, Records, Scan, decode, scan_by};
use offkey::evidence::{Evidence, UsageRow};
use offkey::input::{Argument, Depth};
use offkey::model::SkipReason;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::AtomicBool;

const REPEATED: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"x","arn":"arn:aws:sts::111122223333:assumed-role/r/x","accountId":"111122223333","accessKeyId":"ASIA4"},"eventTime":"2026-09-02T01:00:00Z","eventName":"A","userIdentity":{"type":"FederatedUser","accountId":"111122223333","accessKeyId":"ASIA4","sessionContext":{"sessionIssuer":{"userName":"u"}}},"eventName":"B"}"#;

const NAME: &str = "111122223333_CloudTrail_us-east-1_20260930T2355Z_abcDEF0123456789.json.gz";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// All that has to be equal.
fn told(evidence: &Evidence) -> String {
    let mut out = String::new();
    for row in evidence.direct.iter().chain(&evidence.derived) {
        writeln!(out, "{row:?}").unwrap();
    }
    write!(
        out,
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{}",
        evidence.chains,
        evidence.user_sessions,
        evidence.owners,
        evidence.strays,
        evidence.keyless,
        evidence.activity,
        evidence.resources,
        evidence.conflicts
    )
    .unwrap();
    out
}

/// Rows without whether calls named what they acted on, which rows alone do not tell.
fn nameless(rows: &[UsageRow]) -> Vec<UsageRow> {
    let text = |row: &UsageRow| {
        let UsageRow { source, name, region, ip, agent, error, recipient, .. } = row.clone();
        [source, name, region, ip, agent, error, recipient, row.vpc_endpoint.clone(), row.invoked_by.clone()]
    };
    let columns = |row: &UsageRow| {
        let bits = (row.presigned, row.in_session, row.read_only);
        (row.key.clone(), text(row), row.assumed_role.clone(), row.session_path.clone(), bits)
    };
    let mut merged: Vec<UsageRow> = Vec::new();
    for row in rows {
        let row = UsageRow { named: false, ..row.clone() };
        // Rows are sorted, and by this last.
        match merged.last_mut() {
            Some(other) if columns(other) == columns(&row) => other.stats.merge(&row.stats),
            _ => merged.push(row),
        }
    }
    merged
}

fn equal(json: &[u8]) -> usize {
    let file = gzip(json);
    let general = read_bytes(NAME, &file, Depth::Evidence, false);
    for depth in [Depth::Evidence, Depth::Census] {
        let quick = read_bytes(NAME, &file, depth, true);
        assert_eq!(told(&quick), told(&general), "{depth:?}: {}", String::from_utf8_lossy(json));
    }
    let keys = read_bytes(NAME, &file, Depth::Keys, true);
    assert_eq!(
        format!("{:?}", keys.direct),
        format!("{:?}", nameless(&general.direct)),
        "{}",
        String::from_utf8_lossy(json)
    );
    // Plain content goes the same two ways.
    let plain = NAME.trim_end_matches(".gz");
    assert_eq!(
        told(&read_bytes(plain, json, Depth::Evidence, true)),
        told(&read_bytes(plain, json, Depth::Evidence, false))
    );
    general.direct.len() + general.derived.len()
}

/// A generator of chance, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const KEYS: &[&str] = &[
    "AKIAIOSFODNN7EXAMPLE",
    "AKIAI44QH8DHBEXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "ASIAI44QH8DHBEXAMPLE",
    "ASIA3",
    "ASIA4",
    "",
];

fn record(dice: &mut Dice) -> Value {
    let kind = dice.pick(&[
        "IAMUser",
        "AssumedRole",
        "AssumedRole",
        "Root",
        "AWSService",
        "AWSAccount",
        "FederatedUser",
    ]);
    let key = dice.pick(KEYS);
    let uuid = |dice: &mut Dice| format!("3c856bc0-1a07-4c18-89d9-{:012x}", dice.below(40));
    let mut identity = json!({"type": kind, "principalId": "AROAEXAMPLE:i-0123456789abcdef0", "arn": format!("arn:aws:sts::111122223333:assumed-role/r/{}", dice.pick(&["i-0123456789abcdef0", "web"])), "accountId": "111122223333", "accessKeyId": key,
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "r"}, "attributes": {"mfaAuthenticated": "false"}}, "userName": dice.pick(&["ci", "deploy"])});
    if key.is_empty() && dice.below(2) == 0 {
        identity.as_object_mut().unwrap().remove("accessKeyId");
    }
    let mut record = json!({"eventVersion": "1.08", "userIdentity": identity, "eventTime": format!("2026-09-{:02}T0{}:00:00Z", 1 + dice.below(28), dice.below(10)),
        "eventSource": dice.pick(&["s3.amazonaws.com", "sts.amazonaws.com"]), "eventName": dice.pick(&["GetObject", "AssumeRole", "GetSessionToken", "AssumeRoleWithSAML"]), "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1", "userAgent": dice.pick(&["[aws-cli/2.1]", "agent \"quoted\" \\", "Ünïcode/1.0"]), "requestParameters": {"bucketName": "b", "key": format!("k{}", dice.below(4)), "roleArn": "arn:aws:iam::111122223333:role/r"},
        "responseElements": null, "eventID": uuid(dice), "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "eventCategory": dice.pick(&["Management", "Data"])});
    if dice.below(3) == 0 {
        record["responseElements"] =
            json!({"credentials": {"accessKeyId": dice.pick(&KEYS[2..6]), "expiration": "x"}});
    }
    if dice.below(4) == 0 {
        record["sharedEventID"] = json!(format!("shared-{}", dice.below(3)));
    }
    if dice.below(8) == 0 {
        record["addendum"] = json!({"reason": "UPDATED_DATA", "originalEventID": uuid(dice)});
    }
    if dice.below(3) == 0 {
        record["resources"] = json!([{"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::b/k{}", dice.below(4))},
            {"accountId": "111122223333", "ARNPrefix": "arn:aws:s3:::b/"}]);
    }
    if dice.below(6) == 0 {
        record.as_object_mut().unwrap().remove("eventID");
    }
    if dice.below(8) == 0 {
        record["errorCode"] = json!("AccessDenied");
    }
    record
}

/// Does to a text what a hostile writer, a damaged disk or an odd serialiser would.
fn spoil(dice: &mut Dice, text: &mut Vec<u8>) {
    const PIECES: &[&str] = &[
        "\\u0041KIA",
        "\\u0053",
        "\"AKIA",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "\n",
        " ",
        "\t",
        "\\\"",
        "{\"Records\":[",
        "]}",
        "\"accessKeyId\":\"AKIAIOSFODNN7EXAMPLE\",",
        "\"accessKeyId\":null,",
        "\"ARN\":\"arn:aws:s3:::c/d\",",
        "\"resources\":[{\"ARN\":\"arn:aws:s3:::a\",\"ARN\":\"arn:aws:s3:::b\"}],",
        "\"type\":\"IAMUser\",",
        "{\"userIdentity\":{\"accessKeyId\":\"AKIAI44QH8DHBEXAMPLE\",\"type\":\"IAMUser\"},\"eventName\":\"X\",\"eventTime\":\"x\"},",
        "\"userIdentity\":\"{\\\"type\\\":\\\"IAMUser\\\",\\\"accessKeyId\\\":\\\"AKIAIOSFODNN7EXAMPLE\\\"}\",",
        "\u{0}",
        "\\ud83d",
        "1e5",
        "-",
        "\\u",
        "é",
        "AKIA",
        "ASIA",
        "\"eventCategory\":\"Data\",",
        "\"userIdentity\":{\"type\":\"AWSService\"},",
        "AssumeRole",
        "IAMUser",
    ];
    let at = dice.below(text.len() + 1);
    match dice.below(8) {
        0 => text.truncate(at),
        1 if at < text.len() => text[at] = u8::try_from(dice.below(256)).unwrap(),
        2 => {
            let end = (at + dice.below(40)).min(text.len());
            text.drain(at..end);
        }
        3 => {
            let end = (at + dice.below(400)).min(text.len());
            let piece = text[at..end].to_vec();
            let to = dice.below(text.len() + 1);
            text.splice(to..to, piece);
        }
        // Where a token begins, so that the result is more often still JSON.
        4 | 5 => {
            let quote = text.iter().skip(at).position(|b| *b == b'"').map_or(text.len(), |n| at + n);
            let piece = dice.pick(PIECES);
            text.splice(quote..quote, piece.bytes());
        }
        6 => {
            let letter = text
                .iter()
                .skip(at)
                .position(|b| matches!(b, b'A' | b'K' | b'I' | b'S' | b'U' | b'R' | b'D'));
            if let Some(n) = letter {
                let escape = format!("\\u00{:02x}", text[at + n]);
                text.splice(at + n..at + n + 1, escape.bytes());
            }
        }
        _ => {
            let piece = dice.pick(PIECES);
            text.splice(at..at, piece.bytes());
        }
    }
}

fn object(dice: &mut Dice) -> Vec<u8> {
    let records: Vec<Value> = (0..dice.below(12)).map(|_| record(dice)).collect();
    match dice.below(4) {
        0 => serde_json::to_vec_pretty(&json!({"Records": records})).unwrap(),
        _ => json!({"Records": records}).to_string().into_bytes(),
    }
}

#[test]
fn hostile_objects_give_the_same_rows_both_ways() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    // Neighbouring seeds must not lead through the same objects.
    let (seconds, first) = (number("OFFKEY_FUZZ_SECONDS", 0), 1 + (number("OFFKEY_FUZZ_SEED", 0) << 32));
    let start = std::time::Instant::now();
    let (mut objects, mut rows, mut intact) = (0_u64, 0, 0);
    // A fixed number in every run of the tests; as long as one likes when asked.
    while objects < 3000 || start.elapsed().as_secs() < seconds {
        let mut dice = Dice(first.wrapping_add(objects).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut text = object(&mut dice);
        for _ in 0..[0, 1, 1, 1, 2, 4][dice.below(6)] {
            spoil(&mut dice, &mut text);
        }
        intact += usize::from(serde_json::from_slice::<Value>(&text).is_ok());
        rows += equal(&text);
        objects += 1;
    }
    println!("{objects} objects, {intact} of them valid JSON, {rows} rows");
    assert!(rows > 1500 && intact > 500, "the objects say too little: {rows} rows, {intact} valid");
}

#[test]
fn odd_objects_one_by_one() {
    let own = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","accessKeyId":"AKIAIOSFODNN7EXAMPLE","accountId":"111122223333"},"eventTime":"2026-09-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"A","eventID":"3c856bc0-1a07-4c18-89d9-000000000001"}"#;
    let other = r#"{"eventVersion":"1.08","userIdentity":{"type":"AWSService"},"eventTime":"2026-09-01T00:00:00Z","eventName":"B"}"#;
    let cases: &[(String, usize)] = &[
        (format!(r#"{{"Records":[{own},{other}]}}"#), 1),
        (format!("{{ \"Records\" : [ {own} ,\r\n {other} ] }} \n"), 1),
        (format!(r#"{{"Records":[{other}],"AKIAIOSFODNN7EXAMPLE":[{own}]}}"#), 0),
        (format!(r#"{{"x":{own},"Records":[{other},{own}]}}"#), 1),
        (format!(r#"{{"Records":[{other},{own}"#), 1),
        (format!(r#"{{"Records":[{other},{own}]"#), 1),
        (format!(r#"{{"Records":[{other},,{own}]}}"#), 0),
        (format!(r#"{{"Records":[{other} {own}]}}"#), 0),
        (format!(r#"{{"Records":[[{own}]]}}"#), 1),
        (format!(r#"{{"Records":[{own}]}}{{"Records":[{own}]}}"#), 1),
        (format!(r#"{{"R\u0065cords":[{own}]}}"#), 1),
        (r#"{"Records":[]}"#.to_owned(), 0),
        (own.to_owned(), 1),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("AKIA", r"\u0041KIA")), 1),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("IAMUser", r"I\u0041MUser")), 1),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("\"A\"", "\"a\\\\\\\"{[AKIA\"")), 1),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("\"A\"", "\"a\nb\"")), 0),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("\"A\"", "\"a\u{1}b\"")), 0),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("\"A\"", "01")), 0),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("\"A\"", r#""A","resources":[{"ARN\ud83d":"x"}]"#)), 1),
        (format!(r#"{{"Records":[{}]}}"#, own.replace("\"type\"", r#""type":"AssumedRole","type""#)), 1),
        // Found by fuzzing: an identity that repeats a role's.
        (format!(r#"{{"Records":[{}]}}"#, REPEATED), 0),
    ];
    for (text, rows) in cases {
        assert_eq!(equal(text.as_bytes()), *rows, "{text}");
    }
}

#[test]
fn an_object_that_does_not_match_its_sum_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let never = AtomicBool::new(false);
    let told = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let arguments = [Argument::new(path.to_string_lossy())];
        let depth = Depth::Keys;
        let reading =
            Reading { arguments: &arguments, depth, jobs: 1, stop: &never, total: &|_, _| {}, tick: &|_| {} };
        let material = read(&reading, Vec::new()).unwrap();
        let skips: Vec<_> = material.skips.iter().map(|skip| (skip.offset, skip.reason)).collect();
        (skips, format!("{:?}", material.evidence.direct))
    };
    // Larger than one stretch of what is summed up and scanned together, and smaller.
    for records in [2, 400] {
        let records: Vec<Value> = (0..records).map(|n| record(&mut Dice(n + 1))).collect();
        let whole = gzip(json!({ "Records": records }).to_string().as_bytes());
        let (skips, rows) = told(NAME, &whole);
        assert!(skips.iter().all(|(_, reason)| *reason != SkipReason::DamagedArchive), "{skips:?}");
        // Of eight bytes at the end, four are the sum and four the length.
        for at in whole.len() - 8..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            let (skips, found) = told(NAME, &damaged);
            assert_eq!((&skips, &found), (&told("another-name.json.gz", &damaged).0, &rows));
            assert!(skips.iter().any(|(_, reason)| *reason == SkipReason::DamagedArchive), "{at}: {skips:?}");
        }
    }
}

#[test]
fn instructions_make_no_difference() {
    let mut dice = Dice(7);
    for _ in 0..400 {
        let mut text = object(&mut dice);
        for _ in 0..dice.below(3) {
            spoil(&mut dice, &mut text);
        }
        let len = text.len();
        // What stands behind the content must not matter.
        text.extend((0..PADDING).map(|n| b"\"{}AKIA\\"[n % 8]));
        for how in [Scan::Keys, Scan::Wide] {
            let all = Instructions::ALL.map(|by| {
                let mut records = Records::default();
                let usual = scan_by(by, &text, len, how, &mut records);
                (usual, records.iter().collect::<Vec<_>>())
            });
            assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{how:?}: {all:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_quick_decoder_agrees_or_abstains(seed in any::<u64>(), spoils in 0..4_usize) {
        let mut dice = Dice(seed);
        let mut spoiled = || {
            let mut text = record(&mut dice).to_string().into_bytes();
            for _ in 0..spoils {
                spoil(&mut dice, &mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        };
        // What was read before changes nothing: neither what is remembered of it, nor the order that its members had.
        let mut decoder = Decoder::default();
        for before in [spoiled(), spoiled(), spoiled()] {
            let event = decoder.usual(before.as_bytes(), Detail::Names);
            prop_assert!(event.is_err() || event == decode(&before));
        }
        let text = spoiled();
        if let Ok(event) = decoder.usual(text.as_bytes(), Detail::Names).map(Event::into_owned) {
            let remembered = decoder.usual(text.as_bytes(), Detail::Names).map(Event::into_owned);
            prop_assert_eq!(remembered.as_ref(), Ok(&event));
            let less = decoder.usual(text.as_bytes(), Detail::Call).map(Event::into_owned);
            let bare = Event { acted_on: None, ..event.clone() };
            prop_assert_eq!(less, Ok(bare.clone()));
            let least = decoder.usual(text.as_bytes(), Detail::Caller).map(Event::into_owned);
            prop_assert_eq!(least, Ok(Event { minted: None, replaces: None, presigned: false, ..bare }));
            prop_assert_eq!(Ok(event), decode(&text));
        } else if spoils == 0 {
            prop_assert!(false, "a usual record is not read the quick way: {}", text);
        }
    }
}
