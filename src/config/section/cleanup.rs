//! The section `cleanup`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// The deletion of what has expired.
    Cleanup = "cleanup" {
        /// Seconds between two runs.
        interval: u32 = 300,
    }
}

impl Validate for Cleanup {
    fn validate(&self) -> Result<(), Invalid> {
        within("cleanup.interval", self.interval, 1..=31_536_000)
    }
}
