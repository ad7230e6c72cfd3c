//! The calls that made-up programs make: service, name, whether it only reads, whether it is a data event.

/// One kind of call.
#[derive(Clone, Copy)]
pub(super) struct Call {
    /// Service host without `.amazonaws.com`.
    pub(super) service: &'static str,
    /// API call.
    pub(super) name: &'static str,
}

impl Call {
    /// Whether it changes nothing.
    pub(super) fn reads(self) -> bool {
        ["Get", "List", "Describe", "Head"].iter().any(|prefix| self.name.starts_with(prefix))
    }

    /// Whether it is an S3 object call, which only trails with data events record.
    pub(super) fn is_s3_object(self) -> bool {
        self.service == "s3" && matches!(self.name, "GetObject" | "PutObject" | "DeleteObject" | "HeadObject")
    }

    /// Whether it goes to a global endpoint, which is recorded in us-east-1.
    pub(super) fn is_global(self) -> bool {
        matches!(self.service, "iam" | "sts" | "route53" | "cloudfront")
    }
}

const fn call(service: &'static str, name: &'static str) -> Call {
    Call { service, name }
}

/// An application's calls.
pub(super) const APP: &[Call] = &[
    call("s3", "ListBuckets"),
    call("s3", "GetBucketLocation"),
    call("sqs", "GetQueueAttributes"),
    call("secretsmanager", "GetSecretValue"),
    call("kms", "Decrypt"),
    call("dynamodb", "DescribeTable"),
    call("monitoring", "PutMetricAlarm"),
];
/// A deployment's calls.
pub(super) const DEPLOY: &[Call] = &[
    call("sts", "GetCallerIdentity"),
    call("ecr", "GetAuthorizationToken"),
    call("ecr", "PutImage"),
    call("ecs", "UpdateService"),
    call("ecs", "RegisterTaskDefinition"),
    call("cloudfront", "CreateInvalidation"),
    call("lambda", "UpdateFunctionCode20150331v2"),
];
/// A controller's calls.
pub(super) const CONTROLLER: &[Call] = &[
    call("elasticloadbalancing", "DescribeLoadBalancers"),
    call("elasticloadbalancing", "ModifyTargetGroup"),
    call("ec2", "DescribeSubnets"),
    call("route53", "ListHostedZones"),
    call("route53", "ChangeResourceRecordSets"),
];
/// Terraform's calls.
pub(super) const INFRASTRUCTURE: &[Call] = &[
    call("sts", "GetCallerIdentity"),
    call("ec2", "DescribeVpcs"),
    call("ec2", "DescribeRouteTables"),
    call("ec2", "CreateSecurityGroup"),
    call("iam", "GetRole"),
    call("iam", "CreateRole"),
    call("s3", "GetBucketPolicy"),
];
/// A backup's calls.
pub(super) const BACKUP: &[Call] = &[
    call("s3", "GetBucketLocation"),
    call("s3", "GetBucketVersioning"),
    call("ec2", "CreateSnapshot"),
    call("ec2", "DescribeSnapshots"),
];
/// A person's calls.
pub(super) const CURIOUS: &[Call] = &[
    call("ec2", "DescribeInstances"),
    call("ec2", "DescribeSecurityGroups"),
    call("s3", "ListBuckets"),
    call("iam", "ListUsers"),
    call("logs", "DescribeLogGroups"),
    call("cloudformation", "DescribeStacks"),
    call("rds", "DescribeDBInstances"),
];
/// A monitoring product's calls.
pub(super) const MONITOR: &[Call] = &[
    call("monitoring", "ListMetrics"),
    call("ec2", "DescribeInstances"),
    call("tagging", "GetResources"),
    call("rds", "DescribeDBInstances"),
];
/// S3 objects only.
pub(super) const OBJECTS: &[Call] = &[call("s3", "GetObject"), call("s3", "PutObject")];
/// What tells who one is.
pub(super) const WHO_AM_I: Call = call("sts", "GetCallerIdentity");
/// Assuming a role.
pub(super) const ASSUME: Call = call("sts", "AssumeRole");
/// Asking for a session.
pub(super) const SESSION_TOKEN: Call = call("sts", "GetSessionToken");
