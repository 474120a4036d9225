//! The smallest client that can ask over HTTP/1.1: connections that are kept, each with one request at a time.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::Result;

/// The bytes of a request with a JSON body.
pub fn post_request(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// How many answers come in a second. Each has to be a 200 whose body contains `expected`. All connections share one
/// thread, as with `wrk -t1`.
pub fn requests_per_second(
    address: SocketAddr,
    connections: usize,
    request: &str,
    expected: &'static str,
    length: Duration,
) -> Result<f64> {
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let runtime = Builder::new_current_thread().enable_io().build()?;
            runtime.block_on(ask(address, connections, request, expected, length))
        });
        client.join().map_err(|_| "the client panicked")?
    })
}

async fn ask(
    address: SocketAddr,
    connections: usize,
    request: &str,
    expected: &'static str,
    length: Duration,
) -> Result<f64> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for stream in streams {
        let connection = Connection { stream, read: Vec::with_capacity(4_096) };
        tasks.spawn(connection.ask_until(start + length, request.as_bytes().to_vec(), expected));
    }
    let mut sum = 0.0;
    while let Some(rate) = tasks.join_next().await {
        sum += rate??;
    }
    Ok(sum)
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Asks until then, one request after the other; how many a second.
    async fn ask_until(mut self, end: Instant, request: Vec<u8>, expected: &str) -> Result<f64> {
        let (start, mut count) = (Instant::now(), 0_u32);
        while Instant::now() < end {
            self.stream.write_all(&request).await?;
            self.expect_answer(expected).await?;
            count += 1;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }

    /// Reads one answer; nothing can follow it before the next request.
    async fn expect_answer(&mut self, expected: &str) -> Result<()> {
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let text = str::from_utf8(&self.read)?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.ok_or("an answer without a length")?.parse()?;
            if body.len() < length {
                continue;
            }
            return if head.starts_with("HTTP/1.1 200 ") && body.contains(expected) {
                Ok(())
            } else {
                Err(format!("not the answer that was expected: {text}").into())
            };
        }
    }
}
