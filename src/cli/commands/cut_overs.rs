//! Puts the way over to a role into a report, as `offkey replace` would write it.

use crate::analysis::Analysis;
use crate::iac::{Blueprint, Choices, Part, Target, blueprints, write};
use crate::report::{CutOver, Report, RolePolicy, Steps};

/// Works out the cut-over of every consumer of every key. Keys that are part of an incident get none: their calls may be an
/// intruder's.
pub(super) fn cut_overs(report: &mut Report, analysis: &Analysis) {
    // Both are in the order of the analysis.
    for (shown, key) in report.keys.iter_mut().zip(&analysis.keys) {
        let Ok(roles) = blueprints(analysis, key, &Choices::default()) else { continue };
        let written = write(&roles, Target::Terraform, env!("CARGO_PKG_VERSION"));
        for ((consumer, role), part) in
            shown.consumers.iter_mut().zip(&roles).zip(written.checklist.consumers)
        {
            let file = part.file.as_ref().filter(|_| role.makes_role());
            let terraform = file.and_then(|file| written.files.get(file)).cloned();
            consumer.cut_over = Some(cut_over(&shown.reference, role, part, terraform));
        }
    }
}

fn cut_over(key: &str, role: &Blueprint, part: Part, terraform: Option<String>) -> CutOver {
    let figures = &part.parity;
    let parity = (figures.mapped_events > 0).then(|| {
        format!(
            "{} of {} events whose actions are known are allowed{}; {} actions are granted{}.",
            figures.allowed_events,
            figures.mapped_events,
            match figures.privileged_events {
                0 => String::new(),
                n => format!(", {n} more by privileged policies that are not attached"),
            },
            figures.granted_actions,
            figures.actions_today.map(|n| format!(", where the user may do {n} today")).unwrap_or_default()
        )
    });
    let policies = role.policies().into_iter().map(|(name, document, attached)| RolePolicy {
        name,
        attached,
        document: document.json(),
    });
    let mut commands = Vec::new();
    if let Some(name) = &part.role {
        commands.push(format!("offkey replace {key} INPUT… -o roles --to terraform"));
        commands.push(format!("offkey verify {key} INPUT… --role {}", role.role_arn()));
        commands.push(format!("aws sts get-caller-identity   # in the workload: assumed-role/{name}"));
    } else {
        commands.push(format!("offkey verify {key} INPUT…"));
    }
    CutOver {
        role: part.role.clone(),
        policies: policies.collect(),
        terraform,
        parity,
        commands,
        steps: [
            ("Ask the owner first", part.ask),
            ("Prepare", part.prepare),
            ("Change", part.change),
            ("See that it worked", part.verify),
            ("Only then", part.remove),
            ("Go back", part.back),
            ("Watch out", part.caveats),
            ("Policies elsewhere", part.edits),
        ]
        .into_iter()
        .filter(|(_, steps)| !steps.is_empty())
        .map(|(title, steps)| Steps { title, steps })
        .collect(),
    }
}
