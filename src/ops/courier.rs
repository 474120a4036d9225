//! Sends one form to a client's own server, over HTTP/1.1: the way of back-channel logouts. No redirect is followed, and nothing but
//! the status is read of an answer.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use crate::ops::tls;

/// How long one delivery may take, from the look-up of the name to the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read at most to find its status.
const MAX_ANSWER: u64 = 4_096;

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
    pub async fn post(&self, uri: &str, form: &str) -> Result<u16, String> {
        match timeout(TIMEOUT, self.deliver(uri, form)).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("no answer within 10 seconds".to_owned()),
        }
    }

    async fn deliver(&self, uri: &str, form: &str) -> io::Result<u16> {
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
            "POST {}{query} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nAccept: */*\r\nUser-Agent: zato-sso\r\nConnection: close\r\n\r\n{form}",
            url.path(),
            form.len(),
        );
        let stream = match &host {
            Host::Domain(name) => TcpStream::connect((*name, port)).await?,
            Host::Ipv4(ip) => TcpStream::connect((*ip, port)).await?,
            Host::Ipv6(ip) => TcpStream::connect((*ip, port)).await?,
        };
        if url.scheme() != "https" {
            return exchange(stream, &request).await;
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(io::Error::other)?,
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
        };
        exchange(TlsConnector::from(self.tls().await?).connect(name, stream).await?, &request).await
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

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> io::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut limited = stream.take(MAX_ANSWER);
    while !answer.contains(&b'\n') {
        if limited.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    status(&answer).ok_or_else(|| io::Error::other("the answer is no HTTP"))
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
        assert_eq!(courier.post(&format!("http://{address}/out?x=1"), "a=b").await, Ok(204));
        let sent = server.await.unwrap();
        assert!(sent.starts_with("POST /out?x=1 HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("Content-Length: 3\r\n") && sent.contains(&format!("Host: {address}\r\n")));
        assert!(courier.post(&format!("http://{address}/out"), "a=b").await.is_err());
    }

    #[test]
    fn only_an_answer_of_http_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 400\r\n"), Some(400));
        for wrong in [&b""[..], b"SSH-2.0-x\r\n", b"HTTP/1.1 2", b"HTTP/1.1 abc\r\n"] {
            assert_eq!(status(wrong), None);
        }
    }
}
