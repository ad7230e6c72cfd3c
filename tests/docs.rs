//! Documents are held to the code: commands, flags, exit codes, rules, codes, and the sample report.

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

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Compares a generated document with the one that is committed; `UPDATE=1` writes it instead.
fn check(path: &Path, want: &[u8]) {
    let full = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, want).unwrap();
        return;
    }
    let have = fs::read(&full).unwrap_or_default();
    assert!(have == want, "{} is out of date: run UPDATE=1 cargo test --test docs", path.display());
}

fn cli_reference() -> String {
    let mut out = String::from(
        "# Command line\n\n<!-- Generated from the program: UPDATE=1 cargo test --test docs -->\n\nStandard output is data; standard error is people: progress, warnings, errors. Progress shows on a terminal only.\nOptions of every command: `--quiet`, `--color`, `--help`. `NO_COLOR` is respected.\n\n## Exit codes\n\n| Code | Meaning |\n|---:|---|\n",
    );
    for (kind, meaning) in offkey::cli::EXIT_CODES {
        out.push_str(&format!("| {} | {meaning} |\n", *kind as i32));
    }
    let mut command = offkey::cli::command().term_width(100);
    command.build();
    for sub in command.get_subcommands() {
        help_of(sub, "offkey", 2, &mut out);
    }
    out
}

/// The help of a command and of those below it.
fn help_of(command: &clap::Command, above: &str, depth: usize, out: &mut String) {
    let name = format!("{above} {}", command.get_name());
    let help = command.clone().term_width(100).bin_name(&name).render_long_help();
    let text: String = help.to_string().lines().map(|l| format!("{}\n", l.trim_end())).collect();
    out.push_str(&format!("\n{} {name}\n\n```text\n{}\n```\n", "#".repeat(depth), text.trim_end()));
    for sub in command.get_subcommands() {
        help_of(sub, &name, depth + 1, out);
    }
}

#[test]
fn command_line_reference_is_current() {
    check(Path::new("docs/cli.md"), cli_reference().as_bytes());
}

#[test]
fn documents_name_only_commands_and_flags_that_exist() {
    let mut command = offkey::cli::command();
    command.build();
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let flags = |name: &str, action: Option<&str>| -> Vec<String> {
        let mut sub = command.find_subcommand(name).unwrap();
        if sub.has_subcommands() {
            let action = action.unwrap_or_else(|| panic!("offkey {name} needs an action"));
            sub = sub
                .find_subcommand(action)
                .unwrap_or_else(|| panic!("offkey {name} {action} does not exist"));
        }
        sub.get_arguments()
            .flat_map(|a| {
                a.get_long()
                    .map(|l| format!("--{l}"))
                    .into_iter()
                    .chain(a.get_short().map(|s| format!("-{s}")))
            })
            .collect()
    };
    let mut seen = 0;
    for path in [
        "README.md",
        "docs/architecture.md",
        "docs/verdicts.md",
        "docs/attribution.md",
        "docs/development.md",
        "docs/inputs.md",
        "docs/store.md",
        "docs/live.md",
        "docs/scale.md",
        "docs/rotation.md",
        "docs/rotation-semantics.md",
        "docs/reports.md",
    ] {
        let text = read(path);
        // Inside code fences only: prose may start a line with the name, too.
        let fenced: String = text.split("```").skip(1).step_by(2).collect();
        let lines = fenced.lines().filter_map(|line| {
            let line = line.trim();
            line.strip_prefix("offkey ").or_else(|| line.strip_prefix("cargo run --release -- "))
        });
        for line in lines {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            if !name.chars().all(|c| c.is_ascii_lowercase()) {
                continue;
            }
            assert!(names.iter().any(|n| n == name), "{path}: offkey {name} does not exist");
            let known = flags(name, words.clone().next());
            for word in words
                .take_while(|w| !matches!(*w, "|" | "#" | "&&" | ">"))
                .filter(|w| w.starts_with('-') && *w != "-")
            {
                let flag = word.split('=').next().unwrap();
                assert!(known.iter().any(|f| f == flag), "{path}: offkey {name} has no {flag}");
                seen += 1;
            }
        }
    }
    assert!(seen > 8, "the test found hardly any flags: does it still read the documents?");
}

#[test]
fn verdict_codes_gaps_and_waves_are_documented() {
    let documented = read("docs/verdicts.md");
    let source = |path: &str| read(path).split("#[cfg(test)]").next().unwrap().to_owned();
    let mut codes: Vec<String> = Vec::new();
    for part in source("src/recommend/verdict.rs").split("reason(\"").skip(1) {
        codes.push(part.split('"').next().unwrap().to_owned());
    }
    for (path, from) in [("src/evidence/gaps.rs", "Self::"), ("src/recommend/waves.rs", "Self::")] {
        for line in source(path).lines().filter(|l| l.trim_start().starts_with(from) && l.contains("=> \"")) {
            let id = line.split('"').nth(1).unwrap();
            if !id.contains(' ') {
                codes.push(id.to_owned());
            }
        }
    }
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert!(documented.contains(&format!("`{code}`")), "docs/verdicts.md does not name {code}");
    }
}

#[test]
fn every_promise_of_rotation_names_tests_that_exist() {
    let mut sources = String::new();
    let mut dirs = vec![root().join("src"), root().join("tests")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let document = read("docs/rotation-semantics.md");
    let rows: Vec<&str> =
        document.lines().filter(|line| line.starts_with("| 1") || line.starts_with("| ")).collect();
    let mut promises = 0;
    for row in rows.iter().filter(|row| row[2..].starts_with(|c: char| c.is_ascii_digit())) {
        promises += 1;
        let held = row.rsplit('|').nth(1).unwrap();
        let names: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(
                sources.contains(&format!("#[test]\n    fn {name}()"))
                    || sources.contains(&format!("#[test]\nfn {name}()")),
                "no test {name}"
            );
        }
    }
    assert_eq!(promises, 11);
    // Whatever forbids touching a key is explained.
    let guide = read("docs/rotation.md");
    let stops = ["src/plan/interlocks.rs", "src/plan/mutes.rs"].map(read).concat();
    let ids: Vec<&str> =
        stops.split("Stop::new(").skip(1).filter_map(|part| part.split('"').nth(1)).collect();
    assert!(ids.len() > 8, "{ids:?}");
    for id in ids.into_iter().chain(["exempt", "exemption-expired", "exemption-malformed"]) {
        assert!(guide.contains(&format!("`{id}`")), "docs/rotation.md does not name {id}");
    }
    for phase in offkey::rotation::Phase::ALL {
        let known = guide.contains(&format!("`{}`", phase.id()));
        assert!(
            known || ["planned", "rolled-back"].contains(&phase.id()),
            "docs/rotation.md does not name {}",
            phase.id()
        );
    }
}

#[test]
fn every_replacement_rule_is_listed_once_and_stands_in_a_file_of_its_own() {
    let documented = read("docs/replacements.md");
    let rules = offkey::recommend::RULES;
    for rule in rules {
        assert_eq!(rules.iter().filter(|other| other.id == rule.id).count(), 1, "{}", rule.id);
        let row = format!("| `{}` | {} | {} |", rule.id, rule.kind.title(), rule.title);
        assert!(documented.contains(&row), "docs/replacements.md lacks the row: {row}");
    }
    let files = fs::read_dir(root().join("src/recommend/rules")).unwrap().count();
    assert_eq!(
        files,
        rules.len() + 3,
        "a file a rule, mod.rs, and those for root and for unidentified consumers"
    );
    for kind in offkey::model::WorkloadKind::ALL {
        let has = rules.iter().any(|rule| rule.kind == *kind);
        assert_eq!(has, *kind != offkey::model::WorkloadKind::Unknown, "{}", kind.id());
    }
}

#[test]
fn the_sample_report_is_current() {
    let dir = support::Dir::new();
    let output = support::offkey(&dir, &["demo", "--quiet", "-o", "out"]);
    assert_eq!(support::code(&output), 0, "{}", support::stderr(&output));
    for name in ["report.html", "report.md", "report.json", "report.csv"] {
        check(&Path::new("reports/sample").join(name), &fs::read(dir.path().join("out").join(name)).unwrap());
    }
}
