//! The section `password`.

use std::path::PathBuf;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, no_blanks, section, within};

section! {
    /// What passwords must be like, and how long they live.
    Password = "password" {
        /// Days after which a password expires; 0 is never.
        expiry: u32 = 0,
        /// Whether a user whose password has expired learns of it (E003004, else E005001).
        inform_if_expired: bool = false,
        /// Whether a user whose password is about to expire learns of it at login (W003005).
        inform_if_about_to_expire: bool = true,
        /// Whether a user who must change the password learns of it (E003007, else E005001).
        inform_if_must_be_changed: bool = true,
        /// Whether it is said why a new password is refused.
        inform_if_invalid: bool = true,
        /// Whether a user whose password is about to expire may log in (else E003006).
        log_in_if_about_to_expire: bool = true,
        /// Days before its expiry from which a password is about to expire.
        about_to_expire_threshold: u32 = 30,
        /// The least number of characters.
        min_length: usize = 8,
        /// The greatest number of characters.
        max_length: usize = 256,
        /// The least zxcvbn score, 0 to 4. 0 turns it off.
        min_complexity: u8 = 0,
        /// Strings that do not count, in any case of letters: a password that has one needs 15 characters, or min_length where
        /// that is more, beside it.
        reject_list: Vec<String> = REJECT_LIST.map(str::to_owned).into(),
        /// Whether the 10,000 most common passwords are refused, in any case of letters.
        reject_common: bool = true,
        /// The file of a filter of breached passwords, made by zato-sso build-breached-filter: those in it are refused. Empty:
        /// there is none.
        breached_filter: Option<PathBuf> = None,
        /// How many previous passwords may not be used again.
        history: u32 = 0,
    }
}

const REJECT_LIST: [&str; 24] = [
    "111111",
    "123123",
    "123321",
    "123456",
    "123qwe",
    "1q2w3e",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "222222",
    "333333",
    "444444",
    "555555",
    "654321",
    "666666",
    "777777",
    "888888",
    "999999",
    "987654321",
    "google",
    "letmein",
    "mynoob",
    "password",
    "qwerty",
    "zxcvbnm",
];

/// A hundred years: what is longer is a mistake, and times must stay below the year 9999.
const MAX_DAYS: u32 = 36_500;

/// The work of one check is bounded by the longest password.
const MAX_CHARACTERS: usize = 10_000;

impl Validate for Password {
    fn validate(&self) -> Result<(), Invalid> {
        within("password.expiry", self.expiry, 0..=MAX_DAYS)?;
        within("password.about_to_expire_threshold", self.about_to_expire_threshold, 0..=MAX_DAYS)?;
        within("password.min_length", self.min_length, 1..=MAX_CHARACTERS)?;
        within("password.max_length", self.max_length, 1..=MAX_CHARACTERS)?;
        if self.max_length < self.min_length {
            let problem = format!("must not be below password.min_length, which is {}", self.min_length);
            return Err(Invalid::against("password.max_length", "password.min_length", problem));
        }
        within("password.min_complexity", self.min_complexity, 0..=4)?;
        within("password.history", self.history, 0..=1_000)?;
        no_blanks("password.reject_list", &self.reject_list)
    }
}
