//! The Python face: the module `zato_sso._core`.
//!
//! Every method is written once and serves both `zato_sso.SSO` and `zato_sso.aio.SSO`; [`runtime`] has the machinery.

mod attr;
mod audit;
mod branch;
mod client;
mod credential;
mod grant;
mod group;
mod hook;
mod import;
mod linked_auth;
mod module;
mod passkey;
mod password;
mod root;
mod runtime;
#[cfg(feature = "server")]
pub(crate) mod server;
mod session;
mod site;
mod testing;
mod token;
mod user;
mod value;
