//! What belongs to one process: the tokio runtime, created at the first call, and the queue of results for event
//! loops. A fork ends both in the parent; parent and child create their own at the next call.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pyo3::Python;
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::task;

use crate::domain::{Error, Result};
use crate::python::runtime::gate;
use crate::python::runtime::gate::Pass;

/// The most threads that drive I/O and spawned operations; hashing has threads of its own.
const MAX_WORKERS: usize = 8;

static CURRENT: ArcSwapOption<Process> = ArcSwapOption::const_empty();

/// The runtime of this process.
pub struct Process {
    /// None once it was shut down.
    runtime: Mutex<Option<Runtime>>,
    handle: Handle,
    deliveries: Mutex<Deliveries>,
}

#[derive(Default)]
struct Deliveries {
    waiting: Vec<Delivery>,
    is_running: bool,
}

/// A result on its way into an event loop.
pub struct Delivery {
    /// Gives the result to the loop.
    pub hand_over: Box<dyn FnOnce(Python<'_>) + Send>,
    /// Keeps the call running until its result is handed over.
    pub pass: Pass,
}

impl Process {
    /// The runtime of this process, created if there is none. The caller holds a [`Pass`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no threads can be created.
    pub fn current() -> Result<Arc<Self>> {
        if let Some(process) = CURRENT.load_full() {
            return Ok(process);
        }
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("zato-sso")
            .enable_all()
            .build()
            .map_err(Error::unavailable)?;
        let handle = runtime.handle().clone();
        let made =
            Arc::new(Self { runtime: Mutex::new(Some(runtime)), handle, deliveries: Mutex::default() });
        let winner = CURRENT.compare_and_swap(&None::<Arc<Self>>, Some(Arc::clone(&made)));
        Ok(winner.as_ref().map_or(made, Arc::clone))
    }

    /// The runtime of this process, if there is one.
    pub fn existing() -> Option<Arc<Self>> {
        CURRENT.load_full()
    }

    /// Makes this the runtime that timers, connections and spawned tasks use on this thread.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Drives a future on this thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        if gate::is_nested() {
            // This thread may be driving the outer call.
            task::block_in_place(|| self.handle.block_on(future))
        } else {
            self.handle.block_on(future)
        }
    }

    /// Runs a future detached.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(future));
    }

    /// Queues a result for its event loop. One thread at a time attaches to the interpreter and hands over all that is
    /// queued, so that the workers never wait for the interpreter.
    pub fn deliver(self: &Arc<Self>, delivery: Delivery) {
        let mut deliveries = lock(&self.deliveries);
        deliveries.waiting.push(delivery);
        let was_running = mem::replace(&mut deliveries.is_running, true);
        drop(deliveries);
        if !was_running {
            let process = Arc::clone(self);
            drop(self.handle.spawn_blocking(move || process.hand_over_all()));
        }
    }

    fn hand_over_all(&self) {
        loop {
            let mut deliveries = lock(&self.deliveries);
            let batch = mem::take(&mut deliveries.waiting);
            deliveries.is_running = !batch.is_empty();
            drop(deliveries);
            if batch.is_empty() {
                return;
            }
            gate::visit(|py| {
                for delivery in batch {
                    (delivery.hand_over)(py);
                    drop(delivery.pass);
                }
            });
        }
    }

    /// Ends the runtime and its threads; threads that do not end in time are abandoned.
    pub fn shut_down(patience: Duration) {
        if let Some(runtime) = CURRENT.swap(None).and_then(|process| lock(&process.runtime).take()) {
            runtime.shutdown_timeout(patience);
        }
    }

    /// Forgets a runtime inherited from the parent, without dropping it: its threads do not exist here.
    pub fn forget() {
        mem::forget(CURRENT.swap(None));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = lock(&self.runtime).take() {
            // An ordinary drop waits for the threads, and this may be one of them.
            runtime.shutdown_background();
        }
    }
}

/// A lock is usable even if its holder panicked: no use leaves the data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
