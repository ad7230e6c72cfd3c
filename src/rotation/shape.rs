//! Secrets that are JSON texts: the key's fields change, and every other byte stays as its readers know it.

use super::smtp::smtp_password;
use crate::model::Secret;
use crate::ports::{Held, Pair, Sink, SinkError, TextPlace};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Names of fields where there is nothing yet.
const ID: &str = "access_key_id";
const SECRET: &str = "secret_access_key";
const SMTP: &str = "ses_smtp_password_";

/// A text of a secret store as a place for a key.
pub struct JsonSink {
    place: Box<dyn TextPlace>,
    /// Regions for which an SMTP password is stored.
    smtp: Vec<String>,
}

/// What a text has of a key.
struct Found {
    /// Secret access keys beside its id, each once.
    secrets: Vec<String>,
}

impl JsonSink {
    /// Over a place.
    pub fn new(place: Box<dyn TextPlace>, smtp: &[String]) -> Self {
        Self { place, smtp: smtp.to_vec() }
    }

    fn wrong(&self, text: &str) -> SinkError {
        SinkError { passing: false, text: format!("{}: {text}", self.place.name()) }
    }

    fn parsed(&self, text: &Secret) -> Result<Value, SinkError> {
        match serde_json::from_str(text.expose()) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ => Err(self
                .wrong("what it holds is no JSON object, so that offkey cannot tell where the key belongs")),
        }
    }
}

impl Sink for JsonSink {
    fn prove(&self, old: &str) -> Result<(), SinkError> {
        if let Some(current) = self.place.current()? {
            let value = self.parsed(&current)?;
            let is_blank = value.as_object().is_some_and(Map::is_empty);
            match find(&value, old) {
                None if is_blank => {}
                None => return Err(self.wrong(&format!("it does not hold {old}: name the secret that does"))),
                Some(found) if found.secrets.len() > 1 => {
                    return Err(self.wrong(&format!("it holds several secrets beside {old}")));
                }
                Some(_) => {}
            }
        }
        self.place.probe()
    }

    fn store(&self, pair: &Pair<'_>) -> Result<(), SinkError> {
        let text = match self.place.current()? {
            None => fresh(pair, &self.smtp),
            Some(current) => {
                let value = self.parsed(&current)?;
                renewed(current.expose(), &value, pair, &self.smtp).map_err(|wrong| self.wrong(&wrong))?
            }
        };
        // Of the new key only: the same pair twice is the same version.
        let token: String =
            Sha256::digest(format!("offkey {}", pair.id)).iter().map(|byte| format!("{byte:02x}")).collect();
        self.place.write(&text, &token)
    }

    fn fetch(&self, id: &str) -> Result<Held, SinkError> {
        let Some(ours) = self.place.ours()? else { return Ok(Held::Nothing) };
        let Ok(value) = serde_json::from_str(ours.expose()) else { return Ok(Held::Nothing) };
        let found = find(&value, id).and_then(|found| found.secrets.into_iter().next());
        Ok(found.map_or(Held::Nothing, |secret| Held::Secret(Secret::new(secret))))
    }

    fn publish(&self, _: &str) -> Result<(), SinkError> {
        self.place.publish()
    }
}

/// A secret access key has forty characters of base64's alphabet.
fn is_secret(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/' || b == b'+')
}

/// The key with what stands beside its id, anywhere in the value.
fn find(value: &Value, id: &str) -> Option<Found> {
    let mut out: Option<Found> = None;
    match value {
        Value::Object(map) => {
            if map.values().any(|inner| inner.as_str() == Some(id)) {
                let found = out.get_or_insert(Found { secrets: Vec::new() });
                let candidates: Vec<(&String, &str)> = map
                    .iter()
                    .filter_map(|(name, inner)| Some((name, inner.as_str().filter(|s| is_secret(s))?)))
                    .collect();
                let named =
                    candidates.iter().filter(|(name, _)| name.to_ascii_lowercase().contains("secret"));
                let chosen: Vec<&str> = match candidates.as_slice() {
                    [(_, only)] => vec![only],
                    _ => named.map(|(_, secret)| *secret).collect(),
                };
                found.secrets.extend(chosen.into_iter().map(str::to_owned));
            }
            for inner in map.values() {
                merge(&mut out, find(inner, id));
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| merge(&mut out, find(inner, id))),
        _ => {}
    }
    out
}

fn merge(into: &mut Option<Found>, from: Option<Found>) {
    if let Some(from) = from {
        let into = into.get_or_insert(Found { secrets: Vec::new() });
        for secret in from.secrets {
            if !into.secrets.contains(&secret) {
                into.secrets.push(secret);
            }
        }
    }
}

/// A text where there was none.
fn fresh(pair: &Pair<'_>, smtp: &[String]) -> Secret {
    let mut value = json!({ID: pair.id, SECRET: pair.secret.expose()});
    if let Value::Object(map) = &mut value {
        for region in smtp {
            map.insert(
                format!("{SMTP}{region}"),
                Value::String(smtp_password(pair.secret, region).expose().to_owned()),
            );
        }
    }
    Secret::new(serde_json::to_string(&value).unwrap_or_default())
}

/// The text with the key's strings replaced, in place where that is certain to change nothing else.
fn renewed(text: &str, value: &Value, pair: &Pair<'_>, smtp: &[String]) -> Result<Secret, String> {
    if value.as_object().is_some_and(Map::is_empty) {
        return Ok(fresh(pair, smtp));
    }
    // After a crash the text may hold the new key already.
    let from = if find(value, pair.old).is_some() { pair.old } else { pair.id };
    let Some(found) = find(value, from) else { return Err(format!("it no longer holds {}", pair.old)) };
    let mut changes: Vec<(Zeroizing<String>, Zeroizing<String>)> = Vec::new();
    let mut change =
        |from: &str, to: &str| changes.push((Zeroizing::new(from.to_owned()), Zeroizing::new(to.to_owned())));
    change(from, pair.id);
    let mut additions: Vec<(String, Zeroizing<String>)> = Vec::new();
    match found.secrets.as_slice() {
        [old] => {
            change(old, pair.secret.expose());
            for region in smtp {
                let (before, after) =
                    (smtp_password(&Secret::new(old.clone()), region), smtp_password(pair.secret, region));
                if holds(value, before.expose()) {
                    change(before.expose(), after.expose());
                } else {
                    additions.push((format!("{SMTP}{region}"), Zeroizing::new(after.expose().to_owned())));
                }
            }
        }
        [] => {
            additions.push((SECRET.to_owned(), Zeroizing::new(pair.secret.expose().to_owned())));
            for region in smtp {
                additions.push((
                    format!("{SMTP}{region}"),
                    Zeroizing::new(smtp_password(pair.secret, region).expose().to_owned()),
                ));
            }
        }
        _ => return Err(format!("it holds several secrets beside {from}")),
    }
    let mut want = value.clone();
    changes.iter().for_each(|(from, to)| replace(&mut want, from, to));
    // An addition that stands there is from an earlier attempt, or is what its readers expect to be renewed.
    let (renew, add): (Vec<_>, Vec<_>) =
        additions.into_iter().partition(|(name, _)| want.get(name).is_some());
    let plain = renew.is_empty();
    if let Value::Object(map) = &mut want {
        for (name, text) in renew.iter().chain(&add) {
            map.insert(name.clone(), Value::String((**text).clone()));
        }
    }
    let in_place = Zeroizing::new(in_place(text, &changes, &add));
    if plain && serde_json::from_str::<Value>(&in_place).is_ok_and(|is| is == want) {
        return Ok(Secret::new((*in_place).clone()));
    }
    Ok(Secret::new(serde_json::to_string(&want).unwrap_or_default()))
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(is) => is == text,
        Value::Array(list) => list.iter().any(|inner| holds(inner, text)),
        Value::Object(map) => map.values().any(|inner| holds(inner, text)),
        _ => false,
    }
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(is) if is == from => to.clone_into(is),
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, from, to)),
        Value::Object(map) => map.values_mut().for_each(|inner| replace(inner, from, to)),
        _ => {}
    }
}

/// Replaces strings as they are spelled in the text, and adds fields before the last brace.
fn in_place(
    text: &str,
    changes: &[(Zeroizing<String>, Zeroizing<String>)],
    add: &[(String, Zeroizing<String>)],
) -> String {
    let mut out = text.to_owned();
    for (from, to) in changes {
        out = out.replace(&format!("\"{}\"", **from), &format!("\"{}\"", **to));
        // Some writers escape slashes.
        let escaped = from.replace('/', "\\/");
        out = out.replace(&format!("\"{escaped}\""), &format!("\"{}\"", to.replace('/', "\\/")));
    }
    if let Some(at) = out.rfind('}')
        && !add.is_empty()
    {
        let end = out.get(..at).map_or(0, |before| before.trim_end().len());
        let fields: Vec<String> =
            add.iter().map(|(name, text)| format!("\"{name}\":\"{}\"", **text)).collect();
        out.insert_str(end, &format!(",{}", fields.join(",")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "AKIAI44QH8DHBEXAMPLE";
    const NEW: &str = "AKIAIOSFODNN7EXAMPLE";
    const BEFORE: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY";
    const AFTER: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn renewed_text(text: &str, smtp: &[&str]) -> Result<String, String> {
        let secret = Secret::new(AFTER.to_owned());
        let pair = Pair { account: "111122223333", user: "ci", old: OLD, id: NEW, secret: &secret };
        let regions: Vec<String> = smtp.iter().map(|&region| region.to_owned()).collect();
        let value = serde_json::from_str(text).unwrap();
        renewed(text, &value, &pair, &regions).map(|text| text.expose().to_owned())
    }

    #[test]
    fn the_keys_fields_change_and_every_other_byte_stays() {
        let texts = [
            format!("{{\"access_key_id\":\"{OLD}\",\"secret_access_key\":\"{BEFORE}\"}}"),
            format!(
                "{{ \"n\" : 1.50, \"AWS_ACCESS_KEY_ID\":\"{OLD}\" ,\n\t\"big\": 12345678901234567890123, \"AWS_SECRET_ACCESS_KEY\":\"{BEFORE}\", \"u\":\"\\u00e9\"}}\n"
            ),
            format!(
                "{{\"db\":{{\"password\":\"{AFTER}x\"}},\"aws\":{{\"key\":\"{OLD}\",\"secret\":\"{BEFORE}\"}},\"list\":[\"{OLD}\"]}}"
            ),
            format!("{{\"id\":\"{OLD}\",\"word\":\"{}\"}}", BEFORE.replace('/', "\\/")),
            format!("{{\"id\":\"{OLD}\",\"other\":\"{}\",\"the_secret\":\"{BEFORE}\"}}", "a".repeat(40)),
        ];
        for text in texts {
            let escaped = text.contains("\\/");
            let want = text.replace(OLD, NEW).replace(BEFORE, AFTER);
            let want = if escaped {
                want.replace(&BEFORE.replace('/', "\\/"), &AFTER.replace('/', "\\/"))
            } else {
                want
            };
            assert_eq!(renewed_text(&text, &[]).unwrap(), want);
            // Twice is once.
            assert_eq!(renewed_text(&want, &[]).unwrap(), want);
            let value: Value = serde_json::from_str(&want).unwrap();
            assert_eq!(find(&value, NEW).unwrap().secrets, [AFTER]);
        }
    }

    #[test]
    fn smtp_passwords_follow_the_secret() {
        let of =
            |secret: &str, region| smtp_password(&Secret::new(secret.to_owned()), region).expose().to_owned();
        let text = format!(
            "{{\"user\":\"{OLD}\",\"secret\":\"{BEFORE}\",\"pass\":\"{}\"}}",
            of(BEFORE, "eu-west-1")
        );
        let new = renewed_text(&text, &["eu-west-1", "us-east-1"]).unwrap();
        let value: Value = serde_json::from_str(&new).unwrap();
        assert_eq!(value["pass"], of(AFTER, "eu-west-1"));
        assert_eq!(value["ses_smtp_password_us-east-1"], of(AFTER, "us-east-1"));
        assert_eq!(renewed_text(&new, &["eu-west-1", "us-east-1"]).unwrap(), new);
        // Only the SMTP password was stored: the secret joins it.
        let text = format!("{{\"user\":\"{OLD}\",\"pass\":\"x\"}}");
        let value: Value = serde_json::from_str(&renewed_text(&text, &[]).unwrap()).unwrap();
        assert_eq!(
            (value["user"].as_str(), value["secret_access_key"].as_str(), value["pass"].as_str()),
            (Some(NEW), Some(AFTER), Some("x"))
        );
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let text = format!(
            "{{\"a\":{{\"id\":\"{OLD}\",\"secret\":\"{BEFORE}\"}},\"b\":{{\"id\":\"{OLD}\",\"secret\":\"{AFTER}\"}}}}"
        );
        assert!(renewed_text(&text, &[]).unwrap_err().contains("several"));
        assert!(renewed_text("{\"id\":\"AKIA0\"}", &[]).unwrap_err().contains("no longer holds"));
    }
}
