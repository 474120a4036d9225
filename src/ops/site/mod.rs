//! Sites, their users, identities, sessions and browsers.

pub(super) mod browser;
pub(super) mod identity;
pub(super) mod link;
pub(super) mod lookup;
pub(super) mod profile;
pub(super) mod registry;
pub(super) mod session;
pub(super) mod target;
pub(super) mod user;
