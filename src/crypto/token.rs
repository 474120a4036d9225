//! Bearer secrets: session tokens, one-time tokens, generated passwords; and the digests that are stored of them.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::{Password, Random, Result, Ust};

const UST_PREFIX: &str = "zust";

/// How much randomness a token holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBits {
    /// 192 bits, 32 characters: confirmation tokens, generated passwords.
    Bits192,
    /// 256 bits, 43 characters: what opens or continues a session, or changes a password.
    Bits256,
}

/// A new user session token: `zust` and 256 random bits in URL-safe base64 (RFC 4648, section 5). There is never
/// a dot in it, so that nobody takes it for a JWT.
///
/// # Errors
/// As [`Random::fill`].
pub fn new_ust(random: &dyn Random) -> Result<Ust> {
    Ok(Ust::from(encode::<32>(UST_PREFIX, random)?))
}

/// A new token that can stand in a URL as it is.
///
/// # Errors
/// As [`Random::fill`].
pub fn new_token(random: &dyn Random, bits: TokenBits) -> Result<Password> {
    let token = match bits {
        TokenBits::Bits192 => encode::<24>("", random),
        TokenBits::Bits256 => encode::<32>("", random),
    };
    token.map(Password::from)
}

/// A password for the command line to give out: 32 characters, 192 bits.
///
/// # Errors
/// As [`Random::fill`].
pub fn new_password(random: &dyn Random) -> Result<Password> {
    new_token(random, TokenBits::Bits192)
}

/// What is stored of a token: SHA-256 over the text as its bearer gave it. A fast hash is enough because there are
/// too many tokens to try, which is not so with passwords.
#[must_use]
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token that is made of these bytes.
pub(super) fn ust_of(bytes: &[u8; 32]) -> Ust {
    Ust::from(text(UST_PREFIX, bytes))
}

fn encode<const N: usize>(prefix: &str, random: &dyn Random) -> Result<String> {
    let mut bytes = Zeroizing::new([0; N]);
    random.fill(bytes.as_mut_slice())?;
    Ok(text(prefix, &bytes))
}

fn text<const N: usize>(prefix: &str, bytes: &[u8; N]) -> String {
    // Of the exact size: a string that grew or shrank would leave pieces of the secret behind.
    let mut text = String::with_capacity(prefix.len() + BASE64URL_NOPAD.encode_len(N));
    text.push_str(prefix);
    BASE64URL_NOPAD.encode_append(bytes, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;
    use data_encoding::HEXLOWER;

    fn is_url_safe(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    }

    #[test]
    fn a_ust_is_256_bits_and_no_jwt() {
        let ust = new_ust(&SystemRandom).unwrap();
        assert_eq!(ust.expose().len(), 4 + 43);
        assert!(ust.expose().starts_with("zust"));
        assert!(is_url_safe(ust.expose()));
        assert_ne!(new_ust(&SystemRandom).unwrap().expose(), ust.expose());
    }

    #[test]
    fn tokens_are_of_the_size_asked_for() {
        for (bits, length) in [(TokenBits::Bits192, 32), (TokenBits::Bits256, 43)] {
            let token = new_token(&SystemRandom, bits).unwrap();
            assert_eq!(token.expose().len(), length);
            assert!(is_url_safe(token.expose()));
        }
        assert_eq!(new_password(&SystemRandom).unwrap().expose().len(), 32);
    }

    #[test]
    fn a_failing_generator_gives_no_token() {
        #[derive(Debug)]
        struct Broken;
        impl Random for Broken {
            fn fill(&self, _bytes: &mut [u8]) -> Result<()> {
                Err(crate::domain::Error::internal("no randomness"))
            }
        }
        assert!(new_ust(&Broken).is_err());
        assert!(new_password(&Broken).is_err());
    }

    /// FIPS 180-4, the example of one block.
    #[test]
    fn digests_are_sha_256_of_the_text_as_given() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(HEXLOWER.encode(&digest("abc")), expected);
        assert_ne!(digest("abc"), digest("abc "));
    }
}
