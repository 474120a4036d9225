//! The section `attr`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// What custom attributes may take. 0 is no limit. What is there already stays readable, and may become smaller.
    Attr = "attr" {
        /// The greatest size of a value, in bytes of JSON; never more than 1 MiB.
        max_value_bytes: usize = 65_536,
        /// How many bytes the values of one user or one session take together, as they are stored.
        max_bytes_per_owner: usize = 1_048_576,
        /// How many attributes one user or one session has.
        max_per_owner: usize = 1_000,
        /// How many bytes the values of all sessions of one user take together.
        max_bytes_in_sessions: usize = 16_777_216,
        /// How many attributes all sessions of one user have together.
        max_in_sessions: usize = 10_000,
    }
}

impl Validate for Attr {
    fn validate(&self) -> Result<(), Invalid> {
        within("attr.max_value_bytes", self.max_value_bytes, 0..=1_048_576)?;
        within("attr.max_bytes_per_owner", self.max_bytes_per_owner, 0..=1_099_511_627_776)?;
        within("attr.max_per_owner", self.max_per_owner, 0..=1_000_000_000)?;
        within("attr.max_bytes_in_sessions", self.max_bytes_in_sessions, 0..=1_099_511_627_776)?;
        within("attr.max_in_sessions", self.max_in_sessions, 0..=1_000_000_000)
    }
}
