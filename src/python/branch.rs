//! What all branches of an object tree share.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::config::Config;
use crate::domain::{Clock, Context, Result};
use crate::ops::{Address, Asker, Parts, Sso};
use crate::python::hook::registry::Hooks;
use crate::python::runtime::awaitable::{Awaitable, Started};
use crate::python::runtime::call::{self, Convert, Mode, none};
use crate::python::runtime::engine::Handle;
use crate::python::runtime::life;
use crate::python::runtime::traces::Traces;
use crate::python::runtime::work::{Call, Outcome};
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, RemoteAddrText, Times};
use crate::python::value::error::Fault;

/// Writes the class of a branch that holds nothing but what all branches share. Its methods stand in a block of their own.
macro_rules! branch_class {
    ($(#[$doc:meta])* $name:ident = $python:tt) => {
        $(#[$doc])*
        #[pyclass(frozen, name = $python, module = "zato_sso._core")]
        pub struct $name {
            branch: Branch,
        }

        impl $name {
            pub const fn new(branch: Branch) -> Self {
                Self { branch }
            }
        }

        #[pymethods]
        impl $name {
            fn __traverse__(&self, visit: pyo3::gc::PyVisit<'_>) -> Result<(), pyo3::gc::PyTraverseError> {
                self.branch.traverse(&visit)
            }
        }
    };
}
pub(in crate::python) use branch_class;

/// An operation: an asynchronous closure that is given the engine.
pub trait Operation<T>: Send + 'static {
    /// Calls the closure.
    fn begin(self, sso: Arc<Sso>) -> impl Future<Output = Result<T>> + Send + 'static;
}

impl<T, O, F> Operation<T> for O
where
    O: FnOnce(Arc<Sso>) -> F + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    fn begin(self, sso: Arc<Sso>) -> impl Future<Output = Result<T>> + Send + 'static {
        self(sso)
    }
}

/// What every branch of a tree holds: the way to the engine, whether calls block, and the hooks. A Python object that
/// holds one shows it to the garbage collector by [`Branch::traverse`].
pub struct Branch {
    handle: Arc<Handle>,
    mode: Mode,
    default_app: Arc<str>,
    times: Times,
    traces: Traces,
    hooks: Py<Hooks>,
}

impl Clone for Branch {
    fn clone(&self) -> Self {
        // Branches are cloned where calls are made or converted: the thread is attached already.
        Python::attach(|py| Self {
            handle: Arc::clone(&self.handle),
            mode: self.mode,
            default_app: Arc::clone(&self.default_app),
            times: self.times,
            traces: self.traces,
            hooks: self.hooks.clone_ref(py),
        })
    }
}

impl Branch {
    /// The branch of a new tree, whose engine is not open yet.
    pub fn new(
        config: Config,
        mode: Mode,
        hooks: &Bound<'_, Hooks>,
        clock: Arc<dyn Clock>,
    ) -> PyResult<Self> {
        life::follow(hooks.py())?;
        let default_app = config.apps.default.as_str().into();
        let times = Times { is_aware: config.main.tz_aware };
        let traces = Traces::new(hooks.py(), config.otel.python)?;
        Ok(Self {
            handle: Handle::new(config, Parts { hooks: hooks.get().link(times), clock, ..Parts::default() }),
            mode,
            default_app,
            times,
            traces,
            hooks: hooks.clone().unbind(),
        })
    }

    /// For `__traverse__` of the object that holds this.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.hooks)
    }

    /// The hooks of the tree.
    pub fn hooks(&self, py: Python<'_>) -> Py<Hooks> {
        self.hooks.clone_ref(py)
    }

    /// Which database, and whether it was closed: see [`Handle::description`].
    pub fn description(&self) -> String {
        self.handle.description()
    }

    /// The configuration of the tree.
    #[cfg(feature = "server")]
    pub fn config(&self) -> &Config {
        self.handle.config()
    }

    /// Whether calls are recorded.
    #[cfg(feature = "server")]
    pub const fn traces(&self) -> Traces {
        self.traces
    }

    /// How calls return times.
    pub const fn times(&self) -> Times {
        self.times
    }

    /// The same with calls that block.
    pub fn blocking(&self) -> Self {
        Self { mode: Mode::Blocking, ..self.clone() }
    }

    /// Whether calls block.
    pub fn is_blocking(&self) -> bool {
        self.mode == Mode::Blocking
    }

    /// The context of a call. `current_app` is the default application if it is None.
    pub fn context<A: Into<String>>(
        &self,
        cid: impl Into<CidArgument>,
        current_app: Option<A>,
        remote_addr: Option<impl Into<RemoteAddrArgument>>,
    ) -> Context {
        Context {
            cid: cid.into().0,
            current_app: current_app.map_or_else(|| self.default_app.to_string(), Into::into),
            remote_addr: remote_addr.map(|addr| addr.into().0).unwrap_or_default(),
            language: None,
        }
    }

    /// Opens the engine now rather than at the first call.
    pub fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.run(py, async |_| Ok(()), none)
    }

    /// Closes the engine for good: see [`Handle::closing`].
    pub fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        call::run(py, self.mode, self.traces, self.handle.closing())
    }

    /// The fast path of a blocking call: see [`Handle::fast_path`]. It copies none of the arguments and allocates
    /// nothing.
    pub fn fast_path<T>(
        &self,
        current_app: Option<&str>,
        remote_addr: Option<&RemoteAddrText<'_>>,
        answer: impl FnOnce(&Sso, Asker<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.mode != Mode::Blocking {
            return None;
        }
        let remote_addr = match remote_addr {
            None => Address::Text(""),
            Some(RemoteAddrText::Text(text)) => Address::Text(text),
            Some(RemoteAddrText::List(addr)) => Address::Known(addr),
        };
        self.handle.fast_path(|sso| answer(sso, Asker { current_app, remote_addr }))
    }

    /// Runs an operation in the mode of the tree and converts its result; raises the error that it fails with.
    pub fn run<'py, T: Send + 'static>(
        &self,
        py: Python<'py>,
        operation: impl Operation<T>,
        convert: impl Convert<T>,
    ) -> PyResult<Bound<'py, PyAny>> {
        call::run(py, self.mode, self.traces, erase(&self.handle, self.hooks(py), operation, convert))
    }

    /// As [`Self::run`], for an operation that has a fast path. An awaitable tries it when it is awaited; where calls
    /// block, [`Self::fast_path`] was tried before.
    pub fn run_after_fast_path<'py, T: Send + 'static>(
        &self,
        py: Python<'py>,
        fast_path: impl FnOnce(&Sso) -> Option<T> + Send + 'static,
        operation: impl Operation<T>,
        convert: impl Convert<T>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.mode == Mode::Blocking {
            return self.run(py, operation, convert);
        }
        let (handle, hooks, traces) = (Arc::clone(&self.handle), self.hooks(py), self.traces);
        let start = move |py: Python<'_>| match handle.fast_path(fast_path) {
            Some(answer) => Ok(Started::Ready(convert(py, answer)?.unbind())),
            None => call::start(py, traces.record(py, erase(&handle, hooks, operation, convert))),
        };
        Awaitable::lazy(py, Box::new(start))
    }
}

/// The call of an operation, with the types of operation, result and conversion erased. It keeps the hooks until it is
/// over, even if the tree is gone.
fn erase<T: Send + 'static>(
    handle: &Arc<Handle>,
    hooks: Py<Hooks>,
    operation: impl Operation<T>,
    convert: impl Convert<T>,
) -> Call {
    let handle = Arc::clone(handle);
    Box::pin(async move {
        let result = match handle.engine().await {
            Ok(sso) => operation.begin(sso).await.map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        let outcome: Outcome = Box::new(move |py| {
            let value = match result {
                Ok(value) => convert(py, value),
                Err(fault) => Err(handle.closed_or(fault).into()),
            };
            drop(hooks);
            value
        });
        outcome
    })
}
