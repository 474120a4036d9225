//! Deletion of what has expired, and what a database says of its health.

pub mod cleanup;
pub mod doctor;
