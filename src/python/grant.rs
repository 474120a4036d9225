//! `sso.user.grant`: applications that users have given access to.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::ops::{Actor, Sso, UserGrant};
use crate::python::branch::{Branch, branch_class};
use crate::python::runtime::call::none;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};
use crate::python::value::shown;

branch_class! {
    /// ``sso.user.grant``: applications that users have given access to.
    UserGrantApi = "UserGrantAPI"
}

#[pymethods]
impl UserGrantApi {
    /// The applications that may know of a user, and what, by name.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose; by default the caller's own. Others' only for super-users.
    ///
    /// Returns:
    ///     A list of dicts: client_id, name, logo_uri, scopes, creation_time, last_modified, last_sign_in: None if nothing of
    ///     it is left.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005001 without permission, E001100 if there is no such user.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr, user_id=None))]
    fn get_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_id: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.list_user_grants(&ctx, Actor::from(current_ust.0), user_id.as_deref()).await
        };
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }

    /// Withdraws what a user has allowed an application, and ends its tokens. It asks the user again the next time.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     client_id: The id of the application.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose; by default the caller's own. Others' only for super-users.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005001 without permission, E014001 if the user has not allowed that
    ///         application anything.
    #[pyo3(signature = (cid, client_id, current_ust, current_app, remote_addr, user_id=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn revoke<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        client_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_id: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let actor = Actor::from(current_ust.0);
            sso.revoke_user_grant(&ctx, actor, &client_id, user_id.as_deref()).await
        };
        self.branch.run(py, operation, none)
    }
}

fn to_dict<'py>(py: Python<'py>, grant: &UserGrant, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("client_id", grant.client_id.as_str())?;
    dict.set_item("name", &grant.name)?;
    dict.set_item("logo_uri", grant.logo_uri.as_deref())?;
    dict.set_item("scopes", &grant.scopes)?;
    dict.set_item("creation_time", times.datetime(py, grant.creation_time)?)?;
    dict.set_item("last_modified", times.datetime(py, grant.last_modified)?)?;
    dict.set_item("last_sign_in", grant.last_sign_in.map(|time| times.datetime(py, time)).transpose()?)?;
    Ok(dict)
}
