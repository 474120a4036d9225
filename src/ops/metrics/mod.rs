//! What the process counts, and its text for Prometheus.

pub(super) mod count;
mod gather;
pub(super) mod known;
pub(super) mod text;
