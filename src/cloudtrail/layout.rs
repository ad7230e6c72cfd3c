//! What the name of a log object says: account, region and delivery day.

use crate::model::{AccountId, Day, parse_day};

/// The parts of `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz`
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>).
/// The time is when the object was delivered; its events may be older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// Whose events it holds.
    pub account: AccountId,
    /// Which region's.
    pub region: String,
    /// Day of delivery.
    pub day: Day,
    /// Whether it is a digest file, which lists log objects, and not a log object itself.
    pub digest: bool,
}

/// The last part of a path, or of an archive's and its member's.
pub fn file_part(path: &str) -> &str {
    let from = memchr::memrchr2(b'/', b'!', path.as_bytes()).map_or(0, |at| at + 1);
    path.get(from..).unwrap_or_default()
}

/// The time in the name of a log object, as written there; names that follow another layout have none, or any text.
pub fn delivery_stamp(path: &str) -> Option<&str> {
    let mut parts = file_part(path).split('_');
    parts.nth(1).filter(|kind| *kind == "CloudTrail")?;
    parts.nth(1)
}

/// Reads the name of a log object; `None` where it does not follow the layout.
pub fn object_name(path: &str) -> Option<ObjectName> {
    let mut parts = file_part(path).split('_');
    let account = AccountId::new(parts.next()?);
    if !account.is_well_formed() {
        return None;
    }
    let digest = match parts.next()? {
        "CloudTrail" => false,
        // `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_REGION_TIME.json.gz`; trail names may have underscores.
        "CloudTrail-Digest" => true,
        _ => return None,
    };
    let region = parts.next()?.to_owned();
    let stamp = if digest { parts.next_back()? } else { parts.next()? };
    let [a, b, c, d, e, f, g, h] = *stamp.as_bytes().first_chunk::<8>()?;
    let text = [a, b, c, d, b'-', e, f, b'-', g, h];
    Some(ObjectName { account, region, day: parse_day(std::str::from_utf8(&text).ok()?)?, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = object_name(
            "logs/AWSLogs/o-a/111122223333/CloudTrail/eu-west-1/2026/09/30/111122223333_CloudTrail_eu-west-1_20260930T2355Z_abcDEF0123456789.json.gz",
        )
        .unwrap();
        assert_eq!(
            (name.account.as_str(), &*name.region, name.day.to_string()),
            ("111122223333", "eu-west-1", "2026-09-30".into())
        );
        let digest = object_name(
            "111122223333_CloudTrail-Digest_eu-west-1_a_trail_eu-west-1_20260930T235500Z.json.gz",
        );
        assert!(digest.is_some_and(|name| name.digest && name.day.to_string() == "2026-09-30"));
        for other in ["x.json", "1_CloudTrail_r_20260930T2355Z"] {
            assert_eq!(object_name(other), None, "{other}");
        }
    }
}
