//! The server: accepts connections, as many as there may be, and lets go of them without losing a request.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::{Config, LogLevel};
use crate::http::app::App;
use crate::http::connection::attend;
use crate::http::crowd::{Crowd, RESERVE};
use crate::http::routes::{admin_routes, load_look, routes};
use crate::ops::Sso;

/// How long connections that are kept alive may still begin a request after the server was told to end.
const LAST_CALL: Duration = Duration::from_millis(250);

/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How many file descriptors files, emails and what else there is need, beside those of the database's connections.
const OTHER_DESCRIPTORS: usize = 32;

/// How many connections there may be at least, whatever the system says.
const FEWEST_CONNECTIONS: usize = 8;

/// Serves the REST API until `shutdown` completes. After that no request is accepted, and those in flight are answered:
/// a connection is closed after the request under way, or when it begins none within a moment. What takes longer than
/// `http.request_timeout` is given up, and what is half sent after three seconds. For `http.drain` before that, the server
/// says that it is not ready and serves.
///
/// # Errors
/// When the listener cannot be used. What goes wrong with a connection concerns that connection only.
pub async fn serve(sso: Sso, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    serve_with_admin(sso, listener, None, shutdown).await
}

/// As [`serve`], with a listener for `http.admin_listen`, where metrics, documentation and health are.
///
/// # Errors
/// When a listener cannot be used.
pub async fn serve_with_admin(
    sso: Sso,
    listener: TcpListener,
    admin: Option<TcpListener>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let app = App::new(sso);
    let most = most_connections(app.sso.config());
    let configured = app.sso.config().http.max_connections;
    if most < configured {
        let text = format!(
            "the file descriptors of this process allow {most} of the {configured} connections of http.max_connections"
        );
        app.sso.log().say(LogLevel::Warning, "http.descriptors", &text, None);
    }
    let look = load_look(app.sso.config(), true).map_err(io::Error::other)?;
    let door = Door::new(listener, routes(&app, look), &app, most)?;
    let admin = admin.map(|listener| Door::new(listener, admin_routes(&app), &app, most)).transpose()?;
    let (stop, stopped) = watch::channel(());
    let told = async {
        shutdown.await;
        app.closing.drain();
        sleep(app.sso.config().http.drain).await;
        app.closing.close();
        drop(stop);
    };
    let of_admin = async {
        match admin {
            Some(door) => door.keep(stopped.clone()).await,
            None => Ok(()),
        }
    };
    let (kept, admin_kept, ()) = tokio::join!(door.keep(stopped.clone()), of_admin, told);
    kept.and(admin_kept)
}

/// How many connections the limits of configuration and of the system allow: a process has a number of file descriptors,
/// of which the database, its files and emails need some.
fn most_connections(config: &Config) -> usize {
    let configured = config.http.max_connections;
    let Some(descriptors) = descriptors() else { return configured };
    let others = usize::try_from(config.database.max_connections).unwrap_or(usize::MAX);
    let others = others.saturating_add(RESERVE + OTHER_DESCRIPTORS);
    configured.min(descriptors.saturating_sub(others).max(FEWEST_CONNECTIONS))
}

/// How many file descriptors this process may still open, where the system tells.
fn descriptors() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit: usize = line.split_whitespace().next()?.parse().ok()?;
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(limit.saturating_sub(open))
}

/// One address that is listened on.
struct Door {
    listener: tokio::net::TcpListener,
    router: Router,
    crowd: Arc<Crowd>,
    patience: Duration,
}

impl Door {
    fn new(listener: TcpListener, router: Router, app: &App, most: usize) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let config = app.sso.config();
        Ok(Self {
            listener: tokio::net::TcpListener::from_std(listener)?,
            router,
            crowd: Crowd::new(config, most),
            patience: config.http.request_timeout,
        })
    }

    /// Accepts connections until it is told to stop, and waits for those that are open. Where there are as many as may be,
    /// one that waits for its client makes room.
    async fn keep(self, mut stopped: watch::Receiver<()>) -> io::Result<()> {
        let Self { listener, router, crowd, patience } = self;
        let (close, closing) = watch::channel(());
        let mut connections = JoinSet::new();
        let attend = |stream, peer: SocketAddr| {
            attend(stream, peer, router.clone(), crowd.enter(peer.ip()), closing.clone())
        };
        loop {
            let is_full = connections.len() >= crowd.most();
            if is_full {
                // Who comes next may ask for the server's health.
                crowd.make_room();
            }
            tokio::select! {
                // It ends with its sender; nothing is ever sent.
                _ = stopped.changed() => break,
                accepted = listener.accept(), if !is_full => match accepted {
                    Ok((stream, peer)) => drop(connections.spawn(attend(stream, peer))),
                    Err(error) => pause_after(&error, &crowd).await,
                },
                // Those that have ended are let go of.
                Some(_) = connections.join_next() => {}
            }
        }

        // Who is connected but was not accepted yet may have sent a request already.
        let listener = listener.into_std()?;
        while connections.len() < crowd.most()
            && let Ok((stream, peer)) = listener.accept()
        {
            // Should this fail, it concerns that connection only.
            if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                connections.spawn(attend(stream, peer));
            }
        }
        drop(listener);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        let mut all_ended = pin!(all_ended);
        if timeout(LAST_CALL, &mut all_ended).await.is_err() {
            drop(close);
            // What is cut off here is cut off for good: a request has had its time.
            timeout(patience, all_ended).await.ok();
        }
        Ok(())
    }
}

/// A connection that broke before it was accepted is no reason to wait; too many open files are, and for one of them to be
/// closed.
async fn pause_after(error: &io::Error, crowd: &Crowd) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        crowd.make_room();
        sleep(ACCEPT_PAUSE).await;
    }
}
