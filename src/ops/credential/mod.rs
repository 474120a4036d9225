//! Credentials beside the password.

pub(super) mod totp;
