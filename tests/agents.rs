//! User agents: every shape in the golden table, real ones, and anything else at all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use offkey::attribution::{Agent, CredentialSource};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const GOLDEN: &str = include_str!("fixtures/agents.tsv");
const COLUMNS: &str = "agent\tprogram\tversion\tkind\tsystem\tkernel\tlanguage\tsdk\tenvironment\tcredentials\tdriver\tapp\trun\tcommand";

fn row(text: &str) -> String {
    let agent = Agent::parse(text);
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let credentials: Vec<&str> = agent.credentials.iter().map(|source| source.title()).collect();
    let kernel = if agent.system_version.is_empty() { "-" } else { &agent.system_version };
    let version = if agent.version.is_empty() { "-" } else { &agent.version };
    let credentials = if credentials.is_empty() { "-".to_owned() } else { credentials.join(", ") };
    [
        text,
        &agent.program,
        version,
        &format!("{:?}", agent.kind),
        agent.system.title(),
        kernel,
        &or_dash(&agent.language),
        &or_dash(&agent.sdk),
        &or_dash(&agent.execution_env),
        &credentials,
        &or_dash(&agent.driver),
        &or_dash(&agent.app),
        &or_dash(&agent.run),
        &or_dash(&agent.command),
    ]
    .join("\t")
}

/// The table was read line by line by a person; `UPDATE=1` writes it anew, to be read again.
#[test]
fn golden() {
    let agents = GOLDEN.lines().skip(1).filter_map(|line| line.split('\t').next());
    let mut want = format!("{COLUMNS}\n");
    for agent in agents {
        let _ = writeln!(want, "{}", row(agent));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("tests/fixtures/agents.tsv", &want).unwrap();
        return;
    }
    for (want, found) in want.lines().zip(GOLDEN.lines()) {
        assert_eq!(want, found);
    }
    assert!(GOLDEN.lines().count() > 100);
    let letters: BTreeSet<&str> = GOLDEN
        .lines()
        .filter_map(|line| line.split('\t').next())
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.strip_prefix("m/"))
        .flat_map(|list| list.split(','))
        .collect();
    for id in CredentialSource::IDS {
        assert!(letters.contains(id), "no agent in the table has the credential letter {id}");
    }
}

#[test]
fn real_agents_all_parse() {
    let Some(shared) = std::env::var_os("OFFKEY_SHARED") else {
        println!("skipped: OFFKEY_SHARED is not set");
        return;
    };
    let path = std::path::Path::new(&shared).join("data/user-agents.tsv");
    let table = std::fs::read_to_string(path).unwrap();
    let (mut all, mut named) = (0, 0);
    for text in table.lines().skip(1).filter_map(|line| line.split('\t').nth(3)) {
        let agent = Agent::parse(text);
        all += 1;
        let says_nothing = matches!(text, "" | "-" | "None" | "..." | "HIDDEN_DUE_TO_SECURITY_REASONS");
        if agent.program == "unknown" && !says_nothing {
            println!("no program in {text:?}");
        } else {
            named += 1;
        }
        assert!(
            !agent.program.contains(char::is_whitespace) || agent.program == "unknown",
            "{text}: {agent:?}"
        );
        // What is made up for a run never stands in the name that rows are grouped by.
        assert!(!agent.program.split('_').any(|part| part.len() == 36), "{text}: {agent:?}");
    }
    println!("{named} of {all} agents name their program");
    assert!(all > 400 && named * 100 >= all * 99, "{named} of {all}");
}

/// Ten minutes of it are run by hand: `OFFKEY_FUZZ_CASES=3000000 cargo test --test agents anything`.
fn cases() -> ProptestConfig {
    let cases = std::env::var("OFFKEY_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn agent_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("aws-cli/2.1".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("(go1.2; linux;".to_owned()),
        Just(")".to_owned()),
        Just("m/".to_owned()),
        Just("m/E,g,AC,é".to_owned()),
        Just("exec-env/AWS_Lambda_python3.9".to_owned()),
        Just("os/linux#6.1-microsoft-standard-WSL2".to_owned()),
        Just("app/".to_owned()),
        Just("x_11a6ef34-e130-4579-a1d3-79c915cee6ec".to_owned()),
        Just("S3 Browser".to_owned()),
        Just(" ".to_owned()),
        Just("#".to_owned()),
        Just("/".to_owned()),
        "\\PC{0,12}",
        ".{0,6}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn anything_parses_and_stays_bounded(text in prop_oneof![agent_like(), ".{0,200}"]) {
        let agent = Agent::parse(&text);
        prop_assert!(!agent.program.is_empty());
        prop_assert!(agent.program.len() <= text.len().max(40) * 3);
        // Brackets around it change nothing that rows are grouped by.
        let trimmed = text.trim();
        if !trimmed.is_empty() && !trimmed.starts_with('[') && !trimmed.ends_with(".cn") && !trimmed.ends_with(".com") && trimmed != "AWS Internal" {
            prop_assert_eq!(Agent::parse(&format!("[{trimmed}]")).family(), agent.family());
        }
        // A run's id never reaches the grouping.
        let run = "0a1b2c3d-0000-4000-8000-0123456789ab";
        let one = Agent::parse(&format!("{trimmed} tool_{run}"));
        let other = Agent::parse(&format!("{trimmed} tool_{}", run.replace('0', "9")));
        prop_assert_eq!(one.family(), other.family());
    }
}
