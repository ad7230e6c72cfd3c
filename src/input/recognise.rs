//! Tells by content what a JSON object is: CloudTrail, an envelope around it, or an IAM export.

use crate::cloudtrail::{Event, NotAnEvent, decode, lossy_string};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a JSON object turned out to be.
#[derive(Debug)]
pub enum Found<'a> {
    /// A CloudTrail event, whatever it was wrapped in.
    Event(&'a Event<'a>),
    /// Something about the account rather than about a call.
    Document(DocumentKind, Value),
    /// Known and of no use here: a digest file, an empty listing.
    Known,
    /// Not JSON after all.
    Malformed,
    /// A string, number or the like where a record belongs.
    NoObject,
    /// JSON, but nothing offkey knows.
    Unknown,
}

/// The exports offkey understands besides events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// `aws iam get-credential-report`: the CSV, or the API's JSON around it.
    CredentialReport,
    /// `aws iam get-account-authorization-details`.
    AuthorizationDetails,
    /// `aws iam list-access-keys`.
    AccessKeys,
    /// `aws cloudtrail describe-trails`.
    Trails,
    /// `aws cloudtrail get-event-selectors`.
    EventSelectors,
    /// AWS's `ip-ranges.json`.
    AwsRanges,
    /// GitHub's `meta` document.
    GithubMeta,
    /// Google's `cloud.json`.
    GoogleRanges,
    /// Azure's service tags.
    AzureRanges,
    /// Cloudflare's ranges.
    CloudflareRanges,
    /// Fastly's ranges.
    FastlyRanges,
    /// The owner's `networks.toml`.
    OwnNetworks,
    /// `aws ec2 describe-addresses`.
    ElasticAddresses,
    /// `aws ec2 describe-nat-gateways`.
    NatGateways,
    /// `aws iam get-service-last-accessed-details`.
    ServicesLastAccessed,
    /// `aws s3api get-bucket-policy`, `aws kms list-grants` and their like.
    ResourcePolicies,
    /// Answers to `iam:GetAccessKeyLastUsed`, with the keys' ids; stores only.
    AccessKeysLastUsed,
    /// Credentials of users that are no access keys; stores only.
    UserCredentials,
    /// `aws iam list-open-id-connect-providers`.
    IdentityProviders,
    /// `aws cloudtrail get-trail-status`, with the trail's ARN; stores only.
    TrailStatus,
    /// Regions that an account has enabled; stores only.
    Regions,
    /// Trust anchors of Roles Anywhere; stores only.
    TrustAnchors,
    /// How far LookupEvents was asked for a key; stores only.
    Lookups,
    /// How far a live collection came; stores only.
    Collection,
}

impl DocumentKind {
    /// Stable id for machines; stores keep it.
    pub fn id(self) -> &'static str {
        match self {
            Self::CredentialReport => "credential-report",
            Self::AuthorizationDetails => "authorization-details",
            Self::AccessKeys => "access-keys",
            Self::Trails => "trails",
            Self::EventSelectors => "event-selectors",
            Self::AwsRanges => "aws-ranges",
            Self::GithubMeta => "github-ranges",
            Self::GoogleRanges => "google-ranges",
            Self::AzureRanges => "azure-ranges",
            Self::CloudflareRanges => "cloudflare-ranges",
            Self::FastlyRanges => "fastly-ranges",
            Self::OwnNetworks => "own-networks",
            Self::ElasticAddresses => "elastic-addresses",
            Self::NatGateways => "nat-gateways",
            Self::ServicesLastAccessed => "services-last-accessed",
            Self::ResourcePolicies => "resource-policies",
            Self::AccessKeysLastUsed => "access-keys-last-used",
            Self::UserCredentials => "user-credentials",
            Self::IdentityProviders => "identity-providers",
            Self::TrailStatus => "trail-status",
            Self::Regions => "regions",
            Self::TrustAnchors => "trust-anchors",
            Self::Lookups => "lookups",
            Self::Collection => "collection",
        }
    }

    /// The kind of an id.
    pub fn from_id(id: &str) -> Option<Self> {
        const ALL: [DocumentKind; 24] = [
            DocumentKind::CredentialReport,
            DocumentKind::AuthorizationDetails,
            DocumentKind::AccessKeys,
            DocumentKind::Trails,
            DocumentKind::EventSelectors,
            DocumentKind::AwsRanges,
            DocumentKind::GithubMeta,
            DocumentKind::GoogleRanges,
            DocumentKind::AzureRanges,
            DocumentKind::CloudflareRanges,
            DocumentKind::FastlyRanges,
            DocumentKind::OwnNetworks,
            DocumentKind::ElasticAddresses,
            DocumentKind::NatGateways,
            DocumentKind::ServicesLastAccessed,
            DocumentKind::ResourcePolicies,
            DocumentKind::AccessKeysLastUsed,
            DocumentKind::UserCredentials,
            DocumentKind::IdentityProviders,
            DocumentKind::TrailStatus,
            DocumentKind::Regions,
            DocumentKind::TrustAnchors,
            DocumentKind::Lookups,
            DocumentKind::Collection,
        ];
        ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// What reports call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::CredentialReport => "IAM credential report",
            Self::AuthorizationDetails => "account authorization details",
            Self::AccessKeys => "access key list",
            Self::Trails => "trail descriptions",
            Self::EventSelectors => "trail event selectors",
            Self::AwsRanges => "AWS IP ranges",
            Self::GithubMeta => "GitHub IP ranges",
            Self::GoogleRanges => "Google Cloud IP ranges",
            Self::AzureRanges => "Azure service tags",
            Self::CloudflareRanges => "Cloudflare IP ranges",
            Self::FastlyRanges => "Fastly IP ranges",
            Self::OwnNetworks => "own networks",
            Self::ElasticAddresses => "elastic address list",
            Self::NatGateways => "NAT gateway list",
            Self::ServicesLastAccessed => "service-last-accessed details",
            Self::ResourcePolicies => "resource policy",
            Self::AccessKeysLastUsed => "last use of keys",
            Self::UserCredentials => "other credentials of users",
            Self::IdentityProviders => "identity providers",
            Self::TrailStatus => "trail status",
            Self::Regions => "enabled regions",
            Self::TrustAnchors => "trust anchors",
            Self::Lookups => "LookupEvents",
            Self::Collection => "live collection",
        }
    }
}

/// A document and where it came from.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Its file's label.
    pub source: String,
    /// Its content; a credential report is one string.
    pub content: Value,
}

/// The keys by which objects that are no records are told apart.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    records: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    cloud_trail_event: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail")]
    detail: Option<&'a RawValue>,
    #[serde(borrow, rename = "data")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    user_detail_list: Option<&'a RawValue>,
    #[serde(borrow)]
    role_detail_list: Option<&'a RawValue>,
    #[serde(borrow)]
    group_detail_list: Option<&'a RawValue>,
    #[serde(borrow)]
    policies: Option<&'a RawValue>,
    #[serde(borrow)]
    access_key_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    report_format: Option<&'a RawValue>,
    #[serde(borrow, rename = "trailList")]
    trail_list: Option<&'a RawValue>,
    #[serde(borrow)]
    event_selectors: Option<&'a RawValue>,
    #[serde(borrow)]
    advanced_event_selectors: Option<&'a RawValue>,
    #[serde(borrow, rename = "prefixes")]
    prefixes: Option<&'a RawValue>,
    #[serde(borrow, rename = "actions")]
    actions: Option<&'a RawValue>,
    #[serde(borrow, rename = "values")]
    values: Option<&'a RawValue>,
    #[serde(borrow, rename = "cloud")]
    cloud: Option<&'a RawValue>,
    #[serde(borrow, rename = "result")]
    result: Option<&'a RawValue>,
    #[serde(borrow, rename = "ipv6_addresses")]
    fastly: Option<&'a RawValue>,
    #[serde(borrow)]
    addresses: Option<&'a RawValue>,
    #[serde(borrow)]
    nat_gateways: Option<&'a RawValue>,
    #[serde(borrow)]
    services_last_accessed: Option<&'a RawValue>,
    #[serde(borrow)]
    policy: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    resource_policy: Option<&'a RawValue>,
    #[serde(borrow, rename = "policyText")]
    policy_text: Option<&'a RawValue>,
    #[serde(borrow)]
    grants: Option<&'a RawValue>,
    #[serde(borrow, rename = "OpenIDConnectProviderList")]
    identity_providers: Option<&'a RawValue>,
    #[serde(borrow, rename = "digestS3Object")]
    digest_s3_object: Option<&'a RawValue>,
    /// AWS Config, which delivers beside CloudTrail.
    #[serde(borrow, rename = "configurationItems")]
    configuration_items: Option<&'a RawValue>,
    /// offkey's own reports.
    #[serde(borrow, rename = "schema")]
    schema: Option<&'a RawValue>,
}

/// How deep envelopes may lie inside each other.
const MAX_ENVELOPES: usize = 8;

/// Recognises one JSON object and hands everything in it to `found`.
pub fn recognise(raw: &[u8], found: &mut dyn FnMut(Found<'_>)) {
    object(&String::from_utf8_lossy(raw), 0, found);
}

fn object(raw: &str, depth: usize, found: &mut dyn FnMut(Found<'_>)) {
    match decode(raw) {
        Ok(event) => return found(Found::Event(&event)),
        Err(NotAnEvent::Malformed) => return found(Found::Malformed),
        Err(NotAnEvent::Notification) => return found(Found::Known),
        Err(NotAnEvent::Other) => {}
    }
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(raw) else {
        return found(Found::Unknown);
    };
    if depth >= MAX_ENVELOPES {
        return found(Found::Unknown);
    }
    let starts = |part: Option<&RawValue>, with: char| part.is_some_and(|p| p.get().starts_with(with));
    let inner = if starts(envelope.records, '[') {
        envelope.records
    } else if starts(envelope.events, '[') {
        envelope.events
    } else if starts(envelope.cloud_trail_event, '"') {
        let text = envelope.cloud_trail_event.map(|e| lossy_string(e.get()).into_owned()).unwrap_or_default();
        return object(&text, depth + 1, found);
    } else if starts(envelope.cloud_trail_event, '{') {
        // Not what the API gives, but what tools make of it.
        envelope.cloud_trail_event
    } else if starts(envelope.detail, '{') {
        envelope.detail
    } else if starts(envelope.data, '{') || starts(envelope.data, '[') {
        envelope.data
    } else {
        None
    };
    match inner {
        Some(inner) => nested(inner.get(), depth + 1, found),
        None => found(document(&envelope, raw)),
    }
}

/// An array of objects (of arrays…), or one object.
fn nested(raw: &str, depth: usize, found: &mut dyn FnMut(Found<'_>)) {
    if depth >= MAX_ENVELOPES {
        return found(Found::Unknown);
    }
    if raw.starts_with('{') {
        return object(raw, depth, found);
    }
    match serde_json::from_str::<Vec<&RawValue>>(raw) {
        Ok(items) if items.is_empty() => found(Found::Known),
        Ok(items) => {
            for item in items {
                nested(item.get(), depth + 1, found);
            }
        }
        Err(_) => found(Found::NoObject),
    }
}

fn document(envelope: &Envelope<'_>, raw: &str) -> Found<'static> {
    let has_iam = [envelope.user_detail_list, envelope.role_detail_list, envelope.group_detail_list];
    let kind = if has_iam.iter().any(Option::is_some) {
        DocumentKind::AuthorizationDetails
    } else if envelope.access_key_metadata.is_some() {
        DocumentKind::AccessKeys
    } else if envelope.content.is_some() && envelope.report_format.is_some() {
        DocumentKind::CredentialReport
    } else if envelope.trail_list.is_some() {
        DocumentKind::Trails
    } else if envelope.event_selectors.is_some() || envelope.advanced_event_selectors.is_some() {
        DocumentKind::EventSelectors
    } else if let Some(prefixes) = envelope.prefixes {
        if prefixes.get().contains("\"ip_prefix\"") {
            DocumentKind::AwsRanges
        } else {
            DocumentKind::GoogleRanges
        }
    } else if envelope.actions.is_some() && raw.contains("\"hooks\"") {
        DocumentKind::GithubMeta
    } else if envelope.values.is_some() && envelope.cloud.is_some() {
        DocumentKind::AzureRanges
    } else if envelope.result.is_some_and(|result| result.get().contains("\"ipv4_cidrs\"")) {
        DocumentKind::CloudflareRanges
    } else if envelope.fastly.is_some() {
        DocumentKind::FastlyRanges
    } else if envelope
        .addresses
        .is_some_and(|list| matches!(list.get(), "[]") || list.get().contains("\"PublicIp\""))
    {
        DocumentKind::ElasticAddresses
    } else if envelope.nat_gateways.is_some() {
        DocumentKind::NatGateways
    } else if envelope.services_last_accessed.is_some() {
        DocumentKind::ServicesLastAccessed
    } else if envelope.identity_providers.is_some() {
        DocumentKind::IdentityProviders
    } else if names_principals(envelope) {
        DocumentKind::ResourcePolicies
    } else if envelope.digest_s3_object.is_some()
        || envelope.policies.is_some()
        || envelope.configuration_items.is_some()
        || envelope.schema.is_some_and(|schema| schema.get().starts_with("\"offkey."))
    {
        return Found::Known;
    } else {
        return Found::Unknown;
    };
    match serde_json::from_str(raw) {
        Ok(value) => Found::Document(kind, value),
        Err(_) => Found::Malformed,
    }
}

/// Whether it is a resource's policy, which the services give as JSON in a string, or a list of a key's grants.
fn names_principals(envelope: &Envelope<'_>) -> bool {
    let policies = [envelope.policy, envelope.resource_policy, envelope.policy_text];
    let spelled = |part: &RawValue| part.get().starts_with('"') && part.get().contains("Statement");
    let inside = |part: &RawValue| part.get().starts_with('{') && part.get().contains("\"Policy\"");
    policies.into_iter().flatten().any(spelled)
        || envelope.attributes.is_some_and(inside)
        || envelope.grants.is_some_and(|list| list.get().contains("\"GranteePrincipal\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(raw: &str) -> Vec<String> {
        let mut out = Vec::new();
        recognise(raw.as_bytes(), &mut |found| {
            out.push(match found {
                Found::Event(event) => format!("event {}", event.name),
                Found::Document(kind, _) => format!("{kind:?}"),
                Found::Known => "known".into(),
                Found::Malformed => "malformed".into(),
                Found::NoObject => "no object".into(),
                Found::Unknown => "unknown".into(),
            });
        });
        out
    }

    #[test]
    fn envelopes_and_documents() {
        let event = r#"{"eventName":"A","eventTime":"2026-01-01T00:00:00Z"}"#;
        let text = Value::String(event.into()).to_string();
        let cases = [
            (event.to_owned(), vec!["event A"]),
            (format!(r#"{{"EventId":"1","EventName":"A","CloudTrailEvent":{text}}}"#), vec!["event A"]),
            (format!(r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{event}}}"#), vec!["event A"]),
            (format!(r#"{{"data":{{"Records":[{event},[{event}]]}}}}"#), vec!["event A", "event A"]),
            (r#"{"CloudTrailEvent":"nonsense"}"#.into(), vec!["malformed"]),
            (format!(r#"{{"CloudTrailEvent":{event}}}"#), vec!["event A"]),
            (r#"{"data":["{}",1]}"#.into(), vec!["no object", "no object"]),
            (r#"{"UserDetailList":[]}"#.into(), vec!["AuthorizationDetails"]),
            (r#"{"AccessKeyMetadata":[]}"#.into(), vec!["AccessKeys"]),
            (r#"{"Content":"","ReportFormat":"text/csv"}"#.into(), vec!["CredentialReport"]),
            (r#"{"trailList":[]}"#.into(), vec!["Trails"]),
            (r#"{"TrailARN":"","EventSelectors":[]}"#.into(), vec!["EventSelectors"]),
            (r#"{"syncToken":"1","prefixes":[{"ip_prefix":"192.0.2.0/24"}]}"#.into(), vec!["AwsRanges"]),
            (r#"{"syncToken":"1","prefixes":[{"ipv4Prefix":"192.0.2.0/24"}]}"#.into(), vec!["GoogleRanges"]),
            (r#"{"hooks":[],"actions":[]}"#.into(), vec!["GithubMeta"]),
            (r#"{"cloud":"Public","values":[]}"#.into(), vec!["AzureRanges"]),
            (r#"{"result":{"ipv4_cidrs":[]},"success":true}"#.into(), vec!["CloudflareRanges"]),
            (r#"{"addresses":["192.0.2.0/24"],"ipv6_addresses":[]}"#.into(), vec!["FastlyRanges"]),
            (r#"{"Addresses":[{"PublicIp":"192.0.2.1"}]}"#.into(), vec!["ElasticAddresses"]),
            (r#"{"NatGateways":[]}"#.into(), vec!["NatGateways"]),
            (r#"{"JobStatus":"COMPLETED","ServicesLastAccessed":[]}"#.into(), vec!["ServicesLastAccessed"]),
            (r#"{"Policy":"{\"Statement\":[]}"}"#.into(), vec!["ResourcePolicies"]),
            (r#"{"Policy":{"Arn":"x"}}"#.into(), vec!["unknown"]),
            (r#"{"Attributes":{"Policy":"{}","QueueArn":"x"}}"#.into(), vec!["ResourcePolicies"]),
            (r#"{"Grants":[{"GranteePrincipal":"x"}]}"#.into(), vec!["ResourcePolicies"]),
            (r#"{"OpenIDConnectProviderList":[]}"#.into(), vec!["IdentityProviders"]),
            (r#"{"digestS3Object":"x"}"#.into(), vec!["known"]),
            (r#"{"a":1}"#.into(), vec!["unknown"]),
            (r#"{"a":}"#.into(), vec!["malformed"]),
        ];
        for (raw, want) in cases {
            assert_eq!(names(&raw), want, "{raw}");
        }
    }
}
