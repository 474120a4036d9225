//! The keyring: many master keys, one of them active, and the sub-keys that each gives.

use std::fmt;
use std::path::PathBuf;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::{Error, Random, Result, Timestamp};

const KEY_LENGTH: usize = 32;

/// Key bytes, wiped when dropped.
pub(in crate::crypto) type KeyBytes = Zeroizing<[u8; KEY_LENGTH]>;

/// Names a master key without telling it: the first four bytes of SHA-256 over it, shown in hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(in crate::crypto) [u8; 4]);

impl KeyId {
    fn of(secret: &KeyBytes) -> Self {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(secret.as_slice()).into();
        Self([a, b, c, d])
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is wrong with a keyring, and what to do about it, in one line. Never tells a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no key in it.
    #[error("the keyring is empty; make a key with `openssl rand -base64 32`")]
    Empty,
    /// A key is not base64.
    #[error("key {number} of the keyring is not base64; make one with `openssl rand -base64 32`")]
    NotBase64 {
        /// Which key, from 1.
        number: usize,
    },
    /// A key is of another length.
    #[error(
        "key {number} of the keyring has {length} bytes instead of 32; make one with `openssl rand -base64 32`"
    )]
    WrongLength {
        /// Which key, from 1.
        number: usize,
        /// How many bytes it has.
        length: usize,
    },
    /// The file is neither base64 keys nor the TOML that is expected.
    #[error(
        "line {line} of the keyring is not understood; it should hold `active = \"…\"`, then for each key `[[key]]` \
         with id, created and secret, each in quotes"
    )]
    NotUnderstood {
        /// Which line, from 1.
        line: usize,
    },
    /// A key is not what its id says.
    #[error("key {number} of the keyring is damaged: its id should be {id}; restore the file from a backup")]
    Damaged {
        /// Which key, from 1.
        number: usize,
        /// The id of the secret that stands there.
        id: KeyId,
    },
    /// The time a key was made at cannot be read.
    #[error("key {number} of the keyring has a `created` that is not a time such as 2026-02-25T15:51:52")]
    BadTime {
        /// Which key, from 1.
        number: usize,
    },
    /// Two keys with the same id.
    #[error("key {id} is in the keyring twice; remove one of them")]
    Twice {
        /// The id.
        id: KeyId,
    },
    /// The active key is not among the keys.
    #[error(
        "the keyring says that a key is active which is not in it; `active` should be the id of one of the keys"
    )]
    NoSuchActive,
    /// There is no such file.
    #[error(
        "the key file {} does not exist; restore it from a backup, or correct main.secret_key_file or \
         ZATO_SSO_SECRET_KEY",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file must not be read.
    #[error("the key file {} may not be read by this user; change its owner or mode", path.display())]
    Forbidden {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error(
        "the key file {} cannot be read: {source}; restore it from a backup, or correct main.secret_key_file or \
         ZATO_SSO_SECRET_KEY",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a keyring.
    #[error("the key file {} is not valid: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<KeyringError>,
    },
    /// The file cannot be made.
    #[error(
        "the key file {} cannot be made: {source}; its folder must exist, be writable and know hard links, or give a \
         key in ZATO_SSO_SECRET_KEY",
        path.display()
    )]
    NotCreated {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No randomness for a new key.
    #[error("no key could be made: {0}")]
    Random(#[source] Error),
    /// The database was written with a key that is not in the ring.
    #[error(
        "wrong key: the database needs key {needed}, which is not in the keyring; restore its key file from a backup, or \
         correct main.secret_key_file or ZATO_SSO_SECRET_KEY; nothing was changed"
    )]
    WrongKey {
        /// The key that the database needs.
        needed: KeyId,
    },
    /// What the database holds to recognise its key by is damaged.
    #[error(
        "the database's check value is damaged, its key cannot be told from another; nothing was changed"
    )]
    BadCheckValue,
}

/// A master key and what is derived from it.
#[derive(Clone)]
pub(in crate::crypto) struct MasterKey {
    pub(in crate::crypto) id: KeyId,
    created: Option<Timestamp>,
    secret: KeyBytes,
    pub(in crate::crypto) seal: KeyBytes,
    pub(in crate::crypto) blind_index: KeyBytes,
    pub(in crate::crypto) check: KeyBytes,
    pub(in crate::crypto) subject: KeyBytes,
    pub(in crate::crypto) external_session: KeyBytes,
    pub(in crate::crypto) recovery_code: KeyBytes,
}

impl MasterKey {
    fn new(secret: KeyBytes, created: Option<Timestamp>) -> Self {
        Self {
            id: KeyId::of(&secret),
            created,
            seal: derive(&secret, "seal"),
            blind_index: derive(&secret, "blind-index"),
            check: derive(&secret, "check"),
            subject: derive(&secret, "subject"),
            external_session: derive(&secret, "external-session"),
            recovery_code: derive(&secret, "recovery-code"),
            secret,
        }
    }
}

/// The master keys. The active one seals what is new; all of them open what is there.
#[derive(Clone)]
pub struct Keyring {
    pub(in crate::crypto) active: MasterKey,
    others: Vec<MasterKey>,
}

impl Keyring {
    /// A keyring of one new key.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn generate(random: &dyn Random, now: Timestamp) -> Result<Self> {
        let mut secret = KeyBytes::default();
        random.fill(secret.as_mut_slice())?;
        Ok(Self { active: MasterKey::new(secret, Some(now)), others: Vec::new() })
    }

    /// Reads either form of a keyring. The short one, for an environment variable, is one or more keys of 32 bytes
    /// in base64 or URL-safe base64, separated by commas, the first of them active. The one for a file is TOML:
    ///
    /// ```toml
    /// active = "1a2b3c4d"
    ///
    /// [[key]]
    /// id = "1a2b3c4d"
    /// created = "2026-02-25T15:51:52"
    /// secret = "…"
    /// ```
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let is_short = |c: char| c.is_ascii_alphanumeric() || "+/-_=,".contains(c) || c.is_whitespace();
        if text.trim().is_empty() {
            Err(KeyringError::Empty)
        } else if text.chars().all(is_short) {
            Self::parse_short(text)
        } else {
            Self::parse_toml(text)
        }
    }

    fn parse_short(text: &str) -> Result<Self, KeyringError> {
        let keys = text.split(',').enumerate();
        let keys = keys.map(|(index, key)| Ok(MasterKey::new(decode(key, index + 1)?, None)));
        let keys: Vec<_> = keys.collect::<Result<_, KeyringError>>()?;
        let active = keys.first().map(|key| key.id);
        Self::assemble(keys, active)
    }

    fn parse_toml(text: &str) -> Result<Self, KeyringError> {
        let file: FileForm = toml::from_str(text).map_err(|error| {
            // Not the parser's message: it quotes the line, which may hold a key.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            KeyringError::NotUnderstood { line: before.matches('\n').count() + 1 }
        })?;
        let keys = file.key.iter().enumerate().map(|(index, key)| key.read(index + 1));
        Self::assemble(keys.collect::<Result<_, _>>()?, KeyId::parse(&file.active))
    }

    fn assemble(mut keys: Vec<MasterKey>, active: Option<KeyId>) -> Result<Self, KeyringError> {
        for (index, key) in keys.iter().enumerate() {
            if keys.iter().skip(index + 1).any(|other| other.id == key.id) {
                return Err(KeyringError::Twice { id: key.id });
            }
        }
        if keys.is_empty() {
            return Err(KeyringError::Empty);
        }
        let position =
            keys.iter().position(|key| Some(key.id) == active).ok_or(KeyringError::NoSuchActive)?;
        let active = keys.remove(position);
        Ok(Self { active, others: keys })
    }

    /// The form for a file, the active key first.
    #[must_use]
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(256 * (2 + self.others.len())));
        text.push_str(
            "# Anybody with these keys can read what is encrypted in the database. Without them nobody can.\n",
        );
        text.push_str("# Keep a copy of this file, apart from the copies of the database.\n");
        text.push_str(&format!("active = \"{}\"\n", self.active.id));
        for key in self.keys() {
            text.push_str(&format!("\n[[key]]\nid = \"{}\"\n", key.id));
            if let Some(created) = key.created {
                text.push_str(&format!("created = \"{created}\"\n"));
            }
            text.push_str("secret = \"");
            BASE64.encode_append(key.secret.as_slice(), &mut text);
            text.push_str("\"\n");
        }
        text
    }

    /// The id of the active key.
    #[must_use]
    pub const fn active_id(&self) -> KeyId {
        self.active.id
    }

    /// The ids of all keys, the active one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(|key| key.id)
    }

    /// All keys, the active one first.
    pub(in crate::crypto) fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.active).chain(&self.others)
    }

    /// The key with this id.
    pub(in crate::crypto) fn find(&self, id: KeyId) -> Option<&MasterKey> {
        self.keys().find(|key| key.id == id)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.ids().collect();
        f.debug_struct("Keyring").field("ids", &ids).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    active: String,
    #[serde(default)]
    key: Vec<FileKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKey {
    id: String,
    created: Option<String>,
    secret: SecretString,
}

impl FileKey {
    fn read(&self, number: usize) -> Result<MasterKey, KeyringError> {
        let created = match &self.created {
            Some(created) => Some(Timestamp::parse(created).ok_or(KeyringError::BadTime { number })?),
            None => None,
        };
        let key = MasterKey::new(decode(self.secret.expose_secret(), number)?, created);
        if KeyId::parse(&self.id) == Some(key.id) {
            Ok(key)
        } else {
            Err(KeyringError::Damaged { number, id: key.id })
        }
    }
}

/// Reads base64 of either alphabet, padded or not.
fn decode(text: &str, number: usize) -> Result<KeyBytes, KeyringError> {
    let text = text.trim().trim_end_matches('=');
    let mut standard = Zeroizing::new(String::with_capacity(text.len()));
    standard.extend(text.chars().map(|c| match c {
        '-' => '+',
        '_' => '/',
        c => c,
    }));
    let bytes = BASE64_NOPAD.decode(standard.as_bytes()).map_err(|_| KeyringError::NotBase64 { number })?;
    let bytes = Zeroizing::new(bytes);
    let mut secret = KeyBytes::default();
    if bytes.len() != secret.len() {
        return Err(KeyringError::WrongLength { number, length: bytes.len() });
    }
    secret.copy_from_slice(&bytes);
    Ok(secret)
}

/// A sub-key for one purpose (HKDF-SHA256, RFC 5869): what one of them leaks tells nothing about the others.
fn derive(secret: &KeyBytes, purpose: &str) -> KeyBytes {
    let mut key = KeyBytes::default();
    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 bytes, here are 32")]
    Hkdf::<Sha256>::new(None, secret.as_slice())
        .expand_multi_info(&[b"zato_sso 1 ", purpose.as_bytes()], key.as_mut_slice())
        .expect("HKDF gives as many bytes");
    key
}

/// HMAC-SHA256 (RFC 2104).
pub(in crate::crypto) fn hmac(key: &KeyBytes, message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_772_034_712_000_000);
    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    fn ids(keyring: &Keyring) -> Vec<String> {
        keyring.ids().map(|id| id.to_string()).collect()
    }

    fn message(text: &str) -> String {
        Keyring::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let keyring = Keyring::generate(&SystemRandom, NOW).unwrap();
        let text = keyring.to_file_text();
        let again = Keyring::parse(&text).unwrap();
        assert_eq!(again.active_id(), keyring.active_id());
        assert_eq!(again.active.secret, keyring.active.secret);
        assert_eq!(again.active.created, Some(NOW));
        assert_eq!(*again.to_file_text(), *text);
        assert_ne!(Keyring::generate(&SystemRandom, NOW).unwrap().active_id(), keyring.active_id());
    }

    #[test]
    fn the_first_key_of_the_short_form_is_active() {
        let both = Keyring::parse(&format!("{ONE}, {TWO}\n")).unwrap();
        let reversed = Keyring::parse(&format!("{TWO},{ONE}")).unwrap();
        assert_eq!(ids(&both), ["72cd6e84", "75877bb4"]);
        assert_eq!(ids(&reversed), ["75877bb4", "72cd6e84"]);
    }

    #[test]
    fn the_file_says_which_key_is_active() {
        let text = Keyring::parse(&format!("{ONE},{TWO}")).unwrap().to_file_text();
        let other = text.replace("active = \"72cd6e84\"", "active = \"75877bb4\"");
        assert_eq!(ids(&Keyring::parse(&other).unwrap()), ["75877bb4", "72cd6e84"]);
    }

    #[test]
    fn both_base64_alphabets_are_read_with_and_without_padding() {
        let standard = BASE64.encode(&[0xfb; 32]);
        assert!(standard.contains('+'));
        let expected = Keyring::parse(&standard).unwrap().active_id();
        for text in [standard.replace('+', "-").replace('/', "_"), standard.replace('=', "")] {
            assert_eq!(Keyring::parse(&text).unwrap().active_id(), expected, "{text}");
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        let file = Keyring::parse(ONE).unwrap().to_file_text();
        assert!(message(" \n").contains("empty"));
        assert!(message(&format!("{ONE},AAAAA")).starts_with("key 2 of the keyring is not base64"));
        assert!(message(&"00".repeat(32)).contains("has 48 bytes instead of 32"));
        assert!(message(&format!("{ONE},{ONE}")).contains("72cd6e84 is in the keyring twice"));
        assert!(message(&file.replace("AQ", "AA")).contains("key 1 of the keyring is damaged"));
        assert!(message(&file.replace("active = \"72", "active = \"73")).contains("which is not in it"));
        assert!(message(&file.replace("[[key]]", "[[keys]]")).starts_with("line 5 "));
        assert!(message("active = \"72cd6e84\"").contains("empty"));
        assert!(message("<html>").starts_with("line 1 "));
        assert!(message(&format!("{}created = \"yesterday\"\n", *file)).contains("a `created`"));
    }

    #[test]
    fn neither_errors_nor_debug_tell_a_key() {
        let secret = "SECRETSECRETSECRETSECRETSECRETSECRETSECRETSE";
        let file = format!("active = \"72cd6e84\"\n[[key]]\nid = \"72cd6e84\"\nsecret = {secret}\n");
        for text in [file.clone(), file.replace("secret = ", "password = "), secret.repeat(2), file + "!"] {
            let error = Keyring::parse(&text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
        }
        let keyring = Keyring::parse(ONE).unwrap();
        assert_eq!(format!("{keyring:?}"), "Keyring { ids: [72cd6e84], .. }");
    }

    #[test]
    fn sub_keys_differ_by_purpose_and_by_key() {
        let keyring = Keyring::parse(&format!("{ONE},{TWO}")).unwrap();
        let sub_keys = keyring.keys().flat_map(|key| [&key.secret, &key.seal, &key.blind_index, &key.check]);
        let distinct: std::collections::HashSet<_> = sub_keys.map(|key| key.as_slice()).collect();
        assert_eq!(distinct.len(), 8);
    }

    /// What is sealed today must open with every later version: the derivation can never change.
    #[test]
    fn sub_keys_stay_what_they_are() {
        let seal = derive(&Zeroizing::new([1; 32]), "seal");
        let expected = "86fe4b028200bb73b58dcc0f5bb1c1427c8341abd002213861e8bba58e1d0de0";
        assert_eq!(HEXLOWER.encode(seal.as_slice()), expected);
    }

    /// RFC 4231, test case 2, with the key padded to 32 bytes as HMAC itself pads it.
    #[test]
    fn hmac_is_hmac_sha_256() {
        let mut key = KeyBytes::default();
        key[..4].copy_from_slice(b"Jefe");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(HEXLOWER.encode(&hmac(&key, b"what do ya want for nothing?")), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_a_keyring_or_an_error(text in "\\PC{0,80}|[A-Za-z0-9=,\\[\\]\" \n]{0,120}") {
            let _ = Keyring::parse(&text);
        }
    }
}
