//! Sessions: `sso.session`, and what calls return.

pub(super) mod api;
pub(super) mod entity;
