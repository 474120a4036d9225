//! `sso.password_reset`: password resets by email.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::ops::{ResetAccess, Sso};
use crate::python::branch::{Branch, branch_class};
use crate::python::runtime::call::none;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument};

branch_class! {
    /// ``sso.password_reset``: password resets by email.
    PasswordResetApi = "PasswordResetAPI"
}

#[pymethods]
impl PasswordResetApi {
    /// Emails a token to the user with this credential. The caller cannot tell whether there is such a user.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     credential: A username or an email address, as ``password_reset.user_search_by`` says.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Raises:
    ///     ValidationError: E004001 for an unknown application.
    ///
    /// Example:
    ///     >>> sso.password_reset.create_token("cid-1", "ann", "CRM", "127.0.0.1", "Mozilla/5.0")
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

    /// Exchanges a token, once, for a key that allows a new password to be set.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     token: The token from the email.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Returns:
    ///     An AccessTokenCtx: the key, valid for ``password_reset.password_change_session_duration`` seconds, and its
    ///     user.
    ///
    /// Raises:
    ///     ValidationError: E010001 if the token is invalid, used or expired, or its user may not log in.
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

    /// Sets a new password, once. This ends all reset tokens of the user, and all sessions if
    /// ``session.end_on_password_change`` is set.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     new_password: The new password.
    ///     token: The token from the email.
    ///     reset_key: The key that it was exchanged for.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Raises:
    ///     ValidationError: E010001 if the token or key is invalid, used or expired, or its user may not log in;
    ///         E003xxx if the password is not accepted, after which token and key can be used again.
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

/// The key that a password reset token was exchanged for, and its user.
#[pyclass(frozen, module = "zato_sso")]
pub struct AccessTokenCtx(ResetAccess);

#[pymethods]
impl AccessTokenCtx {
    /// The key that, together with the token, allows a new password to be set. It cannot be read again.
    #[getter]
    fn reset_key(&self) -> &str {
        self.0.reset_key.expose()
    }

    /// The user: a dict of user_id and username.
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
