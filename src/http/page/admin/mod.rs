//! What super-users see: users, groups and sites.

pub(super) mod group;
pub(super) mod groups;
pub(super) mod sites;
pub(super) mod user;
pub(super) mod users;
