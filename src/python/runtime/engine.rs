//! One method body for both modes: [`Handle::run`] takes an asynchronous operation on the engine and either blocks
//! on it or returns something to await.
//!
//! The engine, which is [`Engine`] for this module and `ops::Sso` for everybody else, is opened at the first call
//! and belongs to one process; [`crate::python::runtime::fork`] tells what happens to it when the process forks.

use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

use crate::domain::{Error, Result};
use crate::python::runtime::awaitable::{Awaitable, Started};
use crate::python::runtime::caller::{Caller, waits_for};
use crate::python::runtime::fork;
use crate::python::runtime::fork::{Forkable, PuttingAway};
use crate::python::runtime::gate;
use crate::python::runtime::gate::Pass;
use crate::python::runtime::process::{Delivery, Process};
use crate::python::value::error::{Fault, caught};

/// How long a blocking call waits between two looks at the signals, Ctrl-C among them.
const TICK: Duration = Duration::from_millis(100);

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether calls block, or return something to await.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `zato_sso.SSO`
    Blocking,
    /// `zato_sso.aio.SSO`
    Awaitable,
}

/// Where the data of an engine lives, which decides what becomes of it in a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the memory of the process: cannot be closed and opened again, and does not come along to a child.
    Memory,
    /// In a file that the process holds locks on: must be closed before a fork, or else the child cannot have it.
    File,
    /// On a server: a child opens connections of its own whatever happened before.
    Server,
}

/// What this module needs to know of an engine.
pub trait Engine: Send + Sync + 'static {
    /// Where its data lives.
    fn home(&self) -> Home;

    /// Ends its connections and threads, and returns when they have ended. May be called twice.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

const USABLE: u8 = 0;
const CLOSED: u8 = 1;
const LEFT_IN_PARENT: u8 = 2;
const HELD_BY_PARENT: u8 = 3;

/// What all objects of one API tree share: the way to the engine.
pub struct Handle<E: Engine> {
    open: Box<dyn Fn() -> BoxFuture<'static, Result<Arc<E>, Fault>> + Send + Sync>,
    engine: ArcSwapOption<E>,
    /// One caller at a time opens or closes. A child replaces it: who held it in the parent does not exist there.
    turn: ArcSwap<Mutex<()>>,
    state: AtomicU8,
    /// Closing before a fork took too long: what is left of the engine is not used any more.
    is_half_closed: AtomicBool,
}

impl<E: Engine> Handle<E> {
    /// A handle to an engine that `open` opens: at the first call, and again after a fork.
    pub fn new(
        open: impl Fn() -> BoxFuture<'static, Result<Arc<E>, Fault>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let handle = Arc::new(Self {
            open: Box::new(open),
            engine: ArcSwapOption::const_empty(),
            turn: ArcSwap::from_pointee(Mutex::new(())),
            state: AtomicU8::new(USABLE),
            is_half_closed: AtomicBool::new(false),
        });
        fork::register(Arc::<Self>::downgrade(&handle));
        handle
    }

    /// What an open engine answers at once, on the calling thread, which stays attached: no fork comes in between.
    pub fn at_once<T>(&self, answer: impl FnOnce(&E) -> Option<T>) -> Option<T> {
        answer(self.engine.load().as_deref()?)
    }

    /// Runs an operation and converts its result; raises what it fails with.
    ///
    /// Its first step, up to the first wait, runs on the calling thread with the interpreter attached: what is
    /// ready at once (a cached session) costs neither a detach nor a hand-over. From then on the interpreter is
    /// detached. An operation that computes for long before it waits begins with `yield_now().await`. No lock may be held
    /// across a call into Python.
    pub fn run<'py, T, O, F, C>(
        self: &Arc<Self>,
        py: Python<'py>,
        mode: Mode,
        operation: O,
        convert: C,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        O: FnOnce(Arc<E>) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
    {
        self.run_raising(py, mode, operation, Fault::Failed, convert)
    }

    /// As [`Self::run`], for a method that raises more than the usual: `explain` tells what the error of the
    /// operation is for it.
    pub fn run_raising<'py, T, O, F, C>(
        self: &Arc<Self>,
        py: Python<'py>,
        mode: Mode,
        operation: O,
        explain: fn(Error) -> Fault,
        convert: C,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        O: FnOnce(Arc<E>) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
    {
        dispatch(py, mode, self.work(operation, explain), convert)
    }

    /// Something to await, whose result is there at once if `at_once` has it by then.
    pub fn when_awaited<'py, T, Q, O, F, C>(
        self: &Arc<Self>,
        py: Python<'py>,
        at_once: Q,
        operation: O,
        convert: C,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        Q: FnOnce(&E) -> Option<T> + Send + 'static,
        O: FnOnce(Arc<E>) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
    {
        let handle = Arc::clone(self);
        Awaitable::lazy(py, move |py| match handle.at_once(at_once) {
            Some(answer) => Ok(Started::Ready(convert(py, answer)?.unbind())),
            None => start(py, handle.work(operation, Fault::Failed), convert),
        })
    }

    /// The operation, on the engine, which is opened before if it is not open.
    fn work<T, O, F>(
        self: &Arc<Self>,
        operation: O,
        explain: fn(Error) -> Fault,
    ) -> impl FnOnce() -> BoxFuture<'static, Result<T, Fault>> + Send + 'static
    where
        T: Send + 'static,
        O: FnOnce(Arc<E>) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let handle = Arc::clone(self);
        move || {
            let opened = handle.engine.load_full();
            Box::pin(async move {
                let engine = match opened {
                    Some(engine) => engine,
                    None => handle.opened().await?,
                };
                operation(engine).await.map_err(|error| handle.blame(explain(error)))
            })
        }
    }

    /// Opens the engine if it is not open.
    pub fn open<'py>(self: &Arc<Self>, py: Python<'py>, mode: Mode) -> PyResult<Bound<'py, PyAny>> {
        self.run(py, mode, async |_| Ok(()), none)
    }

    /// Closes the engine for good. Calls in flight may fail; those that come later do. May be called twice.
    pub fn close<'py>(self: &Arc<Self>, py: Python<'py>, mode: Mode) -> PyResult<Bound<'py, PyAny>> {
        let handle = Arc::clone(self);
        let work = move || async move {
            yield_now().await;
            let turn = handle.turn.load_full();
            let _turn = turn.lock().await;
            handle.state.store(CLOSED, SeqCst);
            if let Some(engine) = handle.engine.swap(None) {
                engine.close().await;
            }
            Ok(())
        };
        dispatch(py, mode, work, none)
    }

    /// The engine, opened now unless another caller has been quicker.
    async fn opened(&self) -> Result<Arc<E>, Fault> {
        // The first step runs attached, and opening reads files.
        yield_now().await;
        let turn = self.turn.load_full();
        let _turn = turn.lock().await;
        match self.state.load(SeqCst) {
            CLOSED => return Err(Fault::Closed),
            LEFT_IN_PARENT => return Err(Fault::LeftInParent),
            HELD_BY_PARENT => return Err(Fault::HeldByParent),
            _ => {}
        }
        if let Some(engine) = self.engine.load_full() {
            return Ok(engine);
        }
        let engine = (self.open)().await?;
        self.engine.store(Some(Arc::clone(&engine)));
        Ok(engine)
    }

    /// What breaks while the engine is being closed breaks because of that.
    fn blame(&self, fault: Fault) -> Fault {
        if fault.is_technical() && self.state.load(SeqCst) == CLOSED { Fault::Closed } else { fault }
    }
}

impl<E: Engine> Forkable for Handle<E> {
    fn put_away(&self, deadline: Instant) -> PuttingAway<'_> {
        Box::pin(async move {
            let Some(engine) = self.engine.load_full() else { return };
            if engine.home() == Home::Memory {
                return;
            }
            match timeout_at(deadline, engine.close()).await {
                Ok(()) => self.engine.store(None),
                Err(_) => self.is_half_closed.store(true, SeqCst),
            }
        })
    }

    fn is_put_away(&self) -> bool {
        self.engine.load().is_none()
    }

    fn after_in_parent(&self) {
        if self.is_half_closed.swap(false, SeqCst) {
            self.engine.store(None);
        }
    }

    fn after_in_child(&self) {
        self.is_half_closed.store(false, SeqCst);
        mem::forget(self.turn.swap(Arc::default()));
        let Some(engine) = self.engine.swap(None) else { return };
        let lost = match engine.home() {
            Home::Memory => LEFT_IN_PARENT,
            Home::File => HELD_BY_PARENT,
            Home::Server => USABLE,
        };
        if self.state.load(SeqCst) == USABLE {
            self.state.store(lost, SeqCst);
        }
        // Its connections are the parent's, and its threads do not exist here: not even to be dropped.
        mem::forget(engine);
    }
}

impl<E: Engine> Drop for Handle<E> {
    /// An object that nobody closed is closed when it goes, without anybody waiting but a fork.
    fn drop(&mut self) {
        if let Some(engine) = self.engine.swap(None)
            && let Some(process) = Process::existing()
        {
            let pass = Pass::enter_at_once();
            process.spawn(async move {
                engine.close().await;
                drop(pass);
            });
        }
    }
}

/// Converts the result of an operation that has none.
pub fn none(py: Python<'_>, (): ()) -> PyResult<Bound<'_, PyAny>> {
    Ok(py.None().into_bound(py))
}

/// Makes the future and blocks on it, or returns something that does so when awaited.
fn dispatch<'py, T, W, F, C>(py: Python<'py>, mode: Mode, work: W, convert: C) -> PyResult<Bound<'py, PyAny>>
where
    T: Send + 'static,
    W: FnOnce() -> F + Send + 'static,
    F: Future<Output = Result<T, Fault>> + Send + 'static,
    C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
{
    match mode {
        Mode::Blocking => convert(py, block(py, work)?),
        Mode::Awaitable => Awaitable::lazy(py, |py| start(py, work, convert)),
    }
}

/// Drives the future on this thread, so that there is no hand-over to another.
fn block<T, W, F>(py: Python<'_>, work: W) -> PyResult<T>
where
    T: Send,
    W: FnOnce() -> F,
    F: Future<Output = Result<T, Fault>> + Send,
{
    let _pass = Pass::enter(py);
    let process = Process::current().map_err(Fault::from)?;
    // Also for the drop after a Ctrl-C: connections go back to their pool by way of a task.
    let _context = process.enter();
    let mut future = pin!(waits_for(Caller::thread(), caught(work())));
    if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Ok(result?);
    }
    loop {
        let step = py.detach(|| process.block_on(async { timeout(TICK, future.as_mut()).await }));
        match step {
            Ok(result) => return Ok(result?),
            // A signal handler is Python code: it may call the API, or fork.
            Err(_) => gate::nested(|| py.check_signals())?,
        }
    }
}

/// Takes the first step of the future; if that is not all, lets it run to its end in the background, where a
/// cancelled or forgotten caller does not stop it, and has its result delivered to the running event loop.
fn start<T, W, F, C>(py: Python<'_>, work: W, convert: C) -> PyResult<Started>
where
    T: Send + 'static,
    W: FnOnce() -> F,
    F: Future<Output = Result<T, Fault>> + Send + 'static,
    C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
{
    if gate::is_ending() {
        // Nothing delivers any more, and nothing but exit handlers and daemon threads is left to keep waiting.
        return Ok(Started::Ready(convert(py, block(py, work)?)?.unbind()));
    }
    let event_loop = running_loop(py)?;
    let pass = Pass::enter(py);
    let process = Process::current().map_err(Fault::from)?;
    let mut future = Box::pin(waits_for(Caller::event_loop(&event_loop)?, caught(work())));
    let first_step = {
        let _context = process.enter();
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    if let Poll::Ready(result) = first_step {
        return Ok(Started::Ready(convert(py, result?)?.unbind()));
    }
    let promise = event_loop.call_method0("create_future")?.unbind();
    let event_loop = event_loop.unbind();
    let pending = Started::Pending(promise.clone_ref(py));
    let courier = Arc::clone(&process);
    process.spawn(async move {
        let result = future.await;
        let hand_over = Box::new(move |py: Python<'_>| {
            let value = result.map_err(PyErr::from).and_then(|value| convert(py, value));
            let (value, is_error) = match value {
                Ok(value) => (value, false),
                Err(error) => (error.into_value(py).into_bound(py).into_any(), true),
            };
            settle_soon(event_loop.bind(py), promise, value, is_error);
        });
        courier.deliver(Delivery { hand_over, pass });
    });
    Ok(pending)
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
    // A closed loop refuses; then nobody waits there any more.
    drop(settled);
}

/// Gives an asyncio future its result, unless whoever waited has cancelled.
#[pyfunction]
fn settle(promise: &Bound<'_, PyAny>, value: Bound<'_, PyAny>, is_error: bool) -> PyResult<()> {
    if !promise.call_method0("done")?.is_truthy()? {
        promise.call_method1(if is_error { "set_exception" } else { "set_result" }, (value,))?;
    }
    Ok(())
}
