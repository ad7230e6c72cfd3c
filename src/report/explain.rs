//! One key as a plain-text note: verdict, consumers, evidence, what would change it, what to ask.

use super::text::{clean, cut};
use super::view::{Consumer, Key, Signal};
use crate::model::counted;
use std::fmt::Write;

/// Calls named of a consumer; the rest is counted.
const CALLS: usize = 15;

/// Explains one key.
pub fn explain(key: &Key) -> String {
    let mut out = String::new();
    let user = clean(key.user.as_deref().unwrap_or("unknown")).into_owned();
    let account = key.account.as_deref().unwrap_or("unknown");
    let _ = writeln!(out, "{}  user {user}, account {}", clean(&key.reference), clean(account));
    if let Some(by) = &key.account_by {
        let _ = writeln!(out, "  (the account is told by {by})");
    }
    let days = |n: Option<i32>| n.map_or("unknown".to_owned(), |n| counted(n, "day"));
    let _ = writeln!(
        out,
        "  status {}, age {}, idle {}",
        key.status.unwrap_or("unknown"),
        days(key.age_days),
        days(key.idle_days)
    );
    let _ = writeln!(out, "\nVerdict: {}", key.verdict_title);
    for reason in &key.reasons {
        let _ = writeln!(out, "  - {} [{}]", clean(&reason.text), reason.code);
    }
    out.push_str("\nWhat to do next\n");
    for (n, step) in key.next_steps.iter().enumerate() {
        let _ = writeln!(out, "  {}. {step}", n + 1);
    }
    out.push_str("\nEvidence\n");
    let u = &key.usage;
    if u.events == 0 {
        out.push_str("  CloudTrail: no event signed by this key or by a session derived from it was read\n");
    } else {
        let _ = writeln!(
            out,
            "  CloudTrail: {} events, {} denied, {} by derived sessions",
            u.events, u.denied_events, u.derived_events
        );
        let _ = writeln!(
            out,
            "    first {}, last {}",
            u.first.as_deref().unwrap_or("?"),
            u.last.as_deref().unwrap_or("?")
        );
        let _ = writeln!(
            out,
            "    {}, {}, longest silence {}",
            counted(u.active_days, "active day"),
            u.rhythm.unwrap_or("?"),
            counted(u.longest_gap_days, "day")
        );
    }
    let _ = match (&key.last_used.time, key.last_used.state) {
        (Some(time), _) => writeln!(
            out,
            "  IAM: last used {time}, {}",
            clean(key.last_used.service.as_deref().unwrap_or("service not named"))
        ),
        (None, "never") => writeln!(out, "  IAM: never used"),
        _ => writeln!(out, "  IAM: last-used time not among the inputs"),
    };
    if let Some([first, last]) = &key.looked_up {
        let _ = writeln!(
            out,
            "  LookupEvents: every management event from {first} to {last}, in all enabled regions"
        );
    }
    if !key.other_credentials.is_empty() {
        let names: Vec<String> = key.other_credentials.iter().map(|name| cut(name, 60)).collect();
        let _ = writeln!(out, "  The user can sign in by more than keys: {}", names.join(", "));
    }
    if key.sessions.handed_out > 0 {
        let _ = writeln!(
            out,
            "  Sessions: {} handed out, {} never seen in use",
            key.sessions.handed_out, key.sessions.never_seen
        );
        for path in &key.sessions.paths {
            let _ = writeln!(out, "    {} by {}", counted(path.count, "event"), clean(&path.title));
        }
    }
    if key.usage.events > 0 {
        let radius = &key.blast_radius;
        let services: Vec<String> = radius.services.iter().map(|name| cut(name, 40)).collect();
        let _ = write!(
            out,
            "\nIf this key went: {} would lose {}: {}",
            counted(radius.consumers, "consumer"),
            counted(services.len(), "service"),
            services.join(", ")
        );
        let roles: Vec<String> = radius.roles.iter().map(|name| cut(name, 120)).collect();
        let entered =
            if roles.is_empty() { String::new() } else { format!("; and the way into {}", roles.join(", ")) };
        let _ = writeln!(out, "{entered}");
        if !radius.tied_keys.is_empty() {
            let _ = writeln!(
                out,
                "  Migrate it together with {}: their consumers share a place",
                clean(&radius.tied_keys.join(", "))
            );
        }
    }
    let _ = writeln!(out, "\nConsumers: {}", key.consumers.len());
    for (n, c) in key.consumers.iter().enumerate() {
        consumer(n + 1, c, &mut out);
    }
    for aside in &key.asides {
        let _ =
            writeln!(out, "\n  No consumer ({}): {}, {} events", aside.kind, clean(&aside.who), aside.events);
    }
    if !key.gaps.is_empty() {
        out.push_str("\nWhat could not be seen, and what would change the verdict\n");
        for gap in &key.gaps {
            let mark = if gap.blocks_unused { "blocks \"unused\"" } else { "noted" };
            let _ = writeln!(out, "  - {} [{}, {mark}]", clean(&gap.text), gap.id);
            let _ = writeln!(out, "    to close it: {}", clean(&gap.close_by));
        }
    }
    let asks = questions(key);
    if !asks.is_empty() {
        let _ = writeln!(out, "\nAsk the owner of {user}");
        for ask in asks {
            let _ = writeln!(out, "  - {}", clean(&ask));
        }
    }
    out
}

fn consumer(n: usize, c: &Consumer, out: &mut String) {
    let _ = writeln!(out, "\n  {n}. {} ({} confidence): {}", c.kind_title, c.confidence, clean(&c.origin));
    if let Some(cap) = &c.capped_by {
        let _ = writeln!(out, "     not higher than {} because {}", c.confidence, clean(cap));
    }
    for supports in [true, false] {
        let signals: Vec<_> = c.signals.iter().filter(|signal| signal.supports == supports).collect();
        match (supports, signals.is_empty()) {
            (_, true) => continue,
            (true, _) => out.push_str("     for it\n"),
            (false, _) => out.push_str("     against it, or for something else\n"),
        }
        for signal in signals {
            let other = if supports { String::new() } else { format!(" ({})", signal.kind) };
            let _ =
                writeln!(out, "       {}{other}: {}{}", signal.strength, clean(&signal.text), cited(signal));
        }
    }
    if !c.seen {
        out.push_str("     presumed: no record shows it\n");
    } else {
        let _ = writeln!(
            out,
            "     {} on {}, {}, {} to {}",
            counted(c.events, "event"),
            counted(c.active_days, "day"),
            c.rhythm.unwrap_or("?"),
            c.first.as_deref().unwrap_or("?"),
            c.last.as_deref().unwrap_or("?")
        );
        let names: Vec<String> =
            c.addresses.iter().take(4).map(|a| format!("{} ({})", cut(&a.name, 45), a.events)).collect();
        let noun = if c.addresses_total == 1 { "address" } else { "addresses" };
        let more = if c.addresses_total > names.len() { ", …" } else { "" };
        let _ = writeln!(out, "     {} {noun}: {}{more}", c.addresses_total, names.join(", "));
        for agent in c.user_agents.iter().take(2) {
            let _ = writeln!(out, "     agent ({}): {}", agent.events, cut(&agent.name, 150));
        }
        if c.user_agents_total > 2 {
            let _ = writeln!(out, "     and {} more", counted(c.user_agents_total - 2, "agent"));
        }
        if !c.drivers.is_empty() {
            let _ = writeln!(out, "     driven by {}", clean(&c.drivers.join(", ")));
        }
        if !c.credential_sources.is_empty() {
            let _ = writeln!(
                out,
                "     where the key comes from, as the agents say: {}",
                c.credential_sources.join(", ")
            );
        }
        let calls: Vec<String> = c
            .calls
            .iter()
            .take(CALLS)
            .map(|call| {
                let denied =
                    if call.denied > 0 { format!(", {} denied", call.denied) } else { String::new() };
                format!("{}:{} ({}{denied})", cut(&call.service, 40), cut(&call.name, 60), call.events)
            })
            .collect();
        let more = if c.calls.len() > CALLS {
            format!(" and {} more", c.calls.len() - CALLS)
        } else {
            String::new()
        };
        let _ = writeln!(out, "     calls: {}{more}", calls.join(", "));
        permissions(out, c);
        if !c.unmapped_calls.is_empty() {
            let names: Vec<String> = c
                .unmapped_calls
                .iter()
                .take(CALLS)
                .map(|call| format!("{}:{}", cut(&call.service, 40), cut(&call.name, 60)))
                .collect();
            let _ = writeln!(out, "     calls whose actions are not known: {}", names.join(", "));
        }
        if let Some(id) = &c.sample_event_id {
            let _ = writeln!(out, "     first event: {id}");
        }
    }
    let _ = writeln!(
        out,
        "     replacement: {} [{}, {}]",
        c.replacement.title, c.replacement.outcome, c.replacement.rule
    );
    for step in &c.replacement.steps {
        let _ = writeln!(out, "       - {}", clean(step));
    }
    for caveat in &c.replacement.caveats {
        let _ = writeln!(out, "       ! {}", clean(caveat));
    }
    if let Some(unblock) = c.replacement.unblock {
        let _ = writeln!(out, "       what would unblock a role: {unblock}");
    }
}

/// What a signal rests on: events, days, and one to look up.
fn cited(signal: &Signal) -> String {
    if signal.events == 0 {
        return String::new();
    }
    let day = |time: &Option<String>| time.as_deref().and_then(|t| t.get(..10)).unwrap_or("?").to_owned();
    let (first, last) = (day(&signal.first), day(&signal.last));
    let days = if first == last { first } else { format!("{first} to {last}") };
    let sample = signal.sample_event_id.as_ref().map(|id| format!(", such as {id}")).unwrap_or_default();
    format!(" [{}, {days}{sample}]", counted(signal.events, "event"))
}

/// What only the owner can answer.
fn questions(key: &Key) -> Vec<String> {
    let mut asks = Vec::new();
    if key.consumers.is_empty() {
        asks.push("does anything use this key that no log and no IAM record would show?".to_owned());
    }
    for (n, c) in key.consumers.iter().enumerate() {
        let n = n + 1;
        if c.questions.is_empty() {
            asks.push(format!("is consumer {n} yours ({}, {}), and still needed?", c.kind_title, c.origin));
        }
        asks.extend(c.questions.iter().map(|question| format!("consumer {n}: {question}")));
        asks.extend(c.replacement.needs.iter().map(|need| format!("consumer {n}: {}", need.ask)));
    }
    asks
}

/// What the consumer's role is granted, one line an action.
fn permissions(out: &mut String, c: &Consumer) {
    if c.permissions.is_empty() {
        return;
    }
    let _ =
        writeln!(out, "     permissions that its calls needed ('offkey replace' writes them as policies):");
    for p in c.permissions.iter().take(CALLS) {
        let shown: Vec<String> = p.resources.iter().take(2).map(|arn| cut(arn, 120)).collect();
        let more = if p.resources.len() > shown.len() {
            format!(" and {} more", p.resources.len() - shown.len())
        } else {
            String::new()
        };
        let condition = p.condition.as_ref().map_or(String::new(), |c| format!(", if {}", cut(c, 120)));
        let why = match (p.danger, p.scope) {
            ("privileged", _) => " (PRIVILEGED: only if you ask for it)",
            ("careful", _) => " (careful: it reaches further than it says)",
            (_, "not-named") => " (the records do not say on what)",
            (_, "as-today") => " (as the user's policies have it: the records do not say on what)",
            _ => "",
        };
        let _ = writeln!(out, "       {} on {}{more}{condition}{why}", p.action, shown.join(", "));
    }
    if c.permissions.len() > CALLS {
        let _ = writeln!(out, "       and {}", counted(c.permissions.len() - CALLS, "more action"));
    }
}
