//! Why a command did not succeed: one line that says what is wrong and what to do about it.

use std::fmt;

use crate::config;
use crate::domain::{Code, Error, one_line};
use crate::ops::OpenError;

/// Why a command ends with status 1.
#[derive(Debug)]
pub(in crate::cli) enum Failure {
    /// The configuration cannot be used.
    Config(config::Error),
    /// Single sign-on cannot be opened.
    Open(OpenError),
    /// An operation was refused or failed.
    Operation(Error),
    /// The command's own reason.
    Message(String),
    /// Standard output cannot be written to.
    Output(std::io::Error),
    /// The reason was part of the command's output.
    Told,
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        Self::Config(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Operation(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Config(error) => error.to_string(),
            Self::Open(error) => error.to_string(),
            Self::Operation(error @ Error::Refused { code, detail: None }) => match advice(*code) {
                Some(advice) => format!("{error}: {advice}"),
                None => error.to_string(),
            },
            Self::Operation(error @ (Error::Overloaded(_) | Error::Unavailable(_))) => {
                format!("{error}; try again")
            }
            Self::Operation(error) => error.to_string(),
            Self::Message(message) => message.clone(),
            Self::Output(error) => format!("cannot write to standard output: {error}"),
            Self::Told => String::new(),
        };
        f.write_str(&one_line(&text))
    }
}

/// What a code means, for a person at a terminal, where the operation says no more than the code.
fn advice(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::UsernameExists => "this name is taken, choose another",
        Code::UsernameInvalid => "this cannot be a username, choose another",
        Code::UsernameHasWhitespace => "a username must not contain white space",
        Code::UserIdInvalid => "the user was deleted meanwhile",
        Code::EmailExists => "another user has this email, choose another",
        Code::EmailInvalid => "this cannot be an email, correct it",
        Code::AuthLocked => "the account is locked, zato-sso unlock-user unlocks it",
        Code::AuthNotApproved => "the account is not approved by a super-user",
        Code::AuthInvalidSignupStatus => "the sign-up was not confirmed yet",
        Code::EmailHasWhitespace => "an email must not contain white space",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_begins_with_its_code_and_says_what_to_do() {
        let failure = Failure::from(Error::from(Code::UsernameExists));
        insta::assert_snapshot!(failure, @"E001002 username.exists: this name is taken, choose another");
        let failure =
            Failure::from(Error::refused(Code::PasswordTooShort, "password: at least 8 characters"));
        insta::assert_snapshot!(failure, @"E003002 password.too_short: password: at least 8 characters");
    }

    #[test]
    fn every_failure_is_one_line() {
        let failure = Failure::from(Error::internal("first\nsecond\x1b[2J"));
        insta::assert_snapshot!(failure, @r"internal error: first second\u{1b}[2J");
    }
}
