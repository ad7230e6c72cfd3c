//! The files of a key's roles, by target.

use super::blueprint::Blueprint;
use super::checklist::{Checklist, checklist, markdown};
use super::{cloudformation, shell, terraform};
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

/// Writes blueprints out, the same bytes from the same blueprints.
pub fn write(blueprints: &[Blueprint], target: Target, version: &str) -> Written {
    let (mut files, mut by_consumer) = (BTreeMap::new(), BTreeMap::new());
    for blueprint in blueprints.iter().filter(|blueprint| blueprint.makes_role()) {
        let heading = heading(blueprint, version);
        let (end, text) = match target {
            Target::Terraform => ("tf", terraform::file(blueprint, &heading)),
            Target::CloudFormation => ("yaml", cloudformation::file(blueprint, &heading)),
            Target::Cli => ("sh", shell::file(blueprint, &heading)),
        };
        let name = format!("{}.{end}", blueprint.role_name);
        by_consumer.insert(blueprint.id.clone(), name.clone());
        files.insert(name, text);
    }
    if target == Target::Terraform && !files.is_empty() {
        files.insert("versions.tf".into(), terraform::VERSIONS.to_owned());
    }
    let names = files.keys().cloned().collect();
    let checklist = checklist(blueprints, &by_consumer, names);
    files.insert("CHECKLIST.md".into(), markdown(&checklist));
    if let Ok(json) = serde_json::to_string_pretty(&checklist) {
        files.insert("checklist.json".into(), json + "\n");
    }
    Written { files, checklist }
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
    for need in blueprint.needs() {
        lines.push(format!("INPUT MISSING: --set {}=…   {}", need.name.to_lowercase(), need.ask));
    }
    let figures = &blueprint.parity;
    if figures.unmapped > 0 {
        lines.push(format!(
            "{} events are of calls whose actions are not known; CHECKLIST.md lists them.",
            figures.unmapped
        ));
    }
    lines
}
