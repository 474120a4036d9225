//! `sso.client`: clients of the OpenID Provider.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::domain::{Client, ClientUpdate, ClientWithSecret, Edit};
use crate::ops::{Actor, Sso};
use crate::python::branch::{Branch, branch_class};
use crate::python::runtime::call::none;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};
use crate::python::value::data;
use crate::python::value::shown;

branch_class! {
    /// ``sso.client``: clients of the OpenID Provider, for super-users.
    ClientApi = "ClientAPI"
}

#[pymethods]
impl ClientApi {
    /// Creates a client. What is not given is what suits its kind.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     name: The name that people see.
    ///     kind: web, which keeps a secret; spa or native, which keep none; or service, which has no users.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     data: Its other settings: see :meth:`update`.
    ///
    /// Returns:
    ///     A dict: client_id, kind, creation_time, last_modified, the keys of :meth:`update`, and client_secret: it cannot be shown
    ///     again, and is None where the client has none.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E005010 if the login is not fresh, E014002 for a setting that is not
    ///         acceptable.
    #[pyo3(signature = (cid, name, kind, current_ust, current_app, remote_addr, data=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn create<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        name: String,
        kind: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        data: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let new = data.map(data::client_update).transpose()?.unwrap_or_default();
        let new = ClientUpdate { name: Edit::Set(name), ..new };
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.create_client(&ctx, Actor::from(current_ust.0), &kind, new).await;
        self.branch.run(py, operation, shown_with_secret(self.branch.times()))
    }

    /// A client.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     client_id: The id of the client.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict, as from :meth:`create`, without client_secret.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E014001 if there is no such client.
    #[pyo3(signature = (cid, client_id, current_ust, current_app, remote_addr))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        client_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.get_client(&ctx, Actor::from(current_ust.0), &client_id).await;
        self.branch.run(py, operation, shown::dict(self.branch.times(), to_dict))
    }

    /// All clients, by name.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A list of dicts, as from :meth:`get`.
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
        let operation = async move |sso: Arc<Sso>| sso.list_clients(&ctx, Actor::from(current_ust.0)).await;
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }

    /// Changes a client. Other processes see the change at once, or within a tenth of a second on PostgreSQL.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     client_id: The id of the client.
    ///     data: Those that change; None takes a value away, or sets what suits the kind. name, is_active, is_trusted: no consent is
    ///         asked for, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, grants, auth_method,
    ///         jwks: a dict or its text, require_pkce, id_token_alg, access_token_format, access_token_lifetime,
    ///         refresh_token_lifetime, refresh_token_idle: seconds, default_audience, audiences, own_audiences, app, pairwise_sector, logo_uri,
    ///         policy_uri, tos_uri.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict, as from :meth:`get`.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`create`, E014001 if there is no such client, and E008003 if nothing is to change.
    #[pyo3(signature = (cid, client_id, data, current_ust, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn update<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        client_id: String,
        data: &Bound<'py, PyDict>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let update = data::client_update(data)?;
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.update_client(&ctx, Actor::from(current_ust.0), &client_id, update).await
        };
        self.branch.run(py, operation, shown::dict(self.branch.times(), to_dict))
    }

    /// Deletes a client, and what users allowed it.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     client_id: The id of the client.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E005010 if the login is not fresh, E014001 if there is no such client.
    #[pyo3(signature = (cid, client_id, current_ust, current_app, remote_addr))]
    fn delete<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        client_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.delete_client(&ctx, Actor::from(current_ust.0), &client_id).await.map(drop)
        };
        self.branch.run(py, operation, none)
    }

    /// Gives a client a new secret.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     client_id: The id of the client.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     keep_old_for: For how many hours the secret that it has stays valid. 0 ends it at once.
    ///
    /// Returns:
    ///     A dict, as from :meth:`create`, with the new client_secret.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E005010 if the login is not fresh, E014001 if there is no such client,
    ///         E014002 if it has no secret, or for too many hours.
    #[pyo3(signature = (cid, client_id, current_ust, current_app, remote_addr, keep_old_for=24))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn rotate_secret<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        client_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        keep_old_for: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.rotate_client_secret(&ctx, Actor::from(current_ust.0), &client_id, keep_old_for).await
        };
        self.branch.run(py, operation, shown_with_secret(self.branch.times()))
    }
}

/// A conversion for clients with a new secret.
fn shown_with_secret(
    times: Times,
) -> impl for<'a> FnOnce(Python<'a>, ClientWithSecret) -> PyResult<Bound<'a, PyAny>> + Send + 'static {
    move |py, with_secret| {
        let dict = to_dict(py, &with_secret.client, times)?;
        dict.set_item("client_secret", with_secret.client_secret.as_ref().map(|secret| secret.expose()))?;
        Ok(dict.into_any())
    }
}

fn to_dict<'py>(py: Python<'py>, client: &Client, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let grants: Vec<&str> = client.grants.iter().map(|grant| grant.as_str()).collect();
    let dict = PyDict::new(py);
    dict.set_item("client_id", client.client_id.as_str())?;
    dict.set_item("name", &client.name)?;
    dict.set_item("kind", client.kind.as_str())?;
    dict.set_item("redirect_uris", &client.redirect_uris)?;
    dict.set_item("post_logout_redirect_uris", &client.post_logout_redirect_uris)?;
    dict.set_item("backchannel_logout_uri", client.backchannel_logout_uri.as_deref())?;
    dict.set_item("scopes", &client.scopes)?;
    dict.set_item("grants", grants)?;
    dict.set_item("auth_method", client.auth_method.as_str())?;
    dict.set_item("jwks", client.jwks.as_deref())?;
    dict.set_item("jwks_uri", client.jwks_uri.as_deref())?;
    dict.set_item("id_token_alg", client.id_token_alg.as_str())?;
    dict.set_item("access_token_format", client.access_token_format.as_str())?;
    dict.set_item("access_token_lifetime", client.access_token_lifetime)?;
    dict.set_item("refresh_token_lifetime", client.refresh_token_lifetime)?;
    dict.set_item("refresh_token_idle", client.refresh_token_idle)?;
    dict.set_item("default_audience", client.default_audience.as_deref())?;
    dict.set_item("audiences", &client.audiences)?;
    dict.set_item("own_audiences", &client.own_audiences)?;
    dict.set_item("is_trusted", client.is_trusted)?;
    dict.set_item("require_pkce", client.require_pkce)?;
    dict.set_item("app", client.app.as_deref())?;
    dict.set_item("logo_uri", client.logo_uri.as_deref())?;
    dict.set_item("policy_uri", client.policy_uri.as_deref())?;
    dict.set_item("tos_uri", client.tos_uri.as_deref())?;
    dict.set_item("pairwise_sector", client.pairwise_sector.as_deref())?;
    dict.set_item("is_active", client.is_active)?;
    dict.set_item("creation_time", times.datetime(py, client.creation_time)?)?;
    dict.set_item("last_modified", times.datetime(py, client.last_modified)?)?;
    Ok(dict)
}
