//! The server: accepts connections, and lets go of them without losing a request.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::http::app::App;
use crate::http::routes::routes;
use crate::ops::Sso;

/// How long a connection may take to send the head of a request, the wait for it included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// What a client sends first that speaks HTTP/2 from the start (RFC 9113, section 3.4), and no request of HTTP/1 begins with.
const PREFACE: &[u8; 4] = b"PRI ";

/// How often a client of HTTP/2 is asked whether it is still there. It has as long to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);

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
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let patience = sso.config().http.request_timeout;
    let app = App::new(sso);
    let router = routes(&app);
    let (close, closing) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => drop(connections.spawn(attend(stream, peer, router.clone(), closing.clone()))),
                Err(error) => pause_after(&error).await,
            },
            // Those that have ended are let go of.
            Some(_) = connections.join_next() => {}
        }
    }

    app.begin_closing();
    // Who is connected but was not accepted yet may have sent a request already.
    let listener = listener.into_std()?;
    while let Ok((stream, peer)) = listener.accept() {
        // Should this fail, it concerns that connection only.
        if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
            connections.spawn(attend(stream, peer, router.clone(), closing.clone()));
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

/// A connection that broke before it was accepted is no reason to wait; too many open files are.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        sleep(ACCEPT_PAUSE).await;
    }
}

/// Serves one connection until it ends, or until it is told to after the request under way.
async fn attend(stream: TcpStream, peer: SocketAddr, router: Router, mut closing: watch::Receiver<()>) {
    // Answers are written in one piece. Where this cannot be set they are slower, not wrong.
    stream.set_nodelay(true).ok();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answered = router.call(request);
        async { Ok::<_, Infallible>(answered.await.unwrap_or_else(|never| match never {})) }
    });
    let is_http2 = tokio::select! {
        biased;
        found = timeout(HEAD_TIMEOUT, begins_with_preface(&stream)) => match found {
            Ok(Ok(is_http2)) => is_http2,
            // It sends nothing, or is broken.
            Ok(Err(_)) | Err(_) => return,
        },
        _ = closing.changed() => return,
    };
    /// Drives a connection to its end, of either protocol.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = pin!($connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                // It ends with the server's hold of the other side; nothing is ever sent.
                _ = closing.changed() => None,
            };
            if ended.is_none() {
                connection.as_mut().graceful_shutdown();
                // The peer went away.
                connection.await.ok();
            }
        }};
    }
    if is_http2 {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_INTERVAL);
        drive!(http2.serve_connection(TokioIo::new(stream), service));
    } else {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        drive!(http1.serve_connection(TokioIo::new(stream), service));
    }
}

/// Whether a connection begins as one of HTTP/2 does. What was looked at is still there to be read.
async fn begins_with_preface(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut start).await?;
        let (seen, _) = start.split_at(length.min(start.len()));
        if length == 0 || length == PREFACE.len() || !PREFACE.starts_with(seen) {
            return Ok(seen == PREFACE);
        }
        // The rest is on its way: nothing tells when it comes.
        sleep(Duration::from_millis(5)).await;
    }
}
