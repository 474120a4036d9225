//! Users from other systems, and exports.

pub(super) mod check;
pub(super) mod credential;
pub(super) mod export;
pub(super) mod file;
pub(super) mod groups;
mod pace;
pub(super) mod record;
pub(super) mod told;
pub(super) mod users;
pub(super) mod zato;
pub(super) mod zato_user;
