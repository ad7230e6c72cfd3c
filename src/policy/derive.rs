//! From the calls of one consumer to the grants that a role needs for them: nothing that was not seen, nothing dangerous
//! without being asked.

use super::actions::{Action, find_action, reason};
use super::conditional::{Needed, needed};
use super::escalation::{Danger, danger};
use super::evaluate::{action_matches, list};
use super::scope::{Acted, Scope, covers, has_wildcard, resources, without_covered};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One kind of call that the user's own permissions allowed.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Event source.
    pub source: String,
    /// Event name.
    pub name: String,
    /// Service that made it on the caller's behalf, or empty.
    pub via: String,
    /// Regions.
    pub regions: BTreeSet<String>,
    /// Events.
    pub events: u64,
    /// Of those, events that failed on what they found.
    pub failed: u64,
    /// Whether every record names what the call acted on.
    pub all_named: bool,
    /// What was acted on, as policies write ARNs.
    pub resources: BTreeSet<String>,
    /// Whether that was made coarser, as there was too much of it to keep.
    pub coarse: bool,
    /// What the requests show ([`crate`]'s decoder says what there is).
    pub shows: BTreeSet<String>,
}

/// A condition of a grant: operator, key, values.
pub type GrantCondition = (&'static str, &'static str, BTreeSet<String>);

/// An action on resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The action.
    pub action: Action,
    /// ARNs with wildcards, or `*`.
    pub resources: BTreeSet<String>,
    /// How the resources came about.
    pub scope: Scope,
    /// Under which condition.
    pub condition: Option<GrantCondition>,
    /// How careful to be with it.
    pub danger: Danger,
    /// Events that needed it.
    pub events: u64,
    /// Of those, events that failed on what they found.
    pub failed: u64,
    /// Calls that needed it, as `source event`.
    pub calls: BTreeSet<String>,
    /// Why it is called otherwise than the calls, where it is.
    pub because: Option<&'static str>,
}

/// What a consumer's calls come to.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// What the role is granted, by action.
    pub grants: Vec<Grant>,
    /// What it would need, and what is never granted without being asked for.
    pub privileged: Vec<Grant>,
    /// Calls whose actions are not known, with their events.
    pub unmapped: BTreeMap<(String, String), u64>,
    /// Instance profiles that it hands to instances: `iam:PassRole` on their roles is needed, and no log names those.
    pub profiles: BTreeSet<String>,
}

/// Services that calls pass roles to, as `iam:PassedToService` has them: event source, beginnings of event names, services. A
/// call that is not here may pass a role or only name it: that is left to be asked for. By hand, from the services' own guides
/// to their roles.
const PASSED_TO: &[(&str, &[&str], &[&str])] = &[
    (
        "apigateway",
        &["CreateApi", "ImportApi", "PutIntegration", "UpdateIntegration", "CreateAuthorizer"],
        &["apigateway.amazonaws.com"],
    ),
    ("autoscaling", &["RegisterScalableTarget"], &["application-autoscaling.amazonaws.com"]),
    ("autoscaling", &["PutLifecycleHook"], &["autoscaling.amazonaws.com"]),
    (
        "cloudformation",
        &["CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet"],
        &["cloudformation.amazonaws.com"],
    ),
    ("backup", &["StartBackupJob", "StartRestoreJob", "CreateBackupSelection"], &["backup.amazonaws.com"]),
    ("batch", &["RegisterJobDefinition"], &["ecs-tasks.amazonaws.com"]),
    ("codebuild", &["CreateProject", "UpdateProject", "StartBuild"], &["codebuild.amazonaws.com"]),
    ("codepipeline", &["CreatePipeline", "UpdatePipeline"], &["codepipeline.amazonaws.com"]),
    ("ec2", &["CreateFlowLogs"], &["vpc-flow-logs.amazonaws.com"]),
    ("ec2", &["RequestSpotFleet"], &["spotfleet.amazonaws.com"]),
    ("ecs", &["CreateService", "UpdateService"], &["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"]),
    ("ecs", &["RegisterTaskDefinition", "RunTask", "StartTask"], &["ecs-tasks.amazonaws.com"]),
    ("eks", &["CreateCluster"], &["eks.amazonaws.com"]),
    ("eks", &["CreateFargateProfile"], &["eks-fargate-pods.amazonaws.com"]),
    ("eks", &["CreateNodegroup"], &["ec2.amazonaws.com"]),
    ("eks", &["CreatePodIdentityAssociation", "UpdatePodIdentityAssociation"], &["pods.eks.amazonaws.com"]),
    ("events", &["PutRule", "PutTargets"], &["events.amazonaws.com"]),
    ("firehose", &["CreateDeliveryStream", "UpdateDestination"], &["firehose.amazonaws.com"]),
    (
        "glue",
        &["CreateCrawler", "CreateDevEndpoint", "CreateJob", "UpdateCrawler", "UpdateJob"],
        &["glue.amazonaws.com"],
    ),
    ("iam", &["AddRoleToInstanceProfile"], &["ec2.amazonaws.com"]),
    ("lambda", &["CreateFunction", "UpdateFunctionConfiguration"], &["lambda.amazonaws.com"]),
    (
        "rds",
        &["CreateDBInstance", "ModifyDBInstance", "RestoreDBInstance"],
        &["monitoring.rds.amazonaws.com"],
    ),
    ("sagemaker", &["Create", "Update"], &["sagemaker.amazonaws.com"]),
    ("scheduler", &["CreateSchedule", "UpdateSchedule"], &["scheduler.amazonaws.com"]),
    ("states", &["CreateStateMachine", "UpdateStateMachine"], &["states.amazonaws.com"]),
];

/// Derives them. `today` is what the user's policies say now, where all of them are known: where calls do not say what they
/// acted on, the resources of today's statements are kept, so that the role never has what the user had not.
pub fn derive<'a>(observed: impl IntoIterator<Item = &'a Observed>, today: Option<&[&Value]>) -> Permissions {
    let mut out = Permissions::default();
    let mut grants: BTreeMap<(Action, Option<GrantCondition>, Danger), Grant> = BTreeMap::new();
    for call in observed {
        let Some(needed) = needed(&call.source, &call.name, &call.shows, &call.resources) else {
            *out.unmapped.entry((call.source.clone(), call.name.clone())).or_default() += call.events;
            continue;
        };
        out.profiles.extend(needed.profiles.iter().cloned());
        for grant in of_call(call, &needed, today) {
            let entry = grants.entry((grant.action, grant.condition.clone(), grant.danger));
            entry.and_modify(|known| known.merge(&grant)).or_insert(grant);
        }
    }
    for mut grant in grants.into_values() {
        grant.resources = without_covered(std::mem::take(&mut grant.resources));
        match grant.danger {
            Danger::Privileged => out.privileged.push(grant),
            _ => out.grants.push(grant),
        }
    }
    out
}

impl Grant {
    fn merge(&mut self, other: &Grant) {
        self.resources.extend(other.resources.iter().cloned());
        self.scope = self.scope.max(other.scope);
        self.danger = self.danger.max(other.danger);
        self.events += other.events;
        self.failed += other.failed;
        self.calls.extend(other.calls.iter().cloned());
        self.because = self.because.or(other.because);
    }
}

fn of_call(call: &Observed, needed: &Needed, today: Option<&[&Value]>) -> Vec<Grant> {
    let grant = |action: Action, resources: BTreeSet<String>, scope, condition| Grant {
        danger: danger(&action),
        action,
        resources,
        scope,
        condition,
        events: call.events,
        failed: call.failed,
        calls: BTreeSet::from([format!("{} {}", call.source, call.name)]),
        because: reason(&call.source, &call.name),
    };
    let mut out = Vec::new();
    for action in &needed.actions {
        let (resources, scope) = scoped(action, &acted(call), call.all_named, today);
        let mut made = grant(*action, resources, scope, via(action, call));
        // A named role is as narrow as it gets; any role is not.
        let exact = made.scope == Scope::Exact && !made.resources.iter().any(|arn| has_wildcard(arn));
        if action.prefix == "sts" && exact {
            made.danger = Danger::Careful;
        }
        out.push(made);
    }
    for (action, named) in &needed.elsewhere {
        let (resources, scope) = scoped(action, &Acted::on(named, &call.regions), true, today);
        out.push(grant(*action, resources, scope, None));
    }
    if let Some(pass) = find_action("iam", "PassRole").filter(|_| !needed.passed.is_empty()) {
        let exact = !needed.passed.iter().any(|role| has_wildcard(role));
        let services: BTreeSet<String> = passed_to(call).iter().map(|s| (*s).to_owned()).collect();
        let condition = (!services.is_empty()).then_some(("StringEquals", "iam:PassedToService", services));
        let danger = if condition.is_some() && exact { Danger::Careful } else { Danger::Privileged };
        let scope = if exact { Scope::Exact } else { Scope::NotNamed };
        let mut made = grant(pass, needed.passed.clone(), scope, condition);
        made.danger = danger;
        made.because = Some("passing a role appears in no log: the requests hand over these roles");
        out.push(made);
    }
    out
}

/// Services that a call passes roles to; none where it is not known.
pub(super) fn passed_to(call: &Observed) -> &'static [&'static str] {
    let host = call.source.split('.').next().unwrap_or_default();
    let is_row = |(of, events, _): &&(&str, &[&str], &[&str])| {
        *of == host && events.iter().any(|start| call.name.starts_with(start))
    };
    PASSED_TO.iter().find(is_row).map_or(&[], |(.., services)| services)
}

/// What the calls acted on, for actions on it.
pub(super) fn acted(call: &Observed) -> Acted<'_> {
    let combinations = call.shows.iter().filter_map(|show| show.strip_prefix("kinds:"));
    Acted {
        named: &call.resources,
        combinations: combinations.map(|kinds| kinds.split(' ').collect()).collect(),
        coarse: call.coarse,
        regions: &call.regions,
    }
}

fn scoped(
    action: &Action,
    acted: &Acted<'_>,
    all_named: bool,
    today: Option<&[&Value]>,
) -> (BTreeSet<String>, Scope) {
    let any = || BTreeSet::from(["*".to_owned()]);
    if !action.scoped() {
        return (any(), Scope::NoneTaken);
    }
    let all_known = all_named && !acted.named.contains("*");
    if let Some((resources, scope)) = all_known.then(|| resources(action, acted)).flatten() {
        return match today {
            Some(policies) if scope == Scope::Widened => {
                (within(policies, action, resources, acted.named), scope)
            }
            _ => (resources, scope),
        };
    }
    match today.and_then(|policies| of_today(policies, action)) {
        Some(resources) => (resources, Scope::AsToday),
        None => (any(), Scope::NotNamed),
    }
}

/// What was widened, no wider than the user's own statements: where those are narrower, they stand in its place.
fn within(
    policies: &[&Value],
    action: &Action,
    resources: BTreeSet<String>,
    named: &BTreeSet<String>,
) -> BTreeSet<String> {
    let Some(today) = of_today(policies, action) else { return resources };
    let mut out = BTreeSet::new();
    for wide in resources {
        if today.iter().any(|arn| covers(arn, &wide)) {
            out.insert(wide);
            continue;
        }
        let narrower = today.iter().filter(|arn| covers(&wide, arn) && named.iter().any(|n| covers(arn, n)));
        let narrower: BTreeSet<String> = narrower.cloned().collect();
        match narrower.is_empty() {
            true => out.insert(wide),
            false => {
                // What no statement of today speaks of was allowed all the same: a policy of another kind may be why.
                out.extend(
                    named
                        .iter()
                        .filter(|n| covers(&wide, n) && !narrower.iter().any(|t| covers(t, n)))
                        .cloned(),
                );
                out.extend(narrower);
                true
            }
        };
    }
    out
}

/// The resources for which today's policies allow an action, where each of them is a plain list without variables.
fn of_today(policies: &[&Value], action: &Action) -> Option<BTreeSet<String>> {
    let spelled = action.to_string();
    let mut out = BTreeSet::new();
    for statement in policies.iter().flat_map(|policy| list(policy.get("Statement"))) {
        let actions = list(statement.get("Action"));
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        let by_not = statement.get("NotAction").is_some();
        let matches =
            actions.iter().filter_map(|a| a.as_str()).any(|pattern| action_matches(pattern, &spelled));
        if !allows || !(matches || by_not) {
            continue;
        }
        for resource in list(statement.get("Resource")) {
            out.insert(resource.as_str().filter(|arn| !arn.contains("${"))?.to_owned());
        }
        if statement.get("NotResource").is_some() {
            return None;
        }
    }
    (!out.is_empty()
        && out.len() <= super::scope::MOST_IN_STATEMENT
        && !out.iter().any(|arn| covers(arn, "*")))
    .then_some(out)
}

/// Calls of KMS by a service on the caller's behalf: the role may use the key through that service only
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service>).
fn via(action: &Action, call: &Observed) -> Option<GrantCondition> {
    let service = call.via.strip_suffix(".amazonaws.com").filter(|service| !service.contains('.'))?;
    let values: BTreeSet<String> =
        call.regions.iter().map(|region| format!("{service}.{region}.amazonaws.com")).collect();
    (action.prefix == "kms" && !values.is_empty()).then_some(("StringEquals", "kms:ViaService", values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(source: &str, name: &str, resources: &[&str], shows: &[&str]) -> Observed {
        let set = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Observed {
            source: format!("{source}.amazonaws.com"),
            name: name.into(),
            regions: BTreeSet::from(["eu-west-1".to_owned()]),
            events: 1,
            all_named: !resources.is_empty(),
            resources: set(resources),
            shows: set(shows),
            ..Observed::default()
        }
    }

    fn spelled(grants: &[Grant]) -> Vec<String> {
        let one = |grant: &Grant| {
            let resources: Vec<&str> = grant.resources.iter().map(String::as_str).collect();
            let condition = grant.condition.as_ref().map_or(String::new(), |(operator, key, values)| {
                format!(" if {operator} {key} {}", values.iter().cloned().collect::<Vec<_>>().join(","))
            });
            format!("{} on {}{condition}", grant.action, resources.join(","))
        };
        grants.iter().map(one).collect()
    }

    #[test]
    fn grants_of_calls() {
        let role = "arn:aws:iam::111122223333:role/app";
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
        let by_s3 = Observed { via: "s3.amazonaws.com".into(), ..call("kms", "Decrypt", &[key], &[]) };
        let calls = [
            call("s3", "GetObject", &["arn:aws:s3:::b", "arn:aws:s3:::b/a.json"], &[]),
            call("s3", "ListBuckets", &[], &[]),
            call("sts", "AssumeRole", &[role], &[]),
            call("sts", "GetCallerIdentity", &[], &[]),
            call("lambda", "CreateFunction20150331", &[], &["pass:arn:aws:iam::111122223333:role/app"]),
            call("iam", "CreateUser", &["arn:aws:iam::111122223333:user/x"], &[]),
            call("datasync", "CreateLocationS3", &[], &["pass:arn:aws:iam::111122223333:role/app"]),
            call("s3", "Invented", &[], &[]),
            by_s3,
        ];
        let got = derive(&calls, None);
        assert_eq!(
            spelled(&got.grants),
            [
                "iam:PassRole on arn:aws:iam::111122223333:role/app if StringEquals iam:PassedToService lambda.amazonaws.com",
                "kms:Decrypt on arn:aws:kms:eu-west-1:111122223333:key/k if StringEquals kms:ViaService s3.eu-west-1.amazonaws.com",
                "lambda:CreateFunction on *",
                "s3:GetObject on arn:aws:s3:::b/a.json",
                "s3:ListAllMyBuckets on *",
                "sts:AssumeRole on arn:aws:iam::111122223333:role/app",
            ]
            .into_iter()
            .collect::<Vec<_>>()
            .into_iter()
            .map(str::to_owned)
            .chain(["datasync:CreateLocationS3 on *".to_owned()])
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
        );
        assert_eq!(
            spelled(&got.privileged),
            [
                "iam:CreateUser on arn:aws:iam::111122223333:user/x",
                "iam:PassRole on arn:aws:iam::111122223333:role/app",
            ]
        );
        assert_eq!(got.unmapped.keys().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["Invented"]);
    }

    #[test]
    fn calls_that_name_nothing_keep_what_the_user_has_today() {
        let today = json!({"Statement": [
            {"Effect": "Allow", "Action": "rds:Describe*", "Resource": "arn:aws:rds:eu-west-1:111122223333:db:*"},
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]});
        let calls = [call("rds", "DescribeDBInstances", &[], &[]), call("sqs", "SendMessage", &[], &[])];
        let got = derive(&calls, Some(&[&today]));
        assert_eq!(
            spelled(&got.grants),
            ["rds:DescribeDBInstances on arn:aws:rds:eu-west-1:111122223333:db:*", "sqs:SendMessage on *"]
        );
        assert_eq!(got.grants[0].scope, Scope::AsToday);
    }
}
