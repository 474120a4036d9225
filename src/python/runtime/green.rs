//! Blocking calls where gevent has patched the process: they wait on a thread of its pool, so that other greenlets run
//! meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::python::runtime::call::{Call, Outcome, block};
use crate::python::runtime::caller::copy_context;
use crate::python::runtime::fork;
use crate::python::runtime::gate;
use crate::python::value::error::Fault;

/// A call that a thread of the pool drives. The greenlet that waits takes the outcome: what is raised on such a thread,
/// gevent prints.
#[pyclass(frozen, module = "zato_sso._core")]
struct Errand {
    call: Mutex<Option<Call>>,
    /// Between which forks it began: what waits in the pool of a process would be done by its child as well.
    generation: u32,
    outcome: Mutex<Option<PyResult<Outcome>>>,
}

#[pymethods]
impl Errand {
    fn __call__(&self, py: Python<'_>) {
        let Some(call) = lock(&self.call).take() else { return };
        fork::notice();
        let outcome = if gate::generation() == self.generation {
            block(py, call)
        } else {
            Err(Fault::ForkedInCall.into())
        };
        *lock(&self.outcome) = Some(outcome);
    }
}

/// The pool of this thread's greenlets. None where blocking holds up nobody: without gevent, or with no greenlet beside
/// this one; and where only this thread may go on: in a hook, in gevent's own loop, and at the end of the interpreter.
pub fn pool(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let modules = MODULES
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("sys")?.getattr("modules")?.cast_into()?.unbind()))?
        .bind(py);
    let Some(monkey) = modules.get_item(pyo3::intern!(py, "gevent.monkey"))? else { return Ok(None) };
    if gate::is_nested() || gate::is_ending() {
        return Ok(None);
    }
    let is_patched = monkey.getattr("is_module_patched")?.call1(("threading",))?.is_truthy()?;
    if !is_patched {
        return Ok(None);
    }
    let hub = py.import("gevent._hub_local")?.call_method0("get_hub_if_exists")?;
    if hub.is_none() || py.import("gevent")?.call_method0("getcurrent")?.is(&hub) {
        return Ok(None);
    }
    hub.getattr("threadpool").map(Some)
}

/// Has a thread of the pool drive a call. Where the greenlet is killed meanwhile, the call goes on, and its result is
/// dropped.
pub fn wait(pool: &Bound<'_, PyAny>, call: Call) -> PyResult<Outcome> {
    let py = pool.py();
    let call = Mutex::new(Some(call));
    let errand = Bound::new(py, Errand { call, generation: gate::generation(), outcome: Mutex::default() })?;
    let run = copy_context(py)?.getattr("run")?;
    pool.call_method1("apply", (run, (&errand,)))?;
    let outcome = lock(&errand.get().outcome).take();
    // Without an outcome it was not run.
    outcome.unwrap_or_else(|| Err(Fault::ForkedInCall.into()))
}

/// Usable even if its holder panicked: no use leaves the data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
