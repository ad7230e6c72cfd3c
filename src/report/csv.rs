//! The keys as CSV: RFC 4180, always the same columns, safe in spreadsheets.

use super::text::cell;
use super::view::{Key, Report};

const COLUMNS: &[&str] = &[
    "key",
    "account",
    "user",
    "status",
    "created",
    "age_days",
    "idle_days",
    "due_by_age",
    "due_by_idle",
    "verdict",
    "reason",
    "wave",
    "consumers",
    "replacements",
    "events",
    "denied_events",
    "last_event",
    "iam_last_used",
    "iam_last_used_service",
    "blocking_gaps",
    "exempt",
];

pub(super) fn render(report: &Report) -> Result<Vec<u8>, String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|e| e.to_string())?;
    for key in &report.keys {
        let cells = row(key);
        writer.write_record(cells.iter().map(|text| cell(text).into_owned())).map_err(|e| e.to_string())?;
    }
    writer.into_inner().map_err(|e| e.to_string())
}

fn row(key: &Key) -> Vec<String> {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |n: Option<i32>| n.map(|n| n.to_string()).unwrap_or_default();
    let flag = |b: Option<bool>| b.map(|b| b.to_string()).unwrap_or_default();
    let join = |parts: Vec<&str>| parts.join("; ");
    vec![
        key.reference.clone(),
        or_empty(&key.account),
        or_empty(&key.user),
        key.status.unwrap_or_default().to_owned(),
        or_empty(&key.created),
        number(key.age_days),
        number(key.idle_days),
        flag(key.due_by_age),
        flag(key.due_by_idle),
        key.verdict.to_owned(),
        key.reasons.first().map(|r| format!("{}: {}", r.code, r.text)).unwrap_or_default(),
        key.wave.to_owned(),
        join(key.consumers.iter().map(|c| c.kind).collect()),
        join(key.consumers.iter().map(|c| c.replacement.rule).collect()),
        key.usage.events.to_string(),
        key.usage.denied_events.to_string(),
        or_empty(&key.usage.last),
        key.last_used.time.clone().unwrap_or_else(|| key.last_used.state.to_owned()),
        or_empty(&key.last_used.service),
        join(key.gaps.iter().filter(|gap| gap.blocks_unused).map(|gap| gap.id).collect()),
        key.muted_by.is_some().to_string(),
    ]
}
