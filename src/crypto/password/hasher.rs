//! Password hashes: made with Argon2id, verified by whichever scheme made them.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroizing, optimization_barrier};

use crate::crypto::compare;
use crate::crypto::password::params::{HashParams, OUTPUT_LENGTH, SALT_LENGTH, Salt};
use crate::crypto::password::stored::{Computation, StoredHash};
use crate::crypto::password::text::MAX_OUTPUT_LENGTH;
use crate::domain::{Error, Password, Result};

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Not the password.
    Wrong,
    /// The password.
    Right,
    /// The password, but the stored hash is weaker than new ones are: it should be replaced now.
    RightButOutdated,
}

/// Computes hashes, one at a time, in memory that it keeps from one to the next: getting it from the system for each
/// would cost up to a third more. The memory is wiped after each.
pub struct Hasher {
    params: HashParams,
    blocks: Vec<Block>,
    hashes: u64,
    work_kib: u64,
}

impl Hasher {
    /// One that makes hashes at these parameters. The memory is taken at its first use.
    #[must_use]
    pub const fn new(params: HashParams) -> Self {
        Self { params, blocks: Vec::new(), hashes: 0, work_kib: 0 }
    }

    /// The parameters of new hashes.
    #[must_use]
    pub const fn params(&self) -> HashParams {
        self.params
    }

    /// How many hashes it has computed, of all schemes.
    #[must_use]
    pub const fn hashes(&self) -> u64 {
        self.hashes
    }

    /// How much memory Argon2 has filled in all, in KiB: what its hashes have cost, the wrong ones included.
    #[must_use]
    pub const fn work_kib(&self) -> u64 {
        self.work_kib
    }

    /// Hashes a new password, of any length: nothing is cut off. Returns what to store.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no memory.
    pub fn hash(&mut self, password: &Password, salt: &Salt) -> Result<String> {
        let mut output = Zeroizing::new([0; OUTPUT_LENGTH]);
        self.argon2(Algorithm::Argon2id, Version::V0x13, self.params, password, salt, output.as_mut_slice())?;
        Ok(self.params.phc(salt, &output))
    }

    /// Compares a password with what is stored.
    ///
    /// # Errors
    /// [`Error::Internal`] when what is stored is malformed, of an unknown scheme, or too costly to compute;
    /// [`Error::Unavailable`] when there is no memory.
    pub fn verify(&mut self, stored: &str, password: &Password) -> Result<Verdict> {
        let StoredHash { computation, salt, expected } = StoredHash::parse(stored)?;
        let mut buffer = Zeroizing::new([0; MAX_OUTPUT_LENGTH]);
        let output = buffer
            .get_mut(..expected.len())
            .ok_or_else(|| Error::internal("a stored password hash is too long"))?;
        match computation {
            Computation::Argon2(algorithm, version, params) => {
                self.argon2(algorithm, version, params, password, &salt, output)?;
            }
            Computation::Older(older) => {
                self.hashes = self.hashes.saturating_add(1);
                if !older.compute(password, &salt, output)? {
                    return Ok(Verdict::Wrong);
                }
            }
        }
        if !compare::equal(output, &expected) {
            return Ok(Verdict::Wrong);
        }
        let is_current = salt.len() >= SALT_LENGTH
            && expected.len() >= OUTPUT_LENGTH
            && matches!(
                computation,
                Computation::Argon2(Algorithm::Argon2id, Version::V0x13, params) if self.suffices(params)
            );
        Ok(if is_current { Verdict::Right } else { Verdict::RightButOutdated })
    }

    /// Whether these parameters are no weaker than those of new hashes. More lanes make a hash faster to compute, not
    /// harder to guess: they do not count.
    const fn suffices(&self, params: HashParams) -> bool {
        params.memory_kib() >= self.params.memory_kib() && params.iterations() >= self.params.iterations()
    }

    fn argon2(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: HashParams,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<()> {
        let (memory_kib, iterations) = (params.memory_kib(), params.iterations());
        let argon2 = Params::new(memory_kib, iterations, params.parallelism(), Some(output.len()))
            .map(|params| Argon2::new(algorithm, version, params))
            .map_err(Error::internal)?;
        self.provide(argon2.params().block_count())?;
        let password = password.expose().as_bytes();
        let result = argon2.hash_password_into_with_memory(password, salt, output, &mut self.blocks);
        self.hashes = self.hashes.saturating_add(1);
        self.work_kib = self.work_kib.saturating_add(params.work_kib());
        self.wipe();
        result.map_err(Error::internal)
    }

    /// Makes sure of enough blocks, without taking the process down when there is no memory.
    fn provide(&mut self, count: usize) -> Result<()> {
        self.blocks.try_reserve_exact(count.saturating_sub(self.blocks.len())).map_err(Error::unavailable)?;
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        Ok(())
    }

    /// Overwrites all blocks, and gives back those that only a costlier stored hash needed.
    fn wipe(&mut self) {
        self.blocks.fill(Block::new());
        // Without it the compiler may leave the writes out. `zeroize` does the same, one word after the other.
        optimization_barrier(self.blocks.as_slice());
        let own = usize::try_from(self.params.memory_kib()).unwrap_or(usize::MAX);
        self.blocks.truncate(own);
        self.blocks.shrink_to_fit();
    }
}

/// For the case that a computation did not come to its end.
impl Drop for Hasher {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::HashParamsError;
    use argon2::password_hash::phc::PasswordHash;
    use proptest::prelude::*;

    const SALT: Salt = *b"sixteen bytes ok";

    fn hasher(memory_kib: u32, iterations: u32) -> Hasher {
        Hasher::new(HashParams::new(memory_kib, iterations, 1).unwrap())
    }

    fn verify(stored: &str, password: &str) -> Result<Verdict> {
        hasher(16, 2).verify(stored, &Password::from(password))
    }

    /// From the test suite of the reference implementation (P-H-C/phc-winner-argon2, src/test.c).
    #[test]
    fn hashes_of_the_reference_implementation_are_verified() {
        for stored in [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ] {
            // Their salt has eight bytes.
            assert_eq!(verify(stored, "password").unwrap(), Verdict::RightButOutdated, "{stored}");
            assert_eq!(verify(stored, "passwore").unwrap(), Verdict::Wrong, "{stored}");
        }
    }

    #[test]
    fn what_is_stored_is_argon2id_with_16_bytes_of_salt_and_32_of_hash() {
        let stored = Hasher::new(HashParams::DEFAULT).hash(&"password".into(), &SALT).unwrap();
        let parsed = PasswordHash::new(&stored).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(parsed.salt.unwrap().as_ref(), SALT);
        assert_eq!(parsed.hash.unwrap().len(), 32);
        assert_eq!(parsed.to_string(), stored);
    }

    #[test]
    fn a_long_password_counts_to_its_last_character() {
        let mut hasher = hasher(16, 1);
        let long = "x".repeat(199);
        let stored = hasher.hash(&format!("{long}a").into(), &SALT).unwrap();
        assert_eq!(hasher.verify(&stored, &format!("{long}a").into()).unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(&stored, &format!("{long}b").into()).unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(&stored, &long.into()).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_nul_character_ends_nothing() {
        let mut hasher = hasher(16, 1);
        let stored = hasher.hash(&"a\0b".into(), &SALT).unwrap();
        assert_eq!(hasher.verify(&stored, &"a\0b".into()).unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(&stored, &"a".into()).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn weaker_hashes_are_outdated_and_stronger_ones_are_not() {
        let password = Password::from("password");
        let stored = hasher(32, 2).hash(&password, &SALT).unwrap();
        for (memory_kib, iterations, expected) in [
            (32, 2, Verdict::Right),
            (16, 1, Verdict::Right),
            (33, 2, Verdict::RightButOutdated),
            (32, 3, Verdict::RightButOutdated),
        ] {
            let verdict = hasher(memory_kib, iterations).verify(&stored, &password).unwrap();
            assert_eq!(verdict, expected, "{memory_kib} KiB, {iterations} iterations");
        }
    }

    #[test]
    fn memory_is_kept_wiped_and_not_more_than_its_own() {
        let mut small = hasher(16, 1);
        let stored = hasher(64, 1).hash(&"password".into(), &SALT).unwrap();
        assert_eq!(small.verify(&stored, &"password".into()).unwrap(), Verdict::Right);
        assert_eq!(small.blocks.len(), 16);
        let _ = small.hash(&"password".into(), &SALT).unwrap();
        assert_eq!(small.blocks.len(), 16);
        assert!(small.blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }

    #[test]
    fn the_hash_of_unknown_users_costs_what_a_new_one_does_and_nothing_matches_it() {
        for (memory_kib, iterations, parallelism) in [(19_456, 2, 1), (64, 3, 2)] {
            let params = HashParams::new(memory_kib, iterations, parallelism).unwrap();
            let mut known = Hasher::new(params);
            let stored = known.hash(&"password".into(), &SALT).unwrap();
            let cost_of = |stored: &str| {
                let mut hasher = Hasher::new(params);
                (hasher.verify(stored, &"password".into()).unwrap(), hasher.work_kib())
            };
            assert_eq!(cost_of(&stored), (Verdict::Right, known.work_kib()));
            assert_eq!(cost_of(&params.unmatched_hash()), (Verdict::Wrong, known.work_kib()));
            assert_eq!(stored.len(), params.unmatched_hash().len());
        }
    }

    #[test]
    fn hostile_parameters_are_refused_before_memory_is_taken() {
        for params in [
            "m=4294967295,t=1,p=1",
            "m=104857600,t=1,p=1",
            "m=2097152,t=5,p=1",
            "m=8,t=4294967295,p=1",
            "m=19456,t=0,p=1",
            "m=7,t=1,p=1",
            "m=19456,t=1,p=0",
            "m=19456,t=1,p=65",
            "m=4294967295,t=4294967295,p=16777215",
        ] {
            let stored =
                format!("$argon2id$v=19${params}$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
            let mut hasher = hasher(16, 1);
            let error = hasher.verify(&stored, &"password".into()).unwrap_err();
            assert!(matches!(error, Error::Internal(_)), "{params}");
            assert_eq!((hasher.blocks.capacity(), hasher.work_kib()), (0, 0), "{params}");
        }
    }

    #[test]
    fn parameters_say_what_is_wrong_with_them() {
        assert_eq!(HashParams::new(8, 1, 1).map(HashParams::memory_kib), Ok(8));
        assert_eq!(HashParams::new(2_097_152, 1, 4).map(HashParams::parallelism), Ok(4));
        assert_eq!(HashParams::new(8, 1_048_576, 1).map(HashParams::iterations), Ok(1_048_576));
        assert_eq!(HashParams::new(15, 1, 2), Err(HashParamsError::Memory));
        assert_eq!(HashParams::new(2_097_153, 1, 1), Err(HashParamsError::Memory));
        assert_eq!(HashParams::new(19_456, 2, u32::MAX), Err(HashParamsError::Parallelism));
        assert_eq!(HashParams::new(8, 1_048_577, 1), Err(HashParamsError::Iterations));
        assert!(HashParamsError::Memory.to_string().ends_with("2097152 at most"));
    }

    #[test]
    fn what_is_malformed_or_unknown_is_an_error_that_does_not_quote_it() {
        let good = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let malformed = [
            good.rsplit_once('$').unwrap().0.to_owned(),
            good.replace("m=256", "m=x"),
            good.replace("v=19", "v=18"),
            good.replace("c29t", "!!!!"),
            format!("{good}$"),
            format!("{good} "),
            good.replace("m=256,", ""),
            good.replace("p=1", "p=1,data=c29tZXNhbHQ"),
        ];
        let unknown =
            ["", "$", "$$", "plain", "$argon2x$", "$2x$12$abc", "argon2$argon2$x"].map(str::to_owned);
        for stored in malformed.into_iter().chain(unknown) {
            let error = verify(&stored, "password").unwrap_err();
            assert!(matches!(error, Error::Internal(_)), "{stored}");
            assert!(!error.to_string().contains("nf65") && !error.to_string().contains("!!"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_stored_text_gives_an_answer(stored in "\\PC{0,60}|\\$argon2id\\$v=19\\$[mtpv=,0-9]{0,20}\\$[A-Za-z0-9+/$]{0,60}") {
            let _ = verify(&stored, "password");
        }
    }
}
