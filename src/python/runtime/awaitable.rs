//! What a call of `zato_sso.aio` returns: an object that behaves like the coroutine of an `async def`.
//!
//! It starts when it is first awaited, works with `await`, `asyncio.run`, `create_task`, `gather` and `wait_for`,
//! and can be awaited once. A result that needs no wait does not go through the event loop.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::python::runtime::gate;

/// The state of an operation after its first step.
pub enum Started {
    /// It is complete, with this result.
    Ready(Py<PyAny>),
    /// It goes on; this future of the running loop will have the result.
    Pending(Py<PyAny>),
}

/// Takes an operation's first step.
pub type Start = Box<dyn FnOnce(Python<'_>) -> PyResult<Started> + Send>;

enum State {
    New(Start),
    /// The iterator of the loop's future.
    Waiting(Py<PyAny>),
    Done,
}

/// An operation that starts when it is awaited.
#[pyclass(frozen, module = "zato_sso._core")]
pub struct Awaitable {
    state: Mutex<State>,
}

impl Awaitable {
    /// An operation whose first step is `start`.
    pub fn lazy(py: Python<'_>, start: Start) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, Self { state: Mutex::new(State::New(start)) })?.into_any())
    }

    /// Never held across a call into Python.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> State {
        std::mem::replace(&mut self.state(), State::Done)
    }

    /// Starts the operation, or continues it: returns the iterator to step, or raises the exception that ends it.
    fn resume(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let waiting = match self.take() {
            State::New(start) => match start(py)? {
                // In a tuple of its own: a result that is a tuple would become several arguments.
                Started::Ready(value) => return Err(PyStopIteration::new_err((value,))),
                Started::Pending(future) => future.call_method0(py, "__await__")?,
            },
            State::Waiting(waiting) => waiting,
            State::Done => {
                return Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine"));
            }
        };
        *self.state() = State::Waiting(waiting.clone_ref(py));
        Ok(waiting)
    }

    /// Once the iterator has raised, with its result or an error, the operation is over.
    fn finish(&self, step: PyResult<Py<PyAny>>) -> PyResult<Py<PyAny>> {
        if step.is_err() {
            drop(self.take());
        }
        step
    }
}

#[pymethods]
impl Awaitable {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let waiting = self.resume(py)?;
        self.finish(waiting.call_method0(py, "__next__"))
    }

    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let waiting = self.resume(py)?;
        self.finish(waiting.call_method1(py, "send", (value,)))
    }

    #[pyo3(signature = (error, value=None, traceback=None))]
    fn throw(
        &self,
        py: Python<'_>,
        error: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        match self.take() {
            State::Waiting(waiting) => {
                *self.state() = State::Waiting(waiting.clone_ref(py));
                // Pass on only the arguments that were given: the long form is deprecated.
                self.finish(match (value, traceback) {
                    (None, None) => waiting.call_method1(py, "throw", (error,)),
                    (value, traceback) => waiting.call_method1(py, "throw", (error, value, traceback)),
                })
            }
            State::New(_) | State::Done => {
                // `throw` takes a class and its arguments, or an exception.
                let raised = match value {
                    Some(value) if !value.is_none() && error.is_callable() => error.call1((value,))?,
                    Some(_) | None => error,
                };
                Err(PyErr::from_value(raised))
            }
        }
    }

    fn close(&self) {
        drop(self.take());
    }

    fn __repr__(&self) -> &'static str {
        match &*self.state() {
            State::New(_) => "<zato_sso call, not started>",
            State::Waiting(_) => "<zato_sso call, running>",
            State::Done => "<zato_sso call, done>",
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.state.try_lock().as_deref() {
            Ok(State::Waiting(waiting)) => visit.call(waiting),
            Ok(State::New(_) | State::Done) | Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        drop(self.take());
    }
}

impl Drop for Awaitable {
    /// A check that was called but not awaited has checked nothing: warn of it, as Python does for its own coroutines.
    fn drop(&mut self) {
        if matches!(&*self.state(), State::New(_)) && !gate::is_ending() {
            Python::try_attach(|py| {
                let raised = PyErr::take(py);
                let category = py.get_type::<PyRuntimeWarning>();
                if let Err(error) =
                    PyErr::warn(py, &category, c"a call of zato_sso.aio was never awaited: it did nothing", 1)
                {
                    error.write_unraisable(py, None);
                }
                if let Some(raised) = raised {
                    raised.restore(py);
                }
            });
        }
    }
}
