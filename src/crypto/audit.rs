//! The keys of the audit trail, and what they make of its entries: a digest of each, and of each with the one before.
//!
//! The keys are random, and sealed in the database by the keyring. So a rotation of the keyring makes a new one, by which the
//! chain goes on, and what was chained before stays as it is: who has an old key cannot change what is behind the new one's first
//! link.

use std::sync::Arc;

use crate::crypto::compare;
use crate::crypto::keyring::ring::{KeyBytes, hmac};
use crate::domain::{Random, Result};

/// How long a key is, in bytes.
const KEY_LENGTH: usize = 32;

/// How long the number of the key is that stands before each digest, in bytes.
const NUMBER_LENGTH: usize = 4;

/// What is digested, so that no digest stands for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digested {
    /// An entry.
    Entry,
    /// An entry in its place, behind the one before.
    Link,
    /// What the chain is: where it begins and ends.
    Head,
    /// What a machine has seen of it.
    Seen,
}

impl Digested {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Entry => b"zato_sso audit entry 1",
            Self::Link => b"zato_sso audit link 1",
            Self::Head => b"zato_sso audit head 1",
            Self::Seen => b"zato_sso audit seen 1",
        }
    }
}

/// A key of the audit trail.
#[derive(Clone)]
pub struct AuditKey {
    number: u32,
    secret: KeyBytes,
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").field("number", &self.number).finish_non_exhaustive()
    }
}

impl AuditKey {
    /// A new one.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn generate(number: u32, random: &dyn Random) -> Result<Self> {
        let mut secret = KeyBytes::default();
        random.fill(secret.as_mut_slice())?;
        Ok(Self { number, secret })
    }

    /// The one with these bytes; None if there are too many or too few.
    #[must_use]
    pub fn from_bytes(number: u32, bytes: &[u8]) -> Option<Self> {
        let secret: [u8; KEY_LENGTH] = bytes.try_into().ok()?;
        Some(Self { number, secret: KeyBytes::new(secret) })
    }

    /// Which one it is, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Its bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.secret.as_slice()
    }

    /// The number of the key, and a digest of these parts, each of which is there or not.
    #[must_use]
    pub fn digest(&self, what: Digested, parts: &[Option<&[u8]>]) -> Vec<u8> {
        let length = parts.iter().map(|part| part.map_or(0, <[u8]>::len) + 8).sum::<usize>();
        let mut message = Vec::with_capacity(what.name().len() + length);
        message.extend_from_slice(what.name());
        for part in parts {
            let Some(part) = part else {
                message.extend_from_slice(&u64::MAX.to_le_bytes());
                continue;
            };
            message.extend_from_slice(&(part.len() as u64).to_le_bytes());
            message.extend_from_slice(part);
        }
        let mut digest = self.number.to_be_bytes().to_vec();
        digest.extend_from_slice(&hmac(&self.secret, &message));
        digest
    }
}

/// All keys of the audit trail, oldest first.
#[derive(Clone, Debug, Default)]
pub struct AuditKeys(Arc<Vec<AuditKey>>);

impl AuditKeys {
    /// These, by their numbers.
    #[must_use]
    pub fn new(mut keys: Vec<AuditKey>) -> Self {
        keys.sort_by_key(AuditKey::number);
        Self(Arc::new(keys))
    }

    /// The one that makes digests.
    #[must_use]
    pub fn newest(&self) -> Option<&AuditKey> {
        self.0.last()
    }

    /// The key by which a digest was made, if it is here.
    #[must_use]
    pub fn of_digest(&self, digest: &[u8]) -> Option<&AuditKey> {
        let number = u32::from_be_bytes(*digest.first_chunk::<NUMBER_LENGTH>()?);
        self.0.iter().find(|key| key.number == number)
    }

    /// Whether these parts have this digest, by whichever key it says.
    #[must_use]
    pub fn verify(&self, what: Digested, parts: &[Option<&[u8]>], digest: &[u8]) -> bool {
        self.of_digest(digest).is_some_and(|key| compare::equal(&key.digest(what, parts), digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;

    #[test]
    fn parts_are_told_apart_and_so_are_what_they_stand_for() {
        let key = AuditKey::from_bytes(1, &[7; 32]).unwrap();
        let digest = |what, parts: &[Option<&[u8]>]| key.digest(what, parts);
        let one = digest(Digested::Entry, &[Some(b"ab"), Some(b"c")]);
        assert_eq!(one.len(), 36);
        for other in [
            digest(Digested::Entry, &[Some(b"a"), Some(b"bc")]),
            digest(Digested::Entry, &[Some(b"abc"), None]),
            digest(Digested::Entry, &[Some(b"ab"), Some(b"c"), Some(b"")]),
            digest(Digested::Link, &[Some(b"ab"), Some(b"c")]),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(digest(Digested::Entry, &[None]), digest(Digested::Entry, &[Some(b"")]));
    }

    #[test]
    fn a_digest_is_verified_by_the_key_that_made_it() {
        let keys: Vec<_> = (1..=3).map(|number| AuditKey::generate(number, &SystemRandom).unwrap()).collect();
        let old = keys[0].digest(Digested::Entry, &[Some(b"entry")]);
        let keys = AuditKeys::new(keys.into_iter().rev().collect());
        assert_eq!(keys.newest().unwrap().number(), 3);
        assert!(keys.verify(Digested::Entry, &[Some(b"entry")], &old));
        assert!(!keys.verify(Digested::Entry, &[Some(b"other")], &old));
        let mut as_if_newer = old.clone();
        as_if_newer[3] = 2;
        assert!(!keys.verify(Digested::Entry, &[Some(b"entry")], &as_if_newer));
        for length in 0..old.len() {
            assert!(!keys.verify(Digested::Entry, &[Some(b"entry")], &old[..length]));
        }
    }
}
