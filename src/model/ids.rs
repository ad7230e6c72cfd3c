//! Names that AWS gives to accounts and access keys, kept as AWS writes them.

use std::fmt;

/// How the credential report and offkey name the account's root user.
pub const ROOT_USER: &str = "<root_account>";

/// A twelve-digit AWS account id, or whatever stood in its place in the evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl std::borrow::Borrow<str> for AccountId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AccountId {
    /// Takes the text as it is; [`AccountId::is_well_formed`] tells whether it is an account id.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The account an ARN belongs to (its fifth field), where it names one.
    pub fn from_arn(arn: &str) -> Option<Self> {
        Self::in_arn(arn).map(Self::new)
    }

    /// [`AccountId::from_arn`] of text that is not kept.
    pub fn in_arn(arn: &str) -> Option<&str> {
        arn.split(':').nth(4).filter(|account| Self::is_id(account))
    }

    fn is_id(text: &str) -> bool {
        text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
    }

    /// Twelve digits, as the account id is documented
    /// (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>).
    pub fn is_well_formed(&self) -> bool {
        Self::is_id(&self.0)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An access key id. Static keys start with `AKIA`, session keys with `ASIA`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(String);

impl AccessKeyId {
    /// Takes the text as it is: real logs hold masked and overlong ids, which stay distinct keys.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A long-lived key of an IAM user or of root.
    pub fn is_static(&self) -> bool {
        Self::names_static(&self.0)
    }

    /// A key that AWS STS issued for a session.
    pub fn is_session(&self) -> bool {
        Self::names_session(&self.0)
    }

    /// [`AccessKeyId::is_static`] of text that is not kept.
    pub fn names_static(text: &str) -> bool {
        text.starts_with("AKIA")
    }

    /// [`AccessKeyId::is_session`] of text that is not kept.
    pub fn names_session(text: &str) -> bool {
        text.starts_with("ASIA")
    }

    /// Sixteen to 128 word characters, as the IAM API allows
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>).
    pub fn is_well_formed(&self) -> bool {
        (16..=128).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    /// The account that the id itself encodes: characters 5 to 20 in base 32, of whose first six bytes
    /// the bits `0x7fffffffff80` shifted by seven are the account number. Undocumented by AWS, so callers
    /// show it as *inferred*. Only ids whose fifth character is `Q`–`Z` or `2`–`7` carry it.
    pub fn inferred_account(&self) -> Option<AccountId> {
        let body = self.0.as_bytes().get(4..20).filter(|_| self.0.len() == 20)?;
        let mut bits: u128 = 0;
        for byte in body {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return None,
            };
            bits = bits << 5 | u128::from(value);
        }
        if !matches!(body.first()?, b'Q'..=b'Z' | b'2'..=b'7') {
            return None;
        }
        // Sixteen characters are 80 bits; the first six bytes are the top 48 of them.
        let top = bits >> 32;
        let account = (top & 0x7fff_ffff_ff80) >> 7;
        (account < 1_000_000_000_000).then(|| AccountId::new(format!("{account:012}")))
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes an account the way the id carries it, so that the decoder is tested against its inverse.
    fn encode(account: u64) -> String {
        let top = 0x8000_0000_0000_u128 | u128::from(account) << 7;
        let bits = top << 32;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let body: String =
            (0..16).rev().map(|i| char::from(alphabet[(bits >> (i * 5) & 31) as usize])).collect();
        format!("AKIA{body}")
    }

    #[test]
    fn account_is_inferred_from_newer_ids_only() {
        for account in [111_122_223_333, 1, 999_999_999_999] {
            let id = AccessKeyId::new(encode(account));
            assert_eq!(id.inferred_account(), Some(AccountId::new(format!("{account:012}"))), "{id}");
        }
        for id in ["AKIAIOSFODNN7EXAMPLE", "AKIA****************", "AKIA", "AKIAQ2", "AKIAZZZZZZZZZZZZZZZZZ"]
        {
            assert_eq!(AccessKeyId::new(id).inferred_account(), None, "{id}");
        }
    }

    #[test]
    fn account_of_an_arn() {
        let account = |arn| AccountId::from_arn(arn).map(|a| a.to_string());
        assert_eq!(account("arn:aws:iam::111122223333:user/ci"), Some("111122223333".into()));
        assert_eq!(account("arn:aws:s3:::bucket"), None);
        assert_eq!(account("nonsense"), None);
    }
}
