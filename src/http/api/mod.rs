//! The REST API under `http.prefix`.

pub(super) mod attr;
pub(super) mod audit;
pub(super) mod client;
pub(super) mod credential;
pub(super) mod endpoint;
pub(super) mod grant;
pub(super) mod group;
pub(super) mod linked_auth;
pub(super) mod passkey;
mod password;
pub(super) mod search;
pub(super) mod session;
pub(super) mod signup;
pub(super) mod table;
pub(super) mod user;
