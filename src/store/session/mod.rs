//! Sessions and their renewal.

pub mod record;
pub mod renewal;
