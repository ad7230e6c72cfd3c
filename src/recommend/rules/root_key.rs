//! A key of the root user: whatever uses it, root's permissions are never handed to a role.

use super::super::advice::{Advice, Outcome};

/// What to do instead of replacing it.
pub(crate) fn root_key() -> Advice {
    let mut advice = Advice::new(
        Outcome::Identify,
        &[
            "find out what uses it: the consumers listed here",
            "give each of them an identity with only the permissions that its calls need",
            "delete the root key as soon as nothing depends on it, and keep root for the few tasks that only root can do",
        ],
    );
    advice.rule = "root-key";
    advice.title = "Remove the root key";
    advice
}
