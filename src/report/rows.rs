//! Usage rows as JSON lines or CSV: the evidence itself.

use super::text::{cell, json};
use crate::evidence::{Stats, UsageRow};
use crate::model::format_instant;
use serde::Serialize;
use std::collections::BTreeMap;

/// Formats of usage rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// One JSON object a line.
    JsonLines,
    /// RFC 4180.
    Csv,
}

impl RowFormat {
    /// The format of a file by its extension.
    pub fn from_path(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// One row as it is written. The first ten columns are always there.
#[derive(Serialize)]
struct Row<'a> {
    access_key_id: &'a str,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    source_ip: &'a str,
    user_agent: &'a str,
    error_code: &'a str,
    count: u64,
    first_seen: String,
    last_seen: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    wide: Option<Wide<'a>>,
}

/// The further columns of wide rows.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
struct Wide<'a> {
    recipient_account: &'a str,
    session_path: &'a str,
    invoked_by: &'a str,
    vpc_endpoint: &'a str,
    assumed_role: &'a str,
    presigned: bool,
    session_context: bool,
}

const NARROW: &[&str] = &[
    "access_key_id",
    "event_source",
    "event_name",
    "aws_region",
    "source_ip",
    "user_agent",
    "error_code",
    "count",
    "first_seen",
    "last_seen",
];

const WIDE: &[&str] = &[
    "recipient_account",
    "session_path",
    "invoked_by",
    "vpc_endpoint",
    "assumed_role",
    "presigned",
    "session_context",
];

/// Renders rows. Narrow rows group by the seven columns that identify a call; wide ones by the further columns,
/// too. Derived sessions have rows only where `rows` has them, so narrow output should be given direct rows.
///
/// # Errors
/// A sentence where rendering fails.
pub fn rows<'a>(
    rows: impl Iterator<Item = &'a UsageRow>,
    wide: bool,
    format: RowFormat,
) -> Result<Vec<u8>, String> {
    let mut groups: BTreeMap<([&str; 7], Option<Wide<'_>>), Stats> = BTreeMap::new();
    for row in rows {
        let columns =
            [row.key.as_str(), &row.source, &row.name, &row.region, &row.ip, &row.agent, &row.error];
        let further = wide.then_some(Wide {
            recipient_account: &row.recipient,
            session_path: &row.session_path,
            invoked_by: &row.invoked_by,
            vpc_endpoint: &row.vpc_endpoint,
            assumed_role: &row.assumed_role,
            presigned: row.presigned,
            session_context: row.in_session,
        });
        groups.entry((columns, further)).or_default().merge(&row.stats);
    }
    let rows = groups.into_iter().map(|((columns, wide), stats)| {
        let [access_key_id, event_source, event_name, aws_region, source_ip, user_agent, error_code] =
            columns;
        let time = |time: Option<jiff::Timestamp>| time.map(format_instant).unwrap_or_default();
        Row {
            access_key_id,
            event_source,
            event_name,
            aws_region,
            source_ip,
            user_agent,
            error_code,
            count: stats.count,
            first_seen: time(stats.first),
            last_seen: time(stats.last),
            wide,
        }
    });
    match format {
        RowFormat::JsonLines => json_lines(rows),
        RowFormat::Csv => csv(rows, wide),
    }
}

fn json_lines<'a>(rows: impl Iterator<Item = Row<'a>>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for row in rows {
        out.extend(json(serde_json::to_string(&row).map_err(|e| e.to_string())?).into_bytes());
        out.push(b'\n');
    }
    Ok(out)
}

fn csv<'a>(rows: impl Iterator<Item = Row<'a>>, wide: bool) -> Result<Vec<u8>, String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let further = if wide { WIDE } else { &[] };
    writer.write_record(NARROW.iter().chain(further)).map_err(|e| e.to_string())?;
    for row in rows {
        let count = row.count.to_string();
        let mut cells = vec![
            row.access_key_id,
            row.event_source,
            row.event_name,
            row.aws_region,
            row.source_ip,
            row.user_agent,
            row.error_code,
            &count,
            &row.first_seen,
            &row.last_seen,
        ];
        let text = |flag: bool| if flag { "true" } else { "false" };
        if let Some(w) = &row.wide {
            cells.extend([w.recipient_account, w.session_path, w.invoked_by, w.vpc_endpoint, w.assumed_role]);
            cells.extend([text(w.presigned), text(w.session_context)]);
        }
        writer.write_record(cells.into_iter().map(|c| cell(c).into_owned())).map_err(|e| e.to_string())?;
    }
    writer.into_inner().map_err(|e| e.to_string())
}
