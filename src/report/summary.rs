//! The report on one screen of a terminal: 80 columns, no colour needed to read it.

use super::text::cut;
use super::view::Report;
use std::fmt::Write;

/// Summarises a report in plain text.
pub fn summary(report: &Report) -> String {
    let s = &report.summary;
    let mut out = String::new();
    let _ = writeln!(out, "{} as of {}", cut(&report.title, 50), report.as_of);
    let (keys, users) = (counted(s.keys, "key"), counted(s.users, "known user"));
    let (accounts, events) = (counted(s.accounts, "account"), counted(s.events, "event"));
    let _ = writeln!(out, "{keys}, {users}, {accounts}, {events}; due by age or idleness: {}", s.keys_due);
    let _ =
        writeln!(out, "{} found, {} identified\n", counted(s.consumers, "consumer"), s.consumers_identified);
    let most = s.verdicts.iter().map(|v| v.count).max().unwrap_or(0).max(1);
    for verdict in &s.verdicts {
        // A bar of at most 40, and at least one mark for anything that is not nothing.
        let length = (verdict.count * 40 / most).max(u64::from(verdict.count > 0));
        let bar: String = std::iter::repeat_n('#', usize::try_from(length).unwrap_or(0)).collect();
        let _ = writeln!(out, "  {:<20} {:>6}  {bar}", verdict.title, verdict.count);
    }
    if !s.findings.is_empty() {
        out.push('\n');
        for finding in s.findings.iter().take(9) {
            let _ = writeln!(out, "- {}", cut(finding, 110));
        }
        if s.findings.len() > 9 {
            let _ = writeln!(out, "- and {} more findings in the report", s.findings.len() - 9);
        }
    }
    out
}

/// A number with its noun.
fn counted(n: impl TryInto<u64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
