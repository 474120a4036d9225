//! Signing up: what hooks are told about it, and what they say to it.

use crate::domain::{Code, SignUpStatus};

/// The names of somebody who signs up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documented ones of the concepts page")]
pub struct SignUpNames {
    pub display_name: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
}

/// A user who signs up, or just has: what hooks receive. Never the password, nor the confirmation token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUpDetails {
    /// The name to log in with.
    pub username: String,
    /// The address, where one was given.
    pub email: Option<String>,
    /// The names that were given.
    pub names: SignUpNames,
    /// The application through which it is done.
    pub current_app: String,
    /// The applications it is for.
    pub app_list: Vec<String>,
    /// The status that the account begins with.
    pub sign_up_status: SignUpStatus,
}

/// What a hook says to a sign-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignUpVerdict {
    /// Nothing against it.
    Accepted,
    /// It is refused, with this code, or the generic one.
    Refused(Option<Code>),
}
