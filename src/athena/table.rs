//! What a table has to be so that the evidence can be computed from it, and how its partitions are named.

use crate::model::Day;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A table as the data catalog describes it
/// (<https://docs.aws.amazon.com/athena/latest/APIReference/API_TableMetadata.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Columns with their types.
    pub columns: Vec<(String, String)>,
    /// Partition keys with their types.
    pub partitions: Vec<(String, String)>,
    /// Properties, `location` among them.
    pub parameters: BTreeMap<String, String>,
}

/// How partitions name the day of delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayKey {
    /// One key; with `-` or `/` between year, month and day.
    One(String, char),
    /// One key each for year, month and day, as text of two digits (four for the year).
    Three(String, String, String),
}

/// A table that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Database.
    pub database: String,
    /// Table.
    pub table: String,
    /// Partition key of the account, where there is one.
    pub account: Option<String>,
    /// Partition key of the region, where there is one.
    pub region: Option<String>,
    /// Partition key of the day.
    pub day: DayKey,
    /// Where its logs are: `s3://bucket/prefix`, up to the first part that differs between partitions.
    pub location: String,
    /// Account that all of it is of, where the location says so.
    pub only_account: Option<String>,
    columns: Vec<(String, String)>,
}

/// Why a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A column is not there.
    #[error("the table {0} has no column {1}: it is no table of CloudTrail logs as AWS documents it")]
    Column(String, &'static str),
    /// No partition by day.
    #[error("the table {0} has no partition by day ({1}): every query would scan all of it")]
    Unpartitioned(String, String),
    /// The day is written in a way that is not known.
    #[error("the table {0} writes days as {1:?}, which offkey does not know")]
    DayFormat(String, String),
    /// A name that is not one.
    #[error("{0:?} is no name of a database or table: letters, digits and underscores, 128 at most")]
    Name(String),
}

/// A database's, table's or column's name, in quotes; refused where it is not one that Athena takes
/// (<https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html>).
///
/// # Errors
/// [`LayoutError::Name`].
pub fn identifier(name: &str) -> Result<String, LayoutError> {
    let fits = (1..=128).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if fits { Ok(format!("\"{name}\"")) } else { Err(LayoutError::Name(name.to_owned())) }
}

/// Columns without which there is no evidence.
const NEEDED: &[&str] = &[
    "useridentity",
    "eventtime",
    "eventid",
    "eventsource",
    "eventname",
    "eventtype",
    "awsregion",
    "sourceipaddress",
    "useragent",
    "errorcode",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "resources",
];

impl Layout {
    /// Understands a table.
    ///
    /// # Errors
    /// [`LayoutError`], which says what it lacks.
    pub fn of(database: &str, described: &Description) -> Result<Self, LayoutError> {
        identifier(database)?;
        identifier(&described.name)?;
        let lower = |pairs: &[(String, String)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, kind)| (name.to_lowercase(), kind.to_lowercase())).collect()
        };
        let (columns, keys) = (lower(&described.columns), lower(&described.partitions));
        for needed in NEEDED {
            if !columns.iter().any(|(name, _)| name == needed) {
                return Err(LayoutError::Column(described.name.clone(), needed));
            }
        }
        for (name, _) in &keys {
            identifier(name)?;
        }
        let key = |names: &[&str]| keys.iter().map(|(name, _)| name).find(|n| names.contains(&n.as_str()));
        let parameter = |name: &str| described.parameters.get(name).map(String::as_str);
        let template = parameter("storage.location.template").or(parameter("location")).unwrap_or_default();
        let day = match key(&["timestamp", "day", "date", "dt", "event_date", "log_date", "partition_date"]) {
            Some(key) => {
                let format = parameter(&format!("projection.{key}.format")).unwrap_or("yyyy/MM/dd");
                match format {
                    "yyyy/MM/dd" => DayKey::One(key.clone(), '/'),
                    "yyyy-MM-dd" => DayKey::One(key.clone(), '-'),
                    other => return Err(LayoutError::DayFormat(described.name.clone(), other.to_owned())),
                }
            }
            None => match (key(&["year"]), key(&["month"]), key(&["day"])) {
                (Some(year), Some(month), Some(day)) => {
                    DayKey::Three(year.clone(), month.clone(), day.clone())
                }
                _ => {
                    let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
                    let names = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
                    return Err(LayoutError::Unpartitioned(described.name.clone(), names));
                }
            },
        };
        let day = match (day, key(&["year"]), key(&["month"])) {
            (DayKey::One(day, _), Some(year), Some(month)) if day == "day" => {
                DayKey::Three(year.clone(), month.clone(), day)
            }
            (day, ..) => day,
        };
        let fixed = template.split("${").next().unwrap_or_default();
        let only_account =
            fixed.split('/').find(|part| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit()));
        Ok(Self {
            database: database.to_owned(),
            table: described.name.clone(),
            account: key(&["account", "accountid", "account_id", "aws_account", "aws_account_id"]).cloned(),
            region: key(&["region", "aws_region", "awsregion", "region_name"]).cloned(),
            day,
            location: fixed.trim_end_matches('/').to_owned(),
            only_account: only_account.map(str::to_owned),
            columns,
        })
    }

    /// A table that offkey itself would make.
    pub fn own(database: &str, table: &str, location: &str) -> Self {
        let columns = super::ddl::COLUMN_TYPES
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), kind.to_lowercase()))
            .collect();
        Self {
            database: database.to_owned(),
            table: table.to_owned(),
            account: Some("account".to_owned()),
            region: Some("region".to_owned()),
            day: DayKey::One("day".to_owned(), '/'),
            location: location.trim_end_matches('/').to_owned(),
            only_account: None,
            columns,
        }
    }

    /// `database.table`, as stores name it.
    pub fn origin(&self) -> String {
        format!("{}.{}", self.database, self.table)
    }

    /// The same with the regions that are asked for, where not all are: what was asked of some says nothing of others.
    pub fn scope(&self, regions: &[String]) -> String {
        let mut regions: Vec<&str> = regions.iter().map(String::as_str).collect();
        regions.sort_unstable();
        match regions.is_empty() {
            true => self.origin(),
            false => format!("{}[{}]", self.origin(), regions.join(" ")),
        }
    }

    /// Whether it has a column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    /// Whether a column's type has a member of that name.
    pub(super) fn has_member(&self, column: &str, member: &str) -> bool {
        let kind = self.columns.iter().find(|(name, _)| name == column).map_or("", |(_, kind)| kind.as_str());
        kind.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == member)
    }

    /// The day as an expression that gives `2026/09/30` or `2026-09-30`.
    pub(super) fn day_expression(&self) -> String {
        match &self.day {
            DayKey::One(key, _) => format!("\"{key}\""),
            DayKey::Three(year, month, day) => {
                format!("\"{year}\" || '/' || \"{month}\" || '/' || \"{day}\"")
            }
        }
    }

    /// Conditions on partitions, from the first to the last day.
    pub(super) fn days(&self, first: Day, last: Day) -> String {
        match &self.day {
            DayKey::One(key, between) => {
                let text = |day: Day| day.to_string().replace('-', &between.to_string());
                format!("\"{key}\" BETWEEN '{}' AND '{}'", text(first), text(last))
            }
            // Only comparisons of keys themselves choose partitions.
            DayKey::Three(year, month, day) => {
                let mut out = String::from("(");
                let mut at = first;
                let mut n = 0;
                while at <= last {
                    let text = at.to_string();
                    let (y, rest) = text.split_once('-').unwrap_or((&text, ""));
                    let end = end_of_month(at).min(last);
                    let (m, d) = rest.split_once('-').unwrap_or((rest, ""));
                    let until = end.to_string();
                    let until = until.rsplit('-').next().unwrap_or_default();
                    let or = if n == 0 { "" } else { " OR " };
                    let _ = write!(
                        out,
                        "{or}\"{year}\" = '{y}' AND \"{month}\" = '{m}' AND \"{day}\" BETWEEN '{d}' AND '{until}'"
                    );
                    at = end.plus(1);
                    n += 1;
                }
                out.push(')');
                out
            }
        }
    }
}

/// The last day of a day's month.
pub(super) fn end_of_month(day: Day) -> Day {
    let month = |day: Day| day.to_string().get(..7).map(str::to_owned);
    let this = month(day);
    let mut end = day;
    while month(end.plus(1)) == this {
        end = end.plus(1);
    }
    end
}
