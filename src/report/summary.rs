//! The report on one screen of a terminal: 80 columns, no colour needed to read it.

use super::text::{clean, cut};
use super::view::{Mute, Report};
use crate::model::counted;
use std::fmt::Write;

/// Keys named behind a finding; the others are counted.
const NAMED: usize = 3;

/// Summarises a report in plain text.
pub fn summary(report: &Report) -> String {
    let s = &report.summary;
    let mut out = String::new();
    let _ = writeln!(out, "{} as of {}", cut(&report.title, 50), report.as_of);
    let (keys, users) = (counted(s.keys, "key"), counted(s.users, "known user"));
    let (accounts, events) = (counted(s.accounts, "account"), counted(s.events, "record"));
    let _ = writeln!(out, "{keys}, {users}, {accounts}, {events} read");
    let ageless = report.keys.iter().filter(|key| key.age_days.is_none()).count();
    let unknown = if ageless > 0 { format!("; the age of {ageless} is not known") } else { String::new() };
    let _ = writeln!(out, "{} due by age or idleness{unknown}", counted(s.keys_due, "key"));
    let (active, over): (Vec<&Mute>, Vec<&Mute>) =
        report.mutes.iter().partition(|mute| mute.state == "active");
    if !active.is_empty() {
        let _ = writeln!(
            out,
            "{} left alone by {}",
            counted(s.keys_muted, "key"),
            counted(active.len(), "exemption")
        );
    }
    for mute in over {
        let _ =
            writeln!(out, "{} exemption of {} mutes nothing", mute.state, cut(&mute.names.join(", "), 50));
    }
    let presumed = match s.consumers_presumed {
        0 => String::new(),
        n => format!(", {n} of them presumed and seen in no record"),
    };
    let consumers = counted(s.consumers, "consumer");
    let _ = writeln!(out, "{consumers}{presumed}; {} identified\n", s.consumers_identified);
    let most = s.verdicts.iter().map(|v| v.count).max().unwrap_or(0).max(1);
    for verdict in &s.verdicts {
        // A bar of at most 40, and at least one mark for anything that is not nothing.
        let length = (verdict.count * 40 / most).max(u64::from(verdict.count > 0));
        let bar: String = std::iter::repeat_n('#', usize::try_from(length).unwrap_or(0)).collect();
        let _ = writeln!(out, "  {:<20} {:>6}  {bar}", verdict.title, verdict.count);
    }
    if !s.findings.is_empty() {
        out.push('\n');
    }
    for finding in &s.findings {
        let _ = writeln!(out, "- {}", clean(&finding.text));
        // Few keys are worth naming at once; many are what the report is for.
        if !finding.keys.is_empty() && finding.keys.len() <= NAMED {
            let names: Vec<String> = finding.keys.iter().map(|key| cut(key, 60)).collect();
            let _ = writeln!(out, "    {}", names.join(", "));
        }
    }
    out
}
