//! The roots of the object tree, `zato_sso.SSO` and `zato_sso.aio.SSO`, and what all its branches share.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::import::import_users;
use super::session::SessionApi;
use crate::config::{Config, DatabaseUrl, Loader};
use crate::domain::{Context, Result};
use crate::ops::{Address, Asker, OpenError, Parts, Sso};
use crate::python::attr::api::{SessionAttrApi, UserAttrApi};
use crate::python::credential::TotpApi;
use crate::python::hook::registry::Hooks;
use crate::python::password::PasswordResetApi;
use crate::python::runtime::engine::{Engine, Handle, Home, Mode};
use crate::python::site::api::SiteApi;
use crate::python::site::identity::IdentityApi;
use crate::python::user::api::UserApi;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, RemoteAddrText};
use crate::python::value::data;
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
    fn new(config: Config, mode: Mode, hooks: &Bound<'_, Hooks>) -> Self {
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

/// Configuration from the arguments of a constructor and the environment.
fn load(
    database_url: Option<String>,
    config: Option<&Bound<'_, PyAny>>,
    secret_key: Option<String>,
) -> PyResult<Config> {
    let mut loader = Loader::new().process_environment();
    match config {
        None => {}
        Some(config) => match config.cast::<PyDict>() {
            Ok(tree) => loader = loader.arguments(data::json(tree)?),
            Err(_) => {
                let path = config.extract::<PathBuf>().map_err(|_| {
                    PyTypeError::new_err("config: expected the path of a file, or a dict with its keys")
                })?;
                loader = loader.file(path);
            }
        },
    }
    if let Some(url) = database_url {
        loader = loader.argument("database.url", url);
    }
    if let Some(key) = secret_key {
        loader = loader.argument("main.secret_key", key);
    }
    loader.load().map_err(|error| PyValueError::new_err(error.to_string()))
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

/// The branches of a new tree, and what they share.
struct Grown {
    branch: Branch,
    user: Py<UserApi>,
    session: Py<SessionApi>,
    totp: Py<TotpApi>,
    password_reset: Py<PasswordResetApi>,
    site: Py<SiteApi>,
    identity: Py<IdentityApi>,
}

fn grow<'py>(
    py: Python<'py>,
    config: Config,
    mode: Mode,
    hooks: Option<&Bound<'py, PyAny>>,
) -> PyResult<Grown> {
    let branch = Branch::new(config, mode, &Hooks::new(py, hooks)?);
    let session_attr = Py::new(py, SessionAttrApi::new(branch.clone()))?;
    let session = Py::new(py, SessionApi::new(branch.clone(), session_attr))?;
    let user_attr = Py::new(py, UserAttrApi::new(branch.clone()))?;
    let user = Py::new(py, UserApi::new(branch.clone(), session.clone_ref(py), user_attr))?;
    let totp = Py::new(py, TotpApi::new(branch.clone()))?;
    let password_reset = Py::new(py, PasswordResetApi::new(branch.clone()))?;
    let site = Py::new(py, SiteApi::new(branch.clone()))?;
    let identity = Py::new(py, IdentityApi::new(branch.clone()))?;
    Ok(Grown { branch, user, session, totp, password_reset, site, identity })
}

/// Single sign-on over one database. Calls block; the object may be shared by threads, and works after a fork.
///
/// Args:
///     database_url: ``sqlite:///path``, ``sqlite::memory:`` or ``postgresql://…``; by default what the
///         configuration says.
///     config: The path of a configuration file, or a dict with its keys.
///     secret_key: The key that protects what is encrypted in the database, instead of a key file.
///     hooks: Callables that take part in operations: a dict of them by name, or an object that has them as attributes.
///         See ``sso.hooks``, where they can be set later too.
///
/// Raises:
///     ValueError: Something is wrong with the configuration or the secret key.
///     BackendError: The database cannot be opened.
#[pyclass(frozen, name = "SSO", module = "zato_sso")]
pub struct BlockingSso {
    branch: Branch,
    /// Users.
    #[pyo3(get)]
    user: Py<UserApi>,
    /// Sessions.
    #[pyo3(get)]
    session: Py<SessionApi>,
    /// New passwords for those who forgot theirs.
    #[pyo3(get)]
    password_reset: Py<PasswordResetApi>,
    /// Codes of authenticators.
    #[pyo3(get)]
    totp: Py<TotpApi>,
    /// Sites, clients of the sessions API.
    #[pyo3(get)]
    site: Py<SiteApi>,
    /// Identities, as sites know users.
    #[pyo3(get)]
    identity: Py<IdentityApi>,
}

#[pymethods]
impl BlockingSso {
    #[new]
    #[pyo3(signature = (database_url=None, *, config=None, secret_key=None, hooks=None))]
    fn new(
        py: Python<'_>,
        database_url: Option<String>,
        config: Option<&Bound<'_, PyAny>>,
        secret_key: Option<String>,
        hooks: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let config = load(database_url, config, secret_key)?;
        let grown = grow(py, config, Mode::Blocking, hooks)?;
        let Grown { branch, user, session, totp, password_reset, site, identity } = grown;
        branch.handle.open(py, Mode::Blocking)?;
        Ok(Self { branch, user, session, totp, password_reset, site, identity })
    }

    /// Callables that take part in operations; None takes one away.
    #[getter]
    fn hooks(&self, py: Python<'_>) -> Py<Hooks> {
        self.branch.hooks.clone_ref(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)?;
        visit.call(&self.user)?;
        visit.call(&self.session)?;
        visit.call(&self.totp)?;
        visit.call(&self.site)?;
        visit.call(&self.identity)?;
        visit.call(&self.password_reset)
    }

    /// Opens what a configuration file describes.
    #[classmethod]
    #[pyo3(signature = (path))]
    fn from_config<'py>(cls: &Bound<'py, PyType>, path: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        from_config(cls, path)
    }

    /// Brings users over from elsewhere, with the password hashes that they have there.
    ///
    /// Who is there already, by user_id or, where none is given, by username, is left as they are. What is wrong with a
    /// dict costs that dict and no other, and stands in the findings of what is returned. What is read of the iterable is
    /// a batch at a time, on this thread.
    ///
    /// Args:
    ///     users: Dicts with the fields of docs/import.md; times may be datetimes.
    ///     dry_run: True to write nothing, and tell what would be written.
    ///
    /// Raises:
    ///     BackendError: The database went away; what came until then is there, and another call goes on behind it.
    ///     Exception: Whatever the iterable itself raises; likewise.
    #[pyo3(signature = (users, dry_run=false))]
    fn import_users<'py>(
        &self,
        py: Python<'py>,
        users: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        import_users(py, &self.branch, users, dry_run)
    }

    /// Closes the database. Calls made later raise BackendError. May be called twice.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.branch.handle.close(py, Mode::Blocking)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().branch.handle.open(slf.py(), Mode::Blocking)?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.branch.handle.close(py, Mode::Blocking).map(drop)
    }
}

/// Single sign-on over one database, for asyncio: every call is awaitable and none blocks the event loop.
///
/// The database is opened by the first call, or by ``async with``. A call whose task is cancelled runs to its end,
/// and its result is dropped.
///
/// Args:
///     database_url: ``sqlite:///path``, ``sqlite::memory:`` or ``postgresql://…``; by default what the
///         configuration says.
///     config: The path of a configuration file, or a dict with its keys.
///     secret_key: The key that protects what is encrypted in the database, instead of a key file.
///     hooks: Callables that take part in operations: a dict of them by name, or an object that has them as attributes.
///         See ``sso.hooks``, where they can be set later too.
///
/// Raises:
///     ValueError: Something is wrong with the configuration.
#[pyclass(frozen, name = "SSO", module = "zato_sso.aio")]
pub struct AwaitableSso {
    branch: Branch,
    /// Users.
    #[pyo3(get)]
    user: Py<UserApi>,
    /// Sessions.
    #[pyo3(get)]
    session: Py<SessionApi>,
    /// New passwords for those who forgot theirs.
    #[pyo3(get)]
    password_reset: Py<PasswordResetApi>,
    /// Codes of authenticators.
    #[pyo3(get)]
    totp: Py<TotpApi>,
    /// Sites, clients of the sessions API.
    #[pyo3(get)]
    site: Py<SiteApi>,
    /// Identities, as sites know users.
    #[pyo3(get)]
    identity: Py<IdentityApi>,
}

#[pymethods]
impl AwaitableSso {
    #[new]
    #[pyo3(signature = (database_url=None, *, config=None, secret_key=None, hooks=None))]
    fn new(
        py: Python<'_>,
        database_url: Option<String>,
        config: Option<&Bound<'_, PyAny>>,
        secret_key: Option<String>,
        hooks: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let config = load(database_url, config, secret_key)?;
        let grown = grow(py, config, Mode::Awaitable, hooks)?;
        let Grown { branch, user, session, totp, password_reset, site, identity } = grown;
        Ok(Self { branch, user, session, totp, password_reset, site, identity })
    }

    /// Callables that take part in operations; None takes one away.
    #[getter]
    fn hooks(&self, py: Python<'_>) -> Py<Hooks> {
        self.branch.hooks.clone_ref(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)?;
        visit.call(&self.user)?;
        visit.call(&self.session)?;
        visit.call(&self.totp)?;
        visit.call(&self.site)?;
        visit.call(&self.identity)?;
        visit.call(&self.password_reset)
    }

    /// What a configuration file describes.
    #[classmethod]
    #[pyo3(signature = (path))]
    fn from_config<'py>(cls: &Bound<'py, PyType>, path: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        from_config(cls, path)
    }

    /// Opens the database now rather than at the first call.
    ///
    /// Raises:
    ///     ValueError: It needs another secret key, or a value of the configuration that cannot be had.
    ///     BackendError: It cannot be opened.
    fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.branch.handle.open(py, Mode::Awaitable)
    }

    /// Brings users over from elsewhere, with the password hashes that they have there.
    ///
    /// Who is there already, by user_id or, where none is given, by username, is left as they are. What is wrong with a
    /// dict costs that dict and no other, and stands in the findings of what is returned. What is read of the iterable is
    /// a batch at a time, on other threads than the event loop's.
    ///
    /// Args:
    ///     users: Dicts with the fields of docs/import.md; times may be datetimes.
    ///     dry_run: True to write nothing, and tell what would be written.
    ///
    /// Raises:
    ///     BackendError: The database went away; what came until then is there, and another call goes on behind it.
    ///     Exception: Whatever the iterable itself raises; likewise.
    #[pyo3(signature = (users, dry_run=false))]
    fn import_users<'py>(
        &self,
        py: Python<'py>,
        users: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        import_users(py, &self.branch, users, dry_run)
    }

    /// Closes the database. Calls made later raise BackendError. May be called twice.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.branch.handle.close(py, Mode::Awaitable)
    }

    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let this = slf.clone().unbind();
        slf.get().branch.run(slf.py(), async |_| Ok(()), move |py, ()| Ok(this.into_bound(py).into_any()))
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        _exception: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.branch.handle.close(py, Mode::Awaitable)
    }
}

fn from_config<'py>(cls: &Bound<'py, PyType>, path: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let arguments = PyDict::new(cls.py());
    arguments.set_item("config", path)?;
    cls.call((), Some(&arguments))
}
