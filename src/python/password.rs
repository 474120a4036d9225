//! `sso.password_reset`: new passwords for those who forgot theirs.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::ops::{ResetAccess, Sso};
use crate::python::branch::Branch;
use crate::python::runtime::call::none;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument};

/// ``sso.password_reset``: new passwords for those who forgot theirs.
#[pyclass(frozen, name = "PasswordResetAPI", module = "zato_sso._core")]
pub struct PasswordResetApi {
    branch: Branch,
}

impl PasswordResetApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }
}

#[pymethods]
impl PasswordResetApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }

    /// Has a token emailed to the user with this credential. Whether there is such a user cannot be told from outside.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     credential: A username, an email or either, as ``password_reset.user_search_by`` says.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: Where the call comes from.
    ///     user_agent: With what.
    ///
    /// Raises:
    ///     ValidationError: E004001 for an unknown application.
    #[pyo3(signature = (cid, credential, current_app, remote_addr, user_agent))]
    fn create_token<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        credential: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.create_reset_token(&ctx, &credential, user_agent.as_deref()).await;
        self.branch.run(py, operation, none)
    }

    /// Exchanges a token, once, for a key to set a new password with.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     token: The token from the email.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: Where the call comes from.
    ///     user_agent: With what.
    ///
    /// Returns:
    ///     An AccessTokenCtx: the key, valid for ``password_reset.password_change_session_duration`` seconds, and
    ///     whose password it is.
    ///
    /// Raises:
    ///     ValidationError: E010001 for a token that is not valid, was used or has expired, and for users who may not
    ///         log in.
    #[pyo3(signature = (cid, token, current_app, remote_addr, user_agent))]
    fn access_token<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        token: PasswordArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.access_reset_token(&ctx, &token.0, user_agent.as_deref()).await;
        self.branch.run(py, operation, |py, access| Ok(AccessTokenCtx(access).into_pyobject(py)?.into_any()))
    }

    /// Sets a new password, once. All tokens of the user end by that, and, where ``session.end_on_password_change``
    /// says so, the sessions.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     new_password: The new password.
    ///     token: The token from the email.
    ///     reset_key: What it was exchanged for.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: Where the call comes from.
    ///     user_agent: With what.
    ///
    /// Raises:
    ///     ValidationError: E010001 for a token or key that is not valid, was used or has expired, and for users who
    ///         may not log in; E003xxx for a password that is not acceptable, after which token and key are as good
    ///         as before.
    #[pyo3(signature = (cid, new_password, token, reset_key, current_app, remote_addr, user_agent))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn change_password<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        new_password: PasswordArgument,
        token: PasswordArgument,
        reset_key: PasswordArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        #[expect(unused_variables, reason = "the documented signature")] user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.reset_password(&ctx, &token.0, &reset_key.0, new_password.0).await;
        self.branch.run(py, operation, none)
    }
}

/// What the token of a password reset is exchanged for.
#[pyclass(frozen, module = "zato_sso")]
pub struct AccessTokenCtx(ResetAccess);

#[pymethods]
impl AccessTokenCtx {
    /// The key that allows a new password to be set, together with the token. It is shown here only.
    #[getter]
    fn reset_key(&self) -> &str {
        self.0.reset_key.expose()
    }

    /// Whose password: user_id and username.
    #[getter]
    fn user<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("user_id", self.0.user_id.as_str())?;
        dict.set_item("username", &self.0.username)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        format!("AccessTokenCtx(user_id='{}', username={:?})", self.0.user_id, self.0.username)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.reset_key.expose() == other.0.reset_key.expose()
    }
}
