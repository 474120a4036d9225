//! How a call runs: it blocks its thread, or returns something to await. Nothing here is generic: operation and
//! conversion are erased before, so that this is compiled once for all of them.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::time::timeout;

use crate::python::runtime::awaitable::{Awaitable, Started};
use crate::python::runtime::caller::{Caller, waits_for};
use crate::python::runtime::fork;
use crate::python::runtime::gate;
use crate::python::runtime::gate::Pass;
use crate::python::runtime::green;
use crate::python::runtime::journal;
use crate::python::runtime::process::{Delivery, Process};
use crate::python::runtime::traces::Traces;
use crate::python::runtime::work::{Call, Outcome};
use crate::python::value::error::Fault;

/// How often a blocking call checks for signals, such as Ctrl-C.
const TICK: Duration = Duration::from_millis(100);

/// Whether calls block, or return something to await.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `zato_sso.SSO`
    Blocking,
    /// `zato_sso.aio.SSO`
    Awaitable,
}

/// Makes a result into a Python object, on a thread that is attached to the interpreter.
pub trait Convert<T>:
    for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static
{
}

impl<T, C> Convert<T> for C where
    C: for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static
{
}

/// Converts the result of an operation that returns nothing.
pub fn none(py: Python<'_>, (): ()) -> PyResult<Bound<'_, PyAny>> {
    Ok(py.None().into_bound(py))
}

/// Blocks on a call, or returns something that runs it when awaited.
pub fn run(py: Python<'_>, mode: Mode, traces: Traces, call: Call) -> PyResult<Bound<'_, PyAny>> {
    match mode {
        Mode::Blocking => {
            let call = traces.record(py, call);
            let outcome = match green::pool(py)? {
                Some(pool) => block_elsewhere(&pool, call),
                None => block(py, call),
            };
            journal::hand_over(py);
            outcome?(py)
        }
        Mode::Awaitable => Awaitable::lazy(py, Box::new(move |py| start(py, traces.record(py, call)))),
    }
}

/// Drives a call on a thread of a pool.
fn block_elsewhere(pool: &Bound<'_, PyAny>, call: Call) -> PyResult<Outcome> {
    let outcome = Arc::new(Mutex::new(None));
    let of_thread = Arc::clone(&outcome);
    let work = Box::new(move |py: Python<'_>| {
        let driven = block(py, call);
        *of_thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(driven);
    });
    green::wait(pool, work)?;
    let driven = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Without an outcome it was not run.
    driven.unwrap_or_else(|| Err(Fault::ForkedInCall.into()))
}

/// Drives a call on this thread, so that nothing is handed over to another.
pub fn block(py: Python<'_>, call: Call) -> PyResult<Outcome> {
    fork::notice();
    let _pass = Pass::enter(py);
    let process = Process::current().map_err(Fault::from)?;
    // Needed for the drop after a Ctrl-C too: a task returns connections to their pool.
    let _context = process.enter();
    let mut future = pin!(waits_for(Caller::thread(), caught(call)));
    if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Ok(outcome);
    }
    loop {
        let step = py.detach(|| process.block_on(async { timeout(TICK, future.as_mut()).await }));
        match step {
            Ok(outcome) => return Ok(outcome),
            // A signal handler is Python code: it may call the API, or fork.
            Err(_) => {
                let generation = gate::generation();
                gate::nested(|| py.check_signals())?;
                fork::notice();
                if gate::generation() != generation {
                    return Err(Fault::ForkedInCall.into());
                }
            }
        }
    }
}

/// Takes the first step of a call. If that does not complete it, the rest runs detached in the background, where it
/// completes even if the caller is cancelled, and its result is delivered to the running event loop.
pub fn start(py: Python<'_>, call: Call) -> PyResult<Started> {
    if gate::is_ending() {
        // No thread of ours delivers results any more, and only exit handlers and daemon threads can be waiting.
        return Ok(Started::Ready(block(py, call)?(py)?.unbind()));
    }
    let event_loop = running_loop(py)?;
    fork::notice();
    let pass = Pass::enter(py);
    let process = Process::current().map_err(Fault::from)?;
    let mut future = Box::pin(waits_for(Caller::event_loop(&event_loop)?, caught(call)));
    let first_step = {
        let _context = process.enter();
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    if let Poll::Ready(outcome) = first_step {
        drop(pass);
        journal::hand_over(py);
        return Ok(Started::Ready(outcome(py)?.unbind()));
    }
    let promise = event_loop.call_method0("create_future")?.unbind();
    let event_loop = event_loop.unbind();
    let pending = Started::Pending(promise.clone_ref(py));
    let courier = Arc::clone(&process);
    process.spawn(async move {
        let outcome = future.await;
        let hand_over = Box::new(move |py: Python<'_>| {
            let (value, is_error) = match outcome(py) {
                Ok(value) => (value, false),
                Err(error) => (error.into_value(py).into_bound(py).into_any(), true),
            };
            settle_soon(event_loop.bind(py), promise, value, is_error);
        });
        courier.deliver(Delivery { hand_over, pass });
    });
    Ok(pending)
}

/// The call, with a panic inside it turned into a fault: PyO3 would raise a `BaseException` that no handler expects,
/// and tokio would hide it. Where Python code inside it has forked, it ends in the child: all that it holds is the
/// parent's.
async fn caught(call: Call) -> Outcome {
    let mut held = Held { call: Some(call), generation: gate::generation() };
    std::future::poll_fn(move |context| {
        let Some(call) = &mut held.call else { return Poll::Pending };
        let step = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        if held.is_in_child() {
            let outcome: Outcome = Box::new(|_| Err(Fault::ForkedInCall.into()));
            return Poll::Ready(outcome);
        }
        step.unwrap_or_else(|_| Poll::Ready(Box::new(|_| Err(Fault::Panicked.into()))))
    })
    .await
}

/// A call, and between which forks it began.
struct Held {
    call: Option<Call>,
    generation: u32,
}

impl Held {
    fn is_in_child(&self) -> bool {
        gate::generation() != self.generation
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_in_child() {
            mem::forget(self.call.take());
        }
    }
}

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    GET.import(py, "asyncio", "get_running_loop")?.call0()
}

fn settle_soon(event_loop: &Bound<'_, PyAny>, promise: Py<PyAny>, value: Bound<'_, PyAny>, is_error: bool) {
    static SETTLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = event_loop.py();
    let settled = SETTLE
        .get_or_try_init(py, || Ok::<_, PyErr>(pyo3::wrap_pyfunction!(settle, py)?.into_any().unbind()))
        .and_then(|settle| {
            event_loop.call_method1("call_soon_threadsafe", (settle, promise, value, is_error))
        });
    // A closed loop raises; then nobody waits there any more.
    drop(settled);
}

/// Gives an asyncio future its result, unless the task that waited was cancelled.
#[pyfunction]
fn settle(promise: &Bound<'_, PyAny>, value: Bound<'_, PyAny>, is_error: bool) -> PyResult<()> {
    journal::hand_over(promise.py());
    if !promise.call_method0("done")?.is_truthy()? {
        promise.call_method1(if is_error { "set_exception" } else { "set_result" }, (value,))?;
    }
    Ok(())
}
