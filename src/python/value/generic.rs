//! Classes that are generic to type checkers.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// `class[item]`, as `types.GenericAlias` makes it of Python's own classes.
pub fn generic_alias<'py>(
    class: &Bound<'py, PyType>,
    item: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    static ALIAS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ALIAS.import(class.py(), "types", "GenericAlias")?.call1((class, item))
}
