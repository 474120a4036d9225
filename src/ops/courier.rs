//! One request to a server of others, over HTTP/1.1: back-channel logouts to clients, the keys that clients publish, traces to a
//! collector. A connection each: they are rare, and none goes stale. No redirect is followed, and an answer is read as far as its
//! bound, and within a time.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use crate::ops::public_address::is_public;

/// How long a form or a document may take, from the look-up of the name to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 16_384;

/// The longest document, in bytes.
const MAX_DOCUMENT: usize = 65_536;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("zato-sso/", env!("CARGO_PKG_VERSION")));
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json, */*");

/// Which addresses may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Reach {
    /// All of them.
    Everywhere,
    /// Those that everybody can reach: no client makes this server ask its neighbours.
    Public,
}

/// How much of an answer is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Status and headers.
    Head,
    /// The body too, which is a document.
    End,
}

/// Status and headers of an answer, and its body where that was to be read.
type Answer = (StatusCode, HeaderMap, Bytes);

/// The way to servers of others. Certificates are those that the system trusts, read when they are first needed, unless others
/// are given.
#[derive(Debug, Default)]
pub(in crate::ops) struct Courier {
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Courier {
    /// One that trusts these certificates alone.
    ///
    /// # Errors
    /// When the library cannot be set up.
    pub fn trusting(roots: RootCertStore) -> Result<Self, String> {
        Ok(Self { tls: OnceLock::from(tls_of(roots)?) })
    }

    /// Sends a form; the status of the answer.
    ///
    /// # Errors
    /// Why there is none, in words without what was sent.
    pub async fn post(&self, uri: &str, form: &str, reach: Reach) -> Result<u16, String> {
        let url = parsed(uri)?;
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, FORM)]);
        let request = request(Method::POST, &url, headers, Bytes::from(form.to_owned()))?;
        let (status, ..) = within(TIMEOUT, self.deliver(&url, request, reach, Until::Head)).await?;
        Ok(status.as_u16())
    }

    /// Fetches a document; its text.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub async fn get(&self, uri: &str, reach: Reach) -> Result<String, String> {
        let url = parsed(uri)?;
        let headers = HeaderMap::from_iter([(ACCEPT, JSON)]);
        let request = request(Method::GET, &url, headers, Bytes::new())?;
        let (status, _, body) = within(TIMEOUT, self.deliver(&url, request, reach, Until::End)).await?;
        if status != StatusCode::OK {
            return Err(format!("the answer has the status {}, not 200", status.as_u16()));
        }
        String::from_utf8(body.into()).map_err(|_| "the answer is no text".to_owned())
    }

    /// Sends a body with these headers to the operator's own server; status and headers of the answer.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn send(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        limit: Duration,
    ) -> Result<(StatusCode, HeaderMap), String> {
        let request = request(Method::POST, url, headers, body)?;
        let sent = self.deliver(url, request, Reach::Everywhere, Until::Head);
        let (status, headers, _) = within(limit, sent).await?;
        Ok((status, headers))
    }

    async fn deliver(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
        reach: Reach,
        until: Until,
    ) -> Result<Answer, String> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err("the URI has no host".to_owned());
        };
        let found: Vec<SocketAddr> = match &host {
            Host::Domain(name) => lookup_host((*name, port)).await.map_err(in_words)?.collect(),
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), port)],
        };
        // The address is checked that is connected to, whatever the name leads to the next time.
        let is_allowed = |address: &SocketAddr| reach == Reach::Everywhere || is_public(address.ip());
        let found: Vec<SocketAddr> = found.into_iter().filter(is_allowed).collect();
        if found.is_empty() {
            let why = "its host is on a private network, where nothing is asked without oidc.allow_private_addresses";
            return Err(why.to_owned());
        }
        let stream = TcpStream::connect(found.as_slice()).await.map_err(in_words)?;
        if url.scheme() != "https" {
            return exchange(stream, request, until).await;
        }
        let name = match host {
            Host::Domain(name) => {
                ServerName::try_from(name.to_owned()).map_err(|_| "the host is not valid".to_owned())?
            }
            Host::Ipv4(ip) => ServerName::from(IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::from(ip)),
        };
        let connector = TlsConnector::from(self.tls().await?);
        let stream = connector.connect(name, stream).await.map_err(in_words)?;
        exchange(stream, request, until).await
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        // Reading them takes a while.
        let roots = tokio::task::spawn_blocking(system_roots).await.map_err(|error| error.to_string())?;
        let config = tls_of(roots)?;
        Ok(Arc::clone(self.tls.get_or_init(|| config)))
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn parsed(uri: &str) -> Result<Url, String> {
    Url::parse(uri).map_err(|_| "the URI cannot be read".to_owned())
}

async fn within(
    limit: Duration,
    sent: impl Future<Output = Result<Answer, String>>,
) -> Result<Answer, String> {
    match timeout(limit, sent).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {} seconds", limit.as_secs_f32())),
    }
}

fn request(
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, String> {
    let host = match (url.host_str(), url.port()) {
        (None, _) => return Err("the URI has no host".to_owned()),
        (Some(host), None) => host.to_owned(),
        (Some(host), Some(port)) => format!("{host}:{port}"),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().map_err(|_| "the path is not valid".to_owned())?;
    *request.headers_mut() = headers;
    let host = HeaderValue::from_str(&host).map_err(|_| "the host is not valid".to_owned())?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(USER_AGENT, AGENT);
    Ok(request)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
    until: Until,
) -> Result<Answer, String> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(in_words)?;
    let mut answer = std::pin::pin!(async {
        let (head, body) = sender.send_request(request).await.map_err(in_words)?.into_parts();
        let body = match until {
            Until::Head => Bytes::new(),
            Until::End => Limited::new(body, MAX_DOCUMENT).collect().await.map_err(in_words)?.to_bytes(),
        };
        Ok((head.status, head.headers, body))
    });
    tokio::select! {
        answer = &mut answer => answer,
        // It may end with the answer, which is there then.
        _ = connection => answer.await,
    }
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn tls_of(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    // Which provider is said here: the library would have to guess.
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

    use super::*;

    /// An authority, and what it has certified: `localhost`. Valid for a hundred years. See tests/certificates.
    const CA: &[u8] = include_bytes!("../../tests/certificates/ca.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../../tests/certificates/localhost.pem");
    const KEY: &[u8] = include_bytes!("../../tests/certificates/localhost-key.pem");

    async fn answered(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> String {
        let mut sent = Vec::new();
        while !sent.ends_with(b"a=b") {
            if stream.read_buf(&mut sent).await.unwrap_or(0) == 0 {
                break;
            }
        }
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
        String::from_utf8(sent).unwrap()
    }

    async fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// What becomes of a form, and what the server has seen of it.
    async fn posted(answer: &'static str) -> (Result<u16, String>, String) {
        let (listener, address) = listening().await;
        let server = tokio::spawn(async move { answered(listener.accept().await.unwrap().0, answer).await });
        let outcome =
            Courier::default().post(&format!("http://{address}/out?x=1"), "a=b", Reach::Everywhere).await;
        (outcome, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_form_is_sent_and_the_status_is_read() {
        let (outcome, sent) = posted("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(outcome, Ok(204));
        assert!(sent.starts_with("POST /out?x=1 HTTP/1.1\r\n"), "{sent}");
        for line in
            ["content-length: 3", "content-type: application/x-www-form-urlencoded", "host: 127.0.0.1:"]
        {
            assert!(sent.contains(&format!("\r\n{line}")), "{line} in {sent}");
        }
        // Nobody follows, and a body that never ends is not waited for.
        let redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 9999\r\n\r\n";
        assert_eq!(posted(redirect).await.0, Ok(302));
        for wrong in ["", "SSH-2.0-x\r\n", "HTTP/1.1 2", "HTTP/1.1 abc\r\n\r\n"] {
            assert!(posted(wrong).await.0.is_err(), "{wrong}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        assert!(posted(long.leak()).await.0.is_err());
        for wrong in ["", "http://", "mailto:a@b", "https://127.0.0.1:1/"] {
            assert!(Courier::default().post(wrong, "a=b", Reach::Everywhere).await.is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn neighbours_are_not_asked_where_strangers_name_the_server() {
        let (_listener, address) = listening().await;
        for uri in [format!("http://{address}/out"), "http://localhost:1".to_owned()] {
            let why = Courier::default().post(&uri, "a=b", Reach::Public).await.unwrap_err();
            assert!(why.contains("private network"), "{why}");
        }
    }

    /// What a server that answers so is read as.
    async fn fetched(answer: impl Into<Vec<u8>>) -> Result<String, String> {
        let (listener, address) = listening().await;
        let answer = answer.into();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_buf(&mut Vec::with_capacity(4_096)).await.unwrap();
            drop(stream.write_all(&answer).await);
        });
        Courier::default().get(&format!("http://{address}/jwks"), Reach::Everywhere).await
    }

    #[tokio::test]
    async fn a_document_is_read_whole_and_within_its_bound() {
        for whole in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
        ] {
            assert_eq!(fetched(whole).await.as_deref(), Ok("{}"), "{whole}");
        }
        for wrong in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
            "SSH-2.0-x\r\n",
            "",
        ] {
            assert!(fetched(wrong).await.is_err(), "{wrong}");
        }
        let redirect =
            fetched("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(redirect, Err("the answer has the status 302, not 200".to_owned()));
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(70_000));
        assert!(fetched(endless).await.unwrap_err().contains("length limit exceeded"));
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_left() {
        let (_listener, address) = listening().await;
        let url = Url::parse(&format!("http://{address}/")).unwrap();
        let limit = Duration::from_millis(20);
        let outcome = Courier::default().send(&url, HeaderMap::new(), Bytes::new(), limit).await;
        assert_eq!(outcome, Err("no answer within 0.02 seconds".to_owned()));
    }

    #[tokio::test]
    async fn a_certificate_must_be_of_a_known_authority_and_for_the_host() {
        let certificates =
            CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<Vec<_>, _>>().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, PrivateKeyDer::from_pem_slice(KEY).unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (listener, address) = listening().await;
        let server = tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..3 {
                let stream = acceptor.accept(listener.accept().await.unwrap().0).await;
                seen.push(match stream {
                    Ok(stream) => answered(stream, "HTTP/1.1 200 OK\r\n\r\n").await,
                    Err(_) => String::new(),
                });
            }
            seen
        });
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CA).unwrap()).unwrap();
        let knowing = Courier::trusting(roots).unwrap();
        let by_name = format!("https://localhost:{}/", address.port());
        assert_eq!(knowing.post(&by_name, "a=b", Reach::Everywhere).await, Ok(200));
        let wrong_host =
            knowing.post(&format!("https://{address}/"), "a=b", Reach::Everywhere).await.unwrap_err();
        assert!(
            wrong_host.contains("NotValidForName") || wrong_host.contains("not valid for name"),
            "{wrong_host}"
        );
        let unknown = Courier::default().post(&by_name, "a=b", Reach::Everywhere).await.unwrap_err();
        assert!(unknown.contains("UnknownIssuer"), "{unknown}");
        // Nothing was sent before the certificate was found good.
        let seen = server.await.unwrap();
        assert!(seen[0].ends_with("a=b") && seen[1].is_empty() && seen[2].is_empty(), "{seen:?}");
    }
}
