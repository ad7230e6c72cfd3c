//! What the name of a log object says: account, region and delivery day.

use crate::model::{AccountId, Day, parse_instant};

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
}

/// Reads the name of a log object; `None` where it does not follow the layout.
pub fn object_name(path: &str) -> Option<ObjectName> {
    let file = path.rsplit(['/', '!']).next()?;
    let mut parts = file.split('_');
    let account = AccountId::new(parts.next()?);
    if !account.is_well_formed() || parts.next()? != "CloudTrail" {
        return None;
    }
    let region = parts.next()?.to_owned();
    let stamp = parts.next()?;
    let date = stamp.get(..8)?;
    let text = format!("{}-{}-{}T00:00:00Z", date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    Some(ObjectName { account, region, day: Day::of(parse_instant(&text)?) })
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
        for other in [
            "x.json",
            "111122223333_CloudTrail-Digest_eu-west-1_t_r_20260930T2355Z.json.gz",
            "1_CloudTrail_r_20260930T2355Z",
        ] {
            assert_eq!(object_name(other), None, "{other}");
        }
    }
}
