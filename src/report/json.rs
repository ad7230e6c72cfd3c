//! The report as JSON, as `offkey schema` describes it.

use super::text::json;
use super::view::Report;

pub(super) fn render(report: &Report) -> Result<Vec<u8>, String> {
    let mut text = json(serde_json::to_string_pretty(report).map_err(|e| e.to_string())?);
    text.push('\n');
    Ok(text.into_bytes())
}
