//! The report as JSON, as `offkey schema` describes it.

use super::view::Report;

pub(super) fn render(report: &Report) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(report).map_err(|e| e.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}
