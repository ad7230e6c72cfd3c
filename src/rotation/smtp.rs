//! The SMTP password of Amazon SES, which derives from a secret access key, per region
//! (<https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html>, "convert existing").

use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The password for a region.
pub fn smtp_password(secret: &Secret, region: &str) -> Secret {
    let mut key = Zeroizing::new(format!("AWS4{}", secret.expose()).into_bytes());
    for part in ["11111111", region, "ses", "aws4_request", "SendRawEmail"] {
        // A key of any length will do.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { continue };
        mac.update(part.as_bytes());
        let mut next = mac.finalize().into_bytes();
        key.zeroize();
        key.extend_from_slice(&next);
        next.as_mut_slice().zeroize();
    }
    let mut bytes = Zeroizing::new(vec![4]);
    bytes.extend_from_slice(&key);
    Secret::new(STANDARD.encode(&*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by an independent program from the documented algorithm.
    #[test]
    fn passwords_are_those_of_the_documented_algorithm() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
        for (region, want) in [
            ("us-east-1", "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"),
            ("eu-west-1", "BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk"),
        ] {
            assert_eq!(smtp_password(&secret, region).expose(), want);
        }
    }
}
