//! Who waits for a call, and so where the hooks that take part in it run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, ThreadId};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

tokio::task_local! {
    static CALLER: Caller;
}

/// Somebody has set a hook in this process. Until then calls do not note who makes them, which costs a little.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// Who waits for a call.
#[derive(Clone)]
pub enum Caller {
    /// Nobody who is known.
    Unknown,
    /// A thread, which drives the call itself and does nothing else meanwhile: hooks run on it, as part of the call.
    Thread(ThreadId),
    /// An event loop, which does other things meanwhile.
    Loop(Arc<Waiting>),
}

/// A task of an event loop that waits for a call.
pub struct Waiting {
    /// The loop.
    pub event_loop: Py<PyAny>,
    /// A copy of the task's context variables.
    pub context: Py<PyAny>,
}

impl Caller {
    /// This thread.
    pub fn thread() -> Self {
        if IS_WANTED.load(SeqCst) { Self::Thread(thread::current().id()) } else { Self::Unknown }
    }

    /// The task that runs now in this loop.
    pub fn event_loop(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        if !IS_WANTED.load(SeqCst) {
            return Ok(Self::Unknown);
        }
        let context = copy_context(event_loop.py())?.unbind();
        Ok(Self::Loop(Arc::new(Waiting { event_loop: event_loop.clone().unbind(), context })))
    }

    /// The caller of the operation under way.
    pub fn current() -> Self {
        CALLER.try_with(Self::clone).unwrap_or(Self::Unknown)
    }

    /// Whether it is this very thread.
    pub fn is_this_thread(&self) -> bool {
        matches!(self, Self::Thread(id) if *id == thread::current().id())
    }
}

/// From now on calls note who makes them.
pub fn want() {
    IS_WANTED.store(true, SeqCst);
}

/// A future in which [`Caller::current`] is this one.
pub async fn waits_for<T>(caller: Caller, future: impl Future<Output = T>) -> T {
    CALLER.scope(caller, future).await
}

/// A copy of the context variables of this thread.
pub fn copy_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    COPY.import(py, "contextvars", "copy_context")?.call0()
}
