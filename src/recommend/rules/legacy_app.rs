//! A program that takes nothing but static keys: rotate, and say what would unblock it.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;

/// Rotate until the program takes temporary credentials.
pub(super) const RULE: Rule = Rule {
    id: "static-keys-only-rotate",
    title: "Rotate until the program takes temporary credentials",
    kind: WorkloadKind::LegacyApp,
    fits: always,
    advise: |case| {
        let programs: Vec<&str> = case.consumer.programs.keys().map(String::as_str).collect();
        let mut advice = Advice::new(
            Outcome::Rotate,
            &[
                "rotate the key on schedule and store it where only this program reads it",
                "limit the user's policy to what was observed",
            ],
        );
        advice.steps.push(format!("plan the update of {}", programs.join(", ")));
        advice.unblock =
            Some("a version or SDK that supports session tokens, or a proxy that signs on its behalf");
        advice
    },
};
