//! Single sign-on that a Python service imports: users, sessions, custom attributes and TOTP, in-process or over REST.
//!
//! The modules are floors: each imports only from those above it in this list, and the faces at the end
//! (`http`, `python`, `cli`) never import each other.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod domain;

pub mod config;
pub mod crypto;

pub mod store;

pub mod ops;

#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "python")]
mod python;
