//! What super-users see: users, groups, clients, sites, security definitions, keys, health.

pub(super) mod audit;
pub(super) mod client;
mod client_form;
pub(super) mod clients;
pub(super) mod group;
pub(super) mod groups;
pub(super) mod health;
pub(super) mod keys;
mod listing;
pub(super) mod sec_defs;
pub(super) mod sites;
pub(super) mod user;
pub(super) mod users;
