//! From records to roles, as a user has them made: what requests show, the files of each target, the replay of every call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use support::*;

const T: &str = "2026-09-01T00:00:00Z";

fn called(n: u32, host: &str, name: &str, request: Value) -> Value {
    let record = with(record(n, name, T), json!({"eventSource": format!("{host}.amazonaws.com")}));
    with(record, json!({"requestParameters": request, "awsRegion": "eu-west-1"}))
}

/// Permissions of the only consumer, in words.
fn permissions(records: &[Value]) -> BTreeSet<String> {
    let dir = Dir::new();
    dir.file("logs.json", trail(records));
    let output = offkey(&dir, &["explain", KEY, "logs.json", "--json", "--as-of", "evidence"]);
    let key: Value = serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let mut out = BTreeSet::new();
    for consumer in key["consumers"].as_array().unwrap() {
        for p in consumer["permissions"].as_array().unwrap() {
            let resources: Vec<&str> =
                p["resources"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
            let condition = p["condition"].as_str().map_or(String::new(), |c| format!(" if {c}"));
            out.insert(format!("{} on {}{condition}", p["action"].as_str().unwrap(), resources.join(" ")));
        }
    }
    out
}

#[test]
fn requests_say_on_what_and_what_else() {
    let cases: &[(&str, &str, Value, &[&str])] = &[
        (
            "sqs",
            "SendMessage",
            json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/444455556666/jobs"}),
            &["sqs:SendMessage on arn:aws:sqs:eu-west-1:444455556666:jobs"],
        ),
        (
            "dynamodb",
            "Query",
            json!({"tableName": "orders", "indexName": "by-day"}),
            &[
                "dynamodb:Query on arn:aws:dynamodb:eu-west-1:111122223333:table/orders arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/by-day",
            ],
        ),
        (
            "dynamodb",
            "BatchGetItem",
            json!({"requestItems": {"orders": {"keys": []}, "users": {}}}),
            &[
                "dynamodb:BatchGetItem on arn:aws:dynamodb:eu-west-1:111122223333:table/orders arn:aws:dynamodb:eu-west-1:111122223333:table/users",
            ],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            json!({"transactItems": [{"put": {"tableName": "orders"}}]}),
            &["dynamodb:PutItem on arn:aws:dynamodb:eu-west-1:111122223333:table/orders"],
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": "prod/db"}),
            &[
                "secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-??????",
            ],
        ),
        (
            "ssm",
            "GetParameters",
            json!({"names": ["/app/a", "b"]}),
            &[
                "ssm:GetParameters on arn:aws:ssm:eu-west-1:111122223333:parameter/app/a arn:aws:ssm:eu-west-1:111122223333:parameter/b",
            ],
        ),
        (
            "lambda",
            "CreateFunction20150331",
            json!({"functionName": "f", "role": "arn:aws:iam::111122223333:role/f", "tags": {"team": "x"}, "layers": ["arn:aws:lambda:eu-west-1:111122223333:layer:l:1"]}),
            &[
                "iam:PassRole on arn:aws:iam::111122223333:role/f if StringEquals iam:PassedToService = lambda.amazonaws.com",
                "lambda:CreateFunction on arn:aws:lambda:eu-west-1:111122223333:function:f",
                "lambda:GetLayerVersion on arn:aws:lambda:eu-west-1:111122223333:layer:l:*",
                "lambda:TagResource on arn:aws:lambda:eu-west-1:111122223333:function:f",
            ],
        ),
        (
            "lambda",
            "Invoke",
            json!({"functionName": "arn:aws:lambda:eu-west-1:444455556666:function:f"}),
            &["lambda:InvokeFunction on arn:aws:lambda:eu-west-1:444455556666:function:f"],
        ),
        (
            "ec2",
            "TerminateInstances",
            json!({"instancesSet": {"items": [{"instanceId": "i-0abc"}]}}),
            &["ec2:TerminateInstances on arn:aws:ec2:eu-west-1:111122223333:instance/*"],
        ),
        (
            "ec2",
            "CreateTags",
            json!({"resourcesSet": {"items": [{"resourceId": "vpc-0abc"}]}, "tagSet": {"items": [{"key": "a"}]}}),
            &["ec2:CreateTags on arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0abc"],
        ),
        (
            "s3",
            "PutObject",
            json!({"bucketName": "b", "key": "a*?${x}", "x-amz-acl": "private", "x-amz-tagging": "a=b"}),
            &[
                "s3:PutObject on arn:aws:s3:::b/a${*}${?}${$}{x}",
                "s3:PutObjectAcl on arn:aws:s3:::b/a${*}${?}${$}{x}",
                "s3:PutObjectTagging on arn:aws:s3:::b/a${*}${?}${$}{x}",
            ],
        ),
        (
            "s3",
            "CopyObject",
            json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "/from/a%20b"}),
            &["s3:GetObject on arn:aws:s3:::from/a b", "s3:PutObject on arn:aws:s3:::to/k"],
        ),
        (
            "s3",
            "DeleteObject",
            json!({"bucketName": "b", "key": "k", "versionId": "v"}),
            &["s3:DeleteObject on arn:aws:s3:::b/k", "s3:DeleteObjectVersion on arn:aws:s3:::b/k"],
        ),
        (
            "iam",
            "AddRoleToInstanceProfile",
            json!({"instanceProfileName": "p", "roleName": "r"}),
            &[
                "iam:AddRoleToInstanceProfile on arn:aws:iam::111122223333:instance-profile/*/p arn:aws:iam::111122223333:instance-profile/p",
                "iam:PassRole on arn:aws:iam::111122223333:role/r if StringEquals iam:PassedToService = ec2.amazonaws.com",
            ],
        ),
        (
            "autoscaling",
            "PutScalingPolicy",
            json!({"serviceNamespace": "ecs", "resourceId": "service/main/app"}),
            &["application-autoscaling:PutScalingPolicy on *"],
        ),
        (
            "autoscaling",
            "PutScalingPolicy",
            json!({"autoScalingGroupName": "g"}),
            &[
                "autoscaling:PutScalingPolicy on arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/g",
            ],
        ),
        ("kms", "Decrypt", json!({"keyId": "alias/app"}), &["kms:Decrypt on *"]),
        (
            "apigateway",
            "PutIntegration",
            json!({"restApiId": "a1", "credentials": "arn:aws:iam::111122223333:role/r"}),
            &[
                "apigateway:PUT on arn:aws:apigateway:eu-west-1::/restapis/a1 arn:aws:apigateway:eu-west-1::/restapis/a1/*",
                "iam:PassRole on arn:aws:iam::111122223333:role/r if StringEquals iam:PassedToService = apigateway.amazonaws.com",
            ],
        ),
        (
            "bedrock",
            "InvokeModel",
            json!({"modelId": "example.model-v1:0", "guardrailIdentifier": "g"}),
            &[
                "bedrock:ApplyGuardrail on *",
                "bedrock:InvokeModel on arn:aws:bedrock:eu-west-1::foundation-model/example.model-v1:0",
            ],
        ),
        ("ec2", "DescribeInstances", json!({"instancesSet": {}}), &["ec2:DescribeInstances on *"]),
    ];
    for (host, name, request, want) in cases {
        let got = permissions(&[called(1, host, name, request.clone())]);
        let want: BTreeSet<String> = want.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(got, want, "{host} {name} {request}");
    }
}

/// Each of these once came out as a role that would have failed, or that allowed too much.
#[test]
fn calls_of_one_name_that_differ() {
    let role = "arn:aws:iam::111122223333:role/Admin";
    let here = "arn:aws:ec2:eu-west-1:111122223333";
    let cases: Vec<(&str, &str, Vec<Value>, Vec<String>)> = vec![
        // Only one of the calls names its snapshot in a way that is understood.
        ("rds", "CopyDBSnapshot",
            vec![json!({"sourceDBSnapshotIdentifier": "rds:a", "kmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k"}),
                json!({"sourceDBSnapshotIdentifier": "arn:aws:rds:eu-west-1:111122223333:snapshot:b"})],
            vec!["rds:CopyDBSnapshot on arn:aws:rds:eu-west-1:111122223333:snapshot:*".into()]),
        ("ec2", "CreateTags",
            vec![json!({"resourcesSet": {"items": [{"resourceId": "vpc-1"}, {"resourceId": "acl-1"}]}})],
            vec!["ec2:CreateTags on *".into()]),
        ("ec2", "CreateSnapshot",
            vec![json!({"volumeId": "vol-1", "tagSpecificationSet": {"items": [{"resourceType": "snapshot", "tags": [{"key": "a"}]}]}})],
            vec![
                format!("ec2:CreateSnapshot on {here}:volume/* arn:aws:ec2:eu-west-1::snapshot/*"),
                "ec2:CreateTags on arn:aws:ec2:eu-west-1::snapshot/*".into(),
            ]),
        ("events", "PutEvents", vec![json!({"entries": [{"eventBusName": "x"}, {}]})],
            vec!["events:PutEvents on arn:aws:events:eu-west-1:111122223333:event-bus/default arn:aws:events:eu-west-1:111122223333:event-bus/x".into()]),
        ("events", "PutRule", vec![json!({"name": "r", "eventBusName": "orders"})],
            vec!["events:PutRule on arn:aws:events:eu-west-1:111122223333:rule/orders/r".into()]),
        ("lambda", "Invoke", vec![json!({"functionName": "f", "qualifier": "prod"})],
            vec!["lambda:InvokeFunction on arn:aws:lambda:eu-west-1:111122223333:function:f arn:aws:lambda:eu-west-1:111122223333:function:f:prod".into()]),
        ("lambda", "Invoke", vec![json!({"functionName": "111122223333:function:g"}), json!({"functionName": "f"})],
            vec!["lambda:InvokeFunction on arn:aws:lambda:eu-west-1:111122223333:function:f arn:aws:lambda:eu-west-1:111122223333:function:g".into()]),
        ("lambda", "TagResource20170331v2",
            vec![json!({"resource": "arn:aws:lambda:eu-west-1:111122223333:function:f", "tags": {"owner-role": role}})],
            vec!["lambda:TagResource on arn:aws:lambda:eu-west-1:111122223333:function:f".into()]),
        ("glue", "StartJobRun", vec![json!({"jobName": "j", "arguments": {"--redshift_role": role}})],
            vec!["glue:StartJobRun on arn:aws:glue:eu-west-1:111122223333:job/j".into()]),
        ("ssm", "StartSession", vec![json!({"target": "i-1", "documentName": "AWS-StartPortForwardingSession"})],
            vec![format!("ssm:StartSession on {here}:instance/* arn:aws:ssm:eu-west-1:111122223333:document/AWS-StartPortForwardingSession arn:aws:ssm:eu-west-1::document/AWS-StartPortForwardingSession")]),
        ("ecr", "BatchGetImage", vec![json!({"registryId": "444455556666", "repositoryName": "base"})],
            vec!["ecr:BatchGetImage on arn:aws:ecr:eu-west-1:444455556666:repository/base".into()]),
        ("dynamodb", "Query", vec![json!({"tableName": "arn:aws:dynamodb:eu-west-1:444455556666:table/t", "indexName": "i"})],
            vec!["dynamodb:Query on arn:aws:dynamodb:eu-west-1:444455556666:table/t arn:aws:dynamodb:eu-west-1:444455556666:table/t/index/i".into()]),
        ("s3", "GetObject", vec![json!({"bucketName": "arn:aws:s3:eu-west-1:111122223333:accesspoint/data", "key": "conf/app.json"})],
            vec!["s3:GetObject on arn:aws:s3:eu-west-1:111122223333:accesspoint/data/object/conf/app.json".into()]),
        ("s3", "CopyObject", vec![json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "from/k?versionId=v"})],
            vec!["s3:GetObject on arn:aws:s3:::from/k".into(), "s3:GetObjectVersion on arn:aws:s3:::from/k".into(), "s3:PutObject on arn:aws:s3:::to/k".into()]),
        ("bedrock", "InvokeModel", vec![json!({"modelId": "eu.example.model-v1:0"})],
            vec!["bedrock:InvokeModel on arn:aws:bedrock:*::foundation-model/example.model-v1:0 arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.example.model-v1:0".into()]),
        ("eks", "CreateFargateProfile", vec![json!({"clusterName": "c", "podExecutionRoleArn": role})],
            vec!["eks:CreateFargateProfile on arn:aws:eks:eu-west-1:111122223333:cluster/c".into(),
                format!("iam:PassRole on {role} if StringEquals iam:PassedToService = eks-fargate-pods.amazonaws.com")]),
        ("ecs", "StopTask", vec![json!({"cluster": "main", "task": "0123456789abcdef"})],
            vec!["ecs:StopTask on arn:aws:ecs:eu-west-1:111122223333:task/main/*".into()]),
        ("secretsmanager", "GetSecretValue", vec![json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db"})],
            vec!["secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-??????".into()]),
        ("ssm", "GetParameter", vec![json!({"name": "/app/a:3"})],
            vec!["ssm:GetParameter on arn:aws:ssm:eu-west-1:111122223333:parameter/app/a".into()]),
        ("rds", "StopDBInstance", vec![json!({"dBInstanceIdentifier": "MyDB"})],
            vec!["rds:StopDBInstance on arn:aws:rds:eu-west-1:111122223333:db:mydb".into()]),
    ];
    for (host, name, requests, want) in cases {
        let records: Vec<Value> = requests
            .iter()
            .enumerate()
            .map(|(n, request)| called(n as u32, host, name, request.clone()))
            .collect();
        let want: BTreeSet<String> = want.into_iter().collect();
        assert_eq!(permissions(&records), want, "{host} {name} {requests:?}");
    }
}

#[test]
fn names_with_slashes_and_lists_with_arns() {
    let table = "arn:aws:dynamodb:eu-west-1:111122223333:table";
    let role = "arn:aws:iam::111122223333:role/Admin";
    let cases: Vec<(&str, &str, Value, Vec<String>)> = vec![
        ("s3", "GetObject", json!({"bucketName": "b", "key": "a/one.txt"}), vec!["s3:GetObject on arn:aws:s3:::b/a/one.txt".into()]),
        ("dynamodb", "BatchGetItem", json!({"requestItems": {"orders": {}, (format!("{table}/users")): {}}}),
            vec![format!("dynamodb:BatchGetItem on {table}/orders {table}/users")]),
        ("ecs", "DescribeServices", json!({"services": ["arn:aws:ecs:eu-west-1:111122223333:service/main/api"]}),
            vec!["ecs:DescribeServices on arn:aws:ecs:eu-west-1:111122223333:service/main/api".into()]),
        ("ecs", "UpdateService", json!({"service": "api"}),
            vec!["ecs:UpdateService on arn:aws:ecs:eu-west-1:111122223333:service/default/api".into()]),
        ("ecs", "RegisterTaskDefinition", json!({"family": "app", "containerDefinitions": [{"dockerLabels": {"role": role}}]}),
            vec!["ecs:RegisterTaskDefinition on arn:aws:ecs:eu-west-1:111122223333:task-definition/app:*".into()]),
        ("ssm", "GetParameter", json!({"name": "/aws/service/ecs/image"}),
            vec!["ssm:GetParameter on arn:aws:ssm:eu-west-1:111122223333:parameter/aws/service/ecs/image arn:aws:ssm:eu-west-1::parameter/aws/service/ecs/image".into()]),
        ("ec2", "CreateNatGateway", json!({"CreateNatGatewayRequest": {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"}}),
            vec!["ec2:CreateNatGateway on arn:aws:ec2:eu-west-1:*:natgateway/* arn:aws:ec2:eu-west-1:111122223333:elastic-ip/eipalloc-1 arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1".into()]),
        ("rds", "DeleteDBSnapshot", json!({"dBSnapshotIdentifier": "nightly-2026-08-01"}),
            vec!["rds:DeleteDBSnapshot on arn:aws:rds:eu-west-1:111122223333:snapshot:*".into()]),
        ("backup", "StartBackupJob", json!({"backupVaultName": "v", "iamRoleArn": role}),
            vec!["backup:StartBackupJob on arn:aws:backup:eu-west-1:111122223333:backup-vault:v".into(),
                format!("iam:PassRole on {role} if StringEquals iam:PassedToService = backup.amazonaws.com")]),
    ];
    for (host, name, request, want) in cases {
        let got = permissions(&[called(1, host, name, request.clone())]);
        assert_eq!(got, want.into_iter().collect(), "{host} {name} {request}");
    }
    let encrypt = with(
        called(1, "kms", "Encrypt", json!({"keyId": "alias/app"})),
        json!({"resources": [{"ARN": "arn:aws:kms:eu-west-1:111122223333:key/k"}]}),
    );
    assert_eq!(
        permissions(&[encrypt]),
        BTreeSet::from(["kms:Encrypt on arn:aws:kms:eu-west-1:111122223333:key/k".to_owned()])
    );
}

#[test]
fn many_buckets_stay_those_buckets() {
    let get = |n: u32| {
        let (bucket, key) = (format!("bucket-{n}"), "a/b.json");
        let resources = json!([{"ARN": format!("arn:aws:s3:::{bucket}/{key}")}, {"ARN": format!("arn:aws:s3:::{bucket}")}]);
        with(
            called(n, "s3", "GetObject", json!({"bucketName": bucket, "key": key})),
            json!({"resources": resources}),
        )
    };
    let got = permissions(&(0..60).map(get).collect::<Vec<_>>());
    let got = got.first().unwrap();
    assert_eq!(got.matches("arn:aws:s3:::bucket-").count(), 60, "{got}");
    assert!(!got.contains(":::*"), "{got}");
}

#[test]
fn failed_calls_prove_only_what_was_asked_first() {
    let failed = |record: Value, code: &str| with(record, json!({"errorCode": code}));
    let nobodys =
        failed(called(1, "s3", "PutObject", json!({"bucketName": "gone", "key": "a"})), "NoSuchBucket");
    assert_eq!(permissions(&[nobodys]), BTreeSet::new());
    let run = called(
        1,
        "ecs",
        "RunTask",
        json!({"cluster": "main", "taskDefinition": "app",
        "overrides": {"taskRoleArn": "arn:aws:iam::111122223333:role/Admin"}}),
    );
    let got = permissions(&[failed(run.clone(), "ClusterNotFoundException")]);
    assert!(!got.iter().any(|permission| permission.contains("PassRole")), "{got:?}");
    let got = permissions(&[run]);
    assert!(
        got.iter()
            .any(|permission| permission.contains("iam:PassRole on arn:aws:iam::111122223333:role/Admin")),
        "{got:?}"
    );
}

#[test]
fn many_objects_deleted_at_once_are_of_the_bucket() {
    let delete = with(
        called(1, "s3", "DeleteObjects", json!({"bucketName": "b"})),
        json!({"resources": [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"}, {"ARN": "arn:aws:s3:::b"}]}),
    );
    assert_eq!(permissions(&[delete]), BTreeSet::from(["s3:DeleteObject on arn:aws:s3:::b/*".to_owned()]));
}

#[test]
fn a_role_for_seventy_roles_is_for_asking() {
    let assume = |n: u32| {
        called(n, "sts", "AssumeRole", json!({"roleArn": format!("arn:aws:iam::111122223333:role/r{n}")}))
    };
    let dir = Dir::new();
    dir.file("logs.json", trail(&(0..70).map(assume).collect::<Vec<_>>()));
    let output = offkey(&dir, &["explain", KEY, "logs.json", "--json", "--as-of", "evidence"]);
    let key: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let permission = &key["consumers"][0]["permissions"][0];
    assert_eq!(
        (&permission["granted"], &permission["danger"], &permission["scope"]),
        (&json!(false), &json!("privileged"), &json!("widened")),
        "{permission}"
    );
}

#[test]
fn a_key_used_directly_and_through_a_service() {
    let key = |n: u32| format!("arn:aws:kms:eu-west-1:111122223333:key/{n}");
    let with_key =
        |n: u32| with(called(n, "kms", "Decrypt", json!({})), json!({"resources": [{"ARN": key(n)}]}));
    let mut by_s3 =
        with(with_key(2), json!({"sourceIPAddress": "s3.amazonaws.com", "userAgent": "s3.amazonaws.com"}));
    by_s3["userIdentity"]["invokedBy"] = json!("s3.amazonaws.com");
    let got = permissions(&[
        called(3, "s3", "GetObject", json!({"bucketName": "b", "key": "k"})),
        with_key(1),
        by_s3,
    ]);
    for want in [
        format!("kms:Decrypt on {}", key(1)),
        format!("kms:Decrypt on {} if StringEquals kms:ViaService = s3.eu-west-1.amazonaws.com", key(2)),
    ] {
        assert!(got.contains(&want), "{got:?}");
    }
}

#[test]
fn a_call_that_names_nothing_keeps_the_action_open() {
    let named = called(1, "rds", "DescribeDBInstances", json!({"dBInstanceIdentifier": "a"}));
    let unnamed = called(2, "rds", "DescribeDBInstances", json!({}));
    let want = |resource: &str| BTreeSet::from([format!("rds:DescribeDBInstances on {resource}")]);
    assert_eq!(permissions(std::slice::from_ref(&named)), want("arn:aws:rds:eu-west-1:111122223333:db:a"));
    assert_eq!(permissions(&[named, unnamed]), want("*"));
}

#[test]
fn programs_of_one_key_do_not_share_what_they_acted_on() {
    let at = |n: u32, bucket: &str, agent: &str, ip: &str| {
        with(
            called(n, "s3", "GetBucketAcl", json!({"bucketName": bucket})),
            json!({"userAgent": agent, "sourceIPAddress": ip}),
        )
    };
    let records =
        [at(1, "one", "aws-cli/2.31.1", "192.0.2.10"), at(2, "two", "Terraform/1.9", "198.51.100.7")];
    assert_eq!(
        permissions(&records),
        BTreeSet::from([
            "s3:GetBucketAcl on arn:aws:s3:::one".to_owned(),
            "s3:GetBucketAcl on arn:aws:s3:::two".to_owned()
        ])
    );
}

#[test]
fn what_an_assumed_role_does_is_not_the_users() {
    let assume = with(
        called(1, "sts", "AssumeRole", json!({"roleArn": "arn:aws:iam::111122223333:role/deploy"})),
        json!({"responseElements": {"credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"}}}),
    );
    let mut by_role = called(2, "s3", "DeleteBucket", json!({"bucketName": "b"}));
    by_role["userIdentity"] = json!({"type": "AssumedRole", "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/deploy/x", "sessionContext": {"attributes": {"mfaAuthenticated": "false"}}});
    let want = BTreeSet::from(["sts:AssumeRole on arn:aws:iam::111122223333:role/deploy".to_owned()]);
    assert_eq!(permissions(&[assume, by_role]), want);
}

#[test]
fn a_service_on_the_keys_behalf_may_use_the_key_through_it_only() {
    let put = called(1, "s3", "PutObject", json!({"bucketName": "b", "key": "k"}));
    let key = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-4333-8444-555555555555";
    let mut generate = with(
        called(2, "kms", "GenerateDataKey", json!({})),
        json!({"resources": [{"ARN": key}], "sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal"}),
    );
    generate["userIdentity"]["invokedBy"] = json!("s3.amazonaws.com");
    let got = permissions(&[put, generate]);
    let want =
        format!("kms:GenerateDataKey on {key} if StringEquals kms:ViaService = s3.eu-west-1.amazonaws.com");
    assert!(got.contains(&want), "{got:?}");
}

#[test]
fn a_missing_object_tells_of_a_permission_to_list() {
    let head = with(
        called(1, "s3", "HeadObject", json!({"bucketName": "b", "key": "k"})),
        json!({"errorCode": "NoSuchKey"}),
    );
    let want = ["s3:GetObject on arn:aws:s3:::b/k", "s3:ListBucket on arn:aws:s3:::b"];
    assert_eq!(permissions(&[head]), want.iter().map(|t| (*t).to_owned()).collect());
}

/// An estate with one Lambda function that uses a key, and what the user may do.
fn estate(dir: &Dir, policy: Value) {
    let lambda = "Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux#5.10.0 lang/python#3.12.1 exec-env/AWS_Lambda_python3.12";
    let at = |n: u32, host: &str, name: &str, request: Value| {
        with(called(n, host, name, request), json!({"userAgent": lambda}))
    };
    dir.file(
        "logs/a.json",
        trail(&[
            at(
                1,
                "sqs",
                "SendMessage",
                json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"}),
            ),
            at(2, "iam", "CreateUser", json!({"userName": "x"})),
            at(3, "s3", "Invented", json!({})),
        ]),
    );
    let details = json!({"UserDetailList": [{
        "Path": "/", "UserName": "ci", "UserId": "AIDAEXAMPLE", "Arn": "arn:aws:iam::111122223333:user/ci", "CreateDate": T,
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}], "GroupList": [], "AttachedManagedPolicies": [], "Tags": [],
        "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/edge"}
    }], "GroupDetailList": [], "RoleDetailList": [{
        "Path": "/", "RoleName": "shared", "RoleId": "AROAEXAMPLE", "Arn": "arn:aws:iam::111122223333:role/shared", "CreateDate": T,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::111122223333:user/ci"}}]},
        "InstanceProfileList": [], "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": []
    }], "Policies": [], "IsTruncated": false});
    dir.file("iam/details.json", details.to_string().into_bytes());
    let policy = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "AIDAEXAMPLE"}, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}]});
    dir.file("iam/bucket.json", json!({"Policy": policy.to_string()}).to_string());
    let grant = json!({"Grants": [{"KeyId": "k", "GrantId": "g", "GranteePrincipal": "arn:aws:iam::111122223333:user/ci"}]});
    dir.file("iam/grants.json", grant.to_string());
}

fn replace(dir: &Dir, target: &str, out: &str, more: &[&str]) -> std::process::Output {
    let fixed = ["replace", "ci", "logs", "iam", "--as-of", "evidence", "--to", target, "-o", out];
    offkey(dir, &[&fixed[..], more].concat())
}

fn file_with(dir: &Path, end: &str) -> String {
    let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    let beside = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name == "versions.tf" || name.starts_with("oidc-provider-")
    };
    found.retain(|path| path.to_string_lossy().ends_with(end) && !beside(path));
    assert_eq!(found.len(), 1, "{found:?}");
    fs::read_to_string(&found[0]).unwrap()
}

#[test]
fn a_role_in_each_language() {
    let dir = Dir::new();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sqs:*", "iam:CreateUser"], "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]});
    estate(&dir, policy);
    for (target, end) in [("terraform", ".tf"), ("cloudformation", ".yaml"), ("cli", ".sh")] {
        let output = replace(&dir, target, target, &["--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let list: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(list["schema"], "offkey.replace/1");
        let part = &list["consumers"][0];
        assert_eq!((part["kind"].as_str(), part["outcome"].as_str()), (Some("lambda"), Some("new-role")));
        assert_eq!(
            (
                &part["parity"]["allowed_events"],
                &part["parity"]["privileged_events"],
                &part["parity"]["unmapped_events"]
            ),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!(part["parity"]["unmapped"]["s3.amazonaws.com Invented"], 1);
        for named in ["role/shared", "the policy of arn:aws:s3:::b/*", "grant g of k"] {
            assert!(part["edits"].to_string().contains(named), "{}", part["edits"]);
        }
        assert!(part["caveats"].to_string().contains("aws:SourceIp"), "{}", part["caveats"]);
        assert!(part["caveats"].to_string().contains("iam:CreateUser"));
        let text = file_with(&dir.path().join(target), end);
        for there in [
            "lambda.amazonaws.com",
            "arn:aws:sqs:eu-west-1:111122223333:jobs",
            "policy/edge",
            "PRIVILEGED",
            "SendMessage",
        ] {
            assert!(text.contains(there), "{target} lacks {there}:\n{text}");
        }
        let checklist =
            fs::read_to_string(dir.path().join(target).join(format!("CHECKLIST-{KEY}.md"))).unwrap();
        for heading in [
            "## Not seen",
            "### Change",
            "### See that it worked",
            "### Only then",
            "### Go back",
            "## Afterwards",
            "Verdict on the key",
        ] {
            assert!(checklist.contains(heading), "{checklist}");
        }
        // Attached is only what is not privileged, unless asked for.
        let attached =
            |text: &str| text.matches("attach").count() + text.matches("Roles: [!Ref Role]").count();
        let all = replace(&dir, target, &format!("{target}-all"), &["--include-privileged"]);
        assert_eq!(code(&all), 0);
        assert!(
            attached(&file_with(&dir.path().join(format!("{target}-all")), end)) >= attached(&text),
            "{target}"
        );
    }
    let with_all = file_with(&dir.path().join("terraform-all"), ".tf");
    let without = file_with(&dir.path().join("terraform"), ".tf");
    let count = |text: &str| text.matches("aws_iam_role_policy_attachment").count();
    assert_eq!((count(&without), count(&with_all)), (1, 2));
}

#[test]
fn nothing_is_overwritten_silently() {
    let dir = Dir::new();
    estate(&dir, json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}));
    assert_eq!(code(&replace(&dir, "terraform", "out", &[])), 0);
    let again = replace(&dir, "terraform", "out", &[]);
    assert!(code(&again) == 0 && stderr(&again).contains("are as they were"), "{}", stderr(&again));
    let checklist = dir.path().join(format!("out/CHECKLIST-{KEY}.md"));
    fs::write(&checklist, "ticked").unwrap();
    let refused = replace(&dir, "terraform", "out", &[]);
    assert_eq!(code(&refused), 1);
    assert!(
        stderr(&refused).contains("CHECKLIST-") && stderr(&refused).contains("--force"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(fs::read_to_string(&checklist).unwrap(), "ticked");
    assert_eq!(code(&replace(&dir, "terraform", "out", &["--force"])), 0);
    assert_ne!(fs::read_to_string(&checklist).unwrap(), "ticked");
}

/// A workflow's estate: its trust policy needs an input.
fn workflow(dir: &Dir) {
    let agent = "aws-sdk-nodejs/2.1000.0 linux/v20 configure-aws-credentials-for-github-actions";
    dir.file(
        "logs/a.json",
        trail(&[with(called(1, "ecr", "GetAuthorizationToken", Value::Null), json!({"userAgent": agent}))]),
    );
    dir.file("iam/none.json", b"{}");
}

#[test]
fn inputs_are_asked_for_and_bad_ones_refused() {
    let dir = Dir::new();
    workflow(&dir);
    let asked = replace(&dir, "terraform", "a", &[]);
    assert!(stderr(&asked).contains("--set github_subject=…"), "{}", stderr(&asked));
    let text = file_with(&dir.path().join("a"), ".tf");
    assert!(text.contains("INPUT MISSING") && text.contains("<GITHUB_SUBJECT>"));
    let given = replace(
        &dir,
        "terraform",
        "b",
        &["--set", "github-subject=repo:example/app:ref:refs/heads/main", "--set", "repository_id=123456"],
    );
    assert!(!stderr(&given).contains("--set"), "{}", stderr(&given));
    let text = file_with(&dir.path().join("b"), ".tf");
    assert!(
        text.contains("repo:example/app:ref:refs/heads/main") && text.contains("repository_id"),
        "{text}"
    );
    assert!(!text.contains("INPUT MISSING") && !text.contains('<'), "{text}");
    for (set, why) in [
        ("github_subject=repo:example/*:ref:refs/heads/main", "has a wildcard"),
        ("github_subject=*", "has a wildcard"),
        ("github_subject=example/app", "none of GitHub's"),
        ("github_subject=", "is empty"),
        ("github_subject=repo:example/app:environment:<X>", "characters that no such name has"),
        ("github_subject=repo:example/app:environment:x\"${file}", "characters that no such name has"),
        ("repository_id=abc", "not of the form"),
        ("cluster=main", "no such input"),
        ("github_subject", "there is no '='"),
    ] {
        let output = replace(&dir, "terraform", "c", &["--set", set]);
        let message = stderr(&output);
        assert!(code(&output) == 2 && message.contains(why), "{set}: {message}");
        assert!(!dir.path().join("c").exists(), "{set}: nothing is written");
    }
}

#[test]
fn a_key_that_is_part_of_an_incident_gets_no_role_unasked() {
    let dir = Dir::new();
    let stratus = with(
        called(1, "s3", "ListBuckets", Value::Null),
        json!({"userAgent": "stratus-red-team_00000000-0000-4000-8000-000000000000"}),
    );
    dir.file("logs/a.json", trail(&[stratus]));
    dir.file("iam/none.json", b"{}");
    let refused = replace(&dir, "terraform", "out", &[]);
    assert!(code(&refused) == 2 && stderr(&refused).contains("incident"), "{}", stderr(&refused));
    assert!(!dir.path().join("out").exists());
    assert_eq!(code(&replace(&dir, "terraform", "out", &["--despite-incident"])), 0);
}

#[test]
fn a_vendor_may_name_its_account_or_its_role_and_not_ours() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "-q", "-o", "demo"])), 0);
    let report = offkey(&dir, &["report", "demo/estate", "--as-of", "evidence", "-q", "--json"]);
    let report: Value = serde_json::from_str(&stdout(&report)).unwrap();
    let key = report["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["consumers"].as_array().unwrap().iter().any(|c| c["kind"] == "third-party-saas"));
    let key = key.unwrap();
    let own = format!("vendor_account_id={}", key["account"].as_str().unwrap());
    for (set, there) in [
        ("vendor_account_id=999988887777", Some("arn:aws:iam::999988887777:root")),
        (
            "vendor_account_id=arn:aws:iam::999988887777:role/reader",
            Some("\"arn:aws:iam::999988887777:role/reader\""),
        ),
        ("vendor_account_id=1234", None),
        (own.as_str(), None),
    ] {
        let out = format!("out-{}", set.len());
        let name = key["reference"].as_str().unwrap();
        let output = offkey(
            &dir,
            &[
                "replace",
                name,
                "demo/estate",
                "--as-of",
                "evidence",
                "-q",
                "--to",
                "terraform",
                "-o",
                &out,
                "--set",
                set,
            ],
        );
        match there {
            Some(there) => assert!(
                file_with(&dir.path().join(&out), ".tf").contains(there),
                "{set}: {}",
                stderr(&output)
            ),
            None => assert_eq!(code(&output), 2, "{set}"),
        }
    }
}

#[test]
fn what_attackers_name_stays_in_its_place() {
    let dir = Dir::new();
    let lambda = "Boto3/1.34.0 lang/python#3.12.1 exec-env/AWS_Lambda_python3.12";
    let evil = "x\"\n${file(\"/etc/passwd\")} %{if} `'; rm -rf / #\u{2028}";
    dir.file(
        "logs/a.json",
        trail(&[with(
            called(1, "dynamodb", "GetItem", json!({"tableName": evil})),
            json!({"userAgent": lambda}),
        )]),
    );
    dir.file("iam/none.json", b"{}");
    for (target, end) in [("terraform", ".tf"), ("cloudformation", ".yaml"), ("cli", ".sh")] {
        assert_eq!(code(&replace(&dir, target, target, &[])), 0);
        let text = file_with(&dir.path().join(target), end);
        assert!(!text.contains("x\"\n"), "{target}: {text}");
        assert!(target != "terraform" || !text.contains("\" ${file") && text.contains("$${$}"), "{text}");
        assert!(target != "cli" || !text.contains("`'; rm"), "{text}");
    }
}

#[test]
fn every_call_of_the_demo_is_allowed_and_nothing_else() {
    let dir = Dir::new();
    assert_eq!(code(&offkey(&dir, &["demo", "-q", "-o", "demo"])), 0);
    let output = offkey(&dir, &["parity", "demo/estate", "--as-of", "evidence", "-q", "--json"]);
    assert_eq!(code(&output), 3, "the demo has files that cannot be read");
    let figures: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let total = &figures["total"];
    let number = |name: &str| total[name].as_u64().unwrap();
    println!("{total}");
    assert!(number("mapped_events") > 10_000);
    assert_eq!(number("allowed_events") + number("privileged_events"), number("mapped_events"));
    assert!(number("unobserved_grants") * 20 <= number("granted_actions"));
    for none in ["refused", "needless_stars", "beyond_today"] {
        assert_eq!(total[none], json!([]), "{none}");
    }
    let text = stdout(&offkey(&dir, &["parity", "demo/estate", "--as-of", "evidence", "-q"]));
    assert!(text.contains("(100.00 %)") && text.contains("0 grants on *"), "{text}");
}

#[test]
fn shared_trails_are_allowed_in_full() {
    let Some(shared) = std::env::var_os("OFFKEY_SHARED") else {
        println!("skipped: OFFKEY_SHARED is not set");
        return;
    };
    for name in ["invictus_aws_dataset", "umccr_flaws_slice"] {
        let path = Path::new(&shared).join("data/cloudtrail").join(name);
        let dir = Dir::new();
        let output =
            offkey(&dir, &["parity", &path.to_string_lossy(), "--as-of", "evidence", "-q", "--json"]);
        let figures: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let total = &figures["total"];
        let number = |name: &str| total[name].as_u64().unwrap();
        println!("{name}: {total}");
        assert!(number("mapped_events") > 50);
        assert_eq!(number("allowed_events") + number("privileged_events"), number("mapped_events"), "{name}");
        assert!(number("unobserved_grants") * 20 <= number("granted_actions"), "{name}");
        assert_eq!((&total["refused"], &total["needless_stars"]), (&json!([]), &json!([])), "{name}");
    }
}
