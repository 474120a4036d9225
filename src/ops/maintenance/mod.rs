//! Cleanup of what has expired, backups, and the doctor.

pub(super) mod audit_chain;
mod audit_keep;
mod audit_seal;
pub(super) mod backup;
pub(super) mod cleanup;
pub(super) mod console;
pub(super) mod doctor;
pub(super) mod refusals;
pub(super) mod time;
