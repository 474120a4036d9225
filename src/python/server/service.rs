//! The REST server as the Python face knows it: something that answers requests. What it is made of is put together
//! above the faces, in `crate::in_process`.

use std::net::IpAddr;
use std::pin::Pin;

use tokio::sync::mpsc;

/// A future whose type is erased.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A header: name and value.
pub type Header = (Vec<u8>, Vec<u8>);

/// A request, whose body may still be on its way.
#[derive(Debug)]
pub struct Request {
    /// GET, for instance.
    pub method: String,
    /// Path and query string.
    pub target: String,
    /// In their order.
    pub headers: Vec<Header>,
    /// The address that the connection comes from.
    pub peer: Option<IpAddr>,
    /// Its sender goes away without [`Chunk::End`] where the client has gone.
    pub body: mpsc::Receiver<Chunk>,
}

/// A part of a request's body.
#[derive(Debug)]
pub enum Chunk {
    /// Bytes.
    Data(Vec<u8>),
    /// The end of the body.
    End,
}

/// The answer to a request, whose body comes in parts.
pub struct Response {
    /// 200, for instance.
    pub status: u16,
    /// In their order.
    pub headers: Vec<Header>,
    /// Its body.
    pub body: Box<dyn Parts>,
}

/// A body in parts.
pub trait Parts: Send {
    /// The next part; None after the last one, and where the body breaks off.
    fn next(&mut self) -> Soon<'_, Option<Vec<u8>>>;
}

/// Answers requests.
pub trait Service: Send + Sync {
    /// The answer, in any case.
    fn answer(&self, request: Request) -> Soon<'static, Response>;
}
