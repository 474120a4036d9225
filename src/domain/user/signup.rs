//! Signing up: what hooks are told about it, and what they say to it.

use crate::domain::{Code, SignUpStatus};

/// A user who signs up, or just has: what hooks receive. Never the password, nor the confirmation token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUpDetails {
    /// The name to log in with.
    pub username: String,
    /// The address, where one was given.
    pub email: Option<String>,
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
