//! Findings as SARIF 2.1.0, as GitHub's code scanning takes it
//! (<https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning>).

use super::text::{clean, json};
use super::view::{Key, Report};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// GitHub shows this many results of a run, and refuses files with more than 25,000.
const RESULTS: usize = 5_000;

/// Characters of a message: GitHub cuts longer ones.
const MESSAGE: usize = 1_000;

/// One rule for each verdict: id, name, what it says, what helps, severity.
const RULES: &[(&str, &str, &str, &str, &str)] = &[
    (
        "retire",
        "UnusedAccessKey",
        "The access key is unused and can go now.",
        "Run `offkey retire plan` for it.",
        "7.0",
    ),
    (
        "replace",
        "ReplaceableAccessKey",
        "A role can replace the access key.",
        "Run `offkey replace` for it.",
        "6.0",
    ),
    (
        "rotate",
        "AccessKeyToRotate",
        "The access key cannot go yet and has to be rotated.",
        "Run `offkey rotate plan` for it.",
        "5.0",
    ),
    (
        "investigate",
        "AccessKeyToInvestigate",
        "What depends on the access key is not known well enough.",
        "Run `offkey explain` for it.",
        "5.0",
    ),
];

pub(super) fn render(report: &Report) -> Result<Vec<u8>, String> {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|(id, name, says, help, severity)| {
            json!({
                "id": format!("offkey/{id}"),
                "name": name,
                "shortDescription": {"text": says},
                "fullDescription": {"text": says},
                "help": {"text": help, "markdown": help},
                "defaultConfiguration": {"level": level(id)},
                "properties": {"tags": ["security", "aws", "access-key"], "precision": "high", "security-severity": severity, "problem.severity": "warning"},
            })
        })
        .collect();
    // The most urgent first, if GitHub should cut.
    let rank = |key: &&Key| RULES.iter().position(|(id, ..)| *id == key.verdict);
    let mut keys: Vec<&Key> = report.keys.iter().filter(|key| key.status != Some("Inactive")).collect();
    keys.sort_by_key(rank);
    let left = keys.len().saturating_sub(RESULTS);
    let results: Vec<Value> = keys.iter().take(RESULTS).map(|key| result(key, report)).collect();
    let mut notes = Vec::new();
    if left > 0 {
        notes.push(json!({"level": "warning", "message": {"text": format!("{left} more keys are not in this file: GitHub shows {RESULTS} results at most. The JSON report has them all.")}}));
    }
    for skipped in report.skipped_by_reason.iter().filter(|reason| reason.count > 0) {
        notes.push(json!({"level": "note", "message": {"text": format!("passed over while reading: {} ({})", skipped.title, skipped.count)}}));
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "offkey", "semanticVersion": report.offkey_version, "informationUri": "https://example.com/offkey", "rules": rules}},
            "automationDetails": {"id": "offkey/access-keys/"},
            "columnKind": "utf16CodeUnits",
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log).map_err(|error| error.to_string())?;
    Ok((json(text) + "\n").into_bytes())
}

fn level(verdict: &str) -> &'static str {
    match verdict {
        "retire" => "error",
        _ => "warning",
    }
}

fn result(key: &Key, report: &Report) -> Value {
    let at = RULES.iter().position(|(id, ..)| *id == key.verdict).unwrap_or(0);
    let mut text = format!("{}: {}.", key.reference, key.verdict_title);
    if let Some(user) = &key.user {
        text.push_str(&format!(" User {user}"));
        if let Some(account) = &key.account {
            text.push_str(&format!(" of account {account}"));
        }
        text.push('.');
    }
    for reason in &key.reasons {
        text.push_str(&format!(" {} ({}).", reason.text.trim_end_matches('.'), reason.code));
    }
    let gaps: BTreeSet<&str> = key.gaps.iter().filter(|gap| gap.blocks_unused).map(|gap| gap.id).collect();
    if !gaps.is_empty() {
        text.push_str(&format!(" Not seen: {}.", gaps.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let text: String = clean(&text).chars().take(MESSAGE).collect();
    // GitHub wants a file; a key has none: a place of the same name each time keeps alerts together.
    let account = key.account.as_deref().unwrap_or("unknown");
    let user = key.user.as_deref().unwrap_or("unknown");
    let mut result = json!({
        "ruleId": format!("offkey/{}", key.verdict),
        "ruleIndex": at,
        "level": level(key.verdict),
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": format!("aws/{}/{}", encoded(account), encoded(user))}, "region": {"startLine": 1}},
            "logicalLocations": [{"name": key.reference, "fullyQualifiedName": format!("{account}/{user}/{}", key.reference), "kind": "resource"}],
        }],
    });
    let mut add = |name: &str, value: Value| {
        if let Some(fields) = result.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
    };
    if !report.redacted {
        // The key, and not the verdict: a verdict that changes is the same alert. A pseudonym may be another's next time.
        add("partialFingerprints", json!({"offkeyAccessKey/v1": fingerprint(&key.reference)}));
    }
    if let Some(mute) = key.muted_by.and_then(|at| report.mutes.get(at)) {
        let why = clean(&format!(
            "{} ({}, until {})",
            mute.reason,
            mute.owner,
            mute.expires.as_deref().unwrap_or("?")
        ))
        .chars()
        .take(MESSAGE)
        .collect::<String>();
        add("suppressions", json!([{"kind": "external", "status": "accepted", "justification": why}]));
    }
    result
}

fn fingerprint(reference: &str) -> String {
    Sha256::digest(format!("offkey access key {reference}"))
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A part of a path in a URI.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // A part of dots only would lead elsewhere.
    if out.chars().all(|c| c == '.') { format!("_{out}") } else { out }
}
