//! `sso.user`.

pub(super) mod api;
pub(super) mod change;
pub(super) mod password;
pub(super) mod search;
pub(super) mod signup;
