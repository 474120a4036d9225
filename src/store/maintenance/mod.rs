//! Deletion of what has expired, copies, and what a database says of its health.

pub mod cleanup;
pub mod copy;
pub mod doctor;
pub mod sealed;
