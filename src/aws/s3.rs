//! A connection to Amazon S3, as the AWS CLI's configuration has it.

use super::meter::{Meter, Metered};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::RequestPayer;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How often a request is tried before it counts as failed; S3 asks clients to slow down when they are many
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>).
const ATTEMPTS: u32 = 8;

/// How often a request for objects or a listing is tried. Listings are requests that wait for each other, each of which takes
/// a fraction of a second: the first wait is shorter than usual, and each further one twice as long
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>). All waits together are about as long as those
/// of eight tries that begin with the usual second.
const S3_ATTEMPTS: u32 = 10;

/// How long is waited at most before such a request is tried a second time.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// How long an answer is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(60);

/// What comes first of `s3://bucket/prefix`.
const SCHEME: &str = "s3://";

/// Where logs are: a bucket and the beginning of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Url {
    /// The bucket.
    pub bucket: String,
    /// What keys begin with; may be empty.
    pub prefix: String,
}

impl S3Url {
    /// Whether a text is meant as an address in S3.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Reads `s3://bucket/prefix`; nothing where there is no bucket.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(SCHEME)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        (!bucket.is_empty()).then(|| Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The bucket's address.
    pub fn root(&self) -> String {
        format!("{SCHEME}{}", self.bucket)
    }
}

/// How to speak to S3, where it is not what the configuration says.
#[derive(Clone, Debug, Default)]
pub struct S3Access {
    /// Profile of the AWS configuration.
    pub profile: Option<String>,
    /// The bucket's region.
    pub region: Option<String>,
    /// Whether the caller pays for requests
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html>).
    pub requester_pays: bool,
}

/// What went wrong, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// There are no credentials, or AWS does not accept them.
    #[error("{0}: {1}")]
    Authentication(String, String),
    /// Anything else: what was done, and what came back.
    #[error("{0}: {1}")]
    Failed(String, String),
    /// The bucket is in another region, which AWS named.
    #[error("{0}: the bucket is in {1}")]
    Elsewhere(String, String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// A connection to S3.
pub struct S3 {
    pub(super) runtime: Arc<Runtime>,
    pub(super) client: Client,
    pub(super) payer: Option<RequestPayer>,
    config: aws_config::SdkConfig,
    meter: Arc<Meter>,
}

impl S3 {
    /// Loads the configuration; nothing is asked of AWS yet, except where credentials come from a service.
    ///
    /// # Errors
    /// [`AwsError::Failed`] where the machine has no threads left.
    pub fn connect(access: &S3Access, meter: &Arc<Meter>) -> Result<Self, AwsError> {
        let (runtime, config) = configured(access.profile.as_deref(), access.region.as_deref(), ANSWER)?;
        Ok(Self::of(Arc::new(runtime), config, access.requester_pays, meter.clone()))
    }

    pub(super) fn of(
        runtime: Arc<Runtime>,
        config: aws_config::SdkConfig,
        pays: bool,
        meter: Arc<Meter>,
    ) -> Self {
        let client = client(&config, None, &meter);
        Self { runtime, client, payer: pays.then_some(RequestPayer::Requester), config, meter }
    }

    /// Speaks to another region from now on.
    pub fn move_to(&mut self, region: &str) {
        self.client = client(&self.config, Some(region), &self.meter);
    }
}

/// The threads of the network, and the configuration as the AWS CLI has it.
pub(super) fn configured(
    profile: Option<&str>,
    region: Option<&str>,
    answer_within: Duration,
) -> Result<(Runtime, aws_config::SdkConfig), AwsError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| AwsError::Failed("starting the network threads".into(), e.to_string()))?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(answer_within)
                .build(),
        );
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let config = runtime.block_on(loader.load());
    Ok((runtime, config))
}

fn client(config: &aws_config::SdkConfig, region: Option<&str>, meter: &Arc<Meter>) -> Client {
    // Servers at an address of their own have no host name for each bucket.
    let mut builder = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(config.endpoint_url().is_some())
        .retry_config(RetryConfig::standard().with_max_attempts(S3_ATTEMPTS).with_initial_backoff(FIRST_WAIT))
        .interceptor(Metered(meter.clone()));
    builder = match (region, config.region()) {
        (Some(region), _) => builder.region(Region::new(region.to_owned())),
        // S3 tells the right region; to ask, any will do.
        (None, None) => builder.region(Region::new("us-east-1")),
        _ => builder,
    };
    Client::from_conf(builder.build())
}

/// Turns an SDK error into ours.
pub(super) fn explain<E>(what: &str, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let region = error.raw_response().and_then(|r| r.headers().get("x-amz-bucket-region"));
    let code = error.code().unwrap_or_default();
    let moved = matches!(
        code,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
    ) || error.raw_response().is_some_and(|r| r.status().as_u16() == 301);
    if moved && let Some(region) = region {
        return AwsError::Elsewhere(what.to_owned(), region.to_owned());
    }
    let text = match error.message() {
        Some(message) if !code.is_empty() => format!("{code}: {message}"),
        _ if !code.is_empty() => code.to_owned(),
        _ => causes(error),
    };
    let unknown = matches!(
        code,
        "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "MissingAuthenticationToken"
            | "IncompleteSignature"
    );
    let no_credentials = matches!(error, SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_))
        && text.contains("credentials");
    if unknown || no_credentials {
        AwsError::Authentication(what.to_owned(), text)
    } else {
        AwsError::Failed(what.to_owned(), text)
    }
}

/// An error and what caused it, in their own words. Never as `Debug`: that shows answers, which may hold secrets.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parsed = |text| S3Url::parse(text).map(|url| (url.bucket, url.prefix));
        assert_eq!(parsed("s3://logs"), Some(("logs".into(), "".into())));
        assert_eq!(parsed("s3://logs/a/AWSLogs/"), Some(("logs".into(), "a/AWSLogs/".into())));
        assert_eq!(parsed("s3:///x"), None);
        assert_eq!(parsed("logs/x"), None);
    }
}
