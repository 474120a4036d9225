//! `sso.identity`: identities, under which sites know users. For trusted callers: no session is needed.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::domain::Identity;
use crate::ops::Sso;
use crate::python::branch::{Branch, branch_class};
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times};
use crate::python::value::shown;

branch_class! {
    /// ``sso.identity``: identities, under which sites know users. For trusted callers.
    IdentityApi = "IdentityAPI"
}

#[pymethods]
impl IdentityApi {
    /// The identity with this token.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     identity_token: The token of the identity.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict: identity_token, user_id, user_token, provider, external_id, profile, creation_time, last_modified.
    ///
    /// Raises:
    ///     ValidationError: E001100 if there is no such identity.
    #[pyo3(signature = (cid, identity_token, current_app=None, remote_addr=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        identity_token: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.get_identity(&ctx, &identity_token).await;
        self.branch.run(py, operation, shown::dict(self.branch.times(), to_dict))
    }

    /// The identities of a user, oldest first. Every user has at least one.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A list of dicts, as from ``get``.
    ///
    /// Raises:
    ///     ValidationError: E001100 if there is no such user.
    #[pyo3(signature = (cid, user_id, current_app=None, remote_addr=None))]
    fn get_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.list_identities(&ctx, &user_id).await;
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }
}

/// JSON text as a Python object.
pub(in crate::python) fn loaded<'py>(
    py: Python<'py>,
    json: Option<&str>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(json) = json else { return Ok(None) };
    py.import("json")?.call_method1("loads", (json,)).map(Some)
}

fn to_dict<'py>(py: Python<'py>, identity: &Identity, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("identity_token", identity.identity_token.to_string())?;
    dict.set_item("user_id", identity.user_id.as_str())?;
    dict.set_item("user_token", identity.user_token.to_string())?;
    dict.set_item("provider", &identity.provider)?;
    dict.set_item("external_id", identity.external_id.as_deref())?;
    let profile = identity.profile.as_ref().map(Value::to_string);
    dict.set_item("profile", loaded(py, profile.as_deref())?)?;
    dict.set_item("creation_time", times.datetime(py, identity.creation_time)?)?;
    dict.set_item("last_modified", times.datetime(py, identity.last_modified)?)?;
    Ok(dict)
}
