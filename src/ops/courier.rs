//! Requests to clients' own servers, over HTTP/1.1: back-channel logouts, and the keys that clients publish. No redirect is followed;
//! an answer is read as far as its bound, and within a time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use crate::ops::public_address::is_public;
use crate::ops::tls;

/// How long one request may take, from the look-up of the name to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read at most to find its status.
const MAX_ANSWER: u64 = 4_096;

/// The longest document, with the head of its answer, in bytes.
const MAX_DOCUMENT: u64 = 65_536;

/// Which addresses may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Reach {
    /// All of them.
    Everywhere,
    /// Those that everybody can reach: no client makes this server ask its neighbours.
    Public,
}

/// The way to clients' servers. Certificates are those that the system trusts, read once.
#[derive(Debug, Default)]
pub(in crate::ops) struct Courier {
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Courier {
    /// Sends a form; the status of the answer.
    ///
    /// # Errors
    /// Why there is none, in words without what was sent.
    pub async fn post(&self, uri: &str, form: &str, reach: Reach) -> Result<u16, String> {
        let head = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nAccept: */*\r\n",
            form.len(),
        );
        let exchanged = self.exchange(uri, ("POST", &head, form), reach, Until::FirstLine);
        within(exchanged).await.and_then(|answer| status(&answer).ok_or_else(no_http))
    }

    /// Fetches a document; its text.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub async fn get(&self, uri: &str, reach: Reach) -> Result<String, String> {
        let head = "Accept: application/json, */*\r\n";
        let answer = within(self.exchange(uri, ("GET", head, ""), reach, Until::End)).await?;
        match status(&answer).ok_or_else(no_http)? {
            200 => body(&answer).ok_or_else(|| "the answer is cut off, or is no text".to_owned()),
            other => Err(format!("the answer has the status {other}, not 200")),
        }
    }

    async fn exchange(
        &self,
        uri: &str,
        (method, head, form): (&str, &str, &str),
        reach: Reach,
        until: Until,
    ) -> io::Result<Vec<u8>> {
        let url = Url::parse(uri).map_err(|_| io::Error::other("the URI cannot be read"))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(io::Error::other("the URI has no host"));
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let address = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let request = format!(
            "{method} {}{query} HTTP/1.1\r\nHost: {address}\r\n{head}User-Agent: zato-sso\r\nConnection: close\r\n\r\n{form}",
            url.path(),
        );
        let addresses: Vec<SocketAddr> = match &host {
            Host::Domain(name) => lookup_host((*name, port)).await?.collect(),
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), port)],
        };
        // The address is checked that is connected to, whatever the name leads to the next time.
        let is_allowed = |address: &SocketAddr| reach == Reach::Everywhere || is_public(address.ip());
        let addresses: Vec<SocketAddr> = addresses.into_iter().filter(is_allowed).collect();
        if addresses.is_empty() {
            return Err(io::Error::other(
                "its host is on a private network, where nothing is asked without oidc.allow_private_addresses",
            ));
        }
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        if url.scheme() != "https" {
            return talk(stream, &request, until).await;
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(io::Error::other)?,
            Host::Ipv4(ip) => ServerName::from(IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::from(ip)),
        };
        talk(TlsConnector::from(self.tls().await?).connect(name, stream).await?, &request, until).await
    }

    async fn tls(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let roots = tokio::task::spawn_blocking(tls::system_roots).await.map_err(io::Error::other)?;
        let config = tls::trusting(roots).map_err(io::Error::other)?;
        Ok(Arc::clone(self.tls.get_or_init(|| config)))
    }
}

/// How far an answer is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    FirstLine,
    End,
}

async fn within(exchanged: impl Future<Output = io::Result<Vec<u8>>>) -> Result<Vec<u8>, String> {
    match timeout(TIMEOUT, exchanged).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("no answer within 10 seconds".to_owned()),
    }
}

fn no_http() -> String {
    "the answer is no HTTP".to_owned()
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    until: Until,
) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let limit = if until == Until::End { MAX_DOCUMENT + 1 } else { MAX_ANSWER };
    let mut limited = stream.take(limit);
    loop {
        let is_enough = match until {
            Until::FirstLine => answer.contains(&b'\n'),
            Until::End => body(&answer).is_some_and(|_| is_whole(&answer)),
        };
        if is_enough {
            return Ok(answer);
        }
        match limited.read_buf(&mut answer).await {
            Ok(0) => break,
            Ok(_) => {}
            // Many close a connection over TLS without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    if answer.len() as u64 > MAX_DOCUMENT {
        return Err(io::Error::other(format!("the answer is longer than {MAX_DOCUMENT} bytes")));
    }
    Ok(answer)
}

/// The lines of the head, and what is behind it.
fn parted(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = answer.split_at_checked(end)?;
    Some((std::str::from_utf8(head).ok()?, rest.get(4..)?))
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .into_iter()
        .find(|(given, _)| given.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn is_chunked(head: &str) -> bool {
    field(head, "transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked"))
}

/// Whether an answer says how long it is, so that there is no more to come.
fn is_whole(answer: &[u8]) -> bool {
    parted(answer).is_some_and(|(head, _)| is_chunked(head) || field(head, "content-length").is_some())
}

/// The body of an answer as text; None as long as it is not whole.
fn body(answer: &[u8]) -> Option<String> {
    let (head, rest) = parted(answer)?;
    let body = if is_chunked(head) {
        unchunked(rest)?
    } else {
        match field(head, "content-length") {
            Some(length) => rest.get(..length.parse().ok()?)?.to_vec(),
            None => rest.to_vec(),
        }
    };
    String::from_utf8(body).ok()
}

/// What was sent in pieces (RFC 9112, section 7.1); None as long as the last one is missing.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(end + 2..)?;
        if length == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length..)?.strip_prefix(b"\r\n")?;
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (version, rest) = line.split_once(' ')?;
    if !version.starts_with("HTTP/1.") {
        return None;
    }
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_form_is_sent_and_the_status_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let mut sent = Vec::new();
            let (mut stream, _) = listener.accept().await.unwrap();
            while !sent.ends_with(b"a=b") {
                stream.read_buf(&mut sent).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            String::from_utf8(sent).unwrap()
        });
        let courier = Courier::default();
        assert_eq!(
            courier.post(&format!("http://{address}/out?x=1"), "a=b", Reach::Everywhere).await,
            Ok(204)
        );
        let sent = server.await.unwrap();
        assert!(sent.starts_with("POST /out?x=1 HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("Content-Length: 3\r\n") && sent.contains(&format!("Host: {address}\r\n")));
        assert!(courier.post(&format!("http://{address}/out"), "a=b", Reach::Everywhere).await.is_err());
        for uri in [format!("http://{address}/out"), "http://localhost:1".to_owned()] {
            let why = courier.post(&uri, "a=b", Reach::Public).await.unwrap_err();
            assert!(why.contains("private network"), "{why}");
        }
    }

    /// What a server that answers so is read as.
    async fn fetched(answer: Vec<u8>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
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
            assert_eq!(fetched(whole.as_bytes().to_vec()).await.as_deref(), Ok("{}"), "{whole}");
        }
        for (other, why) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "cut off"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", "cut off"),
            ("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n", "status 302"),
            ("SSH-2.0-x\r\n", "no HTTP"),
            ("", "no HTTP"),
        ] {
            let found = fetched(other.as_bytes().to_vec()).await.unwrap_err();
            assert!(found.contains(why), "{other}: {found}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(70_000));
        assert!(fetched(endless.into_bytes()).await.unwrap_err().contains("longer"));
    }

    #[test]
    fn only_an_answer_of_http_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 400\r\n"), Some(400));
        for wrong in [&b""[..], b"SSH-2.0-x\r\n", b"HTTP/1.1 2", b"HTTP/1.1 abc\r\n"] {
            assert_eq!(status(wrong), None);
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_not(head in "(HTTP/1.1 200 OK\r\n)?(Transfer-Encoding: chunked\r\n|Content-Length: [0-9]{1,20}\r\n)?(\r\n)?",
            rest in prop::collection::vec(any::<u8>(), 0..60)) {
            let answer = [head.as_bytes(), &rest].concat();
            drop((status(&answer), body(&answer)));
        }
    }
}
