//! Grants as policy documents within IAM's limits, always the same from the same grants.

use super::derive::{Grant, GrantCondition};
use super::scope::without_covered;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a managed policy, white space left aside
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub const MANAGED_LIMIT: usize = 6144;
/// Managed policies attached to one role, unless the quota was raised.
pub const MOST_MANAGED: usize = 10;
/// Characters of all inline policies of one role together.
pub const INLINE_LIMIT: usize = 10_240;

/// A statement that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Statement id, unique in all documents of a role.
    pub sid: String,
    /// Actions, sorted.
    pub actions: BTreeSet<String>,
    /// Resources, sorted.
    pub resources: BTreeSet<String>,
    /// Condition.
    pub condition: Option<GrantCondition>,
}

impl Statement {
    /// As a policy has it.
    pub fn json(&self) -> Value {
        let mut out = Map::new();
        out.insert("Sid".into(), json!(self.sid));
        out.insert("Effect".into(), json!("Allow"));
        out.insert("Action".into(), json!(self.actions));
        out.insert("Resource".into(), json!(self.resources));
        if let Some((operator, key, values)) = &self.condition {
            out.insert("Condition".into(), json!({(*operator): {(*key): values}}));
        }
        Value::Object(out)
    }
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its statements.
    pub statements: Vec<Statement>,
    /// Whether it has to be an inline policy, as no more managed ones can be attached.
    pub inline: bool,
}

impl Document {
    /// As IAM takes it.
    pub fn json(&self) -> Value {
        let statements: Vec<Value> = self.statements.iter().map(Statement::json).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }
}

/// Documents for one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Managed ones first, then inline ones.
    pub documents: Vec<Document>,
    /// Whether resources had to be made coarser to fit at all.
    pub coarser: bool,
}

/// Characters that count against IAM's limits: all but white space.
pub fn characters(document: &Value) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

/// Statements for grants: those with the same service, condition and resources together.
pub fn statements<'a>(grants: impl IntoIterator<Item = &'a Grant>, mark: &str) -> Vec<Statement> {
    type Key<'a> = (&'a str, Option<&'a GrantCondition>, &'a BTreeSet<String>);
    let mut groups: BTreeMap<Key<'_>, BTreeSet<String>> = BTreeMap::new();
    for grant in grants {
        let key = (grant.action.prefix, grant.condition.as_ref(), &grant.resources);
        groups.entry(key).or_default().insert(grant.action.to_string());
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    groups
        .into_iter()
        .map(|((prefix, condition, resources), actions)| {
            // Statement ids take letters and digits only.
            let service: String = prefix.chars().filter(char::is_ascii_alphanumeric).collect();
            let mut letters = service.chars();
            let service = letters
                .next()
                .map_or(String::new(), |c| c.to_ascii_uppercase().to_string() + letters.as_str());
            let number = numbers.entry(service.clone()).or_default();
            *number += 1;
            Statement {
                sid: format!("{mark}{service}Grant{number}"),
                actions,
                resources: resources.clone(),
                condition: condition.cloned(),
            }
        })
        .collect()
}

/// Distributes statements over as few policies as need be: managed ones, then inline ones; where both do not suffice,
/// resources become coarser.
pub fn split(statements: Vec<Statement>) -> Split {
    let mut statements = statements;
    for step in 0..=COARSENING.len() {
        if let Some(documents) = pack(&statements) {
            return Split { documents, coarser: step > 0 };
        }
        if let Some(coarsen) = COARSENING.get(step) {
            for statement in &mut statements {
                let wider = statement.resources.iter().map(|arn| coarsen(arn)).collect();
                statement.resources = without_covered(wider);
            }
        }
    }
    // Thousands of actions on anything: no role can hold them, and nothing is dropped without being said.
    let documents = vec![Document { statements, inline: false }];
    Split { documents, coarser: true }
}

/// Step by step, what becomes of a resource that is too long for all of them to fit.
const COARSENING: &[fn(&str) -> String] = &[
    |arn| match arn.rfind(['/', ':']).and_then(|at| arn.get(..=at)) {
        Some(kept) if kept.matches(':').count() > 5 || kept.contains('/') => format!("{kept}*"),
        _ => arn.to_owned(),
    },
    |arn| match arn.match_indices(':').nth(4).and_then(|(at, _)| arn.get(..=at)) {
        Some(head) => format!("{head}*"),
        None => arn.to_owned(),
    },
    |_| "*".to_owned(),
];

fn pack(statements: &[Statement]) -> Option<Vec<Document>> {
    let pieces: Vec<Statement> = statements.iter().flat_map(|s| halved(s, MANAGED_LIMIT)).collect();
    let mut documents: Vec<Document> = Vec::new();
    let mut inline: Vec<Statement> = Vec::new();
    for piece in pieces {
        let fits = |document: &Document| {
            let mut with = document.clone();
            with.statements.push(piece.clone());
            characters(&with.json()) <= MANAGED_LIMIT
        };
        match documents.iter().position(fits) {
            Some(at) => documents.get_mut(at)?.statements.push(piece),
            None if documents.len() < MOST_MANAGED => {
                documents.push(Document { statements: vec![piece], inline: false });
            }
            None => inline.push(piece),
        }
    }
    if !inline.is_empty() {
        let document = Document { statements: inline, inline: true };
        if characters(&document.json()) > INLINE_LIMIT {
            return None;
        }
        documents.push(document);
    }
    let whole = |document: &Document| document.inline || characters(&document.json()) <= MANAGED_LIMIT;
    documents.iter().all(whole).then_some(documents)
}

/// A statement in parts that fit into a document each.
fn halved(statement: &Statement, limit: usize) -> Vec<Statement> {
    let alone = Document { statements: vec![statement.clone()], inline: false };
    if characters(&alone.json()) <= limit {
        return vec![statement.clone()];
    }
    let half = |all: &BTreeSet<String>, first: bool| -> BTreeSet<String> {
        let middle = all.len() / 2;
        all.iter().enumerate().filter(|(n, _)| (*n < middle) == first).map(|(_, text)| text.clone()).collect()
    };
    let (by_resource, by_action) = (statement.resources.len() > 1, statement.actions.len() > 1);
    if !by_resource && !by_action {
        return vec![statement.clone()];
    }
    let long = |all: &BTreeSet<String>| all.iter().map(String::len).sum::<usize>();
    let cut_resources = by_resource && (!by_action || long(&statement.resources) >= long(&statement.actions));
    let part = |first: bool, letter: &str| {
        let mut part = statement.clone();
        part.sid.push_str(letter);
        if cut_resources {
            part.resources = half(&statement.resources, first);
        } else {
            part.actions = half(&statement.actions, first);
        }
        halved(&part, limit)
    };
    [part(true, "a"), part(false, "b")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sid: &str, resources: usize, pad: usize) -> Statement {
        Statement {
            sid: sid.into(),
            actions: BTreeSet::from(["s3:GetObject".to_owned()]),
            resources: (0..resources)
                .map(|n| format!("arn:aws:s3:::bucket-{sid}/{n:04}{}", "x".repeat(pad)))
                .collect(),
            condition: None,
        }
    }

    /// One statement whose document has exactly so many characters.
    fn of_size(sid: &str, size: usize) -> Statement {
        let bare = Document { statements: vec![statement(sid, 1, 0)], inline: false };
        let one = statement(sid, 1, size - characters(&bare.json()));
        let document = Document { statements: vec![one.clone()], inline: false };
        assert_eq!(characters(&document.json()), size);
        one
    }

    #[test]
    fn the_limit_itself_fits() {
        for (size, fits) in [(6143, true), (6144, true), (6145, false)] {
            let got = split(vec![of_size("a", size)]);
            assert_eq!((got.documents.len(), !got.coarser), (1, fits), "{size}");
            assert!(got.documents.iter().all(|d| characters(&d.json()) <= MANAGED_LIMIT));
        }
    }

    #[test]
    fn ten_managed_then_inline_then_coarser() {
        let many = |n: usize| (0..n).map(|n| of_size(&format!("s{n:02}"), 6144)).collect::<Vec<_>>();
        let got = split(many(10));
        assert_eq!(
            (got.documents.len(), got.documents.iter().filter(|d| d.inline).count(), got.coarser),
            (10, 0, false)
        );
        let got = split(many(11));
        assert_eq!(
            (got.documents.len(), got.documents.iter().filter(|d| d.inline).count(), got.coarser),
            (11, 1, false)
        );
        let got = split(many(12));
        assert!(got.coarser && got.documents.len() <= 11);
        let first = got.documents[0].statements[0].resources.first().unwrap();
        assert_eq!(first, "arn:aws:s3:::bucket-s00/*");
    }

    #[test]
    fn a_long_statement_is_cut_and_nothing_is_lost() {
        let long = statement("a", 300, 10);
        let got = split(vec![long.clone()]);
        assert!(got.documents.len() > 1 && !got.coarser);
        let all: BTreeSet<String> =
            got.documents.iter().flat_map(|d| &d.statements).flat_map(|s| s.resources.clone()).collect();
        assert_eq!(all, long.resources);
        let sids: BTreeSet<&str> =
            got.documents.iter().flat_map(|d| &d.statements).map(|s| s.sid.as_str()).collect();
        assert_eq!(sids.len(), got.documents.iter().map(|d| d.statements.len()).sum::<usize>());
    }

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(characters(&json!({"a b": "c\td"})), "{\"ab\":\"c\\td\"}".len());
    }
}
