//! `sso.user`: passwords and TOTP keys.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::domain::Edit;
use crate::ops::{ResetTotpKey, SetPassword, Sso};
use crate::python::runtime::call::none;
use crate::python::user::api::UserApi;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument, UstArgument, secret};
use crate::python::value::data;
use crate::python::value::permit::actor;

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
    /// Sets a user's password without a session or the old password. For trusted callers in the same process.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     password: The new password; the usual rules apply.
    ///     must_change: Whether it must be changed at the next login.
    ///     password_expiry: The days until it expires; None or a negative number means the default.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     details: A JSON value for the audit entry, up to 4096 bytes, without secrets.
    ///
    /// Raises:
    ///     ValidationError: E001100 if there is no such user, E003xxx for the password, E008002 for another value.
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

    /// Checks a password against the configured rules that do not depend on a user.
    ///
    /// Args:
    ///     password: The password.
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

    /// Replaces the TOTP key of a user. ``is_totp_enabled``, whether logins need a code, is not changed.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     user_id: The user; None is the caller. Other users are for super-users only.
    ///     key: The key, in base32; None generates one.
    ///     key_label: The label of the key; None leaves it unchanged, an empty text removes it.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     skip_sec: True for trusted callers in the same process: ``current_ust`` is ignored.
    ///
    /// Returns:
    ///     The new key.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user, E008002 for an invalid key.
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
