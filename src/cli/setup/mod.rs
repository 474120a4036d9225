//! What a command starts with: configuration, database, secrets.

pub(super) mod open;
pub(super) mod secret;
