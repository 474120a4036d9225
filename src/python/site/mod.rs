//! Sites, their sessions, and identities: `sso.site` and `sso.identity`.

pub(super) mod api;
pub(super) mod identity;
pub(super) mod session;
