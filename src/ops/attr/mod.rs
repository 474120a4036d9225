//! Custom attributes of users and of sessions.

pub(super) mod manage;
pub(super) mod quota;
pub(super) mod request;
