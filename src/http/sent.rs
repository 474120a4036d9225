//! Answers on their way: what those hold that their clients have not read yet.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use crate::config::Config;
use crate::http::progress::{Progress, Unread};
use crate::http::room::{FREE, Network, Place, Room};

/// The memory that answers may take until they are read.
#[derive(Debug)]
pub(in crate::http) struct Answers(Arc<Room>);

/// Marks an answer that holds no memory of its own: it is there once for everybody.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Shared;

/// What an answer holds, until all of it is sent.
#[derive(Debug)]
struct Hold {
    _place: Option<Place>,
    _unread: Option<Unread>,
}

impl Answers {
    pub fn new(config: &Config) -> Self {
        Self(Room::new(config.http.max_answer_memory))
    }

    /// Has an answer hold its part of the memory until it is read. None if there is no room for it.
    pub fn hold(
        &self,
        response: Response,
        network: Option<Network>,
        progress: Option<&Arc<Progress>>,
    ) -> Option<Response> {
        let size = response.body().size_hint().lower();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size == 0 {
            return Some(response);
        }
        let is_shared = response.extensions().get::<Shared>().is_some();
        let place = if size <= FREE || is_shared { None } else { Some(self.0.take(network, size)?) };
        let unread = progress.map(|progress| progress.answer(size));
        let hold = Some(Arc::new(Hold { _place: place, _unread: unread }));
        Some(response.map(|body| Body::new(Held { body, hold })))
    }
}

/// A body, each piece of which holds what the answer holds.
struct Held {
    body: Body,
    hold: Option<Arc<Hold>>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let is_end = self.body.is_end_stream();
        let hold = if is_end { self.hold.take() } else { self.hold.clone() };
        let piece = |bytes: Bytes| Bytes::from_owner(Piece { bytes, _hold: hold });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer. The connection drops it when it is sent.
struct Piece {
    bytes: Bytes,
    _hold: Option<Arc<Hold>>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn next(body: &mut Body) -> Option<Bytes> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        frame.map(|frame| frame.unwrap().into_data().unwrap())
    }

    #[tokio::test]
    async fn answers_hold_their_memory_until_their_last_piece_is_gone() {
        let answers = Answers(Room::new(100_000));
        let of = |size: usize| Response::new(Body::from(vec![b'a'; size]));
        let large = answers.hold(of(60_000), None, None).unwrap();
        assert_eq!(large.body().size_hint().exact(), Some(60_000));
        assert!(answers.hold(of(60_000), None, None).is_none());
        assert!(answers.hold(of(FREE), None, None).is_some());
        let mut shared = of(60_000);
        shared.extensions_mut().insert(Shared);
        assert!(answers.hold(shared, None, None).is_some());
        let mut body = large.into_body();
        let piece = next(&mut body).await.unwrap();
        assert_eq!(piece.len(), 60_000);
        assert!(body.is_end_stream() && next(&mut body).await.is_none());
        drop(body);
        assert!(!answers.0.is_empty());
        drop(piece);
        assert!(answers.0.is_empty());
        // One that is never sent.
        drop(answers.hold(of(60_000), None, None));
        assert!(answers.0.is_empty());
    }
}
