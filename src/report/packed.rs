//! The page's data made small: texts and lines that repeat stand once, in a table. Thousands of roles say much the same, too far
//! apart for the compression that browsers undo.
//!
//! Packed, a value is `{"texts": […], "data": …}`. In `data`, `{"$": 7}` is a text of the table, `{"$": [7, "rest"]}` a text by its
//! lines, and `{"$": null, "fields": [[…, …]]}` an object that has a field `$` of its own. `unpack` in `html/dom.js` undoes it.

use serde_json::{Value, json};
use std::collections::HashMap;

/// Shorter texts are not worth an entry.
const SHORT: usize = 6;

/// Packs a value. The same value gives the same bytes.
pub(super) fn packed(value: &Value) -> Value {
    let mut counts = HashMap::new();
    count(value, &mut counts);
    let mut texts: Vec<(&str, u32)> =
        counts.into_iter().filter(|(text, n)| *n > 1 && text.len() > SHORT).collect();
    texts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let places: HashMap<&str, usize> = texts.iter().enumerate().map(|(n, (text, _))| (*text, n)).collect();
    let texts: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    json!({"texts": texts, "data": small(value, &places)})
}

fn count<'v>(value: &'v Value, counts: &mut HashMap<&'v str, u32>) {
    match value {
        Value::String(text) => text.split('\n').for_each(|line| *counts.entry(line).or_default() += 1),
        Value::Array(items) => items.iter().for_each(|item| count(item, counts)),
        Value::Object(fields) => fields.values().for_each(|value| count(value, counts)),
        _ => {}
    }
}

fn small(value: &Value, places: &HashMap<&str, usize>) -> Value {
    let line = |text: &str| places.get(text).map_or_else(|| json!(text), |place| json!(place));
    match value {
        Value::String(text) if text.contains('\n') => {
            json!({"$": text.split('\n').map(line).collect::<Vec<_>>()})
        }
        Value::String(text) => {
            places.get(text.as_str()).map_or_else(|| value.clone(), |place| json!({"$": place}))
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| small(item, places)).collect()),
        Value::Object(fields) if fields.contains_key("$") => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| json!([name, small(value, places)])).collect();
            json!({"$": null, "fields": fields})
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), small(value, places))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the page does.
    fn unpacked(value: &Value, texts: &[String]) -> Value {
        let line = |value: &Value| {
            value.as_u64().map_or_else(|| value.as_str().unwrap().to_owned(), |n| texts[n as usize].clone())
        };
        match value {
            Value::Object(fields) if fields.contains_key("$") => match &fields["$"] {
                Value::Null => fields["fields"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|pair| (pair[0].as_str().unwrap().to_owned(), unpacked(&pair[1], texts)))
                    .collect(),
                Value::Array(lines) => lines.iter().map(line).collect::<Vec<_>>().join("\n").into(),
                place => line(place).into(),
            },
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), unpacked(value, texts))).collect()
            }
            Value::Array(items) => items.iter().map(|item| unpacked(item, texts)).collect(),
            other => other.clone(),
        }
    }

    #[test]
    fn nothing_is_lost() {
        let value = json!({"a": ["a long text", "a long text", "short", "short", 7, null, true, ""], "b": "one line here\na long text\n\n",
            "c": {"$": "a long text", "d": {"$": [1]}}, "__proto__": {"e": "a long text"}, "f": "one line here"});
        let small = packed(&value);
        let texts: Vec<String> = serde_json::from_value(small["texts"].clone()).unwrap();
        assert_eq!(texts, ["a long text", "one line here"]);
        assert_eq!(unpacked(&small["data"], &texts), value);
        assert!(!small["data"].to_string().contains("a long text"));
    }
}
