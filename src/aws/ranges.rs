//! Fetches the address ranges that providers publish, when the user asks for it.

use super::LISTEN;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::error::Error;
use std::time::Duration;
use tokio::runtime::Builder;

/// Where providers publish their ranges. Azure's file is at another address every week, behind a page
/// (<https://www.microsoft.com/download/details.aspx?id=56519>), and has to be given as an input.
pub const PUBLISHED: &[&str] = &[
    // https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html
    "https://ip-ranges.amazonaws.com/ip-ranges.json",
    // https://docs.github.com/en/rest/meta/meta
    "https://api.github.com/meta",
    // https://cloud.google.com/compute/docs/faq#find_ip_range
    "https://www.gstatic.com/ipranges/cloud.json",
    // https://developers.cloudflare.com/api/resources/ips/
    "https://api.cloudflare.com/client/v4/ips",
    // https://www.fastly.com/documentation/reference/api/utils/public-ip-list/
    "https://api.fastly.com/public-ip-list",
];

/// No provider's file comes near this.
const LARGEST: usize = 64 << 20;

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fetches one file. `stopped` is asked five times a second.
///
/// # Errors
/// What went wrong, for people: the address is no `https` one (or `http` to this very machine), nobody answers, the
/// answer is no success, too large or too slow, or the user stopped it.
pub fn fetch_ranges(url: &str, stopped: &dyn Fn() -> bool) -> Result<Vec<u8>, String> {
    let authority = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if authority.contains('@') {
        return Err("an address with a user or password in it is not asked".to_owned());
    }
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    if !url.starts_with("https://") && !local.iter().any(|start| url.starts_with(start)) {
        return Err("only https is asked: over plain http anybody could forge the ranges".to_owned());
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let mut answer = tokio::spawn(get(url.to_owned()));
        for _ in 0..PATIENCE.as_millis() / LISTEN.as_millis() {
            if let Ok(done) = tokio::time::timeout(LISTEN, &mut answer).await {
                return done.unwrap_or_else(|error| Err(error.to_string()));
            }
            if stopped() {
                answer.abort();
                return Err("interrupted".to_owned());
            }
        }
        answer.abort();
        Err(format!("no whole answer within {} seconds", PATIENCE.as_secs()))
    })
}

async fn get(url: String) -> Result<Vec<u8>, String> {
    let mut request = HttpRequest::get(url).map_err(|e| e.to_string())?;
    request.headers_mut().insert("accept", "application/json");
    send(request).await
}

/// Sends a request, and returns the answer's body.
pub(super) async fn send(mut request: HttpRequest) -> Result<Vec<u8>, String> {
    let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
    request.headers_mut().insert("user-agent", concat!("offkey/", env!("CARGO_PKG_VERSION")));
    let answer = connector.call(request).await.map_err(|error| chain(&error))?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("the server answered {status}"));
    }
    let mut body = ByteStream::new(answer.into_body());
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(|e| e.to_string())?);
        if bytes.len() > LARGEST {
            return Err(format!("the answer is larger than {} MB", LARGEST >> 20));
        }
    }
    Ok(bytes)
}

/// An error with its causes, which hold what matters.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
