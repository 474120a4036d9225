//! From errors to Python exceptions: the one conversion. The exceptions themselves are defined in
//! `zato_sso.errors`.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyDict, PyType};

use crate::domain::{Code, Error, WRONG_TOTP_CODE};
use crate::python::value::logger;

/// The reason why a call has no result.
#[derive(Debug)]
pub enum Fault {
    /// The operation failed with this error.
    Failed(Error),
    /// The engine could not be opened: the database is unreachable, for instance.
    NotOpened(String),
    /// The engine cannot be opened until its configuration is corrected.
    Misconfigured(String),
    /// The operation panicked.
    Panicked,
    /// `close()` was called before.
    Closed,
    /// The database lived in the memory of the process that forked this one.
    LeftInParent,
    /// The database file was in use when this process was forked.
    HeldByParent,
    /// Python code inside the call has forked, and this is the child.
    ForkedInCall,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Python::attach(|py| fault.raise(py).unwrap_or_else(|broken| broken))
    }
}

impl Fault {
    /// Whether the fault lies with the machinery, not with the request.
    pub const fn is_technical(&self) -> bool {
        match self {
            Self::Failed(Error::Overloaded(_) | Error::Unavailable(_) | Error::Internal(_))
            | Self::NotOpened(_)
            | Self::Misconfigured(_)
            | Self::Panicked
            | Self::Closed
            | Self::LeftInParent
            | Self::HeldByParent
            | Self::ForkedInCall => true,
            Self::Failed(Error::Refused { .. } | Error::RateLimited { .. }) => false,
        }
    }

    fn raise(self, py: Python<'_>) -> PyResult<PyErr> {
        match self {
            Self::Failed(error) => failure(py, class_of(&error), error),
            Self::NotOpened(reason) => backend(py, &reason),
            Self::Misconfigured(reason) => Ok(PyValueError::new_err(reason)),
            Self::Panicked => internal(py, "a panic; what it said is on standard error"),
            Self::Closed => backend(py, "closed"),
            Self::LeftInParent => {
                backend(py, "an in-memory database does not cross os.fork(): use a file or PostgreSQL")
            }
            Self::HeldByParent => backend(
                py,
                "this process was forked while the database file was in use, in C (uWSGI: set lazy-apps), or os.fork() was \
                 called during a call that did not end in time: SQLite cannot be used safely in the child",
            ),
            Self::ForkedInCall => {
                backend(py, "the process was forked during this call: it goes on in the parent only")
            }
        }
    }
}

/// The exception for a refusal.
fn class_of(error: &Error) -> &'static str {
    match error {
        Error::Refused { detail: Some(detail), .. } if detail == WRONG_TOTP_CODE => "InvalidTOTPError",
        Error::Refused { .. }
        | Error::RateLimited { .. }
        | Error::Overloaded(_)
        | Error::Unavailable(_)
        | Error::Internal(_) => "ValidationError",
    }
}

fn failure(py: Python<'_>, class: &str, error: Error) -> PyResult<PyErr> {
    match error {
        Error::Refused { code, detail } => {
            refusal(py, class, code, [("detail", detail.as_deref())].into_py_dict(py)?)
        }
        Error::RateLimited { retry_after } => {
            let more = [("retry_after", retry_after.as_secs_f64())].into_py_dict(py)?;
            refusal(py, class, Code::AuthRateLimited, more)
        }
        Error::Overloaded(_) | Error::Unavailable(_) => backend(py, &error.to_string()),
        // The cause is for the log, not for the caller.
        Error::Internal(source) => internal(py, &source.to_string()),
    }
}

/// The exception for a TOTP code that is not accepted.
pub fn invalid_totp(py: Python<'_>) -> PyErr {
    failure(py, "InvalidTOTPError", Code::AuthNotAllowed.into()).unwrap_or_else(|broken| broken)
}

fn refusal(py: Python<'_>, class: &str, code: Code, more: Bound<'_, PyDict>) -> PyResult<PyErr> {
    let class = py.import("zato_sso.errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call(([code.as_str()],), Some(&more))?))
}

fn backend(py: Python<'_>, message: &str) -> PyResult<PyErr> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "zato_sso.errors", "BackendError")?;
    Ok(PyErr::from_value(class.call1((message,))?))
}

fn internal(py: Python<'_>, source: &str) -> PyResult<PyErr> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let logger = LOGGER.get_or_try_init(py, || logger::get(py, logger::FAULTS))?;
    logger.call_method1(py, "error", ("internal error: %s", source))?;
    Ok(PyErr::from_value(CLASS.import(py, "zato_sso.errors", "InternalError")?.call0()?))
}

/// The refusal to pickle or copy an object that holds a token or a connection: neither may leave the process that way.
pub fn not_pickled(class: &str) -> PyErr {
    PyTypeError::new_err(format!("a {class} cannot be pickled or copied: take its to_dict()"))
}

/// `group.label` of a status code, for the text of an exception.
#[pyfunction]
pub fn code_label(code: &str) -> Option<String> {
    let known = Code::ALL.iter().find(|known| known.as_str() == code)?;
    Some(format!("{}.{}", known.group(), known.label()))
}
