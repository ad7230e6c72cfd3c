//! Reads text out of raw JSON, whatever stands where text should be.

use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// The text of a field, given as raw JSON: a string as it is; absent and null as empty; anything else (an agent written as a
/// list, a number) as compact JSON with sorted keys, so that it still groups and shows.
pub fn text(raw: Option<&str>) -> Cow<'_, str> {
    let Some(raw) = raw else {
        return Cow::Borrowed("");
    };
    match raw.as_bytes().first() {
        None | Some(b'n') => Cow::Borrowed(""),
        Some(b'"') => lossy_string(raw),
        Some(_) => serde_json::from_str::<Value>(raw).map_or(Cow::Borrowed(raw), |value| {
            let mut out = String::new();
            spell(&value, &mut out);
            Cow::Owned(out)
        }),
    }
}

/// [`text`] of a record of which it is known whether it is plain, that is, has no escapes anywhere.
#[inline(always)]
pub(super) fn text_in(raw: Option<&str>, plain: bool) -> Cow<'_, str> {
    let Some(raw) = raw else { return Cow::Borrowed("") };
    // A raw string has both of its quotes.
    match raw.strip_prefix('"') {
        Some(open) if plain => Cow::Borrowed(open.get(..open.len().saturating_sub(1)).unwrap_or(open)),
        _ => text(Some(raw)),
    }
}

/// Decodes a raw JSON string. Halves of surrogate pairs, which JSON can spell and UTF-8 cannot, become
/// replacement characters; nothing is refused.
pub fn lossy_string(raw: &str) -> Cow<'_, str> {
    if let Some(plain) = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"'))
        && memchr::memchr(b'\\', plain.as_bytes()).is_none()
    {
        return Cow::Borrowed(plain);
    }
    if let Ok(text) = serde_json::from_str::<String>(raw) {
        return Cow::Owned(text);
    }
    // What is left over is a lone `\uD8xx` or the like: replace those, then decode again.
    let mut mended = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let take = if escape.starts_with("\\u") { 6 } else { 2 };
        let (escape, after) = escape.split_at_checked(take).unwrap_or((escape, ""));
        let is_half = escape
            .get(2..4)
            .is_some_and(|hex| matches!(hex.as_bytes(), [b'd' | b'D', c] if b"89abcdefABCDEF".contains(c)))
            && escape.starts_with("\\u");
        mended.push_str(if is_half { "\u{fffd}" } else { escape });
        rest = after;
    }
    mended.push_str(rest);
    Cow::Owned(serde_json::from_str(&mended).unwrap_or(mended))
}

/// Spells a value as Python's `json.dumps(sort_keys=True)` does, which is how the reference groups them.
fn spell(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                spell(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, item)) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                spell(&Value::String(key.clone()), out);
                out.push_str(": ");
                spell(item, out);
            }
            out.push('}');
        }
        Value::String(text) => {
            // Python escapes everything outside ASCII.
            for c in Value::String(text.clone()).to_string().chars() {
                if c.is_ascii() {
                    out.push(c);
                } else {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
            }
        }
        plain => {
            let _ = write!(out, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_where_text_should_be() {
        let cases = [
            (r#""plain""#, "plain"),
            (r#""a\u0041\n""#, "aA\n"),
            (r#""half \ud83d pair""#, "half \u{fffd} pair"),
            (r#""\ud83d\ude00 and \udc00""#, "\u{fffd}\u{fffd} and \u{fffd}"),
            ("null", ""),
            ("true", "true"),
            ("12", "12"),
            (r#"["b", {"z":1,"a":"é"}]"#, r#"["b", {"a": "\u00e9", "z": 1}]"#),
        ];
        for (raw, want) in cases {
            assert_eq!(text(Some(raw)), want, "{raw}");
        }
        assert_eq!(text(None), "");
    }
}
