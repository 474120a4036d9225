//! What was read of clients and signing keys, and is kept. `client` has what reads it.

pub(super) mod client;
pub(super) mod key_set;
