//! Fetches range files into a store: the last ones that came stay until newer ones are there.

use super::super::error::Failure;
use super::super::terminal::Terminal;
use super::collect::failure;
use crate::aws::fetch_ranges;
use crate::cloudtrail::session_hash;
use crate::evidence::Facts;
use crate::input::{DocumentKind, Found, recognise};
use crate::store::{EvidenceStore, StoredDocument, StoredFile};

/// Fetches each; returns how many could not be had, which are named on standard error.
pub(super) fn fetch(store: &mut EvidenceStore, urls: &[&str], terminal: &Terminal) -> Result<usize, Failure> {
    let (mut files, mut missing) = (Vec::new(), 0);
    for url in urls {
        let bar = terminal.counter("range files asked for");
        bar.inc(1);
        let fetched = fetch_ranges(url, &|| terminal.stopped()).and_then(|bytes| file(url, &bytes));
        bar.finish_and_clear();
        if terminal.stopped() {
            return Err(Failure::interrupted());
        }
        match fetched {
            Ok(file) => files.push(file),
            Err(why) => {
                missing += 1;
                // A password that somebody put there stays out of logs.
                let url = url.rsplit_once('@').map_or((*url).to_owned(), |(_, rest)| format!("…@{rest}"));
                terminal.warn(&format!(
                    "{url}: {why}; what was fetched earlier stays, and a file can be given as an input"
                ));
            }
        }
    }
    if !files.is_empty() {
        store.add(&Facts::default(), files).map_err(failure)?;
    }
    Ok(missing)
}

/// The file as stores keep it.
fn file(url: &str, bytes: &[u8]) -> Result<StoredFile, String> {
    let mut documents = Vec::new();
    recognise(bytes, &mut |found| {
        if let Found::Document(kind, content) = found
            && is_ranges(kind)
        {
            let (kind, content) = (kind.id().to_owned(), content.to_string());
            documents.push(StoredDocument { kind, source: url.to_owned(), content });
        }
    });
    if documents.is_empty() {
        return Err("what came is no range file that offkey knows".to_owned());
    }
    Ok(StoredFile {
        identity: url.to_owned(),
        label: url.to_owned(),
        input: url.to_owned(),
        size: bytes.len() as u64,
        version: u64::from(session_hash(bytes)),
        bytes: bytes.len() as u64,
        documents,
        ..StoredFile::default()
    })
}

fn is_ranges(kind: DocumentKind) -> bool {
    matches!(
        kind,
        DocumentKind::AwsRanges
            | DocumentKind::GithubMeta
            | DocumentKind::GoogleRanges
            | DocumentKind::AzureRanges
            | DocumentKind::CloudflareRanges
            | DocumentKind::FastlyRanges
    )
}
