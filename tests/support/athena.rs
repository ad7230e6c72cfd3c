//! Runs Athena's query on DuckDB, and compares what it gives with what offkey reads itself.

use super::{Dir, code, gzip, offkey, stderr, trail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

/// Days that hold everything that tests make.
const DAYS: [&str; 4] = ["--since", "2013-01-01", "--until", "2030-12-31"];

/// Rows, sessions, activity and coverage of a store, as text that can be compared.
pub fn content(dir: &Dir, store: &str) -> BTreeMap<&'static str, Vec<String>> {
    let output = offkey(dir, &["evidence", "-q", store, "--wide", "-o", "rows.jsonl"]);
    assert!(matches!(code(&output), 0 | 1 | 3), "{}", stderr(&output));
    let rows = fs::read_to_string(dir.path().join("rows.jsonl")).unwrap_or_default();
    let _ = fs::remove_file(dir.path().join("rows.jsonl"));
    let db = rusqlite::Connection::open(dir.path().join(store)).unwrap();
    let all = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values: Vec<String> =
                (0..columns).map(|n| format!("{:?}", row.get_ref(n).unwrap())).collect();
            Ok(values.join(" | "))
        });
        let mut rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        rows.sort();
        rows
    };
    let facts = offkey::store::EvidenceStore::open(&dir.path().join(store)).unwrap().load().unwrap().facts;
    let mut collector = offkey::evidence::Collector::default();
    collector.take_in(facts);
    let evidence = collector.finish();
    let sessions =
        evidence.chains.sessions.iter().map(|s| format!("{} {} {} {}", s.session, s.key, s.path, s.events));
    let resources = evidence.resources.iter().map(|(action, set)| format!("{action:?} {set:?}"));
    BTreeMap::from([
        ("rows", rows.lines().map(str::to_owned).collect()),
        ("sessions", sessions.collect()),
        ("users' sessions", evidence.user_sessions.iter().map(|s| format!("{s:?}")).collect()),
        ("strays", evidence.strays.iter().map(|s| format!("{s:?}")).collect()),
        ("activity", evidence.activity.iter().map(|(k, a)| format!("{k} {a:?}")).collect()),
        ("resources", resources.collect()),
        ("owners", all("SELECT * FROM key_owner")),
        ("keyless", all("SELECT * FROM keyless_call")),
        ("neighbours", all("SELECT * FROM neighbour")),
        ("steps", all("SELECT * FROM session_origin")),
        (
            "coverage",
            all(
                "SELECT account, region, day, records, management, data, other FROM coverage WHERE records > 0",
            ),
        ),
        ("data events", all("SELECT DISTINCT account, source FROM file_data_source")),
    ])
}

/// Fails where two stores say different things, and says how many rows and sessions they hold.
pub fn assert_same(dir: &Dir, ours: &str, native: &str, what: &str) -> (usize, usize) {
    let (ours, native) = (content(dir, ours), content(dir, native));
    for (part, want) in &native {
        let have = &ours[part];
        let (a, b): (BTreeSet<_>, BTreeSet<_>) = (have.iter().collect(), want.iter().collect());
        let more: Vec<_> = a.difference(&b).take(3).collect();
        let less: Vec<_> = b.difference(&a).take(3).collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "{what}, {part}:\nonly by Athena {more:#?}\nonly native {less:#?}"
        );
        assert_eq!(have.len(), want.len(), "{what}, {part}: the same, but not as often");
    }
    (native["rows"].len(), native["sessions"].len())
}

/// Accounts of a tree in CloudTrail's layout.
pub fn accounts(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.ends_with("CloudTrail") {
                    found.insert(path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned());
                }
                open.push(path);
            }
        }
    }
    found
}

/// Collects a tree with the query, run on DuckDB as printed; `extra` goes to `athena sql`, and results are written as
/// files of that kind.
pub fn by_query(python: &str, dir: &Dir, root: &Path, store: &str, kind: &str) {
    let accounts = accounts(root);
    assert!(!accounts.is_empty(), "{} has not the layout", root.display());
    for (step, extra) in [("usage", None), ("sessions", Some(["--sessions-of", store]))] {
        let mut sql = String::new();
        for account in &accounts {
            let mut arguments = vec!["athena", "sql", "-q", "--table", "trail", "--account", account];
            arguments.extend(DAYS);
            arguments.extend(extra.iter().flatten());
            let output = offkey(dir, &arguments);
            assert_eq!(code(&output), 0, "{}", stderr(&output));
            sql.push_str(std::str::from_utf8(&output.stdout).unwrap());
            sql.push_str("\n;\n");
        }
        if !sql.contains("SELECT") {
            continue;
        }
        let query = dir.file(&format!("{step}.sql"), &sql);
        let result = format!("{step}.{kind}");
        let runner = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/standin/run_sql.py");
        let ran = Command::new(python)
            .args([Path::new(runner), root, Path::new("trail"), Path::new(&result)])
            .current_dir(dir.path())
            .stdin(Stdio::from(File::open(query).unwrap()))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let output = offkey(dir, &["collect", "--athena-results", &result, "--store", store]);
        assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
    }
}

/// Collects a tree as files.
pub fn natively(dir: &Dir, root: &Path, store: &str) {
    let output = offkey(dir, &["collect", "-q", "--census", root.to_str().unwrap(), "--store", store]);
    assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
}

/// Writes a log object in CloudTrail's layout.
pub fn object(dir: &Dir, account: &str, region: &str, day: &str, n: usize, records: &[Value]) {
    let plain = day.replace('/', "");
    let name = format!(
        "AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{plain}T0000Z_{n:016}.json.gz"
    );
    dir.file(&name, gzip(&trail(records)));
}
