//! Sessions and their renewal.

pub mod cache;
pub mod client;
pub mod device;
pub mod proof;
pub mod record;
pub mod renewal;
