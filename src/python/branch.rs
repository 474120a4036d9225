//! What all branches of an object tree share.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::config::{Config, DatabaseUrl};
use crate::domain::{Context, Result};
use crate::ops::{Address, Asker, OpenError, Parts, Sso};
use crate::python::hook::registry::Hooks;
use crate::python::runtime::engine::{Engine, Handle, Home, Mode};
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, RemoteAddrText};
use crate::python::value::error::Fault;

impl Engine for Sso {
    fn home(&self) -> Home {
        match self.config().database.url {
            DatabaseUrl::SqliteMemory => Home::Memory,
            DatabaseUrl::SqliteFile(_) => Home::File,
            DatabaseUrl::Postgres(_) => Home::Server,
        }
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

/// What every branch of a tree holds: the way to the engine, whether calls block, and the hooks. Whatever object of
/// Python holds one tells the garbage collector of it by [`Branch::traverse`].
pub struct Branch {
    handle: Arc<Handle<Sso>>,
    mode: Mode,
    default_app: Arc<str>,
    hooks: Py<Hooks>,
}

impl Clone for Branch {
    fn clone(&self) -> Self {
        // Where calls are made and their results are, the thread is attached already.
        Python::attach(|py| Self {
            handle: Arc::clone(&self.handle),
            mode: self.mode,
            default_app: Arc::clone(&self.default_app),
            hooks: self.hooks.clone_ref(py),
        })
    }
}

impl Branch {
    pub fn new(config: Config, mode: Mode, hooks: &Bound<'_, Hooks>) -> Self {
        let default_app = config.apps.default.as_str().into();
        let link = hooks.get().link();
        let open = move || -> crate::python::runtime::engine::BoxFuture<'static, Result<Arc<Sso>, Fault>> {
            let (config, parts) = (config.clone(), Parts { hooks: Arc::clone(&link), ..Parts::default() });
            Box::pin(async move { Sso::open_with(config, parts).await.map(Arc::new).map_err(not_opened) })
        };
        Self { handle: Handle::new(open), mode, default_app, hooks: hooks.clone().unbind() }
    }

    /// For `__traverse__` of whatever holds this.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.hooks)
    }

    /// The hooks of the tree.
    pub fn hooks(&self, py: Python<'_>) -> Py<Hooks> {
        self.hooks.clone_ref(py)
    }

    /// Opens the engine now rather than at the first call.
    pub fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.open(py, self.mode)
    }

    /// Closes the engine for good.
    pub fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.close(py, self.mode)
    }

    /// Whether calls block.
    pub fn is_blocking(&self) -> bool {
        self.mode == Mode::Blocking
    }

    /// On whose behalf a call is made, and from where. No application is the default one.
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
        }
    }

    /// What can be answered at once, where calls block: see [`Handle::at_once`].
    pub fn at_once<T>(
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
        self.handle.at_once(|sso| answer(sso, Asker { current_app, remote_addr }))
    }

    /// As [`Self::run`], of what can perhaps be answered at once: asked when it is awaited. Where calls block, that has been
    /// asked by [`Self::at_once`] before anything was copied.
    pub fn run_or_at_once<'py, T, Q, O, F, C>(
        &self,
        py: Python<'py>,
        at_once: Q,
        operation: O,
        convert: C,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        Q: FnOnce(&Sso) -> Option<T> + Send + 'static,
        O: FnOnce(Arc<Sso>) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
    {
        match self.mode {
            Mode::Blocking => self.run(py, operation, convert),
            Mode::Awaitable => self.handle.when_awaited(py, at_once, operation, convert),
        }
    }

    /// Runs an operation in the mode of the tree: see [`Handle::run`]. The hooks are there until it has ended, whatever
    /// becomes of the tree meanwhile.
    pub fn run<'py, T, O, F, C>(
        &self,
        py: Python<'py>,
        operation: O,
        convert: C,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        O: FnOnce(Arc<Sso>) -> F + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        C: for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
    {
        let hooks = self.hooks.clone_ref(py);
        self.handle.run(py, self.mode, operation, move |py, result| {
            let value = convert(py, result);
            drop(hooks);
            value
        })
    }
}

/// Why opening failed: the database is not there, or what was configured does not do.
fn not_opened(error: OpenError) -> Fault {
    let reason = error.to_string();
    match error {
        OpenError::Config(_) | OpenError::Keyring(_) | OpenError::MissingKey(_) => {
            Fault::Misconfigured(reason)
        }
        OpenError::Database(_) | OpenError::Other(_) => Fault::NotOpened(reason),
    }
}
