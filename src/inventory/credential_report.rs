//! The IAM credential report: CSV, read by its header, as column sets differ.

use super::facts::{LastUsed, Slot};
use crate::model::{AccountId, parse_instant};
use base64::Engine;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) account: AccountId,
    pub(crate) user: String,
    pub(crate) arn: String,
    pub(crate) created: Option<Timestamp>,
    pub(crate) password: Option<bool>,
    pub(crate) slots: [Slot; 2],
}

/// A report: when it was made, its rows, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// When it was made; from a bare CSV, the newest time in it, before which it was not made.
    pub(crate) generated: Option<Timestamp>,
    pub(crate) rows: Vec<Row>,
    pub(crate) notes: Vec<String>,
}

/// Reads the CSV, or the API's JSON around it, whose `Content` is base64 from the CLI and plain from some tools.
pub(crate) fn read(content: &Value) -> Report {
    match content {
        Value::String(csv) => rows(csv),
        object => {
            let text = object.get("Content").and_then(Value::as_str).unwrap_or_default();
            let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim());
            let csv = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let mut report = rows(csv.as_deref().unwrap_or(text));
            report.generated = object.get("GeneratedTime").and_then(Value::as_str).and_then(parse_instant);
            report
        }
    }
}

fn rows(csv: &str) -> Report {
    let mut report = Report::default();
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let columns: HashMap<String, usize> = match reader.headers() {
        Ok(header) => header.iter().enumerate().map(|(i, name)| (name.to_owned(), i)).collect(),
        Err(error) => {
            report.notes.push(format!("the header cannot be read: {error}"));
            return report;
        }
    };
    for (number, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                report.notes.push(format!("row {}: {error}", number + 2));
                continue;
            }
        };
        // The CSV does not say when it was made. It was not before the newest time in it.
        let past = columns.iter().filter(|(name, _)| is_past(name));
        let times = past.filter_map(|(_, n)| record.get(*n)).filter_map(parse_instant);
        report.generated = times.max().max(report.generated);
        let get = |name: &str| columns.get(name).and_then(|i| record.get(*i)).unwrap_or_default();
        let slot = |n: u8| {
            let part = |part: &str| get(&format!("access_key_{n}_{part}"));
            let time = parse_instant(part("last_used_date"));
            let known = |text: &str| {
                if matches!(text, "N/A" | "no_information") { String::new() } else { text.to_owned() }
            };
            Slot {
                active: part("active").eq_ignore_ascii_case("true"),
                last_rotated: parse_instant(part("last_rotated")),
                last_used: match (time, part("last_used_date")) {
                    (Some(time), _) => LastUsed::At {
                        time,
                        service: known(part("last_used_service")),
                        region: known(part("last_used_region")),
                    },
                    // "N/A" is written where the key was never used since tracking began.
                    (None, "N/A") => LastUsed::Never,
                    (None, _) => LastUsed::Unknown,
                },
            }
        };
        let Some(account) = AccountId::from_arn(get("arn")) else {
            report.notes.push(format!("row {}: no account in the ARN {:?}", number + 2, get("arn")));
            continue;
        };
        report.rows.push(Row {
            account,
            user: get("user").to_owned(),
            arn: get("arn").to_owned(),
            created: parse_instant(get("user_creation_time")),
            password: match get("password_enabled") {
                "true" | "TRUE" => Some(true),
                "false" | "FALSE" => Some(false),
                _ => None,
            },
            slots: [slot(1), slot(2)],
        });
    }
    report
}

/// Columns whose times were in the past when the report was made; the next password rotation, for one, was not.
fn is_past(column: &str) -> bool {
    column == "user_creation_time"
        || ["_last_used", "_last_used_date", "_last_changed", "_last_rotated"]
            .iter()
            .any(|end| column.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "user,arn,user_creation_time,password_enabled,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date\n\
        <root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,true,2020-01-01T00:00:00+00:00,2026-09-01T10:00:00+00:00,us-east-1,s3,false,N/A,N/A\n\
        ci,arn:aws:iam::111122223333:user/ci,2020-01-01T00:00:00+00:00,false,true,2020-01-01T00:00:00+00:00,N/A,N/A,N/A,false,2021-01-01T00:00:00+00:00,no_information\n\
        broken,not-an-arn,x,false\n";

    #[test]
    fn rows_by_header_and_broken_rows_named() {
        for content in [
            Value::String(CSV.into()),
            serde_json::json!({"Content": CSV, "GeneratedTime": "2026-10-01T00:00:00+00:00"}),
            serde_json::json!({"Content": base64::engine::general_purpose::STANDARD.encode(CSV), "ReportFormat": "text/csv"}),
        ] {
            let report = read(&content);
            assert_eq!(report.rows.len(), 2);
            assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
            let root = &report.rows[0];
            assert!(matches!(&root.slots[0].last_used, LastUsed::At { service, .. } if service == "s3"));
            assert!(!root.slots[1].holds_key());
            let ci = &report.rows[1];
            assert_eq!(ci.slots[0].last_used, LastUsed::Never);
            assert!(ci.slots[1].holds_key() && !ci.slots[1].active);
            assert_eq!(ci.slots[1].last_used, LastUsed::Unknown);
        }
    }
}
