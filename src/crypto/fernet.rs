//! Fernet tokens (<https://github.com/fernet/spec>, version 0x80), in which Zato keeps what it encrypts: read, never made.
//!
//! A token is base64url of: the version (1 byte), the time (8), the IV (16), the ciphertext of AES-128 in CBC mode with
//! PKCS #7 padding, and HMAC-SHA256 of all that (32). How old one is does not matter: these are not for a moment's use.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use cbc::Decryptor;
use data_encoding::BASE64URL;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

const VERSION: u8 = 0x80;
const HEADER_LENGTH: usize = 1 + 8;
const IV_LENGTH: usize = 16;
const BLOCK_LENGTH: usize = 16;
const MAC_LENGTH: usize = 32;
const HALF_KEY_LENGTH: usize = 16;

/// One key: half of it signs and half of it encrypts. It does not print, and is wiped when dropped.
#[derive(Clone)]
pub struct FernetKey {
    signing: Zeroizing<[u8; HALF_KEY_LENGTH]>,
    encryption: Zeroizing<[u8; HALF_KEY_LENGTH]>,
}

/// Why a token does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FernetError {
    /// It is no token: not base64url, or not of the version or a length that tokens have.
    #[error("is not a Fernet token")]
    Malformed,
    /// Its signature is not by any of the keys: it belongs to another one, or was changed.
    #[error("does not decrypt with any of the keys")]
    NotOurs,
}

impl FernetKey {
    /// From base64url of its 32 bytes; None if it is not that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64URL.decode(text.trim().as_bytes()).ok()?);
        let (signing, encryption) = bytes.split_first_chunk::<HALF_KEY_LENGTH>()?;
        let encryption = <[u8; HALF_KEY_LENGTH]>::try_from(encryption).ok()?;
        Some(Self { signing: Zeroizing::new(*signing), encryption: Zeroizing::new(encryption) })
    }

    fn open(&self, token: &Token) -> Option<Zeroizing<Vec<u8>>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.signing.as_ref()).ok()?;
        mac.update(token.signed());
        // In constant time, and before anything is decrypted: the padding of a forged token tells nothing.
        mac.verify_slice(token.signature()).ok()?;
        let cipher =
            Decryptor::<Aes128>::new_from_slices(self.encryption.as_ref(), token.initialisation()).ok()?;
        let mut buffer = Zeroizing::new(token.ciphertext().to_vec());
        let length = cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }
}

/// Opens a token with whichever of the keys it was made with.
///
/// # Errors
/// [`FernetError`].
pub fn open(keys: &[FernetKey], token: &str) -> Result<Zeroizing<Vec<u8>>, FernetError> {
    let token = Token::parse(token).ok_or(FernetError::Malformed)?;
    keys.iter().find_map(|key| key.open(&token)).ok_or(FernetError::NotOurs)
}

/// Whether a text has the form of a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    Token::parse(text).is_some()
}

/// The bytes of a token, whose length is one that tokens have.
struct Token(Vec<u8>);

impl Token {
    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL.decode(text.as_bytes()).ok()?;
        let ciphertext = bytes.len().checked_sub(HEADER_LENGTH + IV_LENGTH + MAC_LENGTH)?;
        let fits = ciphertext > 0 && ciphertext.is_multiple_of(BLOCK_LENGTH);
        (fits && bytes.first() == Some(&VERSION)).then_some(Self(bytes))
    }

    fn signed(&self) -> &[u8] {
        self.0.split_at(self.0.len().saturating_sub(MAC_LENGTH)).0
    }

    fn signature(&self) -> &[u8] {
        self.0.split_at(self.0.len().saturating_sub(MAC_LENGTH)).1
    }

    fn initialisation(&self) -> &[u8] {
        self.signed().get(HEADER_LENGTH..HEADER_LENGTH + IV_LENGTH).unwrap_or_default()
    }

    fn ciphertext(&self) -> &[u8] {
        self.signed().get(HEADER_LENGTH + IV_LENGTH..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const TOKEN: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

    fn key(text: &str) -> FernetKey {
        FernetKey::parse(text).unwrap()
    }

    fn opened(token: &str) -> Result<Vec<u8>, FernetError> {
        open(&[key(SECRET)], token).map(|value| value.to_vec())
    }

    /// `verify.json` of the specification.
    #[test]
    fn the_published_token_opens() {
        assert_eq!(opened(TOKEN).unwrap(), b"hello");
        assert!(is_token(TOKEN));
    }

    /// `invalid.json` of the specification, but for those that are only too old or too new.
    #[test]
    fn the_published_bad_tokens_do_not_open() {
        use FernetError::{Malformed, NotOurs};
        for (what, token, expected) in [
            (
                "incorrect mac",
                "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
                NotOurs,
            ),
            ("too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", Malformed),
            (
                "invalid base64",
                "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
                Malformed,
            ),
            (
                "payload size not multiple of block size",
                "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm",
                Malformed,
            ),
            (
                "payload padding error",
                "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
                NotOurs,
            ),
            (
                "incorrect IV",
                "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==",
                NotOurs,
            ),
            ("trailing characters", &format!("{TOKEN}trailingdata"), Malformed),
            (
                "invalid characters",
                "*gAAAAAAdwJ6wAAECAwQFBgcI!CQoLDA0ODy021?cpGVWKZ_eEwC@GM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==",
                Malformed,
            ),
            (
                "invalid non-urlsafe characters",
                "gAAAAAAdwJ6wAAEC/AwQFBgcICQoLDA0ODy+021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==",
                Malformed,
            ),
        ] {
            assert_eq!(opened(token), Err(expected), "{what}");
        }
    }

    #[test]
    fn a_token_of_another_version_is_none() {
        let mut bytes = BASE64URL.decode(TOKEN.as_bytes()).unwrap();
        bytes[0] = 0x81;
        assert_eq!(opened(&BASE64URL.encode(&bytes)), Err(FernetError::Malformed));
    }

    #[test]
    fn a_token_with_any_bit_changed_does_not_open() {
        let bytes = BASE64URL.decode(TOKEN.as_bytes()).unwrap();
        for position in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[position / 8] ^= 1 << (position % 8);
            assert!(opened(&BASE64URL.encode(&changed)).is_err(), "{position}");
        }
    }

    #[test]
    fn any_of_several_keys_will_do() {
        let other = key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        assert_eq!(open(&[other.clone(), key(SECRET)], TOKEN).unwrap().as_slice(), b"hello");
        assert_eq!(open(&[other], TOKEN).unwrap_err(), FernetError::NotOurs);
        assert_eq!(open(&[], TOKEN).unwrap_err(), FernetError::NotOurs);
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "key", "AAECAwQFBgcICQoLDA0ODw==", &format!("{SECRET}AAAA"), "ä"] {
            assert!(FernetKey::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(opened(&text).is_err());
            prop_assert!(opened(&BASE64URL.encode(&bytes)).is_err());
        }
    }
}
