//! Posts one message to the collector. A connection each: they are seconds apart, and none goes stale.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use url::{Host, Url};

use crate::ops::otlp::settings::Settings;
use crate::ops::tls;

/// Why the collector has not taken something.
#[derive(Debug)]
pub(super) enum NotSent {
    /// It may take it later, after so long if it says so.
    ForNow(String, Option<Duration>),
    /// It never will.
    ForGood(String),
}

/// The way to the collector.
pub(super) struct Client {
    host: String,
    port: u16,
    target: String,
    headers: HeaderMap,
    timeout: Duration,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Client {
    /// # Errors
    /// What of the settings cannot be used. It holds no header.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let url = &settings.url;
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("the URL names no host".to_owned()),
        };
        let is_secure = url.scheme() == "https";
        let tls = is_secure.then(|| secure(&host, settings)).transpose()?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self { host, port, target, headers: headers(url, settings)?, timeout: settings.timeout, tls })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, message: Bytes) -> Result<(), NotSent> {
        match timeout(self.timeout, self.post(message)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(NotSent::ForNow("it does not answer in time".to_owned(), None)),
        }
    }

    async fn post(&self, message: Bytes) -> Result<(), NotSent> {
        let stream =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| later(&error))?;
        match &self.tls {
            None => self.talk(stream, message).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(|error| later(&error))?;
                self.talk(stream, message).await
            }
        }
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        message: Bytes,
    ) -> Result<(), NotSent> {
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| later(&error))?;
        let mut request = Request::new(Full::new(message));
        *request.method_mut() = Method::POST;
        *request.uri_mut() =
            self.target.parse().map_err(|_| NotSent::ForGood("the path is not valid".to_owned()))?;
        *request.headers_mut() = self.headers.clone();
        let mut answer = pin!(sender.send_request(request));
        let answer = tokio::select! {
            answer = &mut answer => answer,
            // It may end with the answer, which is there then.
            _ = connection => answer.await,
        };
        let answer = answer.map_err(|error| later(&error))?;
        verdict(answer.status(), answer.headers())
    }
}

/// What an answer means, as OTLP has it.
fn verdict(status: StatusCode, headers: &HeaderMap) -> Result<(), NotSent> {
    let why = format!("it answers with status {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(()),
        429 | 502 | 503 | 504 => {
            let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(NotSent::ForNow(why, after.map(Duration::from_secs)))
        }
        _ => Err(NotSent::ForGood(why)),
    }
}

fn later(error: &dyn std::error::Error) -> NotSent {
    NotSent::ForNow(error.to_string(), None)
}

fn headers(url: &Url, settings: &Settings) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    headers.insert(HOST, HeaderValue::from_str(&host).map_err(|_| "the host is not valid".to_owned())?);
    let agent = concat!("zato-sso/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in &settings.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.expose_secret());
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err("OTEL_EXPORTER_OTLP_HEADERS has a header that is not valid".to_owned());
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    Ok(headers)
}

fn secure(host: &str, settings: &Settings) -> Result<(TlsConnector, ServerName<'static>), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "the host is not valid".to_owned())?;
    let roots = match &settings.certificate {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let wrong =
                |error: &dyn std::error::Error| format!("the certificate {}: {error}", path.display());
            for found in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
                roots.add(found.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
            }
            roots
        }
        None => tls::system_roots(),
    };
    Ok((TlsConnector::from(tls::trusting(roots)?), name))
}
