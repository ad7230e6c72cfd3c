//! Tells what an address is, from the providers' own published range files and from the address itself.

use super::agent::is_service_name;
use ipnet::IpNet;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

/// Where a call came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// AWS's own addresses: service as AWS lists it (`EC2`, `CODEBUILD`, `AMAZON`) and region.
    Aws {
        /// Service of the prefix.
        service: String,
        /// Region of the prefix.
        region: String,
    },
    /// GitHub-hosted runners.
    GithubActions,
    /// Google Cloud.
    GoogleCloud,
    /// Microsoft Azure.
    Azure,
    /// Through a VPC endpoint, so inside one of the organisation's networks.
    VpcEndpoint(String),
    /// Private address without an endpoint: a network of somebody's own.
    Private,
    /// Carrier-grade NAT: a home or mobile line.
    CarrierNat,
    /// An AWS service on the caller's behalf.
    Service(String),
    /// A public address that no range file names.
    Public,
    /// No usable address.
    Unknown,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws { service, region } => write!(f, "AWS {service} {region}"),
            Self::GithubActions => f.write_str("GitHub-hosted runners"),
            Self::GoogleCloud => f.write_str("Google Cloud"),
            Self::Azure => f.write_str("Azure"),
            Self::VpcEndpoint(id) => write!(f, "VPC endpoint {id}"),
            Self::Private => f.write_str("private network"),
            Self::CarrierNat => f.write_str("carrier NAT"),
            Self::Service(host) => write!(f, "service {host}"),
            Self::Public => f.write_str("public address"),
            Self::Unknown => f.write_str("no address"),
        }
    }
}

/// The range files that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeKind {
    /// <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html>
    Aws,
    /// <https://docs.github.com/en/rest/meta/meta>
    Github,
    /// <https://cloud.google.com/compute/docs/faq#find_ip_range>
    Google,
    /// <https://learn.microsoft.com/azure/virtual-network/service-tags-overview>
    Azure,
}

/// A range file that was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeFile {
    /// Whose ranges.
    pub title: &'static str,
    /// The date or number the file carries, as written; empty where it has none.
    pub date: String,
    /// Prefixes taken from it.
    pub prefixes: usize,
}

/// All known ranges.
#[derive(Default)]
pub struct Networks {
    by_length: BTreeMap<(bool, u8), HashMap<IpAddr, Place>>,
    /// What was loaded, in order.
    pub files: Vec<RangeFile>,
}

impl Networks {
    /// Loads one range file. Prefixes that cannot be read are left out of the count.
    pub fn load(&mut self, kind: RangeKind, content: &Value) {
        let text = |name: &str| match content.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let prefixes = match kind {
            RangeKind::Aws => self.load_aws(content),
            RangeKind::Github => {
                strings(content.get("actions")).filter(|net| self.insert(net, Place::GithubActions)).count()
            }
            RangeKind::Google => objects(content.get("prefixes"))
                .filter_map(|p| p.get("ipv4Prefix").or(p.get("ipv6Prefix")).and_then(Value::as_str))
                .filter(|net| self.insert(net, Place::GoogleCloud))
                .count(),
            RangeKind::Azure => objects(content.get("values"))
                .flat_map(|tag| strings(tag.get("properties").and_then(|p| p.get("addressPrefixes"))))
                .filter(|net| self.insert(net, Place::Azure))
                .count(),
        };
        let (title, date) = match kind {
            RangeKind::Aws => ("AWS", text("createDate")),
            RangeKind::Github => ("GitHub", String::new()),
            RangeKind::Google => ("Google Cloud", text("creationTime")),
            RangeKind::Azure => ("Azure", text("changeNumber")),
        };
        self.files.push(RangeFile { title, date, prefixes });
    }

    fn load_aws(&mut self, content: &Value) -> usize {
        let lists = [("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")];
        let mut count = 0;
        for (list, field) in lists {
            for entry in objects(content.get(list)) {
                let get = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
                let place =
                    Place::Aws { service: get("service").to_owned(), region: get("region").to_owned() };
                count += usize::from(self.insert(get(field), place));
            }
        }
        count
    }

    /// Adds a prefix. Of two claims to one prefix the more telling stays: GitHub's before Azure's, in which it
    /// lies, and a service's own before AWS's catch-all `AMAZON`.
    fn insert(&mut self, prefix: &str, place: Place) -> bool {
        let Ok(net) = prefix.parse::<IpNet>() else {
            return false;
        };
        let slot = self.by_length.entry((net.addr().is_ipv6(), net.prefix_len())).or_default();
        let old = slot.entry(net.network()).or_insert_with(|| place.clone());
        if rank(&place) < rank(old) || (rank(&place) == rank(old) && place < *old) {
            *old = place;
        }
        true
    }

    /// What the address is. `vpc_endpoint` is the record's `vpcEndpointId`, or empty.
    pub fn place(&self, address: &str, vpc_endpoint: &str) -> Place {
        if !vpc_endpoint.is_empty() {
            return Place::VpcEndpoint(vpc_endpoint.to_owned());
        }
        let Ok(ip) = address.parse::<IpAddr>() else {
            return if is_service_name(address) {
                Place::Service(address.to_owned())
            } else {
                Place::Unknown
            };
        };
        let mut best: Option<&Place> = None;
        for ((_, length), nets) in self.by_length.iter().rev().filter(|((v6, _), _)| *v6 == ip.is_ipv6()) {
            let Ok(net) = IpNet::new(ip, *length) else {
                continue;
            };
            if let Some(found) = nets.get(&net.network())
                && best.is_none_or(|best| rank(found) < rank(best))
            {
                best = Some(found);
            }
        }
        match (best, ip) {
            (Some(place), _) => place.clone(),
            (None, IpAddr::V4(v4)) if v4.is_private() || v4.is_loopback() || v4.is_link_local() => {
                Place::Private
            }
            (None, IpAddr::V4(v4)) if v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]) => {
                Place::CarrierNat
            }
            (None, IpAddr::V6(v6))
                if v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local() =>
            {
                Place::Private
            }
            (None, _) => Place::Public,
        }
    }
}

/// Which claim to an address tells more: lower is better.
fn rank(place: &Place) -> u8 {
    match place {
        Place::GithubActions => 0,
        Place::Aws { service, .. } if service == "CODEBUILD" => 0,
        Place::Aws { service, .. } if service == "EC2" => 1,
        Place::Aws { service, .. } if service == "AMAZON" => 3,
        _ => 2,
    }
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    objects(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_most_telling_range_wins() {
        let mut networks = Networks::default();
        networks.load(
            RangeKind::Aws,
            &json!({"createDate": "2026-09-30-00-00-00", "prefixes": [
                {"ip_prefix": "192.0.2.0/24", "region": "us-east-1", "service": "AMAZON"},
                {"ip_prefix": "192.0.2.0/24", "region": "us-east-1", "service": "EC2"},
                {"ip_prefix": "192.0.2.16/28", "region": "us-east-1", "service": "CODEBUILD"},
                {"ip_prefix": "nonsense", "region": "r", "service": "s"}],
                "ipv6_prefixes": [{"ipv6_prefix": "2001:db8:a000::/36", "region": "us-east-1", "service": "EC2"}]}),
        );
        networks.load(
            RangeKind::Azure,
            &json!({"values": [{"properties": {"addressPrefixes": ["198.51.100.0/24"]}}]}),
        );
        networks.load(RangeKind::Github, &json!({"actions": ["198.51.100.0/25"]}));
        networks.load(RangeKind::Google, &json!({"prefixes": [{"ipv4Prefix": "203.0.113.0/28"}]}));
        let place = |ip| networks.place(ip, "").to_string();
        for (ip, want) in [
            ("192.0.2.1", "AWS EC2 us-east-1"),
            ("192.0.2.17", "AWS CODEBUILD us-east-1"),
            ("2001:db8:a000::1", "AWS EC2 us-east-1"),
            ("198.51.100.1", "GitHub-hosted runners"),
            ("198.51.100.200", "Azure"),
            ("203.0.113.1", "Google Cloud"),
            ("203.0.113.99", "public address"),
            ("10.1.2.3", "private network"),
            ("100.64.0.1", "carrier NAT"),
            ("cloudformation.amazonaws.com", "service cloudformation.amazonaws.com"),
            ("AWS Internal", "service AWS Internal"),
            ("253.252.51.07", "no address"),
            ("redacted", "no address"),
            ("", "no address"),
        ] {
            assert_eq!(place(ip), want, "{ip}");
        }
        assert_eq!(networks.place("10.0.0.1", "vpce-1").to_string(), "VPC endpoint vpce-1");
        assert_eq!(networks.files.iter().map(|f| f.prefixes).collect::<Vec<_>>(), [4, 1, 1, 1]);
    }
}
