//! The task in the background that runs maintenance.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

/// The task that runs maintenance, if it has been started and not ended.
#[derive(Debug, Default)]
pub(in crate::ops) struct Background(Mutex<Option<JoinHandle<()>>>);

impl Background {
    pub fn keep(&self, task: JoinHandle<()>) {
        *self.slot() = Some(task);
    }

    /// Ends the task, also half-way through a run, and returns when it has ended: a transaction under way is rolled back.
    pub async fn stop(&self) {
        let task = self.slot().take();
        if let Some(task) = task {
            task.abort();
            // It was cancelled, or had ended: either way it is not there any more.
            drop(task.await);
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who lets go of the last clone without closing it has ended the task, too.
impl Drop for Background {
    fn drop(&mut self) {
        if let Some(task) = self.slot().take() {
            task.abort();
        }
    }
}
