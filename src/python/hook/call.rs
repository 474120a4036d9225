//! One call of one hook: where it runs, and how its answer comes back.
//!
//! ```text
//! zato_sso.SSO      on the thread of the caller; an awaitable that it returns runs in an event loop of its own
//! zato_sso.aio.SSO  on a thread of the blocking pool; an awaitable that it returns runs in the loop of the caller
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::ops::{HookError, HookFuture};
use crate::python::runtime::caller;
use crate::python::runtime::caller::{Caller, Waiting};
use crate::python::runtime::fork;
use crate::python::runtime::gate;
use crate::python::runtime::gate::Pass;
use crate::python::value::logger;

/// The reason why a hook has no answer.
pub enum Trouble {
    /// It raised an exception.
    Raised(PyErr),
    /// Its answer has a wrong type or wrong content.
    Answered(HookError),
}

impl Trouble {
    /// An answer of a wrong type, or with wrong content, which is not shown.
    pub fn answered(answer: &Bound<'_, PyAny>, expected: &str) -> Self {
        let class =
            answer.get_type().name().map_or_else(|_| "something else".to_owned(), |it| it.to_string());
        Self::Answered(HookError::new(format!("answered {class}, expected {expected}")))
    }

    /// Logs the failure, and returns it for the operation: never the text of the exception, which may contain a secret.
    fn log(self, py: Python<'_>, hook: &str) -> HookError {
        let mut is_interrupt = false;
        let error = match self {
            Self::Answered(error) => error,
            Self::Raised(error) => {
                is_interrupt = error.is_instance_of::<PyKeyboardInterrupt>(py);
                let place = place(py, &error).map_or_else(|_| String::new(), |place| format!(" in {place}"));
                let class = error.get_type(py).name();
                let class = class.map_or_else(|_| "something".to_owned(), |name| name.to_string());
                HookError::new(format!("raised {class}{place}"))
            }
        };
        static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let logger = LOGGER.get_or_try_init(py, || logger::get(py, logger::FAULTS));
        // A failure to log is ignored: the audit log has the error too.
        drop(logger.and_then(|logger| {
            logger.call_method1(py, "error", ("the hook %s failed: it %s", hook, error.to_string()))
        }));
        if is_interrupt {
            // Ctrl-C is meant for the whole call: its signal is raised again. It interrupts the next Python code that
            // runs, so it comes last here.
            drop(py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main")));
        }
        error
    }
}

impl From<PyErr> for Trouble {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// The place where an exception was raised: file name and line.
fn place(py: Python<'_>, error: &PyErr) -> PyResult<String> {
    let mut traceback = error.traceback(py).map(Bound::into_any).ok_or_else(|| error.clone_ref(py))?;
    loop {
        let next = traceback.getattr("tb_next")?;
        if next.is_none() {
            break;
        }
        traceback = next;
    }
    let file: String = traceback.getattr("tb_frame")?.getattr("f_code")?.getattr("co_filename")?.extract()?;
    let file = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let line: u32 = traceback.getattr("tb_lineno")?.extract()?;
    Ok(format!("{file}, line {line}"))
}

/// Makes the arguments of a hook.
type Arguments = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>> + Send>;

/// Checks the answer of a hook and stores it for [`HookCall::run`].
type Reader = Arc<dyn Fn(&Bound<'_, PyAny>) -> Result<(), Trouble> + Send + Sync>;

/// A hook that is about to be called as part of the running operation.
pub struct HookCall {
    hook: &'static str,
    /// A reference of its own, which shows the garbage collector that the callable is in use. None if the interpreter
    /// is ending.
    callable: Option<Py<PyAny>>,
    caller: Caller,
}

/// The state of a call of a hook.
enum Step {
    /// It is over; its answer, if it has one, was read.
    Done(Result<(), HookError>),
    /// The loop of the caller runs it and will report when its answer was read.
    OnLoop(oneshot::Receiver<Result<(), HookError>>),
    /// It must be awaited on another thread, since this one runs a loop: steps and context.
    Elsewhere(Py<PyAny>, Py<PyAny>),
}

impl HookCall {
    /// Prepares a call, within the operation that it is part of.
    pub fn new(hook: &'static str, callable: &Py<PyAny>) -> Self {
        let callable = gate::visit(|py| callable.clone_ref(py));
        Self { hook, callable, caller: Caller::current() }
    }

    /// Calls the hook with these arguments and reads its answer.
    pub fn run<T, A>(self, arguments: A, read: fn(&Bound<'_, PyAny>) -> Result<T, Trouble>) -> HookFuture<T>
    where
        T: Send + 'static,
        A: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let answer = Arc::clone(&slot);
        let read = Arc::new(move |found: &Bound<'_, PyAny>| {
            *lock(&answer) = Some(read(found)?);
            Ok(())
        });
        let call = self.call(Box::new(arguments), read);
        Box::pin(async move {
            call.await?;
            let answer = lock(&slot).take();
            answer.ok_or_else(|| HookError::new("gave no answer"))
        })
    }

    /// The same for any type of answer: compiled once for all hooks.
    async fn call(self, arguments: Arguments, read: Reader) -> Result<(), HookError> {
        let Self { hook, callable, caller } = self;
        // From here on a fork waits for the hook, even if no call does.
        let _pass = Pass::enter_now();
        let generation = gate::generation();
        let is_here = caller.is_this_thread();
        let later = Arc::clone(&read);
        let begin = move || begin(hook, callable, &caller, arguments, &read);
        let step = if is_here { begin() } else { spawn_blocking(begin).await.unwrap_or_else(|_| panicked()) };
        let step = match step {
            Step::Elsewhere(steps, context) => {
                let end = move || visit(hook, |py| drive(py, &steps, Some(&context), &later));
                spawn_blocking(end).await.unwrap_or_else(|_| panicked())
            }
            other => other,
        };
        if gate::generation() != generation {
            // The hook has forked, and this is the child: the operation must not go on here.
            return std::future::pending().await;
        }
        match step {
            Step::Done(result) => result,
            Step::OnLoop(result) => {
                result.await.unwrap_or_else(|_| Err(HookError::new("its event loop has ended")))
            }
            Step::Elsewhere(..) => Err(HookError::new("has no thread to run on")),
        }
    }
}

/// Calls the hook on this thread. An awaitable that it returns goes to the loop or thread that awaits it.
fn begin(
    hook: &'static str,
    callable: Option<Py<PyAny>>,
    caller: &Caller,
    arguments: Arguments,
    read: &Reader,
) -> Step {
    let Some(callable) = callable else { return ending() };
    visit(hook, |py| {
        let arguments = arguments(py)?;
        let callable = callable.bind(py);
        let answer = match caller {
            Caller::Loop(waiting) => {
                let all = [callable.clone()].into_iter().chain(arguments.iter());
                let all = PyTuple::new(py, all.collect::<Vec<_>>())?;
                waiting.context.bind(py).call_method1("run", all)?
            }
            Caller::Thread(_) | Caller::Unknown => callable.call1(arguments)?,
        };
        if !answer.hasattr("__await__")? {
            return Ok(Step::Done(Ok(read(&answer)?)));
        }
        let steps = answer.call_method0("__await__")?.unbind();
        match caller {
            Caller::Loop(waiting) => land(py, hook, waiting, &steps, read),
            Caller::Thread(_) | Caller::Unknown if is_loop_running(py)? => {
                Ok(Step::Elsewhere(steps, caller::copy_context(py)?.unbind()))
            }
            Caller::Thread(_) | Caller::Unknown => drive(py, &steps, None, read),
        }
    })
}

fn ending() -> Step {
    Step::Done(Err(HookError::new("did not run: the interpreter is ending")))
}

fn panicked() -> Step {
    Step::Done(Err(HookError::new("could not be run")))
}

/// Runs a part of a hook on this thread, attached to the interpreter.
fn visit(hook: &str, code: impl FnOnce(Python<'_>) -> Result<Step, Trouble>) -> Step {
    let step = gate::visit(|py| {
        let step = gate::nested(|| code(py).unwrap_or_else(|trouble| Step::Done(Err(trouble.log(py, hook)))));
        fork::notice();
        step
    });
    step.unwrap_or_else(ending)
}

/// A helper that is written in Python.
fn helper<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("zato_sso._hooks")?.getattr(name)
}

fn is_loop_running(py: Python<'_>) -> PyResult<bool> {
    helper(py, "is_loop_running")?.call0()?.is_truthy()
}

/// Awaits the steps on this thread, in a new event loop.
fn drive(
    py: Python<'_>,
    steps: &Py<PyAny>,
    context: Option<&Py<PyAny>>,
    read: &Reader,
) -> Result<Step, Trouble> {
    let run = helper(py, "run")?;
    let answer = match context {
        Some(context) => context.bind(py).call_method1("run", (run, steps))?,
        None => run.call1((steps,))?,
    };
    Ok(Step::Done(Ok(read(&answer)?)))
}

/// Lets the loop of the caller await the steps.
fn land(
    py: Python<'_>,
    hook: &'static str,
    waiting: &Waiting,
    steps: &Py<PyAny>,
    read: &Reader,
) -> Result<Step, Trouble> {
    let (sender, receiver) = oneshot::channel();
    let read = Arc::clone(read);
    let land = move |py: Python<'_>, result: PyResult<Bound<'_, PyAny>>| {
        let answer = result.map_err(Trouble::from).and_then(|answer| read(&answer));
        // The receiver may be gone after a fork.
        drop(sender.send(answer.map_err(|trouble| trouble.log(py, hook))));
    };
    let landing = Bound::new(py, Landing(Mutex::new(Some(Box::new(land)))))?;
    let nested = Bound::new(py, Steps(steps.clone_ref(py)))?;
    let event_loop = waiting.event_loop.bind(py);
    let soon = event_loop.getattr("call_soon_threadsafe")?;
    let arguments = (soon, helper(py, "start")?, event_loop, nested, landing);
    if let Err(error) = waiting.context.bind(py).call_method1("run", arguments) {
        // The loop is closed. Close the coroutine too, or it warns that it was never awaited.
        drop(steps.call_method0(py, "close"));
        return Err(error.into());
    }
    Ok(Step::OnLoop(receiver))
}

type Land = Box<dyn for<'py> FnOnce(Python<'py>, PyResult<Bound<'py, PyAny>>) + Send>;

/// Called when a task of the loop is done. If the task never finishes, it is dropped with the task.
#[pyclass(frozen, module = "zato_sso._core")]
struct Landing(Mutex<Option<Land>>);

#[pymethods]
impl Landing {
    fn __call__(&self, task: &Bound<'_, PyAny>) {
        let land = lock(&self.0).take();
        if let Some(land) = land {
            gate::nested(|| land(task.py(), task.call_method0("result")));
        }
    }
}

/// The awaitable that a hook returned. Each of its steps runs as Python code inside a call.
#[pyclass(frozen, module = "zato_sso._core")]
struct Steps(Py<PyAny>);

#[pymethods]
impl Steps {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        gate::nested(|| self.0.call_method0(py, "__next__"))
    }

    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        gate::nested(|| self.0.call_method1(py, "send", (value,)))
    }

    fn throw(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        gate::nested(|| self.0.call_method1(py, "throw", (error,)))
    }

    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        gate::nested(|| self.0.call_method0(py, "close"))
    }

    fn __traverse__(&self, visit: pyo3::gc::PyVisit<'_>) -> Result<(), pyo3::gc::PyTraverseError> {
        visit.call(&self.0)
    }
}

/// A lock is usable even if its holder panicked: no use leaves the data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
