//! Passkeys: registration, management, and what a login finds out about them.

pub(in crate::ops) mod ceremony;
pub(in crate::ops) mod manage;
pub(in crate::ops) mod proof;
pub(in crate::ops) mod registration;
