//! Providers' range files in their published formats, over addresses that belong to nobody.

use serde_json::{Value, json};

/// Every range file, as (path, content).
pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    let aws = |prefix: &str, region: &str, service: &str| json!({"ip_prefix": prefix, "region": region, "service": service, "network_border_group": region});
    let mut prefixes = Vec::new();
    for (prefix, region, service) in [
        ("192.0.2.0/26", "us-east-1", "EC2"),
        ("192.0.2.64/26", "eu-west-1", "EC2"),
        ("192.0.2.128/28", "us-east-1", "CODEBUILD"),
        ("192.0.2.160/27", "ap-southeast-2", "EC2"),
    ] {
        prefixes.push(aws(prefix, region, "AMAZON"));
        prefixes.push(aws(prefix, region, service));
    }
    let files: [(&str, Value); 4] = [
        (
            "networks/ip-ranges.json",
            json!({"syncToken": "1790726400", "createDate": "2026-09-30-00-00-00", "prefixes": prefixes,
                   "ipv6_prefixes": [{"ipv6_prefix": "2001:db8:a000::/36", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1"}]}),
        ),
        (
            "networks/github-meta.json",
            json!({"verifiable_password_authentication": false, "hooks": [], "actions": ["198.51.100.128/26"]}),
        ),
        (
            "networks/google-cloud.json",
            json!({"syncToken": "1790726400000", "creationTime": "2026-09-30T00:00:00.0", "prefixes": [
                {"ipv4Prefix": "198.51.100.0/26", "service": "Google Cloud", "scope": "us-east1"}]}),
        ),
        (
            "networks/azure-service-tags.json",
            json!({"changeNumber": 400, "cloud": "Public", "values": [{"name": "AzureCloud.eastus", "id": "AzureCloud.eastus", "properties": {
                "changeNumber": 1, "region": "eastus", "platform": "Azure", "systemService": "",
                "addressPrefixes": ["198.51.100.64/26", "198.51.100.128/26"]}}]}),
        ),
    ];
    files.into_iter().map(|(path, value)| (path.to_owned(), format!("{value:#}\n").into_bytes())).collect()
}
