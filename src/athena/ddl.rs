//! The table, where there is none: CloudTrail's documented one, with partitions for account, region and day.

use super::table::{LayoutError, identifier};
use crate::model::Day;
use std::fmt::Write;

/// Columns as AWS documents them
/// (<https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html>), and three more:
/// `inScopeOf`, which names what a role's session was issued to, `managementEvent`, and the `ARNPrefix` of resources
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>).
pub(super) const COLUMN_TYPES: &[(&str, &str)] = &[
    ("eventversion", "STRING"),
    (
        "useridentity",
        "STRUCT<type: STRING, principalid: STRING, arn: STRING, accountid: STRING, invokedby: STRING, accesskeyid: STRING, username: STRING, onbehalfof: STRUCT<userid: STRING, identitystorearn: STRING>, inscopeof: STRUCT<sourcearn: STRING, sourceaccount: STRING, issuertype: STRING, credentialsissuedto: STRING>, sessioncontext: STRUCT<attributes: STRUCT<mfaauthenticated: STRING, creationdate: STRING>, sessionissuer: STRUCT<type: STRING, principalid: STRING, arn: STRING, accountid: STRING, username: STRING>, ec2roledelivery: STRING, webidfederationdata: STRUCT<federatedprovider: STRING, attributes: MAP<STRING, STRING>>>>",
    ),
    ("eventtime", "STRING"),
    ("eventsource", "STRING"),
    ("eventname", "STRING"),
    ("awsregion", "STRING"),
    ("sourceipaddress", "STRING"),
    ("useragent", "STRING"),
    ("errorcode", "STRING"),
    ("errormessage", "STRING"),
    ("requestparameters", "STRING"),
    ("responseelements", "STRING"),
    ("additionaleventdata", "STRING"),
    ("requestid", "STRING"),
    ("eventid", "STRING"),
    ("readonly", "STRING"),
    ("resources", "ARRAY<STRUCT<arn: STRING, arnprefix: STRING, accountid: STRING, type: STRING>>"),
    ("eventtype", "STRING"),
    ("apiversion", "STRING"),
    ("managementevent", "STRING"),
    ("recipientaccountid", "STRING"),
    ("serviceeventdetails", "STRING"),
    ("sharedeventid", "STRING"),
    ("vpcendpointid", "STRING"),
    ("vpcendpointaccountid", "STRING"),
    ("eventcategory", "STRING"),
    (
        "addendum",
        "STRUCT<reason: STRING, updatedfields: STRING, originalrequestid: STRING, originaleventid: STRING>",
    ),
    ("sessioncredentialfromconsole", "STRING"),
    ("edgedevicedetails", "STRING"),
    ("tlsdetails", "STRUCT<tlsversion: STRING, ciphersuite: STRING, clientprovidedhostheader: STRING>"),
];

/// Regions that partitions are projected for where none are named; one that an account does not use costs a listing.
const REGIONS: &str = "af-south-1,ap-east-1,ap-east-2,ap-northeast-1,ap-northeast-2,ap-northeast-3,ap-south-1,ap-south-2,ap-southeast-1,ap-southeast-2,ap-southeast-3,ap-southeast-4,ap-southeast-5,ap-southeast-6,ap-southeast-7,ca-central-1,ca-west-1,eu-central-1,eu-central-2,eu-north-1,eu-south-1,eu-south-2,eu-west-1,eu-west-2,eu-west-3,il-central-1,me-central-1,me-south-1,mx-central-1,sa-east-1,us-east-1,us-east-2,us-west-1,us-west-2";

/// A table to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Database, which has to be there.
    pub database: String,
    /// Table.
    pub table: String,
    /// Where accounts' logs are: `s3://bucket/[prefix/]AWSLogs[/o-organization]`.
    pub location: String,
    /// Regions; all that are known where empty.
    pub regions: Vec<String>,
    /// First day that has logs.
    pub first: Day,
}

/// The statement that makes the table. Accounts are projected as *injected*: queries name theirs, and accounts that join
/// the organization later need no change
/// (<https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html>).
///
/// # Errors
/// [`LayoutError::Name`] for names and places that cannot be quoted.
pub fn create_table(spec: &TableSpec) -> Result<String, LayoutError> {
    identifier(&spec.database)?;
    identifier(&spec.table)?;
    let place = spec.location.trim_end_matches('/');
    // What a bucket and its keys are made of, but for what would end the quotes.
    let fits = place.starts_with("s3://")
        && place.len() <= 1024
        && place.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'.' | b'_' | b'-' | b'=' | b'+' | b'@')
        });
    if !fits {
        return Err(LayoutError::Name(spec.location.clone()));
    }
    for region in &spec.regions {
        super::sql::plain(region)?;
    }
    let regions = if spec.regions.is_empty() { REGIONS.to_owned() } else { spec.regions.join(",") };
    let mut text = format!("CREATE EXTERNAL TABLE `{}`.`{}` (\n", spec.database, spec.table);
    for (n, (name, kind)) in COLUMN_TYPES.iter().enumerate() {
        let comma = if n == 0 { "" } else { ",\n" };
        let _ = write!(text, "{comma}  `{name}` {kind}");
    }
    let _ = write!(
        text,
        "\n)
COMMENT 'CloudTrail logs, made by offkey'
PARTITIONED BY (`account` STRING, `region` STRING, `day` STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '{place}/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.account.type' = 'injected',
  'projection.region.type' = 'enum',
  'projection.region.values' = '{regions}',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy/MM/dd',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'projection.day.range' = '{},NOW+1DAYS',
  'storage.location.template' = '{place}/${{account}}/CloudTrail/${{region}}/${{day}}'
)",
        spec.first.to_string().replace('-', "/"),
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::athena::{DayKey, Description, Layout};
    use crate::model::parse_day;

    fn spec(location: &str) -> TableSpec {
        TableSpec {
            database: "default".into(),
            table: "offkey_trail".into(),
            location: location.into(),
            regions: Vec::new(),
            first: parse_day("2026-01-01").unwrap(),
        }
    }

    #[test]
    fn organization_and_account_layouts_and_nothing_that_ends_a_quote() {
        let text = create_table(&spec("s3://example-trail/x/AWSLogs/o-exampleorg1")).unwrap();
        assert!(
            text.contains(
                "'s3://example-trail/x/AWSLogs/o-exampleorg1/${account}/CloudTrail/${region}/${day}'"
            )
        );
        assert!(text.contains("inscopeof: STRUCT<") && text.contains("'2026/01/01,NOW+1DAYS'"));
        for bad in ["s3://a' OR 'b", "http://a", "s3://a\\b", "s3://a\nb", "s3://a`b"] {
            assert!(create_table(&spec(bad)).is_err(), "{bad}");
        }
        assert!(create_table(&TableSpec { table: "a`b".into(), ..spec("s3://a") }).is_err());
        assert!(create_table(&TableSpec { regions: vec!["x'y".into()], ..spec("s3://a") }).is_err());
    }

    #[test]
    fn what_is_made_can_be_used_and_other_tables_are_understood_or_named() {
        let columns: Vec<(String, String)> =
            COLUMN_TYPES.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        let key = |name: &str| (name.to_owned(), "string".to_owned());
        let described = Description {
            name: "t".into(),
            columns: columns.clone(),
            partitions: vec![key("account"), key("region"), key("day")],
            parameters: [("projection.day.format".to_owned(), "yyyy/MM/dd".to_owned())].into(),
        };
        let own = Layout::own("d", "t", "s3://b/AWSLogs");
        let read = Layout::of("d", &described).unwrap();
        assert_eq!((&read.account, &read.region, &read.day), (&own.account, &own.region, &own.day));
        // AWS's own example: one region of one account, by timestamp.
        let example = Description {
            partitions: vec![key("timestamp")],
            parameters: [(
                "storage.location.template".to_owned(),
                "s3://b/AWSLogs/111122223333/CloudTrail/us-east-1/${timestamp}".to_owned(),
            )]
            .into(),
            ..described.clone()
        };
        let read = Layout::of("d", &example).unwrap();
        assert_eq!((read.account, read.only_account.as_deref()), (None, Some("111122223333")));
        assert_eq!(read.location, "s3://b/AWSLogs/111122223333/CloudTrail/us-east-1");
        let three =
            Description { partitions: vec![key("year"), key("month"), key("day")], ..described.clone() };
        assert!(matches!(Layout::of("d", &three).unwrap().day, DayKey::Three(..)));
        let none = Description { partitions: Vec::new(), ..described.clone() };
        assert!(matches!(Layout::of("d", &none), Err(LayoutError::Unpartitioned(..))));
        let other = Description { columns: vec![key("a")], ..described };
        assert!(matches!(Layout::of("d", &other), Err(LayoutError::Column(..))));
    }
}
