//! The section `user_validation`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, no_blanks, section};

section! {
    /// What those who sign up may not call themselves.
    UserValidation = "user_validation" {
        /// Words that are not allowed as usernames, nor are names that look like one of them. Inside longer names they are.
        reject_username: Vec<String> = RESERVED.map(str::to_owned).into(),
        /// Addresses that are not allowed: "ann@example.com", a domain with all below it as "example.com", or what stands
        /// before the @, as "postmaster".
        reject_email: Vec<String> = Vec::new(),
        /// Whether names that look like another user's are not allowed.
        reject_look_alikes: bool = true,
        /// Whether usernames are the same in any case of letters. Databases remember what they were made with, and those of
        /// earlier versions tell case apart: zato-sso migrate --usernames changes what they do to what is said here.
        case_insensitive: bool = true,
    }
}

const RESERVED: [&str; 5] = ["zato", "admin", "root", "system", "sso"];

impl Validate for UserValidation {
    fn validate(&self) -> Result<(), Invalid> {
        no_blanks("user_validation.reject_username", &self.reject_username)?;
        no_blanks("user_validation.reject_email", &self.reject_email)
    }
}
