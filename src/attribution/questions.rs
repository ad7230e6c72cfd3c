//! What the evidence leaves to the owner: two plausible kinds, or signs that one consumer is really two.

use super::agent::CredentialSource;
use super::consumers::{Consumer, Used};
use crate::model::WorkloadKind;
use std::collections::{BTreeMap, BTreeSet};

/// Events that a part must have before what it does or does not call says anything.
const ENOUGH: u64 = 20;

/// Addresses beyond this are a pool, in which parts mean nothing.
const MOST_PARTS: usize = 16;

/// Everything to ask the owner about a consumer, most important first.
pub(super) fn questions(consumer: &Consumer, rows: &[Used<'_>]) -> Vec<String> {
    let mut out = Vec::new();
    match (consumer.kind, consumer.rival) {
        (WorkloadKind::Unknown, Some(rival)) => {
            out.push(format!("What is it, and where does it run? It could be: {rival}."));
        }
        (WorkloadKind::Unknown, None) => out.push("What is it, and where does it run?".to_owned()),
        (kind, Some(rival)) => out.push(format!("Which is it: {kind} or {rival}?")),
        (_, None) => {}
    }
    out.extend(two_sources(&consumer.credentials));
    out.extend(unlike_parts(rows));
    out
}

/// One program finds its key in one place: two places are two programs, or one that is set up twice.
fn two_sources(sources: &BTreeSet<CredentialSource>) -> Option<String> {
    // Where a session comes from says nothing of where the key lies.
    let stores: Vec<&str> = sources
        .iter()
        .filter(|source| {
            matches!(
                source,
                CredentialSource::Code
                    | CredentialSource::JvmProperties
                    | CredentialSource::Environment
                    | CredentialSource::Profile
                    | CredentialSource::Process
            )
        })
        .map(|source| source.title())
        .collect();
    (stores.len() > 1).then(|| {
        format!(
            "Its agents name several places where the key lies ({}): is it one program or several?",
            stores.join("; ")
        )
    })
}

/// Events, UTC hours as bits, and calls of one address.
type Part<'a> = (u64, u32, BTreeSet<(&'a str, &'a str)>);

/// Addresses whose calls have nothing in common.
fn unlike_parts(rows: &[Used<'_>]) -> Option<String> {
    let mut parts: BTreeMap<&str, Part<'_>> = BTreeMap::new();
    for (row, ..) in rows.iter().filter(|(row, ..)| row.session_path.is_empty() && !row.presigned) {
        let part = parts.entry(&row.ip).or_default();
        part.0 += row.stats.count;
        part.1 |= row.stats.hours;
        part.2.insert((&row.source, &row.name));
        if parts.len() > MOST_PARTS {
            return None;
        }
    }
    let busy: Vec<_> = parts.iter().filter(|(_, (count, ..))| *count >= ENOUGH).collect();
    for (n, (one, (_, hours, calls))) in busy.iter().enumerate() {
        let unlike = busy.iter().skip(n + 1).find(|(_, (_, _, other))| calls.is_disjoint(other));
        let Some((other, (_, other_hours, other_calls))) = unlike else { continue };
        let name = |calls: &BTreeSet<(&str, &str)>| {
            let names: Vec<String> = calls
                .iter()
                .take(3)
                .map(|(source, name)| format!("{}:{name}", source.trim_end_matches(".amazonaws.com")))
                .collect();
            names.join(", ")
        };
        let apart = if hours & other_hours == 0 { " and never in the same hours" } else { "" };
        return Some(format!(
            "{one} calls {} and {other} calls {}, nothing in common{apart}: is it one workload or two?",
            name(calls),
            name(other_calls)
        ));
    }
    None
}
