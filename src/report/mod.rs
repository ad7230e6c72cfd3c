//! Renders: one set of values, a renderer per format, values in and bytes out. Nothing here reads or writes.

mod assemble;
mod audience;
mod consumer_view;
mod coverage_view;
mod csv;
mod diff;
mod explain;
mod findings;
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
mod summary;
mod svg;
mod text;
mod view;

pub use assemble::assemble;
pub use audience::for_executives;
pub use diff::{Change, Changed, DIFF_SCHEMA, Diff, PastReport, Point, burn_down, diff, point_of};
pub use explain::explain;
pub use graph_formats::GraphFormat;
pub use mute::{MuteRule, mute};
pub use redact::redact;
pub use rows::{RowFormat, rows};
pub use summary::summary;
pub use text::clean;
pub use view::{Consumer, CutOver, Key, Report, RolePolicy, SCHEMA, Steps};

/// Formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// Markdown for a wiki or a pull request.
    Markdown,
    /// Everything, versioned.
    Json,
    /// One line a key.
    Csv,
    /// For code scanning.
    Sarif,
}

impl ReportFormat {
    /// The format of a file by its extension.
    pub fn from_path(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "html" | "htm" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "sarif" => Some(Self::Sarif),
            _ => None,
        }
    }

    /// Whether people read it, and not programs.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Html | Self::Markdown)
    }

    /// Renders a report.
    ///
    /// # Errors
    /// A sentence where rendering fails, which no report is known to cause.
    pub fn render(self, report: &Report) -> Result<Vec<u8>, String> {
        match self {
            Self::Html => html::render(report),
            Self::Markdown => Ok(markdown::render(report)),
            Self::Json => json::render(report),
            Self::Csv => csv::render(report),
            Self::Sarif => sarif::render(report),
        }
    }
}

/// The JSON Schema of JSON reports.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
