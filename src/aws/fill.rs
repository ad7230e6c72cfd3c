//! Fills a stand-in for AWS with a demo's estate. It speaks to this very machine only.

use super::ranges::send;
use super::s3::{ANSWER, AwsError, configured, explain};
use aws_sdk_s3::config::Credentials;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use tokio::runtime::Runtime;

/// A stand-in on this machine.
pub struct StandIn {
    runtime: Runtime,
    client: aws_sdk_s3::Client,
    url: String,
}

impl StandIn {
    /// Addresses a stand-in.
    ///
    /// # Errors
    /// [`AwsError::Failed`] for an address that is not on this machine: nothing made up goes anywhere else.
    pub fn at(url: &str) -> Result<Self, AwsError> {
        let what = || format!("--aws-endpoint {url}");
        let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
        if !local.iter().any(|start| url.starts_with(start)) {
            let why = "only a stand-in on this machine is filled: write http://127.0.0.1:PORT";
            return Err(AwsError::Failed(what(), why.to_owned()));
        }
        let (runtime, config) = configured(None, Some("us-east-1"), ANSWER)?;
        // Never anybody's own credentials.
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "example", None, None, "demo");
        let config = aws_sdk_s3::config::Builder::from(&config)
            .endpoint_url(url)
            .force_path_style(true)
            .credentials_provider(credentials)
            .build();
        let client = aws_sdk_s3::Client::from_conf(config);
        Ok(Self { runtime, client, url: url.trim_end_matches('/').to_owned() })
    }

    /// Hands over what IAM and CloudTrail are to say.
    ///
    /// # Errors
    /// [`AwsError::Failed`] where nobody takes it.
    pub fn exports(&self, json: String) -> Result<(), AwsError> {
        let url = format!("{}/_standin/estate", self.url);
        let failed = |text: String| AwsError::Failed(format!("filling {url}"), text);
        let mut request = HttpRequest::new(SdkBody::from(json));
        request.set_uri(url.clone()).map_err(|error| failed(error.to_string()))?;
        request.set_method("POST").map_err(|error| failed(error.to_string()))?;
        self.runtime.block_on(send(request)).map(|_| ()).map_err(failed)
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// [`AwsError`].
    pub fn bucket(&self, name: &str) -> Result<(), AwsError> {
        let made = self.runtime.block_on(self.client.create_bucket().bucket(name).send());
        made.map(|_| ()).map_err(|error| explain(&format!("making the bucket {name}"), &error))
    }

    /// Puts an object into a bucket.
    ///
    /// # Errors
    /// [`AwsError`].
    pub fn object(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), AwsError> {
        let call = self.client.put_object().bucket(bucket).key(key).body(bytes.into());
        let put = self.runtime.block_on(call.send());
        put.map(|_| ()).map_err(|error| explain(&format!("putting {key} into {bucket}"), &error))
    }
}
