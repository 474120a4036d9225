//! Envelopes: how a value stands in the database, encrypted and bound to its place, or plain.
//!
//! An envelope begins with its version:
//! - `0`: plain, the value follows; for columns whose encryption is switched off;
//! - `1`: sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): key id (4 bytes), nonce (24), ciphertext, tag (16).
//!
//! The nonce is random: 192 bits are enough for that. The tag covers the version, the key id and the place, so that
//! a value moved to another row or column does not open.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::crypto::keyring::ring::{KeyId, Keyring, MasterKey};
use crate::domain::{Error, Random, Result};

const PLAIN: u8 = 0;
const SEALED: u8 = 1;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;
const HEADER_LENGTH: usize = 1 + 4 + NONCE_LENGTH;

/// Where a value is stored. What was sealed for one place opens at no other.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// What identifies the row for good, its primary key for instance.
    pub row: &'a [u8],
}

/// The envelope of a value that is not to be encrypted.
#[must_use]
pub fn plain(value: &[u8]) -> Vec<u8> {
    let mut envelope = Vec::with_capacity(1 + value.len());
    envelope.push(PLAIN);
    envelope.extend_from_slice(value);
    envelope
}

impl Keyring {
    /// Seals a value under the active key.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn seal(&self, place: Place<'_>, value: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        let key = &self.active;
        let nonce: [u8; NONCE_LENGTH] = random.bytes()?;

        // Of the final size from the start, and encrypted where it lies: no copy of the value stays behind.
        let mut envelope = Vec::with_capacity(HEADER_LENGTH + value.len() + TAG_LENGTH);
        envelope.push(SEALED);
        envelope.extend_from_slice(&key.id.0);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(value);
        let (_, body) = envelope.split_at_mut(HEADER_LENGTH);
        let tag = cipher(key)
            .encrypt_inout_detached(&XNonce::from(nonce), &associated_data(key.id, place), body.into())
            .map_err(|_| Error::internal("the value is too long to seal"))?;
        envelope.extend_from_slice(&tag);
        Ok(envelope)
    }

    /// Opens a value that must be sealed. A plain one is refused: otherwise anybody who can write to the database, and
    /// has no key, could put a TOTP key of their own in the place of a user's.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is plain, damaged, moved from another place, or sealed with a key that is not in
    /// the ring. Never a wrong value.
    pub fn open(&self, place: Place<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match parse(place, envelope)? {
            Envelope::Sealed(sealed) => self.unseal(place, &sealed),
            Envelope::Plain(_) => Err(fault(place, "is not encrypted although it must be")),
        }
    }

    /// Opens a value whose encryption configuration switches on and off, so that either form is legitimate. It gives
    /// no protection from who can write to the database: not for what grants access.
    ///
    /// # Errors
    /// As [`Self::open`], but for plain values.
    pub fn open_or_plain(&self, place: Place<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match parse(place, envelope)? {
            Envelope::Sealed(sealed) => self.unseal(place, &sealed),
            Envelope::Plain(value) => Ok(Zeroizing::new(value.to_vec())),
        }
    }

    /// Whether an envelope is anything but sealed under the active key; what a rotation has to seal again.
    #[must_use]
    pub fn needs_reseal(&self, envelope: &[u8]) -> bool {
        let header = envelope.split_first().and_then(|(&version, rest)| Some((version, rest.first_chunk()?)));
        header != Some((SEALED, &self.active.id.0))
    }

    fn unseal(&self, place: Place<'_>, sealed: &Sealed<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let id = sealed.key_id;
        let key = self.find(id).ok_or_else(|| {
            fault(place, &format!("is encrypted with key {id}, which is not in the keyring"))
        })?;
        // Wiped also when it turns out not to be authentic.
        let mut value = Zeroizing::new(sealed.body.to_vec());
        cipher(key)
            .decrypt_in_place(&XNonce::from(sealed.nonce), &associated_data(id, place), &mut *value)
            .map_err(|_| fault(place, "does not decrypt: it is damaged, or belongs to another row"))?;
        Ok(value)
    }
}

/// The first byte of everything that is sealed.
pub const SEALED_HEAD: &[u8] = &[SEALED];

/// The key that has sealed an envelope with these first bytes; None of one that is not sealed.
#[must_use]
pub fn head_of(envelope: &[u8]) -> Option<KeyId> {
    let (version, rest) = envelope.split_first()?;
    let id = rest.first_chunk()?;
    (*version == SEALED).then_some(KeyId(*id))
}

enum Envelope<'a> {
    Plain(&'a [u8]),
    Sealed(Sealed<'a>),
}

struct Sealed<'a> {
    key_id: KeyId,
    nonce: [u8; NONCE_LENGTH],
    /// Ciphertext and tag.
    body: &'a [u8],
}

fn parse<'a>(place: Place<'_>, envelope: &'a [u8]) -> Result<Envelope<'a>> {
    let truncated = || fault(place, "is truncated");
    let (&version, rest) = envelope.split_first().ok_or_else(truncated)?;
    match version {
        PLAIN => Ok(Envelope::Plain(rest)),
        SEALED => {
            let (&key_id, rest) = rest.split_first_chunk().ok_or_else(truncated)?;
            let (&nonce, body) = rest.split_first_chunk().ok_or_else(truncated)?;
            if body.len() < TAG_LENGTH {
                return Err(truncated());
            }
            Ok(Envelope::Sealed(Sealed { key_id: KeyId(key_id), nonce, body }))
        }
        _ => Err(fault(place, "is of an unknown version: it was written by a newer release, or is damaged")),
    }
}

/// What the tag covers beside the value. Each part stands behind its length: no two places give the same bytes.
fn associated_data(key_id: KeyId, place: Place<'_>) -> Vec<u8> {
    let mut data = vec![SEALED];
    data.extend(key_id.0);
    for part in [place.table.as_bytes(), place.column.as_bytes(), place.row] {
        data.extend((part.len() as u64).to_le_bytes());
        data.extend(part);
    }
    data
}

fn cipher(key: &MasterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.seal).into())
}

fn fault(place: Place<'_>, what: &str) -> Error {
    Error::internal(format!("a value of {}.{} {what}", place.table, place.column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;
    use proptest::prelude::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    const PLACE: Place<'static> = Place { table: "users", column: "totp_key", row: b"1" };

    fn keyring(text: &str) -> Keyring {
        Keyring::parse(text).unwrap()
    }

    fn seal(keyring: &Keyring, place: Place<'_>, value: &[u8]) -> Vec<u8> {
        keyring.seal(place, value, &SystemRandom).unwrap()
    }

    fn why_not(keyring: &Keyring, place: Place<'_>, envelope: &[u8]) -> String {
        let error = keyring.open(place, envelope).unwrap_err();
        assert!(matches!(error, Error::Internal(_)));
        error.to_string()
    }

    #[test]
    fn a_value_swapped_with_another_row_or_column_does_not_open() {
        let keyring = keyring(ONE);
        let other_row = Place { row: b"2", ..PLACE };
        let (one, two) = (seal(&keyring, PLACE, b"one"), seal(&keyring, other_row, b"two"));
        assert_eq!(*keyring.open(PLACE, &one).unwrap(), b"one");
        assert!(why_not(&keyring, PLACE, &two).contains("users.totp_key does not decrypt"));
        assert!(why_not(&keyring, other_row, &one).contains("does not decrypt"));
        // The parts are told apart, not only their concatenation.
        for (table, column) in [("users", "totp_label"), ("user", "stotp_key"), ("userstotp_key", "")] {
            assert!(keyring.open(Place { table, column, row: b"1" }, &one).is_err(), "{table} {column}");
        }
    }

    #[test]
    fn a_sealed_value_cannot_be_replaced_by_a_plain_one() {
        let keyring = keyring(ONE);
        let planted = plain(b"MYOWNTOTPKEY");
        assert!(why_not(&keyring, PLACE, &planted).contains("is not encrypted although it must be"));
        assert_eq!(*keyring.open_or_plain(PLACE, &planted).unwrap(), b"MYOWNTOTPKEY");
    }

    #[test]
    fn every_key_opens_and_only_the_active_one_seals() {
        let (before, after) = (keyring(ONE), keyring(TWO));
        let during = keyring(&format!("{TWO},{ONE}"));
        let old = seal(&before, PLACE, b"value");
        let new = seal(&during, PLACE, b"value");
        assert_eq!(*during.open(PLACE, &old).unwrap(), b"value");
        assert_eq!(*after.open(PLACE, &new).unwrap(), b"value");
        assert!(why_not(&after, PLACE, &old).contains("key 72cd6e84, which is not in the keyring"));
        assert!(
            during.needs_reseal(&old) && during.needs_reseal(&plain(b"value")) && during.needs_reseal(&[])
        );
        assert!(!during.needs_reseal(&new));
    }

    #[test]
    fn what_is_truncated_is_an_error() {
        let keyring = keyring(ONE);
        let envelope = seal(&keyring, PLACE, b"");
        assert_eq!(*keyring.open(PLACE, &envelope).unwrap(), b"");
        for length in 0..envelope.len() {
            assert!(why_not(&keyring, PLACE, &envelope[..length]).contains("truncated"), "{length} bytes");
        }
    }

    #[test]
    fn a_later_version_is_told_apart_from_damage() {
        assert!(why_not(&keyring(ONE), PLACE, &[2, 0, 0]).contains("unknown version"));
    }

    /// What is stored today must open with every later version.
    #[test]
    fn an_envelope_stays_readable() {
        #[derive(Debug)]
        struct Sevens;
        impl Random for Sevens {
            fn fill(&self, bytes: &mut [u8]) -> Result<()> {
                bytes.fill(7);
                Ok(())
            }
        }
        let envelope = keyring(ONE).seal(PLACE, b"value", &Sevens).unwrap();
        let (nonce, body) = ("07".repeat(24), "d12046118158e23da86d0bc9c3769c99005b6a82c1");
        assert_eq!(data_encoding::HEXLOWER.encode(&envelope), format!("0172cd6e84{nonce}{body}"));
    }

    #[test]
    fn the_same_value_is_never_sealed_to_the_same_bytes() {
        let keyring = keyring(ONE);
        assert_ne!(seal(&keyring, PLACE, b"value"), seal(&keyring, PLACE, b"value"));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(value in prop::collection::vec(any::<u8>(), 0..300)) {
            let keyring = keyring(ONE);
            let envelope = seal(&keyring, PLACE, &value);
            prop_assert_eq!(envelope.len(), HEADER_LENGTH + value.len() + TAG_LENGTH);
            prop_assert_eq!(&*keyring.open(PLACE, &envelope).unwrap(), &value);
            prop_assert_eq!(&*keyring.open_or_plain(PLACE, &plain(&value)).unwrap(), &value);
        }

        #[test]
        fn one_flipped_bit_and_it_does_not_open(
            value in prop::collection::vec(any::<u8>(), 0..100), position in any::<prop::sample::Index>(), bit in 0..8_u32,
        ) {
            let keyring = keyring(&format!("{ONE},{TWO}"));
            let mut envelope = seal(&keyring, PLACE, &value);
            let position = position.index(envelope.len());
            envelope[position] ^= 1_u8 << bit;
            prop_assert!(keyring.open(PLACE, &envelope).is_err());
        }

        #[test]
        fn any_bytes_give_an_error_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(keyring(ONE).open(PLACE, &bytes).is_err());
        }
    }
}
