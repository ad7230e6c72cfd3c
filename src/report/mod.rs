//! Renders: one set of values, a renderer per format, values in and bytes out. Nothing here reads or writes.

mod assemble;
mod audience;
mod consumer_view;
mod coverage_view;
mod csv;
mod diff;
mod explain;
mod findings;
mod format;
mod graph_formats;
mod html;
mod json;
mod markdown;
mod mute;
mod packed;
mod permissions;
mod pseudonyms;
mod redact;
mod rows;
mod sarif;
mod seen;
mod split;
mod summary;
mod svg;
mod text;
mod view;

pub use assemble::assemble;
pub use audience::for_executives;
pub use diff::{Change, Changed, DIFF_SCHEMA, Diff, PastReport, Point, burn_down, diff, point_of};
pub use explain::explain;
pub use format::ReportFormat;
pub use graph_formats::GraphFormat;
pub use mute::{MuteRule, mute};
pub use redact::redact;
pub use rows::{RowFormat, rows};
pub use split::{accounts_of, of_account};
pub use summary::summary;
pub use text::clean;
pub use view::{Consumer, CutOver, Key, Part, Report, RolePolicy, SCHEMA, Steps};

/// The JSON Schema of JSON reports.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
