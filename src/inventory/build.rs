//! Joins exports into one inventory: which key is whose, and which slot of the credential report is which key.

use super::facts::{Inventory, KeyFacts, KeyStatus, LastUsed, Slot, User};
use super::{access_keys, authorization, credential_report, trails};
use crate::model::{AccessKeyId, AccountId, ROOT_USER};
use jiff::Timestamp;
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
}

/// What other evidence says of keys.
pub trait Hints {
    /// Account and user that signed with the key, where all its records agree.
    fn owner(&self, key: &AccessKeyId) -> Option<(AccountId, String)>;
}

/// Reads and joins all exports. The result does not depend on their order.
pub fn build(sources: &[Source<'_>], hints: &dyn Hints) -> Inventory {
    let mut inventory = Inventory::default();
    let mut listed: Vec<(&str, access_keys::Listed)> = Vec::new();
    let mut selectors = BTreeMap::new();
    for source in sources {
        let mut notes = Vec::new();
        match source.kind {
            SourceKind::CredentialReport => {
                let report = credential_report::read(source.content);
                notes = report.notes;
                for row in report.rows {
                    add_report_row(&mut inventory, row, report.generated);
                }
            }
            SourceKind::AuthorizationDetails => {
                let details = authorization::read(source.content);
                notes = details.notes;
                for (account, name, user) in details.users {
                    inventory.accounts.entry(account.clone()).or_default().has_authorization_details = true;
                    let slot = inventory.users.entry((account, name)).or_default();
                    *slot = User { password: slot.password, slots: slot.slots.take(), ..user };
                }
                for (account, (count, issuers)) in details.roles {
                    let facts = inventory.accounts.entry(account).or_default();
                    facts.has_authorization_details = true;
                    facts.roles += count;
                    facts.oidc_issuers.extend(issuers);
                }
            }
            SourceKind::AccessKeys => {
                let (keys, odd) = access_keys::read(source.content);
                notes = odd;
                listed.extend(keys.into_iter().map(|key| (source.label, key)));
            }
            SourceKind::Trails => {
                for (account, trail) in trails::read_trails(source.content) {
                    if let Some(account) = account_in_path(source.label).or(account) {
                        inventory.accounts.entry(account).or_default().trails.push(trail);
                    }
                }
            }
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
            trail.selectors = own.or_else(|| selectors.get(&(None, trail.arn.clone()))).cloned();
        }
        facts.trails.sort_by(|a, b| a.arn.cmp(&b.arn));
        facts.trails.dedup();
    }
    place_keys(&mut inventory, listed, hints);
    match_slots(&mut inventory);
    inventory
}

fn add_report_row(inventory: &mut Inventory, row: credential_report::Row, generated: Option<Timestamp>) {
    let facts = inventory.accounts.entry(row.account.clone()).or_default();
    facts.has_credential_report = true;
    facts.credential_report = facts.credential_report.max(generated);
    let user = inventory.users.entry((row.account, row.user)).or_default();
    if user.arn.is_empty() {
        user.arn = row.arn;
    }
    user.created = user.created.or(row.created);
    user.password = row.password.or(user.password);
    user.slots = Some(row.slots);
}

/// Gives every listed key its owner. The list names the user only, so the account is taken, in this order, from
/// the records the key signed, the id itself, the path of the file, and a user name that only one account has.
fn place_keys(inventory: &mut Inventory, listed: Vec<(&str, access_keys::Listed)>, hints: &dyn Hints) {
    let mut by_name: BTreeMap<&str, BTreeSet<&AccountId>> = BTreeMap::new();
    for (account, name) in inventory.users.keys() {
        by_name.entry(name).or_default().insert(account);
    }
    let mut placed = Vec::new();
    for (label, key) in listed {
        let name = if key.user.is_empty() { ROOT_USER.to_owned() } else { key.user.clone() };
        let only =
            by_name.get(name.as_str()).filter(|a| a.len() == 1).and_then(|a| a.first()).map(|a| (*a).clone());
        let candidates = [
            ("the records it signed", hints.owner(&key.id).map(|(account, _)| account)),
            ("the key id (inferred)", key.id.inferred_account()),
            ("the path of the list", account_in_path(label)),
            ("the user name", only),
        ];
        let found = candidates.into_iter().find_map(|(by, account)| Some((by, account?)));
        placed.push((key, name, found));
    }
    for (key, name, found) in placed {
        let facts = inventory.keys.entry(key.id).or_default();
        if let Some((by, account)) = found {
            inventory.accounts.entry(account.clone()).or_default().has_key_list = true;
            facts.owner_by = by;
            facts.owner = Some((account, name));
        }
        facts.status = key.status.or(facts.status);
        facts.created = key.created.or(facts.created);
    }
}

/// The last part of a path that looks like an account id.
fn account_in_path(label: &str) -> Option<AccountId> {
    label.rsplit(['/', '!']).map(AccountId::new).find(AccountId::is_well_formed)
}

/// Joins the credential report's slots, which name no keys, to the keys that the list names.
fn match_slots(inventory: &mut Inventory) {
    let mut by_owner: BTreeMap<(AccountId, String), Vec<AccessKeyId>> = BTreeMap::new();
    for (id, facts) in &inventory.keys {
        if let Some(owner) = &facts.owner {
            by_owner.entry(owner.clone()).or_default().push(id.clone());
        }
    }
    for (owner, ids) in by_owner {
        let Some(slots) = inventory.users.get(&owner).and_then(|user| user.slots.clone()) else {
            continue;
        };
        let observed = inventory.accounts.get(&owner.0).and_then(|facts| facts.credential_report);
        let assigned = assign(&ids, &slots, &inventory.keys);
        for (id, slot) in ids.iter().zip(assigned) {
            let Some(facts) = inventory.keys.get_mut(id) else {
                continue;
            };
            facts.observed = observed;
            match slot {
                Some(index) => {
                    facts.slot = Some(index);
                    facts.last_used = slots.get(index).map(|slot| slot.last_used.clone()).unwrap_or_default();
                }
                // Which slot is whose cannot be told: the later use stands for both, which errs on the safe side.
                None => facts.last_used = later(&slots),
            }
        }
    }
}

/// Slot of each key: by creation time, then by status, then because only one is left.
fn assign(
    ids: &[AccessKeyId],
    slots: &[Slot; 2],
    keys: &BTreeMap<AccessKeyId, KeyFacts>,
) -> Vec<Option<usize>> {
    let filled: Vec<usize> = (0..2).filter(|i| slots.get(*i).is_some_and(Slot::holds_key)).collect();
    let candidates = |id: &AccessKeyId, test: &dyn Fn(&KeyFacts, &Slot) -> bool| -> Vec<usize> {
        let facts = keys.get(id);
        filled.iter().copied().filter(|i| facts.zip(slots.get(*i)).is_some_and(|(f, s)| test(f, s))).collect()
    };
    let mut out: Vec<Option<usize>> = vec![None; ids.len()];
    let same_time: &dyn Fn(&KeyFacts, &Slot) -> bool =
        &|facts, slot| facts.created.is_some() && facts.created == slot.last_rotated;
    let same_status: &dyn Fn(&KeyFacts, &Slot) -> bool =
        &|facts, slot| facts.status.is_some_and(|s| (s == KeyStatus::Active) == slot.active);
    for test in [same_time, same_status, &|_, _| true] {
        for (n, id) in ids.iter().enumerate() {
            if out.get(n).is_some_and(Option::is_some) {
                continue;
            }
            let free: Vec<usize> =
                candidates(id, test).into_iter().filter(|i| !out.contains(&Some(*i))).collect();
            // Only an unambiguous match counts: no other open key may claim the same slot.
            let rivals = ids.iter().enumerate().filter(|(m, other)| {
                *m != n
                    && out.get(*m).is_some_and(Option::is_none)
                    && candidates(other, test).iter().any(|i| free.contains(i))
            });
            if let [only] = free.as_slice()
                && rivals.count() == 0
                && let Some(slot) = out.get_mut(n)
            {
                *slot = Some(*only);
            }
        }
    }
    out
}

fn later(slots: &[Slot; 2]) -> LastUsed {
    let mut latest = LastUsed::Never;
    for slot in slots.iter().filter(|slot| slot.holds_key()) {
        latest = match (latest, slot.last_used.clone()) {
            (LastUsed::Unknown, _) | (_, LastUsed::Unknown) => LastUsed::Unknown,
            (LastUsed::At { time: a, .. }, LastUsed::At { time: b, service, region }) if b > a => {
                LastUsed::At { time: b, service, region }
            }
            (LastUsed::Never, other) => other,
            (latest, _) => latest,
        };
    }
    latest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_instant;

    struct NoHints;
    impl Hints for NoHints {
        fn owner(&self, _: &AccessKeyId) -> Option<(AccountId, String)> {
            None
        }
    }

    const HEADER: &str = "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date\n";

    fn inventory(report: &str, keys: &[(&str, &str, &str)]) -> Inventory {
        let report = Value::String(format!("{HEADER}ci,arn:aws:iam::111122223333:user/ci,{report}\n"));
        let metadata: Vec<Value> = keys
            .iter()
            .map(|(id, status, date)| serde_json::json!({"UserName": "ci", "AccessKeyId": id, "Status": status, "CreateDate": date}))
            .collect();
        let list = serde_json::json!({"AccessKeyMetadata": metadata});
        let sources = [
            Source { kind: SourceKind::AccessKeys, label: "k.json", content: &list },
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
    fn slots_are_matched_by_creation_then_status_then_elimination() {
        let (a, b) = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        let used = "2026-09-01T00:00:00Z";
        let report = format!("true,{b},N/A,true,{a},{used}");
        let both = inventory(&report, &[("AKIA1", "Active", a), ("AKIA2", "Active", b)]);
        assert_eq!((last_used(&both, "AKIA1"), last_used(&both, "AKIA2")), (used.into(), "Never".into()));
        // One was switched off later, so its "last rotated" no longer is its creation.
        let report = format!("false,2026-05-05T00:00:00Z,N/A,true,2026-06-06T00:00:00Z,{used}");
        let status = inventory(&report, &[("AKIA1", "Inactive", a), ("AKIA2", "Active", b)]);
        assert_eq!((last_used(&status, "AKIA1"), last_used(&status, "AKIA2")), ("Never".into(), used.into()));
        // Nothing tells them apart: the later use stands for both.
        let report = format!("true,2026-05-05T00:00:00Z,N/A,true,2026-06-06T00:00:00Z,{used}");
        let neither = inventory(&report, &[("AKIA1", "Active", a), ("AKIA2", "Active", b)]);
        assert_eq!((last_used(&neither, "AKIA1"), last_used(&neither, "AKIA2")), (used.into(), used.into()));
        assert!(parse_instant(used).is_some());
    }

    #[test]
    fn a_key_is_placed_by_its_users_name_when_only_one_account_has_it() {
        let placed = inventory(
            "true,2025-01-01T00:00:00Z,N/A,false,N/A,N/A",
            &[("AKIA1", "Active", "2025-01-01T00:00:00Z")],
        );
        let facts = &placed.keys[&AccessKeyId::new("AKIA1")];
        assert_eq!(facts.owner, Some((AccountId::new("111122223333"), "ci".into())));
        assert_eq!(facts.owner_by, "the user name");
    }
}
