//! Users: `sso.user`, and what calls return.

pub(super) mod api;
pub(super) mod change;
pub(super) mod entity;
pub(super) mod password;
pub(super) mod search;
pub(super) mod signup;
