//! An SES SMTP user: move to the API, or rotate with a derived password.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;

/// Move to the SES API, or rotate the SMTP password.
pub(super) const RULE: Rule = Rule {
    id: "ses-smtp-rotate",
    title: "Move to the SES API, or rotate the SMTP password",
    kind: WorkloadKind::SesSmtp,
    fits: always,
    advise: |case| {
        let mut advice = Advice::new(
            Outcome::Rotate,
            &[
                "ask who sends mail with it, and look at the SES sending statistics: no log shows SMTP sends",
                "rotate the key, and derive the SMTP password anew from the new secret, for each region",
                "better, let the mailer call the SES API with a role",
            ],
        );
        advice.unblock = Some("a mailer that calls the SES API instead of SMTP");
        if case.consumer.seen {
            advice
        } else {
            advice.caveat(
                "presumed from the user's name or policies and IAM's last-used service; no record shows it",
            )
        }
    },
};
