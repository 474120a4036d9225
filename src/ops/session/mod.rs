//! Sessions: login, logout, renewal, lists.

pub(super) mod login;
pub(super) mod manage;
