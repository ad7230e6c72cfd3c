//! What else happens in an account: roles, services, people in the console. None of it is use of a static key.

use super::agents;
use super::calls::{self, Call};
use super::cast::Cast;
use super::dice::{Dice, Stream};
use super::estate::{Range, Region, Site};
use super::events::{Event, base, set, time};
use crate::model::Day;
use serde_json::{Value, json};

/// So many records of an account's day.
pub(super) fn of_day(cast: &Cast, site: Site, day: Day, count: usize) -> Vec<Event> {
    let mut dice = Dice::new(cast.options.seed, Stream::Noise(site.index()), day.0);
    let midnight = day.start().as_second();
    let mut events = Vec::new();
    for n in 0..count {
        let second = midnight + i64::from(dice.below(86_400));
        let region = if n == 0 || dice.percent(60) { Region::UsEast1 } else { Region::EuWest1 };
        // The first two make sure that both regions have something every day.
        let region = if n == 1 { Region::EuWest1 } else { region };
        let record = match dice.below(10) {
            0..=5 => instance(&mut dice, site, region, second),
            6..=7 => service(&mut dice, site, region, second),
            _ => console(&mut dice, site, region, second),
        };
        events.push(Event { site, region, second, record });
    }
    events.extend(machines(cast, site, day, &mut dice));
    events
}

fn assumed(dice: &mut Dice, site: Site, role: &str, session: &str) -> Value {
    let account = site.id();
    json!({
        "type": "AssumedRole", "principalId": format!("AROAEXAMPLE{account}:{session}"),
        "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"), "accountId": account,
        "accessKeyId": dice.example_id("ASIA", 9),
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": format!("AROAEXAMPLE{account}"),
            "arn": format!("arn:aws:iam::{account}:role/{role}"), "accountId": account, "userName": role},
            "attributes": {"creationDate": "2026-06-01T00:00:00Z", "mfaAuthenticated": "false"}}
    })
}

fn instance(dice: &mut Dice, site: Site, region: Region, second: i64) -> Value {
    let session = format!("web-{}", dice.hex(8));
    let identity = assumed(dice, site, "app-role", &session);
    let call = calls::APP.get(dice.position(calls::APP.len())).copied().unwrap_or(calls::WHO_AM_I);
    let mut record = base(dice, call, second, site, region, identity);
    set(&mut record, "sourceIPAddress", json!(Range::Ec2(region).address(dice)));
    set(&mut record, "userAgent", json!(dice.pick(agents::EC2)));
    record
}

fn service(dice: &mut Dice, site: Site, region: Region, second: i64) -> Value {
    let service = dice.pick(&["ec2.amazonaws.com", "lambda.amazonaws.com", "config.amazonaws.com"]);
    let identity = json!({"type": "AWSService", "invokedBy": service});
    let mut record = base(dice, calls::ASSUME, second, site, region, identity);
    set(&mut record, "sourceIPAddress", json!(service));
    set(&mut record, "userAgent", json!(service));
    let credentials = json!({"accessKeyId": dice.example_id("ASIA", 9), "expiration": time(second + 3600), "sessionToken": "EXAMPLETOKEN"});
    set(
        &mut record,
        "requestParameters",
        json!({"roleArn": format!("arn:aws:iam::{}:role/app-role", site.id()), "roleSessionName": "example"}),
    );
    set(&mut record, "responseElements", json!({"credentials": credentials}));
    set(&mut record, "sharedEventID", json!(dice.uuid()));
    record
}

fn console(dice: &mut Dice, site: Site, region: Region, second: i64) -> Value {
    let account = site.id();
    let identity = json!({
        "type": "IAMUser", "principalId": "AIDAEXAMPLECONSOLE", "arn": format!("arn:aws:iam::{account}:user/console-admin"),
        "accountId": account, "accessKeyId": dice.example_id("ASIA", 9), "userName": "console-admin",
        "sessionContext": {"attributes": {"creationDate": time(second - 600), "mfaAuthenticated": "true"}}
    });
    let call = Call { service: "ec2", name: "DescribeInstances" };
    let mut record = base(dice, call, second, site, region, identity);
    set(&mut record, "sourceIPAddress", json!(Range::Office.address(dice)));
    set(&mut record, "userAgent", json!(dice.pick(agents::BROWSERS)));
    set(&mut record, "sessionCredentialFromConsole", json!("true"));
    record
}

/// Role sessions of machines that static keys are used on, too.
fn machines(cast: &Cast, site: Site, day: Day, dice: &mut Dice) -> Vec<Event> {
    let mut events = Vec::new();
    for consumer in &cast.consumers {
        let own = cast
            .keys
            .get(consumer.key)
            .and_then(|key| cast.users.get(key.user))
            .is_some_and(|user| user.site == site);
        let (Some(machine), Some(ip), true) = (&consumer.machine, consumer.ips.first(), own) else {
            continue;
        };
        // Seldom is often enough to tell.
        if !dice.percent(8) {
            continue;
        }
        let second = day.start().as_second() + i64::from(dice.below(86_400));
        let hybrid = machine.starts_with("mi-");
        let (role, agent) =
            if hybrid { ("ssm-node-role", agents::SSM_AGENT) } else { ("app-role", dice.pick(agents::EC2)) };
        let identity = assumed(dice, site, role, machine);
        let call = Call { service: "ssm", name: "UpdateInstanceInformation" };
        let mut record = base(dice, call, second, site, consumer.region, identity);
        set(&mut record, "sourceIPAddress", json!(ip));
        set(&mut record, "userAgent", json!(agent));
        events.push(Event { site, region: consumer.region, second, record });
    }
    events
}
