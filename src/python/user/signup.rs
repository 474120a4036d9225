//! `sso.user.signup`, `sso.user.confirm_signup`, `sso.user.confirm_email` and `sso.user.resend_confirmation`.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::domain::Password;
use crate::ops::Sso;
use crate::python::runtime::call::none;
use crate::python::user::api::UserApi;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument};
use crate::python::value::data;

#[pymethods]
impl UserApi {
    /// Signs a user up. Before they can log in, they confirm the sign-up with the token, and wait for approval unless
    /// the configuration says otherwise.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ctx: The details of the sign-up.
    ///     current_app: The application on whose behalf the call is made; by default the one in ``ctx``,
    ///         else ``apps.default``.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The token; None where it is sent by email only.
    ///
    /// Raises:
    ///     ValidationError: E004001 or E004002 for an application; E001xxx, E002xxx, E003xxx where the configuration
    ///         allows them to be shown, else E005001; E008002 for a value of a wrong type.
    ///     ValueError: ``ctx`` names another application than ``current_app``.
    ///
    /// Example:
    ///     >>> ctx = SignupCtx(username="cleo", email="cleo@example.com", password="a lamp in the window")
    ///     >>> token = sso.user.signup("cid-1", ctx, "CRM", "127.0.0.1")
    ///     >>> sso.user.confirm_signup("cid-2", token, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, ctx, current_app, remote_addr))]
    fn signup<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ctx: &Bound<'py, PyAny>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (request, own_app) = data::sign_up(ctx)?;
        if matches!((&current_app, &own_app), (Some(one), Some(other)) if one != other) {
            return Err(PyValueError::new_err("current_app: ctx.current_app is another one"));
        }
        let ctx = self.branch.context(cid, current_app.or(own_app), remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.sign_up(&ctx, request).await;
        self.branch.run(py, operation, |py, token: Option<Password>| {
            Ok(token.map_or_else(
                || py.None().into_bound(py),
                |token| PyString::new(py, token.expose()).into_any(),
            ))
        })
    }

    /// Confirms a new email, by the token that was sent there. It is the user's from then on.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     confirm_token: The token from the email.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005006 if the token is not valid, was used or has expired, E002002 if somebody else has the
    ///         email by now, E005001 if the user may not log in.
    #[pyo3(signature = (cid, confirm_token, current_app, remote_addr))]
    fn confirm_email<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        confirm_token: PasswordArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.confirm_email(&ctx, &confirm_token.0).await;
        self.branch.run(py, operation, none)
    }

    /// Confirms a sign-up.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     confirm_token: The token from :meth:`signup`.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005006 if there is no such token, E005007 if it was confirmed before.
    #[pyo3(signature = (cid, confirm_token, current_app, remote_addr))]
    fn confirm_signup<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        confirm_token: PasswordArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.confirm_sign_up(&ctx, &confirm_token.0).await;
        self.branch.run(py, operation, none)
    }

    /// Has the email of a sign-up sent once more, with the same token.
    ///
    /// The answer is the same whether or not somebody has signed up with the credential, and whether or not they have
    /// confirmed.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     credential: The username or the email of the sign-up.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005009 after too many requests from one address.
    #[pyo3(signature = (cid, credential, current_app, remote_addr))]
    fn resend_confirmation<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        credential: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.resend_confirmation(&ctx, &credential).await;
        self.branch.run(py, operation, none)
    }
}
