//! The section `password_reset`.

use std::collections::BTreeMap;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};
use crate::config::load::setting::choices;
use crate::domain::{EmailAddress, split_sender};

section! {
    /// How users who forgot their password get a new one.
    PasswordReset = "password_reset" {
        /// Minutes that the emailed token is valid. Until then, and until it is used, another request has the same one emailed.
        valid_for: u32 = 30,
        /// Emails that a user gets in an hour, however often somebody asks. 0 is no limit.
        max_per_hour: u32 = 5,
        /// Requests from one address in an hour (E005009). 0 is no limit.
        max_per_hour_per_address: u32 = 200,
        /// Seconds that a user has to choose a new password once the token was used.
        password_change_session_duration: u32 = 1800,
        /// What users are looked up by: "username", "email" or "username_or_email".
        user_search_by: UserSearchBy = UserSearchBy::Username,
        /// The sender of the email.
        email_from: String = String::new(),
        /// The subject of the email, by locale: { en_GB = "Password reset" }. A built-in one is used where there is none.
        email_title: BTreeMap<String, String> = BTreeMap::new(),
        /// The address of the page in the email where a new password is chosen. Empty: our own page, or, where there is none, the
        /// token alone.
        url: String = String::new(),
    }
}

choices! {
    /// What a user is looked up by.
    UserSearchBy: r#""username", "email" or "username_or_email""# {
        /// By username.
        Username = "username",
        /// By email.
        Email = "email",
        /// By either.
        UsernameOrEmail = "username_or_email",
    }
}

/// A year, which is far more than is safe.
const MAX_MINUTES: u32 = 525_600;

impl Validate for PasswordReset {
    fn validate(&self) -> Result<(), Invalid> {
        within("password_reset.valid_for", self.valid_for, 1..=MAX_MINUTES)?;
        let seconds = self.password_change_session_duration;
        within("password_reset.password_change_session_duration", seconds, 1..=MAX_MINUTES * 60)?;
        let (_, address) = split_sender(&self.email_from);
        if !self.email_from.is_empty()
            && !self.email_from.contains(char::is_control)
            && EmailAddress::parse(address).is_err()
        {
            return Err(Invalid::new("password_reset.email_from", "must be an email address"));
        }
        // A line end would let a header be added to the email.
        if self.email_from.contains(char::is_control) {
            return Err(Invalid::new("password_reset.email_from", "must be one line"));
        }
        if self.email_title.values().any(|title| title.contains(char::is_control)) {
            return Err(Invalid::new("password_reset.email_title", "must be one line for each locale"));
        }
        if !self.url.is_empty() && !self.url.contains("://") {
            return Err(Invalid::new(
                "password_reset.url",
                "must be a full address, such as https://example.com/reset",
            ));
        }
        Ok(())
    }
}
