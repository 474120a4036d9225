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

#[cfg(all(feature = "python", feature = "server"))]
mod in_process;

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

/// The REST server on this engine, as the Python face calls it in the same process.
#[cfg(all(feature = "python", feature = "server"))]
fn service(sso: &ops::Sso) -> Box<dyn python::server::service::Service> {
    Box::new(in_process::InProcess::new(sso))
}

/// The address of the client of the Python face, as `http.trusted_proxies` says.
#[cfg(all(feature = "python", feature = "server"))]
fn client_address(
    peer: std::net::IpAddr,
    forwarded: &[Vec<u8>],
    config: &config::Config,
) -> std::net::IpAddr {
    in_process::client_address(peer, forwarded, config)
}
