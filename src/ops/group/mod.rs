//! Groups of users.

pub(super) mod manage;
pub(super) mod member;
