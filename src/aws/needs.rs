//! Every permission that offkey asks for: which command, for what, and what is missing without it.

use super::changes::CHANGES;
use std::fmt::Write;

/// What a permission serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Which accounts there are, and taking roles in them.
    Organization,
    /// Which regions an account uses.
    Regions,
    /// Users, keys, policies.
    Inventory,
    /// What trails record.
    Trails,
    /// Log objects in S3.
    Logs,
    /// CloudTrail's own ninety days.
    Lookup,
    /// Policies of resources, where asked for.
    ResourcePolicies,
    /// The accounts' own addresses and trust anchors.
    Networks,
    /// IAM's policy simulator.
    Simulation,
    /// Deactivating and deleting keys, with all that is looked at first.
    Keys,
    /// Making new keys.
    NewKeys,
    /// When roles were used.
    RoleUse,
    /// Places for new secrets in AWS.
    Sinks,
    /// Queries of Athena, for `collect --athena`.
    Athena,
}

impl Part {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Regions => "regions",
            Self::Inventory => "inventory",
            Self::Trails => "trails",
            Self::Logs => "logs",
            Self::Lookup => "lookup",
            Self::ResourcePolicies => "resource-policies",
            Self::Networks => "networks",
            Self::Simulation => "simulation",
            Self::Keys => "keys",
            Self::NewKeys => "new-keys",
            Self::RoleUse => "role-use",
            Self::Sinks => "sinks",
            Self::Athena => "athena",
        }
    }
}

/// Where a permission is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the management account (or a delegated administrator's) only.
    Management,
    /// In every account that is collected.
    Member,
    /// Where the trails' buckets are.
    Bucket,
}

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// IAM action, as the Service Authorization Reference spells it
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
    pub action: &'static str,
    /// What for.
    pub part: Part,
    /// Where.
    pub place: Place,
    /// What a report lacks without it.
    pub without: &'static str,
}

pub(super) const fn need(action: &'static str, part: Part, place: Place, without: &'static str) -> Need {
    Need { action, part, place, without }
}

/// Everything that `collect --aws` may ask for, and `parity --simulate`.
pub const NEEDS: &[Need] = &[
    need(
        "organizations:ListAccounts",
        Part::Organization,
        Place::Management,
        "no account but the caller's own is found",
    ),
    need("organizations:ListRoots", Part::Organization, Place::Management, "--ou cannot be resolved"),
    need(
        "organizations:ListOrganizationalUnitsForParent",
        Part::Organization,
        Place::Management,
        "--ou cannot be resolved",
    ),
    need(
        "organizations:ListAccountsForParent",
        Part::Organization,
        Place::Management,
        "--ou cannot be resolved",
    ),
    need(
        "sts:AssumeRole",
        Part::Organization,
        Place::Management,
        "no account but the caller's own is collected",
    ),
    need(
        "account:ListRegions",
        Part::Regions,
        Place::Member,
        "only the usual regions are looked at, and no key is known to be unused in all of them",
    ),
    need(
        "iam:GetAccountAuthorizationDetails",
        Part::Inventory,
        Place::Member,
        "users, their policies, tags and roles are unknown: no key can be called unused, and no policy of today compared",
    ),
    need(
        "iam:ListUsers",
        Part::Inventory,
        Place::Member,
        "where authorization details are refused, too, users are known from the credential report only",
    ),
    need(
        "iam:GenerateCredentialReport",
        Part::Inventory,
        Place::Member,
        "the credential report is as old as the last one that somebody made, or missing",
    ),
    need(
        "iam:GetCredentialReport",
        Part::Inventory,
        Place::Member,
        "root's keys, passwords and MFA are unknown",
    ),
    need(
        "iam:ListAccessKeys",
        Part::Inventory,
        Place::Member,
        "keys that no log shows are unknown by their ids, and the age and status of all keys",
    ),
    need(
        "iam:GetAccessKeyLastUsed",
        Part::Inventory,
        Place::Member,
        "last use is as old as the credential report, and without it unknown: no key can be called unused",
    ),
    need(
        "iam:ListServiceSpecificCredentials",
        Part::Inventory,
        Place::Member,
        "a user's CodeCommit, Keyspaces and Bedrock credentials are unknown: look before deleting a user",
    ),
    need(
        "iam:ListSSHPublicKeys",
        Part::Inventory,
        Place::Member,
        "a user's SSH keys are unknown: look before deleting a user",
    ),
    need(
        "iam:ListSigningCertificates",
        Part::Inventory,
        Place::Member,
        "a user's signing certificates are unknown: look before deleting a user",
    ),
    need(
        "iam:ListMFADevices",
        Part::Inventory,
        Place::Member,
        "a user's MFA devices are unknown: they must go before the user can be deleted",
    ),
    need(
        "iam:GetLoginProfile",
        Part::Inventory,
        Place::Member,
        "whether a user has a console password is known from the credential report only",
    ),
    need(
        "iam:ListOpenIDConnectProviders",
        Part::Inventory,
        Place::Member,
        "identity providers are known from roles' trust policies only",
    ),
    need(
        "iam:GenerateServiceLastAccessedDetails",
        Part::Inventory,
        Place::Member,
        "services that no log shows stay unnoticed",
    ),
    need(
        "iam:GetServiceLastAccessedDetails",
        Part::Inventory,
        Place::Member,
        "services that no log shows stay unnoticed",
    ),
    need(
        "cloudtrail:DescribeTrails",
        Part::Trails,
        Place::Member,
        "trails are not found, so that no log is read from S3, and whether all regions are recorded is unknown",
    ),
    need(
        "cloudtrail:GetTrailStatus",
        Part::Trails,
        Place::Member,
        "whether and since when a trail delivers is unknown",
    ),
    need("cloudtrail:GetEventSelectors", Part::Trails, Place::Member, "what trails leave out is unknown"),
    need("s3:ListBucket", Part::Logs, Place::Bucket, "no log is read from S3"),
    need("s3:GetObject", Part::Logs, Place::Bucket, "no log is read from S3"),
    need(
        "kms:Decrypt",
        Part::Logs,
        Place::Bucket,
        "log objects that are encrypted with a KMS key of yours are not read",
    ),
    need(
        "cloudtrail:LookupEvents",
        Part::Lookup,
        Place::Member,
        "accounts without readable trails have no evidence of use at all",
    ),
    need(
        "cloudformation:ListResources",
        Part::Networks,
        Place::Member,
        "the account's own addresses and trust anchors are unknown: use from them looks like use from AWS at large",
    ),
    need(
        "ec2:DescribeAddresses",
        Part::Networks,
        Place::Member,
        "the account's elastic addresses, NAT gateways' among them, are unknown",
    ),
    need(
        "rolesanywhere:ListTrustAnchors",
        Part::Networks,
        Place::Member,
        "whether Roles Anywhere is set up is unknown",
    ),
    need(
        "s3:ListAllMyBuckets",
        Part::ResourcePolicies,
        Place::Member,
        "bucket policies that name users are not found",
    ),
    need(
        "s3:GetBucketPolicy",
        Part::ResourcePolicies,
        Place::Member,
        "bucket policies that name users are not found",
    ),
    need(
        "kms:ListKeys",
        Part::ResourcePolicies,
        Place::Member,
        "key policies and grants that name users are not found",
    ),
    need(
        "kms:GetKeyPolicy",
        Part::ResourcePolicies,
        Place::Member,
        "key policies that name users are not found",
    ),
    need("kms:ListGrants", Part::ResourcePolicies, Place::Member, "grants to users are not found"),
    need(
        "sqs:ListQueues",
        Part::ResourcePolicies,
        Place::Member,
        "queue policies that name users are not found",
    ),
    need(
        "sqs:GetQueueAttributes",
        Part::ResourcePolicies,
        Place::Member,
        "queue policies that name users are not found",
    ),
    need(
        "sns:ListTopics",
        Part::ResourcePolicies,
        Place::Member,
        "topic policies that name users are not found",
    ),
    need(
        "sns:GetTopicAttributes",
        Part::ResourcePolicies,
        Place::Member,
        "topic policies that name users are not found",
    ),
    need(
        "secretsmanager:ListSecrets",
        Part::ResourcePolicies,
        Place::Member,
        "secrets' policies that name users are not found",
    ),
    need(
        "secretsmanager:GetResourcePolicy",
        Part::ResourcePolicies,
        Place::Member,
        "secrets' policies that name users are not found",
    ),
    need("iam:SimulateCustomPolicy", Part::Simulation, Place::Management, "parity --simulate cannot ask IAM"),
];

/// Everything that `collect --athena` may ask for, by the caller's own credentials.
const ATHENA: &[Need] = &[
    need("athena:GetTableMetadata", Part::Athena, Place::Bucket, "the table is not found"),
    need("athena:ListTableMetadata", Part::Athena, Place::Bucket, "tables have to be named by --table"),
    need("athena:StartQueryExecution", Part::Athena, Place::Bucket, "nothing is computed"),
    need("athena:GetQueryExecution", Part::Athena, Place::Bucket, "nothing is computed"),
    need("athena:GetQueryResults", Part::Athena, Place::Bucket, "nothing is computed"),
    need("athena:StopQueryExecution", Part::Athena, Place::Bucket, "interrupted queries run on, and cost"),
    need("glue:GetDatabase", Part::Athena, Place::Bucket, "the table is not found"),
    need("glue:GetTable", Part::Athena, Place::Bucket, "the table is not found"),
    need("glue:GetTables", Part::Athena, Place::Bucket, "tables have to be named by --table"),
    need(
        "glue:GetPartitions",
        Part::Athena,
        Place::Bucket,
        "tables without partition projection cannot be read",
    ),
    need(
        "glue:CreateTable",
        Part::Athena,
        Place::Bucket,
        "--create-table makes no table; somebody else has to",
    ),
    need("s3:GetBucketLocation", Part::Athena, Place::Bucket, "Athena writes no results"),
    need("s3:PutObject", Part::Athena, Place::Bucket, "Athena writes no results"),
];

/// Commands that speak to AWS, with the parts each asks for.
pub const COMMANDS: &[(&str, &[Part])] = &[
    (
        "collect",
        &[
            Part::Organization,
            Part::Regions,
            Part::Inventory,
            Part::Trails,
            Part::Logs,
            Part::Lookup,
            Part::ResourcePolicies,
            Part::Networks,
        ],
    ),
    (
        "doctor",
        &[
            Part::Organization,
            Part::Regions,
            Part::Inventory,
            Part::Trails,
            Part::Logs,
            Part::Lookup,
            Part::ResourcePolicies,
            Part::Networks,
        ],
    ),
    ("athena", &[Part::Athena, Part::Logs]),
    ("parity", &[Part::Simulation]),
    ("rotate", &[Part::Keys, Part::NewKeys, Part::Sinks]),
    ("retire", &[Part::Keys, Part::RoleUse]),
];

/// The needs of some parts, in the table's order.
pub fn needs_of(parts: &[Part]) -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().chain(ATHENA).chain(CHANGES).filter(move |need| parts.contains(&need.part))
}

/// Statements of needs, one a part, as JSON text of a policy document; indented where people are to read it.
pub fn policy<'a>(
    needs: impl Iterator<Item = &'a Need>,
    resource: &dyn Fn(&Need) -> Vec<String>,
    pretty: bool,
) -> String {
    let mut statements: Vec<(String, Vec<String>, Vec<&str>)> = Vec::new();
    for need in needs {
        let resources = resource(need);
        let sid: String = need.part.id().split('-').map(capital).collect();
        let known = statements
            .iter_mut()
            .find(|(s, r, _)| *r == resources && s.trim_end_matches(char::is_numeric) == sid);
        match known {
            Some((_, _, actions)) => actions.push(need.action),
            None => {
                let same =
                    statements.iter().filter(|(s, _, _)| s.trim_end_matches(char::is_numeric) == sid).count();
                let sid = if same == 0 { sid } else { format!("{sid}{}", same + 1) };
                statements.push((sid, resources, vec![need.action]));
            }
        }
    }
    let statements: Vec<serde_json::Value> = statements
        .into_iter()
        .map(|(sid, resources, actions)| {
            serde_json::json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
        })
        .collect();
    let document = serde_json::json!({"Version": "2012-10-17", "Statement": statements});
    if pretty { serde_json::to_string_pretty(&document).unwrap_or_default() } else { document.to_string() }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a session in another account may do at most: the reads of the table and nothing else, whatever the role allows.
/// One statement without a Sid, as session policies may have 2,048 characters
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
pub(super) fn session_policy() -> String {
    let members =
        NEEDS.iter().filter(|need| need.part != Part::Organization && need.part != Part::Simulation);
    allowing(members)
}

/// What a session in another account may do at most while keys are rotated or retired there.
pub(super) fn session_policy_to_change() -> String {
    allowing(CHANGES.iter())
}

fn allowing(members: impl Iterator<Item = &'static Need>) -> String {
    let mut text =
        String::from(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":["#);
    for (n, need) in members.enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\"{}\"", need.action);
    }
    text.push_str("]}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_policy_reads_only_and_fits() {
        let policy = session_policy();
        assert!(policy.len() <= 2048, "{} characters", policy.len());
        let parsed: serde_json::Value = serde_json::from_str(&policy).unwrap();
        for action in parsed["Statement"]["Action"].as_array().unwrap() {
            let name = action.as_str().unwrap().split(':').nth(1).unwrap();
            let reads = ["Get", "List", "Describe", "Lookup", "Generate"];
            // S3 decrypts log objects in the caller's name.
            assert!(reads.iter().any(|verb| name.starts_with(verb)) || action == "kms:Decrypt", "{action}");
        }
    }

    #[test]
    fn policies_have_a_statement_a_part_and_resource() {
        let buckets = |need: &Need| match need.place {
            Place::Bucket => vec!["arn:aws:s3:::logs".to_owned(), "arn:aws:s3:::logs/*".to_owned()],
            _ => vec!["*".to_owned()],
        };
        let text = policy(needs_of(&[Part::Trails, Part::Logs]), &buckets, false);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["Statement"].as_array().unwrap().len(), 2);
        assert_eq!(parsed["Statement"][1]["Resource"][1], "arn:aws:s3:::logs/*");
    }
}
