//! What each consumer's role is granted, as the report shows it.

use super::view::{Permission, Unmapped};
use crate::analysis::{Analysis, KeyAnalysis, role_of};
use crate::attribution::Consumer;
use crate::policy::{Danger, Grant};

/// Grants by action, and calls whose actions are not known.
pub(super) fn permissions(
    analysis: &Analysis,
    key: &KeyAnalysis,
    consumer: &Consumer,
) -> (Vec<Permission>, Vec<Unmapped>) {
    let role = role_of(analysis, key, consumer).permissions;
    let mut all: Vec<&Grant> = role.grants.iter().chain(&role.privileged).collect();
    all.sort_by(|a, b| (a.action, &a.condition).cmp(&(b.action, &b.condition)));
    let permissions = all.into_iter().map(|grant| Permission {
        action: grant.action.to_string(),
        level: grant.action.level.id(),
        resources: grant.resources.iter().cloned().collect(),
        scope: grant.scope.id(),
        condition: grant.condition.as_ref().map(|(operator, key, values)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            format!("{operator} {key} = {}", values.join(" or "))
        }),
        danger: grant.danger.id(),
        granted: grant.danger != Danger::Privileged,
        events: grant.events,
        failed: grant.failed,
        because: grant.because,
    });
    let unmapped = role.unmapped.iter().map(|((source, name), events)| Unmapped {
        service: source.trim_end_matches(".amazonaws.com").to_owned(),
        name: name.clone(),
        events: *events,
    });
    (permissions.collect(), unmapped.collect())
}
