//! Credentials beside the password.

pub(super) mod enrolment;
pub(super) mod passkey;
pub(super) mod recovery_code;
pub(super) mod totp;
