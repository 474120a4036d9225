//! Linked auth: links of security definitions, and the sessions that they open.

pub(super) mod link;
pub(super) mod session;
