//! Counters, and text for Prometheus.

pub(super) mod count;
pub(super) mod known;
pub(super) mod text;
