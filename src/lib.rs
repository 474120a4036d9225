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
pub mod cli;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "python")]
mod python;

/// The command `zato-sso`: runs what these arguments say, the first of which is the name of the program, and returns
/// the exit status. The stand-alone binary and the console script of the wheel are both this.
#[cfg(feature = "server")]
#[must_use]
pub fn command(args: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    cli::run(args, |sso, listener, admin, stop| {
        Box::pin(async {
            let admin = admin.map(tokio::net::TcpListener::into_std).transpose()?;
            http::serve_with_admin(sso, listener.into_std()?, admin, stop).await
        })
    })
}
