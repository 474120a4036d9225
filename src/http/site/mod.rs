//! The sessions API, in OneAll's format, and what browsers need of it.

pub(super) mod browser;
pub(super) mod envelope;
pub(super) mod failure;
pub(super) mod session;
pub(super) mod user;
