//! Makes text from logs safe to show. Attackers choose user agents, names and tags.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters that change how a terminal or a page shows the text around them: controls, and the marks that
/// reorder, hide or join what is written.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}' | '\u{e0000}'..='\u{e0fff}')
        // These have no width, or that of a space, and make names that look like others.
        || matches!(c, '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}')
}

/// The text on one line, with everything unsafe made visible as `\u{…}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Cleaned and cut to at most `width` characters, with `…` where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= width {
        return text.into_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// JSON with everything unsafe as `\\u` escapes. Outside of strings JSON has none of these characters, so that
/// the value stays the same.
pub(super) fn json(text: String) -> String {
    // Line breaks are the only control characters between values.
    let is_unsafe = |c: char| is_unsafe(c) && c != '\n';
    if !text.contains(is_unsafe) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// For HTML text and attributes.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// For Markdown prose and table cells: nothing in it starts markup, a link or a mention.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // A zero-width joiner would do for mentions, but it is what `clean` takes out.
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    // Bare addresses become links on some sites.
    out.replace("://", "&#58;//").replace("www.", "www&#46;").replace("WWW.", "WWW&#46;")
}

/// A Markdown code span.
pub(super) fn code(text: &str) -> String {
    let text = clean(text).replace('|', "\\|");
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A CSV cell that no spreadsheet takes for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>) and that does nothing to a terminal.
pub(super) fn cell(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    let starts = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if starts { Cow::Owned(format!("'{text}")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        for text in
            ["\x1b[31mred", "a\u{202e}b", "line\nline", "\u{200b}", "bell\x07", "\u{feff}x", "\u{9b}31m"]
        {
            assert!(!clean(text).contains(is_unsafe), "{text:?}");
        }
        assert_eq!(html("<img src=x onerror='1'>"), "&lt;img src=x onerror=&#39;1&#39;&gt;");
        assert_eq!(markdown("[x](http://y) <b> @you |"), "\\[x\\](http&#58;//y) &lt;b&gt; &#64;you \\|");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        for formula in ["=HYPERLINK(1)", "+1", "-1", "@x"] {
            assert!(cell(formula).starts_with('\''), "{formula:?}");
        }
        assert_eq!(cell("\t=1\x1b[2J"), "\\u{9}=1\\u{1b}[2J");
        let value = serde_json::json!({"a": "\u{202e}\u{9b}31m\u{e0001}é\n"});
        let text = json(serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(|c| is_unsafe(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
