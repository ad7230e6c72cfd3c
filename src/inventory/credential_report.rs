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
    /// Absent where the report lacks the columns of a slot: then nothing is known of its keys.
    pub(crate) slots: Option<[Slot; 2]>,
    /// When the report was made; from a bare CSV, the newest time in it of the account, before which it was not.
    pub(crate) generated: Option<Timestamp>,
}

/// The rows of a report, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Report {
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
            let told = object.get("GeneratedTime").and_then(Value::as_str).and_then(parse_instant);
            for row in report.rows.iter_mut().filter(|_| told.is_some()) {
                row.generated = told;
            }
            report
        }
    }
}

fn rows(csv: &str) -> Report {
    let mut report = Report::default();
    let text = csv.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut columns: HashMap<String, usize> = HashMap::new();
    // Reports that were joined into one file each start with their header.
    let mut section = 0_usize;
    let mut newest: HashMap<(usize, AccountId), Timestamp> = HashMap::new();
    let mut sections = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                report.notes.push(format!("row {}: {error}", number + 1));
                continue;
            }
        };
        if record.get(0) == Some("user") && record.get(1) == Some("arn") {
            columns = record.iter().enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
            section += 1;
            continue;
        }
        let row = Columns { columns: &columns, record: &record };
        let Some(account) = AccountId::from_arn(row.get("arn")) else {
            report.notes.push(format!("row {}: no account in the ARN {:?}", number + 1, row.get("arn")));
            continue;
        };
        // The CSV does not say when it was made. It was not before the newest time in it.
        let past = columns.iter().filter(|(name, _)| is_past(name));
        if let Some(time) = past.filter_map(|(_, n)| record.get(*n)).filter_map(parse_instant).max() {
            let known = newest.entry((section, account.clone())).or_insert(time);
            *known = time.max(*known);
        }
        sections.push(section);
        report.rows.push(Row {
            account,
            user: row.get("user").to_owned(),
            arn: row.get("arn").to_owned(),
            created: parse_instant(row.get("user_creation_time")),
            password: match row.get("password_enabled") {
                "true" | "TRUE" => Some(true),
                "false" | "FALSE" => Some(false),
                _ => None,
            },
            slots: row.slot(1).zip(row.slot(2)).map(|(first, second)| [first, second]),
            generated: None,
        });
    }
    for (row, section) in report.rows.iter_mut().zip(sections) {
        row.generated = newest.get(&(section, row.account.clone())).copied();
    }
    report
}

/// One row by the names of its columns.
struct Columns<'a> {
    columns: &'a HashMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl<'a> Columns<'a> {
    fn get(&self, name: &str) -> &'a str {
        self.columns.get(name).and_then(|i| self.record.get(*i)).unwrap_or_default()
    }

    /// A slot, if the report has its columns.
    fn slot(&self, n: u8) -> Option<Slot> {
        let name = |part: &str| format!("access_key_{n}_{part}");
        if !["active", "last_rotated", "last_used_date"]
            .iter()
            .all(|part| self.columns.contains_key(&name(part)))
        {
            return None;
        }
        let part = |part: &str| self.get(&name(part));
        let time = parse_instant(part("last_used_date"));
        let known = |text: &str| {
            if matches!(text, "N/A" | "no_information") { String::new() } else { text.to_owned() }
        };
        Some(Slot {
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
        })
    }
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
    fn joined_reports_keep_their_own_times_and_missing_columns_are_unknown() {
        let old =
            CSV.replace("2026-09-01T10:00:00", "2026-03-01T10:00:00").replace("111122223333", "444455556666");
        let report = read(&Value::String(format!("{CSV}{old}")));
        let times: Vec<_> = report.rows.iter().map(|row| row.generated.unwrap().to_string()).collect();
        assert_eq!(
            times,
            ["2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"]
        );
        let half = "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date\nci,arn:aws:iam::111122223333:user/ci,false,N/A,N/A\n";
        assert_eq!(read(&Value::String(half.into())).rows[0].slots, None);
    }

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
            assert!(
                matches!(&root.slots.as_ref().unwrap()[0].last_used, LastUsed::At { service, .. } if service == "s3")
            );
            assert!(!root.slots.as_ref().unwrap()[1].holds_key());
            let ci = &report.rows[1];
            assert_eq!(ci.slots.as_ref().unwrap()[0].last_used, LastUsed::Never);
            assert!(ci.slots.as_ref().unwrap()[1].holds_key() && !ci.slots.as_ref().unwrap()[1].active);
            assert_eq!(ci.slots.as_ref().unwrap()[1].last_used, LastUsed::Unknown);
        }
    }
}
