//! The OpenID Provider: what applications that sign users in by OpenID Connect and OAuth 2 talk to.
//!
//! `discovery` says what there is; `browser` is where browsers come, `endpoint` where clients do. All paths are below the path of
//! the issuer.

pub(in crate::http) mod routes;

mod answer;
mod browser;
mod credentials;
mod discovery;
mod endpoint;
mod logout;
mod path;
mod register;
