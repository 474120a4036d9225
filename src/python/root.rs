//! The roots of the object tree, `zato_sso.SSO` and `zato_sso.aio.SSO`, with the one list of their branches.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::config::{Config, Loader};
use crate::domain::SystemClock;
use crate::ops::{Format, Sso};
use crate::python::audit::AuditApi;
use crate::python::branch::Branch;
use crate::python::client::ClientApi;
use crate::python::credential::TotpApi;
use crate::python::group::GroupApi;
use crate::python::hook::registry::Hooks;
use crate::python::import::import_users;
use crate::python::password::PasswordResetApi;
use crate::python::runtime::call::Mode;
use crate::python::session::api::SessionApi;
use crate::python::site::api::SiteApi;
use crate::python::site::identity::IdentityApi;
use crate::python::testing::TestClock;
use crate::python::token::TokenApi;
use crate::python::user::api::UserApi;
use crate::python::value::data;

/// Writes [`Tree`] and what both roots have in common from the list of branches. A branch may use those above it.
macro_rules! roots {
    ($py:ident, $branch:ident: $($(#[$doc:meta])* $name:ident: $api:ty = $make:expr;)*) => {
        /// The branches, and what they share.
        struct Tree {
            branch: Branch,
            $($name: Py<$api>,)*
        }

        impl Tree {
            fn new($py: Python<'_>, $branch: Branch) -> PyResult<Self> {
                $(let $name = Py::new($py, $make)?;)*
                Ok(Self { branch: $branch, $($name),* })
            }

            fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
                self.branch.traverse(visit)?;
                $(visit.call(&self.$name)?;)*
                Ok(())
            }
        }

        /// Adds the classes of both roots and of their branches to the module.
        pub fn add_classes(module: &Bound<'_, PyModule>) -> PyResult<()> {
            module.add_class::<BlockingSso>()?;
            module.add("AsyncSSO", module.py().get_type::<AwaitableSso>())?;
            $(module.add_class::<$api>()?;)*
            Ok(())
        }

        roots!(@class BlockingSso, "zato_sso.SSO", Mode::Blocking, $($(#[$doc])* $name: $api;)*);
        roots!(@class AwaitableSso, "zato_sso.aio.SSO", Mode::Awaitable, $($(#[$doc])* $name: $api;)*);
    };
    (@class $class:ident, $full_name:literal, $mode:expr, $($(#[$doc:meta])* $name:ident: $api:ty;)*) => {
        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (database_url=None, *, config=None, secret_key=None, hooks=None, tz_aware=None))]
            fn new(
                py: Python<'_>,
                database_url: Option<String>,
                config: Option<&Bound<'_, PyAny>>,
                secret_key: Option<String>,
                hooks: Option<&Bound<'_, PyAny>>,
                tz_aware: Option<bool>,
            ) -> PyResult<Self> {
                let config = load(database_url, config, secret_key, tz_aware)?;
                let branch = Branch::new(config, $mode, &Hooks::new(py, hooks)?, Arc::new(SystemClock))?;
                if branch.is_blocking() {
                    branch.open(py)?;
                }
                Tree::new(py, branch).map(Self)
            }

            /// Creates the object from a configuration file.
            ///
            /// Args:
            ///     path: The path of the file.
            #[classmethod]
            #[pyo3(signature = (path))]
            fn from_config<'py>(
                cls: &Bound<'py, PyType>,
                path: &Bound<'py, PyAny>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let arguments = PyDict::new(cls.py());
                arguments.set_item("config", path)?;
                cls.call((), Some(&arguments))
            }

            $(
                $(#[$doc])*
                #[getter]
                fn $name(&self, py: Python<'_>) -> Py<$api> {
                    self.0.$name.clone_ref(py)
                }
            )*

            /// The same tree with arguments filled in, for one request of a web service, say.
            ///
            /// In the tree that it returns ``cid``, ``current_app``, ``remote_addr``, ``user_agent`` and the caller's own
            /// token are keyword-only and may be left out; all other arguments keep their order.
            ///
            /// Args:
            ///     cid: Correlation ID; by default a new one.
            ///     current_app: The application on whose behalf calls are made; by default ``apps.default``.
            ///     remote_addr: The address that calls come from.
            ///     user_agent: The client's user agent.
            ///     current_ust: The caller's session token, where there is one.
            ///
            /// Example:
            ///     >>> me = sso.bind(current_app="CRM", remote_addr="127.0.0.1")
            ///     >>> me.user.login("ann", "correct horse battery staple").username
            ///     'ann'
            #[pyo3(signature = (*, cid=None, current_app=None, remote_addr=None, user_agent=None, current_ust=None))]
            fn bind<'py>(
                slf: &Bound<'py, Self>,
                cid: Option<&Bound<'py, PyAny>>,
                current_app: Option<&Bound<'py, PyAny>>,
                remote_addr: Option<&Bound<'py, PyAny>>,
                user_agent: Option<&Bound<'py, PyAny>>,
                current_ust: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let filled = [cid, current_app, remote_addr, user_agent, current_ust];
                bind(slf.as_any(), filled)
            }

            /// The hooks: callables that take part in operations. Set one to None to remove it.
            #[getter]
            fn hooks(&self, py: Python<'_>) -> Py<Hooks> {
                self.0.branch.hooks(py)
            }

            /// Imports users from another system, with their password hashes.
            ///
            /// A user who exists already, by user_id or, where none is given, by username, is not changed. A mistake in
            /// one dict affects that dict alone, and is listed in the findings of the result. The iterable is read one
            /// batch at a time: by ``zato_sso.SSO`` on the calling thread, by ``zato_sso.aio.SSO`` never on the thread
            /// of the event loop.
            ///
            /// Args:
            ///     users: Dicts with the fields of docs/import.md; times may be datetimes.
            ///     dry_run: True to write nothing, and report what would be written.
            ///     firebase: The hash parameters of a Firebase project, which its hashes need: a dict with signer_key,
            ///         salt_separator, rounds and mem_cost, or the text that the Firebase console shows.
            ///
            /// Raises:
            ///     ValueError: A parameter in ``firebase`` is missing or wrong.
            ///     BackendError: The database became unreachable. Users imported until then are kept; call again to
            ///         continue after them.
            ///     Exception: Any exception that the iterable itself raises; likewise.
            ///
            /// Example:
            ///     >>> sso.import_users([{"username": "dora", "email": "dora@example.com"}]).imported
            ///     1
            #[pyo3(signature = (users, dry_run=false, *, firebase=None))]
            fn import_users<'py>(
                &self,
                py: Python<'py>,
                users: &Bound<'py, PyAny>,
                dry_run: bool,
                firebase: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                import_users(py, &self.0.branch, users, dry_run, firebase)
            }

            fn __repr__(&self) -> String {
                format!("<{} {}>", $full_name, self.0.branch.description())
            }

            /// What this object counts, as text in the format of Prometheus: operations and how long they took, hashes, the
            /// database, caches, limits, emails, sessions.
            ///
            /// Example:
            ///     >>> "zato_sso_operations_total" in sso.metrics()
            ///     True
            fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                metrics(py, &self.0.branch)
            }

            /// Closes the database. Later calls raise BackendError. May be called twice.
            fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.0.branch.close(py)
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                self.0.traverse(&visit)
            }
        }
    };
}

roots! { py, branch:
    /// Sessions.
    session: SessionApi = SessionApi::new(py, branch.clone())?;
    /// Users.
    user: UserApi = UserApi::new(py, branch.clone(), session.clone_ref(py))?;
    /// TOTP codes.
    totp: TotpApi = TotpApi::new(branch.clone());
    /// Password resets by email.
    password_reset: PasswordResetApi = PasswordResetApi::new(branch.clone());
    /// Groups of users.
    group: GroupApi = GroupApi::new(branch.clone());
    /// The audit trail.
    audit: AuditApi = AuditApi::new(branch.clone());
    /// Clients of the OpenID Provider.
    client: ClientApi = ClientApi::new(branch.clone());
    /// Access tokens that services are shown.
    token: TokenApi = TokenApi::new(branch.clone());
    /// Sites: clients of the sessions API.
    site: SiteApi = SiteApi::new(branch.clone());
    /// Identities: users as the sites see them.
    identity: IdentityApi = IdentityApi::new(branch.clone());
}

/// Single sign-on over one database. Calls block; threads may share the object, and it works after a fork.
///
/// Args:
///     database_url: ``sqlite:///path``, ``sqlite::memory:`` or ``postgresql://…``; by default the one in the
///         configuration.
///     config: The path of a configuration file, or a dict with its keys.
///     secret_key: The key that encrypts secrets in the database, instead of a key file.
///     hooks: Callables that take part in operations: a dict of them by name, or an object that has them as attributes.
///         They can also be set later, on ``sso.hooks``.
///     tz_aware: True for datetimes with the timezone UTC; by default as ``main.tz_aware`` says, which is without one.
///
/// Raises:
///     ValueError: The configuration or the secret key is not valid.
///     BackendError: The database cannot be opened.
///
/// Example:
///     >>> with SSO("sqlite:///sso.db") as sso:
///     ...     user = sso.user.get_user_by_username("cid-1", "ann")
#[pyclass(frozen, name = "SSO", module = "zato_sso")]
pub struct BlockingSso(Tree);

#[pymethods]
impl BlockingSso {
    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().0.branch.open(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.0.branch.close(py).map(drop)
    }
}

/// Single sign-on over one database, for asyncio: every call is awaitable and none blocks the event loop.
///
/// The database is opened by the first call, or by ``async with``. A call whose task is cancelled still completes, and
/// its result is dropped.
///
/// Args:
///     database_url: ``sqlite:///path``, ``sqlite::memory:`` or ``postgresql://…``; by default the one in the
///         configuration.
///     config: The path of a configuration file, or a dict with its keys.
///     secret_key: The key that encrypts secrets in the database, instead of a key file.
///     hooks: Callables that take part in operations: a dict of them by name, or an object that has them as attributes.
///         They can also be set later, on ``sso.hooks``.
///     tz_aware: True for datetimes with the timezone UTC; by default as ``main.tz_aware`` says, which is without one.
///
/// Raises:
///     ValueError: The configuration is not valid.
#[pyclass(frozen, name = "SSO", module = "zato_sso.aio")]
pub struct AwaitableSso(Tree);

#[pymethods]
impl AwaitableSso {
    /// Opens the database now rather than at the first call.
    ///
    /// Raises:
    ///     ValueError: The database needs another secret key, or a configured value cannot be used.
    ///     BackendError: The database cannot be opened.
    fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.branch.open(py)
    }

    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let this = slf.clone().unbind();
        let branch = &slf.get().0.branch;
        branch.run(slf.py(), async |_| Ok(()), move |py, ()| Ok(this.into_bound(py).into_any()))
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        _exception: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.branch.close(py)
    }
}

/// What all branches of a tree share, if this is the root of one.
pub fn branch_of(tree: &Bound<'_, PyAny>) -> Option<Branch> {
    if let Ok(blocking) = tree.cast::<BlockingSso>() {
        return Some(blocking.get().0.branch.clone());
    }
    Some(tree.cast::<AwaitableSso>().ok()?.get().0.branch.clone())
}

/// An object whose time is that of a clock which tests move.
///
/// Args:
///     clock: A TestClock.
///     config: A dict with configuration.
///     is_async: Whether it is one of ``zato_sso.aio``.
///     hooks: As with ``SSO``.
#[pyfunction]
#[pyo3(signature = (clock, config, is_async=false, hooks=None))]
pub fn with_clock<'py>(
    py: Python<'py>,
    clock: &TestClock,
    config: &Bound<'py, PyAny>,
    is_async: bool,
    hooks: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let config = load(None, Some(config), None, None)?;
    let mode = if is_async { Mode::Awaitable } else { Mode::Blocking };
    let branch = Branch::new(config, mode, &Hooks::new(py, hooks)?, clock.clock())?;
    if is_async {
        return Ok(Bound::new(py, AwaitableSso(Tree::new(py, branch)?))?.into_any());
    }
    branch.open(py)?;
    Ok(Bound::new(py, BlockingSso(Tree::new(py, branch)?))?.into_any())
}

fn metrics<'py>(py: Python<'py>, branch: &Branch) -> PyResult<Bound<'py, PyAny>> {
    let operation = async |sso: Arc<Sso>| Ok(sso.metrics(Format::Prometheus).await);
    branch.run(py, operation, |py, text: String| Ok(PyString::new(py, &text).into_any()))
}

/// The metrics of an object of either kind, for those who collect them: it blocks.
#[pyfunction]
pub fn collect_metrics<'py>(tree: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let branch = branch_of(tree).ok_or_else(|| PyTypeError::new_err("expected an SSO object"))?;
    metrics(tree.py(), &branch.blocking())
}

/// A tree with arguments filled in, as `zato_sso.bound` makes it of any.
fn bind<'py>(
    tree: &Bound<'py, PyAny>,
    filled: [Option<&Bound<'py, PyAny>>; 5],
) -> PyResult<Bound<'py, PyAny>> {
    static BIND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let [cid, current_app, remote_addr, user_agent, current_ust] = filled;
    let bind = BIND.import(tree.py(), "zato_sso.bound", "bind")?;
    bind.call1((tree, cid, current_app, remote_addr, user_agent, current_ust))
}

/// Configuration from the arguments of a constructor and the environment.
fn load(
    database_url: Option<String>,
    config: Option<&Bound<'_, PyAny>>,
    secret_key: Option<String>,
    tz_aware: Option<bool>,
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
    if let Some(is_aware) = tz_aware {
        loader = loader.argument("main.tz_aware", is_aware);
    }
    loader.load().map_err(|error| PyValueError::new_err(error.to_string()))
}
