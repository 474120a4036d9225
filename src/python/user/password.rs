//! `sso.user`: passwords and TOTP keys.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::domain::Edit;
use crate::ops::{ResetTotpKey, SetPassword, Sso};
use crate::python::runtime::call::none;
use crate::python::user::api::UserApi;
use crate::python::user::permit::actor;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument, UstArgument, secret};
use crate::python::value::data;

/// A JSON value, as text.
struct JsonArgument(String);

impl<'a, 'py> FromPyObject<'a, 'py> for JsonArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        data::json_text(&value).map(Self)
    }
}

#[pymethods]
impl UserApi {
    /// Sets a user's password, for trusted callers in the same process: neither a session nor the old one is needed.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: Whose.
    ///     password: The new one; the same rules hold for it as for any other.
    ///     must_change: Whether it must be changed at the next login.
    ///     password_expiry: In how many days it expires; None or negative is the default.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: Where the call comes from.
    ///     details: What the audit entry is to hold about it beside the usual: a JSON value of up to 4096 bytes, without
    ///         secrets.
    ///
    /// Raises:
    ///     ValidationError: E001100 if there is no such user, E003xxx for the password, E008002 for the rest.
    #[pyo3(signature = (cid, user_id, password, must_change, password_expiry, current_app, remote_addr, details=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn set_password<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        password: PasswordArgument,
        must_change: bool,
        password_expiry: Option<i64>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        details: Option<JsonArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let details = details.map(|details| details.0);
        let request = SetPassword { password: password.0, must_change, password_expiry, details };
        let operation = async move |sso: Arc<Sso>| sso.set_password(&ctx, &user_id, request).await;
        self.branch.run(py, operation, none)
    }

    /// Checks a password against the rules of the configuration, for nobody in particular.
    ///
    /// Raises:
    ///     ValidationError: E003001, E003002, E003003 or E003008.
    #[pyo3(signature = (password))]
    fn validate_password<'py>(
        &self,
        py: Python<'py>,
        password: PasswordArgument,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |sso: Arc<Sso>| sso.validate_password(&password.0).await;
        self.branch.run(py, operation, none)
    }

    /// Gives a user a new TOTP key. Whether logins ask for a code (``is_totp_enabled``) stays as it is.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session.
    ///     user_id: Whose; None is oneself. Others' only for super-users.
    ///     key: The key, in base32; None has one made.
    ///     key_label: What the key is called; None lets that be, the empty text takes it away.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: Where the call comes from.
    ///     skip_sec: True for trusted, in-process callers, whose ``current_ust`` is not looked at.
    ///
    /// Returns:
    ///     The key.
    ///
    /// Raises:
    ///     ValidationError: E005001 without the right to, E001100 if there is no such user, E008002 for a key that is none.
    ///     ValueError: No ``user_id`` was given with ``skip_sec``.
    #[pyo3(signature = (cid, current_ust, user_id, key, key_label, current_app, remote_addr, skip_sec=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn reset_totp_key<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: Option<UstArgument>,
        user_id: Option<String>,
        key: Option<PasswordArgument>,
        key_label: Option<String>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        skip_sec: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        if skip_sec && user_id.is_none() {
            return Err(PyValueError::new_err(
                "with skip_sec there is no session to tell whose key: give user_id",
            ));
        }
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, !skip_sec, None);
        let label = key_label.map_or(Edit::Keep, Edit::Set);
        let request = ResetTotpKey { user_id, key: key.map(|key| key.0), label };
        let operation = async move |sso: Arc<Sso>| sso.reset_totp_key(&ctx, actor, request).await;
        self.branch.run(py, operation, secret)
    }
}
