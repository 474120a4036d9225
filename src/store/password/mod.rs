//! Password expiry, former passwords, and resets.

pub mod expiry;
pub mod history;
pub mod reset;
