//! Cleanup of what has expired, and the doctor.

pub(super) mod cleanup;
pub(super) mod doctor;
pub(super) mod refusals;
