//! One connection: which protocol it speaks, how long it may be silent, and how it ends.
//!
//! Nothing here asks again and again: each wait ends with the bytes, or at its time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::http::crowd::Ticket;
use crate::http::progress::Progress;

/// What a client sends first that speaks HTTP/2 from the start (RFC 9113, section 3.4), and no request of HTTP/1 begins with.
const PREFACE: &[u8; 4] = b"PRI ";

/// How much is read at first: most requests are shorter.
const FIRST_READ: usize = 2048;

/// How often a client of HTTP/2 is asked whether it is still there. It has as long to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How many requests a client of HTTP/2 may have under way. Each may hold a head and a small body.
const MAX_STREAMS: u32 = 16;

/// How long the head of a request of HTTP/2 may be: one byte on the wire can stand for a whole field.
const MAX_HTTP2_HEAD: usize = 16 * 1024;

/// How many fields a head may have, as in HTTP/1.
pub const MAX_FIELDS: usize = 100;

/// How much of the bodies of one client of HTTP/2 may have come before it is read; and of one body.
const CONNECTION_WINDOW: u32 = 128 * 1024;
const STREAM_WINDOW: u32 = 64 * 1024;

/// How long a connection that is overdue may still write what it was about to.
const PARTING: Duration = Duration::from_millis(250);

/// A connection of which the first bytes were read already.
struct Begun {
    stream: TcpStream,
    start: Vec<u8>,
    taken: usize,
    progress: Arc<Progress>,
    /// In HTTP/2 there are others than those of requests.
    begin_heads: bool,
}

impl AsyncRead for Begun {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(rest) = self.start.get(self.taken..).filter(|rest| !rest.is_empty()) {
            let length = rest.len().min(buf.remaining());
            buf.put_slice(rest.get(..length).unwrap_or_default());
            self.taken += length;
            if self.taken == self.start.len() {
                self.start = Vec::new();
                self.taken = 0;
            }
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.begin_heads && buf.filled().len() > before {
            self.progress.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for Begun {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.progress.bytes_went(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs))?;
        self.progress.bytes_went(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Serves one connection until it ends, takes too long, has to make room, or is told to end after the request under way.
pub(in crate::http) async fn attend(
    mut stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    ticket: Ticket,
    mut closing: watch::Receiver<()>,
) {
    // Answers are written in one piece. Where this cannot be set they are slower, not wrong.
    stream.set_nodelay(true).ok();
    let progress = Arc::clone(&ticket.progress);
    let mut start = Vec::with_capacity(FIRST_READ);
    let is_http2 = tokio::select! {
        biased;
        found = begins_with_preface(&mut stream, &mut start) => match found {
            Ok(is_http2) => is_http2,
            // It sends nothing, or is broken.
            Err(_) => return,
        },
        () = progress.overdue() => return,
        () = progress.has_to_leave() => return,
        _ = closing.changed() => return,
    };
    let of_requests = Arc::clone(&progress);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let under_way = of_requests.request();
        let answered = (request.headers().len() <= MAX_FIELDS).then(|| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Arc::clone(&of_requests));
            router.call(request)
        });
        async {
            let response = match answered {
                Some(answered) => answered.await.unwrap_or_else(|never| match never {}),
                None => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response(),
            };
            drop(under_way);
            Ok::<_, Infallible>(response)
        }
    });
    let head_bytes = progress.limits().head_bytes;
    let begun = Begun { stream, start, taken: 0, progress: Arc::clone(&progress), begin_heads: !is_http2 };
    /// Drives a connection to its end, of either protocol.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = pin!($connection);
            let is_over = tokio::select! {
                _ = connection.as_mut() => return,
                () = progress.overdue() => true,
                () = progress.has_to_leave() => true,
                // It ends with the server's hold of the other side; nothing is ever sent.
                _ = closing.changed() => false,
            };
            connection.as_mut().graceful_shutdown();
            // If this fails, the peer went away.
            if is_over {
                timeout(PARTING, connection).await.ok();
            } else {
                tokio::select! {
                    _ = connection => {}
                    () = progress.unfinished() => {}
                }
            }
        }};
    }
    if is_http2 {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(STREAM_WINDOW)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(head_bytes.min(MAX_HTTP2_HEAD)).unwrap_or(u32::MAX));
        drive!(http2.serve_connection(TokioIo::new(begun), service));
    } else {
        let mut http1 = http1::Builder::new();
        // How long a head may take is watched above.
        http1.header_read_timeout(None).max_buf_size(head_bytes);
        drive!(http1.serve_connection(TokioIo::new(begun), service));
    }
}

/// Whether a connection begins as one of HTTP/2 does. What was read to find out is kept.
async fn begins_with_preface(stream: &mut TcpStream, start: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        if stream.read_buf(start).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if start.len() >= PREFACE.len() || !PREFACE.starts_with(start) {
            return Ok(start.starts_with(PREFACE));
        }
    }
}
