//! `AttrEntity`: an attribute, as calls return it.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::domain::{Attr, Timestamp};
use crate::python::value::convert::Times;
use crate::python::value::error::not_pickled;

/// An attribute. Datetimes are ISO 8601 text if ``serialize_dt=True`` was given.
#[pyclass(frozen, eq, module = "zato_sso")]
#[derive(PartialEq)]
pub struct AttrEntity {
    pub attr: Attr,
    /// Whether datetimes are ISO 8601 text.
    pub serialize_dt: bool,
    pub times: Times,
}

#[pymethods]
impl AttrEntity {
    /// The name, 1 to 191 characters.
    #[getter]
    fn name(&self) -> &str {
        &self.attr.name
    }

    /// The value: a new object each time. None if it is encrypted and ``decrypt=False`` was given.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.attr.value {
            Some(value) => py.import("json")?.call_method1("loads", (value.as_json_text(),)),
            None => Ok(py.None().into_bound(py)),
        }
    }

    /// When it was created; UTC, without a timezone.
    #[getter]
    fn creation_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.time(py, self.attr.creation_time)
    }

    /// When its value was last set; UTC, without a timezone.
    #[getter]
    fn last_modified<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.time(py, self.attr.last_modified)
    }

    /// When it expires; UTC, without a timezone. The end of the year 9999 if it lives as long as its user or session.
    #[getter]
    fn expiration_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.time(py, self.attr.expiration_time)
    }

    /// Whether its value is encrypted in the database.
    #[getter]
    const fn is_encrypted(&self) -> bool {
        self.attr.is_encrypted
    }

    /// All of these values, by name. Datetimes become ISO 8601 text if ``serialize_dt`` is True; by default they are as
    /// in the attribute itself.
    #[pyo3(signature = (serialize_dt=None))]
    pub fn to_dict<'py>(&self, py: Python<'py>, serialize_dt: Option<bool>) -> PyResult<Bound<'py, PyDict>> {
        let serialize_dt = serialize_dt.unwrap_or(self.serialize_dt);
        let time = |at| self.times.value(py, at, serialize_dt);
        let dict = PyDict::new(py);
        dict.set_item("name", self.name())?;
        dict.set_item("value", self.value(py)?)?;
        dict.set_item("creation_time", time(self.attr.creation_time)?)?;
        dict.set_item("last_modified", time(self.attr.last_modified)?)?;
        dict.set_item("expiration_time", time(self.attr.expiration_time)?)?;
        dict.set_item("is_encrypted", self.is_encrypted())?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let attr = &self.attr;
        format!(
            "AttrEntity(name={:?}, is_encrypted={})",
            attr.name,
            if attr.is_encrypted { "True" } else { "False" }
        )
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("AttrEntity"))
    }
}

impl AttrEntity {
    fn time<'py>(&self, py: Python<'py>, at: Timestamp) -> PyResult<Bound<'py, PyAny>> {
        self.times.value(py, at, self.serialize_dt)
    }
}
