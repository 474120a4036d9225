//! The module `zato_sso._core`.

use pyo3::prelude::*;

use super::{error, fork, gate, standin};

/// The interpreter is about to end.
#[pyfunction]
fn at_exit(py: Python<'_>) {
    gate::end_visits(py);
}

/// The compiled part of `zato_sso`. Its names are private: import them from `zato_sso` and `zato_sso.aio`.
#[pymodule]
#[pyo3(name = "_core")]
fn core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_function(wrap_pyfunction!(error::code_label, module)?)?;
    module.add_class::<standin::Standin>()?;
    module.add_function(wrap_pyfunction!(standin::empty, module)?)?;
    module.add_function(wrap_pyfunction!(standin::converted, module)?)?;
    fork::install_hooks(py)?;
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(at_exit, module)?,))?;
    Ok(())
}
