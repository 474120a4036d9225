//! The configuration files of a Zato 3.x server.

pub(super) mod convert;
pub(super) mod files;
