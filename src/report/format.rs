//! The formats of a report, by the extension of a file.

use super::view::Report;
use super::{csv, html, json, markdown, sarif};

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
