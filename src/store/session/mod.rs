//! Sessions and their renewal.

pub mod cache;
pub mod record;
pub mod renewal;
