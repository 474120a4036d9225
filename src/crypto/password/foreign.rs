//! Password hashes that are not Argon2: computed to verify those that other systems have made, never to make new ones.

use bcrypt::bcrypt;
use data_encoding::HEXLOWER;
use hmac::{EagerHash, Hmac, KeyInit};
use pbkdf2::pbkdf2;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::crypto::password::params::too_costly;
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
    Scrypt(scrypt::Params),
    Bcrypt { cost: u32, prehash: bool },
}

/// The hash function within PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// As Keycloak and Django used it long ago.
    Sha1,
    /// Django's and Keycloak's.
    Sha256,
    /// Zato's, and Keycloak's newer one.
    Sha512,
}

impl Digest {
    /// How many bytes one block of the output has.
    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
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
        // No step overflows but for numbers that are too large in any case.
        let n = 1_u64.checked_shl(log_n.into()).unwrap_or(u64::MAX);
        let block = u64::from(r).saturating_mul(128);
        let memory = block.saturating_mul(n.saturating_add(u64::from(p)));
        let work = block.saturating_mul(n).saturating_mul(u64::from(p));
        if log_n == 0 || memory > Self::MAX_SCRYPT_MEMORY || work > Self::MAX_SCRYPT_WORK {
            return Err(too_costly());
        }
        let params = scrypt::Params::new(log_n, r, p).map_err(|_| too_costly())?;
        Ok(Self(Scheme::Scrypt(params)))
    }

    /// bcrypt; with `prehash`, of the SHA-256 digest of the password in hexadecimal, as Django does it.
    ///
    /// # Errors
    /// [`Error::Internal`] when the cost is out of bounds.
    pub fn bcrypt(cost: u32, prehash: bool) -> Result<Self> {
        if !Self::BCRYPT_COSTS.contains(&cost) {
            return Err(too_costly());
        }
        Ok(Self(Scheme::Bcrypt { cost, prehash }))
    }

    /// What is its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Scheme::Pbkdf2 { digest: Digest::Sha1, .. } => "pbkdf2-sha1",
            Scheme::Pbkdf2 { digest: Digest::Sha256, .. } => "pbkdf2-sha256",
            Scheme::Pbkdf2 { digest: Digest::Sha512, .. } => "pbkdf2-sha512",
            Scheme::Scrypt(_) => "scrypt",
            Scheme::Bcrypt { prehash: false, .. } => "bcrypt",
            Scheme::Bcrypt { prehash: true, .. } => "bcrypt-sha256",
        }
    }

    /// Computes the hash of a password, as long as `output` is.
    ///
    /// # Errors
    /// [`Error::Internal`] when the salt or the output is not of a length that the scheme has.
    pub fn compute(self, password: &Password, salt: &[u8], output: &mut [u8]) -> Result<()> {
        let password = password.expose().as_bytes();
        match self.0 {
            Scheme::Pbkdf2 { digest, rounds } => match digest {
                Digest::Sha1 => derive::<Sha1>(password, salt, rounds, output),
                Digest::Sha256 => derive::<Sha256>(password, salt, rounds, output),
                Digest::Sha512 => derive::<Sha512>(password, salt, rounds, output),
            },
            Scheme::Scrypt(params) => {
                scrypt::scrypt(password, salt, &params, output).map_err(Error::internal)
            }
            Scheme::Bcrypt { cost, prehash: false } => blowfish(password, cost, salt, output),
            Scheme::Bcrypt { cost, prehash: true } => {
                let digest = Zeroizing::new(HEXLOWER.encode(&Sha256::digest(password)));
                blowfish(digest.as_bytes(), cost, salt, output)
            }
        }
    }
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
        scheme.unwrap().compute(&password.into(), salt, &mut output).unwrap();
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
            assert_eq!(OlderHash::bcrypt(cost, false).is_ok(), is_good, "{cost}");
        }
    }

    #[test]
    fn lengths_that_bcrypt_does_not_have_are_errors() {
        let scheme = OlderHash::bcrypt(4, false).unwrap();
        for (salt, output) in [(16, 24), (15, 23), (0, 0)] {
            assert!(scheme.compute(&"x".into(), &vec![0; salt], &mut vec![0; output]).is_err());
        }
    }
}
