//! Cached sessions, and how a process hears of changes that others make.

pub(super) mod epoch;
pub(super) mod file;
pub mod lease;
pub mod moment;
pub mod slots;
