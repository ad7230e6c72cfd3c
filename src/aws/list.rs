//! Lists log objects by their prefixes: as few requests as the choice of accounts, regions and days allows.

use super::s3::{AwsError, S3, S3Url, explain};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Object, ObjectStorageClass, OptionalObjectAttributes, RequestPayer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Listings that go on at one time.
const AT_ONCE: usize = 16;

/// Which objects are wanted, by the parts of their keys. Keys that do not follow CloudTrail's layout are all wanted.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Accounts; all where empty.
    pub accounts: Vec<String>,
    /// Regions; all where empty.
    pub regions: Vec<String>,
    /// First day wanted, as `2026/09/30`.
    pub since: Option<String>,
    /// Last day wanted.
    pub until: Option<String>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its tag, as S3 writes it.
    pub etag: String,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Objects that can be read.
    pub objects: Vec<Listed>,
    /// Keys of objects that lie in an archive and would have to be restored first.
    pub archived: Vec<String>,
    /// Requests made.
    pub requests: u64,
}

/// Where a prefix stands in `…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Somewhere before the account, or not in a trail at all.
    Above,
    /// Below an account: services' directories.
    Account,
    /// Below `CloudTrail` or a sibling of it: regions.
    Service,
    /// Below a region: years.
    Region,
    /// Below a year or a month.
    Date,
    /// Below a day.
    Day,
}

impl Level {
    /// What a prefix is below.
    fn of(prefix: &str) -> Self {
        let parts: Vec<&str> = prefix.trim_end_matches('/').split('/').collect();
        let at = parts.iter().position(|part| part.starts_with("CloudTrail"));
        let digits = |part: &&str| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit());
        match at {
            Some(at) => match parts.len() - at {
                1 => Self::Service,
                2 => Self::Region,
                3 | 4 => Self::Date,
                _ => Self::Day,
            },
            None if parts.last().is_some_and(digits) => Self::Account,
            None => Self::Above,
        }
    }
}

impl Choice {
    /// Whether something below this prefix can be wanted.
    fn admits(&self, prefix: &str) -> bool {
        let parts: Vec<&str> = prefix.trim_end_matches('/').split('/').collect();
        let last = parts.last().copied().unwrap_or_default();
        let date = |parts: &[&str]| parts.join("/");
        match Level::of(prefix) {
            Level::Account => self.accounts.is_empty() || self.accounts.iter().any(|a| a == last),
            Level::Region => self.regions.is_empty() || self.regions.iter().any(|r| r == last),
            Level::Date | Level::Day => {
                let at = parts.iter().position(|part| part.starts_with("CloudTrail")).unwrap_or(0);
                let date = date(parts.get(at + 2..).unwrap_or_default());
                // A year or month that begins what is wanted, or lies within.
                let from = self
                    .since
                    .as_deref()
                    .is_none_or(|since| since.get(..date.len()).is_none_or(|s| *date >= *s));
                let to = self
                    .until
                    .as_deref()
                    .is_none_or(|until| until.get(..date.len()).is_none_or(|u| *date <= *u));
                from && to
            }
            Level::Above | Level::Service => true,
        }
    }

    /// Whether everything below this prefix can be listed at once.
    fn is_flat(&self, prefix: &str) -> bool {
        match Level::of(prefix) {
            Level::Region => self.since.is_none() && self.until.is_none(),
            Level::Day => true,
            _ => false,
        }
    }
}

/// What the listing tasks share.
struct Shared {
    client: Client,
    payer: Option<RequestPayer>,
    bucket: String,
    choice: Choice,
    slots: Semaphore,
    requests: AtomicU64,
}

/// One answer: deeper prefixes and objects.
#[derive(Default)]
struct Page {
    prefixes: Vec<String>,
    objects: Vec<Listed>,
    archived: Vec<String>,
}

impl S3 {
    /// Lists what is wanted below an address. `tell` is called with the number of objects found so far.
    ///
    /// # Errors
    /// [`AwsError`].
    pub fn list(
        &mut self,
        url: &S3Url,
        choice: &Choice,
        stop: &AtomicBool,
        tell: &dyn Fn(usize),
    ) -> Result<Listing, AwsError> {
        match self.list_here(url, choice, stop, tell) {
            Err(AwsError::Elsewhere(_, region)) => {
                self.move_to(&region);
                self.list_here(url, choice, stop, tell)
            }
            other => other,
        }
    }

    /// What comes next below an address, each with its slash at the end: accounts, or an organization.
    ///
    /// # Errors
    /// [`AwsError`].
    pub fn below(&mut self, url: &S3Url) -> Result<Vec<String>, AwsError> {
        match self.below_here(url) {
            Err(AwsError::Elsewhere(_, region)) => {
                self.move_to(&region);
                self.below_here(url)
            }
            other => other,
        }
    }

    fn below_here(&self, url: &S3Url) -> Result<Vec<String>, AwsError> {
        let what = format!("listing s3://{}/{}", url.bucket, url.prefix);
        let call = self.client.list_objects_v2().bucket(&url.bucket).prefix(&url.prefix).delimiter("/");
        let mut pages = call.set_request_payer(self.payer.clone()).into_paginator().send();
        self.runtime.block_on(async {
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| explain(&what, &error))?;
                let names = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix());
                let names = names.filter_map(|name| name.strip_prefix(&url.prefix));
                found.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
            }
            Ok(found)
        })
    }

    fn list_here(
        &self,
        url: &S3Url,
        choice: &Choice,
        stop: &AtomicBool,
        tell: &dyn Fn(usize),
    ) -> Result<Listing, AwsError> {
        let shared = Arc::new(Shared {
            client: self.client.clone(),
            payer: self.payer.clone(),
            bucket: url.bucket.clone(),
            choice: choice.clone(),
            slots: Semaphore::new(AT_ONCE),
            requests: AtomicU64::new(0),
        });
        let mut listing = self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            tasks.spawn(page(shared.clone(), url.prefix.clone()));
            let mut listing = Listing::default();
            loop {
                // The user is heard also while the network is silent.
                let done = tokio::time::timeout(super::LISTEN, tasks.join_next()).await;
                if stop.load(Ordering::Relaxed) {
                    return Err(AwsError::Interrupted);
                }
                let Ok(done) = done else { continue };
                let Some(done) = done else { break };
                let found = done.map_err(|e| AwsError::Failed("listing".into(), e.to_string()))??;
                for prefix in found.prefixes {
                    tasks.spawn(page(shared.clone(), prefix));
                }
                listing.objects.extend(found.objects);
                listing.archived.extend(found.archived);
                tell(listing.objects.len());
            }
            Ok(listing)
        })?;
        listing.requests = shared.requests.load(Ordering::Relaxed);
        listing.objects.sort_by(|a, b| a.key.cmp(&b.key));
        listing.archived.sort();
        Ok(listing)
    }
}

/// Lists one prefix to its end.
async fn page(shared: Arc<Shared>, prefix: String) -> Result<Page, AwsError> {
    let what = format!("listing s3://{}/{prefix}", shared.bucket);
    let _slot = shared.slots.acquire().await.map_err(|e| AwsError::Failed(what.clone(), e.to_string()))?;
    let flat = shared.choice.is_flat(&prefix);
    let mut found = Page::default();
    let mut token = None;
    loop {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let answer = shared
            .client
            .list_objects_v2()
            .bucket(&shared.bucket)
            .prefix(&prefix)
            .set_delimiter((!flat).then(|| "/".to_owned()))
            .set_continuation_token(token)
            .set_request_payer(shared.payer.clone())
            .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
            .send()
            .await
            .map_err(|error| explain(&what, &error))?;
        for deeper in answer.common_prefixes() {
            let deeper = deeper.prefix().unwrap_or_default();
            // The prefix itself can come back from servers that are not quite S3.
            if deeper.len() > prefix.len() && shared.choice.admits(deeper) {
                found.prefixes.push(deeper.to_owned());
            }
        }
        for object in answer.contents() {
            let key = object.key().unwrap_or_default();
            // Consoles make empty objects to stand for directories.
            if key.is_empty() || key.ends_with('/') {
                continue;
            }
            // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html>
            if is_archived(object) {
                found.archived.push(key.to_owned());
                continue;
            }
            found.objects.push(Listed {
                key: key.to_owned(),
                size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                etag: object.e_tag().unwrap_or_default().to_owned(),
            });
        }
        token = answer.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Whether an object has to be restored before it can be read. One that is restored keeps its class, and says until
/// when it can be read (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreStatus.html>).
fn is_archived(object: &Object) -> bool {
    let archive =
        matches!(object.storage_class(), Some(ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive));
    archive && object.restore_status().and_then(|status| status.restore_expiry_date()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_pruned_by_account_region_and_day() {
        let choice = Choice {
            accounts: vec!["111122223333".into()],
            regions: vec!["us-east-1".into()],
            since: Some("2026/08/30".into()),
            until: Some("2026/09/02".into()),
        };
        let root = "logs/AWSLogs/o-exampleorg1/";
        for (prefix, want) in [
            ("", true),
            ("111122223333/", true),
            ("444455556666/", false),
            ("111122223333/CloudTrail/", true),
            ("111122223333/CloudTrail-Digest/", true),
            ("111122223333/CloudTrail/us-east-1/", true),
            ("111122223333/CloudTrail/eu-west-1/", false),
            ("111122223333/CloudTrail/us-east-1/2026/", true),
            ("111122223333/CloudTrail/us-east-1/2025/", false),
            ("111122223333/CloudTrail/us-east-1/2026/08/", true),
            ("111122223333/CloudTrail/us-east-1/2026/07/", false),
            ("111122223333/CloudTrail/us-east-1/2026/08/29/", false),
            ("111122223333/CloudTrail/us-east-1/2026/08/30/", true),
            ("111122223333/CloudTrail/us-east-1/2026/09/02/", true),
            ("111122223333/CloudTrail/us-east-1/2026/09/03/", false),
        ] {
            assert_eq!(choice.admits(&format!("{root}{prefix}")), want, "{prefix}");
        }
        assert!(Choice::default().is_flat("AWSLogs/111122223333/CloudTrail/us-east-1/"));
        assert!(!choice.is_flat("AWSLogs/111122223333/CloudTrail/us-east-1/"));
        assert!(choice.is_flat("AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/01/"));
        assert!(!Choice::default().is_flat("AWSLogs/"));
    }
}
