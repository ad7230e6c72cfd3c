//! Holds policies against what was observed: is every call that worked still allowed, and is anything granted that was never
//! used or never had?

use super::actions::{Action, all_actions, find_action};
use super::conditional::needed;
use super::derive::{Grant, Observed, Permissions};
use super::evaluate::{Decision, Request, action_matches, decide, list};
use super::scope::{Scope, covers, resources};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What the comparison comes to. Events are successful calls and calls that failed after authorisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parity {
    /// Events whose actions are known.
    pub mapped: u64,
    /// Of those, events that the policies allow.
    pub allowed: u64,
    /// Of those, events whose records do not name what some action is checked on: all that can be asked is whether it is
    /// allowed on anything.
    pub unnamed: u64,
    /// Of those, events that are allowed only with the privileged policies, which are not attached unless asked for.
    pub privileged: u64,
    /// Calls that are not allowed, with their events and why.
    pub refused: BTreeMap<String, (u64, &'static str)>,
    /// Events that need no permission.
    pub free: u64,
    /// Events whose actions are not known.
    pub unmapped: u64,
    /// Actions granted.
    pub granted: usize,
    /// Of those, actions that no call is known to have needed: upper bounds.
    pub unobserved: BTreeSet<String>,
    /// Grants on `*` though calls named what they acted on and the action takes resources.
    pub needless_stars: BTreeSet<String>,
    /// Actions that the user's policies allow on anything today; nothing where they are not all known.
    pub today: Option<usize>,
    /// Grants that none of the user's policies of today covers. The calls worked, so something else allowed them: a resource
    /// policy, a role's trust policy, or a policy that the user had then.
    pub beyond_today: BTreeSet<String>,
}

impl Parity {
    /// Adds another consumer's figures. What a user has today is the same for all its consumers.
    pub fn add(&mut self, other: &Parity) {
        self.mapped += other.mapped;
        self.allowed += other.allowed;
        self.unnamed += other.unnamed;
        self.privileged += other.privileged;
        for (call, (events, why)) in &other.refused {
            self.refused.entry(call.clone()).or_insert((0, why)).0 += events;
        }
        self.free += other.free;
        self.unmapped += other.unmapped;
        self.granted += other.granted;
        self.unobserved.extend(other.unobserved.iter().cloned());
        self.needless_stars.extend(other.needless_stars.iter().cloned());
        self.beyond_today.extend(other.beyond_today.iter().cloned());
    }
}

/// Compares. `granted` and `privileged` are the documents made of `permissions`; `today` the user's policies, where all of
/// them are known, and `boundary` its permissions boundary.
pub fn parity(
    observed: &[Observed],
    permissions: &Permissions,
    granted: &[Value],
    privileged: &[Value],
    today: Option<&[&Value]>,
    boundary: Option<&Value>,
) -> Parity {
    let own: Vec<&Value> = granted.iter().collect();
    let all: Vec<&Value> = granted.iter().chain(privileged).collect();
    let mut out = Parity::default();
    let mut used: BTreeSet<Action> = BTreeSet::new();
    let mut named: BTreeSet<Action> = BTreeSet::new();
    for call in observed {
        let Some(needed) = needed(&call.source, &call.name, &call.shows, &call.resources) else {
            out.unmapped += call.events;
            continue;
        };
        let requests = requests(call);
        if requests.is_empty() {
            out.free += call.events;
            continue;
        }
        if !needed.upper {
            used.extend(requests.iter().map(|request| request.action));
        }
        let fits =
            |action: &&Action| call.all_named && resources(action, &super::derive::acted(call)).is_some();
        named.extend(needed.actions.iter().filter(fits));
        out.mapped += call.events;
        if requests.iter().any(|asked| asked.resource == ANYTHING && asked.action.scoped()) {
            out.unnamed += call.events;
        }
        match worst(&own, &requests) {
            Decision::Allowed => out.allowed += call.events,
            _ if worst(&all, &requests) == Decision::Allowed => out.privileged += call.events,
            refused => {
                let entry = out.refused.entry(format!("{} {}", call.source, call.name));
                entry.or_insert((0, refused.title())).0 += call.events;
            }
        }
    }
    for grant in permissions.grants.iter().chain(&permissions.privileged) {
        let spelled = grant.action.to_string();
        if grant.resources.contains("*") && named.contains(&grant.action) && grant.scope != Scope::NotNamed {
            out.needless_stars.insert(spelled.clone());
        }
        if !used.contains(&grant.action) {
            out.unobserved.insert(spelled);
        }
        out.beyond_today.extend(today.map(|policies| not_covered(policies, grant)).unwrap_or_default());
    }
    let actions = permissions.grants.iter().chain(&permissions.privileged).map(|grant| grant.action);
    out.granted = actions.collect::<BTreeSet<Action>>().len();
    out.today = today.map(|policies| count(policies, boundary));
    out
}

/// What IAM is asked for one call.
struct Asked {
    action: Action,
    resource: String,
    context: BTreeMap<String, Vec<String>>,
}

/// The requests that a kind of call makes, one for each action and thing that it acted on. Where records name nothing, the
/// question is whether the action is allowed on anything.
fn requests(call: &Observed) -> Vec<Asked> {
    let Some(needed) = needed(&call.source, &call.name, &call.shows, &call.resources) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let region = call.regions.first().cloned().unwrap_or_default();
    let mut ask = |action: Action, resource: String, more: &[(&str, String)]| {
        let mut context = BTreeMap::from([("aws:requestedregion".to_owned(), vec![region.clone()])]);
        context.extend(more.iter().map(|(key, value)| ((*key).to_owned(), vec![value.clone()])));
        out.push(Asked { action, resource, context });
    };
    let service = call.via.strip_suffix(".amazonaws.com").unwrap_or_default();
    let via: Vec<(&str, String)> = call
        .regions
        .iter()
        .take(1)
        .filter(|_| !service.is_empty())
        .map(|region| ("kms:viaservice", format!("{service}.{region}.amazonaws.com")))
        .collect();
    let on = |action: &Action, named: &BTreeSet<String>| -> Vec<String> {
        let fitting: Vec<String> =
            super::scope::checked_on(action, named).iter().map(|arn| concrete(arn)).collect();
        if !action.scoped() || fitting.is_empty() { vec![ANYTHING.to_owned()] } else { fitting }
    };
    for action in &needed.actions {
        on(action, &call.resources).into_iter().for_each(|resource| ask(*action, resource, &via));
    }
    for (action, named) in &needed.elsewhere {
        on(action, named).into_iter().for_each(|resource| ask(*action, resource, &[]));
    }
    if let Some(pass) = find_action("iam", "PassRole") {
        let services = super::derive::passed_to(call);
        for role in &needed.passed {
            let service = services.first().map_or_else(|| call.source.clone(), |s| (*s).to_owned());
            ask(pass, concrete(role), &[("iam:passedtoservice", service)]);
        }
    }
    out
}

/// A request of the replay, with what our own evaluator makes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replayed {
    /// `service:Action`.
    pub action: String,
    /// ARN.
    pub resource: String,
    /// Condition keys and their values.
    pub context: Vec<(String, String)>,
    /// Whether the policies allow it.
    pub allowed: bool,
}

/// Every request of the replay that names what it acts on or takes no resource, each once.
pub fn replayed(observed: &[Observed], policies: &[Value]) -> BTreeSet<Replayed> {
    let policies: Vec<&Value> = policies.iter().collect();
    let all = observed.iter().flat_map(requests).filter(|a| a.resource != ANYTHING || !a.action.scoped());
    all.map(|asked| {
        let action = asked.action.to_string();
        let request = Request { action: &action, resource: &asked.resource, context: asked.context.clone() };
        let allowed = decide(&policies, None, &request) == Decision::Allowed;
        let context = asked
            .context
            .iter()
            .flat_map(|(key, values)| values.iter().map(move |value| (key.clone(), value.clone())));
        Replayed {
            allowed,
            context: context.collect(),
            resource: asked.resource.clone(),
            action: action.clone(),
        }
    })
    .collect()
}

/// Stands for what a record does not name. Only `*` and patterns of the user's own policies allow it.
const ANYTHING: &str = "*";

/// A pattern as the name of one thing that it matches.
fn concrete(arn: &str) -> String {
    arn.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")
}

fn worst(policies: &[&Value], requests: &[Asked]) -> Decision {
    let decided = requests.iter().map(|asked| {
        let action = asked.action.to_string();
        let any = asked.resource == ANYTHING && asked.action.scoped();
        let request = Request { action: &action, resource: &asked.resource, context: asked.context.clone() };
        match decide(policies, None, &request) {
            // Nothing is named, so a grant on anything at all is what can be had.
            Decision::NotAllowed if any && allows_somewhere(policies, &action) => Decision::Allowed,
            decision => decision,
        }
    });
    decided.fold(Decision::Allowed, |worst, one| if worst == Decision::Allowed { one } else { worst })
}

fn allows_somewhere(policies: &[&Value], action: &str) -> bool {
    policies.iter().flat_map(|policy| list(policy.get("Statement"))).any(|statement| {
        list(statement.get("Action"))
            .iter()
            .filter_map(|a| a.as_str())
            .any(|pattern| action_matches(pattern, action))
    })
}

/// Resources of a grant that no statement of the user's policies covers. Conditions are left aside: whether they held is not
/// known.
fn not_covered(policies: &[&Value], grant: &Grant) -> Vec<String> {
    let spelled = grant.action.to_string();
    let statements: Vec<&Value> = policies
        .iter()
        .flat_map(|policy| list(policy.get("Statement")))
        .filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Allow"))
        .filter(|statement| {
            let any = |name: &str| {
                list(statement.get(name))
                    .iter()
                    .filter_map(|a| a.as_str())
                    .any(|pattern| action_matches(pattern, &spelled))
            };
            if statement.get("NotAction").is_some() { !any("NotAction") } else { any("Action") }
        })
        .collect();
    let covered = |arn: &String| {
        statements.iter().any(|statement| {
            let open = statement.get("NotResource").is_some();
            // Variables stand for anything here: who the user is decides them.
            let any = |pattern: &str| covers(&without_variables(pattern), arn);
            open || list(statement.get("Resource")).iter().filter_map(|r| r.as_str()).any(any)
        })
    };
    grant.resources.iter().filter(|arn| !covered(arn)).map(|arn| format!("{spelled} on {arn}")).collect()
}

fn without_variables(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        let Some((name, after)) = variable.split_once('}') else { break };
        out.push_str(before);
        match name {
            "*" | "?" | "$" => out.extend(["${", name, "}"]),
            _ => out.push('*'),
        }
        rest = after;
    }
    out + rest
}

/// How many actions policies allow on anything, within a boundary.
fn count(policies: &[&Value], boundary: Option<&Value>) -> usize {
    let inside = boundary.map(|boundary| allowed(&[boundary]));
    let allowed = allowed(policies);
    allowed.iter().filter(|action| inside.as_ref().is_none_or(|inside| inside.contains(action))).count()
}

fn allowed(policies: &[&Value]) -> BTreeSet<Action> {
    let (mut allow, mut not, mut deny) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for statement in policies.iter().flat_map(|policy| list(policy.get("Statement"))) {
        let patterns = |name: &str| -> Vec<String> {
            list(statement.get(name)).iter().filter_map(|a| a.as_str()).map(str::to_ascii_lowercase).collect()
        };
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") if statement.get("NotAction").is_some() => not.push(patterns("NotAction")),
            Some("Allow") => allow.extend(patterns("Action")),
            // A denial under a condition or of some resources leaves the action to others.
            Some("Deny")
                if statement.get("Condition").is_none()
                    && list(statement.get("Resource")).iter().any(|r| r.as_str() == Some("*")) =>
            {
                deny.extend(patterns("Action"));
            }
            _ => {}
        }
    }
    let any = |patterns: &BTreeSet<String>, action: &str| patterns.iter().any(|p| action_matches(p, action));
    // Spelled once: the table has some twenty thousand.
    static SPELLED: OnceLock<Vec<(Action, String)>> = OnceLock::new();
    let spelled = SPELLED.get_or_init(|| all_actions().map(|action| (action, action.to_string())).collect());
    let counts = |spelled: &str| {
        let open = || not.iter().any(|except| !except.iter().any(|p| action_matches(p, spelled)));
        (any(&allow, spelled) || open()) && !any(&deny, spelled)
    };
    spelled.iter().filter(|(_, spelled)| counts(spelled)).map(|(action, _)| *action).collect()
}

#[cfg(test)]
mod tests {
    use super::super::derive::derive;
    use super::super::documents::{split, statements};
    use super::*;
    use serde_json::json;

    fn call(source: &str, name: &str, resources: &[&str], shows: &[&str]) -> Observed {
        let set = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Observed {
            source: format!("{source}.amazonaws.com"),
            name: name.into(),
            regions: BTreeSet::from(["eu-west-1".to_owned()]),
            events: 10,
            all_named: !resources.is_empty(),
            resources: set(resources),
            shows: set(shows),
            ..Observed::default()
        }
    }

    fn compare(calls: &[Observed], today: Option<&[&Value]>) -> Parity {
        let permissions = derive(calls, today);
        let documents = |grants: &[Grant]| -> Vec<Value> {
            split(statements(grants, "")).documents.iter().map(|d| d.json()).collect()
        };
        parity(
            calls,
            &permissions,
            &documents(&permissions.grants),
            &documents(&permissions.privileged),
            today,
            None,
        )
    }

    #[test]
    fn every_call_is_replayed() {
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
        let calls = [
            call("s3", "GetObject", &["arn:aws:s3:::b", "arn:aws:s3:::b/logs/2026/1.gz"], &["version"]),
            call("s3", "PutObject", &["arn:aws:s3:::b/odd${*}name"], &[]),
            call("s3", "CopyObject", &["arn:aws:s3:::b/to"], &["from:arn:aws:s3:::a/from"]),
            call("sts", "GetCallerIdentity", &[], &[]),
            call("sqs", "SendMessage", &[], &[]),
            call("iam", "CreateUser", &["arn:aws:iam::111122223333:user/x"], &[]),
            call("lambda", "CreateFunction20150331", &[], &["pass:arn:aws:iam::111122223333:role/app"]),
            call("s3", "Invented", &[], &[]),
            Observed { via: "s3.amazonaws.com".into(), ..call("kms", "Decrypt", &[key], &[]) },
        ];
        let got = compare(&calls, None);
        assert_eq!((got.mapped, got.allowed, got.privileged, got.free, got.unmapped), (70, 60, 10, 10, 10));
        assert!(
            got.refused.is_empty() && got.unobserved.is_empty() && got.needless_stars.is_empty(),
            "{got:?}"
        );
    }

    #[test]
    fn what_a_policy_lacks_is_named() {
        let calls =
            [call("s3", "GetObject", &["arn:aws:s3:::b/a"], &[]), call("sqs", "ListQueues", &[], &[])];
        let permissions = derive(&calls, None);
        let narrow = json!({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}});
        let got = parity(&calls, &permissions, &[narrow], &[], None, None);
        assert_eq!(got.allowed, 0);
        assert_eq!(
            got.refused
                .iter()
                .map(|(call, (events, why))| format!("{call}: {events}, {why}"))
                .collect::<Vec<_>>(),
            [
                "s3.amazonaws.com GetObject: 10, allowed by no statement",
                "sqs.amazonaws.com ListQueues: 10, allowed by no statement"
            ]
        );
    }

    #[test]
    fn today_and_tomorrow() {
        let today = json!({"Statement": [
            {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/logs/2026/*"},
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]});
        let calls = [
            call("s3", "GetObject", &["arn:aws:s3:::b/logs/2026/11/1.gz"], &[]),
            call("sqs", "SendMessage", &["arn:aws:sqs:eu-west-1:111122223333:q"], &[]),
        ];
        let got = compare(&calls, Some(&[&today]));
        assert!(got.today.is_some_and(|n| n > 50) && got.granted == 2, "{got:?}");
        assert_eq!(got.beyond_today, BTreeSet::new(), "widened only as far as the user's own policies go");
        assert_eq!(got.allowed, 20);
        let other = [call("dynamodb", "GetItem", &["arn:aws:dynamodb:eu-west-1:111122223333:table/t"], &[])];
        assert_eq!(compare(&other, Some(&[&today])).beyond_today.len(), 1);
    }
}
