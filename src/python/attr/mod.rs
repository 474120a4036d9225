//! Attributes of users and sessions: `user.attr` and `session.attr`.

pub(super) mod api;
pub(super) mod call;
pub(super) mod data;
pub(super) mod entity;
