//! How requests name what they act on, where they do so by a plain name and not by an ARN.
//!
//! By hand, as no published model says it: names and ids are told apart per service, and only a name that stands in the ARN
//! as it stands in the request is taken. Parameters are members of `requestParameters` as CloudTrail writes them, compared
//! without case; formats are those of the Service Authorization Reference
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
//! A test compares every format with the table of IAM actions.

use hashbrown::HashMap;
use std::sync::LazyLock;

/// One way to name a resource.
pub struct Target {
    /// Event source without `.amazonaws.com`.
    pub host: &'static str,
    /// Beginnings of event names that it is for; empty for all.
    pub events: &'static [&'static str],
    /// Where the parts of the name stand: `tableName`; `names[]` for each of a list; `requestItems{}` for each key of an
    /// object; `instancesSet.items[].instanceId` further down. All have to be there; only the first may be several.
    pub params: &'static [&'static str],
    /// ARN with `{p}` partition, `{r}` region, `{a}` account, `{0}` and `{1}` parts of the name; `*` and `?` are wildcards.
    pub arn: &'static str,
}

const fn all(host: &'static str, params: &'static [&'static str], arn: &'static str) -> Target {
    Target { host, events: &[], params, arn }
}

const fn only(
    host: &'static str,
    events: &'static [&'static str],
    params: &'static [&'static str],
    arn: &'static str,
) -> Target {
    Target { host, events, params, arn }
}

const INVOKE: &[&str] = &["InvokeModel", "Converse"];

/// A part of an ARN's format.
pub(super) enum Piece {
    /// As it stands.
    Text(&'static str),
    /// `{p}`.
    Partition,
    /// `{r}`.
    Region,
    /// `{a}`.
    Account,
    /// `{0}`.
    Name,
    /// `{1}`.
    Other,
}

/// A target whose format has been taken apart.
pub(super) struct Way {
    pub(super) target: &'static Target,
    /// Whether the name is no plain member.
    pub(super) is_path: bool,
    pub(super) starts: Vec<Start>,
    pub(super) pieces: Vec<Piece>,
}

/// What an event's name begins with, and its first bytes as a number, by which most others are told apart at once.
pub(super) struct Start {
    text: &'static str,
    bytes: u64,
    mask: u64,
}

impl Start {
    fn new(text: &'static str) -> Self {
        let mask = if text.len() >= 8 { u64::MAX } else { (1_u64 << (8 * text.len())) - 1 };
        Self { text, bytes: Self::of(text), mask }
    }

    /// The first bytes of a name.
    pub(super) fn of(name: &str) -> u64 {
        let first = name.bytes().take(8).enumerate();
        first.fold(0, |bytes, (n, byte)| bytes | u64::from(byte) << (8 * n))
    }

    /// Whether a name, with its first bytes, begins so.
    pub(super) fn begins(&self, bytes: u64, name: &str) -> bool {
        (bytes ^ self.bytes) & self.mask == 0 && name.starts_with(self.text)
    }
}

fn pieces(mut format: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some((before, after)) = format.split_once('{') {
        let (place, after) = after.split_once('}').unwrap_or(("", after));
        pieces.push(Piece::Text(before));
        pieces.push(match place {
            "p" => Piece::Partition,
            "r" => Piece::Region,
            "a" => Piece::Account,
            "0" => Piece::Name,
            _ => Piece::Other,
        });
        format = after;
    }
    pieces.push(Piece::Text(format));
    pieces
}

/// The ways of one host.
pub(super) fn targets_of(host: &str) -> &'static [Way] {
    static BY_HOST: LazyLock<HashMap<&'static str, Vec<Way>>> = LazyLock::new(|| {
        let mut by_host: HashMap<&'static str, Vec<Way>> = HashMap::new();
        for target in TARGETS {
            let starts = target.events.iter().map(|start| Start::new(start)).collect();
            let is_path = target.params.first().is_some_and(|name| name.contains(['.', '[', '{']));
            let way = Way { target, is_path, starts, pieces: pieces(target.arn) };
            by_host.entry(target.host).or_default().push(way);
        }
        by_host
    });
    BY_HOST.get(host).map_or(&[], Vec::as_slice)
}

/// By host.
pub const TARGETS: &[Target] = &[
    all("apigateway", &["restApiId"], "arn:{p}:apigateway:{r}::/restapis/{0}"),
    all("apigateway", &["restApiId"], "arn:{p}:apigateway:{r}::/restapis/{0}/*"),
    all("athena", &["workGroup"], "arn:{p}:athena:{r}:{a}:workgroup/{0}"),
    all(
        "autoscaling",
        &["autoScalingGroupName"],
        "arn:{p}:autoscaling:{r}:{a}:autoScalingGroup:*:autoScalingGroupName/{0}",
    ),
    all(
        "autoscaling",
        &["launchConfigurationName"],
        "arn:{p}:autoscaling:{r}:{a}:launchConfiguration:*:launchConfigurationName/{0}",
    ),
    only("bedrock", INVOKE, &["modelId"], "arn:{p}:bedrock:{r}::foundation-model/{0}"),
    all("backup", &["backupVaultName"], "arn:{p}:backup:{r}:{a}:backup-vault:{0}"),
    all("batch", &["jobQueue"], "arn:{p}:batch:{r}:{a}:job-queue/{0}"),
    all("batch", &["jobDefinition"], "arn:{p}:batch:{r}:{a}:job-definition/{0}:*"),
    only(
        "cloudtrail",
        &["CreateTrail", "DeleteTrail", "GetTrail", "StartLogging", "StopLogging", "UpdateTrail"],
        &["name"],
        "arn:{p}:cloudtrail:{r}:{a}:trail/{0}",
    ),
    all("cloudtrail", &["trailName"], "arn:{p}:cloudtrail:{r}:{a}:trail/{0}"),
    all("cloudformation", &["stackName"], "arn:{p}:cloudformation:{r}:{a}:stack/{0}/*"),
    all("cloudfront", &["distributionId"], "arn:{p}:cloudfront::{a}:distribution/{0}"),
    only(
        "cloudfront",
        &["GetDistribution", "UpdateDistribution", "DeleteDistribution"],
        &["id"],
        "arn:{p}:cloudfront::{a}:distribution/{0}",
    ),
    all("codebuild", &["projectName"], "arn:{p}:codebuild:{r}:{a}:project/{0}"),
    all("codecommit", &["repositoryName"], "arn:{p}:codecommit:{r}:{a}:{0}"),
    all("codepipeline", &["pipelineName"], "arn:{p}:codepipeline:{r}:{a}:{0}"),
    only(
        "codepipeline",
        &["GetPipeline", "StartPipeline", "DeletePipeline"],
        &["name"],
        "arn:{p}:codepipeline:{r}:{a}:{0}",
    ),
    all("cognito-idp", &["userPoolId"], "arn:{p}:cognito-idp:{r}:{a}:userpool/{0}"),
    all("dynamodb", &["tableName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("dynamodb", &["tableName", "indexName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}/index/{1}"),
    all("dynamodb", &["requestItems{}"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("dynamodb", &["transactItems[].put.tableName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("dynamodb", &["transactItems[].update.tableName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("dynamodb", &["transactItems[].delete.tableName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("dynamodb", &["transactItems[].conditionCheck.tableName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("dynamodb", &["transactItems[].get.tableName"], "arn:{p}:dynamodb:{r}:{a}:table/{0}"),
    all("ec2", &["allocationId"], "arn:{p}:ec2:{r}:{a}:elastic-ip/{0}"),
    all("ec2", &["groupId"], "arn:{p}:ec2:{r}:{a}:security-group/{0}"),
    all("ec2", &["groupSet.items[].groupId"], "arn:{p}:ec2:{r}:{a}:security-group/{0}"),
    all("ec2", &["imageId"], "arn:{p}:ec2:{r}::image/{0}"),
    all("ec2", &["instanceId"], "arn:{p}:ec2:{r}:{a}:instance/{0}"),
    all("ec2", &["instancesSet.items[].imageId"], "arn:{p}:ec2:{r}::image/{0}"),
    all("ec2", &["instancesSet.items[].instanceId"], "arn:{p}:ec2:{r}:{a}:instance/{0}"),
    all("ec2", &["instancesSet.items[].keyName"], "arn:{p}:ec2:{r}:{a}:key-pair/{0}"),
    all("ec2", &["internetGatewayId"], "arn:{p}:ec2:{r}:{a}:internet-gateway/{0}"),
    all("ec2", &["keyName"], "arn:{p}:ec2:{r}:{a}:key-pair/{0}"),
    all("ec2", &["natGatewayId"], "arn:{p}:ec2:{r}:{a}:natgateway/{0}"),
    all("ec2", &["networkInterfaceId"], "arn:{p}:ec2:{r}:{a}:network-interface/{0}"),
    all("ec2", &["routeTableId"], "arn:{p}:ec2:{r}:{a}:route-table/{0}"),
    all("ec2", &["snapshotId"], "arn:{p}:ec2:{r}::snapshot/{0}"),
    all("ec2", &["subnetId"], "arn:{p}:ec2:{r}:{a}:subnet/{0}"),
    all("ec2", &["volumeId"], "arn:{p}:ec2:{r}:{a}:volume/{0}"),
    all("ec2", &["vpcId"], "arn:{p}:ec2:{r}:{a}:vpc/{0}"),
    all("ecr", &["repositoryName"], "arn:{p}:ecr:{r}:{a}:repository/{0}"),
    all("ecr", &["repositoryNames[]"], "arn:{p}:ecr:{r}:{a}:repository/{0}"),
    all("ecs", &["cluster"], "arn:{p}:ecs:{r}:{a}:cluster/{0}"),
    all("ecs", &["clusters[]"], "arn:{p}:ecs:{r}:{a}:cluster/{0}"),
    all("ecs", &["service", "cluster"], "arn:{p}:ecs:{r}:{a}:service/{1}/{0}"),
    all("ecs", &["services[]", "cluster"], "arn:{p}:ecs:{r}:{a}:service/{1}/{0}"),
    all("ecs", &["task", "cluster"], "arn:{p}:ecs:{r}:{a}:task/{1}/{0}"),
    all("ecs", &["tasks[]", "cluster"], "arn:{p}:ecs:{r}:{a}:task/{1}/{0}"),
    all("ecs", &["serviceName", "cluster"], "arn:{p}:ecs:{r}:{a}:service/{1}/{0}"),
    only("ecs", &["RegisterTaskDefinition"], &["family"], "arn:{p}:ecs:{r}:{a}:task-definition/{0}:*"),
    all("ecs", &["taskDefinition"], "arn:{p}:ecs:{r}:{a}:task-definition/{0}:*"),
    all("eks", &["clusterName"], "arn:{p}:eks:{r}:{a}:cluster/{0}"),
    only(
        "eks",
        &["DescribeCluster", "UpdateCluster", "DeleteCluster"],
        &["name"],
        "arn:{p}:eks:{r}:{a}:cluster/{0}",
    ),
    all("elasticache", &["cacheClusterId"], "arn:{p}:elasticache:{r}:{a}:cluster:{0}"),
    all("elasticache", &["replicationGroupId"], "arn:{p}:elasticache:{r}:{a}:replicationgroup:{0}"),
    all("elasticfilesystem", &["fileSystemId"], "arn:{p}:elasticfilesystem:{r}:{a}:file-system/{0}"),
    all("es", &["domainName"], "arn:{p}:es:{r}:{a}:domain/{0}"),
    all("firehose", &["deliveryStreamName"], "arn:{p}:firehose:{r}:{a}:deliverystream/{0}"),
    all("glue", &["databaseName"], "arn:{p}:glue:{r}:{a}:catalog"),
    all("glue", &["databaseName"], "arn:{p}:glue:{r}:{a}:database/{0}"),
    all("glue", &["databaseName", "tableName"], "arn:{p}:glue:{r}:{a}:table/{0}/{1}"),
    only("glue", &["GetTable"], &["databaseName", "name"], "arn:{p}:glue:{r}:{a}:table/{0}/{1}"),
    all("glue", &["jobName"], "arn:{p}:glue:{r}:{a}:job/{0}"),
    // A path may stand between the type and the name, and requests leave it out.
    all("iam", &["groupName"], "arn:{p}:iam::{a}:group/{0}"),
    all("iam", &["groupName"], "arn:{p}:iam::{a}:group/*/{0}"),
    all("iam", &["instanceProfileName"], "arn:{p}:iam::{a}:instance-profile/{0}"),
    all("iam", &["instanceProfileName"], "arn:{p}:iam::{a}:instance-profile/*/{0}"),
    only("iam", &["CreatePolicy"], &["policyName"], "arn:{p}:iam::{a}:policy/{0}"),
    only("iam", &["CreatePolicy"], &["policyName"], "arn:{p}:iam::{a}:policy/*/{0}"),
    all("iam", &["roleName"], "arn:{p}:iam::{a}:role/{0}"),
    all("iam", &["roleName"], "arn:{p}:iam::{a}:role/*/{0}"),
    all("iam", &["userName"], "arn:{p}:iam::{a}:user/{0}"),
    all("iam", &["userName"], "arn:{p}:iam::{a}:user/*/{0}"),
    all("kinesis", &["streamName"], "arn:{p}:kinesis:{r}:{a}:stream/{0}"),
    all("kms", &["keyId"], "arn:{p}:kms:{r}:{a}:key/{0}"),
    all("lambda", &["functionName"], "arn:{p}:lambda:{r}:{a}:function:{0}"),
    all("lambda", &["layerName"], "arn:{p}:lambda:{r}:{a}:layer:{0}"),
    all("logs", &["logGroupName"], "arn:{p}:logs:{r}:{a}:log-group:{0}"),
    all("logs", &["logGroupName", "logStreamName"], "arn:{p}:logs:{r}:{a}:log-group:{0}:log-stream:{1}"),
    all("monitoring", &["alarmNames[]"], "arn:{p}:cloudwatch:{r}:{a}:alarm:{0}"),
    all("monitoring", &["alarmName"], "arn:{p}:cloudwatch:{r}:{a}:alarm:{0}"),
    all("monitoring", &["dashboardName"], "arn:{p}:cloudwatch::{a}:dashboard/{0}"),
    all("rds", &["dBClusterIdentifier"], "arn:{p}:rds:{r}:{a}:cluster:{0}"),
    all("rds", &["dBClusterSnapshotIdentifier"], "arn:{p}:rds:{r}:{a}:cluster-snapshot:{0}"),
    all("rds", &["dBInstanceIdentifier"], "arn:{p}:rds:{r}:{a}:db:{0}"),
    all("rds", &["dBParameterGroupName"], "arn:{p}:rds:{r}:{a}:pg:{0}"),
    all("rds", &["dBSnapshotIdentifier"], "arn:{p}:rds:{r}:{a}:snapshot:{0}"),
    all("rds", &["sourceDBSnapshotIdentifier"], "arn:{p}:rds:{r}:{a}:snapshot:{0}"),
    all("rds", &["targetDBSnapshotIdentifier"], "arn:{p}:rds:{r}:{a}:snapshot:{0}"),
    all("rds", &["dBSubnetGroupName"], "arn:{p}:rds:{r}:{a}:subgrp:{0}"),
    all("redshift", &["clusterIdentifier"], "arn:{p}:redshift:{r}:{a}:cluster:{0}"),
    all("route53", &["hostedZoneId"], "arn:{p}:route53:::hostedzone/{0}"),
    all("s3", &["bucketName"], "arn:{p}:s3:::{0}"),
    all("s3", &["bucketName", "key"], "arn:{p}:s3:::{0}/{1}"),
    all("sagemaker", &["endpointName"], "arn:{p}:sagemaker:{r}:{a}:endpoint/{0}"),
    // Behind the name stand a hyphen and six characters that requests leave out.
    all("secretsmanager", &["secretId"], "arn:{p}:secretsmanager:{r}:{a}:secret:{0}-??????"),
    only("sns", &["CreateTopic"], &["name"], "arn:{p}:sns:{r}:{a}:{0}"),
    all("sqs", &["queueName"], "arn:{p}:sqs:{r}:{a}:{0}"),
    all("ssm", &["documentName"], "arn:{p}:ssm:{r}:{a}:document/{0}"),
    all("ssm", &["instanceIds[]"], "arn:{p}:ec2:{r}:{a}:instance/{0}"),
    only(
        "ssm",
        &["GetParameter", "PutParameter", "DeleteParameter", "LabelParameter"],
        &["name"],
        "arn:{p}:ssm:{r}:{a}:parameter/{0}",
    ),
    only("ssm", &["GetParameters", "DeleteParameters"], &["names[]"], "arn:{p}:ssm:{r}:{a}:parameter/{0}"),
    only("ssm", &["GetParametersByPath"], &["path"], "arn:{p}:ssm:{r}:{a}:parameter/{0}"),
];
