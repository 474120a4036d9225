//! Passwords: changes, expiry and resets.

pub(super) mod accept;
pub(super) mod change;
pub(super) mod expiry;
pub(super) mod reset;
