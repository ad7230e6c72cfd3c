//! What each kind of workload looks like from outside.

use super::agents;
use super::calls::{self, Call};
use super::cast::{Consumer, Mint};
use super::dice::Dice;
use super::estate::{Range, Region, Site};
use super::schedule::Rhythm;
use crate::model::WorkloadKind;

const WORDS: &[&str] = &[
    "billing", "reports", "search", "images", "orders", "export", "metrics", "archive", "mailing", "catalog",
];

/// A user name that fits the workload; what people call things is a hint at best.
pub(super) fn user_name(kind: WorkloadKind, number: usize, dice: &mut Dice) -> String {
    let word = dice.pick(WORDS);
    match kind {
        WorkloadKind::GithubActions => format!("ci-deployer-{number}"),
        WorkloadKind::GitlabCi => format!("gitlab-ci-{word}-{number}"),
        WorkloadKind::Bitbucket => format!("bitbucket-pipelines-{word}-{number}"),
        WorkloadKind::CircleCi => format!("circleci-{word}-{number}"),
        WorkloadKind::HcpTerraform => format!("tfc-{word}-{number}"),
        WorkloadKind::Jenkins => format!("jenkins-{word}-{number}"),
        WorkloadKind::Human => format!("engineer-{number}"),
        WorkloadKind::SesSmtp => format!("ses-smtp-user.20240311-{:06}", 101_500 + number),
        _ => format!("svc-{word}-{number}"),
    }
}

/// A consumer of a key with everything that its kind implies.
pub(super) fn consumer(key: usize, kind: WorkloadKind, number: usize, dice: &mut Dice) -> Consumer {
    let region = if dice.percent(70) { Region::UsEast1 } else { Region::EuWest1 };
    let mut consumer = Consumer {
        key,
        kind,
        name: format!("{}-{number}", kind.id()),
        region,
        rhythm: Rhythm::Steady(1500),
        calls: calls::APP,
        ips: Vec::new(),
        agents: Vec::new(),
        vpc_endpoint: None,
        denied: 2,
        mint: Mint::None,
        via_service: false,
        presigned: false,
        machine: None,
        scanner: false,
        visible: true,
        note: "",
    };
    dress(&mut consumer, dice);
    consumer
}

fn dress(c: &mut Consumer, dice: &mut Dice) {
    let steady = Rhythm::Steady(1500);
    let pipeline = Rhythm::Pipeline(1200);
    let (hour, luck, hex) = (dice.below(6), dice.below(100), dice.hex(16));
    let mut wear = |c: &mut Consumer,
                    range: Range,
                    ips: u32,
                    agents: &[&'static str],
                    calls: &'static [Call],
                    rhythm: Rhythm| {
        c.ips = range.addresses(ips, dice);
        c.agents = vec![dice.pick(agents)];
        c.calls = calls;
        c.rhythm = rhythm;
    };
    match c.kind {
        WorkloadKind::Ec2 => {
            wear(c, Range::Ec2(c.region), 2, agents::EC2, calls::APP, steady);
            if luck < 25 {
                c.ips = Range::Private.addresses(2, dice);
                c.vpc_endpoint = Some(format!("vpce-0{hex}"));
            } else if luck < 55 {
                c.machine = Some(format!("i-0{hex}"));
            }
        }
        WorkloadKind::EcsTask => wear(c, Range::Ec2(c.region), 5, agents::ECS, calls::APP, steady),
        WorkloadKind::Lambda => {
            wear(c, Range::Ec2(c.region), 20, agents::LAMBDA, calls::APP, Rhythm::Steady(2500))
        }
        WorkloadKind::CodeBuild => {
            c.region = Region::UsEast1;
            wear(c, Range::CodeBuild, 4, agents::CODEBUILD, calls::DEPLOY, pipeline);
        }
        WorkloadKind::EksPod => {
            wear(c, Range::Ec2(c.region), 4, agents::CONTROLLERS, calls::CONTROLLER, steady)
        }
        WorkloadKind::GithubActions => {
            wear(c, Range::GithubActions, 30, agents::GITHUB, calls::DEPLOY, pipeline);
            c.agents = agents::GITHUB.to_vec();
        }
        WorkloadKind::GitlabCi => wear(c, Range::Google, 10, agents::GITLAB, calls::DEPLOY, pipeline),
        WorkloadKind::Bitbucket | WorkloadKind::CircleCi => {
            // Far from the addresses of the company's own instances.
            c.region = Region::UsEast1;
            wear(c, Range::Ec2(Region::ApSoutheast2), 6, agents::PIPELINE, calls::DEPLOY, pipeline);
        }
        WorkloadKind::HcpTerraform => {
            wear(c, Range::OtherCompany, 5, agents::TERRAFORM, calls::INFRASTRUCTURE, pipeline);
            c.via_service = true;
        }
        WorkloadKind::OnPremises => {
            wear(c, Range::DataCentre, 1, agents::SERVER, calls::BACKUP, Rhythm::Nightly(hour));
            keep_apart(&mut c.ips, false);
        }
        WorkloadKind::Jenkins => {
            wear(c, Range::DataCentre, 1, agents::JENKINS, calls::DEPLOY, pipeline);
            keep_apart(&mut c.ips, false);
        }
        WorkloadKind::SsmHybridNode => {
            wear(c, Range::DataCentre, 1, agents::SERVER, calls::BACKUP, Rhythm::Nightly(3));
            keep_apart(&mut c.ips, true);
            c.machine = Some(format!("mi-0{hex}"));
        }
        WorkloadKind::ThirdPartySaas => wear(c, Range::OtherCompany, 2, agents::SAAS, calls::MONITOR, steady),
        WorkloadKind::GoogleCloud => wear(c, Range::Google, 3, agents::GOOGLE, calls::APP, steady),
        WorkloadKind::Azure => wear(c, Range::Azure, 3, agents::AZURE, calls::APP, steady),
        WorkloadKind::Human => {
            wear(c, Range::Office, 2, agents::PEOPLE, calls::CURIOUS, Rhythm::Office(900));
            c.ips.extend(Range::Home.addresses(2, dice));
            c.ips.extend(Range::HomeV6.addresses(1, dice));
            c.ips.extend(Range::CarrierNat.addresses(1, dice));
            c.denied = 6;
        }
        WorkloadKind::RoleAssumer => {
            wear(c, Range::Ec2(c.region), 1, agents::EC2, calls::APP, steady);
            c.mint = Mint::OnlyRoles(Site::Data);
        }
        WorkloadKind::SesSmtp => {
            c.visible = false;
            c.rhythm = Rhythm::Steady(3000);
            c.note = "sends over SMTP, which appears in no log";
        }
        WorkloadKind::UrlSigner => {
            wear(c, Range::Home, 25, agents::BROWSERS, calls::OBJECTS, steady);
            c.agents = agents::BROWSERS.to_vec();
            c.presigned = true;
            c.denied = 0;
            c.region = Region::UsEast1;
            c.note = "signs links; the addresses and agents are those of whoever follows them";
        }
        WorkloadKind::LegacyApp => {
            wear(c, Range::OtherCompany, 1, agents::LEGACY, calls::BACKUP, steady);
        }
        WorkloadKind::Unknown => {}
    }
}

/// Hybrid nodes have the upper addresses of the data centre to themselves, as a server is one or the other.
fn keep_apart(ips: &mut [String], hybrid: bool) {
    for ip in ips {
        let last: u32 = ip.rsplit('.').next().and_then(|octet| octet.parse().ok()).unwrap_or(1);
        let moved = if hybrid { 48 + last % 14 } else { 1 + last % 46 };
        *ip = format!("203.0.113.{moved}");
    }
}
