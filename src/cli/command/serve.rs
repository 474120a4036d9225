//! `serve`: the REST server, until it is told to stop.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;

use crate::cli::output::failure::Failure;
use crate::cli::output::print::{Output, say};
use crate::cli::setup::open as setup;
use crate::config::{Config, LogLevel};
use crate::ops::{Parts, Reporting, Sso};

/// How long closing the database may take.
const CLOSING: Duration = Duration::from_secs(5);

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Resolves when the server is to take no more connections, and to end after the requests under way.
pub type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server at work.
pub type Serving = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Serves the REST API on a socket that listens already, and what is at `http.admin_listen` on another, until told to stop.
pub type Serve = fn(Sso, TcpListener, Option<TcpListener>, Stop) -> Serving;

/// Serves until SIGINT or SIGTERM. The server then ends by itself, after the requests under way; a second signal does not
/// wait for them.
pub(in crate::cli) async fn run(config: Config, out: &Output, serve: Serve) -> Result<(), Failure> {
    // First of all, so that a port that is taken leaves nothing behind.
    let door = Door::at(config.http.listen, "--listen")?;
    let admin = config.http.admin_listen.map(|address| Door::at(address, "http.admin_listen")).transpose()?;
    let mut signals = Signals::listen()?;
    raise_descriptors();
    let parts = Parts { reporting: Reporting::Server, ..Parts::default() };
    let sso = setup::open_or_create(config, parts).await?;
    for warning in sso.warnings() {
        say(&format!("zato-sso: {warning}"));
    }
    // Who connects before the server can answer would wait in vain if the database is not there.
    let (listener, address) = door.open()?;
    let admin = admin.map(Door::open).transpose()?;
    let admin_address = admin.as_ref().map(|(_, address)| *address);
    announce(address, admin_address, out)?;
    let text = format!("zato-sso {} listens on {address}", env!("CARGO_PKG_VERSION"));
    sso.log().say(LogLevel::Info, "server.start", &text, None);

    let (tell, told) = oneshot::channel::<()>();
    let serving =
        serve(sso.clone(), listener, admin.map(|(admin, _)| admin), Box::pin(async { drop(told.await) }));
    let signalled = sso.clone();
    let stopping = async move {
        signals.next(&signalled).await;
        signalled.log().say(LogLevel::Info, "server.stopping", "told to stop: no more connections", None);
        drop(tell);
        signals.next(&signalled).await;
    };
    let outcome = tokio::select! {
        outcome = serving => outcome,
        () = stopping => Ok(()),
    };
    // What was cut off may still hold a connection.
    drop(tokio::time::timeout(CLOSING, sso.close()).await);
    match &outcome {
        Ok(()) => sso.log().say(LogLevel::Info, "server.stop", "stopped", None),
        Err(error) => sso.log().say(LogLevel::Error, "server.stop", &format!("stopped: {error}"), None),
    }
    drop(tokio::task::spawn_blocking(move || sso.close_log()).await);
    outcome.map_err(|error| Failure::Message(format!("the server stopped: {error}")))
}

/// An address that is taken, and not listened on yet.
struct Door {
    socket: TcpSocket,
    address: SocketAddr,
    how: &'static str,
}

impl Door {
    /// Takes an address. `how` is the way to choose another.
    fn at(address: SocketAddr, how: &'static str) -> Result<Self, Failure> {
        let bound = || -> io::Result<TcpSocket> {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // On Windows it would let others take the same port.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket)
        };
        let socket = bound().map_err(|error| cannot_listen(address, how, &error))?;
        Ok(Self { socket, address, how })
    }

    /// Listens, and tells the address with its port.
    fn open(self) -> Result<(TcpListener, SocketAddr), Failure> {
        let Self { socket, address, how } = self;
        let listen = || -> io::Result<(TcpListener, SocketAddr)> {
            let listener = socket.listen(BACKLOG)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        listen().map_err(|error| cannot_listen(address, how, &error))
    }
}

/// Says where the server is: to people on the standard error stream, to programs on standard output.
fn announce(address: SocketAddr, admin: Option<SocketAddr>, out: &Output) -> Result<(), Failure> {
    let url = format!("http://{address}");
    if out.is_json() {
        let mut said = json!({"url": url, "listen": address.to_string()});
        if let (Some(admin), Some(said)) = (admin, said.as_object_mut()) {
            said.insert("admin_listen".to_owned(), admin.to_string().into());
        }
        return out.result("", &said);
    }
    let admin = admin.map(|admin| format!(", metrics and docs are on http://{admin}")).unwrap_or_default();
    say(&format!("zato-sso listens on {url}{admin}, stop it with Ctrl-C"));
    Ok(())
}

fn cannot_listen(address: SocketAddr, how: &str, error: &io::Error) -> Failure {
    let message = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("{address} is in use by another program: stop that, or choose another port with {how}")
        }
        ErrorKind::AddrNotAvailable => format!(
            "{address} is not an address of this machine: choose one that is, or 0.0.0.0 for all, with {how}"
        ),
        ErrorKind::PermissionDenied => format!(
            "this user may not listen on {address}: choose a port from 1024 to 65535 with {how}, or put a proxy in \
             front"
        ),
        _ => format!("cannot listen on {address}: {error}; choose another address with {how}"),
    };
    Failure::Message(message)
}

/// The signals that end the server.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// A log was moved away.
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    /// A file has reached the greatest size that the system allows. That is an error of writing, and no reason to die.
    #[cfg(unix)]
    _too_large: tokio::signal::unix::Signal,
}

/// What `SIGXFSZ` is where this runs.
#[cfg(unix)]
const FILE_TOO_LARGE: i32 = 25;

/// Has as many file descriptors as the system allows this process: each connection needs one.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where this fails there are as many as before, and as many connections as they allow.
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).ok();
}

impl Signals {
    /// From here on they no longer kill the process.
    fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let failed = |error| Failure::Message(format!("cannot listen for signals: {error}"));
            Ok(Self {
                interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
                terminate: signal(SignalKind::terminate()).map_err(failed)?,
                hangup: signal(SignalKind::hangup()).map_err(failed)?,
                _too_large: signal(SignalKind::from_raw(FILE_TOO_LARGE)).map_err(failed)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for one of them. At SIGHUP files are opened anew meanwhile.
    async fn next(&mut self, sso: &Sso) {
        #[cfg(unix)]
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => sso.reopen_files(),
            }
        }
        #[cfg(not(unix))]
        drop(tokio::signal::ctrl_c().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_the_server_from_listening_is_said_with_what_to_do() {
        let said = |kind: ErrorKind| {
            cannot_listen(([127, 0, 0, 1], 80).into(), "--listen", &kind.into()).to_string()
        };
        insta::assert_snapshot!(
            said(ErrorKind::PermissionDenied),
            @"this user may not listen on 127.0.0.1:80: choose a port from 1024 to 65535 with --listen, or put a proxy in front"
        );
        insta::assert_snapshot!(
            said(ErrorKind::AddrNotAvailable),
            @"127.0.0.1:80 is not an address of this machine: choose one that is, or 0.0.0.0 for all, with --listen"
        );
    }
}
