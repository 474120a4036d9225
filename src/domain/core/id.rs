//! Identifiers: of users, sessions and calls.

use std::fmt;

use data_encoding::{Encoding, HEXLOWER, Specification};
use std::sync::LazyLock;
use uuid::Uuid;

use crate::domain::{Random, Result, Timestamp, without_controls};

/// Crockford's base32 in lower case, most significant bit first.
static CROCKFORD: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().ok()
});

/// The longest id that is taken.
const MAX_LENGTH: usize = 64;

/// Declares an id: a prefix and 26 characters of base32, 128 random bits.
macro_rules! public_id {
    ($(#[doc = $doc:literal])+ $name:ident, $prefix:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new, random id.
            ///
            /// # Errors
            /// As [`Random::fill`].
            pub fn random(random: &dyn Random) -> Result<Self> {
                random_id($prefix, random).map(Self)
            }

            /// Takes an id as a caller gave it; None if no id can look like that.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let fits = text.starts_with($prefix)
                    && text.len() <= MAX_LENGTH
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                fits.then(|| Self(text.to_owned()))
            }

            /// Takes an id that storage holds.
            #[must_use]
            pub const fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

public_id! {
    /// The public id of a user: `zusr` and 26 characters of base32, 128 random bits. Never reused.
    UserId, "zusr"
}

public_id! {
    /// The public id of a passkey: `zpky` and 26 characters of base32, 128 random bits. Never reused.
    PasskeyId, "zpky"
}

public_id! {
    /// The public id of a group: `zgrp` and 26 characters of base32, 128 random bits. Never reused.
    GroupId, "zgrp"
}

public_id! {
    /// The public id of a client: `zcli` and 26 characters of base32, 128 random bits. Never reused.
    ClientId, "zcli"
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn random_id(prefix: &str, random: &dyn Random) -> Result<String> {
    let bytes: [u8; 16] = random.bytes()?;
    let encoded = CROCKFORD.as_ref().map(|crockford| crockford.encode(&bytes));
    encoded
        .map(|encoded| format!("{prefix}{encoded}"))
        .ok_or_else(|| crate::domain::Error::internal("the base32 alphabet is not valid"))
}

/// The public id of a session: it names the session without being able to act as it. Time-ordered (UUID version 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub Uuid);

impl SessionId {
    /// A new id.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn random(now: Timestamp, random: &dyn Random) -> Result<Self> {
        time_ordered_uuid(now, random).map(Self)
    }

    /// An id as lists show it. None for what cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A UUID version 7 (RFC 9562): keys made one after the other land side by side in an index, on any number of machines.
///
/// # Errors
/// As [`Random::fill`].
pub fn time_ordered_uuid(now: Timestamp, random: &dyn Random) -> Result<Uuid> {
    let millis = u64::try_from(now.as_micros().div_euclid(1000)).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random.bytes()?).into_uuid())
}

/// A random UUID (version 4).
///
/// # Errors
/// As [`Random::fill`].
pub fn random_uuid(random: &dyn Random) -> Result<Uuid> {
    Ok(uuid::Builder::from_random_bytes(random.bytes()?).into_uuid())
}

/// A correlation id: it ties the log and audit entries of one call together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cid(String);

impl Cid {
    /// The longest correlation id that is kept, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// A new, random one: 24 hex characters.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn random(random: &dyn Random) -> Result<Self> {
        Ok(Self(HEXLOWER.encode(&random.bytes::<12>()?)))
    }

    /// Takes a caller's own. Control characters and what is past [`Self::MAX_LENGTH`] are left out.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(without_controls(text, Self::MAX_LENGTH))
    }

    /// Takes one from an HTTP header: up to 64 characters `[A-Za-z0-9._-]`, else None.
    #[must_use]
    pub fn from_header(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = !text.is_empty() && text.len() <= Self::MAX_LENGTH && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;

    #[test]
    fn user_ids_are_zusr_and_128_bits_of_crockford_base32() {
        let id = UserId::random(&SystemRandom).unwrap();
        assert_eq!(id.as_str().len(), 4 + 26);
        assert!(!id.as_str()[4..].contains(['i', 'l', 'o', 'u']), "{id}");
        assert_eq!(UserId::parse(id.as_str()), Some(id.clone()));
        assert_ne!(UserId::random(&SystemRandom).unwrap(), id);
    }

    #[test]
    fn what_cannot_be_a_user_id_is_none() {
        for text in ["", "zus", "user1", "zusr\0", "zusr ", "zusr☃", &format!("zusr{}", "a".repeat(61))] {
            assert_eq!(UserId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn session_ids_sort_by_time() {
        let early = SessionId::random(Timestamp::from_micros(1_000_000_000_000), &SystemRandom).unwrap();
        let late = SessionId::random(Timestamp::from_micros(1_000_000_001_000), &SystemRandom).unwrap();
        assert!(early.0 < late.0);
        assert_eq!(early.0.get_version_num(), 7);
    }

    #[test]
    fn correlation_ids_hold_no_control_characters_and_end_at_64() {
        assert_eq!(Cid::new("a\0b\nc").as_str(), "abc");
        assert_eq!(Cid::new(&"é".repeat(100)).as_str().chars().count(), 64);
        assert_eq!(Cid::random(&SystemRandom).unwrap().as_str().len(), 24);
        assert_eq!(Cid::from_header("req-1.2_3").unwrap().as_str(), "req-1.2_3");
        for text in ["", "a b", "a\"b", &"a".repeat(65)] {
            assert_eq!(Cid::from_header(text), None, "{text:?}");
        }
    }
}
