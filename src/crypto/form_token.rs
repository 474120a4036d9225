//! Tokens in forms, which show that a form was made for the browser that sends it. Each is made of a secret of the browser,
//! that of its session for one, so that no server has to remember any.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::crypto::compare;
use crate::domain::{Error, Random, Result};

const LENGTH: usize = 32;

/// What the code is made for, so that the secret is good for nothing else by it.
const PURPOSE: &[u8] = b"zato_sso form";

/// A new token for a form of the browser with this secret: the code, under random bytes that stand before it. No two forms
/// have the same, so that what compresses a page tells nothing of it.
///
/// # Errors
/// As [`Random::fill`].
pub fn new_form_token(secret: &str, random: &dyn Random) -> Result<String> {
    let mask: [u8; LENGTH] = random.bytes()?;
    let code = code(secret)?;
    let masked = mask.iter().zip(code).map(|(mask, byte)| mask ^ byte);
    let bytes: Vec<u8> = mask.iter().copied().chain(masked).collect();
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// Whether a token was made for the browser with this secret.
#[must_use]
pub fn is_form_token(secret: &str, token: &str) -> bool {
    let Ok(bytes) = BASE64URL_NOPAD.decode(token.as_bytes()) else { return false };
    let Some((mask, masked)) = bytes.split_at_checked(LENGTH) else { return false };
    let given: Vec<u8> = mask.iter().zip(masked).map(|(mask, byte)| mask ^ byte).collect();
    masked.len() == LENGTH && code(secret).is_ok_and(|code| compare::equal(&code, &given))
}

fn code(secret: &str) -> Result<[u8; LENGTH]> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = mac.map_err(|_| Error::internal("no key of this length"))?;
    mac.update(PURPOSE);
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;

    #[test]
    fn a_token_is_good_for_its_browser_alone_and_never_the_same() {
        let (one, other) =
            (new_form_token("s", &SystemRandom).unwrap(), new_form_token("s", &SystemRandom).unwrap());
        assert_ne!(one, other);
        assert!(is_form_token("s", &one) && is_form_token("s", &other));
        assert!(!is_form_token("t", &one) && !is_form_token("", &one));
        for wrong in ["", "AA", "!", &one[1..], &format!("{one}AA"), &"A".repeat(86)] {
            assert!(!is_form_token("s", wrong), "{wrong}");
        }
    }
}
