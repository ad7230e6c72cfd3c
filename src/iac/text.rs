//! Spells values in the languages of infrastructure tools. Names come from logs, and attackers choose those.

use serde_json::Value;
use std::fmt::Write;

/// One line of a comment: no character in it can end it or change how the rest is shown.
pub(super) fn comment(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let plain = !c.is_control()
            && !matches!(c, '\u{85}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if plain { out.push(c) } else { out.extend(c.escape_unicode()) }
    }
    out
}

/// A string of Terraform's language: `${` and `%{` begin templates there
/// (<https://developer.hashicorp.com/terraform/language/expressions/strings>).
pub(super) fn hcl_string(text: &str) -> String {
    let mut out = String::from("\"");
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([c, c]),
            c if c.is_control() || u32::from(c) > 0x7e => {
                let code = u32::from(c);
                let _ =
                    if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value of Terraform's language, for `jsonencode`.
pub(super) fn hcl(value: &Value, indent: usize) -> String {
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    match value {
        Value::String(text) => hcl_string(text),
        Value::Array(items) if items.is_empty() => "[]".into(),
        Value::Array(items) => {
            let lines: Vec<String> =
                items.iter().map(|item| format!("{inner}{},\n", hcl(item, indent + 2))).collect();
            format!("[\n{}{outer}]", lines.concat())
        }
        Value::Object(map) => {
            let line = |(key, member): (&String, &Value)| {
                format!("{inner}{} = {}\n", hcl_string(key), hcl(member, indent + 2))
            };
            format!("{{\n{}{outer}}}", map.iter().map(line).collect::<String>())
        }
        other => other.to_string(),
    }
}

/// A YAML string in double quotes, in which every escape of it is one of YAML
/// (<https://yaml.org/spec/1.2.2/#57-escaped-characters>).
pub(super) fn yaml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c => {
                let code = u32::from(c);
                let _ =
                    if code > 0xffff { write!(out, "\\U{code:08X}") } else { write!(out, "\\u{code:04X}") };
            }
        }
    }
    out.push('"');
    out
}

/// A YAML value in block form, to stand behind a key or a dash.
pub(super) fn yaml(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match value {
        Value::String(text) => format!(" {}\n", yaml_string(text)),
        Value::Array(items) if items.is_empty() => " []\n".into(),
        Value::Object(map) if map.is_empty() => " {}\n".into(),
        Value::Array(items) => {
            let line = |item: &Value| format!("{pad}-{}", yaml(item, indent + 2));
            format!("\n{}", items.iter().map(line).collect::<String>())
        }
        Value::Object(map) => {
            let line = |(key, member): (&String, &Value)| {
                format!("{pad}{}:{}", yaml_string(key), yaml(member, indent + 2))
            };
            format!("\n{}", map.iter().map(line).collect::<String>())
        }
        other => format!(" {other}\n"),
    }
}

/// A word of a POSIX shell.
pub(super) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A name that every tool takes: letters, digits and hyphens.
pub(super) fn plain_name(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.truncate(longest);
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_from_a_log_leaves_its_place() {
        let evil = "a\n\"b\" ${env} %{if} 'c' \\ \u{2028}\u{1f600}";
        assert_eq!(hcl_string(evil), "\"a\\n\\\"b\\\" $${env} %%{if} 'c' \\\\ \\u2028\\U0001f600\"");
        assert!(!comment(evil).contains(['\n', '\u{2028}']));
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(plain_name("Über/CI bot--prod", 12), "ber-ci-bot-p");
        assert_eq!(
            yaml(&json!({"a": ["x: y", {"b": 1}]}), 2),
            "\n  \"a\":\n    - \"x: y\"\n    -\n      \"b\": 1\n"
        );
        assert_eq!(hcl(&json!({"a": ["x"]}), 0), "{\n  \"a\" = [\n    \"x\",\n  ]\n}");
    }
}
