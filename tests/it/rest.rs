//! A REST server over a fresh database, and a client that sends exactly the bytes it is given.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zato_sso::http;

use crate::support::{Kind, PASSWORD, World};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    pub world: World,
    pub address: SocketAddr,
    /// Where metrics and documentation are, if `http.admin_listen` is set.
    pub admin: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, serde_json::json!({})).await
    }

    pub async fn with(kind: Kind, more: Value) -> Self {
        Self::of(World::with(kind, more).await)
    }

    pub fn of(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let admin = world.sso.config().http.admin_listen.map(|address| TcpListener::bind(address).unwrap());
        let admin_address = admin.as_ref().map(|listener| listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let served = tokio::spawn(http::serve_with_admin(world.sso.clone(), listener, admin, shutdown));
        Self { world, address, admin: admin_address, stop: Some(stop), served }
    }

    /// Asks the server to end.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for it to have ended.
    pub async fn ended(self) {
        tokio::time::timeout(PATIENCE, self.served).await.unwrap().unwrap().unwrap();
    }

    pub fn connect(&self) -> Connection {
        self.connect_to(self.address)
    }

    pub fn connect_to(&self, address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection { stream, read: Vec::new() }
    }

    /// One request over a connection of its own. `line` is method and path, under the default prefix unless it says
    /// otherwise.
    pub fn ask(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let mut connection = self.connect();
        connection.write(request(line, headers, body));
        connection.answer()
    }

    /// A login that works.
    pub fn ust(&self, username: &str) -> String {
        let body = serde_json::json!({"username": username, "password": PASSWORD}).to_string();
        let answer = self.ask("POST /user/login", &[], &body);
        answer.json()["ust"].as_str().unwrap_or_else(|| panic!("no login: {answer:?}")).to_owned()
    }
}

/// The bytes of a request.
pub fn request(line: &str, headers: &[&str], body: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let path = match path.strip_prefix("root:") {
        Some(path) => path.to_owned(),
        None => format!("/zato/sso{path}"),
    };
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// The same where the server may have gone: whether it took it.
    pub fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next answer, after the server has said to go on.
    pub fn continued(&mut self) -> Answer {
        let said = b"HTTP/1.1 100 Continue\r\n\r\n";
        while self.read.len() < said.len() && self.read_more() {}
        if self.read.starts_with(said) {
            self.read.drain(..said.len());
        }
        self.answer()
    }

    /// The next answer.
    pub fn answer(&mut self) -> Answer {
        let head_length = loop {
            if let Some(position) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break position + 4;
            }
            assert!(self.read_more(), "the connection ended without an answer: {:?}", self.read);
        };
        let head = String::from_utf8(self.read.drain(..head_length).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: String::new() };
        // What was not modified has no body, nor has what is said to have none (RFC 9110, sections 15.4.5 and 15.3.5).
        let length = if matches!(status, 204 | 304) { "0" } else { answer.header("content-length").unwrap() };
        let length: usize = length.parse().unwrap();
        while self.read.len() < length {
            assert!(self.read_more(), "the connection ended within an answer");
        }
        answer.body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        answer
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        !self.read_more()
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 65_536];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.read.extend_from_slice(&buffer[..length]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands there twice");
        value
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    /// Status and body, the parts that differ from call to call replaced by `…`.
    pub fn shape(&self) -> String {
        let mut body = self.body.clone();
        for name in ["cid", "ust", "device_token"] {
            if let Some(value) = self.json()[name].as_str() {
                body = body.replace(value, "…");
            }
        }
        format!("{} {body}", self.status)
    }

    /// The code of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> String {
        assert_eq!(self.status, 403, "{}", self.body);
        let json = self.json();
        assert_eq!(json["status"], "error");
        let codes: Vec<&str> =
            json["sub_status"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        codes.join(" ")
    }

    /// What a success says.
    #[track_caller]
    pub fn ok(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["status"]), (200, &Value::from("ok")), "{}", self.body);
        json
    }
}
