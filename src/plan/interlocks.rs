//! What forbids touching a key, with the reason and the right way instead.

use super::document::{LeftOut, Operation};
use super::managed::Managed;
use super::mutes::Mutes;
use crate::ports::{KeyStatus, Look, Person, SeenKey};

/// The tag that claims a user for one plan: its value is the plan's id and the step under way.
pub const TAG: &str = "offkey:rotation";

/// Tags that a user may have so that the claim and the new key's description still find room
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>: 50).
const MOST_TAGS: usize = 48;

/// A key is never called silent in less than this.
pub const FLOOR_DAYS: i32 = 7;

/// AWS attaches these where it found a key exposed
/// (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html>).
const QUARANTINE: &str = ":policy/AWSCompromisedKeyQuarantine";

/// How SES's console names the users it makes for SMTP, and the policy it gives them
/// (<https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html>).
const SES_USER: &str = "ses-smtp-user.";
const SES_POLICY: &str = "AmazonSesSendingAccess";

/// Tags that tools leave on what they manage
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html>); the others are
/// habits of people.
const CLOUDFORMATION_TAG: &str = "aws:cloudformation:stack-name";
const MANAGED_TAGS: &[&str] = &["terraform", "managedby", "managed-by", "managed_by", "iac"];

/// A key that somebody wants to rotate or retire, with all that was observed of it.
pub struct Candidate<'a> {
    /// Account.
    pub account: &'a str,
    /// User.
    pub user: &'a str,
    /// Key id.
    pub key: &'a str,
    /// The user's keys and tags.
    pub look: &'a Look,
    /// The user.
    pub person: &'a Person,
    /// Key id of the credentials that ask.
    pub signing: Option<&'a str>,
    /// Whether an SMTP password is stored, too.
    pub ses_smtp: bool,
    /// Keys found in state files.
    pub managed: &'a [Managed],
    /// Whether state files were given: then they say what is managed, and tags do not.
    pub states_given: bool,
    /// Exemptions.
    pub mutes: &'a Mutes,
    /// What is to be done.
    pub operation: Operation,
    /// Whether evidence shows mail being sent by it.
    pub sends_mail: bool,
}

/// Why a key is not touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Stable id.
    pub id: &'static str,
    /// Why.
    pub why: String,
    /// The right way.
    pub instead: String,
}

impl Stop {
    fn new(id: &'static str, why: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { id, why: why.into(), instead: instead.into() }
    }

    /// For the plan.
    pub fn left_out(&self, candidate: &Candidate<'_>) -> LeftOut {
        LeftOut {
            account: candidate.account.to_owned(),
            user: candidate.user.to_owned(),
            key: candidate.key.to_owned(),
            stop: self.id.to_owned(),
            why: self.why.clone(),
            instead: self.instead.clone(),
        }
    }
}

/// Everything that forbids it, the weightiest first.
pub fn stops(candidate: &Candidate<'_>) -> Vec<Stop> {
    let Candidate { user, key, look, person, operation, .. } = candidate;
    let mut out = Vec::new();
    let Some(keys) = &look.keys else {
        out.push(Stop::new("no-user", format!("there is no user {user}"), "check account and name"));
        return out;
    };
    let Some(seen) = keys.iter().find(|seen| seen.id == *key) else {
        out.push(Stop::new("no-key", format!("{user} has no key {key}"), "list the user's keys"));
        return out;
    };
    if user.starts_with('<') || person.arn.ends_with(":root") {
        let instead = "sign in as root and remove the key: nothing should use it";
        out.push(Stop::new("root", "it is a key of the root user", instead));
    }
    if candidate.signing == Some(*key) {
        let instead = "sign with other credentials: a role, or another administrator's";
        out.push(Stop::new("signing-key", "this very key signs offkey's own requests", instead));
    }
    if let Some(policy) = person.policies.iter().find(|arn| arn.contains(QUARANTINE)) {
        let why = format!("AWS found a key of this user exposed and attached {policy}");
        let instead = "this is an incident: deactivate the key at once, follow your incident plan, then remove the quarantine";
        out.push(Stop::new("quarantine", why, instead));
    }
    if let Some(stop) = candidate.mutes.stop(candidate.account, user, key) {
        out.push(stop);
    }
    out.extend(managed(candidate));
    let smtp = user.starts_with(SES_USER) || person.inline.iter().any(|name| name == SES_POLICY);
    if (smtp || candidate.sends_mail) && !(candidate.ses_smtp && *operation == Operation::Rotate) {
        let why = "it may send mail by SES's SMTP interface, whose password derives from the secret and which no log shows";
        let instead = match operation {
            Operation::Rotate => {
                "give --ses-smtp REGION for every region it sends from, so that the new password is stored as well"
            }
            Operation::Retire => {
                "move the sender to the SES API with a role, or rotate with --ses-smtp REGION"
            }
        };
        out.push(Stop::new("ses-smtp", why, instead));
    }
    if look.tags.len() > MOST_TAGS {
        let why = format!(
            "the user has {} tags, and AWS allows 50: there is no room for two more",
            look.tags.len()
        );
        out.push(Stop::new("tags-full", why, "remove tags that nobody needs"));
    }
    out.extend(status(seen, keys, *operation));
    if let Some(other) = look.tag(TAG) {
        let why = format!("another plan works on this user: tag {TAG} says {other:?}");
        let instead = "finish, or roll back, that plan; if nobody knows it any more, remove the tag by hand";
        out.push(Stop::new("claimed", why, instead));
    }
    out
}

fn status(seen: &SeenKey, keys: &[SeenKey], operation: Operation) -> Option<Stop> {
    if seen.status == KeyStatus::Inactive {
        let instead =
            "offkey deletes only what it deactivated itself: delete the key by hand, or make it active first";
        return Some(Stop::new("inactive", "it is inactive already", instead));
    }
    let others: Vec<&SeenKey> = keys.iter().filter(|other| other.id != seen.id).collect();
    if operation == Operation::Retire || others.is_empty() {
        return None;
    }
    let named: Vec<String> =
        others.iter().map(|key| format!("{} ({:?}, made {})", key.id, key.status, key.created)).collect();
    let why = format!("the user has two keys, and AWS allows no third: {}", named.join(", "));
    let instead = match others.iter().any(|other| other.status == KeyStatus::Active) {
        true => {
            "find out which one is used (offkey explain), then retire the other one (offkey retire plan), or finish the rotation that was begun"
        }
        false => {
            "delete the inactive one by hand once you are sure that nothing needs it, or finish the rotation that was begun"
        }
    };
    Some(Stop::new("two-keys", why, instead))
}

fn managed(candidate: &Candidate<'_>) -> Option<Stop> {
    if let Some(found) = candidate.managed.iter().find(|found| {
        found.key == candidate.key || (found.key.is_empty() && found.user.as_deref() == Some(candidate.user))
    }) {
        let why = format!("{} manages it: {}", found.tool, found.place);
        return Some(Stop::new(
            "managed",
            why,
            format!("change it there ({}), so that the next run does not undo it", found.how()),
        ));
    }
    if candidate.states_given {
        return None;
    }
    let tags = &candidate.look.tags;
    if let Some(stack) = candidate.look.tag(CLOUDFORMATION_TAG) {
        let why = format!("CloudFormation stack {stack} manages the user");
        let instead = "change the key in the stack's template (Serial of AWS::IAM::AccessKey), or give the output of describe-stack-resources by --state FILE if the key is not in it";
        return Some(Stop::new("managed", why, instead));
    }
    let tag = tags.iter().find(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let value = value.to_ascii_lowercase();
        MANAGED_TAGS.contains(&name.as_str())
            && !matches!(value.as_str(), "" | "false" | "no" | "manual" | "none")
    })?;
    let why = format!("a tag says that a tool manages the user: {}={}", tag.0, tag.1);
    let instead = "rotate the key with that tool, or give its state by --state FILE so that offkey can see that this key is not in it";
    Some(Stop::new("managed", why, instead))
}
