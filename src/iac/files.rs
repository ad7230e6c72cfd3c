//! The files of a key's roles, by target.

use super::blueprint::Blueprint;
use super::checklist::{Checklist, checklist, markdown};
use super::{cloudformation, shell, terraform};
use crate::policy::{Document, Statement};
use std::collections::BTreeMap;

/// What the roles are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Terraform.
    Terraform,
    /// CloudFormation.
    CloudFormation,
    /// Commands of the AWS CLI.
    Cli,
}

/// Files by name, and the checklist.
pub struct Written {
    /// Files by name, in the order of names.
    pub files: BTreeMap<String, String>,
    /// What is in the checklist files.
    pub checklist: Checklist,
}

/// Writes blueprints out, the same bytes from the same blueprints. Roles of several keys fit into one directory.
pub fn write(blueprints: &[Blueprint], target: Target, version: &str) -> Written {
    let (mut files, mut by_consumer) = (BTreeMap::new(), BTreeMap::new());
    for blueprint in blueprints {
        let heading = heading(blueprint, version);
        let (name, text) = match target {
            _ if !blueprint.makes_role() => {
                let Some(policy) = policy(blueprint) else { continue };
                (format!("{}.policy.json", blueprint.role_name), policy)
            }
            Target::Terraform => {
                (format!("{}.tf", blueprint.role_name), terraform::file(blueprint, &heading))
            }
            Target::CloudFormation => {
                (format!("{}.yaml", blueprint.role_name), cloudformation::file(blueprint, &heading))
            }
            Target::Cli => (format!("{}.sh", blueprint.role_name), shell::file(blueprint, &heading)),
        };
        if target == Target::Terraform && blueprint.makes_role() {
            files.insert("versions.tf".into(), terraform::VERSIONS.to_owned());
            files.extend(terraform::provider(blueprint));
        }
        by_consumer.insert(blueprint.id.clone(), name.clone());
        files.insert(name, text);
    }
    let names = files.keys().cloned().collect();
    let checklist = checklist(blueprints, &by_consumer, names, target);
    let key: String =
        checklist.key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    files.insert(format!("CHECKLIST-{key}.md"), markdown(&checklist));
    if let Ok(json) = serde_json::to_string_pretty(&checklist) {
        files.insert(format!("checklist-{key}.json"), json + "\n");
    }
    Written { files, checklist }
}

/// What a consumer without a role of its own needs: for a permission set, or a narrower policy of the user.
fn policy(blueprint: &Blueprint) -> Option<String> {
    let attached = blueprint.policies().into_iter().filter(|(.., attached)| *attached);
    let statements: Vec<Statement> =
        attached.flat_map(|(_, document, _)| document.statements.clone()).collect();
    if statements.is_empty() {
        return None;
    }
    let document = Document { statements, inline: false };
    serde_json::to_string_pretty(&document.json()).ok().map(|json| json + "\n")
}

/// What stands at the top of a file.
fn heading(blueprint: &Blueprint, version: &str) -> Vec<String> {
    let mut lines = vec![
        format!(
            "Written by offkey {version} for consumer {} of key {} ({}).",
            blueprint.id, blueprint.key, blueprint.owner
        ),
        format!("{}: {}", blueprint.kind.title(), blueprint.origin),
    ];
    if let Some((first, last)) = &blueprint.seen {
        lines.push(format!("Evidence: {} events from {first} to {last}.", blueprint.events));
    }
    lines.extend(blueprint.verdict.iter().cloned());
    lines.extend(blueprint.not_seen.iter().map(|gap| format!("NOT SEEN: {gap}")));
    for need in blueprint.needs() {
        lines.push(format!("INPUT MISSING: --set {}=…   {}", need.name.to_lowercase(), need.ask));
    }
    let figures = &blueprint.parity;
    if figures.unmapped > 0 {
        lines.push(format!(
            "{} events are of calls whose actions are not known; the checklist has them.",
            figures.unmapped
        ));
    }
    lines
}
