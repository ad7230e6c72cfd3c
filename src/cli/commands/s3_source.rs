//! Logs in S3 as entries to read, and their bytes.

use super::super::error::{ExitKind, Failure};
use super::super::terminal::Terminal;
use super::filter::Wanted;
use crate::aws::{self, AwsError, Listed, Meter, S3, S3Access, S3Fetch, S3Url};
use crate::input::{Entry, Fetch, Fetched, Place, Root, reading_order};
use crate::model::{Skip, SkipReason};
use crate::store::PendingFile;
use clap::Args;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// How AWS is spoken to.
#[derive(Args, Debug, Clone)]
pub(super) struct Access {
    /// Profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Region of the first requests, or the bucket's, where the configuration does not say
    #[arg(long, value_name = "NAME")]
    pub(super) region: Option<String>,
    /// Pay for the requests, as some buckets demand
    #[arg(long)]
    pub(super) requester_pays: bool,
}

/// One address in S3.
pub(super) struct Source {
    url: S3Url,
    s3: S3,
    root: Arc<Root>,
    /// Tags by key, as they were listed.
    tags: Mutex<HashMap<Box<str>, Box<str>>>,
    stop: &'static AtomicBool,
}

/// Connects to every address among the inputs.
pub(super) fn connect(
    inputs: &[String],
    access: &Access,
    meter: &Arc<Meter>,
) -> Result<Vec<Source>, Failure> {
    let access = S3Access {
        profile: access.profile.clone(),
        region: access.region.clone(),
        requester_pays: access.requester_pays,
    };
    let mut sources = Vec::new();
    let local = inputs.iter().filter(|input| !S3Url::is_one(input)).count();
    for input in inputs.iter().filter(|input| S3Url::is_one(input)) {
        let Some(url) = S3Url::parse(input) else {
            return Err(Failure::usage(format!("{input}: no bucket in it")).hint("write s3://bucket/prefix"));
        };
        let s3 = S3::connect(&access, meter).map_err(failure)?;
        sources.push(Source::at(url, s3, local + sources.len()));
    }
    Ok(sources)
}

pub(super) fn failure(error: AwsError) -> Failure {
    match &error {
        AwsError::Interrupted => Failure::interrupted(),
        AwsError::Authentication(..) => Failure {
            kind: ExitKind::Authentication,
            ..Failure::new(error.to_string())
                .hint("set credentials up as for the AWS CLI, or name a --profile")
        },
        AwsError::Failed(_, text) if text.contains("AccessDenied") => Failure::new(error.to_string())
            .hint("s3:ListBucket on the bucket and s3:GetObject on its logs are needed"),
        AwsError::Failed(..) | AwsError::Elsewhere(..) => {
            Failure::new(error.to_string()).hint("check the bucket's name, --region and the network")
        }
    }
}

impl Source {
    /// An address, and the number of the argument that it stands for.
    pub(super) fn at(url: S3Url, s3: S3, argument: usize) -> Self {
        let root = Arc::new(Root::new(Place::Remote, url.root(), url.root(), argument));
        let stop = super::super::terminal::stop_flag();
        Self { url, s3, root, tags: Mutex::default(), stop }
    }

    /// As the user named it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.url.root(), self.url.prefix)
    }

    /// Lists what is wanted; and what is archived, as skipped.
    pub(super) fn list(
        &mut self,
        wanted: &Wanted,
        terminal: &Terminal,
    ) -> Result<(Vec<Entry>, Vec<Skip>), Failure> {
        let counter = terminal.counter("listing");
        let listing = self
            .s3
            .list(&self.url, &wanted.choice(), terminal.stop(), &|found| counter.set_position(found as u64))
            .map_err(failure);
        counter.finish_and_clear();
        let listing = listing?;
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::with_capacity(listing.objects.len());
        for object in listing.objects {
            entries.push(self.of(&object.key, object.size, version(&object.etag)));
            tags.insert(object.key.into(), object.etag.into());
        }
        let archived = |key: String| Skip {
            source: format!("{}/{key}", self.url.root()),
            offset: None,
            reason: SkipReason::Unreadable,
            detail: "it lies in S3 Glacier; restore it and collect again".to_owned(),
        };
        let skips = listing.archived.into_iter().filter(|key| wanted.wants(key)).map(archived).collect();
        Ok((entries, skips))
    }

    fn of(&self, key: &str, size: u64, version: u64) -> Entry {
        Entry { root: self.root.clone(), inside: OsStr::new(key).into(), size, version }
    }

    /// Whether an object is in this bucket.
    pub(super) fn holds(&self, identity: &str) -> bool {
        identity.strip_prefix(&self.root.path).is_some_and(|rest| rest.starts_with('/'))
    }

    /// An object that the store knows.
    pub(super) fn entry(&self, file: &PendingFile) -> Entry {
        let key = file.identity.strip_prefix(&self.root.path).unwrap_or_default().trim_start_matches('/');
        self.of(key, file.size, file.version)
    }

    /// Starts bringing the entries' bytes.
    pub(super) fn fetch(&self, entries: &[Entry]) -> Fetching {
        let tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        let object = |place: usize| {
            let entry = entries.get(place)?;
            let key = entry.inside.to_string_lossy().into_owned();
            // One that was listed by an earlier run has no tag here; what is there now is read.
            let etag = tags.get(key.as_str()).map(|tag| tag.to_string()).unwrap_or_default();
            Some((place, Listed { key, size: entry.size, etag }))
        };
        let objects = reading_order(entries).into_iter().filter_map(object).collect();
        Fetching(S3Fetch::start(&self.s3, &self.url.bucket, objects, self.stop))
    }
}

/// A tag in short.
fn version(etag: &str) -> u64 {
    let hash = Sha256::digest(etag.as_bytes());
    hash.iter().take(8).fold(0, |version, byte| version << 8 | u64::from(*byte))
}

/// Objects on their way.
pub(super) struct Fetching(S3Fetch);

impl Fetch for Fetching {
    fn next(&self) -> Option<(usize, io::Result<Fetched>)> {
        let (place, fetched) = self.0.next()?;
        let fetched = fetched.map(|fetched| match fetched {
            aws::Fetched::Whole(bytes) => Fetched::Whole(bytes),
            aws::Fetched::Stream(stream) => Fetched::Stream(stream),
        });
        Some((place, fetched))
    }
}
