//! The section `signup`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// How users sign up on their own.
    SignUp = "signup" {
        /// Whether it is said that a username is taken.
        inform_if_user_exists: bool = false,
        /// Whether it is said that a username is not allowed.
        inform_if_user_invalid: bool = true,
        /// Whether it is said that an email is taken.
        inform_if_email_exists: bool = false,
        /// Whether it is said that an email is not allowed.
        inform_if_email_invalid: bool = true,
        /// Whether an email must be given.
        is_email_required: bool = true,
        /// The greatest number of characters of a username.
        max_length_username: usize = 128,
        /// The greatest number of characters of an email.
        max_length_email: usize = 128,
        /// Whether passwords may have white space in them.
        password_allow_whitespace: bool = true,
        /// Whether a super-user must approve new users before they can log in.
        is_approval_needed: bool = true,
        /// Whether the confirmation token is always returned. If not, it goes by email only where email_confirm_enabled is on.
        /// "auto" returns it only where there is neither smtp.url nor a hook that sends emails.
        always_return_confirm_token: Option<bool> = None,
        /// Hours in which a sign-up must be confirmed: after that it is gone, and its name and email are free. 0 is no limit.
        confirm_within: u32 = 24,
        /// Sign-ups with one email, and requests to repeat theirs, in an hour (E005009). 0 is no limit.
        max_per_hour: u32 = 10,
        /// Sign-ups from one address, and requests to repeat their emails, in an hour (E005009). 0 is no limit.
        max_per_hour_per_address: u32 = 200,
        /// The page where a sign-up is confirmed, for links in emails: the token is appended as the parameter `token`. Empty:
        /// our own page, or, where there is none, the token alone.
        url: String = String::new(),
        /// Whether an email asks new users to confirm. Sent only where SMTP is configured.
        email_confirm_enabled: bool = true,
        /// Whether an email welcomes users who have confirmed. Sent only where SMTP is configured.
        email_welcome_enabled: bool = true,
    }
}

impl Validate for SignUp {
    fn validate(&self) -> Result<(), Invalid> {
        within("signup.max_length_username", self.max_length_username, 1..=10_000)?;
        within("signup.max_length_email", self.max_length_email, 1..=10_000)?;
        within("signup.confirm_within", self.confirm_within, 0..=8760)
    }
}
