//! `sso.user`: changing and deleting users.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::ops::{Actor, Sso};
use crate::python::runtime::call::none;
use crate::python::user::api::UserApi;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, UstArgument};
use crate::python::value::data;
use crate::python::value::permit::actor;

#[pymethods]
impl UserApi {
    /// Changes the caller's own user.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     data: username, email, display_name, first_name, middle_name, last_name, is_totp_enabled, totp_key,
    ///         totp_label, totp_code (a code of the key, to switch TOTP on); for super-users also is_locked, password_expiry (a datetime), password_must_change,
    ///         sign_up_status, approval_status, is_rate_limit_active, rate_limit_def. None removes an email, a
    ///         name or a label, and generates a new TOTP key; a missing key leaves the value unchanged.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E008003 if there is nothing to change, E008002 for an unknown key, one that only
    ///         super-users may change, a wrong type, or None where a value is needed; E001xxx and E002xxx for an
    ///         invalid username or email; E005010 if the login is not fresh, for a username, an email or TOTP; E005008
    ///         if totp_code is missing.
    ///     InvalidTOTPError: E005001 if totp_code is wrong.
    ///
    /// Example:
    ///     >>> sso.user.update_current_user("cid-1", {"first_name": "Ann"}, ust, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, data, current_ust, current_app, remote_addr))]
    fn update_current_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        data: &Bound<'py, PyDict>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let update = data::user_update(data)?;
        let operation = async move |sso: Arc<Sso>| {
            sso.update_current_user(&ctx, Actor::from(current_ust.0), update).await
        };
        self.branch.run(py, operation, none)
    }

    /// Changes a user: the caller's own, or any for super-users. Otherwise the same as :meth:`update_current_user`.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     data: What changes, by name.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`update_current_user`; E005001 without permission, E001100 if there is no such
    ///         user.
    #[pyo3(signature = (cid, user_id, data, current_ust, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn update_user_by_id<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        data: &Bound<'py, PyDict>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let update = data::user_update(data)?;
        let operation = async move |sso: Arc<Sso>| {
            sso.update_user_by_id(&ctx, Actor::from(current_ust.0), &user_id, update).await
        };
        self.branch.run(py, operation, none)
    }

    /// :meth:`update_user_by_id` where ``user_id`` is given, else :meth:`update_current_user`.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     data: What changes, by name.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: The user; None for the caller.
    #[pyo3(signature = (cid, data, current_ust, current_app, remote_addr, user_id=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn update<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        data: &Bound<'py, PyDict>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_id: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match user_id {
            Some(user_id) => {
                self.update_user_by_id(py, cid, user_id, data, current_ust, current_app, remote_addr)
            }
            None => self.update_current_user(py, cid, data, current_ust, current_app, remote_addr),
        }
    }

    /// Deletes a user with all sessions, attributes, links and reset tokens. Callers cannot delete themselves.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user to delete.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     skip_sec: True for trusted callers in the same process: ``current_ust`` is ignored.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E008001 for the caller's own user, E001100 if there is no such
    ///         user.
    #[pyo3(signature = (cid, user_id, current_ust, current_app, remote_addr, skip_sec=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn delete_user_by_id<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        skip_sec: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, !skip_sec, None);
        let operation = async move |sso: Arc<Sso>| sso.delete_user_by_id(&ctx, actor, &user_id).await;
        self.branch.run(py, operation, none)
    }

    /// Deletes a user by name; otherwise the same as :meth:`delete_user_by_id`.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     username: The name of the user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     skip_sec: True for trusted callers in the same process, who need no session token.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`delete_user_by_id`, but E001001 if there is no such user.
    #[pyo3(signature = (cid, username, current_ust, current_app, remote_addr, skip_sec=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn delete_user_by_username<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        username: String,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        skip_sec: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, !skip_sec, None);
        let operation = async move |sso: Arc<Sso>| sso.delete_user_by_username(&ctx, actor, &username).await;
        self.branch.run(py, operation, none)
    }

    /// Deletes a user: :meth:`delete_user_by_id` without ``skip_sec``.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    #[pyo3(signature = (cid, user_id, current_ust, current_app, remote_addr))]
    fn delete<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.delete_user_by_id(py, cid, user_id, Some(current_ust), current_app, remote_addr, false)
    }
}
