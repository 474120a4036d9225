//! The Python face: the module `zato_sso._core`.
//!
//! Every method is written once and serves both `zato_sso.SSO` and `zato_sso.aio.SSO`; [`runtime`] tells how.

mod attr;
mod attr_call;
mod attr_data;
mod attr_entity;
mod awaitable;
mod caller;
mod convert;
mod data;
mod error;
mod external_auth;
mod fork;
mod gate;
mod hook_call;
mod hooks;
mod identity;
mod import;
mod linked_auth;
mod module;
mod password_reset;
mod process;
mod runtime;
mod search;
mod session;
mod signup;
mod site;
mod site_session;
mod totp;
mod tree;
mod types;
mod user;
mod user_change;
mod user_password;
