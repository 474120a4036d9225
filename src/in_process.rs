//! The REST server for Python, in the same process: it gives the router of the face `http` to the face `python`, as
//! something that answers requests. Neither face knows the other.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request as HttpRequest, StatusCode, header};
use axum::response::{IntoResponse as _, Response as HttpResponse};
use hyper::body::Frame;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::http;
use crate::ops::Sso;
use crate::python::server::service::{Chunk, Header, Parts, Request, Response, Service, Soon};

/// What concerns one connection (RFC 9110, section 7.6.1): there is none here.
const OF_A_CONNECTION: [HeaderName; 5] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER];

/// The router, as Python calls it.
pub struct InProcess(Router);

impl InProcess {
    /// The REST server on this engine.
    pub fn new(sso: &Sso) -> Self {
        Self(http::router(sso.clone()))
    }
}

impl Service for InProcess {
    fn answer(&self, request: Request) -> Soon<'static, Response> {
        let router = TowerToHyperService::new(self.0.clone());
        Box::pin(async move {
            let response = match read(request) {
                Ok(request) => router.call(request).await.unwrap_or_else(|never| match never {}),
                Err(status) => status.into_response(),
            };
            written(response)
        })
    }
}

/// The client's address, by the peer's and the lines of `X-Forwarded-For`.
pub fn client_address(peer: IpAddr, forwarded: &[Vec<u8>], config: &Config) -> IpAddr {
    let mut headers = HeaderMap::new();
    for line in forwarded {
        // What is no value of a header is no address either: nothing left of it can be trusted.
        let value = HeaderValue::from_bytes(line).unwrap_or(HeaderValue::from_static("unknown"));
        headers.append(HeaderName::from_static("x-forwarded-for"), value);
    }
    http::client_address(peer, &headers, &config.http.trusted_proxies)
}

fn read(request: Request) -> Result<HttpRequest<Body>, StatusCode> {
    let Request { method, target, headers, peer, body } = request;
    if headers.len() > http::MAX_FIELDS {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let mut made = HttpRequest::builder().method(method.as_str()).uri(target);
    for (name, value) in headers {
        made = made.header(name, value);
    }
    let mut made =
        made.body(Body::new(Feed { body, is_over: false })).map_err(|_| StatusCode::BAD_REQUEST)?;
    for name in OF_A_CONNECTION {
        made.headers_mut().remove(name);
    }
    if let Some(peer) = peer {
        made.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer, 0)));
    }
    Ok(made)
}

fn written(response: HttpResponse) -> Response {
    let (parts, body) = response.into_parts();
    let headers: Vec<Header> = parts
        .headers
        .iter()
        .filter(|(name, _)| !OF_A_CONNECTION.contains(name))
        .map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect();
    Response { status: parts.status.as_u16(), headers, body: Box::new(Drained(body)) }
}

/// The body of a request, as Python sends it.
struct Feed {
    body: mpsc::Receiver<Chunk>,
    is_over: bool,
}

impl axum::body::HttpBody for Feed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.body.poll_recv(context));
        if let Some(Chunk::Data(data)) = chunk {
            return Poll::Ready(Some(Ok(Frame::data(data.into()))));
        }
        self.is_over = true;
        Poll::Ready(match chunk {
            Some(Chunk::End | Chunk::Data(_)) => None,
            None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        })
    }
}

/// The body of an answer, as Python reads it.
struct Drained(Body);

impl Parts for Drained {
    fn next(&mut self) -> Soon<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            loop {
                let frame = std::future::poll_fn(|context| Pin::new(&mut self.0).poll_frame(context)).await?;
                if let Ok(data) = frame.ok()?.into_data() {
                    return Some(data.to_vec());
                }
            }
        })
    }
}
