//! The body of a request: bytes, as long as they wait. What all of them hold together is bounded.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::Config;
use crate::http::failure::Failure;

/// Up to here a body costs what a connection costs, and is not counted: a login always finds room.
const FREE: usize = 16 * 1024;

/// What is counted at a time, in bytes.
const UNIT: usize = 1024;

/// How many times `http.max_body_bytes` is read and thrown away of a body that is too long. Its sender then reads the answer
/// instead of finding the connection broken while still writing.
const DRAINED_BODIES: usize = 8;

/// The memory that bodies may take.
#[derive(Debug)]
pub(in crate::http) struct Bodies {
    room: Semaphore,
    limit: usize,
}

/// A body, and its part of the memory.
#[derive(Debug, Default)]
pub(in crate::http) struct Held<'a> {
    /// What was sent.
    pub bytes: Vec<u8>,
    room: Option<SemaphorePermit<'a>>,
}

impl Bodies {
    pub fn new(config: &Config) -> Self {
        let limit = config.http.max_body_bytes;
        let all = config.http.max_body_memory.max(limit).div_ceil(UNIT);
        Self { room: Semaphore::new(all.min(Semaphore::MAX_PERMITS)), limit }
    }

    /// The whole body.
    pub async fn read(&self, mut body: Body) -> Result<Held<'_>, Failure> {
        let mut held = Held::default();
        let mut drained: usize = 0;
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let Ok(data) = frame.map_err(|_| Failure::bad("the body did not arrive as a whole"))?.into_data()
            else {
                continue;
            };
            if drained == 0 && held.bytes.len() + data.len() <= self.limit {
                self.reserve(&mut held, data.len())?;
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
    fn reserve<'a>(&'a self, held: &mut Held<'a>, more: usize) -> Result<(), Failure> {
        let length = held.bytes.len() + more;
        if length <= FREE {
            return Ok(());
        }
        let has = held.room.as_ref().map_or(0, SemaphorePermit::num_permits);
        let needed = length.div_ceil(UNIT).saturating_sub(has);
        let needed = u32::try_from(needed).map_err(|_| Failure::Unavailable)?;
        let room = self.room.try_acquire_many(needed).map_err(|_| Failure::Unavailable)?;
        match &mut held.room {
            Some(held) => held.merge(room),
            None => held.room = Some(room),
        }
        Ok(())
    }
}

impl Held<'_> {
    /// As text.
    pub fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.bytes).map_err(|_| Failure::bad("the body is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(limit: usize, memory: usize) -> Bodies {
        Bodies { room: Semaphore::new(memory / UNIT), limit }
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read() {
        let bodies = bodies(4, 1_024);
        let read = async |body: Body| bodies.read(body).await.map(|held| held.bytes);
        assert_eq!(read(Body::from("1234")).await, Ok(b"1234".to_vec()));
        assert_eq!(read(Body::from("12345")).await, Err(Failure::TooLarge));
        assert_eq!(read(Body::from(vec![0; 1_000])).await, Err(Failure::TooLarge));
        assert_eq!(read(Body::empty()).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn together_they_hold_no_more_than_they_may_and_small_ones_always_find_room() {
        let bodies = bodies(1 << 20, 100 * 1_024);
        let large = || Body::from(vec![b'a'; 50 * 1_024]);
        let first = bodies.read(large()).await.unwrap();
        let second = bodies.read(large()).await.unwrap();
        assert_eq!(bodies.read(large()).await.unwrap_err(), Failure::Unavailable);
        assert_eq!(bodies.read(Body::from(vec![b'a'; FREE])).await.unwrap().bytes.len(), FREE);
        drop(first);
        bodies.read(large()).await.unwrap();
        drop(second);
        assert_eq!(bodies.room.available_permits(), 100);
    }
}
