//! The report as Markdown, as GitHub renders it.

use super::diff::burn_down;
use super::text::{code, markdown as md};
use super::view::{Consumer, Key, Permission, RegionCoverage, Report};
use crate::model::counted;
use std::fmt::Write;

/// Calls named in a consumer's paragraph; the total stands beside them.
const CALLS: usize = 12;

pub(super) fn render(report: &Report) -> Vec<u8> {
    let mut out = String::new();
    head(report, &mut out);
    if report.history.len() > 1 {
        let _ = write!(out, "\n## Burn-down\n\n```text\n{}```\n", burn_down(&report.history));
    }
    waves(report, &mut out);
    table(report, &mut out);
    if report.audience != "exec" {
        out.push_str("\n## Keys in detail\n");
        if report.keys.is_empty() {
            out.push_str("\nNone.\n");
        }
        for key in &report.keys {
            detail(key, &mut out);
        }
        others(report, &mut out);
    }
    mutes(report, &mut out);
    coverage(report, &mut out);
    method(report, &mut out);
    out.into_bytes()
}

fn head(report: &Report, out: &mut String) {
    let s = &report.summary;
    let _ = writeln!(out, "# {}\n", md(&report.title));
    let _ = writeln!(
        out,
        "As of {}, made by offkey {}. A key is due when older than {} days or idle for longer than {}.\n",
        report.as_of, report.offkey_version, report.thresholds.max_age_days, report.thresholds.max_idle_days
    );
    if report.audience == "exec" {
        out.push_str("Made for those who decide: evidence and policies are in the report for engineers.\n\n");
    }
    if report.redacted {
        out.push_str(
            "Redacted: key ids, accounts, addresses and names stand for others, the same one each time.\n\n",
        );
    }
    out.push_str("## Summary\n\n| | |\n|---|---:|\n");
    for verdict in &s.verdicts {
        let _ = writeln!(out, "| Keys to {} | {} |", verdict.title, verdict.count);
    }
    let _ = writeln!(
        out,
        "| Keys in all | {} |\n| Keys due | {} |\n| Keys with gaps that forbid calling them unused | {} |\n| Accounts | {} |\n| Users | {} |\n| Consumers | {} |\n| Consumers identified | {} |\n| CloudTrail records read | {} |",
        s.keys,
        s.keys_due,
        s.keys_with_gaps,
        s.accounts,
        s.users,
        s.consumers,
        s.consumers_identified,
        s.events
    );
    if !s.findings.is_empty() {
        out.push('\n');
        for finding in &s.findings {
            let names: Vec<String> = finding.keys.iter().take(5).map(|key| code(key)).collect();
            let more = if finding.keys.len() > names.len() { ", …" } else { "" };
            let keys = if names.is_empty() { String::new() } else { format!(" {}{more}", names.join(", ")) };
            let _ = writeln!(out, "- {}{keys}", md(&finding.text));
        }
    }
    if !s.kinds.is_empty() {
        out.push_str("\n### Consumers by kind\n\n| Kind | Consumers |\n|---|---:|\n");
        for kind in &s.kinds {
            let _ = writeln!(out, "| {} | {} |", md(&kind.title), kind.count);
        }
    }
}

fn mutes(report: &Report, out: &mut String) {
    if report.mutes.is_empty() {
        return;
    }
    out.push_str(
        "\n## Exemptions\n\n| State | About | Keys | Owner | Until | Reason |\n|---|---|---:|---|---|---|\n",
    );
    for mute in &report.mutes {
        let until = mute.expires.as_deref().unwrap_or("?");
        let reason = mute.wrong.as_deref().unwrap_or(&mute.reason);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {until} | {} |",
            mute.state,
            md(&mute.names.join(", ")),
            mute.keys,
            md(&mute.owner),
            md(reason)
        );
    }
}

fn waves(report: &Report, out: &mut String) {
    out.push_str("\n## Waves\n\n| | Wave | Keys |\n|---:|---|---:|\n");
    for wave in &report.waves {
        let _ = writeln!(out, "| {} | {} | {} |", wave.number, md(wave.title), wave.keys.len());
    }
}

fn table(report: &Report, out: &mut String) {
    out.push_str("\n## Keys\n\n| Key | Account | User | Age | Idle | Verdict | Because | Used by |\n|---|---|---|---:|---:|---|---|---|\n");
    for key in &report.keys {
        let days = |n: Option<i32>| n.map_or("?".to_owned(), |n| n.to_string());
        let mut kinds: Vec<&str> = key.consumers.iter().map(|c| c.kind_title).collect();
        kinds.dedup();
        let because = key.reasons.first().map(|r| r.code).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            code(&key.reference),
            md(key.account.as_deref().unwrap_or("unknown")),
            code(key.user.as_deref().unwrap_or("unknown")),
            days(key.age_days),
            days(key.idle_days),
            key.verdict_title,
            because,
            md(&kinds.join(", ")),
        );
    }
}

fn detail(key: &Key, out: &mut String) {
    let _ = writeln!(out, "\n### {}\n", code(&key.reference));
    let user = code(key.user.as_deref().unwrap_or("unknown"));
    let account = md(key.account.as_deref().unwrap_or("unknown"));
    let by = key.account_by.as_ref().map(|by| format!(" (account told by {})", md(by))).unwrap_or_default();
    let created = key.created.as_deref().unwrap_or("at an unknown time");
    let _ = writeln!(
        out,
        "User {user} in account {account}{by}, {}, created {created}.\n",
        key.status.unwrap_or("status unknown")
    );
    let _ = writeln!(out, "**{}**\n", capitalised(key.verdict_title));
    for reason in &key.reasons {
        let _ = writeln!(out, "- {}: {}", reason.code, md(&reason.text));
    }
    out.push_str("\nWhat to do next:\n\n");
    for (n, step) in key.next_steps.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", n + 1, md(step));
    }
    let u = &key.usage;
    if u.events > 0 {
        let _ = writeln!(
            out,
            "\n{} events on {} days from {} to {}, {}; {} denied, {} by derived sessions; longest silence {} days.",
            u.events,
            u.active_days,
            u.first.as_deref().unwrap_or("?"),
            u.last.as_deref().unwrap_or("?"),
            u.rhythm.unwrap_or("rhythm unknown"),
            u.denied_events,
            u.derived_events,
            u.longest_gap_days
        );
    }
    let last = &key.last_used;
    let _ = match (&last.time, last.state) {
        (Some(time), _) => writeln!(
            out,
            "\nIAM: last used {time}, {}.",
            md(last.service.as_deref().unwrap_or("service not named"))
        ),
        (None, "never") => writeln!(out, "\nIAM: never used."),
        _ => writeln!(out, "\nIAM's last-used time is not known."),
    };
    for consumer in &key.consumers {
        consumer_detail(consumer, out);
    }
    for aside in &key.asides {
        let _ = writeln!(out, "\nSet aside, {}: {} ({} events).", aside.kind, md(&aside.who), aside.events);
    }
    if key.sessions.handed_out > 0 {
        let _ = writeln!(
            out,
            "\nHanded out {} sessions, {} of them never seen in use.",
            key.sessions.handed_out, key.sessions.never_seen
        );
    }
    if !key.gaps.is_empty() {
        out.push_str("\nWhat could not be seen:\n\n");
        for gap in &key.gaps {
            let blocks = if gap.blocks_unused { "" } else { " (does not forbid \"unused\")" };
            let _ =
                writeln!(out, "- {}{blocks}: {}. To close it: {}.", gap.id, md(&gap.text), md(&gap.close_by));
        }
    }
}

fn consumer_detail(c: &Consumer, out: &mut String) {
    let _ = writeln!(out, "\n#### {} – {}\n", md(c.kind_title), md(&c.origin));
    let cap = c.capped_by.as_ref().map(|cap| format!(", not higher because {}", md(cap))).unwrap_or_default();
    let _ = writeln!(out, "Confidence {}{cap}. Consumer `{}`.\n", c.confidence, c.id);
    for signal in &c.signals {
        let whose =
            if signal.supports { "for it".to_owned() } else { format!("against it, for {}", signal.kind) };
        let events = match (signal.events, &signal.sample_event_id) {
            (0, _) => String::new(),
            (n, None) => format!(" ({})", counted(n, "event")),
            (n, Some(id)) => format!(" ({}, such as {})", counted(n, "event"), code(id)),
        };
        let _ = writeln!(out, "- {}, {whose}: {}{events}", signal.strength, md(&signal.text));
    }
    for question in &c.questions {
        let _ = writeln!(out, "- **Ask the owner:** {}", md(question));
    }
    if c.signals.is_empty() {
        out.push_str("- no signal tells what it is\n");
    }
    if c.seen {
        let sample = c
            .sample_event_id
            .as_deref()
            .map(|id| format!(", for example event {}", code(id)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "\n{} events from {} to {}, {}{sample}.",
            c.events,
            c.first.as_deref().unwrap_or("?"),
            c.last.as_deref().unwrap_or("?"),
            c.rhythm.unwrap_or("rhythm unknown")
        );
        let names: Vec<String> =
            c.addresses.iter().take(5).map(|a| code(&a.name)).filter(|t| !t.is_empty()).collect();
        let _ = writeln!(out, "{} addresses: {}. ", c.addresses_total, names.join(", "));
        let calls: Vec<String> = c
            .calls
            .iter()
            .take(CALLS)
            .map(|call| {
                let denied =
                    if call.denied > 0 { format!(", {} denied", call.denied) } else { String::new() };
                format!("{} ({}{denied})", code(&format!("{}:{}", call.service, call.name)), call.events)
            })
            .collect();
        let more = if c.calls.len() > CALLS {
            format!(" and {} more kinds of call", c.calls.len() - CALLS)
        } else {
            String::new()
        };
        let _ = writeln!(out, "Calls: {}{more}.", calls.join(", "));
        if !c.permissions.is_empty() {
            let name = |p: &Permission| match p.resources.as_slice() {
                [one] if one != "*" => format!("{} on {}", code(&p.action), code(one)),
                [_] | [] => code(&p.action),
                several => format!("{} on {} resources", code(&p.action), several.len()),
            };
            let of = |granted: bool| -> Vec<String> {
                c.permissions.iter().filter(|p| p.granted == granted).map(name).collect()
            };
            for (granted, what) in [
                (true, "Permissions that its calls needed"),
                (false, "Privileged, granted only if asked for"),
            ] {
                let names = of(granted);
                if !names.is_empty() {
                    let _ = writeln!(out, "{what}: {}.", names.join(", "));
                }
            }
        }
        if !c.unmapped_calls.is_empty() {
            let names: Vec<String> = c
                .unmapped_calls
                .iter()
                .map(|call| code(&format!("{}:{}", call.service, call.name)))
                .collect();
            let _ = writeln!(out, "Calls whose actions are not known: {}.", names.join(", "));
        }
        if !c.credential_sources.is_empty() {
            let _ =
                writeln!(out, "User agents say that the key comes from {}.", c.credential_sources.join(", "));
        }
        for path in &c.session_paths {
            let _ = writeln!(out, "{} events by sessions derived over {}.", path.events, code(&path.name));
        }
    }
    let r = &c.replacement;
    let _ = writeln!(out, "\nReplacement: **{}** ({}).\n", md(r.title), r.outcome);
    for (n, step) in r.steps.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", n + 1, md(step));
    }
    for caveat in &r.caveats {
        let _ = writeln!(out, "\n> {}", md(caveat));
    }
    if let Some(unblock) = r.unblock {
        let _ = writeln!(out, "\nWhat would unblock a role: {}.", md(unblock));
    }
    if let Some(policy) = &r.trust_policy {
        let text = serde_json::to_string_pretty(policy).unwrap_or_default();
        let _ = writeln!(
            out,
            "\n```json\n{}\n```",
            super::text::clean(&text.replace('\n', "\u{1}")).replace("\\u{1}", "\n")
        );
        for need in &r.needs {
            let _ = writeln!(out, "- {}: {}", code(&format!("<{}>", need.name)), md(need.ask));
        }
    }
}

fn others(report: &Report, out: &mut String) {
    let tied = &report.dependencies;
    if !tied.groups.is_empty() || !tied.role_cycles.is_empty() {
        out.push_str("\n## What ties keys together\n\n");
        for group in &tied.groups {
            let keys: Vec<String> = group.iter().map(|key| code(key)).collect();
            let _ = writeln!(out, "- Migrate together: {}", keys.join(", "));
        }
        for hub in &tied.hubs {
            let _ = writeln!(
                out,
                "- The {} {} alone ties {} together",
                hub.kind,
                code(&hub.name),
                counted(hub.keys.len(), "key")
            );
        }
        for circle in &tied.role_cycles {
            let roles: Vec<String> = circle.iter().map(|role| code(role)).collect();
            let _ = writeln!(out, "- Roles that assume each other in a circle: {}", roles.join(", "));
        }
    }
    if !report.shared_consumers.is_empty() {
        out.push_str("\n## Keys that one program uses from one address, possibly one workload\n\n");
        for shared in &report.shared_consumers {
            let keys: Vec<String> = shared.keys.iter().map(|k| code(k)).collect();
            let _ = writeln!(out, "- {}: {}", md(&shared.origin), keys.join(", "));
        }
    }
    if !report.user_sessions.is_empty() {
        out.push_str("\n## Sessions of users that no key in the evidence handed out\n\nConsole use and the like: not use of the static keys.\n\n| Account | User | From the console | Events | Last |\n|---|---|---|---:|---|\n");
        for s in &report.user_sessions {
            let console = if s.console { "yes" } else { "not said" };
            let _ = writeln!(
                out,
                "| {} | {} | {console} | {} | {} |",
                md(&s.account),
                md(&s.user),
                s.events,
                s.last.as_deref().unwrap_or("?")
            );
        }
    }
    if !report.users_with_unknown_keys.is_empty() {
        out.push_str("\n## Users of whom it is not known whether they have keys\n\n");
        for user in &report.users_with_unknown_keys {
            let _ = writeln!(out, "- {} in {}", md(&user.user), md(&user.account));
        }
    }
}

/// How many days of each state one class of events has.
fn class_days(region: &RegionCoverage, class: &str) -> String {
    let classes = region.classes.iter().filter(|days| days.class == class);
    let days: Vec<String> =
        classes.flat_map(|days| &days.days).map(|days| format!("{} {}", days.count, days.title)).collect();
    days.join(", ")
}

fn coverage(report: &Report, out: &mut String) {
    out.push_str("\n## What we could not see\n\n");
    for unknown in &report.coverage.unknowns {
        let _ = writeln!(out, "- {}", md(unknown));
    }
    out.push_str("\n| Account | Region | First day | Last day | Records | Objects | Damaged | Management days | Data days |\n|---|---|---|---|---:|---:|---:|---|---|\n");
    for account in &report.coverage.accounts {
        if account.regions.is_empty() {
            let _ = writeln!(out, "| {} | no events | | | | | | | |", md(&account.account));
        }
        for r in &account.regions {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                md(&account.account),
                md(&r.region),
                r.first_day,
                r.last_day,
                r.records,
                r.objects,
                r.damaged_objects,
                class_days(r, "management"),
                class_days(r, "data"),
            );
        }
    }
    out.push('\n');
    for account in &report.coverage.accounts {
        let yes = |b: bool| if b { "yes" } else { "no" };
        let _ = writeln!(
            out,
            "- {}: credential report {}; authorization details {}; access key list {}; {} days without events{}",
            md(&account.account),
            md(account.credential_report.as_deref().unwrap_or("no")),
            yes(account.authorization_details),
            yes(account.access_key_list),
            account.missing.iter().map(|span| i64::from(span.days)).sum::<i64>(),
            account.trails.iter().map(|t| format!("; trail {}", md(t))).collect::<String>()
        );
    }
    if !report.skipped.is_empty() {
        let _ = writeln!(out, "\n### Passed over ({})\n", report.skipped.len());
        for skip in &report.skipped {
            let at = skip.offset.map(|o| format!(" at byte {o}")).unwrap_or_default();
            let _ = writeln!(out, "- {}{at}: {} ({})", code(&skip.source), skip.reason, md(&skip.detail));
        }
    }
}

fn method(report: &Report, out: &mut String) {
    out.push_str("\n## Method\n\n");
    for note in &report.method.notes {
        let _ = writeln!(out, "- {}", md(note));
    }
    let m = &report.method;
    let _ = writeln!(
        out,
        "\n{} events read, {} of them copies; {} usage rows.\n\n| Input | Files | Bytes | SHA-256 |\n|---|---:|---:|---|",
        m.events_read, m.duplicates, m.usage_rows
    );
    for input in &m.inputs {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(&input.name),
            input.files,
            input.bytes,
            code(&input.sha256)
        );
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
