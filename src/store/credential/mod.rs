//! Credentials beside the password: passkeys, recovery codes, TOTP keys that are to take effect.

pub mod enrolment;
pub mod passkey;
pub mod passkey_ceremony;
pub mod recovery_code;
