//! The commands, one file a group.

pub(super) mod audit;
pub(super) mod backup;
pub(super) mod client;
pub(super) mod config;
pub(super) mod credential;
pub(super) mod doctor;
pub(super) mod export;
pub(super) mod group;
pub(super) mod import;
pub(super) mod import_zato;
pub(super) mod init;
pub(super) mod linked_auth;
pub(super) mod maintenance;
pub(super) mod migrate;
pub(super) mod passkey;
pub(super) mod password;
pub(super) mod serve;
pub(super) mod session;
pub(super) mod site;
pub(super) mod user;
