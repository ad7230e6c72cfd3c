//! The query: one text for all tables, in the part of Trino's dialect that other engines read the same way.

use super::slices::Slice;
use super::table::{Layout, LayoutError, identifier};
use std::fmt::Write;

/// What results name as their format, so that later versions know what they read.
pub const FORMAT: &str = "offkey-athena-1";

const TEXT: &str = include_str!("usage.sql");

/// Columns of the result, in order.
pub const COLUMNS: &[&str] = &[
    "format",
    "query_kind",
    "origin",
    "slice_account",
    "slice_day",
    "part",
    "event_day",
    "odd_time",
    "odd_object",
    "region",
    "recipient",
    "event_category",
    "event_type",
    "management_event",
    "event_source",
    "identity_account",
    "identity_arn",
    "identity_type",
    "source_ip",
    "key_id",
    "user_name",
    "invoked_by",
    "in_session",
    "issuer",
    "from_console",
    "event_name",
    "user_agent",
    "error_code",
    "shared_id",
    "replaced_id",
    "vpc_endpoint",
    "read_only",
    "additional",
    "request",
    "response",
    "arns",
    "arn_prefixes",
    "records",
    "events",
];

/// All functions that the query may call; a test holds it to them. Each is the same in Trino, DuckDB and Spark on what it
/// is called with: no JSON function, no date function and no `regexp_extract` is among them, `array_agg` never meets a
/// NULL, and nothing is divided.
pub const ALLOWED_FUNCTIONS: &[&str] = &[
    "array_agg",
    "array_join",
    "cast",
    "chr",
    "coalesce",
    "count",
    "length",
    "regexp_like",
    "regexp_replace",
    "replace",
    "strpos",
    "substr",
    "transform",
];

/// Columns that older tables lack, by their placeholders.
const OPTIONAL: &[&str] = &[
    "sessioncredentialfromconsole",
    "sharedeventid",
    "recipientaccountid",
    "vpcendpointid",
    "eventcategory",
    "managementevent",
    "readonly",
];

const NOTHING: &str = "CAST(NULL AS varchar)";

/// The query for a slice of a table.
///
/// # Errors
/// [`LayoutError::Name`] where a name cannot be quoted.
pub fn usage_sql(layout: &Layout, slice: &Slice, regions: &[String]) -> Result<String, LayoutError> {
    let table = format!("{}.{}", identifier(&layout.database)?, identifier(&layout.table)?);
    let mut conditions = Vec::new();
    if let (Some(key), Some(account)) = (&layout.account, &slice.account) {
        conditions.push(format!("\"{key}\" = '{}'", plain(account)?));
    }
    if let Some(key) = layout.region.as_ref().filter(|_| !regions.is_empty()) {
        let regions: Result<Vec<String>, LayoutError> =
            regions.iter().map(|region| Ok(format!("'{}'", plain(region)?))).collect();
        conditions.push(format!("\"{key}\" IN ({})", regions?.join(", ")));
    }
    conditions.push(layout.days(slice.first, slice.last));
    let mut sessions = String::new();
    if !slice.sessions.is_empty() {
        let mut list = String::new();
        for (n, session) in slice.sessions.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let _ = write!(list, "{comma}'{}'", plain(session)?);
        }
        conditions.push(format!("useridentity.accesskeyid IN ({list})"));
        sessions.push_str("      WHEN 1 = 1 THEN 'use'\n");
    }
    let account = match (&layout.account, &layout.only_account) {
        (Some(key), _) => format!("\"{key}\""),
        (None, Some(account)) => format!("'{}'", plain(account)?),
        (None, None) => "''".to_owned(),
    };
    let member = |column: &str, member: &str| match layout.has_member(column, member) {
        true => format!("{column}.{member}"),
        false => NOTHING.to_owned(),
    };
    let prefixes = match layout.has_member("resources", "arnprefix") {
        true => {
            "coalesce(array_join(transform(resources, item -> coalesce(item.arnprefix, '')), chr(31)), '')"
        }
        false => "''",
    };
    let kind = if slice.sessions.is_empty() { "usage" } else { "sessions" };
    let mut text = TEXT
        .replace("{account}", &account)
        .replace("{day}", &layout.day_expression())
        .replace("{table}", &table)
        .replace("{where}", &conditions.join(" AND "))
        .replace("{addendumreason}", &member("addendum", "reason"))
        .replace("{addendumoriginal}", &member("addendum", "originaleventid"))
        .replace("{prefixes}", prefixes)
        .replace("{format}", FORMAT)
        .replace("{kind}", kind)
        .replace("{origin}", &layout.scope(regions))
        .replace("{sessions}", &sessions);
    for column in OPTIONAL {
        let have = if layout.has(column) { column } else { NOTHING };
        text = text.replace(&format!("{{{column}}}"), have);
    }
    Ok(text)
}

/// Text that may stand between quotes: nothing but letters, digits and `-`, whoever it comes from. Session ids come from
/// logs, which anybody can write to; what is not made of these goes into no query.
pub(super) fn plain(text: &str) -> Result<&str, LayoutError> {
    let fits =
        (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(text) } else { Err(LayoutError::Name(text.to_owned())) }
}
