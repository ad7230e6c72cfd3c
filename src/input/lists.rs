//! Files about networks that are no JSON: the owner's `networks.toml`, and plain lists of ranges.

use super::recognise::DocumentKind;
use crate::cloudtrail::file_part;
use serde_json::{Value, json};

/// What such a file is by its name; its content is looked at when it is read.
pub(super) fn kind(label: &str) -> Option<DocumentKind> {
    let name = file_part(label);
    if name == "networks.toml" || name.ends_with(".networks.toml") {
        Some(DocumentKind::OwnNetworks)
    } else if name.starts_with("cloudflare") && name.ends_with(".txt") {
        Some(DocumentKind::CloudflareRanges)
    } else {
        None
    }
}

/// The content as JSON, in the form of the kind's other files.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn parse(kind: DocumentKind, text: &str) -> Result<Value, String> {
    if kind == DocumentKind::OwnNetworks {
        return toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().lines().count().max(1);
            format!("line {line}: {}", error.message())
        });
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(json!({ "ipv4_cidrs": lines().collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_lists() {
        let own = "[[network]]\ncidr = [\"192.0.2.0/24\"]\nname = \"Berlin\"\nkind = \"office\"\n";
        let value = parse(DocumentKind::OwnNetworks, own).unwrap();
        assert_eq!(value["network"][0]["name"], "Berlin");
        let error = parse(DocumentKind::OwnNetworks, "[[network]]\ncidr = \n").unwrap_err();
        assert!(error.starts_with("line "), "{error}");
        let list = parse(DocumentKind::CloudflareRanges, "192.0.2.0/24\n\n# x\n2001:db8::/32\n").unwrap();
        assert_eq!(list["ipv4_cidrs"].as_array().unwrap().len(), 2);
        assert_eq!(kind("a/networks.toml"), Some(DocumentKind::OwnNetworks));
        assert_eq!(kind("a/cloudflare-v6-ip-ranges.txt"), Some(DocumentKind::CloudflareRanges));
        assert_eq!(kind("a/b.toml"), None);
    }
}
