//! Work that is not given up when its caller is.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that runs to completion even if its caller goes away: on the caller's thread as long as the caller waits, which costs
/// nothing, and in a task once the caller has gone away.
#[must_use = "it does nothing until it is waited for, or dropped"]
pub(crate) struct ToTheEnd<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> ToTheEnd<T> {
    pub fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let poll = work.as_mut().poll(cx);
        if poll.is_ready() {
            self.0 = None;
        }
        poll
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            in_a_task(work);
        }
    }
}

/// Starts a detached task. Where there is no runtime any more the work is dropped.
pub(crate) fn in_a_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(work));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn it_gives_what_the_work_gives() {
        assert_eq!(ToTheEnd::new(async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn what_is_left_when_the_caller_goes_away_is_done_all_the_same() {
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let work = ToTheEnd::new(async move {
            may_go_on.await.unwrap();
            done.send(()).unwrap();
        });
        timeout(Duration::ZERO, work).await.unwrap_err();
        go_on.send(()).unwrap();
        is_done.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_nobody_has_begun_to_wait_for_is_done_as_well() {
        let (done, is_done) = oneshot::channel();
        drop(ToTheEnd::new(async move { done.send(()).unwrap() }));
        is_done.await.unwrap();
    }
}
