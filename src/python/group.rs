//! `sso.group`: groups of users.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::domain::{Edit, Group, GroupMember, GroupUpdate};
use crate::ops::{Actor, Sso};
use crate::python::branch::{Branch, branch_class};
use crate::python::runtime::call::none;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};
use crate::python::value::data;
use crate::python::value::shown;

branch_class! {
    /// ``sso.group``: groups of users, for super-users.
    GroupApi = "GroupAPI"
}

#[pymethods]
impl GroupApi {
    /// Creates a group.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     name: Its name, unique in any case of letters.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     display_name: The name to show.
    ///     description: What it is for.
    ///     scopes: What its members may be granted: a list of str.
    ///     can_manage_users: Whether members may approve, reject, lock and unlock users, and reset their passwords and TOTP
    ///         keys; not those of super-users.
    ///     can_read_audit: Whether members may read the audit.
    ///
    /// Returns:
    ///     A dict: group_id, name, display_name, description, scopes, can_manage_users, can_read_audit, num_members,
    ///     creation_time, last_modified.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E013002 if there is one with the name, E008002 or E008003 for an
    ///         invalid value; E005010 if it is to have rights and the login is not fresh.
    #[pyo3(signature = (cid, name, current_ust, current_app, remote_addr, display_name=None, description=None, scopes=None, can_manage_users=false, can_read_audit=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn create<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        name: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        display_name: Option<String>,
        description: Option<String>,
        scopes: Option<Vec<String>>,
        can_manage_users: bool,
        can_read_audit: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let new = GroupUpdate {
            name: Edit::Set(name),
            display_name: display_name.map_or(Edit::Keep, Edit::Set),
            description: description.map_or(Edit::Keep, Edit::Set),
            scopes: scopes.map_or(Edit::Keep, Edit::Set),
            can_manage_users: Edit::Set(can_manage_users),
            can_read_audit: Edit::Set(can_read_audit),
        };
        let operation =
            async move |sso: Arc<Sso>| sso.create_group(&ctx, Actor::from(current_ust.0), new).await;
        self.branch.run(py, operation, shown::dict(self.branch.times(), to_dict))
    }

    /// A group, by its id or name.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     group_id: The id or name of the group.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict, as from :meth:`create`.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E013001 if there is no such group.
    #[pyo3(signature = (cid, group_id, current_ust, current_app, remote_addr))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        group_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.get_group(&ctx, Actor::from(current_ust.0), &group_id).await;
        self.branch.run(py, operation, shown::dict(self.branch.times(), to_dict))
    }

    /// All groups, by name.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A list of dicts, as from :meth:`create`.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr))]
    fn get_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.list_groups(&ctx, Actor::from(current_ust.0)).await;
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }

    /// Changes a group.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     group_id: The id or name of the group.
    ///     data: name, display_name, description, scopes, can_manage_users, can_read_audit: those that change. None
    ///         empties a value.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict, as from :meth:`create`.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`create`, and E013001 if there is no such group.
    #[pyo3(signature = (cid, group_id, data, current_ust, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn update<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        group_id: String,
        data: &Bound<'py, PyDict>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let update = data::group_update(data)?;
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.update_group(&ctx, Actor::from(current_ust.0), &group_id, update).await
        };
        self.branch.run(py, operation, shown::dict(self.branch.times(), to_dict))
    }

    /// Deletes a group. Its members stay.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     group_id: The id or name of the group.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E013001 if there is no such group.
    #[pyo3(signature = (cid, group_id, current_ust, current_app, remote_addr))]
    fn delete<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        group_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.delete_group(&ctx, Actor::from(current_ust.0), &group_id).await.map(drop)
        };
        self.branch.run(py, operation, none)
    }

    /// Makes a user a member of a group. One who is a member stays one.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     group_id: The id or name of the group.
    ///     user_id: The user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E013001 or E001100 if there is no such group or user, E008001 if the
    ///         user is in too many groups; E005010 if the group has rights and the login is not fresh.
    #[pyo3(signature = (cid, group_id, user_id, current_ust, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn add_member<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        group_id: String,
        user_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.add_group_member(&ctx, Actor::from(current_ust.0), &group_id, &user_id).await
        };
        self.branch.run(py, operation, none)
    }

    /// Takes a user out of a group, if they are a member.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     group_id: The id or name of the group.
    ///     user_id: The user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E013001 or E001100 if there is no such group or user.
    #[pyo3(signature = (cid, group_id, user_id, current_ust, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn remove_member<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        group_id: String,
        user_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.remove_group_member(&ctx, Actor::from(current_ust.0), &group_id, &user_id).await
        };
        self.branch.run(py, operation, none)
    }

    /// The members of a group, in the order of their ids.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     group_id: The id or name of the group.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     after: The user_id after which to begin: the last one of the list before.
    ///     limit: How many, at most 1,000.
    ///
    /// Returns:
    ///     A list of dicts: user_id, username, display_name, added_time.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E013001 if there is no such group, E001100 if ``after`` is no user_id.
    #[pyo3(signature = (cid, group_id, current_ust, current_app, remote_addr, after=None, limit=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn get_members<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        group_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        after: Option<String>,
        limit: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let actor = Actor::from(current_ust.0);
            sso.list_group_members(&ctx, actor, &group_id, after.as_deref(), limit).await
        };
        self.branch.run(py, operation, shown::list(self.branch.times(), member_dict))
    }
}

fn to_dict<'py>(py: Python<'py>, group: &Group, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("group_id", group.group_id.as_str())?;
    dict.set_item("name", &group.name)?;
    dict.set_item("display_name", group.display_name.as_deref())?;
    dict.set_item("description", group.description.as_deref())?;
    dict.set_item("scopes", &group.scopes)?;
    dict.set_item("can_manage_users", group.can_manage_users)?;
    dict.set_item("can_read_audit", group.can_read_audit)?;
    dict.set_item("num_members", group.num_members)?;
    dict.set_item("creation_time", times.datetime(py, group.creation_time)?)?;
    dict.set_item("last_modified", times.datetime(py, group.last_modified)?)?;
    Ok(dict)
}

fn member_dict<'py>(py: Python<'py>, member: &GroupMember, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("user_id", member.user_id.as_str())?;
    dict.set_item("username", &member.username)?;
    dict.set_item("display_name", member.display_name.as_deref())?;
    dict.set_item("added_time", times.datetime(py, member.added_time)?)?;
    Ok(dict)
}
