//! The server: accepts connections, as many as there may be, and lets go of them without losing a request.

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::http::app::App;
use crate::http::connection::{Limits, attend};
use crate::http::routes::{admin_routes, routes};
use crate::ops::Sso;

/// How long connections that are kept alive may still begin a request after the server was told to end.
const LAST_CALL: Duration = Duration::from_millis(250);

/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the REST API until `shutdown` completes. After that no request is accepted, and those in flight are answered:
/// a connection is closed after the request under way, or when it begins none within a moment. What takes longer than
/// `http.request_timeout` is given up.
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
    let door = Door::new(listener, routes(&app), &app)?;
    let admin = admin.map(|listener| Door::new(listener, admin_routes(&app), &app)).transpose()?;
    let (stop, stopped) = watch::channel(());
    let told = async {
        shutdown.await;
        app.begin_closing();
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

/// One address that is listened on.
struct Door {
    listener: tokio::net::TcpListener,
    router: Router,
    limits: Arc<Limits>,
    max_connections: usize,
    patience: Duration,
}

impl Door {
    fn new(listener: TcpListener, router: Router, app: &App) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let config = app.sso.config();
        Ok(Self {
            listener: tokio::net::TcpListener::from_std(listener)?,
            router,
            limits: Limits::new(config),
            max_connections: config.http.max_connections,
            patience: config.http.request_timeout,
        })
    }

    /// Accepts connections until it is told to stop, and waits for those that are open. Who comes while there are as many
    /// as may be waits until one ends.
    async fn keep(self, mut stopped: watch::Receiver<()>) -> io::Result<()> {
        let Self { listener, router, limits, max_connections, patience } = self;
        let (close, closing) = watch::channel(());
        let mut connections = JoinSet::new();
        let attend =
            |stream, peer| attend(stream, peer, router.clone(), Arc::clone(&limits), closing.clone());
        loop {
            tokio::select! {
                // It ends with its sender; nothing is ever sent.
                _ = stopped.changed() => break,
                accepted = listener.accept(), if connections.len() < max_connections => match accepted {
                    Ok((stream, peer)) => drop(connections.spawn(attend(stream, peer))),
                    Err(error) => pause_after(&error).await,
                },
                // Those that have ended are let go of.
                Some(_) = connections.join_next() => {}
            }
        }

        // Who is connected but was not accepted yet may have sent a request already.
        let listener = listener.into_std()?;
        while connections.len() < max_connections
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

/// A connection that broke before it was accepted is no reason to wait; too many open files are.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        sleep(ACCEPT_PAUSE).await;
    }
}
