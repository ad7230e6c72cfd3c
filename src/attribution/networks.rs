//! Tells what an address is, from the providers' own published range files and from the address itself.

use super::agent::is_service_name;
use crate::model::{Day, parse_day};
use ipnet::IpNet;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

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
    /// A network that is known to be the owner's: from `networks.toml`, or an elastic address of an account.
    Own {
        /// What the owner calls it.
        name: Arc<str>,
        /// What runs there.
        kind: OwnKind,
    },
    /// A provider that passes other people's requests on, or hides where they come from.
    Proxy(&'static str),
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

impl Place {
    /// Whether what calls from there runs in AWS.
    pub fn is_in_aws(&self) -> bool {
        matches!(
            self,
            Self::Aws { .. }
                | Self::VpcEndpoint(_)
                | Self::Own { kind: OwnKind::Aws | OwnKind::Instance | OwnKind::NatGateway, .. }
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws { service, region } => write!(f, "AWS {service} {region}"),
            Self::GithubActions => f.write_str("GitHub-hosted runners"),
            Self::GoogleCloud => f.write_str("Google Cloud"),
            Self::Azure => f.write_str("Azure"),
            Self::Own { name, .. } => f.write_str(name),
            Self::Proxy(provider) => f.write_str(provider),
            Self::VpcEndpoint(id) => write!(f, "VPC endpoint {id}"),
            Self::Private => f.write_str("private network"),
            Self::CarrierNat => f.write_str("carrier NAT"),
            Self::Service(host) => write!(f, "service {host}"),
            Self::Public => f.write_str("public address"),
            Self::Unknown => f.write_str("no address"),
        }
    }
}

macro_rules! own_kinds {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        /// What runs in one of the owner's networks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OwnKind { $($(#[$doc])* $name,)* }

        impl OwnKind {
            /// All kinds; the ids of the first eight stand in `networks.toml`.
            pub const ALL: &'static [OwnKind] = &[$(Self::$name,)*];

            /// Stable id.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
        }
    };
}

own_kinds! {
    /// People at their desks.
    Office = "office";
    /// People on the way.
    Vpn = "vpn";
    /// Servers outside any cloud.
    DataCentre = "data-centre";
    /// Build servers.
    Ci = "ci";
    /// Instances and the like in AWS.
    Aws = "aws";
    /// A Kubernetes cluster.
    Kubernetes = "kubernetes";
    /// Another company's servers.
    Vendor = "vendor";
    /// Anything else.
    Other = "other";
    /// The elastic address of an instance.
    Instance = "instance";
    /// A NAT gateway.
    NatGateway = "nat-gateway";
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
    /// <https://www.cloudflare.com/ips/>
    Cloudflare,
    /// <https://www.fastly.com/documentation/reference/api/utils/public-ip-list/>
    Fastly,
    /// The owner's `networks.toml`: `network` tables with `cidr`, `name` and `kind`.
    Own,
    /// `aws ec2 describe-addresses`
    ElasticAddresses,
    /// `aws ec2 describe-nat-gateways`
    NatGateways,
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
    /// Entries that could not be used, and why.
    pub unusable: Vec<String>,
    /// Whether a provider published it; otherwise it is the owner's.
    pub published: bool,
}

impl RangeFile {
    /// The day the file is of, where it says so.
    pub fn day(&self) -> Option<Day> {
        parse_day(self.date.get(..10)?)
    }
}

/// All known ranges.
#[derive(Default)]
pub struct Networks {
    by_length: BTreeMap<(bool, u8), HashMap<IpAddr, Place>>,
    /// What was loaded, in order.
    pub files: Vec<RangeFile>,
}

impl Networks {
    /// Loads one file. What cannot be used is named.
    pub fn load(&mut self, kind: RangeKind, content: &Value) {
        let text = |name: &str| match content.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut unusable = Vec::new();
        let mut all = |nets: &mut dyn Iterator<Item = &str>, place: &Place| {
            let mut taken = 0;
            for net in nets {
                match self.insert(net, place.clone()) {
                    true => taken += 1,
                    false => unusable.push(format!("{net:?} is no network")),
                }
            }
            taken
        };
        let prefixes = match kind {
            RangeKind::Github => all(&mut strings(content.get("actions")), &Place::GithubActions),
            RangeKind::Google => {
                let net = |p: &'_ Value| -> Option<String> {
                    let net = p.get("ipv4Prefix").or(p.get("ipv6Prefix"))?;
                    net.as_str().map(str::to_owned)
                };
                let nets: Vec<String> = objects(content.get("prefixes")).filter_map(net).collect();
                all(&mut nets.iter().map(String::as_str), &Place::GoogleCloud)
            }
            RangeKind::Azure => {
                let tags = objects(content.get("values"));
                let mut nets = tags
                    .flat_map(|tag| strings(tag.get("properties").and_then(|p| p.get("addressPrefixes"))));
                all(&mut nets, &Place::Azure)
            }
            RangeKind::Cloudflare => {
                let lists = content.get("result").unwrap_or(content);
                let mut nets = strings(lists.get("ipv4_cidrs")).chain(strings(lists.get("ipv6_cidrs")));
                all(&mut nets, &Place::Proxy("Cloudflare"))
            }
            RangeKind::Fastly => {
                let mut nets =
                    strings(content.get("addresses")).chain(strings(content.get("ipv6_addresses")));
                all(&mut nets, &Place::Proxy("Fastly"))
            }
            RangeKind::Aws => self.load_aws(content, &mut unusable),
            RangeKind::Own => self.load_own(content, &mut unusable),
            RangeKind::ElasticAddresses => self.load_addresses(content, &mut unusable),
            RangeKind::NatGateways => self.load_gateways(content, &mut unusable),
        };
        let (title, date) = match kind {
            RangeKind::Aws => ("AWS", text("createDate")),
            RangeKind::Github => ("GitHub", String::new()),
            RangeKind::Google => ("Google Cloud", text("creationTime")),
            RangeKind::Azure => ("Azure", text("changeNumber")),
            RangeKind::Cloudflare => ("Cloudflare", String::new()),
            RangeKind::Fastly => ("Fastly", String::new()),
            RangeKind::Own => ("own networks", String::new()),
            RangeKind::ElasticAddresses => ("elastic addresses", String::new()),
            RangeKind::NatGateways => ("NAT gateways", String::new()),
        };
        let own = [RangeKind::Own, RangeKind::ElasticAddresses, RangeKind::NatGateways];
        self.files.push(RangeFile { title, date, prefixes, unusable, published: !own.contains(&kind) });
    }

    /// Whether providers' ranges are known: without them, a server of one's own cannot be told from a cloud's.
    pub fn knows_providers(&self) -> bool {
        self.files.iter().any(|file| file.published && file.prefixes > 0)
    }

    fn load_own(&mut self, content: &Value, unusable: &mut Vec<String>) -> usize {
        let mut taken = 0;
        for (number, entry) in objects(content.get("network")).enumerate() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let place = format!("network {} ({:?})", number + 1, text("name"));
            let kind = OwnKind::ALL.iter().take(8).find(|kind| kind.id() == text("kind"));
            let (name, Some(kind)) = (text("name"), kind) else {
                let kinds: Vec<&str> = OwnKind::ALL.iter().take(8).map(|kind| kind.id()).collect();
                unusable.push(format!("{place}: its kind is none of {}", kinds.join(", ")));
                continue;
            };
            if name.is_empty() {
                unusable.push(format!("{place}: it has no name"));
                continue;
            }
            let cidrs = entry.get("cidr");
            let nets: Vec<&str> = cidrs.and_then(Value::as_str).into_iter().chain(strings(cidrs)).collect();
            if nets.is_empty() {
                unusable.push(format!("{place}: it has no cidr"));
            }
            for net in nets {
                let own = Place::Own { name: name.into(), kind: *kind };
                if let Some(other) = self.named(net).filter(|other| *other != own) {
                    let first = if other < own { &other } else { &own };
                    unusable
                        .push(format!("{place}: {net} is named twice, and {:?} counts", first.to_string()));
                }
                match self.insert(net, own) {
                    true => taken += 1,
                    false => unusable.push(format!("{place}: {net:?} is no network")),
                }
            }
        }
        taken
    }

    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Address.html>
    fn load_addresses(&mut self, content: &Value, unusable: &mut Vec<String>) -> usize {
        let mut taken = 0;
        for entry in objects(content.get("Addresses")) {
            let get = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            // An address held by AWS itself (of a NAT gateway, a load balancer) names no instance.
            let (name, kind) = match get("InstanceId") {
                "" => (format!("elastic address {}", get("AllocationId")), OwnKind::Aws),
                instance => (format!("elastic address of instance {instance}"), OwnKind::Instance),
            };
            match self.insert(get("PublicIp"), Place::Own { name: name.into(), kind }) {
                true => taken += 1,
                false => unusable.push(format!("{:?} is no address", get("PublicIp"))),
            }
        }
        taken
    }

    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGateway.html>
    fn load_gateways(&mut self, content: &Value, unusable: &mut Vec<String>) -> usize {
        let mut taken = 0;
        for gateway in objects(content.get("NatGateways")) {
            let get = |name: &str| gateway.get(name).and_then(Value::as_str).unwrap_or_default();
            // The address of one that is gone may be somebody else's by now.
            if matches!(get("State"), "deleted" | "failed") {
                continue;
            }
            let of = if get("VpcId").is_empty() { String::new() } else { format!(" of {}", get("VpcId")) };
            let name: Arc<str> = format!("NAT gateway {}{of}", get("NatGatewayId")).into();
            for address in objects(gateway.get("NatGatewayAddresses")) {
                // A private gateway has no public address.
                let Some(ip) = address.get("PublicIp").and_then(Value::as_str) else { continue };
                match self.insert(ip, Place::Own { name: name.clone(), kind: OwnKind::NatGateway }) {
                    true => taken += 1,
                    false => unusable.push(format!("{ip:?} is no address")),
                }
            }
        }
        taken
    }

    fn load_aws(&mut self, content: &Value, unusable: &mut Vec<String>) -> usize {
        let lists = [("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")];
        let mut count = 0;
        for (list, field) in lists {
            for entry in objects(content.get(list)) {
                let get = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
                let place =
                    Place::Aws { service: get("service").to_owned(), region: get("region").to_owned() };
                match self.insert(get(field), place) {
                    true => count += 1,
                    false => unusable.push(format!("{:?} is no network", get(field))),
                }
            }
        }
        count
    }

    /// Adds a prefix. Of two claims to one prefix the more telling stays: GitHub's before Azure's, in which it
    /// lies, and a service's own before AWS's catch-all `AMAZON`.
    fn insert(&mut self, prefix: &str, place: Place) -> bool {
        let address = |text: &str| text.parse::<IpAddr>().map(IpNet::from);
        let Ok(net) = prefix.parse::<IpNet>().or_else(|_| address(prefix)) else { return false };
        let slot = self.by_length.entry((net.addr().is_ipv6(), net.prefix_len())).or_default();
        let old = slot.entry(net.network()).or_insert_with(|| place.clone());
        if rank(&place) < rank(old) || (rank(&place) == rank(old) && place < *old) {
            *old = place;
        }
        true
    }

    /// What the owner calls this very prefix.
    fn named(&self, prefix: &str) -> Option<Place> {
        let net: IpNet = prefix.parse().ok()?;
        let place = self.by_length.get(&(net.addr().is_ipv6(), net.prefix_len()))?.get(&net.network())?;
        matches!(place, Place::Own { .. }).then(|| place.clone())
    }

    /// What the address is. `vpc_endpoint` is the record's `vpcEndpointId`, or empty.
    pub fn place(&self, address: &str, vpc_endpoint: &str) -> Place {
        if !vpc_endpoint.is_empty() {
            return Place::VpcEndpoint(vpc_endpoint.to_owned());
        }
        // `::ffff:192.0.2.1` is 192.0.2.1.
        let Ok(ip) = address.parse::<IpAddr>().map(|ip| ip.to_canonical()) else {
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
        // What the owner says, before what providers publish; of that, what an account's own listing says first, as
        // addresses change hands.
        Place::Own { kind: OwnKind::Instance | OwnKind::NatGateway, .. } => 0,
        Place::Own { .. } => 1,
        Place::GithubActions => 2,
        Place::Aws { service, .. } if service == "CODEBUILD" => 2,
        Place::Aws { service, .. } if service == "EC2" => 3,
        Place::Aws { service, .. } if service == "AMAZON" => 5,
        _ => 4,
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

    #[test]
    fn what_the_owner_says_is_checked() {
        let mut networks = Networks::default();
        networks.load(
            RangeKind::NatGateways,
            &json!({"NatGateways": [
                {"NatGatewayId": "nat-1", "State": "available", "NatGatewayAddresses": [{"PublicIp": "192.0.2.1"}]},
                {"NatGatewayId": "nat-2", "State": "deleted", "NatGatewayAddresses": [{"PublicIp": "192.0.2.2"}]}]}),
        );
        networks.load(
            RangeKind::Own,
            &json!({"network": [
                {"cidr": "198.51.100.0/24", "name": "B", "kind": "office"},
                {"cidr": "198.51.100.0/24", "name": "A", "kind": "vpn"},
                {"cidr": "198.51.100.0/24", "name": "A", "kind": "vpn"}]}),
        );
        let place = |ip| networks.place(ip, "").to_string();
        assert_eq!(place("192.0.2.1"), "NAT gateway nat-1");
        assert_eq!(place("192.0.2.2"), "public address", "its address may be somebody else's by now");
        assert_eq!(place("::ffff:198.51.100.9"), "A");
        let unusable = networks.files.last().map(|file| file.unusable.clone()).unwrap_or_default();
        assert_eq!(unusable.len(), 1, "{unusable:?}");
        assert!(unusable.iter().all(|text| text.contains("named twice, and \"A\" counts")), "{unusable:?}");
    }
}
