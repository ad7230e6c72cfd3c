//! The cast of the made-up company: every kind of workload and every trap once, then as many more as asked for.

use super::agents;
use super::calls;
use super::cast::{Cast, Mint};
use super::dice::{Dice, Stream};
use super::estate::{Range, Site};
use super::generate::{EstateOptions, as_of};
use super::schedule::Rhythm;
use crate::model::{ROOT_USER, WorkloadKind as Kind};
use jiff::Timestamp;

/// Kinds that ordinary keys cycle over.
const ORDINARY: &[Kind] = &[
    Kind::Ec2,
    Kind::GithubActions,
    Kind::Human,
    Kind::Lambda,
    Kind::EcsTask,
    Kind::OnPremises,
    Kind::ThirdPartySaas,
    Kind::EksPod,
    Kind::Jenkins,
    Kind::Ec2,
    Kind::HcpTerraform,
    Kind::GoogleCloud,
    Kind::GitlabCi,
    Kind::CodeBuild,
    Kind::Azure,
    Kind::Bitbucket,
    Kind::CircleCi,
    Kind::LegacyApp,
    Kind::SsmHybridNode,
    Kind::RoleAssumer,
];

/// Makes everybody up.
pub(super) fn cast(options: &EstateOptions) -> Cast {
    let mut cast = Cast {
        options: options.clone(),
        as_of: as_of(),
        users: Vec::new(),
        keys: Vec::new(),
        consumers: Vec::new(),
        dice: Dice::new(options.seed, Stream::Cast, 0),
    };
    every_kind(&mut cast);
    traps(&mut cast);
    unused(&mut cast);
    fill(&mut cast);
    cast
}

fn every_kind(cast: &mut Cast) {
    let sites = [Site::Prod, Site::Dev, Site::Data];
    for (n, kind) in ORDINARY.iter().enumerate() {
        // One EKS controller where roles for service accounts are in use, and one where they are not.
        let site = match (kind, n) {
            (Kind::EksPod, _) => Site::Prod,
            _ => sites.get(n % 3).copied().unwrap_or(Site::Prod),
        };
        let key = cast.workload(site, *kind);
        if *kind == Kind::RoleAssumer {
            cast.trap(
                key,
                "assume-role-only",
                "needs no new role: its consumer needs another way into the roles",
            );
        }
        if *kind == Kind::HcpTerraform {
            cast.trap(key, "via-service", "CloudFormation and KMS act on its behalf");
        }
    }
    cast.workload(Site::Dev, Kind::EksPod);
    let mailer = cast.workload(Site::Prod, Kind::SesSmtp);
    cast.trap(mailer, "ses-smtp", "in use though no log shows it, and IAM shows nothing either");
    if let Some(key) = cast.keys.get_mut(mailer) {
        key.hidden_from_iam = true;
    }
    let mailer = cast.workload(Site::Dev, Kind::SesSmtp);
    cast.trap(mailer, "ses-smtp", "in use though no log shows it");
    let signer = cast.workload(Site::Data, Kind::UrlSigner);
    cast.trap(signer, "presigned", "its links would end with a role's session");
}

fn traps(cast: &mut Cast) {
    let shared = cast.workload(Site::Prod, Kind::Ec2);
    for kind in [Kind::Lambda, Kind::GithubActions, Kind::Human] {
        cast.consumer(shared, kind);
    }
    cast.trap(shared, "shared-by-four", "four consumers in four places");

    let monthly = cast.workload(Site::Prod, Kind::OnPremises);
    cast.change_last(|c| c.rhythm = Rhythm::Monthly(2));
    cast.trap(monthly, "monthly-job", "silent for weeks, and needed every month");

    let objects = cast.workload(Site::Prod, Kind::Ec2);
    cast.change_last(|c| {
        c.calls = calls::OBJECTS;
        c.visible = false;
        c.vpc_endpoint = None;
        c.machine = None;
        c.note = "calls S3 objects only, which this account's trail does not record";
    });
    cast.trap(objects, "s3-data-only", "IAM says that it is used, the trail does not show it");

    let user = cast.user(Site::Dev, "svc-old-importer");
    let leaked = cast.key(user, 700);
    let scanner = cast.consumer(leaked, Kind::Unknown);
    if let Some(c) = cast.consumers.get_mut(scanner) {
        let mut dice = Dice::new(cast.options.seed, Stream::Consumer(scanner), 0);
        c.scanner = true;
        c.ips = Range::OtherCompany.addresses(2, &mut dice);
        c.agents = vec![agents::SCANNER];
        c.rhythm = Rhythm::Steady(70);
    }
    cast.trap(leaked, "leaked-validated", "nothing of ours uses it, and somebody else has it");

    let mfa = cast.workload(Site::Prod, Kind::Human);
    cast.change_last(|c| c.mint = Mint::SessionToken);
    cast.trap(mfa, "session-get-session-token", "the work is done by sessions");

    let role = cast.workload(Site::Dev, Kind::Ec2);
    cast.change_last(|c| c.mint = Mint::Role);
    cast.trap(role, "session-assume-role", "some of the work is done by a role's sessions");

    let first = cast.workload(Site::Data, Kind::Ec2);
    let user = cast.keys.get(first).map_or(0, |key| key.user);
    let second = cast.key(user, 900);
    idle(cast, second, 200);
    cast.trap(first, "two-keys", "the user's other key is idle");
    cast.trap(second, "two-keys", "the user's other key is in use");
    let first = cast.workload(Site::Dev, Kind::GithubActions);
    let user = cast.keys.get(first).map_or(0, |key| key.user);
    let second = cast.key(user, 60);
    cast.consumer(second, Kind::OnPremises);
    cast.trap(first, "two-keys", "both keys of the user are in use");
    cast.trap(second, "two-keys", "both keys of the user are in use");

    let quarantined = cast.workload(Site::Dev, Kind::Ec2);
    let user = cast.keys.get(quarantined).map_or(0, |key| key.user);
    if let Some(user) = cast.users.get_mut(user) {
        user.quarantined = true;
    }
    cast.trap(quarantined, "quarantined", "AWS found it exposed");

    let user = cast.user(Site::Legacy, ROOT_USER);
    if let Some(user) = cast.users.get_mut(user) {
        user.root = true;
    }
    let root = cast.key(user, 2400);
    cast.consumer(root, Kind::Human);
    cast.change_last(|c| c.rhythm = Rhythm::Weekly(1));
    cast.trap(root, "root-key", "a root key in use");

    let denied = cast.workload(Site::Prod, Kind::EcsTask);
    cast.change_last(|c| c.denied = 100);
    cast.trap(denied, "denied", "every call is denied, and something depends on it all the same");

    let laptop = cast.workload(Site::Dev, Kind::Human);
    cast.change_last(|c| {
        c.agents = vec![agents::LAPTOP_TERRAFORM];
        c.calls = calls::INFRASTRUCTURE;
    });
    if let Some(user) = cast.keys.get(laptop).map(|key| key.user).and_then(|user| cast.users.get_mut(user)) {
        user.administrator = true;
    }
}

fn unused(cast: &mut Cast) {
    for (n, site) in [Site::Prod, Site::Dev, Site::Legacy, Site::Data].into_iter().enumerate() {
        let user = cast.user(site, format!("svc-never-{n}"));
        let key = cast.key(user, 300 + 100 * u32::try_from(n).unwrap_or(0));
        cast.trap(key, "never-used", "never used since it was made");
    }
    for (n, site) in [Site::Prod, Site::Data].into_iter().enumerate() {
        let user = cast.user(site, format!("svc-retired-{n}"));
        let key = cast.key(user, 1500);
        idle(cast, key, 120 + 150 * u32::try_from(n).unwrap_or(0));
    }
    let user = cast.user(Site::Dev, "svc-switched-off");
    let key = cast.key(user, 800);
    idle(cast, key, 250);
    if let Some(key) = cast.keys.get_mut(key) {
        key.active = false;
    }
    cast.trap(key, "inactive", "switched off long ago");
    let user = cast.user(Site::Prod, "svc-just-made");
    let key = cast.key(user, 5);
    cast.trap(key, "new-key", "made a few days ago for something that is not deployed yet");
}

/// Marks a key as unused since long before the logs begin.
fn idle(cast: &mut Cast, key: usize, days: u32) {
    let days = days + cast.options.days;
    let time = cast.days_ago(days);
    // IAM keeps the first use in each quarter of an hour.
    let rounded = Timestamp::from_second(time.as_second().div_euclid(900) * 900).unwrap_or(time);
    if let Some(key) = cast.keys.get_mut(key) {
        key.created =
            key.created.min(Timestamp::from_second(rounded.as_second() - 86_400 * 200).unwrap_or(rounded));
        key.used_before = Some(rounded);
    }
    cast.trap(key, "idle", "idle since before the logs begin");
}

/// As many more keys as were asked for: mostly ordinary ones, some shared, unused, idle or switched off.
fn fill(cast: &mut Cast) {
    let sites = [Site::Prod, Site::Dev, Site::Data, Site::Legacy];
    let mut n = 0;
    while cast.keys.len() < cast.options.keys as usize {
        let site = sites.get(cast.dice.position(sites.len())).copied().unwrap_or(Site::Prod);
        let kind = ORDINARY.get(n % ORDINARY.len()).copied().unwrap_or(Kind::Ec2);
        n += 1;
        let draw = cast.dice.below(100);
        if draw < 55 {
            cast.workload(site, kind);
        } else if draw < 65 {
            let key = cast.workload(site, kind);
            let other = ORDINARY.get((n + 7) % ORDINARY.len()).copied().unwrap_or(Kind::Human);
            // A key that does nothing but assume roles does nothing else.
            if kind != Kind::RoleAssumer && other != Kind::RoleAssumer && other != kind {
                cast.consumer(key, other);
            }
        } else {
            let name = format!("svc-old-{}", cast.users.len());
            let user = cast.user(site, name);
            let age = cast.dice.between(100, 2300);
            let key = cast.key(user, age);
            if draw < 85 {
                cast.trap(key, "never-used", "");
            } else {
                let days = cast.dice.between(10, 300);
                idle(cast, key, days);
                if draw >= 95
                    && let Some(key) = cast.keys.get_mut(key)
                {
                    key.active = false;
                    key.traps.push("inactive");
                }
            }
        }
    }
}
