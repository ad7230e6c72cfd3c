//! What one consumer does on one day, as CloudTrail records it.

use super::calls::{self, Call};
use super::cast::{Cast, Consumer, Key, Mint, User};
use super::dice::{Dice, Stream};
use super::estate::{Region, Site};
use super::requests;
use crate::model::Day;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A record, and where its file is.
pub(super) struct Event {
    pub(super) site: Site,
    pub(super) region: Region,
    pub(super) second: i64,
    pub(super) record: Value,
}

/// When a key was last used, and for what.
pub(super) struct LastUse {
    pub(super) time: Timestamp,
    pub(super) service: &'static str,
    pub(super) region: &'static str,
}

/// One call: when and which.
struct Step {
    second: i64,
    call: Call,
}

/// The calls of a day, before sessions and services come in.
fn steps(consumer: &Consumer, index: usize, day: Day, dice: &mut Dice) -> Vec<Step> {
    let midnight = day.start().as_second();
    let mut steps = Vec::new();
    let mut starts = consumer.rhythm.starts(day, dice);
    // Chance alone would leave some of thousands without a single event, and the truth would be wrong of them.
    if starts.is_empty()
        && consumer.rhythm.is_by_chance()
        && !consumer.scanner
        && (i64::from(day.0) + index as i64).rem_euclid(14) == 0
    {
        starts.push(39_600);
    }
    for start in starts {
        let count = dice.between(2, 5);
        for n in 0..count {
            let call = if consumer.scanner {
                calls::WHO_AM_I
            } else {
                consumer.calls.get(dice.position(consumer.calls.len())).copied().unwrap_or(calls::WHO_AM_I)
            };
            let second = midnight + (start + i64::from(n * 7)).min(86_399);
            steps.push(Step { second, call });
            if consumer.scanner {
                break;
            }
        }
    }
    steps
}

/// The last use within the logs, as IAM would know it: data events count, whether or not a trail records them.
pub(super) fn last_use(cast: &Cast, index: usize, consumer: &Consumer) -> Option<LastUse> {
    let first = cast.first_day();
    let last = Day::of(cast.as_of).plus(-1);
    let created = cast.keys.get(consumer.key).map(|key| key.created)?;
    for n in (first.0..=last.0).rev() {
        let day = Day(n);
        let mut dice = Dice::new(cast.options.seed, Stream::Consumer(index), n);
        let steps = steps(consumer, index, day, &mut dice);
        let latest =
            steps.iter().filter(|step| step.second > created.as_second()).max_by_key(|step| step.second);
        if let Some(step) = latest {
            // Its key asks STS only; the work is the session's.
            let call = match consumer.mint {
                Mint::SessionToken => calls::SESSION_TOKEN,
                Mint::OnlyRoles(_) => calls::ASSUME,
                Mint::None | Mint::Role => step.call,
            };
            let region = if call.is_global() { "us-east-1" } else { consumer.region.id() };
            let time = Timestamp::from_second(step.second.div_euclid(900) * 900).ok()?;
            return Some(LastUse { time, service: call.service, region });
        }
    }
    None
}

/// Everything that the consumer's day leaves in the logs.
pub(super) fn of_day(cast: &Cast, index: usize, consumer: &Consumer, day: Day) -> Vec<Event> {
    if !consumer.visible {
        return Vec::new();
    }
    let (Some(key), mut dice) =
        (cast.keys.get(consumer.key), Dice::new(cast.options.seed, Stream::Consumer(index), day.0))
    else {
        return Vec::new();
    };
    let Some(user) = cast.users.get(key.user) else { return Vec::new() };
    let steps = steps(consumer, index, day, &mut dice);
    let mut writer = Writer { consumer, key, user, dice, events: Vec::new(), session: None };
    for step in steps.iter().filter(|step| step.second > key.created.as_second()) {
        writer.step(step);
    }
    writer.events
}

/// A session that the consumer works under.
struct Session {
    identity: Value,
    site: Site,
    until: i64,
}

struct Writer<'a> {
    consumer: &'a Consumer,
    key: &'a Key,
    user: &'a User,
    dice: Dice,
    events: Vec<Event>,
    session: Option<Session>,
}

impl Writer<'_> {
    fn step(&mut self, step: &Step) {
        let site = self.user.site;
        if step.call.is_s3_object() && !site.logs_s3_objects() {
            return;
        }
        if self.session.as_ref().is_none_or(|session| session.until < step.second) {
            self.renew_session(step.second);
        }
        match (self.consumer.mint, self.session.take()) {
            (Mint::None, _) | (_, None) => self.call(step.call, step.second, site, self.static_identity()),
            (Mint::Role, Some(session)) if self.dice.percent(40) => {
                self.call(step.call, step.second, site, self.static_identity());
                self.session = Some(session);
            }
            (_, Some(session)) => {
                self.call(step.call, step.second, session.site, session.identity.clone());
                self.session = Some(session);
            }
        }
        if self.consumer.via_service && self.dice.percent(15) {
            self.through_a_service(step.second + 1);
        }
    }

    fn static_identity(&self) -> Value {
        let account = self.user.site.id();
        if self.user.root {
            return json!({"type": "Root", "principalId": account, "arn": format!("arn:aws:iam::{account}:root"), "accountId": account, "accessKeyId": self.key.id});
        }
        let path = self.user.path.trim_start_matches('/');
        let arn = format!("arn:aws:iam::{account}:user/{path}{}", self.user.name);
        json!({"type": "IAMUser", "principalId": self.user.id, "arn": arn, "accountId": account, "accessKeyId": self.key.id, "userName": self.user.name})
    }

    /// Asks STS for credentials, as the consumer's way of working has it.
    fn renew_session(&mut self, second: i64) {
        let id = self.dice.example_id("ASIA", 9);
        let expires = time(second + 3600);
        let credentials = json!({"accessKeyId": id, "sessionToken": "EXAMPLETOKEN", "expiration": expires});
        match self.consumer.mint {
            Mint::None => {}
            Mint::SessionToken => {
                let mut record =
                    self.record(calls::SESSION_TOKEN, second - 2, self.user.site, self.static_identity());
                set(&mut record, "responseElements", json!({"credentials": credentials}));
                self.push(calls::SESSION_TOKEN, second - 2, self.user.site, record);
                let mut identity = self.static_identity();
                set(&mut identity, "accessKeyId", json!(id));
                set(
                    &mut identity,
                    "sessionContext",
                    json!({"attributes": {"creationDate": time(second - 2), "mfaAuthenticated": "true"}}),
                );
                self.session = Some(Session { identity, site: self.user.site, until: second + 3600 });
            }
            Mint::Role => self.assume(&id, &credentials, second, self.user.site, "deploy-role"),
            Mint::OnlyRoles(other) => {
                if self.dice.percent(30) {
                    let record =
                        self.record(calls::WHO_AM_I, second - 3, self.user.site, self.static_identity());
                    self.push(calls::WHO_AM_I, second - 3, self.user.site, record);
                }
                let site = if self.dice.percent(50) { other } else { self.user.site };
                self.assume(&id, &credentials, second, site, "app-role");
            }
        }
    }

    fn assume(&mut self, id: &str, credentials: &Value, second: i64, site: Site, role: &str) {
        let account = site.id();
        let role_arn = format!("arn:aws:iam::{account}:role/{role}");
        let session_arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{}", self.consumer.name);
        let role_id = format!("AROAEXAMPLE{account}");
        let shared = self.dice.uuid();
        let request =
            json!({"roleArn": role_arn, "roleSessionName": self.consumer.name, "durationSeconds": 3600});
        let response = json!({"credentials": credentials, "assumedRoleUser": {"assumedRoleId": format!("{role_id}:{}", self.consumer.name), "arn": session_arn}});
        let mut accounts = vec![(self.user.site, self.static_identity())];
        if site != self.user.site {
            // The role's account sees another account's principal, and no key id.
            accounts.push((
                site,
                json!({"type": "AWSAccount", "principalId": self.user.id, "accountId": self.user.site.id()}),
            ));
        }
        for (at, identity) in accounts {
            let mut record = self.record(calls::ASSUME, second - 2, at, identity);
            set(&mut record, "requestParameters", request.clone());
            set(
                &mut record,
                "resources",
                json!([{"accountId": account, "type": "AWS::IAM::Role", "ARN": role_arn}]),
            );
            set(&mut record, "responseElements", response.clone());
            set(&mut record, "sharedEventID", json!(shared));
            self.push(calls::ASSUME, second - 2, at, record);
        }
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{role_id}:{}", self.consumer.name), "arn": session_arn,
            "accountId": account, "accessKeyId": id,
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": role_id, "arn": role_arn, "accountId": account, "userName": role},
                               "attributes": {"creationDate": time(second - 2), "mfaAuthenticated": "false"}}
        });
        self.session = Some(Session { identity, site, until: second + 3600 });
    }

    fn call(&mut self, call: Call, second: i64, site: Site, identity: Value) {
        let mut record = self.record(call, second, site, identity);
        if self.dice.percent(self.consumer.denied) {
            let ec2 = call.service == "ec2";
            set(
                &mut record,
                "errorCode",
                json!(if ec2 { "Client.UnauthorizedOperation" } else { "AccessDenied" }),
            );
            set(
                &mut record,
                "errorMessage",
                json!(format!("User is not authorized to perform: {}:{}", call.service, call.name)),
            );
        }
        if self.consumer.presigned {
            set(
                &mut record,
                "additionalEventData",
                json!({"SignatureVersion": "SigV4", "AuthenticationMethod": "QueryString"}),
            );
        }
        self.push(call, second, site, record);
    }

    /// CloudFormation and S3 act with the caller's identity.
    fn through_a_service(&mut self, second: i64) {
        for (call, service) in [
            (Call { service: "ec2", name: "CreateSecurityGroup" }, "cloudformation.amazonaws.com"),
            (Call { service: "kms", name: "GenerateDataKey" }, "s3.amazonaws.com"),
        ] {
            let mut identity = self.static_identity();
            set(&mut identity, "invokedBy", json!(service));
            let mut record = self.record(call, second, self.user.site, identity);
            set(&mut record, "sourceIPAddress", json!(service));
            set(&mut record, "userAgent", json!(service));
            self.push(call, second, self.user.site, record);
        }
    }

    fn record(&mut self, call: Call, second: i64, site: Site, identity: Value) -> Value {
        let ip =
            self.consumer.ips.get(self.dice.position(self.consumer.ips.len())).cloned().unwrap_or_default();
        let agent = self
            .consumer
            .agents
            .get(self.dice.position(self.consumer.agents.len()))
            .copied()
            .unwrap_or_default();
        let region = self.region(call);
        let mut record = base(&mut self.dice, call, second, site, region, identity);
        let (request, resources) = requests::of(call, &self.consumer.name, site, region.id());
        if !call.is_s3_object() {
            set(&mut record, "requestParameters", request);
            if let Some(resources) = resources {
                set(&mut record, "resources", resources);
            }
        }
        set(&mut record, "sourceIPAddress", json!(ip));
        // Some services put brackets around the agent.
        set(
            &mut record,
            "userAgent",
            if call.service == "s3" { json!(format!("[{agent}]")) } else { json!(agent) },
        );
        if let Some(endpoint) = &self.consumer.vpc_endpoint {
            set(&mut record, "vpcEndpointId", json!(endpoint));
        }
        record
    }

    fn region(&self, call: Call) -> Region {
        if call.is_global() { Region::UsEast1 } else { self.consumer.region }
    }

    fn push(&mut self, call: Call, second: i64, site: Site, record: Value) {
        self.events.push(Event { site, region: self.region(call), second, record });
    }
}

/// The fields that every record has.
pub(super) fn base(
    dice: &mut Dice,
    call: Call,
    second: i64,
    site: Site,
    region: Region,
    identity: Value,
) -> Value {
    let data = call.is_s3_object();
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": time(second),
        "eventSource": format!("{}.amazonaws.com", call.service),
        "eventName": call.name,
        "awsRegion": region.id(),
        "requestParameters": null,
        "responseElements": null,
        "requestID": dice.uuid(),
        "eventID": dice.uuid(),
        "readOnly": call.reads(),
        "eventType": "AwsApiCall",
        "managementEvent": !data,
        "recipientAccountId": site.id(),
        "eventCategory": if data { "Data" } else { "Management" },
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
                       "clientProvidedHostHeader": format!("{}.{}.amazonaws.com", call.service, region.id())}
    });
    if data {
        let bucket = "example-co-reports";
        let object = format!("daily/{}.csv", dice.hex(6));
        set(&mut record, "requestParameters", json!({"bucketName": bucket, "key": object}));
        set(
            &mut record,
            "resources",
            json!([
            {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/{object}")},
            {"accountId": site.id(), "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")}]),
        );
    }
    record
}

/// Sets a field of an object.
pub(super) fn set(record: &mut Value, name: &str, value: Value) {
    if let Value::Object(map) = record {
        let map: &mut Map<String, Value> = map;
        map.insert(name.to_owned(), value);
    }
}

/// A time as CloudTrail writes it.
pub(super) fn time(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
