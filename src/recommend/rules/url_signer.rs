//! A program that signs S3 URLs: role sessions shorten its links.

use super::super::advice::{Advice, Outcome, Rule, always};
use crate::model::WorkloadKind;

/// Rotate while links must outlive a session.
pub(super) const RULE: Rule = Rule {
    id: "presigned-urls-rotate",
    title: "Rotate while links must outlive a session",
    kind: WorkloadKind::UrlSigner,
    fits: always,
    advise: |_| {
        let mut advice = Advice::new(
            Outcome::Rotate,
            &[
                "find the signer: the records show only who followed its links, not who made them",
                "ask how long its links must work: signed by a role they end with its session, by a user's key after up to 7 days",
                "where hours are enough, give the signer a role; else rotate on schedule, knowing that rotation ends all open links",
            ],
        );
        advice.unblock =
            Some("links that need not outlive a role session, or CloudFront signed URLs in their place");
        advice
    },
};
