//! What the table of actions cannot know: events and hosts that IAM calls otherwise, each with the reason.

/// Events of one host whose actions have other names.
pub(super) struct Override {
    /// Event source without `.amazonaws.com`.
    pub(super) host: &'static str,
    /// Event names, without API version.
    pub(super) events: &'static [&'static str],
    /// The actions that such an event needs; none where it needs no permission.
    pub(super) actions: &'static [&'static str],
    /// Why.
    pub(super) why: &'static str,
}

const fn row(
    host: &'static str,
    events: &'static [&'static str],
    actions: &'static [&'static str],
    why: &'static str,
) -> Override {
    Override { host, events, actions, why }
}

const OLDER: &str = "the action has the operation's older name";
const WRITES: &str = "IAM has one action for writing and deleting this setting";
const PARTS: &str = "uploading in parts is putting an object";
const LISTS: &str = "listing a bucket's objects is an action of the bucket";
const SINGULAR: &str = "a batch needs the action of each of its items";
const UPPER: &str = "an upper bound: which of them depends on the statements in the request";

/// By host, then by event.
pub(super) const OVERRIDES: &[Override] = &[
    row("bedrock", &["Converse"], &["bedrock:InvokeModel"], "conversations are invocations"),
    row(
        "bedrock",
        &["ConverseStream"],
        &["bedrock:InvokeModelWithResponseStream"],
        "conversations are invocations",
    ),
    row(
        "budgets",
        &[
            "DescribeBudget",
            "DescribeBudgets",
            "DescribeBudgetPerformanceHistory",
            "DescribeNotificationsForBudget",
            "DescribeSubscribersForNotification",
        ],
        &["budgets:ViewBudget"],
        "IAM knows viewing and modifying only",
    ),
    row(
        "budgets",
        &[
            "CreateBudget",
            "UpdateBudget",
            "DeleteBudget",
            "CreateNotification",
            "UpdateNotification",
            "DeleteNotification",
            "CreateSubscriber",
            "UpdateSubscriber",
            "DeleteSubscriber",
        ],
        &["budgets:ModifyBudget"],
        "IAM knows viewing and modifying only",
    ),
    row(
        "cloudfront",
        &["CreateDistributionWithTags"],
        &["cloudfront:CreateDistribution", "cloudfront:TagResource"],
        "tags are an action of their own",
    ),
    row("dynamodb", &["TransactGetItems"], &["dynamodb:GetItem"], SINGULAR),
    row(
        "dynamodb",
        &["TransactWriteItems"],
        &["dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
        UPPER,
    ),
    row(
        "dynamodb",
        &["ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"],
        &[
            "dynamodb:PartiQLDelete",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLSelect",
            "dynamodb:PartiQLUpdate",
        ],
        UPPER,
    ),
    row(
        "kms",
        &["ReEncrypt"],
        &["kms:ReEncryptFrom", "kms:ReEncryptTo"],
        "one action for each of the two keys",
    ),
    row(
        "lambda",
        &["CreateFunction"],
        &["lambda:CreateFunction", "iam:PassRole"],
        "every function has a role, which has to be passed",
    ),
    row("lambda", &["Invoke", "InvokeAsync"], &["lambda:InvokeFunction"], "the action has another name"),
    row("s3", &["HeadBucket", "ListObjects", "ListObjectsV2"], &["s3:ListBucket"], LISTS),
    row("s3", &["ListObjectVersions"], &["s3:ListBucketVersions"], LISTS),
    row("s3", &["ListMultipartUploads"], &["s3:ListBucketMultipartUploads"], LISTS),
    row("s3", &["ListParts"], &["s3:ListMultipartUploadParts"], OLDER),
    row("s3", &["ListBuckets"], &["s3:ListAllMyBuckets"], OLDER),
    row("s3", &["HeadObject", "SelectObjectContent"], &["s3:GetObject"], "it reads the object"),
    row("s3", &["GetObjectAttributes"], &["s3:GetObject", "s3:GetObjectAttributes"], "both are asked for"),
    row(
        "s3",
        &["CopyObject", "UploadPartCopy"],
        &["s3:GetObject", "s3:PutObject"],
        "it reads one and writes another",
    ),
    row(
        "s3",
        &["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PostObject"],
        &["s3:PutObject"],
        PARTS,
    ),
    row("s3", &["DeleteObjects"], &["s3:DeleteObject"], SINGULAR),
    row("s3", &["DeleteBucketCors"], &["s3:PutBucketCORS"], WRITES),
    row("s3", &["DeleteBucketTagging"], &["s3:PutBucketTagging"], WRITES),
    row("s3", &["DeleteBucketOwnershipControls"], &["s3:PutBucketOwnershipControls"], WRITES),
    row(
        "s3",
        &["DeleteBucketLifecycle", "PutBucketLifecycle", "PutBucketLifecycleConfiguration"],
        &["s3:PutLifecycleConfiguration"],
        OLDER,
    ),
    row(
        "s3",
        &["GetBucketLifecycle", "GetBucketLifecycleConfiguration"],
        &["s3:GetLifecycleConfiguration"],
        OLDER,
    ),
    row("s3", &["DeleteBucketEncryption", "PutBucketEncryption"], &["s3:PutEncryptionConfiguration"], OLDER),
    row("s3", &["GetBucketEncryption"], &["s3:GetEncryptionConfiguration"], OLDER),
    row(
        "s3",
        &["DeleteBucketReplication", "PutBucketReplication"],
        &["s3:PutReplicationConfiguration"],
        OLDER,
    ),
    row("s3", &["GetBucketReplication"], &["s3:GetReplicationConfiguration"], OLDER),
    row(
        "s3",
        &["DeleteBucketPublicAccessBlock", "DeletePublicAccessBlock", "PutPublicAccessBlock"],
        &["s3:PutBucketPublicAccessBlock"],
        WRITES,
    ),
    row("s3", &["GetPublicAccessBlock"], &["s3:GetBucketPublicAccessBlock"], OLDER),
    row("s3", &["DeleteAccountPublicAccessBlock"], &["s3:PutAccountPublicAccessBlock"], WRITES),
    row("s3", &["GetBucketAccelerateConfiguration"], &["s3:GetAccelerateConfiguration"], OLDER),
    row("s3", &["PutBucketAccelerateConfiguration"], &["s3:PutAccelerateConfiguration"], OLDER),
    row(
        "s3",
        &["GetBucketInventoryConfiguration", "ListBucketInventoryConfigurations"],
        &["s3:GetInventoryConfiguration"],
        OLDER,
    ),
    row(
        "s3",
        &["PutBucketInventoryConfiguration", "DeleteBucketInventoryConfiguration"],
        &["s3:PutInventoryConfiguration"],
        OLDER,
    ),
    row(
        "s3",
        &["GetBucketAnalyticsConfiguration", "ListBucketAnalyticsConfigurations"],
        &["s3:GetAnalyticsConfiguration"],
        OLDER,
    ),
    row(
        "s3",
        &["PutBucketAnalyticsConfiguration", "DeleteBucketAnalyticsConfiguration"],
        &["s3:PutAnalyticsConfiguration"],
        OLDER,
    ),
    row(
        "s3",
        &["GetBucketMetricsConfiguration", "ListBucketMetricsConfigurations"],
        &["s3:GetMetricsConfiguration"],
        OLDER,
    ),
    row(
        "s3",
        &["PutBucketMetricsConfiguration", "DeleteBucketMetricsConfiguration"],
        &["s3:PutMetricsConfiguration"],
        OLDER,
    ),
    row("s3", &["GetBucketNotificationConfiguration"], &["s3:GetBucketNotification"], OLDER),
    row("s3", &["PutBucketNotificationConfiguration"], &["s3:PutBucketNotification"], OLDER),
    row("s3", &["GetObjectLockConfiguration"], &["s3:GetBucketObjectLockConfiguration"], OLDER),
    row("s3", &["PutObjectLockConfiguration"], &["s3:PutBucketObjectLockConfiguration"], OLDER),
    row(
        "secretsmanager",
        &["BatchGetSecretValue"],
        &["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"],
        "each secret is asked for, too",
    ),
    row("sns", &["PublishBatch"], &["sns:Publish"], SINGULAR),
    row("sqs", &["ChangeMessageVisibilityBatch"], &["sqs:ChangeMessageVisibility"], SINGULAR),
    row("sqs", &["DeleteMessageBatch"], &["sqs:DeleteMessage"], SINGULAR),
    row("sqs", &["SendMessageBatch"], &["sqs:SendMessage"], SINGULAR),
    row(
        "sts",
        &["GetCallerIdentity", "GetSessionToken"],
        &[],
        "no permission is asked for (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)",
    ),
];

/// Event sources that neither are IAM prefixes nor lead to one by the SDK's models: host, prefix, why.
pub(super) const HOSTS: &[(&str, &str, &str)] = &[
    ("amazonmq", "mq", "the trail names the product"),
    ("billingconsole", "billing", "the console's own source"),
    ("cloudcontrolapi", "cloudformation", "Cloud Control is authorised as CloudFormation"),
    ("management-marketplace", "aws-marketplace-management", "the trail turns the name round"),
    ("marketplacecatalog", "aws-marketplace", "one prefix for the marketplace"),
    ("migrationhub", "mgh", "the trail names the product"),
    ("opensearchservice", "es", "the service kept its first prefix"),
    ("participant-connect", "connect", "the participant's side of Connect"),
    ("pinpoint", "mobiletargeting", "the service kept its first prefix"),
    ("pricelist", "pricing", "the trail names the product"),
    ("qconnect", "wisdom", "the service kept its first prefix"),
    ("rdsdata", "rds-data", "written without the dash"),
    ("tagging", "tag", "the resource groups tagging API"),
    ("taxconsole", "tax", "the console's own source"),
    ("transcribestreaming", "transcribe", "streams are authorised with the rest"),
];
