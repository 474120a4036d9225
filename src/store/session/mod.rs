//! Sessions and their renewal.

pub mod cache;
pub mod device;
pub mod record;
pub mod renewal;
