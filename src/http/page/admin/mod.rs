//! What super-users see: users and sites.

pub(super) mod sites;
pub(super) mod user;
pub(super) mod users;
