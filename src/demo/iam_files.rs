//! The IAM exports of each account: credential report, authorization details, key lists; and its trail's configuration.

use super::cast::{Cast, Key, User};
use super::estate::Site;
use super::events::{LastUse, last_use};
use crate::model::ROOT_USER;
use base64::Engine;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write;

/// Every export, as (path, content).
pub(super) fn files(cast: &Cast) -> Vec<(String, Vec<u8>)> {
    let used: Vec<Option<LastUse>> = last_uses(cast);
    let mut files = Vec::new();
    for site in Site::ALL {
        let account = site.id();
        let report = credential_report(cast, site, &used);
        if matches!(site, Site::Dev | Site::Legacy) {
            // As the API and the CLI give it.
            let content = base64::engine::general_purpose::STANDARD.encode(&report);
            let document =
                json!({"Content": content, "ReportFormat": "text/csv", "GeneratedTime": stamp(cast.as_of)});
            files.push((format!("iam/{account}/credential-report.json"), pretty(&document)));
        } else {
            files.push((format!("iam/{account}/credential-report.csv"), report.into_bytes()));
        }
        files.push((
            format!("iam/{account}/authorization-details.json"),
            pretty(&authorization_details(cast, site)),
        ));
        files.push((format!("iam/{account}/access-keys.json"), access_keys(cast, site)));
        files.extend(trail(site));
    }
    files
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn stamp(time: Timestamp) -> String {
    time.to_string().replace('Z', "+00:00")
}

/// The last use of each key, by position; the later of what its consumers did and what was before the logs.
fn last_uses(cast: &Cast) -> Vec<Option<LastUse>> {
    let mut latest: Vec<Option<LastUse>> = cast.keys.iter().map(|_| None).collect();
    for (index, consumer) in cast.consumers.iter().enumerate() {
        let hidden = cast.keys.get(consumer.key).is_some_and(|key| key.hidden_from_iam);
        // A mailer's sends are known to IAM as use of SES, or not at all: both are told in the estate.
        let use_of = if consumer.calls.is_empty() || hidden { None } else { last_use(cast, index, consumer) };
        let use_of = match (consumer.kind, use_of) {
            (crate::model::WorkloadKind::SesSmtp, Some(last)) => Some(LastUse { service: "ses", ..last }),
            (_, last) => last,
        };
        if let (Some(slot), Some(new)) = (latest.get_mut(consumer.key), use_of)
            && slot.as_ref().is_none_or(|old| old.time < new.time)
        {
            *slot = Some(new);
        }
    }
    for (slot, key) in latest.iter_mut().zip(&cast.keys) {
        if slot.is_none()
            && let Some(time) = key.used_before
        {
            *slot = Some(LastUse { time, service: "s3", region: "us-east-1" });
        }
    }
    latest
}

const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

fn users_of(cast: &Cast, site: Site) -> impl Iterator<Item = (usize, &User)> {
    cast.users.iter().enumerate().filter(move |(_, user)| user.site == site)
}

fn keys_of(cast: &Cast, user: usize) -> impl Iterator<Item = (usize, &Key)> {
    cast.keys.iter().enumerate().filter(move |(_, key)| key.user == user)
}

fn credential_report(cast: &Cast, site: Site, used: &[Option<LastUse>]) -> String {
    let account = site.id();
    let mut out = format!("{COLUMNS}\n");
    let root = users_of(cast, site).find(|(_, user)| user.root);
    // Every account has a root user, with or without keys; it comes first. People watch over the accounts, so that
    // its password was used lately.
    let lately = stamp(Timestamp::from_second(cast.as_of.as_second() - 7200).unwrap_or(cast.as_of));
    let _ = write!(
        out,
        "{ROOT_USER},arn:aws:iam::{account}:root,2015-03-01T00:00:00+00:00,not_supported,no_information,not_supported,not_supported,true"
    );
    slots(cast, root.map(|(n, _)| n), used, &mut out);
    let _ = write!(
        out,
        "console-admin,arn:aws:iam::{account}:user/console-admin,2019-05-07T15:35:54+00:00,true,{lately},2026-01-01T00:00:00+00:00,N/A,true"
    );
    slots(cast, None, used, &mut out);
    for (n, user) in users_of(cast, site).filter(|(_, user)| !user.root) {
        let path = user.path.trim_start_matches('/');
        let _ = write!(
            out,
            "{},arn:aws:iam::{account}:user/{path}{},{},false,N/A,N/A,N/A,false",
            user.name,
            user.name,
            stamp(user.created)
        );
        slots(cast, Some(n), used, &mut out);
    }
    out
}

fn slots(cast: &Cast, user: Option<usize>, used: &[Option<LastUse>], out: &mut String) {
    let keys: Vec<(usize, &Key)> = user.map(|user| keys_of(cast, user).take(2).collect()).unwrap_or_default();
    for slot in 0..2 {
        match keys.get(slot) {
            None => out.push_str(",false,N/A,N/A,N/A,N/A"),
            Some((n, key)) => {
                let _ = write!(out, ",{},{}", key.active, stamp(key.created));
                match used.get(*n).and_then(Option::as_ref) {
                    None => out.push_str(",N/A,N/A,N/A"),
                    Some(last) => {
                        let _ = write!(out, ",{},{},{}", stamp(last.time), last.region, last.service);
                    }
                }
            }
        }
    }
    out.push_str(",false,N/A,false,N/A\n");
}

fn authorization_details(cast: &Cast, site: Site) -> Value {
    let account = site.id();
    let users: Vec<Value> =
        users_of(cast, site).filter(|(_, user)| !user.root).map(|(_, user)| user_detail(user)).collect();
    let role = |name: &str, principal: Value, action: &str| {
        json!({
            "Path": "/", "RoleName": name, "RoleId": format!("AROAEXAMPLE{account}{name}"), "Arn": format!("arn:aws:iam::{account}:role/{name}"),
            "CreateDate": "2020-02-02T00:00:00+00:00",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]},
            "InstanceProfileList": [], "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": []
        })
    };
    let mut roles = vec![
        role("app-role", json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole"),
        role("deploy-role", json!({"AWS": format!("arn:aws:iam::{account}:root")}), "sts:AssumeRole"),
    ];
    if site == Site::Prod {
        // Roles for service accounts are in use here.
        let provider = format!(
            "arn:aws:iam::{account}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"
        );
        roles.push(role(
            "cluster-search-role",
            json!({"Federated": provider}),
            "sts:AssumeRoleWithWebIdentity",
        ));
    }
    let everything =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    json!({
        "UserDetailList": users,
        "GroupDetailList": [],
        "RoleDetailList": roles,
        "Policies": [{
            "PolicyName": "AdministratorAccess", "PolicyId": "ANPAEXAMPLEADMIN", "Arn": "arn:aws:iam::aws:policy/AdministratorAccess",
            "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": 1, "IsAttachable": true,
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2015-02-06T18:39:46+00:00", "Document": everything}]
        }],
        "IsTruncated": false
    })
}

fn user_detail(user: &User) -> Value {
    let account = user.site.id();
    let path = user.path.trim_start_matches('/');
    let mut attached = Vec::new();
    if user.quarantined {
        attached.push(json!({"PolicyName": "AWSCompromisedKeyQuarantineV3", "PolicyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}));
    }
    if user.administrator {
        attached.push(json!({"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}));
    }
    let mailer = user.name.starts_with("ses-smtp-user");
    let actions: Vec<String> = if user.services.is_empty() && !mailer {
        Vec::new()
    } else if mailer {
        vec!["ses:SendRawEmail".into()]
    } else {
        // CloudTrail's hosts and IAM's prefixes differ for some.
        let prefix = |host: &&str| match *host {
            "monitoring" => "cloudwatch".to_owned(),
            "tagging" => "tag".to_owned(),
            other => other.to_owned(),
        };
        let mut actions: Vec<String> = user.services.iter().map(|host| prefix(host) + ":*").collect();
        let passes = user.services.contains(&"ecs").then_some("iam:PassRole");
        actions.extend(passes.into_iter().chain(["sts:AssumeRole"]).map(str::to_owned));
        actions
    };
    let policies = if actions.is_empty() {
        json!([])
    } else {
        json!([{"PolicyName": "inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}}])
    };
    let tags: Vec<Value> = user.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    json!({
        "Path": user.path, "UserName": user.name, "UserId": user.id, "Arn": format!("arn:aws:iam::{account}:user/{path}{}", user.name),
        "CreateDate": stamp(user.created), "UserPolicyList": policies, "GroupList": [], "AttachedManagedPolicies": attached, "Tags": tags
    })
}

/// One list of all pages, or, in one account, a list a user, as a loop in a shell prints them.
fn access_keys(cast: &Cast, site: Site) -> Vec<u8> {
    let metadata = |user: &User, key: &Key| {
        let mut entry = json!({"AccessKeyId": key.id, "Status": if key.active { "Active" } else { "Inactive" }, "CreateDate": stamp(key.created)});
        // Root's own listing names no user.
        if !user.root {
            super::events::set(&mut entry, "UserName", json!(user.name));
        }
        entry
    };
    let lists: Vec<Vec<Value>> = users_of(cast, site)
        .map(|(n, user)| keys_of(cast, n).map(|(_, key)| metadata(user, key)).collect())
        .collect();
    if site == Site::Data {
        let mut out = Vec::new();
        for list in lists {
            out.extend(json!({"AccessKeyMetadata": list}).to_string().into_bytes());
            out.push(b'\n');
        }
        return out;
    }
    pretty(&json!({"AccessKeyMetadata": lists.concat()}))
}

fn trail(site: Site) -> Vec<(String, Vec<u8>)> {
    let account = site.id();
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/organization";
    let describe = json!({"trailList": [{
        "Name": "organization", "S3BucketName": "example-co-trail", "IncludeGlobalServiceEvents": true, "IsMultiRegionTrail": true,
        "HomeRegion": "us-east-1", "TrailARN": arn, "LogFileValidationEnabled": true, "HasCustomEventSelectors": true, "IsOrganizationTrail": true
    }]});
    let data = if site.logs_s3_objects() {
        json!([{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}])
    } else {
        json!([])
    };
    let selectors = json!({"TrailARN": arn, "EventSelectors": [{
        "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": data, "ExcludeManagementEventSources": []
    }]});
    vec![
        (format!("config/{account}/describe-trails.json"), pretty(&describe)),
        (format!("config/{account}/get-event-selectors.json"), pretty(&selectors)),
    ]
}
