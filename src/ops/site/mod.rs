//! Sites, their users, identities, sessions and browsers.

pub(super) mod browser;
pub(super) mod identity;
pub(super) mod registry;
pub(super) mod session;
pub(super) mod user;
