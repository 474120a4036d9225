//! Credentials beside the password: recovery codes, TOTP keys that are to take effect.

pub mod enrolment;
pub mod recovery_code;
