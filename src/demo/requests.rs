//! What made-up calls ask for: request parameters and resources in the shapes that CloudTrail records.

use super::calls::Call;
use super::estate::Site;
use serde_json::{Value, json};

/// `requestParameters`, and `resources` where the service records them. Nothing is left to chance, so that a workload acts on
/// the same things every day.
pub(super) fn of(call: Call, workload: &str, site: Site, region: &str) -> (Value, Option<Value>) {
    let account = site.id();
    let number = workload.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let hex = format!("{:017x}", number & 0xffff_ffff_ffff);
    let one = |kind: &str, arn: String| Some(json!([{"accountId": account, "type": kind, "ARN": arn}]));
    let bucket = format!("example-co-{workload}");
    match (call.service, call.name) {
        ("s3", "ListBuckets") => (Value::Null, None),
        ("s3", _) => {
            let resources = one("AWS::S3::Bucket", format!("arn:aws:s3:::{bucket}"));
            (json!({"bucketName": bucket, "Host": format!("{bucket}.s3.{region}.amazonaws.com")}), resources)
        }
        ("sqs", _) => (
            json!({"queueUrl": format!("https://sqs.{region}.amazonaws.com/{account}/{workload}-jobs"), "attributeNames": ["All"]}),
            None,
        ),
        ("secretsmanager", _) => (json!({"secretId": format!("prod/{workload}/database")}), None),
        ("kms", _) => {
            let key = format!(
                "arn:aws:kms:{region}:{account}:key/11111111-2222-4333-8444-{:012x}",
                number & 0xffff_ffff
            );
            (json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}), one("AWS::KMS::Key", key))
        }
        ("dynamodb", _) => (json!({"tableName": workload}), None),
        ("monitoring", "PutMetricAlarm") => (
            json!({"alarmName": format!("{workload}-errors"), "metricName": "Errors", "threshold": 1.0}),
            None,
        ),
        ("ecr", "PutImage") => (json!({"repositoryName": workload, "imageTag": "latest"}), None),
        ("ecs", "UpdateService") => {
            (json!({"cluster": "main", "service": workload, "taskDefinition": workload}), None)
        }
        ("ecs", "RegisterTaskDefinition") => (
            json!({"family": workload, "taskRoleArn": format!("arn:aws:iam::{account}:role/{workload}-task")}),
            None,
        ),
        ("cloudfront", "CreateInvalidation") => (
            json!({"distributionId": "E1EXAMPLE0000", "invalidationBatch": {"paths": {"items": ["/*"], "quantity": 1}}}),
            None,
        ),
        ("lambda", _) => (json!({"functionName": workload, "publish": true}), None),
        ("elasticloadbalancing", "ModifyTargetGroup") => {
            let group = format!(
                "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{workload}/{}",
                hex.get(..16).unwrap_or_default()
            );
            (json!({"targetGroupArn": group}), None)
        }
        ("route53", "ChangeResourceRecordSets") => (json!({"hostedZoneId": "Z0EXAMPLE00000"}), None),
        ("ec2", "CreateSecurityGroup") => (
            json!({"groupName": workload, "groupDescription": "made by a tool", "vpcId": format!("vpc-{hex}")}),
            None,
        ),
        ("ec2", "CreateSnapshot") => (json!({"volumeId": format!("vol-{hex}")}), None),
        ("iam", "GetRole" | "CreateRole") => (json!({"roleName": format!("{workload}-task")}), None),
        _ => (Value::Null, None),
    }
}
