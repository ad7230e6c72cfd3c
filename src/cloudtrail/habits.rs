//! How single services name things in ways that no row of a table says.

use super::names::{percent_decoded, safe};
use super::request::{MOST, Named, Request, is_profile};
use serde_json::Value;
use std::borrow::Cow;

impl<'r> Request<'r, '_> {
    /// Without a cluster the default one is meant, and tags are of what is made.
    pub(super) fn ecs(&self, named: &mut Named<'r>) {
        let [p, r, a] = self.place();
        if self.member("cluster").is_none() {
            let members = [
                ("service", "service"),
                ("serviceName", "service"),
                ("services[]", "service"),
                ("task", "task"),
                ("tasks[]", "task"),
            ];
            for (member, kind) in members {
                for name in self.texts(member) {
                    named.resources.push(match name.starts_with("arn:") {
                        true => safe(name),
                        false => format!("arn:{p}:ecs:{r}:{a}:{kind}/default/{}", safe(name)).into(),
                    });
                }
            }
        }
        if self.has_tags() {
            let kind = match self.setting.event {
                "RunTask" | "StartTask" => "task",
                "RegisterTaskDefinition" => "task-definition",
                "CreateService" => "service",
                "CreateCluster" => "cluster",
                _ => "*",
            };
            named.shows.push(format!("tagged:arn:{p}:ecs:{r}:{a}:{kind}/*").into());
        }
    }

    /// Tags are of what is made.
    pub(super) fn rds(&self, named: &mut Named<'r>) {
        const MADE: &[(&str, &str)] = &[
            ("CopyDBSnapshot", "snapshot"),
            ("CreateDBClusterSnapshot", "cluster-snapshot"),
            ("CreateDBCluster", "cluster"),
            ("CreateDBInstance", "db"),
            ("CreateDBParameterGroup", "pg"),
            ("CreateDBSnapshot", "snapshot"),
            ("CreateDBSubnetGroup", "subgrp"),
            ("RestoreDBCluster", "cluster"),
            ("RestoreDBInstance", "db"),
        ];
        let [p, r, a] = self.place();
        let made = MADE.iter().find(|(start, _)| self.has_tags() && self.setting.event.starts_with(start));
        named.shows.extend(made.map(|(_, kind)| format!("tagged:arn:{p}:rds:{r}:{a}:{kind}:*").into()));
    }

    /// An access point stands in the bucket's place as an ARN, or as an alias, which names a bucket that is not told.
    pub(super) fn s3(&self, named: &mut Named<'r>) {
        if let Some(source) = self.text("x-amz-copy-source") {
            named.shows.push(Cow::Owned(format!("from:{}", self.copied(&source))));
            named.shows.extend(source.contains("?versionId=").then_some("from-version".into()));
        }
        if let (Some(bucket), Some(key)) = (self.text("bucketName"), self.text("key"))
            && bucket.starts_with("arn:")
        {
            named.resources.push(format!("{}/object/{}", safe(bucket), safe(key)).into());
        }
        named.unresolved |= self.text("bucketName").is_some_and(|bucket| bucket.ends_with("-s3alias"));
    }

    /// A call of a version or alias is checked against the function's ARN with that behind it
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html>). Versions come and go.
    pub(super) fn qualified(&self, named: &mut Named<'r>) {
        let (Some(function), Some(qualifier)) = (self.text("functionName"), self.text("qualifier")) else {
            return;
        };
        let [p, r, a] = self.place();
        let function = if function.starts_with("arn:") {
            safe(function).into_owned()
        } else {
            format!("arn:{p}:lambda:{r}:{a}:function:{}", safe(function))
        };
        let is_version = qualifier.bytes().all(|b| b.is_ascii_digit());
        let qualifier = if is_version { "*".into() } else { safe(qualifier) };
        named.resources.push(format!("{function}:{qualifier}").into());
    }

    /// Rules of other buses than the default one have the bus in their ARNs, and entries that name no bus go to it.
    pub(super) fn buses(&self, named: &mut Named<'r>) {
        let [p, r, a] = self.place();
        let name = |bus: Cow<'_, str>| bus.rsplit('/').next().unwrap_or_default().to_owned();
        let bus = self.text("eventBusName").map(name).filter(|bus| bus != "default");
        let rule =
            self.text("rule").or_else(|| self.text("name").filter(|_| self.setting.event.ends_with("Rule")));
        if let Some(rule) = rule {
            let between = bus.map_or(String::new(), |bus| format!("{}/", safe(bus.into())));
            named.resources.push(format!("arn:{p}:events:{r}:{a}:rule/{between}{}", safe(rule)).into());
        }
        if self.setting.event == "PutEvents" {
            let entries: Value =
                self.member("entries").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
            for entry in entries.as_array().into_iter().flatten().take(MOST) {
                let bus = entry.get("eventBusName").and_then(Value::as_str).unwrap_or("default");
                let arn = match bus.starts_with("arn:") {
                    true => safe(bus.to_owned().into()).into_owned(),
                    false => format!("arn:{p}:events:{r}:{a}:event-bus/{}", safe(bus.to_owned().into())),
                };
                named.resources.push(arn.into());
            }
        }
    }

    /// An inference profile calls models in several regions, and each is asked for
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html>).
    pub(super) fn models(&self, named: &mut Named<'r>) {
        let Some(model) = self.text("modelId") else { return };
        let [p, r, a] = self.place();
        let id = model.rsplit('/').next().unwrap_or_default();
        if model.contains(":application-inference-profile/") {
            named.resources.push(format!("arn:{p}:bedrock:*::foundation-model/*").into());
        } else if is_profile(id) {
            let of_model = id.split_once('.').map_or("*", |(_, rest)| rest).to_owned();
            named
                .resources
                .push(format!("arn:{p}:bedrock:*::foundation-model/{}", safe(of_model.into())).into());
            if !model.starts_with("arn:") {
                let profile = safe(id.to_owned().into());
                named.resources.push(format!("arn:{p}:bedrock:{r}:{a}:inference-profile/{profile}").into());
            }
        }
    }

    /// `ACCOUNT:function:NAME` and `ACCOUNT:NAME` are functions of an account
    /// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
    pub(super) fn of_account(&self, name: &str) -> Option<Cow<'static, str>> {
        let (account, rest) = name.split_once(':')?;
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let function = rest.strip_prefix("function:").unwrap_or(rest);
        let [partition, region, _] = self.place();
        is_account.then(|| {
            Cow::Owned(format!(
                "arn:{partition}:lambda:{region}:{account}:function:{}",
                safe(function.to_owned().into())
            ))
        })
    }

    /// EC2's ids say what they are of.
    pub(super) fn of_id(&self, id: &str) -> Option<Cow<'static, str>> {
        let (start, _) = id.rsplit_once('-')?;
        let (kind, shared) = match start {
            "ami" => ("image", true),
            "eipalloc" => ("elastic-ip", false),
            "eni" => ("network-interface", false),
            "i" => ("instance", false),
            "igw" => ("internet-gateway", false),
            "nat" => ("natgateway", false),
            "rtb" => ("route-table", false),
            "sg" => ("security-group", false),
            "snap" => ("snapshot", true),
            "subnet" => ("subnet", false),
            "vol" => ("volume", false),
            "vpc" => ("vpc", false),
            _ => return None,
        };
        let [partition, region, account] = self.place();
        // Images and snapshots have no account in their ARNs.
        let account = if shared { "" } else { account };
        let id = safe(id.into());
        let mut arn = String::with_capacity(64 + id.len());
        for part in ["arn:", partition, ":ec2:", region, ":", account, ":", kind, "/", &id] {
            arn.push_str(part);
        }
        Some(Cow::Owned(arn))
    }

    /// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>).
    pub(super) fn queue(&self, url: &str) -> Option<Cow<'static, str>> {
        let mut parts = url.rsplit('/');
        let (name, account) = (parts.next()?, parts.next()?);
        let [partition, region, _] = self.place();
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        is_account.then(|| {
            Cow::Owned(format!("arn:{partition}:sqs:{region}:{account}:{}", safe(name.to_owned().into())))
        })
    }

    /// `BUCKET/KEY`, with or without a slash before it, percent-encoded
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>).
    pub(super) fn copied(&self, source: &str) -> String {
        let source = source.split("?versionId=").next().unwrap_or_default().trim_start_matches('/');
        if source.starts_with("arn:") {
            return safe(source.into()).into_owned();
        }
        let [partition, ..] = self.place();
        format!("arn:{partition}:s3:::{}", safe(percent_decoded(source).into()))
    }
}
