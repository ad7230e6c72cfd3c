//! What evidence says of keys, as plans and gates want it.

use super::super::super::args::{Inputs, Judging};
use super::super::super::error::Failure;
use super::super::super::terminal::Terminal;
use super::super::load;
use crate::analysis::{Reading, RoleUse, role_use};
use crate::input::{Argument, Depth};
use crate::model::parse_instant;
use crate::plan::{GapNote, Gist};
use crate::report::{Key, Report, assemble};
use crate::rotation::RoleProof;
use crate::store::EvidenceStore;
use std::collections::BTreeSet;
use std::path::Path;

/// Consumers named in a plan; the rest is counted.
const NAMED: usize = 8;

/// Analyses inputs.
pub(super) fn report(inputs: &[String], terminal: &Terminal) -> Result<Report, Failure> {
    let inputs = Inputs { inputs: inputs.to_vec(), jobs: None, census: false };
    let judging = Judging { max_age: 90, max_idle: 90, as_of: None };
    Ok(assemble(&load::analysis(&inputs, &judging, terminal)?, ""))
}

/// A key of a report by its id.
pub(super) fn key_of<'a>(report: &'a Report, id: &str) -> Option<&'a Key> {
    report.keys.iter().find(|key| key.access_key_id.as_deref() == Some(id))
}

/// What the evidence says of a key. A key that the evidence does not know is unknown, not unused.
pub(super) fn gist(report: &Report, id: &str) -> Option<Gist> {
    let key = key_of(report, id)?;
    let mut consumers: Vec<String> = key
        .consumers
        .iter()
        .take(NAMED)
        .map(|consumer| format!("{} ({}, {} events)", consumer.origin, consumer.kind_title, consumer.events))
        .collect();
    if key.consumers.len() > NAMED {
        consumers.push(format!("and {} more", key.consumers.len() - NAMED));
    }
    Some(Gist {
        as_of: parse_instant(&report.as_of)?,
        verdict: key.verdict.to_owned(),
        events: key.usage.events,
        last_event: key.usage.last.as_deref().and_then(parse_instant),
        longest_gap_days: (key.usage.active_days > 1).then_some(key.usage.longest_gap_days),
        gaps: key
            .gaps
            .iter()
            .filter(|gap| gap.blocks_unused)
            .map(|gap| GapNote { id: gap.id.to_owned(), detail: gap.text.clone() })
            .collect(),
        consumers,
    })
}

/// What a role's sessions did, by logs among the inputs; `None` where there are none but stores, which keep keys only.
pub(super) fn of_role(
    inputs: &[String],
    role: &str,
    terminal: &Terminal,
) -> Result<Option<RoleUse>, Failure> {
    let files: Vec<Argument> =
        inputs.iter().filter(|input| !EvidenceStore::is_store(Path::new(input))).map(Argument::new).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let bar = terminal.bytes_bar();
    let reading = Reading {
        arguments: &files,
        depth: Depth::Census,
        jobs: load::jobs(None),
        stop: terminal.stop(),
        total: &|files, bytes| {
            bar.set_message(format!("reading {files} files for {role}"));
            bar.set_length(bytes);
        },
        tick: &|bytes| bar.inc(bytes),
    };
    let found = role_use(&reading, role);
    bar.finish_and_clear();
    found.map(Some).map_err(|_| Failure::interrupted())
}

/// Calls that a key's consumers made and that worked, by consumer.
pub(super) fn needed(key: &Key) -> Vec<BTreeSet<(String, String)>> {
    let of = |consumer: &crate::report::Consumer| {
        let worked = consumer.calls.iter().filter(|call| call.events > call.denied + call.failed);
        worked.map(|call| (call.service.clone(), call.name.clone())).collect::<BTreeSet<_>>()
    };
    key.consumers.iter().filter(|consumer| consumer.seen).map(of).filter(|calls| !calls.is_empty()).collect()
}

/// Whether a role makes the calls that a key made.
pub(super) fn proof(key: &Key, role: &RoleUse) -> RoleProof {
    let consumers = needed(key);
    let made = |call: &(String, String)| {
        let host = format!("{}.amazonaws.com", call.0);
        role.get(&(host, call.1.clone())).is_some_and(|call| call.last.is_some())
    };
    let all: BTreeSet<&(String, String)> = consumers.iter().flatten().collect();
    RoleProof {
        carried: all.iter().filter(|call| made(call)).count(),
        all: all.len(),
        consumers: consumers.iter().filter(|calls| calls.iter().all(&made)).count(),
        all_consumers: consumers.len(),
    }
}
