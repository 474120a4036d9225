//! Results that are dicts, or lists of them.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::python::value::convert::Times;

/// Makes a dict of a value.
pub type ToDict<T> = for<'py> fn(Python<'py>, &T, Times) -> PyResult<Bound<'py, PyDict>>;

/// The conversion of a result that is a dict.
pub fn dict<T: 'static>(
    times: Times,
    to_dict: ToDict<T>,
) -> impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static {
    move |py, value| Ok(to_dict(py, &value, times)?.into_any())
}

/// The conversion of a result that is a list of dicts.
pub fn list<T: 'static>(
    times: Times,
    to_dict: ToDict<T>,
) -> impl for<'py> FnOnce(Python<'py>, Vec<T>) -> PyResult<Bound<'py, PyAny>> + Send + 'static {
    move |py, values| {
        let dicts = values.iter().map(|value| to_dict(py, value, times));
        Ok(PyList::new(py, dicts.collect::<PyResult<Vec<_>>>()?)?.into_any())
    }
}
