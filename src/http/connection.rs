//! One connection: which protocol it speaks, how long it may be silent, and how it ends.
//!
//! Nothing here asks again and again: each wait ends with the bytes, or at its time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
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
use tokio::time::{Instant, sleep, timeout};

use crate::config::Config;

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
const MAX_FIELDS: usize = 100;

/// How long a connection that is overdue may still write what it was about to.
const PARTING: Duration = Duration::from_millis(250);

/// What connections may take, and which are open.
#[derive(Debug)]
pub(in crate::http) struct Limits {
    head: Duration,
    idle: Duration,
    head_bytes: usize,
    /// From how many open connections on silence is short.
    crowd: usize,
    open: AtomicUsize,
}

impl Limits {
    pub fn new(config: &Config) -> Arc<Self> {
        let http = &config.http;
        Arc::new(Self {
            head: http.header_timeout,
            idle: http.idle_timeout,
            head_bytes: http.max_header_bytes,
            crowd: http.max_connections - http.max_connections / 4,
            open: AtomicUsize::new(0),
        })
    }

    /// How long a connection may be silent between two requests.
    fn silence(&self) -> Duration {
        let is_crowded = self.open.load(Ordering::Relaxed) >= self.crowd;
        if is_crowded { self.idle.min(self.head) } else { self.idle }
    }
}

/// How far a connection is, and since when.
struct Progress {
    limits: Arc<Limits>,
    accepted: Instant,
    /// Milliseconds after that.
    since: AtomicU64,
    /// A request has begun to come, and its head is not complete.
    is_in_head: AtomicBool,
    /// Requests that are under way.
    requests: AtomicUsize,
}

/// A request that is under way.
struct UnderWay(Arc<Progress>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.begin();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.limits.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Progress {
    /// Of a connection that was just accepted. It is to send the head of a request.
    fn new(limits: Arc<Limits>) -> Arc<Self> {
        limits.open.fetch_add(1, Ordering::Relaxed);
        let (since, is_in_head, requests) = Default::default();
        let progress = Self { limits, accepted: Instant::now(), since, is_in_head, requests };
        progress.is_in_head.store(true, Ordering::Relaxed);
        Arc::new(progress)
    }

    fn begin(&self) {
        let since = self.accepted.elapsed().as_millis();
        self.since.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Bytes have come. Between requests they begin the head of one.
    fn bytes_came(&self) {
        if self.requests.load(Ordering::Relaxed) == 0 && !self.is_in_head.swap(true, Ordering::Relaxed) {
            self.begin();
        }
    }

    /// A head is complete.
    fn request(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.is_in_head.store(false, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// How long it may go on as it does. A request has a time limit of its own.
    fn left(&self) -> Duration {
        if self.requests.load(Ordering::Relaxed) > 0 {
            return self.limits.head;
        }
        let is_in_head = self.is_in_head.load(Ordering::Relaxed);
        let limit = if is_in_head { self.limits.head } else { self.limits.silence() };
        let end = Duration::from_millis(self.since.load(Ordering::Relaxed)).saturating_add(limit);
        end.saturating_sub(self.accepted.elapsed())
    }

    /// Resolves when it took too long. No wait is longer than what a head may take, so that one that has begun meanwhile is
    /// not overlooked.
    async fn overdue(&self) {
        loop {
            let left = self.left();
            if left.is_zero() {
                return;
            }
            // A millisecond more than the clock that counts in milliseconds.
            sleep(left.min(self.limits.head).saturating_add(Duration::from_millis(1))).await;
        }
    }
}

/// A connection of which the first bytes were read already.
struct Begun {
    stream: TcpStream,
    start: Vec<u8>,
    taken: usize,
    /// None where bytes between requests begin no head: HTTP/2 sends others, too.
    progress: Option<Arc<Progress>>,
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
        if let Some(progress) = &self.progress
            && buf.filled().len() > before
        {
            progress.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for Begun {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Serves one connection until it ends, takes too long, or is told to end after the request under way.
pub(in crate::http) async fn attend(
    mut stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Arc<Limits>,
    mut closing: watch::Receiver<()>,
) {
    // Answers are written in one piece. Where this cannot be set they are slower, not wrong.
    stream.set_nodelay(true).ok();
    let progress = Progress::new(limits);
    let mut start = Vec::with_capacity(FIRST_READ);
    let is_http2 = tokio::select! {
        biased;
        found = begins_with_preface(&mut stream, &mut start) => match found {
            Ok(is_http2) => is_http2,
            // It sends nothing, or is broken.
            Err(_) => return,
        },
        () = progress.overdue() => return,
        _ = closing.changed() => return,
    };
    let counted = Arc::clone(&progress);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let under_way = counted.request();
        let answered = (request.headers().len() <= MAX_FIELDS).then(|| {
            request.extensions_mut().insert(ConnectInfo(peer));
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
    let head_bytes = progress.limits.head_bytes;
    let io = |progress| TokioIo::new(Begun { stream, start, taken: 0, progress });
    /// Drives a connection to its end, of either protocol.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = pin!($connection);
            let is_overdue = tokio::select! {
                _ = connection.as_mut() => return,
                () = progress.overdue() => true,
                // It ends with the server's hold of the other side; nothing is ever sent.
                _ = closing.changed() => false,
            };
            connection.as_mut().graceful_shutdown();
            // If this fails, the peer went away.
            if is_overdue {
                timeout(PARTING, connection).await.ok();
            } else {
                connection.await.ok();
            }
        }};
    }
    if is_http2 {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(head_bytes.min(MAX_HTTP2_HEAD)).unwrap_or(u32::MAX));
        drive!(http2.serve_connection(io(None), service));
    } else {
        let mut http1 = http1::Builder::new();
        // How long a head may take is watched above.
        http1.header_read_timeout(None).max_buf_size(head_bytes);
        drive!(http1.serve_connection(io(Some(Arc::clone(&progress))), service));
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
