//! The end of the server: who waits hears of it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long what a client has half sent, or has not read, may hold up the end.
const PATIENCE: Duration = Duration::from_secs(3);

/// How far the server is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It serves.
    Open,
    /// It serves, and says that it is not ready: whoever distributes requests is to turn to another server.
    Draining,
    /// It takes no more connections, since then.
    Closed(Instant),
}

/// Whether the server is about to end.
#[derive(Clone, Debug)]
pub(in crate::http) struct Closing(watch::Sender<Stage>);

impl Default for Closing {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Open))
    }
}

impl Closing {
    /// From now on the server is not ready.
    pub fn drain(&self) {
        self.0.send_replace(Stage::Draining);
    }

    /// From now on every answer is the last one on its connection.
    pub fn close(&self) {
        self.0.send_replace(Stage::Closed(Instant::now()));
    }

    /// Whether it is about to end, and serves until then.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() != Stage::Open
    }

    /// Resolves when it takes no more connections, and what is unfinished has had its time.
    pub async fn is_over(&self) {
        let mut stage = self.0.subscribe();
        let closed = stage.wait_for(|stage| matches!(stage, Stage::Closed(_))).await;
        // The sender is here, so that there is no error.
        if let Ok(Stage::Closed(since)) = closed.map(|stage| *stage) {
            sleep_until(since + PATIENCE).await;
        }
    }
}
