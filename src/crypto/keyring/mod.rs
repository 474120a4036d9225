//! The keyring: its file, what it seals, the blind index, and the check value of a database.

pub(super) mod check;
pub(super) mod file;
pub(super) mod index;
pub(super) mod ring;
pub(super) mod seal;
