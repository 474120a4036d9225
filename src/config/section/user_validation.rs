//! The section `user_validation`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, no_blanks, section};

section! {
    /// What those who sign up may not call themselves.
    UserValidation = "user_validation" {
        /// Strings that are not allowed anywhere inside a username, in any case of letters.
        reject_username: Vec<String> = RESERVED.map(str::to_owned).into(),
        /// Strings that are not allowed anywhere inside an email, in any case of letters.
        reject_email: Vec<String> = RESERVED.map(str::to_owned).into(),
    }
}

const RESERVED: [&str; 5] = ["zato", "admin", "root", "system", "sso"];

impl Validate for UserValidation {
    fn validate(&self) -> Result<(), Invalid> {
        no_blanks("user_validation.reject_username", &self.reject_username)?;
        no_blanks("user_validation.reject_email", &self.reject_email)
    }
}
