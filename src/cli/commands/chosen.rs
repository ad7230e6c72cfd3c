//! The key that the user means.

use super::super::error::Failure;
use crate::analysis::{Analysis, KeyAnalysis};

/// The key of that id or slot, or the only one whose id begins so or whose user has that name.
pub(super) fn key<'a>(analysis: &'a Analysis, wanted: &str) -> Result<&'a KeyAnalysis, Failure> {
    let references: Vec<(String, &KeyAnalysis)> =
        analysis.keys.iter().map(|key| (key.subject.reference(), key)).collect();
    if let Some((_, key)) = references.iter().find(|(reference, _)| reference == wanted) {
        return Ok(key);
    }
    let lower = wanted.to_lowercase();
    let is_meant = |(reference, key): &&(String, &KeyAnalysis)| {
        let user = key.subject.user.as_ref().is_some_and(|user| user.to_lowercase() == lower);
        user || reference.to_lowercase().starts_with(&lower)
    };
    match references.iter().filter(is_meant).collect::<Vec<_>>().as_slice() {
        [(_, key)] => Ok(key),
        [] => {
            let message = format!("no key {wanted:?} among the {} keys of the inputs", references.len());
            Err(Failure::new(message).hint("'offkey report INPUT… -o keys.csv' lists them all"))
        }
        several => {
            let names: Vec<&str> = several.iter().take(5).map(|(reference, _)| reference.as_str()).collect();
            let more = if several.len() > names.len() { ", …" } else { "" };
            let message = format!("{} keys match {wanted:?}: {}{more}", several.len(), names.join(", "));
            Err(Failure::new(message).hint("give more of the key id"))
        }
    }
}
