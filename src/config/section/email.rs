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
        /// Whether a new email of one's own counts when it is confirmed by a link that is sent there, and not at once.
        /// "auto" asks for that where there is smtp.url or a hook that sends emails; where there is neither, true is a warning
        /// at opening, and a new email counts at once.
        confirm_change: Option<bool> = None,
        /// The page where a new email is confirmed, for links in emails: the token is appended as the parameter `token`.
        /// Empty: our own page, or, where there is none, the token alone.
        confirm_url: String = String::new(),
        /// Whether users are emailed when the password, TOTP or recovery codes change, or a recovery code was used.
        security_notices: bool = true,
        /// Hours in which a new email must be confirmed.
        confirm_within: u32 = 24,
    }
}

impl Validate for Email {
    fn validate(&self) -> Result<(), Invalid> {
        within("email.max_waiting", self.max_waiting, 1..=1_000_000)?;
        within("email.confirm_within", self.confirm_within, 1..=8760)
    }
}
