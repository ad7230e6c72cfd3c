//! Exemptions: keys that are to be left alone, by whom and until when. Where in doubt, a key is left alone.

use super::interlocks::Stop;
use crate::model::{Day, parse_day};
use serde::Deserialize;

/// One exemption, as a TOML file has it under `[[mute]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: Option<String>,
    user: Option<String>,
    account: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    mute: Vec<Entry>,
}

/// One exemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
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
    /// Last day on which it holds; `None` where it cannot be told, with what is wrong.
    pub expires: Result<Day, String>,
    /// Whether it is over.
    pub expired: bool,
}

/// All exemptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutes(pub Vec<Mute>);

/// Reads exemptions.
///
/// # Errors
/// Where the file is not TOML of the form, or an entry names no key, user or account: nothing is acted upon then, as what
/// was meant to be exempt cannot be known.
pub fn read_mutes(text: &str, today: Day) -> Result<Mutes, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    for (n, entry) in file.mute.into_iter().enumerate() {
        let which = format!("mute {}", n + 1);
        if entry.key.is_none() && entry.user.is_none() && entry.account.is_none() {
            return Err(format!("{which} names no key, user or account"));
        }
        let missing: Vec<&str> =
            [("reason", &entry.reason), ("owner", &entry.owner), ("expires", &entry.expires)]
                .into_iter()
                .filter(|(_, value)| value.as_ref().is_none_or(|text| text.trim().is_empty()))
                .map(|(name, _)| name)
                .collect();
        let expires = match (missing.is_empty(), entry.expires.as_deref().and_then(parse_day)) {
            (false, _) => Err(format!("{which} has no {}", missing.join(", no "))),
            (true, None) => Err(format!("{which}: expires is no day like 2026-12-31")),
            (true, Some(day)) => Ok(day),
        };
        out.push(Mute {
            key: entry.key,
            user: entry.user,
            account: entry.account,
            reason: entry.reason.unwrap_or_default(),
            owner: entry.owner.unwrap_or_default(),
            expired: expires.as_ref().is_ok_and(|day| *day < today),
            expires,
        });
    }
    Ok(Mutes(out))
}

impl Mutes {
    /// Why a key is exempt, or would have to be asked about first.
    pub(super) fn stop(&self, account: &str, user: &str, key: &str) -> Option<Stop> {
        let fits = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|want| want == is);
        let mute = self
            .0
            .iter()
            .find(|mute| fits(&mute.key, key) && fits(&mute.user, user) && fits(&mute.account, account))?;
        let stop = |id, why, instead: &str| Some(Stop { id, why, instead: instead.to_owned() });
        match &mute.expires {
            Err(wrong) => stop(
                "exemption-malformed",
                format!("an exemption that may be meant for it is malformed: {wrong}"),
                "mend or remove the exemption",
            ),
            Ok(day) if mute.expired => stop(
                "exemption-expired",
                format!("its exemption by {} expired on {day}: {}", mute.owner, mute.reason),
                "ask the owner, then renew or remove the exemption",
            ),
            Ok(day) => stop(
                "exempt",
                format!("{} exempts it until {day}: {}", mute.owner, mute.reason),
                "wait, or ask the owner to end the exemption",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemptions_fail_closed() {
        let today = parse_day("2026-10-01").unwrap();
        let read = |text: &str| read_mutes(text, today);
        let whole = "[[mute]]\nkey = \"AKIA1\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2026-10-01\"\n";
        let id = |text: &str, key: &str| read(text).unwrap().stop("1", "u", key).map(|stop| stop.id);
        assert_eq!(id(whole, "AKIA1"), Some("exempt"));
        assert_eq!(id(whole, "AKIA2"), None);
        assert_eq!(id(&whole.replace("10-01", "09-30"), "AKIA1"), Some("exemption-expired"));
        assert_eq!(id(&whole.replace("2026-10-01", "soon"), "AKIA1"), Some("exemption-malformed"));
        assert_eq!(id(&whole.replace("owner = \"o\"\n", ""), "AKIA1"), Some("exemption-malformed"));
        assert_eq!(id(&whole.replace("key = \"AKIA1\"", "user = \"u\""), "AKIA9"), Some("exempt"));
        for broken in ["[[mute]]\nreason = \"r\"\n", "x = 1", "[[mute]\n", "[[mute]]\nkye = \"AKIA1\"\n"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
