//! Hashes that are a hash function applied many times, the password anew each time: phpass and SHA-crypt.

use md5::Md5;
use sha2::{Digest, Sha512};

use crate::crypto::password::params::too_costly;
use crate::domain::Result;

/// The longest password, in bytes, whose hash is computed: each round reads all of it. phpass and libxcrypt accept no
/// longer ones than 4096 and 512.
pub const MAX_PASSWORD: usize = 1024;

/// The alphabet of both, of `crypt(3)`: the lowest bits come first.
pub const ALPHABET: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A scheme and how often it is applied, which is never for more than some seconds of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Iterated {
    /// phpass with MD5: WordPress until 6.7, phpBB 3.
    PhpassMd5(u32),
    /// phpass with SHA-512: Drupal 7.
    PhpassSha512(u32),
    /// `$5$` of `crypt(3)`.
    Sha256Crypt(sha_crypt::Params),
    /// `$6$` of `crypt(3)`.
    Sha512Crypt(sha_crypt::Params),
}

impl Iterated {
    /// Twice the cost that is usual at most; each step is twice the one before.
    const LOG_ROUNDS: std::ops::RangeInclusive<u32> = 7..=20;
    /// Several hundred times what is usual.
    const MAX_CRYPT_ROUNDS: u32 = 2_000_000;

    /// phpass with MD5, of 2 to the power of `log_rounds` rounds.
    ///
    /// # Errors
    /// [`crate::domain::Error::Internal`] when that is out of bounds, as for the others.
    pub fn phpass_md5(log_rounds: u32) -> Result<Self> {
        Self::log_rounds(log_rounds).map(Self::PhpassMd5)
    }

    /// phpass with SHA-512.
    pub fn phpass_sha512(log_rounds: u32) -> Result<Self> {
        Self::log_rounds(log_rounds).map(Self::PhpassSha512)
    }

    /// SHA-crypt with SHA-256.
    pub fn sha256_crypt(rounds: u32) -> Result<Self> {
        Self::crypt_rounds(rounds).map(Self::Sha256Crypt)
    }

    /// SHA-crypt with SHA-512.
    pub fn sha512_crypt(rounds: u32) -> Result<Self> {
        Self::crypt_rounds(rounds).map(Self::Sha512Crypt)
    }

    fn log_rounds(log_rounds: u32) -> Result<u32> {
        Self::LOG_ROUNDS.contains(&log_rounds).then_some(log_rounds).ok_or_else(too_costly)
    }

    fn crypt_rounds(rounds: u32) -> Result<sha_crypt::Params> {
        let bounded = Some(rounds).filter(|rounds| *rounds <= Self::MAX_CRYPT_ROUNDS);
        bounded.and_then(|rounds| sha_crypt::Params::new(rounds).ok()).ok_or_else(too_costly)
    }

    /// The name of the scheme.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PhpassMd5(_) => "phpass",
            Self::PhpassSha512(_) => "phpass-sha512",
            Self::Sha256Crypt(_) => "sha256-crypt",
            Self::Sha512Crypt(_) => "sha512-crypt",
        }
    }

    /// The bytes of the hash, in the order in which they are stored; phpass stores the first of them only.
    pub fn compute(self, password: &[u8], salt: &[u8]) -> Vec<u8> {
        match self {
            Self::PhpassMd5(log_rounds) => phpass::<Md5>(password, salt, log_rounds),
            Self::PhpassSha512(log_rounds) => phpass::<Sha512>(password, salt, log_rounds),
            Self::Sha256Crypt(params) => {
                let next = |(first, second, third)| (third + 1, first + 1, second + 1);
                in_order(&sha_crypt::sha256_crypt(password, salt, params), (0, 10, 20), next, &[30, 31])
            }
            Self::Sha512Crypt(params) => {
                let next = |(first, second, third)| (second + 1, third + 1, first + 1);
                in_order(&sha_crypt::sha512_crypt(password, salt, params), (0, 21, 42), next, &[63])
            }
        }
    }
}

fn phpass<D: Digest>(password: &[u8], salt: &[u8], log_rounds: u32) -> Vec<u8> {
    let mut hash = D::new().chain_update(salt).chain_update(password).finalize();
    for _ in 0..1_u64 << log_rounds {
        hash = D::new().chain_update(&hash).chain_update(password).finalize();
    }
    hash.to_vec()
}

/// SHA-crypt writes threes of bytes, each three from other places, its last byte first, and in the end what remains.
fn in_order(
    hash: &[u8],
    first: (usize, usize, usize),
    next: impl Fn((usize, usize, usize)) -> (usize, usize, usize),
    last: &[usize],
) -> Vec<u8> {
    let threes = std::iter::successors(Some(first), |three| Some(next(*three))).take(hash.len() / 3);
    let places = threes.flat_map(|(first, second, third)| [third, second, first]).chain(last.iter().copied());
    places.filter_map(|place| hash.get(place).copied()).collect()
}
