//! A report without names: key ids, account ids, addresses and names stand for others, the same one each time.
//!
//! What identifies is gathered from the evidence itself, and replaced wherever it stands, in sentences, too. What comes from files
//! and fits no sentence of ours (names of inputs, notes on them, texts of people) is left out and counted.

use super::pseudonyms::Pseudonyms;
use super::seen::UNUSABLE;
use super::view::*;
use crate::analysis::Analysis;
use crate::attribution::{Agent, Consumer as Workload, Place, is_public_program};
use crate::inventory::User;
use serde_json::Value;

const LEFT_OUT: &str = "left out";

/// Replaces everything that identifies somebody. The same inputs give the same pseudonyms, in every format.
pub fn redact(report: &mut Report, analysis: &Analysis) {
    let names = gather(report, analysis).finish();
    let text = |text: &mut String| *text = names.text(text);
    let option = |text: &mut Option<String>| *text = text.as_deref().map(|text| names.text(text));
    report.redacted = true;
    text(&mut report.title);
    for finding in &mut report.summary.findings {
        text(&mut finding.text);
        finding.keys.iter_mut().for_each(text);
    }
    report.waves.iter_mut().flat_map(|wave| &mut wave.keys).for_each(text);
    for shared in &mut report.shared_consumers {
        text(&mut shared.origin);
        shared.keys.iter_mut().for_each(text);
    }
    let ties = &mut report.dependencies;
    ties.groups.iter_mut().chain(&mut ties.role_cycles).flatten().for_each(text);
    for hub in &mut ties.hubs {
        text(&mut hub.name);
        hub.keys.iter_mut().for_each(text);
    }
    for user in &mut report.users_with_unknown_keys {
        text(&mut user.account);
        text(&mut user.user);
    }
    for session in &mut report.user_sessions {
        text(&mut session.account);
        text(&mut session.user);
    }
    for (n, mute) in report.mutes.iter_mut().enumerate() {
        mute.names.iter_mut().for_each(text);
        mute.owner = format!("owner-{}", n + 1);
        mute.reason = LEFT_OUT.to_owned();
        mute.wrong = mute.wrong.take().map(|_| LEFT_OUT.to_owned());
    }
    for account in &mut report.coverage.accounts {
        text(&mut account.account);
        account.trails.iter_mut().for_each(text);
    }
    // Notes of inputs say what stands in files; the sentences before them are ours.
    let notes = analysis.material.inventory.notes.len();
    let own = report.coverage.unknowns.len().saturating_sub(notes);
    report.coverage.unknowns.truncate(own);
    for unknown in &mut report.coverage.unknowns {
        // So does what follows this.
        if let Some((sentence, _)) = unknown.split_once(UNUSABLE) {
            *unknown = format!("{sentence}{UNUSABLE}{LEFT_OUT}.");
        }
        text(unknown);
    }
    if notes > 0 {
        report.coverage.unknowns.push(format!("{notes} notes on the inputs are left out of this report."));
    }
    for (n, skipped) in report.skipped.iter_mut().enumerate() {
        skipped.source = format!("place-{}", n + 1);
        skipped.detail = LEFT_OUT.to_owned();
    }
    for (n, input) in report.method.inputs.iter_mut().enumerate() {
        input.name = format!("input-{}", n + 1);
    }
    let mut consumers = 0;
    for key in &mut report.keys {
        text(&mut key.reference);
        [&mut key.access_key_id, &mut key.account, &mut key.account_by, &mut key.user]
            .into_iter()
            .for_each(option);
        [&mut key.last_used.service, &mut key.last_used.region].into_iter().for_each(option);
        key.reasons.iter_mut().for_each(|reason| text(&mut reason.text));
        for gap in &mut key.gaps {
            text(&mut gap.text);
            text(&mut gap.close_by);
        }
        for aside in &mut key.asides {
            text(&mut aside.who);
            aside.calls.iter_mut().for_each(|call| self::call(call, &names));
        }
        for path in &mut key.sessions.paths {
            text(&mut path.id);
            text(&mut path.title);
        }
        let radius = &mut key.blast_radius;
        radius.services.iter_mut().chain(&mut radius.roles).chain(&mut radius.tied_keys).for_each(text);
        key.other_credentials.iter_mut().for_each(text);
        for consumer in &mut key.consumers {
            consumers += 1;
            consumer.id = format!("consumer-{consumers}");
            redact_consumer(consumer, &names);
        }
    }
}

fn call(call: &mut Call, names: &Pseudonyms) {
    call.service = names.text(&call.service);
    call.name = names.text(&call.name);
}

fn redact_consumer(consumer: &mut Consumer, names: &Pseudonyms) {
    let text = |text: &mut String| *text = names.text(text);
    text(&mut consumer.origin);
    consumer.capped_by.iter_mut().chain(&mut consumer.questions).for_each(text);
    consumer.signals.iter_mut().for_each(|signal| text(&mut signal.text));
    let counted = [
        &mut consumer.programs,
        &mut consumer.addresses,
        &mut consumer.user_agents,
        &mut consumer.session_paths,
    ];
    counted.into_iter().flatten().for_each(|count| text(&mut count.name));
    let plain = [&mut consumer.drivers, &mut consumer.places, &mut consumer.regions, &mut consumer.roles];
    plain.into_iter().flatten().for_each(text);
    consumer.calls.iter_mut().for_each(|it| call(it, names));
    for permission in &mut consumer.permissions {
        permission.resources.iter_mut().chain(&mut permission.condition).for_each(text);
    }
    for unmapped in &mut consumer.unmapped_calls {
        text(&mut unmapped.service);
        text(&mut unmapped.name);
    }
    let replacement = &mut consumer.replacement;
    replacement.steps.iter_mut().chain(&mut replacement.caveats).for_each(text);
    replacement.trust_policy.iter_mut().for_each(|policy| strings(policy, &text));
    // Files with pseudonyms would be of no use.
    consumer.cut_over = None;
}

/// Every string of a document, keys of objects included.
fn strings(value: &mut Value, text: &impl Fn(&mut String)) {
    match value {
        Value::String(own) => text(own),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, text)),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            fields.extend(old.into_iter().map(|(mut name, mut value)| {
                // The language's own words are no names; condition keys may have an issuer's.
                if name.contains([':', '/', '.']) {
                    text(&mut name);
                }
                if !matches!(name.as_str(), "Effect" | "Action" | "Version" | "Sid") {
                    strings(&mut value, text);
                }
                (name, value)
            }));
        }
        _ => {}
    }
}

/// Everything that identifies somebody, from the evidence and from the report.
fn gather(report: &Report, analysis: &Analysis) -> Pseudonyms {
    let mut names = Pseudonyms::default();
    let (evidence, inventory) = (&analysis.material.evidence, &analysis.material.inventory);
    for key in &analysis.keys {
        key.subject.key.iter().for_each(|id| names.id(id.as_str()));
        key.subject.account.iter().for_each(|account| names.account(account.as_str()));
        key.subject.user.iter().for_each(|user| names.user(user));
        key.attribution.consumers.iter().for_each(|consumer| of_consumer(consumer, &mut names));
    }
    for key in &report.keys {
        names.reference(&key.reference);
        key.asides.iter().for_each(|aside| names.addresses(&aside.who));
        let granted = key.consumers.iter().flat_map(|consumer| &consumer.permissions);
        granted
            .flat_map(|permission| &permission.resources)
            .filter(|arn| *arn != "*")
            .for_each(|arn| names.arn(arn));
    }
    for mute in &report.mutes {
        mute.names.iter().for_each(|name| names.exempt(name));
    }
    for (account, facts) in &inventory.accounts {
        names.account(account.as_str());
        facts.trails.iter().for_each(|trail| names.arn(&trail.arn));
        facts.oidc_issuers.iter().for_each(|issuer| names.host(issuer));
        for (arn, roles) in &facts.trusts {
            names.arn(arn);
            roles.iter().for_each(|role| names.arn(role));
        }
    }
    for ((account, name), user) in &inventory.users {
        names.account(account.as_str());
        names.user(name);
        of_user(user, &mut names);
    }
    for (arn, principals) in &inventory.resource_policies {
        names.arn(arn);
        principals.iter().for_each(|principal| names.arn(principal));
    }
    for session in &evidence.chains.sessions {
        names.id(session.session.as_str());
        names.path(&session.path);
    }
    for session in &evidence.user_sessions {
        names.account(session.account.as_str());
        names.user(&session.user);
    }
    evidence.resources.values().flat_map(|set| set.names()).for_each(|name| names.arn(name));
    for row in evidence.direct.iter().chain(&evidence.derived) {
        names.id(row.key.as_str());
        names.account(&row.recipient);
        names.address(&row.ip);
        names.name(&row.vpc_endpoint);
        names.arn(&row.assumed_role);
    }
    for (address, users) in &evidence.neighbours {
        names.address(address);
        users.iter().for_each(|user| names.arn(user));
    }
    for account in evidence.coverage.accounts() {
        names.account(account.as_str());
    }
    names
}

fn of_user(user: &User, names: &mut Pseudonyms) {
    names.id(&user.id);
    names.arn(&user.arn);
    user.path.split('/').for_each(|part| names.name(part));
    for (tag, value) in &user.tags {
        names.name(tag);
        names.name(value);
    }
    user.attached.iter().for_each(|policy| names.arn(policy));
    user.boundary.iter().for_each(|boundary| names.arn(&boundary.arn));
    user.other_credentials.iter().for_each(|credential| names.arn(&credential.name));
}

fn of_consumer(consumer: &Workload, names: &mut Pseudonyms) {
    for agent in consumer.agents.keys() {
        names.agent(agent);
        let parsed = Agent::parse(agent);
        for part in [&parsed.app, &parsed.run, &parsed.driver, &parsed.execution_env, &parsed.sdk]
            .into_iter()
            .flatten()
        {
            if !is_public_program(part) && !part.starts_with("AWS_") {
                names.name(part);
            }
        }
        if !is_public_program(&parsed.program) {
            names.program(&parsed.program);
        }
    }
    for program in consumer.programs.keys() {
        let bare = program.split(" (").next().unwrap_or(program);
        if !is_public_program(bare) {
            names.program(bare);
        }
    }
    consumer.addresses.keys().for_each(|address| names.address(address));
    consumer.roles.iter().for_each(|role| names.arn(role));
    consumer.session_paths.keys().for_each(|path| names.path(path));
    for place in &consumer.places {
        match place {
            Place::Own { name, .. } => names.name(name),
            Place::VpcEndpoint(id) => names.name(id),
            _ => {}
        }
    }
}
