//! The section `hash`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// Calls that wait for a password to be hashed: as many are hashed at once as there are cores. Logins have most of the turns,
    /// and half of the memory to themselves; networks take turns.
    Hash = "hash" {
        /// Seconds that a call waits at most. After that it fails, and can be tried again.
        max_wait: u32 = 10,
        /// KiB of memory that all waiting calls take together. One for which there is no room fails at once.
        max_waiting_kib: u32 = 16_384,
    }
}

impl Validate for Hash {
    fn validate(&self) -> Result<(), Invalid> {
        within("hash.max_wait", self.max_wait, 1..=3_600)?;
        within("hash.max_waiting_kib", self.max_waiting_kib, 64..=16_777_216)
    }
}
