//! Python's loggers. What nobody handles is written nowhere, least of all to standard error.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The logger for faults: what goes wrong with the machinery.
pub const FAULTS: &str = "zato_sso";

/// A logger, `FAULTS` or one below it.
pub fn get(py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
    static IS_SET_UP: PyOnceLock<()> = PyOnceLock::new();
    let logging = py.import("logging")?;
    IS_SET_UP.get_or_try_init(py, || {
        let logger = logging.call_method1("getLogger", (FAULTS,))?;
        logger.call_method1("addHandler", (logging.call_method0("NullHandler")?,))?;
        Ok::<_, PyErr>(())
    })?;
    Ok(logging.call_method1("getLogger", (name,))?.unbind())
}
