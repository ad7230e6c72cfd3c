//! The accounts and regions of the made-up company, and its addresses.

use super::dice::Dice;

/// The four accounts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// Customer-facing systems.
    Prod,
    /// Where things are tried.
    Dev,
    /// The only account whose trail logs S3 object calls.
    Data,
    /// Old things, and all the damaged log files.
    Legacy,
}

impl Site {
    /// All of them, in the order of [`Site::index`].
    pub(super) const ALL: [Site; 4] = [Site::Prod, Site::Dev, Site::Data, Site::Legacy];

    /// The account id.
    pub(super) fn id(self) -> &'static str {
        match self {
            Site::Prod => "111122223333",
            Site::Dev => "444455556666",
            Site::Data => "777788889999",
            Site::Legacy => "123456789012",
        }
    }

    /// Position in [`Site::ALL`].
    pub(super) fn index(self) -> usize {
        match self {
            Site::Prod => 0,
            Site::Dev => 1,
            Site::Data => 2,
            Site::Legacy => 3,
        }
    }

    /// Whether this account's trail logs S3 object calls.
    pub(super) fn logs_s3_objects(self) -> bool {
        self == Site::Data
    }
}

/// The three regions in use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    /// us-east-1: also records what happens at global endpoints.
    UsEast1,
    /// eu-west-1.
    EuWest1,
    /// ap-southeast-2: quiet on most days.
    ApSoutheast2,
}

impl Region {
    /// All of them, in the order of their ids.
    pub(super) const ALL: [Region; 3] = [Region::UsEast1, Region::EuWest1, Region::ApSoutheast2];

    /// The region's name.
    pub(super) fn id(self) -> &'static str {
        match self {
            Region::UsEast1 => "us-east-1",
            Region::EuWest1 => "eu-west-1",
            Region::ApSoutheast2 => "ap-southeast-2",
        }
    }
}

/// Where an address lies.
#[derive(Clone, Copy)]
pub(super) enum Range {
    /// EC2 in a region.
    Ec2(Region),
    /// CodeBuild in us-east-1.
    CodeBuild,
    /// Google Cloud.
    Google,
    /// Azure.
    Azure,
    /// GitHub-hosted runners.
    GithubActions,
    /// Machines of other companies.
    OtherCompany,
    /// The company's own data centre.
    DataCentre,
    /// The addresses that the office's computers share.
    Office,
    /// Somebody's home.
    Home,
    /// Somebody's home with IPv6.
    HomeV6,
    /// A mobile or home network behind carrier-grade address translation.
    CarrierNat,
    /// Inside a VPC.
    Private,
}

impl Range {
    /// An address in the range.
    pub(super) fn address(self, dice: &mut Dice) -> String {
        let (prefix, first, count) = match self {
            Range::Ec2(Region::UsEast1) => ("192.0.2", 1, 62),
            Range::Ec2(Region::EuWest1) => ("192.0.2", 65, 62),
            Range::CodeBuild => ("192.0.2", 129, 14),
            Range::Ec2(Region::ApSoutheast2) => ("192.0.2", 161, 30),
            Range::Google => ("198.51.100", 1, 62),
            Range::Azure => ("198.51.100", 65, 62),
            Range::GithubActions => ("198.51.100", 129, 62),
            Range::OtherCompany => ("198.51.100", 193, 62),
            Range::DataCentre => ("203.0.113", 1, 62),
            Range::Office => ("203.0.113", 65, 14),
            Range::Home => ("203.0.113", 129, 126),
            Range::HomeV6 => {
                let (network, subnet) = (dice.below(0x1000), dice.between(1, 0xffff));
                return format!(
                    "2001:db8:f{network:03x}:{subnet:x}:{:x}::{:x}",
                    dice.below(0xffff) + 1,
                    dice.below(0xfffe) + 2
                );
            }
            Range::CarrierNat => {
                return format!("100.{}.{}.{}", dice.between(64, 127), dice.below(256), dice.between(1, 254));
            }
            Range::Private => {
                return format!("10.{}.{}.{}", dice.below(4), dice.below(256), dice.between(4, 254));
            }
        };
        format!("{prefix}.{}", first + dice.below(count))
    }

    /// At most `count` different addresses.
    pub(super) fn addresses(self, count: u32, dice: &mut Dice) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for _ in 0..count {
            let address = self.address(dice);
            if !found.contains(&address) {
                found.push(address);
            }
        }
        found
    }
}
