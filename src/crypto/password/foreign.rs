//! Password hashes that are not Argon2: computed to verify those that other systems have made, never to make new ones.

use bcrypt::bcrypt;
use data_encoding::{BASE64, HEXLOWER};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use icu_normalizer::ComposingNormalizerBorrowed;
use pbkdf2::pbkdf2;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::crypto::password::firebase::keystream;
use crate::crypto::password::iterated::{Iterated, MAX_PASSWORD};
use crate::crypto::password::params::too_costly;
use crate::crypto::password::text::bcrypt_base64;
use crate::domain::{Error, Password, Result};

/// How many bytes of a password bcrypt looks at, the NUL at its end included.
const BCRYPT_KEY_LENGTH: usize = 72;
/// How many bytes a stored bcrypt hash has: the last computed byte is left out.
const BCRYPT_OUTPUT_LENGTH: usize = 23;

/// A scheme with its parameters, of which none costs much more than the costliest Argon2 hash: several seconds of one
/// core. What is stored may come from anywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OlderHash(Scheme);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scheme {
    Pbkdf2 { digest: Digest, rounds: u32 },
    Scrypt { params: scrypt::Params, is_composed: bool },
    Bcrypt { cost: u32, before: Before },
    Salted(Digest),
    Iterated(Iterated),
    Firebase(scrypt::Params),
}

/// What is done to a password before bcrypt, which looks at 72 bytes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// SHA-256 in hexadecimal: Django.
    HexSha256,
    /// SHA-256 in base64: passlib, the first version.
    Base64Sha256,
    /// HMAC-SHA256 in base64, with the salt as it is stored for a key: passlib.
    KeyedSha256,
    /// HMAC-SHA384 in base64, without the white space around the password: WordPress since 6.8.
    WordPress,
}

/// The hash function within PBKDF2 or a salted hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// As Keycloak and Django used it long ago.
    Sha1,
    /// Django's and Keycloak's.
    Sha256,
    /// Of directories and werkzeug.
    Sha384,
    /// Zato's, and Keycloak's newer one.
    Sha512,
}

impl Digest {
    /// How many bytes one block of the output has.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl OlderHash {
    /// Rounds of all blocks together; Django 6.0 does 1,200,000 and Keycloak's SHA-1 four times 1,300,000.
    const MAX_PBKDF2_ROUNDS: u64 = 10_000_000;
    /// Twice what OWASP recommends at most.
    const MAX_SCRYPT_MEMORY: u64 = 256 * 1024 * 1024;
    /// Memory filled, by all lanes one after the other.
    const MAX_SCRYPT_WORK: u64 = 1024 * 1024 * 1024;
    const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=16;

    /// PBKDF2 with HMAC. `output_length` is that of the stored hash: each block of it costs all rounds.
    ///
    /// # Errors
    /// [`Error::Internal`] when there are no rounds, or too many.
    pub fn pbkdf2(digest: Digest, rounds: u32, output_length: usize) -> Result<Self> {
        let blocks = u64::try_from(output_length.div_ceil(digest.length())).map_err(Error::internal)?;
        if rounds == 0 || u64::from(rounds).saturating_mul(blocks) > Self::MAX_PBKDF2_ROUNDS {
            return Err(too_costly());
        }
        Ok(Self(Scheme::Pbkdf2 { digest, rounds }))
    }

    /// scrypt of the block size `r`, with `p` lanes, at a cost that is given by its logarithm.
    ///
    /// # Errors
    /// [`Error::Internal`] when it takes too much memory or work, or none.
    pub fn scrypt(log_n: u8, r: u32, p: u32) -> Result<Self> {
        Ok(Self(Scheme::Scrypt { params: scrypt_params(log_n, r, p)?, is_composed: false }))
    }

    /// scrypt as [`Self::scrypt`], of the password in the normal form NFKC.
    ///
    /// # Errors
    /// As [`Self::scrypt`].
    pub fn scrypt_of_composed(log_n: u8, r: u32, p: u32) -> Result<Self> {
        Ok(Self(Scheme::Scrypt { params: scrypt_params(log_n, r, p)?, is_composed: true }))
    }

    /// Firebase's scrypt.
    ///
    /// # Errors
    /// As [`Self::scrypt`].
    pub fn firebase(log_n: u8, r: u32) -> Result<Self> {
        Ok(Self(Scheme::Firebase(scrypt_params(log_n, r, 1)?)))
    }

    /// bcrypt of the password, or of what was made of it before.
    ///
    /// # Errors
    /// [`Error::Internal`] when the cost is out of bounds.
    pub fn bcrypt(cost: u32, before: Before) -> Result<Self> {
        if !Self::BCRYPT_COSTS.contains(&cost) {
            return Err(too_costly());
        }
        Ok(Self(Scheme::Bcrypt { cost, before }))
    }

    /// One hash of the password and the salt behind it.
    #[must_use]
    pub const fn salted(digest: Digest) -> Self {
        Self(Scheme::Salted(digest))
    }

    /// phpass or SHA-crypt.
    #[must_use]
    pub const fn iterated(iterated: Iterated) -> Self {
        Self(Scheme::Iterated(iterated))
    }

    /// What is its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Scheme::Pbkdf2 { digest: Digest::Sha1, .. } => "pbkdf2-sha1",
            Scheme::Pbkdf2 { digest: Digest::Sha256, .. } => "pbkdf2-sha256",
            Scheme::Pbkdf2 { digest: Digest::Sha384, .. } => "pbkdf2-sha384",
            Scheme::Pbkdf2 { digest: Digest::Sha512, .. } => "pbkdf2-sha512",
            Scheme::Scrypt { .. } => "scrypt",
            Scheme::Bcrypt { before: Before::Nothing, .. } => "bcrypt",
            Scheme::Bcrypt { before: Before::WordPress, .. } => "bcrypt-sha384",
            Scheme::Bcrypt { .. } => "bcrypt-sha256",
            Scheme::Salted(Digest::Sha1) => "salted-sha1",
            Scheme::Salted(Digest::Sha256) => "salted-sha256",
            Scheme::Salted(Digest::Sha384) => "salted-sha384",
            Scheme::Salted(Digest::Sha512) => "salted-sha512",
            Scheme::Iterated(iterated) => iterated.name(),
            Scheme::Firebase(_) => "firebase-scrypt",
        }
    }

    /// Computes the hash of a password, as long as `output` is; false if the password is too long for the scheme.
    ///
    /// # Errors
    /// [`Error::Internal`] when the salt or the output is not of a length that the scheme has.
    pub fn compute(self, password: &Password, salt: &[u8], output: &mut [u8]) -> Result<bool> {
        let text = password.expose();
        let password = text.as_bytes();
        match self.0 {
            Scheme::Pbkdf2 { digest, rounds } => match digest {
                Digest::Sha1 => derive::<Sha1>(password, salt, rounds, output),
                Digest::Sha256 => derive::<Sha256>(password, salt, rounds, output),
                Digest::Sha384 => derive::<Sha384>(password, salt, rounds, output),
                Digest::Sha512 => derive::<Sha512>(password, salt, rounds, output),
            },
            Scheme::Scrypt { params, is_composed: false } => {
                scrypt::scrypt(password, salt, &params, output).map_err(Error::internal)
            }
            Scheme::Scrypt { params, is_composed: true } => {
                let composed =
                    Zeroizing::new(ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned());
                scrypt::scrypt(composed.as_bytes(), salt, &params, output).map_err(Error::internal)
            }
            Scheme::Bcrypt { cost, before } => {
                let made = before.apply(text, salt)?;
                blowfish(made.as_ref().map_or(password, |made| made.as_bytes()), cost, salt, output)
            }
            Scheme::Salted(digest) => {
                let hash = Zeroizing::new(digest.of(password, salt));
                copy(&hash, output)
            }
            Scheme::Iterated(_) if password.len() > MAX_PASSWORD => return Ok(false),
            Scheme::Iterated(iterated) => copy(&Zeroizing::new(iterated.compute(password, salt)), output),
            Scheme::Firebase(params) => {
                let mut key = Zeroizing::new([0; 32]);
                scrypt::scrypt(password, salt, &params, key.as_mut_slice()).map_err(Error::internal)?;
                keystream(&key, output);
                Ok(())
            }
        }?;
        Ok(true)
    }
}

impl Before {
    /// What bcrypt is given in place of the password; None for itself.
    fn apply(self, password: &str, salt: &[u8]) -> Result<Option<Zeroizing<String>>> {
        let bytes = password.as_bytes();
        let made = match self {
            Self::Nothing => return Ok(None),
            Self::HexSha256 => HEXLOWER.encode(&Sha256::digest(bytes)),
            Self::Base64Sha256 => BASE64.encode(&Sha256::digest(bytes)),
            Self::KeyedSha256 => {
                let key = bcrypt_base64()?.encode(salt);
                BASE64.encode(&keyed::<Sha256>(key.as_bytes(), bytes)?)
            }
            Self::WordPress => {
                let trimmed = password.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b']);
                BASE64.encode(&keyed::<Sha384>(b"wp-sha384", trimmed.as_bytes())?)
            }
        };
        Ok(Some(Zeroizing::new(made)))
    }
}

impl Digest {
    /// The hash of the password and the salt behind it.
    fn of(self, password: &[u8], salt: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::new().chain_update(password).chain_update(salt).finalize().to_vec(),
            Self::Sha256 => Sha256::new().chain_update(password).chain_update(salt).finalize().to_vec(),
            Self::Sha384 => Sha384::new().chain_update(password).chain_update(salt).finalize().to_vec(),
            Self::Sha512 => Sha512::new().chain_update(password).chain_update(salt).finalize().to_vec(),
        }
    }
}

fn keyed<D: EagerHash>(key: &[u8], data: &[u8]) -> Result<Vec<u8>>
where
    Hmac<D>: KeyInit + Mac,
{
    let mut mac = <Hmac<D> as KeyInit>::new_from_slice(key).map_err(Error::internal)?;
    mac.update(data);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The first bytes of a hash, all that is stored of it.
fn copy(hash: &[u8], output: &mut [u8]) -> Result<()> {
    let stored = hash.get(..output.len()).ok_or_else(|| Error::internal("a stored hash is too long"))?;
    output.copy_from_slice(stored);
    Ok(())
}

fn scrypt_params(log_n: u8, r: u32, p: u32) -> Result<scrypt::Params> {
    // No step overflows but for numbers that are too large in any case.
    let n = 1_u64.checked_shl(log_n.into()).unwrap_or(u64::MAX);
    let block = u64::from(r).saturating_mul(128);
    let memory = block.saturating_mul(n.saturating_add(u64::from(p)));
    let work = block.saturating_mul(n).saturating_mul(u64::from(p));
    if log_n == 0 || memory > OlderHash::MAX_SCRYPT_MEMORY || work > OlderHash::MAX_SCRYPT_WORK {
        return Err(too_costly());
    }
    scrypt::Params::new(log_n, r, p).map_err(|_| too_costly())
}

fn derive<D: EagerHash>(password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) -> Result<()>
where
    Hmac<D>: KeyInit,
{
    pbkdf2::<Hmac<D>>(password, salt, rounds, output).map_err(Error::internal)
}

/// bcrypt as those do it who made the hash: what is beyond 72 bytes does not count.
fn blowfish(password: &[u8], cost: u32, salt: &[u8], output: &mut [u8]) -> Result<()> {
    let salt = salt.try_into().map_err(Error::internal)?;
    if output.len() != BCRYPT_OUTPUT_LENGTH {
        return Err(Error::internal("a bcrypt hash has 23 bytes"));
    }
    let mut key: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(BCRYPT_KEY_LENGTH));
    key.extend(password.iter().copied().chain([0]).take(BCRYPT_KEY_LENGTH));
    let computed = Zeroizing::new(bcrypt(cost, salt, &key));
    for (to, from) in output.iter_mut().zip(computed.iter()) {
        *to = *from;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(scheme: Result<OlderHash>, password: &str, salt: &[u8], length: usize) -> String {
        let mut output = vec![0; length];
        assert!(scheme.unwrap().compute(&password.into(), salt, &mut output).unwrap());
        HEXLOWER.encode(&output)
    }

    /// RFC 6070 for SHA-1, RFC 7914, section 11, for SHA-256, and what is published in their manner for SHA-512.
    #[test]
    fn pbkdf2_gives_the_published_vectors() {
        let long = "passwordPASSWORDpassword";
        for (digest, password, salt, rounds, expected) in [
            (Digest::Sha1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (Digest::Sha1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                Digest::Sha256,
                "passwd",
                "salt",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
                 49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
            ),
            (
                Digest::Sha256,
                "Password",
                "NaCl",
                80_000,
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56\
                 a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
            ),
            (
                Digest::Sha512,
                "password",
                "salt",
                4096,
                "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5\
                 143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5",
            ),
            (
                Digest::Sha512,
                long,
                "saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "8c0511f4c6e597c6ac6315d8f0362e225f3c501495ba23b868c005174dc4ee71\
                 115b59f9e60cd9532fa33e0f75aefe30225c583a186cd82bd4daea9724a3d3b8",
            ),
        ] {
            let length = expected.len() / 2;
            let scheme = OlderHash::pbkdf2(digest, rounds, length);
            assert_eq!(computed(scheme, password, salt.as_bytes(), length), expected, "{digest:?} {rounds}");
        }
    }

    /// RFC 7914, section 12, but for the last one, whose gigabyte is refused.
    #[test]
    fn scrypt_gives_the_published_vectors() {
        for (password, salt, (log_n, r, p), expected) in [
            (
                "",
                "",
                (4, 1, 1),
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
                 fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
            ),
            (
                "password",
                "NaCl",
                (10, 8, 16),
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
                 2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
            ),
            (
                "pleaseletmein",
                "SodiumChloride",
                (14, 8, 1),
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
                 d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
            ),
        ] {
            let scheme = OlderHash::scrypt(log_n, r, p);
            assert_eq!(computed(scheme, password, salt.as_bytes(), 64), expected, "{password}");
        }
        assert!(OlderHash::scrypt(20, 8, 1).is_err());
    }

    #[test]
    fn what_costs_too_much_or_nothing_is_refused() {
        let pbkdf2 = |rounds, length| OlderHash::pbkdf2(Digest::Sha256, rounds, length);
        assert!(pbkdf2(10_000_000, 32).is_ok() && pbkdf2(5_000_000, 64).is_ok());
        for (rounds, length) in [(0, 32), (10_000_001, 32), (5_000_001, 33), (u32::MAX, 128)] {
            assert!(pbkdf2(rounds, length).is_err(), "{rounds} {length}");
        }
        for (log_n, r, p) in [(17, 8, 1), (17, 15, 4), (14, 8, 5), (10, 8, 16), (1, 1, 1)] {
            assert!(OlderHash::scrypt(log_n, r, p).is_ok(), "{log_n} {r} {p}");
        }
        let max = u32::MAX;
        for (log_n, r, p) in [
            (0, 8, 1),
            (14, 0, 1),
            (14, 8, 0),
            (18, 8, 1),
            (14, 8, 65),
            (1, 8, 262_144),
            (63, 1, 1),
            (255, 1, 1),
            (1, max, 1),
            (1, 1, max),
            (255, max, max),
        ] {
            assert!(OlderHash::scrypt(log_n, r, p).is_err(), "{log_n} {r} {p}");
        }
        for (cost, is_good) in [(3, false), (4, true), (16, true), (17, false), (31, false), (max, false)] {
            assert_eq!(OlderHash::bcrypt(cost, Before::Nothing).is_ok(), is_good, "{cost}");
        }
    }

    #[test]
    fn lengths_that_bcrypt_does_not_have_are_errors() {
        let scheme = OlderHash::bcrypt(4, Before::Nothing).unwrap();
        for (salt, output) in [(16, 24), (15, 23), (0, 0)] {
            assert!(scheme.compute(&"x".into(), &vec![0; salt], &mut vec![0; output]).is_err());
        }
    }
}
