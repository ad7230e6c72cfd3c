//! What only the live collection brings: last use by key, other credentials of users, regions, lookups, trails' state.

use super::facts::{Inventory, LastUsed, LookedUp, OtherCredential};
use super::policies::list;
use crate::model::{AccessKeyId, AccountId, parse_instant};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What IAM said of single keys, with the time at which it said so. It is read before slots are matched and counts after.
#[derive(Default)]
pub(super) struct OfKeys {
    used: Vec<(AccessKeyId, LastUsed, Option<Timestamp>)>,
    looked_up: Vec<(AccessKeyId, AccountId, String, LookedUp)>,
}

impl OfKeys {
    /// Reads the answers to `iam:GetAccessKeyLastUsed`
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html>: without a date the key was not
    /// used since IAM began to keep it; a region of `N/A` is one of none).
    pub(super) fn last_used(&mut self, content: &Value) {
        let observed = parse_instant(text(content, "Observed"));
        for entry in list(content.get("AccessKeysLastUsed")) {
            let named = |name: &str| Some(text(entry, name)).filter(|t| *t != "N/A").unwrap_or_default();
            let used = match entry.get("LastUsedDate").and_then(Value::as_str) {
                None => LastUsed::Never,
                Some(date) => match parse_instant(date) {
                    Some(time) => LastUsed::At {
                        time,
                        service: named("ServiceName").to_owned(),
                        region: named("Region").to_owned(),
                    },
                    None => LastUsed::Unknown,
                },
            };
            self.used.push((AccessKeyId::new(text(entry, "AccessKeyId")), used, observed));
        }
    }

    /// Reads how far LookupEvents was asked for a key in a region.
    pub(super) fn looked_up(&mut self, content: &Value) {
        let Some(entry) = content.get("LookedUp") else { return };
        let key = AccessKeyId::new(text(entry, "AccessKeyId"));
        let complete = entry.get("Complete") == Some(&Value::Bool(true));
        let (from, to) = (parse_instant(text(entry, "From")), parse_instant(text(entry, "To")));
        if let (true, true, Some(from), Some(to)) = (key.is_static(), complete, from, to) {
            let account = AccountId::new(text(entry, "Account"));
            self.looked_up.push((key, account, text(entry, "Region").to_owned(), LookedUp { from, to }));
        }
    }

    /// Gives keys what was said of them by name; it says more than a slot of the credential report, which may be older.
    pub(super) fn settle(self, inventory: &mut Inventory) {
        for (id, used, observed) in self.used {
            let Some(facts) = inventory.keys.get_mut(&id) else { continue };
            let newer = observed >= facts.observed;
            facts.last_used = match (&facts.last_used, used) {
                (known, LastUsed::Unknown) => known.clone(),
                (LastUsed::At { time: old, .. }, LastUsed::At { time, .. }) if *old > time => {
                    facts.last_used.clone()
                }
                // A key that was used stays used, whichever of the two said so.
                (known @ LastUsed::At { .. }, LastUsed::Never) => known.clone(),
                (_, used) => used,
            };
            if newer {
                facts.observed = observed;
            }
        }
        let mut by_key: BTreeMap<AccessKeyId, BTreeMap<String, LookedUp>> = BTreeMap::new();
        for (key, account, region, span) in self.looked_up {
            let owner = inventory.keys.get(&key).and_then(|facts| facts.owner.as_ref());
            // Elsewhere than in its own account a key signs nothing.
            if owner.is_none_or(|(own, _)| *own == account) {
                let known = by_key.entry(key).or_default().entry(region).or_insert(span);
                known.from = known.from.min(span.from);
                known.to = known.to.max(span.to);
            }
        }
        for (key, regions) in by_key {
            if let Some(facts) = inventory.keys.get_mut(&key) {
                facts.looked_up = regions;
            }
        }
    }
}

/// Reads credentials of users that are no access keys.
pub(super) fn credentials(content: &Value, account: Option<AccountId>, inventory: &mut Inventory) {
    let Some(account) = account else { return };
    for entry in list(content.get("UserCredentials")) {
        let user = inventory.users.entry((account.clone(), text(entry, "UserName").to_owned())).or_default();
        let detail = [text(entry, "Detail"), text(entry, "Id")].into_iter().find(|t| !t.is_empty());
        user.other_credentials.insert(OtherCredential {
            kind: text(entry, "Kind").to_owned(),
            name: detail.unwrap_or_default().to_owned(),
            active: text(entry, "Status") == "Active",
        });
    }
}

/// Reads `aws iam list-open-id-connect-providers`: issuers without scheme.
pub(super) fn issuers(content: &Value) -> Vec<String> {
    let providers = list(content.get("OpenIDConnectProviderList")).into_iter();
    let issuer =
        |p: &Value| text(p, "Arn").split_once(":oidc-provider/").map(|(_, issuer)| issuer.to_owned());
    providers.filter_map(issuer).collect()
}

/// Reads the regions that an account has enabled.
pub(super) fn regions(content: &Value) -> BTreeSet<String> {
    list(content.get("EnabledRegions")).into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Reads whether a trail delivers, by its ARN
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>).
pub(super) fn is_logging(content: &Value) -> Option<(String, bool)> {
    let logging = content.get("IsLogging")?.as_bool()?;
    Some((text(content, "TrailARN").to_owned(), logging))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::KeyFacts;
    use serde_json::json;

    fn at(text: &str) -> LastUsed {
        LastUsed::At { time: text.parse().unwrap(), service: "s3".into(), region: "us-east-1".into() }
    }

    #[test]
    fn the_later_use_stands_whoever_said_so() {
        let (old, new) = ("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z");
        let none: Option<&str> = None;
        for (slot, said, want) in [
            (LastUsed::Unknown, Some(new), at(new)),
            (LastUsed::Unknown, none, LastUsed::Never),
            (LastUsed::Never, Some(new), at(new)),
            (at(old), Some(new), at(new)),
            (at(new), Some(old), at(new)),
            (at(old), none, at(old)),
        ] {
            let mut inventory = Inventory::default();
            let id = AccessKeyId::new("AKIAIOSFODNN7EXAMPLE");
            let facts = KeyFacts { last_used: slot.clone(), ..KeyFacts::default() };
            inventory.keys.insert(id.clone(), facts);
            let mut of_keys = OfKeys::default();
            of_keys.last_used(&json!({"Observed": "2026-09-03T00:00:00Z", "AccessKeysLastUsed": [
                {"AccessKeyId": id.as_str(), "LastUsedDate": said, "ServiceName": "s3", "Region": "us-east-1"}]}));
            of_keys.settle(&mut inventory);
            assert_eq!(inventory.keys[&id].last_used, want, "{slot:?} and {said:?}");
            assert_eq!(inventory.keys[&id].observed, Some("2026-09-03T00:00:00Z".parse().unwrap()));
        }
    }

    #[test]
    fn only_what_was_looked_up_to_its_end_counts() {
        let mut inventory = Inventory::default();
        let id = AccessKeyId::new("AKIAIOSFODNN7EXAMPLE");
        inventory.keys.insert(id.clone(), KeyFacts::default());
        let mut of_keys = OfKeys::default();
        for (region, complete) in [("us-east-1", true), ("eu-west-1", false)] {
            of_keys.looked_up(
                &json!({"LookedUp": {"AccessKeyId": id.as_str(), "Account": "111122223333", "Region": region,
                "From": "2026-07-01T00:00:00Z", "To": "2026-09-29T00:00:00Z", "Complete": complete}}),
            );
        }
        of_keys.settle(&mut inventory);
        assert_eq!(inventory.keys[&id].looked_up.keys().collect::<Vec<_>>(), ["us-east-1"]);
    }
}
