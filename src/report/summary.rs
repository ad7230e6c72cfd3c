//! The report on one screen of a terminal: 80 columns and 24 lines, no colour needed to read it.

use super::text::{clean, cut};
use super::view::{Finding, Mute, Report};
use crate::model::counted;
use std::fmt::Write;

/// Keys named behind a finding; the others are counted.
const NAMED: usize = 3;

/// A terminal as it always was, with a line left for the prompt.
const HEIGHT: usize = 23;

/// Narrower than that nothing can be told; wider lines are not read.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=140;

/// What stands beside a bar: the verdict and its number.
const BESIDE: usize = 31;

/// Summarises a report in plain text, in lines of at most `width` characters (of 40 to 140).
pub fn summary(report: &Report, width: usize) -> String {
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let s = &report.summary;
    let mut lines = Vec::new();
    lines.push(format!("{} as of {}", cut(&report.title, width.saturating_sub(30).max(12)), report.as_of));
    let (keys, users) = (counted(s.keys, "key"), counted(s.users, "known user"));
    let (accounts, events) = (counted(s.accounts, "account"), counted(s.events, "record"));
    lines.push(format!("{keys}, {users}, {accounts}, {events} read"));
    let ageless = report.keys.iter().filter(|key| key.age_days.is_none()).count();
    let unknown = if ageless > 0 { format!("; the age of {ageless} is not known") } else { String::new() };
    lines.push(format!("{} due by age or idleness{unknown}", counted(s.keys_due, "key")));
    let (active, over): (Vec<&Mute>, Vec<&Mute>) =
        report.mutes.iter().partition(|mute| mute.state == "active");
    if !active.is_empty() {
        let by = counted(active.len(), "exemption");
        lines.push(format!("{} left alone by {by}", counted(s.keys_muted, "key")));
    }
    for mute in over {
        lines.push(format!("{} exemption of {} mutes nothing", mute.state, cut(&mute.names.join(", "), 40)));
    }
    let presumed = match s.consumers_presumed {
        0 => String::new(),
        n => format!(", {n} of them presumed and seen in no record"),
    };
    let consumers = counted(s.consumers, "consumer");
    lines.push(format!("{consumers}{presumed}; {} identified", s.consumers_identified));
    lines = lines.iter().flat_map(|line| wrapped(line, width)).collect();
    lines.push(String::new());
    let most = s.verdicts.iter().map(|v| v.count).max().unwrap_or(0).max(1);
    for verdict in &s.verdicts {
        // At least one mark for anything that is not nothing.
        let room = width.saturating_sub(BESIDE).min(60) as u64;
        let length = (verdict.count * room / most).max(u64::from(verdict.count > 0));
        let bar: String = std::iter::repeat_n('#', usize::try_from(length).unwrap_or(0)).collect();
        lines.push(format!("  {:<20} {:>6}  {bar}", verdict.title, verdict.count));
    }
    if !s.findings.is_empty() {
        lines.push(String::new());
    }
    for (n, finding) in s.findings.iter().enumerate() {
        let told = finding_lines(finding, width);
        let left = s.findings.len() - n;
        // The last line says what did not fit.
        let room = HEIGHT.saturating_sub(lines.len() + usize::from(left > 1));
        if told.len() > room {
            lines.push(format!("- and {} more: -o report.md has them all", counted(left, "finding")));
            break;
        }
        lines.extend(told);
    }
    let mut out = String::new();
    for line in lines {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// A finding on as many lines as it takes. Few keys are worth naming at once; many are what the report is for.
fn finding_lines(finding: &Finding, width: usize) -> Vec<String> {
    let mut text = format!("- {}", clean(&finding.text));
    if !finding.keys.is_empty() && finding.keys.len() <= NAMED {
        let names: Vec<String> = finding.keys.iter().map(|key| cut(key, 60)).collect();
        let _ = write!(text, " ({})", names.join(", "));
    }
    wrapped(&text, width)
}

/// A text on as many lines as it takes, all but the first indented.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.trim().is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
            line.push_str("  ");
        } else if !line.is_empty() {
            line.push(' ');
        }
        // A word that is wider than the screen is cut.
        line.push_str(&cut(word, width - 2));
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_the_terminal() {
        for text in ["word ".repeat(60), "x".repeat(500), "a 1 b 22 c".to_owned()] {
            for keys in [vec![], vec!["AKIAIOSFODNN7EXAMPLE".to_owned(); 3]] {
                let finding = Finding { id: "x", text: text.clone(), keys };
                for width in [40, 80, 140] {
                    let lines = finding_lines(&finding, width);
                    assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:?}");
                }
            }
        }
    }
}
