//! What a call does, with the types of operation and result erased.

use std::pin::Pin;

use pyo3::prelude::*;

/// A call. It does nothing until it is first polled.
///
/// Its first step, up to the first wait, runs on the calling thread with the interpreter attached: a result that needs
/// no wait (a cached session) costs neither a detach nor a hand-over. From then on the interpreter is detached. An
/// operation that computes for long before it waits begins with `yield_now().await`. No lock may be held across a call
/// into Python.
pub type Call = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The result of a call, to be made into a Python object or an exception. It may hold Python objects, so it is used, or
/// dropped, with the interpreter attached.
pub type Outcome = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send>;
