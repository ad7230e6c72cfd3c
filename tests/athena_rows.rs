//! The query's rows, run on DuckDB as printed, say what offkey says that reads the same files itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use offkey::athena::{ALLOWED_FUNCTIONS, COLUMNS, Layout, Slice, usage_sql};
use offkey::model::parse_day;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::athena::{assert_same, by_query, natively, object};
use support::standin::python;
use support::*;

fn slice(sessions: &[&str]) -> Slice {
    Slice {
        account: Some("111122223333".into()),
        first: parse_day("2026-09-01").unwrap(),
        last: parse_day("2026-09-30").unwrap(),
        sessions: sessions.iter().map(|s| (*s).to_owned()).collect(),
    }
}

/// The text without comments and without what stands in quotes.
fn bare(sql: &str) -> String {
    let lines: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
    lines.join("\n").split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

#[test]
fn only_functions_that_engines_agree_on_are_called() {
    let layout = Layout::own("default", "trail", "s3://example-trail/AWSLogs");
    let sql = usage_sql(&layout, &slice(&["ASIAIOSFODNN7EXAMPLE"]), &["us-east-1".to_owned()]).unwrap();
    let text = bare(&sql).to_lowercase();
    let mut called = BTreeSet::new();
    for (at, _) in text.match_indices('(') {
        let before = text[..at].trim_end();
        let name: String = before
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        // These are followed by lists and conditions.
        if !name.is_empty() && !["as", "in", "and", "or", "when", "where", "not"].contains(&name.as_str()) {
            called.insert(name);
        }
    }
    // Tables that lack a column have NULL cast in its place.
    called.insert("cast".to_owned());
    let allowed: BTreeSet<String> = ALLOWED_FUNCTIONS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(called, allowed, "the query calls other functions than the list allows, or fewer");
    for never in ["json_", "date_", "regexp_extract", " / ", "%", "array_agg(distinct null", "try("] {
        assert!(!text.contains(never), "{never}");
    }
    // What goes into the only array is never NULL: every branch gives text.
    assert!(text.contains("array_agg(distinct event)"));
}

#[test]
fn nothing_from_logs_or_arguments_ends_a_quote() {
    let layout = Layout::own("default", "trail", "s3://example-trail/AWSLogs");
    for bad in ["ASIA' OR 1=1 --", "ASIA\"", "ASIA;", "", "ASIA\n", "ASIA\\", "ASIAé"] {
        assert!(usage_sql(&layout, &slice(&[bad]), &[]).is_err(), "{bad}");
        assert!(usage_sql(&layout, &slice(&[]), &[bad.to_owned()]).is_err(), "{bad}");
    }
    for (database, table) in [("a\"b", "t"), ("d", "t\"; DROP"), ("", "t"), ("d", "t t")] {
        assert!(usage_sql(&Layout::own(database, table, ""), &slice(&[]), &[]).is_err());
    }
    let sql = usage_sql(&layout, &slice(&[]), &[]).unwrap();
    assert!(
        !sql.contains('{') || sql.matches('{').count() == sql.matches("]{").count(),
        "a placeholder is left"
    );
    for column in COLUMNS {
        assert!(sql.contains(column), "{column}");
    }
}

#[test]
fn the_demos_rows_are_the_native_ones() {
    let Some(python) = python() else { return };
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "-q", "-o", "demo"])), 0);
    let root = dir.path().join("demo/estate/trail");
    without_damage(&root);
    natively(&dir, &root, "native.db");
    by_query(&python, &dir, &root, "csv.db", "csv");
    let (rows, sessions) = assert_same(&dir, "csv.db", "native.db", "the demo");
    println!("demo: {rows} rows and {sessions} sessions of keys, equal");
    assert!(rows > 2000 && sessions > 200);
    let merged = offkey(&dir, &["merge", "csv.db", "native.db", "--store", "merged.db"]);
    assert!(matches!(code(&merged), 0 | 3), "{}", stderr(&merged));
    // Both ways into one store, in either order: nothing counts twice.
    natively(&dir, &root, "again.db");
    by_query(&python, &dir, &root, "native.db", "csv");
    natively(&dir, &root, "csv.db");
    assert_same(&dir, "native.db", "again.db", "files first");
    assert_same(&dir, "csv.db", "again.db", "the query first");
    assert_same(&dir, "merged.db", "again.db", "merged");
}

#[test]
fn real_datas_rows_are_the_native_ones() {
    let Some(shared) = shared("the comparison of Athena's rows on real data") else { return };
    let Some(python) = python() else { return };
    let mut sources: Vec<_> =
        std::fs::read_dir(shared.join("data/cloudtrail")).unwrap().map(|e| e.unwrap().path()).collect();
    sources.sort();
    assert!(sources.len() >= 10);
    for source in sources {
        let dir = Dir::new();
        let (mut open, mut n, mut count) = (vec![source.clone()], 0, 0);
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
                continue;
            }
            let records = records_of(&std::fs::read(&path).unwrap());
            // Placeholders for sessions are used for years in examples: all is delivered on one day.
            if !records.is_empty() {
                count += records.len();
                object(&dir, "111122223333", "us-east-1", "2024/01/01", n, &records);
                n += 1;
            }
        }
        let name = source.file_name().unwrap().to_string_lossy().into_owned();
        if n == 0 {
            println!("{name}: no records");
            continue;
        }
        let root = dir.path().join("AWSLogs");
        natively(&dir, &root, "native.db");
        by_query(&python, &dir, &root, "query.db", "csv");
        let (rows, sessions) = assert_same(&dir, "query.db", "native.db", &name);
        println!("{name}: {count} records of {n} files, {rows} rows, {sessions} sessions, equal");
    }
}

/// Removes what Athena's table does not show or cannot read: Insights, which lie beside, and damaged objects.
fn without_damage(root: &std::path::Path) {
    let (mut open, mut removed) = (vec![root.to_path_buf()], 0);
    while let Some(path) = open.pop() {
        if path.ends_with("CloudTrail-Insight") {
            std::fs::remove_dir_all(path).unwrap();
        } else if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "gz") {
            let bytes = std::fs::read(&path).unwrap();
            let whole =
                std::io::copy(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut std::io::sink());
            if whole.is_err() {
                std::fs::remove_file(path).unwrap();
                removed += 1;
            }
        }
    }
    assert_eq!(removed, 2, "the demo has two damaged objects");
}

/// CloudTrail's records in a file of any of the usual forms, of the types that CloudTrail itself writes.
fn records_of(bytes: &[u8]) -> Vec<Value> {
    let plain = if bytes.starts_with(b"\x1f\x8b") {
        let mut out = Vec::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(bytes);
        match std::io::Read::read_to_end(&mut decoder, &mut out) {
            Ok(_) => out,
            Err(_) => return Vec::new(),
        }
    } else {
        bytes.to_vec()
    };
    let values: Vec<Value> =
        serde_json::Deserializer::from_slice(&plain).into_iter::<Value>().map_while(Result::ok).collect();
    let mut records = Vec::new();
    let mut open = values;
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(map) if map.contains_key("Records") => open.extend(map.get("Records").cloned()),
            Value::Object(map) if map.contains_key("Events") => open.extend(map.get("Events").cloned()),
            Value::Object(map) if map.get("CloudTrailEvent").is_some_and(Value::is_string) => {
                open.extend(serde_json::from_str(map["CloudTrailEvent"].as_str().unwrap()).ok());
            }
            Value::Object(map) if map.contains_key("detail") && !map.contains_key("eventTime") => {
                open.extend(map.get("detail").cloned());
            }
            Value::Object(map) if map.contains_key("eventName") || map.contains_key("eventTime") => {
                records.push(Value::Object(map));
            }
            _ => {}
        }
    }
    records.reverse();
    records
}

/// Records that nobody hopes to meet, each with others of the same kind beside it.
fn hostile() -> Vec<Value> {
    let key = |n: u32, name: &str| record(n, name, "2026-09-10T10:00:00Z");
    let long = "x".repeat(20_000);
    let mut records = vec![
        with(key(1, "NullIdentity"), json!({"userIdentity": null})),
        with(key(2, "Twice"), json!({})),
        with(key(2, "Twice"), json!({})),
        // The same id with another time: the earlier copy counts.
        with(key(2, "Twice"), json!({"eventTime": "2026-09-09T10:00:00Z"})),
        with(key(3, "NoId"), json!({"eventID": null})),
        with(key(3, "NoId"), json!({"eventID": null})),
        with(key(3, "NoId"), json!({"eventID": "1"})),
        with(key(3, "NoId"), json!({"eventID": "...", "requestParameters": {"bucketName": "other"}})),
        with(key(4, "UpperId"), json!({"eventID": "ABCDEF00-0000-4000-8000-00000000000A"})),
        with(key(4, "UpperId"), json!({"eventID": "abcdef00-0000-4000-8000-00000000000a"})),
        with(key(5, "Quotes"), json!({"userAgent": "a \"b\" 'c', d; e\nf\r\ng\th\\ -- /* x */ , [] {}"})),
        with(key(6, "Unicode"), json!({"userAgent": "ключ 鍵 🔑 \u{1f} \u{0} \u{feff}", "errorCode": "é"})),
        with(
            key(7, "Long"),
            json!({"userAgent": long, "requestParameters": {"bucketName": long, "x": long.repeat(4)}}),
        ),
        with(key(8, "NoTime"), json!({"eventTime": null})),
        with(key(9, "OddTime"), json!({"eventTime": "2026-09-10 10:00:00.5"})),
        with(key(10, "OddTime"), json!({"eventTime": "2026-09-11T09:23:37+11:00"})),
        with(key(11, "OddTime"), json!({"eventTime": "yesterday"})),
        with(key(12, "OddTime"), json!({"eventTime": "2026-09-31T10:00:00Z"})),
        with(key(13, "OddTime"), json!({"eventTime": "2026-09-10T24:00:00Z", "eventID": null})),
        with(key(14, "OddRequest"), json!({"requestParameters": "bucketName"})),
        with(key(15, "OddRequest"), json!({"requestParameters": [1, {"bucketName": "x"}]})),
        with(
            key(16, "OddRequest"),
            json!({"requestParameters": {"bucketName": ["a", {"b": null}], "key": 7.50}}),
        ),
        with(key(17, "OddResponse"), json!({"responseElements": "accessKeyId"})),
        with(
            key(18, "OddResponse"),
            json!({"responseElements": {"credentials": {"accessKeyId": {"a": "ASIA"}}}}),
        ),
        with(
            key(19, "OddResponse"),
            json!({"responseElements": {"credentials": {"accessKeyId": "masked", "sessionToken": "a\"b"}}}),
        ),
        with(
            key(20, "Resources"),
            json!({"resources": [{"ARN": "arn:aws:s3:::a"}, {"ARNPrefix": "arn:aws:s3:::a/"}, {"type": "x"}, {"ARN": "no"}]}),
        ),
        with(key(21, "Resources"), json!({"resources": []})),
        with(
            key(22, "Presigned"),
            json!({"additionalEventData": {"AuthenticationMethod": "QueryString", "x-amz-id-2": "r"}}),
        ),
        with(
            key(23, "Presigned"),
            json!({"additionalEventData": {"x": {"AuthenticationMethod": "QueryString"}}}),
        ),
        with(key(24, "Presigned"), json!({"additionalEventData": {"x": "QueryString"}})),
        with(key(25, "Stray"), json!({"userIdentity": {"type": "AssumedRole"}})),
        with(key(26, "Stray"), json!({"userIdentity": {"type": "AWSService"}})),
        with(key(27, "Spaces"), json!({"userIdentity": {"accessKeyId": " AKIAIOSFODNN7EXAMPLE"}})),
        with(key(28, "Masked"), json!({"userIdentity": {"accessKeyId": "AKIA****************"}})),
        with(key(29, "Empty"), json!({"userIdentity": {"accessKeyId": ""}})),
        with(
            key(30, "Console"),
            json!({"userIdentity": {"accessKeyId": ""}, "sessionCredentialFromConsole": "true"}),
        ),
        with(key(31, "Invoked"), json!({"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}})),
        with(
            key(32, "Root"),
            json!({"userIdentity": {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "userName": null}}),
        ),
        with(
            key(33, "Session"),
            json!({"userIdentity": {"sessionContext": {"attributes": {"creationDate": "2026-09-10T09:00:00Z"}}}}),
        ),
        with(key(34, "Data"), json!({"eventCategory": "Data", "managementEvent": false, "readOnly": "true"})),
        with(
            key(35, "Old"),
            json!({"eventCategory": null, "managementEvent": false, "recipientAccountId": null, "eventType": null}),
        ),
        with(
            key(36, "Addendum"),
            json!({"addendum": {"reason": "UPDATED_DATA", "originalEventID": "00000000-0000-4000-8000-000000000002"}, "errorCode": "AccessDenied"}),
        ),
        with(
            key(37, "Addendum"),
            json!({"addendum": {"reason": "OTHER", "originalEventID": "00000000-0000-4000-8000-000000000002"}}),
        ),
        with(key(38, "Other"), json!({"eventSource": "aws:s3"})),
        with(
            key(39, "Arn"),
            json!({"userIdentity": {"userName": null, "accountId": null, "arn": "arn:aws:iam::111122223333:user/a/b/it's"}}),
        ),
        with(key(40, "Insight"), json!({"eventCategory": "Insight", "userIdentity": null})),
        with(
            key(41, "Bool"),
            json!({"readOnly": true, "vpcEndpointId": "vpce-1", "errorCode": "'; DROP TABLE x; --"}),
        ),
    ];
    let role = |n: u32, session: &str, name: &str, time: &str| {
        with(
            record(n, name, time),
            json!({"userIdentity": {
            "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r/s", "accessKeyId": session, "userName": null,
            "sessionContext": {"attributes": {"creationDate": time}, "sessionIssuer": {"type": "Role", "userName": "r"}}}}),
        )
    };
    let mint = |mut from: Value, child: &str| {
        from["responseElements"] =
            json!({"credentials": {"accessKeyId": child, "sessionToken": "EXAMPLETOKEN", "expiration": "x"}});
        from["requestParameters"] =
            json!({"roleArn": "arn:aws:iam::111122223333:role/r", "roleSessionName": "s"});
        from
    };
    records.extend([
        mint(key(60, "AssumeRole"), "ASIACHILDOFAKEY00001"),
        role(61, "ASIACHILDOFAKEY00001", "ListBuckets", "2026-09-10T10:01:00Z"),
        role(61, "ASIACHILDOFAKEY00001", "ListBuckets", "2026-09-10T10:01:00Z"),
        with(role(62, "ASIACHILDOFAKEY00001", "ListBuckets", "2026-09-11T10:01:00Z"), json!({"eventID": null})),
        mint(role(63, "ASIACHILDOFAKEY00001", "AssumeRole", "2026-09-10T10:02:00Z"), "ASIAGRANDCHILD000001"),
        role(64, "ASIAGRANDCHILD000001", "GetObject", "2026-09-10T10:03:00Z"),
        // A role's session that nobody's key handed out, and a machine's.
        role(65, "ASIASTRANGER00000001", "ListUsers", "2026-09-10T10:03:00Z"),
        with(role(66, "ASIASTRANGER00000002", "ListUsers", "2026-09-10T10:03:00Z"), json!({"userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/r/i-0123456789abcdef0"}})),
        with(role(67, "ASIASTRANGER00000002", "ListUsers", "2026-09-10T10:03:00Z"), json!({"userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/r/i-0123456789abcdef0"}, "sourceIPAddress": "no address"})),
        // A user's own session, and a federated user's.
        mint(key(68, "GetSessionToken"), "ASIAUSERSSESSION0001"),
        with(key(69, "ListUsers"), json!({"userIdentity": {"accessKeyId": "ASIAUSERSSESSION0001"}})),
        with(key(70, "ListRoles"), json!({"userIdentity": {"type": "FederatedUser", "accessKeyId": "ASIAFEDERATED0000001", "userName": null, "sessionContext": {"sessionIssuer": {"userName": "ci"}}}})),
        // Half of a role taken across accounts in each trail.
        with(key(71, "AssumeRole"), json!({"sharedEventID": "shared-1"})),
        with(mint(key(72, "AssumeRole"), "ASIAACROSSACCOUNTS01"), json!({"sharedEventID": "shared-1", "userIdentity": {"type": "AWSAccount", "accessKeyId": null}})),
        with(mint(key(73, "AssumeRole"), "ASIABYASERVICE000001"), json!({"sharedEventID": "shared-2", "userIdentity": {"type": "AWSService", "accessKeyId": null, "invokedBy": "ec2.amazonaws.com"}})),
    ]);
    records
}

#[test]
fn hostile_rows_are_the_native_ones() {
    let Some(python) = python() else { return };
    let dir = Dir::new();
    let records = hostile();
    // Sessions are used in other objects, accounts and days than they were handed out in.
    for (n, record) in records.iter().enumerate() {
        let (account, region) =
            if n % 3 == 0 { ("444455556666", "eu-west-1") } else { ("111122223333", "us-east-1") };
        let time =
            record["eventTime"].as_str().filter(|t| t.starts_with("2026-09-1") || t.starts_with("2026-09-0"));
        let day = time.map_or("2026/09/10".to_owned(), |time| time[..10].replace('-', "/"));
        object(&dir, account, region, &day, n, std::slice::from_ref(record));
    }
    // All of them once more, in one object, as copies of trails have them.
    object(&dir, "111122223333", "us-east-1", "2026/09/10", 900, &records);
    let root = dir.path().join("AWSLogs");
    // For scripts/athena_on_spark.py, which is a job of its own.
    if let Some(to) = std::env::var_os("OFFKEY_HOSTILE_TREE") {
        std::process::Command::new("cp").arg("-r").args([root.as_os_str(), &to]).status().unwrap();
    }
    natively(&dir, &root, "native.db");
    for kind in ["csv", "parquet"] {
        by_query(&python, &dir, &root, &format!("{kind}.db"), kind);
        let (rows, sessions) = assert_same(&dir, &format!("{kind}.db"), "native.db", kind);
        println!("hostile, {kind}: {rows} rows and {sessions} sessions, equal");
        assert!(rows > 25 && sessions >= 4);
    }
    by_query(&python, &dir, &root, "native.db", "csv");
    natively(&dir, &root, "again.db");
    assert_same(&dir, "native.db", "again.db", "both ways into one store");
    // The token of a session is in no result.
    let result = std::fs::read_to_string(dir.path().join("usage.csv")).unwrap();
    assert!(result.contains("sessionToken") && !result.contains("EXAMPLETOKEN"));
}

/// Dice that fall the same way in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

#[test]
fn generated_rows_are_the_native_ones() {
    let Some(python) = python() else { return };
    let rounds = if std::env::var_os("OFFKEY_FULL").is_some() { 40 } else { 2 };
    let mut dice = Dice(7);
    for round in 0..rounds {
        let dir = Dir::new();
        let times = [
            "2026-09-10T10:00:00Z",
            "2026-09-10T23:59:59Z",
            "2026-09-11T00:00:00Z",
            "2026-09-10 1:2",
            "",
            "2026-09-10T10:00:00.123Z",
        ];
        let keys = [
            KEY,
            "AKIAI44QH8DHBEXAMPLE",
            "ASIAROLE000000000001",
            "ASIAROLE000000000002",
            "ASIAUSER000000000001",
            "",
            "AIDAX",
            "AKIA",
        ];
        let kinds =
            ["IAMUser", "AssumedRole", "Root", "FederatedUser", "AWSService", "AWSAccount", "", "Role"];
        let texts = [
            "",
            "a",
            "A",
            "é\"'\n",
            "x,y|z",
            "accessKeyId",
            "QueryString",
            "\\u0041KIA",
            "null",
            "{}",
            "[]",
            "%_",
        ];
        let mut made: Vec<Vec<Value>> = vec![Vec::new(); 4];
        for n in 0..400 {
            let id = match dice.roll(6) {
                0 => json!(null),
                1 => json!(dice.pick(&texts)),
                _ => json!(format!("00000000-0000-4000-8000-{:012x}", dice.roll(250))),
            };
            let response = match dice.roll(4) {
                0 => {
                    json!({"credentials": {"accessKeyId": dice.pick(&keys), "sessionToken": dice.pick(&texts)}})
                }
                1 => json!({"accessKeyId": dice.pick(&texts)}),
                2 => json!(null),
                _ => json!({"credentials": dice.pick(&texts)}),
            };
            let one = with(
                record(
                    n,
                    dice.pick::<&str>(&["AssumeRole", "AssumeRoleWithSAML", "ListBuckets", "PutObject"]),
                    dice.pick::<&str>(&times),
                ),
                json!({
                    "eventID": id, "userAgent": dice.pick(&texts), "errorCode": dice.pick(&texts), "sharedEventID": dice.pick(&["", "s1", "s2"]),
                    "sourceIPAddress": dice.pick(&["192.0.2.1", "198.51.100.7", ""]), "recipientAccountId": dice.pick(&["111122223333", ""]),
                    "readOnly": dice.pick(&[json!(true), json!("false"), json!(null)]), "eventCategory": dice.pick(&["Management", "Data", "", "Insight"]),
                    "eventType": dice.pick(&["AwsApiCall", "AwsServiceEvent", "AwsConsoleSignIn"]), "managementEvent": dice.pick(&[json!(true), json!(false), json!(null)]),
                    "requestParameters": dice.pick(&[json!(null), json!({"bucketName": "b", "key": "k"}), json!({"roleArn": "arn:aws:iam::111122223333:role/r"}), json!("text")]),
                    "additionalEventData": dice.pick(&[json!(null), json!({"AuthenticationMethod": "QueryString"}), json!({"a": "QueryString"})]),
                    "responseElements": response,
                    "userIdentity": {
                        "type": dice.pick(&kinds), "accessKeyId": dice.pick(&keys), "userName": dice.pick(&["ci", ""]), "invokedBy": dice.pick(&["", "", "x.amazonaws.com"]),
                        "arn": dice.pick(&["arn:aws:iam::111122223333:user/ci", "arn:aws:sts::111122223333:assumed-role/r/i-0123456789abcdef0", "arn:aws:sts::111122223333:assumed-role/r/mi-0123456789", ""]),
                    },
                }),
            );
            made[dice.roll(4)].push(one);
        }
        for (n, records) in made.iter().enumerate() {
            object(&dir, "111122223333", "us-east-1", "2026/09/11", n, records);
        }
        let root = dir.path().join("AWSLogs");
        natively(&dir, &root, "native.db");
        by_query(&python, &dir, &root, "query.db", "csv");
        let (rows, sessions) = assert_same(&dir, "query.db", "native.db", &format!("round {round}"));
        println!("generated, round {round}: {rows} rows and {sessions} sessions, equal");
        by_query(&python, &dir, &root, "native.db", "csv");
        assert_same(&dir, "native.db", "query.db", &format!("both ways, round {round}"));
    }
}
