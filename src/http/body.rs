//! The body of a request: bytes, as long as they wait. What all of them hold together is bounded, and how slowly they come.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use tokio::time::{Instant, sleep_until};

use crate::config::Config;
use crate::http::closing::Closing;
use crate::http::failure::Failure;
use crate::http::room::{FREE, Network, Place, Room};

/// How often the speed of a body is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How many times `http.max_body_bytes` is read and thrown away of a body that is too long. Its sender then reads the answer
/// instead of finding the connection broken while still writing.
const DRAINED_BODIES: usize = 8;

/// The memory that bodies may take.
#[derive(Debug)]
pub(in crate::http) struct Bodies {
    room: Arc<Room>,
    limit: usize,
    /// How many bytes have to come between two looks.
    progress: usize,
    look: Duration,
}

/// A body, and its part of the memory.
#[derive(Debug, Default)]
pub(in crate::http) struct Held {
    /// What was sent.
    pub bytes: Vec<u8>,
    place: Option<Place>,
}

/// How quickly a body comes.
#[derive(Debug)]
struct Speed {
    progress: usize,
    came: usize,
    look: Duration,
    next_look: Option<Instant>,
}

impl Speed {
    /// Resolves when too little came.
    async fn is_too_slow(&mut self) {
        loop {
            let look = *self.next_look.get_or_insert_with(|| Instant::now() + self.look);
            sleep_until(look).await;
            if self.came < self.progress {
                return;
            }
            self.came = 0;
            self.next_look = Some(look + self.look);
        }
    }
}

impl Bodies {
    pub fn new(config: &Config) -> Self {
        let http = &config.http;
        let seconds = usize::try_from(LOOK.as_secs()).unwrap_or(usize::MAX);
        Self {
            room: Room::new(http.max_body_memory),
            limit: http.max_body_bytes,
            progress: http.min_speed.saturating_mul(seconds),
            look: LOOK,
        }
    }

    /// The whole body, which a network sends.
    pub async fn read(
        &self,
        mut body: Body,
        network: Option<Network>,
        closing: &Closing,
    ) -> Result<Held, Failure> {
        let mut held = Held::default();
        let mut drained: usize = 0;
        let mut speed = Speed { progress: self.progress, came: 0, look: self.look, next_look: None };
        loop {
            let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            let frame = tokio::select! {
                biased;
                frame = next => frame,
                () = speed.is_too_slow() => return Err(Failure::TooSlow),
                () = closing.is_over() => return Err(Failure::TooSlow),
            };
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(|_| Failure::bad("the body did not arrive as a whole"))?.into_data()
            else {
                continue;
            };
            speed.came = speed.came.saturating_add(data.len());
            if drained == 0 && held.bytes.len() + data.len() <= self.limit {
                self.reserve(&mut held, data.len(), network)?;
                held.bytes.extend_from_slice(&data);
                continue;
            }
            held = Held::default();
            drained = drained.saturating_add(data.len());
            if drained > self.limit.saturating_mul(DRAINED_BODIES) {
                break;
            }
        }
        if drained > 0 {
            return Err(Failure::TooLarge);
        }
        held.bytes.shrink_to_fit();
        Ok(held)
    }

    /// Takes the memory for so many bytes more. Waiting for it would hold what there is already, so nobody does.
    fn reserve(&self, held: &mut Held, more: usize, network: Option<Network>) -> Result<(), Failure> {
        let length = held.bytes.len() + more;
        if length <= held.bytes.capacity() {
            return Ok(());
        }
        // What is allocated counts.
        let capacity = length.max(held.bytes.capacity().saturating_mul(2)).min(self.limit);
        if capacity > FREE {
            let has = held.place.as_ref().map_or(0, Place::amount);
            let needed = capacity.saturating_sub(has);
            let has_room = match &mut held.place {
                Some(place) => place.grow(needed),
                None => {
                    held.place = self.room.take(network, needed);
                    held.place.is_some()
                }
            };
            if !has_room {
                return Err(Failure::Overloaded);
            }
        }
        held.bytes.reserve_exact(capacity - held.bytes.len());
        Ok(())
    }
}

impl Held {
    /// As text.
    pub fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.bytes).map_err(|_| Failure::bad("the body is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use axum::body::Bytes;
    use hyper::body::Frame;
    use tokio::time::sleep;

    use super::*;

    fn bodies(limit: usize, memory: usize) -> Bodies {
        Bodies { room: Room::new(memory), limit, progress: 1_000, look: Duration::from_millis(500) }
    }

    async fn read(bodies: &Bodies, body: Body) -> Result<Held, Failure> {
        bodies.read(body, None, &Closing::default()).await
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read() {
        let bodies = bodies(4, 1_024);
        let read = async |body: Body| read(&bodies, body).await.map(|held| held.bytes);
        assert_eq!(read(Body::from("1234")).await, Ok(b"1234".to_vec()));
        assert_eq!(read(Body::from("12345")).await, Err(Failure::TooLarge));
        assert_eq!(read(Body::from(vec![0; 1_000])).await, Err(Failure::TooLarge));
        assert_eq!(read(Body::empty()).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn together_they_hold_no_more_than_they_may_and_small_ones_always_find_room() {
        let bodies = bodies(50 * 1_024, 100 * 1_024);
        let large = || Body::from(vec![b'a'; 50 * 1_024]);
        let first = read(&bodies, large()).await.unwrap();
        let second = read(&bodies, large()).await.unwrap();
        assert_eq!(read(&bodies, large()).await.unwrap_err(), Failure::Overloaded);
        assert_eq!(read(&bodies, Body::from(vec![b'a'; FREE])).await.unwrap().bytes.len(), FREE);
        drop(first);
        read(&bodies, large()).await.unwrap();
        drop(second);
        assert!(bodies.room.is_empty());
    }

    #[tokio::test]
    async fn a_network_holds_a_quarter_and_leaves_the_rest_to_others() {
        let bodies = bodies(10 * 1_024, 80 * 1_024);
        let network = |last: u8| Some(Network::of([192, 0, 2, last].into()));
        let large = || Body::from(vec![b'a'; 10 * 1_024]);
        let closing = Closing::default();
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(bodies.read(large(), network(1), &closing).await.unwrap());
        }
        let refused = bodies.read(large(), network(1), &closing).await.unwrap_err();
        assert_eq!(refused, Failure::Overloaded);
        bodies.read(large(), network(2), &closing).await.unwrap();
    }

    /// A body of which so many bytes come every tenth of a second, until there were so many.
    struct Slow {
        at_a_time: usize,
        left: usize,
        next: Pin<Box<tokio::time::Sleep>>,
    }

    fn slow(at_a_time: usize, left: usize) -> Body {
        Body::new(Slow { at_a_time, left, next: Box::pin(sleep(Duration::ZERO)) })
    }

    impl HttpBody for Slow {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            std::task::ready!(self.next.as_mut().poll(cx));
            self.next = Box::pin(sleep(Duration::from_millis(100)));
            let count = self.at_a_time.min(self.left);
            self.left -= count;
            Poll::Ready(Some(Ok(Frame::data(vec![0; count].into()))))
        }
    }

    #[tokio::test]
    async fn a_body_that_hardly_comes_is_given_up() {
        let bodies = bodies(1 << 20, 1 << 20);
        assert_eq!(read(&bodies, slow(1_000, 15_000)).await.unwrap().bytes.len(), 15_000);
        let start = Instant::now();
        assert_eq!(read(&bodies, slow(100, 15_000)).await.unwrap_err(), Failure::TooSlow);
        assert!(start.elapsed() < Duration::from_millis(1_400), "{:?}", start.elapsed());
        assert!(bodies.room.is_empty());
    }

    #[tokio::test]
    async fn a_body_that_is_half_sent_does_not_hold_up_the_end() {
        let bodies = bodies(1 << 20, 1 << 20);
        let closing = Closing::default();
        let start = Instant::now();
        let close = async { closing.close() };
        let (read, ()) = tokio::join!(bodies.read(slow(1_000, 100_000), None, &closing), close);
        assert_eq!(read.unwrap_err(), Failure::TooSlow);
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
}
