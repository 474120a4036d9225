//! Forks and the end of the interpreter: what the first object has it tell us of. The import of the module does not, for
//! it would take longer: `logging` has to be there before.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use pyo3::prelude::*;

use crate::python::runtime::{fork, gate, journal};

/// Registers what is called at forks and at the end, once. The interpreter calls what was registered last first.
pub fn follow(py: Python<'_>) -> PyResult<()> {
    static IS_FOLLOWED: AtomicBool = AtomicBool::new(false);
    if IS_FOLLOWED.load(SeqCst) {
        return Ok(());
    }
    // At a fork it takes its lock, which a running call may need while we wait for that call; at the end it closes its
    // handlers, to which we have something to hand over. Another thread may come in while it is imported.
    py.import("logging")?;
    if IS_FOLLOWED.swap(true, SeqCst) {
        return Ok(());
    }
    fork::install_hooks(py)?;
    let at_exit = pyo3::wrap_pyfunction!(at_exit, py)?;
    py.import("atexit")?.call_method1("register", (at_exit,))?;
    Ok(())
}

/// From here on no thread of ours attaches to the interpreter.
#[pyfunction]
fn at_exit(py: Python<'_>) {
    fork::notice();
    journal::hand_over(py);
    gate::end_visits(py);
}
