//! The tasks in the background, which run maintenance and write what was collected.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

/// The tasks that have been started and not ended.
#[derive(Debug, Default)]
pub(in crate::ops) struct Background(Mutex<Vec<JoinHandle<()>>>);

impl Background {
    pub fn keep(&self, task: JoinHandle<()>) {
        self.slot().push(task);
    }

    /// Ends the tasks, also half-way through a run, and returns when they have ended: a transaction under way is rolled back.
    pub async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.slot());
        for task in tasks {
            task.abort();
            // It was cancelled, or had ended: either way it is not there any more.
            drop(task.await);
        }
    }

    fn slot(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who lets go of the last clone without closing it has ended the tasks, too.
impl Drop for Background {
    fn drop(&mut self) {
        for task in self.slot().drain(..) {
            task.abort();
        }
    }
}
