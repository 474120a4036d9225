//! Blocking calls where gevent has patched the process: they wait on a thread of its pool, so that other greenlets run
//! meanwhile.

use std::mem;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::python::runtime::caller::copy_context;
use crate::python::runtime::fork;
use crate::python::runtime::gate;

/// What a thread of the pool does. It raises nothing: that would be printed there.
pub type Work = Box<dyn FnOnce(Python<'_>) + Send>;

#[pyclass(frozen, module = "zato_sso._core")]
struct Errand {
    work: Mutex<Option<Work>>,
    /// Between which forks it began: what waits in the pool of a process would be done by its child as well.
    generation: u32,
}

#[pymethods]
impl Errand {
    fn __call__(&self, py: Python<'_>) {
        let Some(work) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        fork::notice();
        if gate::generation() == self.generation {
            work(py);
        } else {
            // What it holds is the parent's.
            mem::forget(work);
        }
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

/// Has a thread of the pool do some work, unless this is the child of a fork by then. Where the greenlet is killed
/// meanwhile, the work goes on.
pub fn wait(pool: &Bound<'_, PyAny>, work: Work) -> PyResult<()> {
    let py = pool.py();
    let errand = Bound::new(py, Errand { work: Mutex::new(Some(work)), generation: gate::generation() })?;
    let run = copy_context(py)?.getattr("run")?;
    pool.call_method1("apply", (run, (&errand,))).map(drop)
}
