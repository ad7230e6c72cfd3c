//! Joins exports into one inventory: which key is whose, and which slot of the credential report is which key.

use super::facts::{Inventory, KeyFacts};
use super::slots::{BY_NAME, latest, match_slots};
use super::{access_keys, authorization, credential_report, observed, resource_policies, services, trails};
use crate::model::{AccessKeyId, AccountId, ROOT_USER};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One export to be read.
pub struct Source<'a> {
    /// What it is.
    pub kind: SourceKind,
    /// Its label, whose twelve-digit path parts may tell the account.
    pub label: &'a str,
    /// Its content.
    pub content: &'a Value,
}

/// The exports that make an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Credential report.
    CredentialReport,
    /// Account authorization details.
    AuthorizationDetails,
    /// Access key list.
    AccessKeys,
    /// Trail descriptions.
    Trails,
    /// Event selectors.
    EventSelectors,
    /// Service-last-accessed details of a user.
    ServicesLastAccessed,
    /// Policies of resources, grants of keys.
    ResourcePolicies,
    /// Last use of single keys.
    AccessKeysLastUsed,
    /// Credentials that are no access keys.
    UserCredentials,
    /// Identity providers.
    IdentityProviders,
    /// Whether a trail delivers.
    TrailStatus,
    /// Enabled regions.
    Regions,
    /// How far LookupEvents was asked.
    Lookups,
    /// How far a live collection came.
    Collection,
}

/// What other evidence says of keys.
pub trait Hints {
    /// Account and user that signed with the key, where all its records agree.
    fn owner(&self, key: &AccessKeyId) -> Option<(AccountId, String)>;

    /// Every static key with such an owner, listed or not.
    fn signers(&self) -> Vec<AccessKeyId>;
}

/// Reads and joins all exports. The result does not depend on their order.
pub fn build(sources: &[Source<'_>], hints: &dyn Hints) -> Inventory {
    let mut inventory = Inventory::default();
    let mut listed: Vec<(&str, access_keys::Listed)> = Vec::new();
    let mut selectors = BTreeMap::new();
    let mut details = authorization::Details::default();
    let (mut of_keys, mut logging) = (observed::OfKeys::default(), BTreeMap::new());
    for source in sources {
        let mut notes = Vec::new();
        match source.kind {
            SourceKind::CredentialReport => {
                let report = credential_report::read(source.content);
                notes = report.notes;
                for row in report.rows {
                    add_report_row(&mut inventory, row);
                }
            }
            SourceKind::AuthorizationDetails => {
                notes = details.read(source.content);
                inventory.incomplete |= is_truncated(source.content);
            }
            SourceKind::AccessKeys => {
                let (keys, odd) = access_keys::read(source.content);
                notes = odd;
                inventory.incomplete |= is_truncated(source.content);
                listed.extend(keys.into_iter().map(|key| (source.label, key)));
            }
            SourceKind::Trails => {
                for (account, trail) in trails::read_trails(source.content) {
                    if let Some(account) = account_in_path(source.label).or(account) {
                        inventory.accounts.entry(account).or_default().trails.push(trail);
                    }
                }
            }
            SourceKind::ServicesLastAccessed => {
                let (accessed, odd) = services::read(source.content);
                notes = odd;
                inventory.incomplete |= is_truncated(source.content);
                for used in accessed {
                    let user = inventory.users.entry((used.account, used.user)).or_default();
                    let last = user.services.entry(used.service).or_insert(used.last);
                    *last = used.last.max(*last);
                }
            }
            SourceKind::ResourcePolicies => {
                let (named, odd) = resource_policies::read(source.content, source.label);
                notes = odd;
                for policy in named {
                    let known = inventory.resource_policies.entry(policy.what).or_default();
                    known.extend(policy.principals);
                }
            }
            SourceKind::AccessKeysLastUsed => of_keys.last_used(source.content),
            SourceKind::Lookups => of_keys.looked_up(source.content),
            SourceKind::UserCredentials => {
                observed::credentials(source.content, account_in_path(source.label), &mut inventory);
            }
            SourceKind::IdentityProviders | SourceKind::Regions => {
                if let Some(account) = account_in_path(source.label) {
                    let facts = inventory.accounts.entry(account).or_default();
                    facts.oidc_issuers.extend(observed::issuers(source.content));
                    facts.regions.extend(observed::regions(source.content));
                }
            }
            SourceKind::Collection => {
                if source.content.get("Finished").is_none_or(Value::is_null) {
                    inventory.unfinished = true;
                    let began = source.content.get("Started").and_then(Value::as_str).unwrap_or("some time");
                    notes.push(format!("the live collection begun at {began} was cut short: run it again"));
                }
            }
            SourceKind::TrailStatus => logging.extend(observed::is_logging(source.content)),
            SourceKind::EventSelectors => {
                let (arn, read) = trails::read_selectors(source.content);
                selectors.insert((account_in_path(source.label), arn), read);
            }
        }
        inventory.notes.extend(notes.into_iter().map(|note| format!("{}: {note}", source.label)));
    }
    for (account, facts) in &mut inventory.accounts {
        for trail in &mut facts.trails {
            let own = selectors.get(&(Some(account.clone()), trail.arn.clone()));
            trail.logging = logging.get(&trail.arn).copied();
            trail.selectors = own.or_else(|| selectors.get(&(None, trail.arn.clone()))).cloned();
        }
        facts.trails.sort_by(|a, b| a.arn.cmp(&b.arn));
        facts.trails.dedup();
    }
    details.resolve(&mut inventory);
    place_keys(&mut inventory, listed, hints);
    // Keys that no list names, but the trail shows, fill slots just the same.
    for key in hints.signers() {
        let owner = hints.owner(&key);
        inventory.keys.entry(key).or_insert_with(|| KeyFacts { owner, ..KeyFacts::default() });
    }
    match_slots(&mut inventory, hints);
    of_keys.settle(&mut inventory);
    inventory
}

/// Whether a listing says that further pages follow it: as the API says it, or as the AWS CLI does when it was told
/// how many items to print.
fn is_truncated(content: &Value) -> bool {
    let token = |name: &str| content.get(name).and_then(Value::as_str).is_some_and(|token| !token.is_empty());
    content.get("IsTruncated") == Some(&Value::Bool(true))
        || ["NextToken", "nextToken", "Marker"].into_iter().any(token)
}

/// Takes a row of a credential report. Of several reports the newest speaks; where it cannot be told which that is,
/// every slot is as much in use as any of them says.
fn add_report_row(inventory: &mut Inventory, row: credential_report::Row) {
    let facts = inventory.accounts.entry(row.account.clone()).or_default();
    facts.has_credential_report = true;
    facts.credential_report = facts.credential_report.max(row.generated);
    let user = inventory.users.entry((row.account, row.user)).or_default();
    if user.arn.is_empty() {
        user.arn = row.arn;
    }
    user.created = user.created.or(row.created);
    let Some(new) = row.slots else { return };
    match &mut user.slots {
        Some(_) if row.generated < user.slots_observed => return,
        Some(old) if row.generated == user.slots_observed => {
            for (old, new) in old.iter_mut().zip(&new) {
                old.last_used = latest(&[old, new]);
                old.active |= new.active;
                old.last_rotated = old.last_rotated.max(new.last_rotated);
            }
        }
        slots => *slots = Some(new),
    }
    user.password = row.password.or(user.password);
    user.slots_observed = row.generated;
}

/// Gives every listed key its owner. The list names the user only, so the account is taken, in this order, from
/// the records the key signed, the id itself, the path of the file, and a user name that only one account has.
fn place_keys(inventory: &mut Inventory, listed: Vec<(&str, access_keys::Listed)>, hints: &dyn Hints) {
    let mut by_name: BTreeMap<&str, BTreeSet<&AccountId>> = BTreeMap::new();
    for (account, name) in inventory.users.keys() {
        by_name.entry(name).or_default().insert(account);
    }
    let (mut placed, mut unowned) = (Vec::new(), Vec::new());
    for (label, key) in listed {
        let Some(name) = user_of(inventory, &key, label, hints) else {
            let note = format!("{label}: key {} is listed without its user", key.id);
            unowned.push((key, note));
            continue;
        };
        let only =
            by_name.get(name.as_str()).filter(|a| a.len() == 1).and_then(|a| a.first()).map(|a| (*a).clone());
        let candidates = [
            ("the records it signed", hints.owner(&key.id).map(|(account, _)| account)),
            ("the key id (inferred)", key.id.inferred_account()),
            ("the path of the list", account_in_path(label)),
            (BY_NAME, only),
        ];
        let found = candidates.into_iter().find_map(|(by, account)| Some((by, account?)));
        placed.push((key, name, found));
    }
    for (key, note) in unowned {
        inventory.notes.push(note);
        inventory.keys.entry(key.id).or_insert_with(|| KeyFacts {
            status: key.status,
            created: key.created,
            ..KeyFacts::default()
        });
    }
    let mut conflicts = BTreeSet::new();
    for (key, name, found) in placed {
        let id = key.id.clone();
        let first = !inventory.keys.contains_key(&id);
        let facts = inventory.keys.entry(key.id).or_default();
        let owner = found.map(|(by, account)| (by, (account, name)));
        if let Some((_, (account, _))) = &owner {
            inventory.accounts.entry(account.clone()).or_default().has_key_list = true;
        }
        if first {
            (facts.status, facts.created) = (key.status, key.created);
            if let Some((by, owner)) = owner {
                facts.owner_by = by;
                facts.owner = Some(owner);
            }
            continue;
        }
        // Lists of different times may differ; what they differ in is not known.
        match (&facts.owner, owner) {
            (Some(told), Some((_, other))) if *told != other => {
                conflicts.insert(id);
            }
            (None, Some((by, owner))) => {
                facts.owner_by = by;
                facts.owner = Some(owner);
            }
            _ => {}
        }
        facts.status = facts.status.filter(|_| facts.status == key.status);
        facts.created = facts.created.filter(|_| facts.created == key.created);
    }
    for id in conflicts {
        inventory.notes.push(format!("key {id}: the lists name different owners, so its owner is not known"));
        if let Some(facts) = inventory.keys.get_mut(&id) {
            facts.owner = None;
        }
    }
}

/// A listed key's user. The listing of root's own keys names none, and neither does a listing that was trimmed: root
/// it is where its slots or its records say so.
fn user_of(
    inventory: &Inventory,
    key: &access_keys::Listed,
    label: &str,
    hints: &dyn Hints,
) -> Option<String> {
    if !key.user.is_empty() {
        return Some(key.user.clone());
    }
    if let Some((_, signer)) = hints.owner(&key.id) {
        return (signer == ROOT_USER).then_some(signer);
    }
    let root = inventory.users.get(&(account_in_path(label)?, ROOT_USER.to_owned()))?;
    let slots = root.slots.iter().flatten();
    let same = slots.into_iter().any(|slot| key.created.is_some() && slot.last_rotated == key.created);
    same.then(|| ROOT_USER.to_owned())
}

/// The last part of a path that looks like an account id.
fn account_in_path(label: &str) -> Option<AccountId> {
    label.rsplit(['/', '!']).map(AccountId::new).find(AccountId::is_well_formed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::LastUsed;

    struct NoHints;
    impl Hints for NoHints {
        fn owner(&self, _: &AccessKeyId) -> Option<(AccountId, String)> {
            None
        }
        fn signers(&self) -> Vec<AccessKeyId> {
            Vec::new()
        }
    }

    const HEADER: &str = "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date\n";

    fn inventory(report: &str, keys: &[(&str, &str, &str)]) -> Inventory {
        inventory_from("111122223333/k.json", report, keys)
    }

    fn inventory_from(label: &str, report: &str, keys: &[(&str, &str, &str)]) -> Inventory {
        let report = Value::String(format!("{HEADER}ci,arn:aws:iam::111122223333:user/ci,{report}\n"));
        let metadata: Vec<Value> = keys
            .iter()
            .map(|(id, status, date)| serde_json::json!({"UserName": "ci", "AccessKeyId": id, "Status": status, "CreateDate": date}))
            .collect();
        let list = serde_json::json!({"AccessKeyMetadata": metadata});
        let sources = [
            Source { kind: SourceKind::AccessKeys, label, content: &list },
            Source { kind: SourceKind::CredentialReport, label: "r.csv", content: &report },
        ];
        build(&sources, &NoHints)
    }

    fn last_used(inventory: &Inventory, id: &str) -> String {
        match &inventory.keys[&AccessKeyId::new(id)].last_used {
            LastUsed::At { time, .. } => time.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn slots_are_matched_by_creation_and_never_by_a_guess() {
        let (a, b) = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        let used = "2026-09-01T00:00:00Z";
        let report = format!("true,{b},N/A,true,{a},{used}");
        let both = inventory(&report, &[("AKIA1", "Active", a), ("AKIA2", "Active", b)]);
        assert_eq!((last_used(&both, "AKIA1"), last_used(&both, "AKIA2")), (used.into(), "Never".into()));
        // Status may be out of date: the later use stands for both.
        let report = format!("false,2026-05-05T00:00:00Z,N/A,true,2026-06-06T00:00:00Z,{used}");
        let neither = inventory(&report, &[("AKIA1", "Inactive", a), ("AKIA2", "Active", b)]);
        assert_eq!((last_used(&neither, "AKIA1"), last_used(&neither, "AKIA2")), (used.into(), used.into()));
        // One is certain, so the other slot is the other's.
        let report = format!("true,{a},N/A,true,2026-06-06T00:00:00Z,{used}");
        let one = inventory(&report, &[("AKIA1", "Active", a), ("AKIA2", "Active", b)]);
        assert_eq!((last_used(&one, "AKIA1"), last_used(&one, "AKIA2")), ("Never".into(), used.into()));
        // No slot at all, fewer slots than keys, and more keys than a user can have: unknown.
        let none = inventory("false,N/A,N/A,false,N/A,N/A", &[("AKIA1", "Active", a)]);
        assert_eq!(last_used(&none, "AKIA1"), "Unknown");
        let three =
            inventory(&report, &[("AKIA1", "Active", a), ("AKIA2", "Active", b), ("AKIA3", "Active", b)]);
        assert_eq!(last_used(&three, "AKIA2"), "Unknown");
    }

    #[test]
    fn elimination_needs_more_than_a_users_name() {
        let created = "2025-01-01T00:00:00Z";
        let report = "false,2026-05-05T00:00:00Z,2026-09-01T00:00:00Z,false,N/A,N/A";
        let by_name = inventory_from("k.json", report, &[("AKIA1", "Inactive", created)]);
        let by_path = inventory(report, &[("AKIA1", "Inactive", created)]);
        assert_eq!(last_used(&by_path, "AKIA1"), "2026-09-01T00:00:00Z");
        assert_eq!(last_used(&by_name, "AKIA1"), "Unknown");
        assert_eq!(by_name.keys[&AccessKeyId::new("AKIA1")].slot, None);
    }

    #[test]
    fn of_two_reports_the_newer_speaks() {
        let report = |time: &str, used: &str| {
            let csv = format!(
                "{HEADER}ci,arn:aws:iam::111122223333:user/ci,true,2025-01-01T00:00:00Z,{used},false,N/A,N/A\n"
            );
            serde_json::json!({"Content": csv, "ReportFormat": "text/csv", "GeneratedTime": time})
        };
        let new = report("2026-09-30T00:00:00Z", "2026-09-29T00:00:00Z");
        let old = report("2026-05-01T00:00:00Z", "N/A");
        let list = serde_json::json!({"AccessKeyMetadata": [{"UserName": "ci", "AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2025-01-01T00:00:00Z"}]});
        for order in [[&new, &old], [&old, &new]] {
            let mut sources: Vec<Source<'_>> = order
                .iter()
                .map(|content| Source { kind: SourceKind::CredentialReport, label: "r", content })
                .collect();
            sources.push(Source { kind: SourceKind::AccessKeys, label: "k", content: &list });
            assert_eq!(last_used(&build(&sources, &NoHints), "AKIA1"), "2026-09-29T00:00:00Z");
        }
    }

    #[test]
    fn lists_that_disagree_leave_the_owner_unknown() {
        let list = |user: &str| serde_json::json!({"AccessKeyMetadata": [{"UserName": user, "AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2025-01-01T00:00:00Z"}]});
        let (a, b) = (list("a"), list("b"));
        let sources = [&a, &b].map(|content| Source {
            kind: SourceKind::AccessKeys,
            label: "111122223333/k.json",
            content,
        });
        let built = build(&sources, &NoHints);
        assert_eq!(built.keys[&AccessKeyId::new("AKIA1")].owner, None);
        assert!(!built.incomplete && built.notes.len() == 1, "only that key is in doubt");
    }

    #[test]
    fn a_key_is_placed_by_its_users_name_when_only_one_account_has_it() {
        let placed = inventory_from(
            "k.json",
            "true,2025-01-01T00:00:00Z,N/A,false,N/A,N/A",
            &[("AKIA1", "Active", "2025-01-01T00:00:00Z")],
        );
        let facts = &placed.keys[&AccessKeyId::new("AKIA1")];
        assert_eq!(facts.owner, Some((AccountId::new("111122223333"), "ci".into())));
        assert_eq!(facts.owner_by, "the user name");
    }
}
