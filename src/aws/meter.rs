//! Counts every request that leaves the machine, and holds them all to one budget.

use super::s3::AwsError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How much may be asked of AWS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// Requests, retries among them.
    pub max_calls: Option<u64>,
    /// From the start to the last request.
    pub max_time: Option<Duration>,
}

/// What was asked of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent, retries among them.
    pub calls: u64,
    /// Answers that asked for slowness.
    pub throttled: u64,
    /// Answers of status 500 and above, and requests without an answer.
    pub failed: u64,
    /// Answers that refused for want of permission.
    pub denied: u64,
    /// Bytes of answers, as far as they said how long they are.
    pub bytes: u64,
}

/// Says of a request that it was not sent.
#[derive(Debug)]
pub(super) struct Spent(&'static str);

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Spent {}

/// How errors of requests that the budget forbade are told.
pub const BUDGET: &str = "the budget is spent";

/// Counts requests by service and operation.
pub struct Meter {
    budget: Budget,
    start: Instant,
    tallies: Mutex<BTreeMap<(String, String), Tally>>,
    /// Seconds since 1970 of the newest answer's `Date`; 0 before the first.
    clock: AtomicI64,
}

impl Meter {
    /// Starts counting, and the clock of the budget.
    pub fn new(budget: Budget) -> Arc<Self> {
        Arc::new(Self { budget, start: Instant::now(), tallies: Mutex::default(), clock: AtomicI64::new(0) })
    }

    /// Every operation, as `(service, operation)`, with what was asked of it.
    pub fn tallies(&self) -> Vec<((String, String), Tally)> {
        self.lock().iter().map(|(name, tally)| (name.clone(), *tally)).collect()
    }

    /// All operations together.
    pub fn sum(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in self.lock().values() {
            sum.calls += tally.calls;
            sum.throttled += tally.throttled;
            sum.failed += tally.failed;
            sum.denied += tally.denied;
            sum.bytes += tally.bytes;
        }
        sum
    }

    /// AWS's own time, as the newest answer says; nothing where none did. This machine's clock has no part in it.
    pub(super) fn server_time(&self) -> Option<Timestamp> {
        let seconds = self.clock.load(Ordering::SeqCst);
        (seconds != 0).then(|| Timestamp::from_second(seconds).ok()).flatten()
    }

    /// Whether nothing more may be asked.
    pub fn is_spent(&self) -> bool {
        self.why_spent().is_some()
    }

    fn why_spent(&self) -> Option<Spent> {
        let calls = || self.lock().values().map(|tally| tally.calls).sum::<u64>();
        if self.budget.max_time.is_some_and(|max| self.start.elapsed() >= max) {
            return Some(Spent("the budget is spent: --max-time is over"));
        }
        let spent = self.budget.max_calls.is_some_and(|max| calls() >= max);
        spent.then_some(Spent("the budget is spent: --max-calls are made"))
    }

    // A tally is changed at once, so that a thread that panicked left nothing half done.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, config: &ConfigBag, change: impl FnOnce(&mut Tally)) {
        let Some(metadata) = config.load::<Metadata>() else { return };
        let name = (metadata.service().to_owned(), metadata.name().to_owned());
        change(self.lock().entry(name).or_default());
    }
}

/// The same as a part of every client.
#[derive(Clone)]
pub(super) struct Metered(pub(super) Arc<Meter>);

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metered")
    }
}

impl Intercept for Metered {
    fn name(&self) -> &'static str {
        "Metered"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.why_spent().map_or(Ok(()), |spent| Err(spent.into()))
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.change(config, |tally| tally.calls += 1);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let status = response.map_or(0, |response| response.status().as_u16());
        let date = response.and_then(|r| DateTime::from_str(r.headers().get("date")?, Format::HttpDate).ok());
        if let Some(date) = date {
            self.0.clock.store(date.secs(), Ordering::SeqCst);
        }
        let length = response.and_then(|r| r.headers().get("content-length")?.parse::<u64>().ok());
        // Only small answers carry errors; the code stands in their text, whatever the protocol.
        let text = response.filter(|_| status >= 400).and_then(|r| r.body().bytes()).unwrap_or_default();
        let says = |code: &str| text.windows(code.len()).any(|part| part == code.as_bytes());
        let throttled = status == 429
            || ["Throttl", "SlowDown", "TooManyRequests", "RequestLimitExceeded", "Rate exceeded"]
                .iter()
                .any(|code| says(code));
        // Never sent: neither an answer nor a failure of AWS's.
        if response.is_none() && self.0.is_spent() {
            return Ok(());
        }
        self.0.change(config, |tally| {
            tally.bytes += length.unwrap_or(0);
            tally.throttled += u64::from(throttled);
            tally.failed += u64::from(!throttled && (status >= 500 || status == 0));
            tally.denied += u64::from(says("AccessDenied") || says("UnauthorizedOperation"));
        });
        Ok(())
    }
}

/// What AWS charges for requests, by service and operation, in dollars a request; most reads are free
/// (<https://aws.amazon.com/s3/pricing/>: GET and LIST in us-east-1, standard storage).
pub fn price(service: &str, operation: &str) -> f64 {
    match (service, operation) {
        ("S3", "GetObject" | "HeadObject") => 0.000_000_4,
        ("S3", "ListObjectsV2" | "ListBuckets") => 0.000_005,
        // <https://aws.amazon.com/secrets-manager/pricing/> and <https://aws.amazon.com/kms/pricing/>.
        ("Secrets Manager", _) => 0.000_005,
        ("KMS", _) => 0.000_003,
        ("SQS", _) => 0.000_000_4,
        _ => 0.0,
    }
}

/// Whether an error says that the budget was spent.
pub(super) fn is_spent(error: &AwsError) -> bool {
    matches!(error, AwsError::Failed(_, text) if text.contains(BUDGET))
}
