//! The section `email`.

use std::path::PathBuf;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// What emails look like, and how many wait.
    Email = "email" {
        /// A folder of templates that override the built-in ones by file name and locale. Empty: the built-in ones.
        templates: Option<PathBuf> = None,
        /// Emails that wait in the database at most, for a mail server that is away for instance. What would need one more
        /// is refused (E005009).
        max_waiting: u32 = 10_000,
    }
}

impl Validate for Email {
    fn validate(&self) -> Result<(), Invalid> {
        within("email.max_waiting", self.max_waiting, 1..=1_000_000)
    }
}
