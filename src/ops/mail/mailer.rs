//! The tasks that send what waits in the outbox: how they are woken, and how they end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// Why an email is not sent where nothing sends any.
pub(in crate::ops) const NO_WAY: &str = "not sent: smtp.url is not set, and no email is sent";

/// What the tasks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Signal {
    /// Something was put into the outbox: so often by now.
    Queued(u64),
    /// Send what is due, and end.
    Close,
}

/// The tasks of this process.
#[derive(Debug)]
pub(in crate::ops) struct Mailer {
    /// By what rows know who holds them.
    pub node: Uuid,
    /// Of the task that turns requests into emails, and of the one that sends these, in this order.
    lanes: [Lane; 2],
    is_told: AtomicBool,
    has_queued: AtomicBool,
}

#[derive(Debug)]
struct Lane {
    signal: watch::Sender<Signal>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Lane {
    fn new() -> Self {
        Self { signal: watch::Sender::new(Signal::Queued(0)), task: Mutex::new(None) }
    }

    fn slot(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer {
    /// No task yet.
    pub fn new(node: Uuid) -> Self {
        let lanes = [Lane::new(), Lane::new()];
        Self { node, lanes, is_told: AtomicBool::new(false), has_queued: AtomicBool::new(false) }
    }

    /// Starts the task of each lane, which is given what it is told by.
    pub fn start(&self, task: impl Fn(usize, watch::Receiver<Signal>) -> JoinHandle<()>) {
        for (number, lane) in self.lanes.iter().enumerate() {
            *lane.slot() = Some(task(number, lane.signal.subscribe()));
        }
    }

    /// Something was put into the outbox, and is committed.
    pub fn wake(&self) {
        self.has_queued.store(true, Ordering::Relaxed);
        for lane in &self.lanes {
            lane.signal.send_if_modified(|signal| match signal {
                Signal::Queued(count) => {
                    *count = count.wrapping_add(1);
                    true
                }
                Signal::Close => false,
            });
        }
    }

    /// Whether this process has put anything into the outbox.
    pub fn has_queued(&self) -> bool {
        self.has_queued.load(Ordering::Relaxed)
    }

    /// Whether it is the first time that this is asked: what is told once is told now.
    pub fn is_first_time(&self) -> bool {
        !self.is_told.swap(true, Ordering::Relaxed)
    }

    /// Has what is due sent until then, and ends the tasks; true if one had to be cut off.
    pub async fn close(&self, deadline: Instant) -> bool {
        let mut is_cut_off = false;
        for lane in &self.lanes {
            lane.signal.send_replace(Signal::Close);
            let task = lane.slot().take();
            let Some(mut task) = task else { continue };
            if timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                drop(task.await);
                is_cut_off = true;
            }
        }
        is_cut_off
    }
}

/// Who lets go of the last clone without closing it has ended the tasks, too.
impl Drop for Mailer {
    fn drop(&mut self) {
        for lane in &self.lanes {
            if let Some(task) = lane.slot().take() {
                task.abort();
            }
        }
    }
}
