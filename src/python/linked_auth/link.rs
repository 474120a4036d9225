//! `sso.user`: links of security definitions to users.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt};

use crate::domain::{LinkedAuth, UserId, UserView};
use crate::ops::{Actor, AttrTarget, SecDefName, Sso};
use crate::python::attr::call::AttrCall;
use crate::python::user::api::UserApi;
use crate::python::user::entity::User;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};
use crate::python::value::shown;

#[pymethods]
impl UserApi {
    /// Links a security definition to a user: requests that use it act as the user. For super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The session token of a super-user.
    ///     user_id: The user to link it to.
    ///     auth_type: The kind of the definition: ``const.auth_type.basic_auth`` or ``const.auth_type.jwt``.
    ///     auth_username: The username of the definition.
    ///     is_active: Whether requests may use it.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The user_id and the auth_id, which is the id of the definition.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user, E008002 if there is no such
    ///         definition, E008001 if it is linked already.
    #[pyo3(signature = (cid, ust, user_id, auth_type, auth_username, is_active, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn create_linked_auth<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: UstArgument,
        user_id: String,
        auth_type: String,
        auth_username: String,
        is_active: bool,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let definition = SecDefName { auth_type: &auth_type, auth_username: &auth_username };
            sso.create_linked_auth(&ctx, Actor::from(ust.0), &user_id, definition, is_active).await
        };
        self.branch.run(py, operation, |py, (user_id, auth_id): (UserId, i64)| {
            Ok((user_id.as_str(), auth_id).into_pyobject(py)?.into_any())
        })
    }

    /// The definitions that are linked to a user: the caller, or any user for super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose they are; None for the caller's own.
    ///
    /// Returns:
    ///     A list of dicts: auth_type, auth_username, auth_id, auth_name, user_id, creation_time, is_active.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user.
    #[pyo3(signature = (cid, ust, current_app, remote_addr, user_id=None))]
    fn get_linked_auth_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_id: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.get_linked_auth_list(&ctx, Actor::from(ust.0), user_id.as_deref()).await
        };
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }

    /// Removes a link and ends the sessions that it opened. For super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The session token.
    ///     user_id: The user that it is linked to.
    ///     auth_type: ``const.auth_type.basic_auth`` or ``jwt``.
    ///     auth_username: The username of the security definition.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The auth_id, which is the id of the definition.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user, E008002 if there is no such
    ///         definition, or it is not linked to this user, E012003 if the user could not log in any more.
    #[pyo3(signature = (cid, ust, user_id, auth_type, auth_username, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn delete_linked_auth<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: UstArgument,
        user_id: String,
        auth_type: String,
        auth_username: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let definition = SecDefName { auth_type: &auth_type, auth_username: &auth_username };
            sso.delete_linked_auth(&ctx, Actor::from(ust.0), &user_id, definition).await
        };
        self.branch.run(py, operation, |py, auth_id: i64| Ok(PyInt::new(py, auth_id).into_any()))
    }

    /// The user that a security definition is linked to: the caller, or any user for super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     sec_type: ``const.auth_type.basic_auth`` or ``jwt``.
    ///     sec_username: The username of the security definition.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     return_all_attrs: True for what the caller may not see, too.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission; E008002 if there is no such definition, or it is not linked.
    #[pyo3(signature = (cid, sec_type, sec_username, current_ust, current_app, remote_addr, return_all_attrs=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn get_user_by_linked_auth<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        sec_type: String,
        sec_username: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        return_all_attrs: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let (attr_ctx, attr_ust) = (ctx.clone(), current_ust.0.clone());
        let operation = async move |sso: Arc<Sso>| {
            let definition = SecDefName { auth_type: &sec_type, auth_username: &sec_username };
            sso.get_user_by_linked_auth(&ctx, Actor::from(current_ust.0), definition, return_all_attrs).await
        };
        let branch = self.branch.clone();
        self.branch.run(py, operation, move |py, view: UserView| {
            let user_id = Some(view.user.user_id.as_str().to_owned());
            let (actor, target) = (attr_ust.into(), AttrTarget::User(user_id));
            let attr = AttrCall { branch, ctx: attr_ctx, actor, target };
            Ok(User { view, attr }.into_pyobject(py)?.into_any())
        })
    }
}

fn to_dict<'py>(py: Python<'py>, link: &LinkedAuth, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("auth_type", link.auth_type.as_str())?;
    dict.set_item("auth_username", &link.auth_username)?;
    dict.set_item("auth_id", link.auth_id)?;
    dict.set_item("auth_name", &link.auth_name)?;
    dict.set_item("user_id", link.user_id.as_str())?;
    dict.set_item("creation_time", times.datetime(py, link.creation_time)?)?;
    dict.set_item("is_active", link.is_active)?;
    Ok(dict)
}
