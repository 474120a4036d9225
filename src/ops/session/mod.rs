//! Sessions: login, logout, renewal, lists.

pub(super) mod device;
pub(super) mod expiry;
pub(super) mod login;
pub(super) mod manage;
pub(super) mod passkey;
pub(super) mod reauthenticate;
pub(super) mod second_step;
pub(super) mod step;
pub(super) mod ticket;
