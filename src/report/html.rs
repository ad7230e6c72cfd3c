//! The report as one self-contained page: data compressed inside, no network, nothing from a log as markup.

use super::packed::packed;
use super::text::html;
use super::view::Report;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
/// One script, in the order in which its parts build on each other.
const SCRIPT: &str = concat!(
    include_str!("html/dom.js"),
    include_str!("html/pictures.js"),
    include_str!("html/sections.js"),
    include_str!("html/table.js"),
    include_str!("html/key.js"),
    include_str!("html/start.js"),
);

pub(super) fn render(report: &Report) -> Result<Vec<u8>, String> {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    // Nothing may load, and only this style and this script may run.
    let csp = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let value = serde_json::to_value(report).map_err(|e| e.to_string())?;
    let json = packed(&value).to_string().into_bytes();
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(&json).map_err(|e| e.to_string())?;
    let data = STANDARD.encode(gzip.finish().map_err(|e| e.to_string())?);
    // Each placeholder stands once in the page; values go in from last to first, so that none is searched for
    // placeholders itself.
    let parts = [
        ("{{TITLE}}", html(&report.title)),
        ("{{CSP}}", csp),
        ("{{STYLE}}", STYLE.to_owned()),
        ("{{LOGO}}", report.logo.as_deref().map(logo).unwrap_or_default()),
        ("{{STATIC}}", static_summary(report)),
        ("{{DATA}}", data),
        ("{{SCRIPT}}", SCRIPT.to_owned()),
    ];
    let mut places = Vec::new();
    for (name, value) in &parts {
        let at = PAGE.find(name).ok_or_else(|| format!("the page has no {name}"))?;
        places.push((at, *name, value));
    }
    places.sort_by_key(|(at, ..)| *at);
    let mut out = String::new();
    let mut rest = PAGE;
    for (_, name, value) in places {
        let (before, after) = rest.split_once(name).ok_or_else(|| format!("the page has {name} twice"))?;
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out.into_bytes())
}

/// The picture in the page's head; that it is the owner's logo says nothing that the title does not.
fn logo(uri: &str) -> String {
    format!("<img class=\"logo\" alt=\"\" src=\"{}\">", html(uri))
}

/// What a reader without scripts sees.
fn static_summary(report: &Report) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<h1>{}</h1><p>As of {}. {} keys in {} accounts.</p><ul>",
        html(&report.title),
        html(&report.as_of),
        report.summary.keys,
        report.summary.accounts
    );
    for verdict in &report.summary.verdicts {
        let _ = write!(out, "<li>{}: {}</li>", html(&verdict.title), verdict.count);
    }
    out.push_str("</ul><ul>");
    for finding in &report.summary.findings {
        let _ = write!(out, "<li>{}</li>", html(&finding.text));
    }
    out.push_str("</ul><p>The full report needs JavaScript. The Markdown report has everything without.</p>");
    out
}
