//! The check value: by it a database recognises its key before anything is read or written with another.

use crate::crypto::compare;
use crate::crypto::keyring::ring::{KeyId, Keyring, KeyringError, MasterKey, hmac};

/// What the check value begins with, so that another form can follow later.
const VERSION: u8 = 1;

impl Keyring {
    /// What to keep in the database: it names the active key and proves it, and tells nothing else about it.
    #[must_use]
    pub fn check_value(&self) -> Vec<u8> {
        let mut value = vec![VERSION];
        value.extend(self.active.id.0);
        value.extend(proof(&self.active));
        value
    }

    /// Whether the key that the database was last written with is in this keyring, be it active or not.
    ///
    /// # Errors
    /// [`KeyringError::WrongKey`] says which key the database needs; [`KeyringError::BadCheckValue`] when that
    /// cannot be read.
    pub fn verify_check(&self, value: &[u8]) -> Result<(), KeyringError> {
        let (id, stored) = parse(value).ok_or(KeyringError::BadCheckValue)?;
        let key = self.find(id).ok_or(KeyringError::WrongKey { needed: id })?;
        if compare::equal(stored, &proof(key)) { Ok(()) } else { Err(KeyringError::BadCheckValue) }
    }
}

fn proof(key: &MasterKey) -> [u8; 32] {
    hmac(&key.check, b"zato_sso check value")
}

fn parse(value: &[u8]) -> Option<(KeyId, &[u8])> {
    let (&version, rest) = value.split_first()?;
    let (&id, proof) = rest.split_first_chunk()?;
    (version == VERSION).then_some((KeyId(id), proof))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SystemRandom, Timestamp};

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn any_key_of_the_ring_will_do() {
        let value = Keyring::parse(ONE).unwrap().check_value();
        for text in [ONE.to_owned(), format!("{ONE},{TWO}"), format!("{TWO},{ONE}")] {
            assert!(Keyring::parse(&text).unwrap().verify_check(&value).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_wrong_key_is_told_with_the_one_that_is_needed() {
        let needed = Keyring::parse(ONE).unwrap();
        let other = Keyring::generate(&SystemRandom, Timestamp::from_micros(0)).unwrap();
        let error = other.verify_check(&needed.check_value()).unwrap_err();
        assert!(matches!(error, KeyringError::WrongKey { needed: id } if id == needed.active_id()));
        assert!(error.to_string().contains("72cd6e84"), "{error}");
    }

    #[test]
    fn a_damaged_value_is_an_error() {
        let keyring = Keyring::parse(ONE).unwrap();
        let value = keyring.check_value();
        for length in 0..value.len() {
            assert!(keyring.verify_check(&value[..length]).is_err(), "{length} bytes");
        }
        for position in 0..value.len() {
            let mut damaged = value.clone();
            damaged[position] ^= 1;
            assert!(keyring.verify_check(&damaged).is_err(), "byte {position}");
        }
    }
}
