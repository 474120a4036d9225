//! What a hash costs, and the bounds of it.

use data_encoding::BASE64_NOPAD;

use crate::domain::Error;

/// Bytes of salt in a new hash.
pub(in crate::crypto) const SALT_LENGTH: usize = 16;
/// Bytes of output in a new hash.
pub(in crate::crypto) const OUTPUT_LENGTH: usize = 32;

/// The salt of one hash: new random bytes each time.
pub type Salt = [u8; SALT_LENGTH];

/// What Argon2id costs (RFC 9106, section 3.1).
///
/// The same limits hold for what is configured and for what is read back from storage, so that whatever was hashed
/// can be verified, and a manipulated row cannot make the server allocate without bounds or compute for hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

/// Which parameter is out of its limits, and what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashParamsError {
    /// The number of lanes.
    #[error("parallelism must be 1 to {}", HashParams::MAX_PARALLELISM)]
    Parallelism,
    /// The memory.
    #[error(
        "memory_kib must be 8 times the parallelism at least, and {} at most",
        HashParams::MAX_MEMORY_KIB
    )]
    Memory,
    /// The number of passes over the memory.
    #[error(
        "iterations must be 1 at least, and memory_kib times iterations {} at most",
        HashParams::MAX_WORK_KIB
    )]
    Iterations,
}

impl HashParams {
    /// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
    pub const DEFAULT: Self = Self { memory_kib: 19_456, iterations: 2, parallelism: 1 };

    /// 2 GiB, the first choice of RFC 9106, section 4.
    const MAX_MEMORY_KIB: u32 = 2 * 1024 * 1024;
    const MAX_PARALLELISM: u32 = 64;
    /// 8 GiB filled: several seconds of one core.
    const MAX_WORK_KIB: u64 = 8 * 1024 * 1024;

    /// Parameters: memory in KiB, passes over it, lanes.
    ///
    /// # Errors
    /// Which parameter is out of its limits.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, HashParamsError> {
        let params = Self { memory_kib, iterations, parallelism };
        if !(1..=Self::MAX_PARALLELISM).contains(&parallelism) {
            return Err(HashParamsError::Parallelism);
        }
        if !(8 * parallelism..=Self::MAX_MEMORY_KIB).contains(&memory_kib) {
            return Err(HashParamsError::Memory);
        }
        if iterations == 0 || params.work_kib() > Self::MAX_WORK_KIB {
            return Err(HashParamsError::Iterations);
        }
        Ok(params)
    }

    /// Memory, in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Lanes.
    #[must_use]
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }

    /// A stored hash at these parameters that no password has been found for, nor can be: what the password of an
    /// unknown user is compared with.
    #[must_use]
    pub fn unmatched_hash(self) -> String {
        self.phc(&[0; SALT_LENGTH], &[0; OUTPUT_LENGTH])
    }

    /// How much memory is filled in all, in KiB: what a hash costs.
    pub(in crate::crypto) fn work_kib(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }

    /// The string that is stored, in the PHC format: everything that verification needs.
    pub(in crate::crypto) fn phc(self, salt: &Salt, output: &[u8; OUTPUT_LENGTH]) -> String {
        let Self { memory_kib, iterations, parallelism } = self;
        let (salt, output) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(output));
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${output}")
    }
}

impl Default for HashParams {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A hash without any cost, or whose computation would keep a thread busy for too long.
pub fn too_costly() -> Error {
    Error::internal("a stored password hash is out of bounds: it costs too much to compute, or nothing")
}
