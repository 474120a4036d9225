//! Arguments from Python and values to it.

use chrono::{Datelike, Timelike};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyList, PyString, PyTuple, PyTzInfo};

use crate::domain::{Cid, Password, RemoteAddr, Timestamp, Ust};

/// Text from str, or from bytes in UTF-8. The error never contains the text, which may be a secret.
fn text<'a>(value: Borrowed<'a, '_, PyAny>, expected: &str) -> PyResult<&'a str> {
    if value.is_instance_of::<PyString>() {
        <&str>::extract(value).map_err(|_| PyValueError::new_err("not valid Unicode text: a lone surrogate"))
    } else if let Ok(bytes) = <&[u8]>::extract(value) {
        std::str::from_utf8(bytes).map_err(|_| PyValueError::new_err("bytes are not valid UTF-8"))
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
        Ok(Self(Password::from(text(value, "str or bytes")?)))
    }
}

/// The types of a remote address, for error texts.
const ADDRESSES: &str = "str, bytes, a list of these, or None";

/// A remote address: str, bytes, a list or tuple of these, or None.
#[derive(Debug)]
pub struct RemoteAddrArgument(pub RemoteAddr);

impl<'a, 'py> FromPyObject<'a, 'py> for RemoteAddrArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self(RemoteAddr::default()));
        }
        if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
            return Ok(Self(RemoteAddr::from(text(value, ADDRESSES)?)));
        }
        let entries = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        let texts =
            entries.iter().map(|entry| text(entry.as_borrowed(), ADDRESSES)).collect::<PyResult<Vec<_>>>()?;
        Ok(Self(RemoteAddr::new(texts)))
    }
}

/// A correlation ID, validated.
#[derive(Debug)]
pub struct CidArgument(pub Cid);

impl<'a, 'py> FromPyObject<'a, 'py> for CidArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Cid::new(text(value, "str")?)))
    }
}

/// How a tree returns times: in UTC, without a timezone or, as `main.tz_aware` says, with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Whether datetimes have a timezone.
    pub is_aware: bool,
}

impl Times {
    /// A datetime.
    pub fn datetime(self, py: Python<'_>, at: Timestamp) -> PyResult<Bound<'_, PyAny>> {
        let time = at.to_naive();
        let small = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
        let utc = if self.is_aware { Some(PyTzInfo::utc(py)?) } else { None };
        let datetime = PyDateTime::new(
            py,
            time.year(),
            small(time.month()),
            small(time.day()),
            small(time.hour()),
            small(time.minute()),
            small(time.second()),
            time.nanosecond() / 1000,
            utc.as_deref(),
        )?;
        Ok(datetime.into_any())
    }

    /// A datetime, or the same as ISO 8601 text: what `datetime.fromisoformat` makes the datetime of.
    pub fn value(self, py: Python<'_>, at: Timestamp, serialize_dt: bool) -> PyResult<Bound<'_, PyAny>> {
        if !serialize_dt {
            return self.datetime(py, at);
        }
        let text = if self.is_aware { format!("{at}+00:00") } else { at.to_string() };
        Ok(PyString::new(py, &text).into_any())
    }
}

/// A secret that the caller is meant to get, such as a new TOTP key.
pub fn secret(py: Python<'_>, secret: Password) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyString::new(py, secret.expose()).into_any())
}

/// The time of a datetime; one without a timezone is taken as UTC. None for any other type.
pub fn timestamp(value: &Bound<'_, PyAny>) -> Option<Timestamp> {
    let text = value.cast::<PyDateTime>().ok()?.call_method0("isoformat").ok()?;
    Timestamp::parse(text.cast::<PyString>().ok()?.to_str().ok()?)
}

/// A correlation ID, borrowed for the fast path.
#[derive(Clone, Copy, Debug)]
pub struct CidText<'a>(&'a str);

impl<'a> FromPyObject<'a, '_> for CidText<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, '_, PyAny>) -> PyResult<Self> {
        text(value, "str").map(Self)
    }
}

impl From<CidText<'_>> for CidArgument {
    fn from(given: CidText<'_>) -> Self {
        Self(Cid::new(given.0))
    }
}

/// A user session token, borrowed for the fast path: str, or bytes.
#[derive(Clone, Copy)]
pub struct UstText<'a>(pub &'a str);

impl<'a> FromPyObject<'a, '_> for UstText<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, '_, PyAny>) -> PyResult<Self> {
        text(value, "str or bytes").map(Self)
    }
}

impl From<UstText<'_>> for UstArgument {
    fn from(given: UstText<'_>) -> Self {
        Self(Ust::from(given.0))
    }
}

/// A remote address, borrowed for the fast path.
#[derive(Debug)]
pub enum RemoteAddrText<'a> {
    /// One address, or several with commas between them.
    Text(&'a str),
    /// A list or tuple of addresses.
    List(RemoteAddr),
}

impl<'a> FromPyObject<'a, '_> for RemoteAddrText<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, '_, PyAny>) -> PyResult<Self> {
        if value.is_instance_of::<PyString>() {
            text(value, ADDRESSES).map(Self::Text)
        } else {
            RemoteAddrArgument::extract(value).map(|addr| Self::List(addr.0))
        }
    }
}

impl From<RemoteAddrText<'_>> for RemoteAddrArgument {
    fn from(given: RemoteAddrText<'_>) -> Self {
        Self(match given {
            RemoteAddrText::Text(text) => text.into(),
            RemoteAddrText::List(addr) => addr,
        })
    }
}

/// A user session token: str, or bytes.
#[derive(Debug)]
pub struct UstArgument(pub Ust);

impl<'a, 'py> FromPyObject<'a, 'py> for UstArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Ust::from(text(value, "str or bytes")?)))
    }
}
