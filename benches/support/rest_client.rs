//! The smallest client that can ask over HTTP/1.1: connections that are kept, each with one request at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::Result;

/// What stands in a request for a number that is another one each time.
const NUMBER: &str = "%NUMBER%";

/// The bytes of a request with a JSON body.
pub fn post_request(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// What is asked, by whom and of whom.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The servers; connections go to one after the other.
    pub addresses: Vec<SocketAddr>,
    /// How many connections in all.
    pub connections: usize,
    /// The bytes of a request. `%NUMBER%` in it becomes a number of eight digits.
    pub request: String,
    /// What the body of every answer, which has to be a success, contains.
    pub expected: String,
    /// How many numbers there are, from 0; after the last comes the first again.
    pub numbers: u32,
}

/// How many answers come in a second. All connections share one thread, as with `wrk -t1`.
pub fn requests_per_second(asking: &Asking, length: Duration) -> Result<f64> {
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let runtime = Builder::new_current_thread().enable_io().build()?;
            runtime.block_on(ask(asking, length))
        });
        client.join().map_err(|_| "the client panicked")?
    })
}

async fn ask(asking: &Asking, length: Duration) -> Result<f64> {
    let mut connections = Vec::new();
    let next = Arc::new(AtomicU32::new(0));
    for address in asking.addresses.iter().cycle().take(asking.connections) {
        let stream = connect(*address).await?;
        let (asking, next) = (asking.clone(), Arc::clone(&next));
        connections.push(Connection {
            stream,
            address: *address,
            asking,
            next,
            read: Vec::with_capacity(4_096),
        });
    }
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for connection in connections {
        tasks.spawn(connection.ask_until(start + length));
    }
    let mut sum = 0.0;
    while let Some(rate) = tasks.join_next().await {
        sum += rate??;
    }
    Ok(sum)
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    asking: Asking,
    next: Arc<AtomicU32>,
    read: Vec<u8>,
}

impl Connection {
    /// Asks until then, one request after the other; how many a second.
    async fn ask_until(mut self, end: Instant) -> Result<f64> {
        let (start, mut count) = (Instant::now(), 0_u32);
        let request = self.asking.request.clone();
        let is_numbered = request.contains(NUMBER);
        // At least once: on a busy machine the time may be over before a connection begins.
        while count == 0 || Instant::now() < end {
            if is_numbered {
                let number = self.next.fetch_add(1, Ordering::Relaxed) % self.asking.numbers.max(1);
                let request = request.replace(NUMBER, &format!("{number:08}"));
                self.stream.write_all(request.as_bytes()).await?;
            } else {
                self.stream.write_all(request.as_bytes()).await?;
            }
            self.expect_answer().await?;
            count += 1;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }

    /// Reads one answer; nothing can follow it before the next request.
    async fn expect_answer(&mut self) -> Result<()> {
        self.read.clear();
        loop {
            let is_over = self.stream.read_buf(&mut self.read).await? == 0;
            let text = str::from_utf8(&self.read)?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                if is_over {
                    return Err("the server closed the connection".into());
                }
                continue;
            };
            let is_whole = match header(head, "content-length") {
                Some(length) => body.len() >= length.parse::<usize>()?,
                None if header(head, "transfer-encoding").is_some() => body.ends_with("0\r\n\r\n"),
                None => is_over || head.starts_with("HTTP/1.1 204 "),
            };
            if !is_whole && !is_over {
                continue;
            }
            if !is_whole || !head.starts_with("HTTP/1.1 20") || !body.contains(&self.asking.expected) {
                return Err(format!("not the answer that was expected: {text}").into());
            }
            // Some servers keep no connections.
            if header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
                self.stream = connect(self.address).await?;
            }
            return Ok(());
        }
    }
}

/// The value of a header, whose name is in small letters.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
