//! Reads everything the user named into evidence, inventory and networks.

use crate::attribution::{Networks, RangeKind};
use crate::evidence::{Collector, Evidence};
use crate::input::{Argument, Document, DocumentKind, FileReport, Ingest, Interrupted, ingest};
use crate::inventory::{Hints, Inventory, Source, SourceKind, build};
use crate::model::{AccessKeyId, AccountId, Skip};
use sha2::{Digest, Sha256};

/// What the inputs hold, before anything is concluded from it.
pub struct Material {
    /// Usage, sessions, coverage.
    pub evidence: Evidence,
    /// Users, keys, trails.
    pub inventory: Inventory,
    /// IP ranges.
    pub networks: Networks,
    /// What was read, per argument.
    pub inputs: Vec<InputSummary>,
    /// What was passed over, sorted.
    pub skips: Vec<Skip>,
}

/// What was read of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSummary {
    /// As the user named it.
    pub name: String,
    /// Files read.
    pub files: usize,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Events in them.
    pub events: u64,
    /// Documents in them.
    pub documents: u64,
    /// SHA-256, in hex, over the sorted lines `HASH  LABEL`.
    pub sha256: String,
}

impl Material {
    /// Whether anything at all was understood.
    pub fn is_empty(&self) -> bool {
        self.inputs.iter().all(|input| input.events == 0 && input.documents == 0)
    }
}

/// Reads all inputs.
///
/// # Errors
/// [`Interrupted`] when the user asked to stop.
pub fn read(job: &Ingest<'_>) -> Result<Material, Interrupted> {
    let mut collector = Collector::default();
    let mut files: Vec<FileReport> = Vec::new();
    let mut documents: Vec<Document> = Vec::new();
    let mut skips = ingest(job, &mut |batch| {
        for event in &batch.events {
            collector.add(event);
        }
        documents.extend(batch.documents);
        if let Some(file) = batch.file {
            for (object, damaged) in &file.objects {
                collector.see_object(object, *damaged);
            }
            files.push(file);
        }
    })?;
    // Files arrive in no order; from here on everything is sorted.
    files.sort_by(|a, b| (a.argument, &a.label).cmp(&(b.argument, &b.label)));
    documents.sort_by(|a, b| (&a.source, a.kind).cmp(&(&b.source, b.kind)));
    skips.extend(files.iter().flat_map(|file| file.skips.iter().cloned()));
    skips.sort();
    let evidence = collector.finish();
    let inventory = inventory(&documents, &evidence);
    Ok(Material {
        networks: networks(&documents),
        inputs: inputs(job.arguments, &files),
        evidence,
        inventory,
        skips,
    })
}

fn inputs(arguments: &[Argument], files: &[FileReport]) -> Vec<InputSummary> {
    let summary = |(argument, named): (usize, &Argument)| {
        let name = &named.name;
        let own = || files.iter().filter(move |file| file.argument == argument);
        let mut hash = Sha256::new();
        for file in own() {
            // Labels below the argument, so that the hash does not depend on where the input lies.
            let label = file.label.strip_prefix(name.as_str()).unwrap_or(&file.label).trim_start_matches('/');
            hash.update(format!("{}  {label}\n", file.sha256.as_deref().unwrap_or("-")));
        }
        InputSummary {
            name: name.clone(),
            files: own().count(),
            bytes: own().map(|file| file.bytes).sum(),
            events: own().map(|file| file.events).sum(),
            documents: own().map(|file| file.documents).sum(),
            sha256: hash.finalize().iter().map(|b| format!("{b:02x}")).collect(),
        }
    };
    arguments.iter().enumerate().map(summary).collect()
}

impl Hints for Evidence {
    fn owner(&self, key: &AccessKeyId) -> Option<(AccountId, String)> {
        let owners = self.owners.get(key)?;
        // Masked ids are shared by several users; those say nothing.
        if owners.len() == 1 { owners.first().cloned() } else { None }
    }

    fn signers(&self) -> Vec<AccessKeyId> {
        self.owners.iter().filter(|(_, owners)| owners.len() == 1).map(|(key, _)| key.clone()).collect()
    }
}

fn inventory(documents: &[Document], evidence: &Evidence) -> Inventory {
    let sources: Vec<Source<'_>> = documents
        .iter()
        .filter_map(|document| {
            let kind = match document.kind {
                DocumentKind::CredentialReport => SourceKind::CredentialReport,
                DocumentKind::AuthorizationDetails => SourceKind::AuthorizationDetails,
                DocumentKind::AccessKeys => SourceKind::AccessKeys,
                DocumentKind::Trails => SourceKind::Trails,
                DocumentKind::EventSelectors => SourceKind::EventSelectors,
                _ => return None,
            };
            Some(Source { kind, label: &document.source, content: &document.content })
        })
        .collect();
    build(&sources, evidence)
}

fn networks(documents: &[Document]) -> Networks {
    let mut networks = Networks::default();
    for document in documents {
        let kind = match document.kind {
            DocumentKind::AwsRanges => RangeKind::Aws,
            DocumentKind::GithubMeta => RangeKind::Github,
            DocumentKind::GoogleRanges => RangeKind::Google,
            DocumentKind::AzureRanges => RangeKind::Azure,
            _ => continue,
        };
        networks.load(kind, &document.content);
    }
    networks
}
