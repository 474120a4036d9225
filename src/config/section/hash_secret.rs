//! The section `hash_secret`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// How passwords are hashed: the parameters of Argon2id. Stronger ones are applied to a user at the next login.
    HashSecret = "hash_secret" {
        /// Memory for one hash, in KiB.
        memory_kib: u32 = 19456,
        /// Passes over that memory.
        iterations: u32 = 2,
        /// Lanes.
        parallelism: u32 = 1,
        /// Whether parameters below OWASP's minimum are accepted. For test suites only, where hashing would take most of the time.
        allow_weak: bool = false,
    }
}

/// KiB and passes that OWASP's Password Storage Cheat Sheet gives as equally strong minima, all with one lane.
const MINIMA: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// RFC 9106, section 3.1.
const MAX_PARALLELISM: u32 = (1 << 24) - 1;

impl Validate for HashSecret {
    fn validate(&self) -> Result<(), Invalid> {
        within("hash_secret.iterations", self.iterations, 1..=u32::MAX)?;
        within("hash_secret.parallelism", self.parallelism, 1..=MAX_PARALLELISM)?;
        // RFC 9106, section 3.1: at least 8 blocks of 1 KiB a lane.
        within("hash_secret.memory_kib", self.memory_kib, self.parallelism * 8..=u32::MAX)?;
        let enough =
            MINIMA.iter().any(|(memory, passes)| self.memory_kib >= *memory && self.iterations >= *passes);
        if enough || self.allow_weak {
            return Ok(());
        }
        let problem = format!(
            "of {} with {} iterations is below OWASP's minimum (19456 with 2, or 47104 with 1, 12288 with 3, 9216 with 4, \
             7168 with 5); hash_secret.allow_weak = true accepts it, for tests",
            self.memory_kib, self.iterations
        );
        Err(Invalid::against("hash_secret.memory_kib", "hash_secret.iterations", problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of_problem(
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
        allow_weak: bool,
    ) -> Option<&'static str> {
        let section = HashSecret { memory_kib, iterations, parallelism, allow_weak };
        section.validate().err().map(|invalid| invalid.key)
    }

    #[test]
    fn weak_parameters_need_to_be_allowed() {
        for (memory, passes) in MINIMA {
            assert_eq!(key_of_problem(memory, passes, 1, false), None);
            assert_eq!(key_of_problem(memory - 1, passes, 1, false), Some("hash_secret.memory_kib"));
            assert_eq!(key_of_problem(memory - 1, passes, 1, true), None);
        }
    }

    #[test]
    fn what_argon2_cannot_do_is_never_allowed() {
        assert_eq!(key_of_problem(8, 1, 1, true), None);
        assert_eq!(key_of_problem(7, 1, 1, true), Some("hash_secret.memory_kib"));
        assert_eq!(key_of_problem(31, 1, 4, true), Some("hash_secret.memory_kib"));
        assert_eq!(key_of_problem(19456, 0, 1, true), Some("hash_secret.iterations"));
        assert_eq!(key_of_problem(19456, 2, 0, true), Some("hash_secret.parallelism"));
        assert_eq!(key_of_problem(u32::MAX, 2, 1 << 24, true), Some("hash_secret.parallelism"));
    }
}
