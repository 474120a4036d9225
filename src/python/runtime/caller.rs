//! The caller of an operation, which decides where its hooks run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, ThreadId};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

tokio::task_local! {
    static CALLER: Caller;
}

/// Whether a hook was set in this process. Until then calls do not record their caller, which would cost time.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// The thread or task that waits for a call.
#[derive(Clone)]
pub enum Caller {
    /// Not recorded.
    Unknown,
    /// A thread that drives the call itself: hooks run on it, as part of the call.
    Thread(ThreadId),
    /// An event loop, which runs other tasks in the meantime.
    Loop(Arc<Waiting>),
}

/// A task of an event loop that waits for a call.
pub struct Waiting {
    /// The loop that runs the task.
    pub event_loop: Py<PyAny>,
    /// A copy of the task's context variables.
    pub context: Py<PyAny>,
}

impl Caller {
    /// This thread, if a hook was ever set.
    pub fn thread() -> Self {
        if IS_WANTED.load(SeqCst) { Self::Thread(thread::current().id()) } else { Self::Unknown }
    }

    /// The task that this loop runs now, if a hook was ever set.
    pub fn event_loop(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        if !IS_WANTED.load(SeqCst) {
            return Ok(Self::Unknown);
        }
        let context = copy_context(event_loop.py())?.unbind();
        Ok(Self::Loop(Arc::new(Waiting { event_loop: event_loop.clone().unbind(), context })))
    }

    /// The caller of the operation that runs now.
    pub fn current() -> Self {
        CALLER.try_with(Self::clone).unwrap_or(Self::Unknown)
    }

    /// Whether the caller is the current thread.
    pub fn is_this_thread(&self) -> bool {
        matches!(self, Self::Thread(id) if *id == thread::current().id())
    }
}

/// From now on calls record their caller.
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
