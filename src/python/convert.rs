//! Arguments from Python and values to it.

use chrono::{Datelike, Timelike};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyList, PyString, PyTuple};

use crate::domain::{Cid, Password, RemoteAddr, Timestamp, Ust};

/// Text from str, or from bytes that are UTF-8. The error never holds the text, which may be a secret.
fn text<'a>(value: &'a Bound<'_, PyAny>, expected: &str) -> PyResult<&'a str> {
    if let Ok(text) = value.cast::<PyString>() {
        text.to_str().map_err(|_| PyValueError::new_err("not valid Unicode text: a lone surrogate"))
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        std::str::from_utf8(bytes.as_bytes()).map_err(|_| PyValueError::new_err("bytes are not valid UTF-8"))
    } else {
        Err(PyTypeError::new_err(format!("expected {expected}, not {}", value.get_type().name()?)))
    }
}

/// A password or another secret: str, or bytes in UTF-8.
#[derive(Debug)]
pub struct PasswordArgument(pub Password);

impl<'a, 'py> FromPyObject<'a, 'py> for PasswordArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Password::from(text(&value, "str or bytes")?)))
    }
}

/// A remote address: str, bytes, a list or tuple of these, or None.
#[derive(Debug)]
pub struct RemoteAddrArgument(pub RemoteAddr);

impl<'a, 'py> FromPyObject<'a, 'py> for RemoteAddrArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        const EXPECTED: &str = "str, bytes, a list of these, or None";
        if value.is_none() {
            return Ok(Self(RemoteAddr::default()));
        }
        if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
            return Ok(Self(RemoteAddr::from(text(&value, EXPECTED)?)));
        }
        let entries = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        let texts = entries.iter().map(|entry| text(entry, EXPECTED)).collect::<PyResult<Vec<_>>>()?;
        Ok(Self(RemoteAddr::new(texts)))
    }
}

/// A correlation id.
#[derive(Debug)]
pub struct CidArgument(pub Cid);

impl<'a, 'py> FromPyObject<'a, 'py> for CidArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Cid::new(text(&value, "str")?)))
    }
}

/// A naive datetime in UTC.
pub fn datetime<'py>(py: Python<'py>, time: Timestamp) -> PyResult<Bound<'py, PyDateTime>> {
    let time = time.to_naive();
    let small = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
    PyDateTime::new(
        py,
        time.year(),
        small(time.month()),
        small(time.day()),
        small(time.hour()),
        small(time.minute()),
        small(time.second()),
        time.nanosecond() / 1000,
        None,
    )
}

/// A datetime; one without a timezone is UTC already. None for anything else.
pub fn timestamp(value: &Bound<'_, PyAny>) -> Option<Timestamp> {
    let text = value.cast::<PyDateTime>().ok()?.call_method0("isoformat").ok()?;
    Timestamp::parse(text.cast::<PyString>().ok()?.to_str().ok()?)
}

/// A user session token: str, or bytes.
#[derive(Debug)]
pub struct UstArgument(pub Ust);

impl<'a, 'py> FromPyObject<'a, 'py> for UstArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Ust::from(text(&value, "str or bytes")?)))
    }
}
