//! The architecture, stated as absences: who may import whom, and what must occur nowhere else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import from the others. `docs/architecture.md` shows the same table.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("ports", &["model"]),
    ("cloudtrail", &["model"]),
    ("input", &["model", "cloudtrail"]),
    ("inventory", &["model"]),
    ("evidence", &["model", "cloudtrail", "inventory"]),
    ("athena", &["model", "cloudtrail", "evidence"]),
    ("attribution", &["model", "evidence"]),
    ("graph", &["model", "attribution"]),
    ("policy", &["model"]),
    ("recommend", &["model", "inventory", "evidence", "attribution", "policy"]),
    (
        "analysis",
        &[
            "model",
            "cloudtrail",
            "input",
            "inventory",
            "evidence",
            "attribution",
            "graph",
            "policy",
            "recommend",
        ],
    ),
    (
        "report",
        &["model", "inventory", "evidence", "attribution", "graph", "policy", "recommend", "analysis"],
    ),
    ("iac", &["model", "attribution", "policy", "recommend", "analysis"]),
    ("plan", &["model", "ports"]),
    ("rotation", &["model", "ports", "plan"]),
    ("aws", &["model", "ports"]),
    ("store", &["model", "ports", "evidence"]),
    ("demo", &["model"]),
    (
        "cli",
        &[
            "model",
            "ports",
            "aws",
            "athena",
            "cloudtrail",
            "input",
            "evidence",
            "analysis",
            "recommend",
            "report",
            "iac",
            "plan",
            "rotation",
            "store",
            "demo",
        ],
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file with its room.
fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&src).unwrap();
            let room = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            (room, path, text)
        })
        .collect()
}

/// The code without comments and without its own test module, which may do what the code may not.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = body.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (room, path, text) in sources() {
        if room.ends_with(".rs") {
            continue;
        }
        let may = allowed.get(room.as_str()).unwrap_or_else(|| panic!("room {room} is not in the table"));
        for part in code(&text).split("crate::").skip(1) {
            let other: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if allowed.contains_key(other.as_str()) && other != room {
                seen += 1;
                if !may.contains(&other.as_str()) {
                    wrong.push(format!("{} imports {other}", path.display()));
                }
            }
        }
    }
    assert!(seen > 50, "the test found hardly any imports: does it still read the code?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle_and_every_room_exists() {
    for (n, (room, may)) in MAY_IMPORT.iter().enumerate() {
        assert!(root().join("src").join(room).join("mod.rs").is_file(), "no room {room}");
        for other in *may {
            let at = MAY_IMPORT.iter().position(|(name, _)| name == other).unwrap();
            assert!(at < n, "{room} may import {other}, which comes later: data would flow backwards");
        }
    }
}

/// The only files that may hold unsafe code, each block with its reason.
const UNSAFE: &[&str] = &["cloudtrail/scan/masks.rs", "input/inflate.rs"];

#[test]
fn what_belongs_to_one_room_occurs_in_no_other() {
    // (what, where it may occur)
    let absences: &[(&str, &[&str])] = &[
        ("petgraph", &["graph"]),
        ("aws_sdk", &["aws"]),
        ("aws_config", &["aws"]),
        ("tokio", &["aws"]),
        ("println!", &["cli"]),
        ("eprintln!", &["cli"]),
        ("io::stdout", &["cli"]),
        ("io::stderr", &["cli"]),
        ("std::env", &["cli"]),
        ("process::exit", &["cli"]),
        ("Timestamp::now", &["cli"]),
        ("SystemTime::now", &["cli"]),
        // Waiting takes a clock that only runs; what time it is, nobody asks there.
        ("Instant::now", &["cli", "aws"]),
        ("fs::write", &["store"]),
        ("File::create", &["store"]),
        ("fs::remove", &["store"]),
        ("fs::rename", &["store"]),
        ("create_dir", &["store"]),
        ("tempfile", &["store"]),
        ("OpenOptions", &["store"]),
        ("File::options", &["store"]),
        ("rusqlite", &["store"]),
        ("parquet::", &["athena"]),
        ("Command::new(\"sh\")", &["cli"]),
        // Whoever takes a secret's text out of its wrapping.
        (
            ".expose()",
            &[
                "rotation/shape.rs",
                "rotation/smtp.rs",
                "aws",
                "store/profile.rs",
                "cli/commands/keys/processes.rs",
            ],
        ),
        ("libdeflate", &["input"]),
        ("std::arch", &["cloudtrail"]),
        ("unsafe {", UNSAFE),
        ("unsafe fn", &[]),
        ("unsafe impl", UNSAFE),
        ("todo!", &[]),
        ("unimplemented!", &[]),
    ];
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let code = code(&text);
        for (what, may) in absences {
            // `env!` reads the environment of the build, not of the run.
            let file = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().into_owned();
            if code.contains(what)
                && !may.contains(&room.as_str())
                && !may.contains(&file.as_str())
                && !room.ends_with(".rs")
            {
                wrong.push(format!("{} has {what}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_of_a_size_to_read_and_say_their_job() {
    let mut wrong = Vec::new();
    for (_, path, text) in sources() {
        let lines = text.lines().count();
        let first = text.lines().next().unwrap_or_default();
        if !first.starts_with("//! ") {
            wrong.push(format!("{} does not open with a //! line", path.display()));
        }
        if lines > 600 {
            wrong.push(format!("{} has {lines} lines", path.display()));
        }
        if path.ends_with("mod.rs") && lines > 80 {
            wrong.push(format!("{} has {lines} lines", path.display()));
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["utils", "util", "helpers", "helper", "common", "manager"].contains(&name.as_str()) {
            wrong.push(format!("{}: a name that says nothing", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn documentation_shows_the_same_table() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (room, may) in MAY_IMPORT {
        let row = format!("| {room}/ |");
        let line = text
            .lines()
            .find(|line| line.starts_with(&row))
            .unwrap_or_else(|| panic!("docs/architecture.md has no row for {room}/"));
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap().trim().to_owned();
        let want = if may.is_empty() { "–".to_owned() } else { may.join(", ") };
        assert_eq!(last, want, "docs/architecture.md, room {room}/");
    }
}
