//! One's own account.

pub(super) mod application;
pub(super) mod data;
pub(super) mod delete;
pub(super) mod email;
pub(super) mod passkey;
pub(super) mod password;
pub(super) mod profile;
pub(super) mod session;
pub(super) mod two_factor;
