//! Exemptions in a report: which keys each is about. A muted key keeps its verdict; it raises no alarm.

use super::view::{Mute, Report};

/// An exemption before it is held against the keys.
pub struct MuteRule {
    /// Key id.
    pub key: Option<String>,
    /// User.
    pub user: Option<String>,
    /// Account.
    pub account: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds, or what is wrong with it.
    pub expires: Result<String, String>,
    /// Whether it is over.
    pub expired: bool,
}

/// Marks the keys that exemptions are about, and lists the exemptions.
pub fn mute(report: &mut Report, rules: &[MuteRule]) {
    for rule in rules {
        let fits =
            |want: &Option<String>, is: Option<&str>| want.as_deref().is_none_or(|want| is == Some(want));
        let state = match (&rule.expires, rule.expired) {
            (Err(_), _) => "malformed",
            (Ok(_), true) => "expired",
            (Ok(_), false) => "active",
        };
        let position = report.mutes.len();
        let mut keys = 0;
        for key in &mut report.keys {
            let meant = fits(&rule.key, key.access_key_id.as_deref())
                && fits(&rule.user, key.user.as_deref())
                && fits(&rule.account, key.account.as_deref());
            if meant {
                keys += 1;
                if state == "active" && key.muted_by.is_none() {
                    key.muted_by = Some(position);
                }
            }
        }
        let named = [("key", &rule.key), ("user", &rule.user), ("account", &rule.account)];
        report.mutes.push(Mute {
            names: named
                .iter()
                .filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?)))
                .collect(),
            reason: rule.reason.clone(),
            owner: rule.owner.clone(),
            expires: rule.expires.clone().ok(),
            state,
            wrong: rule.expires.clone().err(),
            keys,
        });
    }
    report.summary.keys_muted = report.keys.iter().filter(|key| key.muted_by.is_some()).count();
}
