//! `sso.user.passkey`: passkeys, and logins with them.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString};
use serde_json::Value;

use crate::domain;
use crate::ops::{Actor, PasskeyLogin, Sso};
use crate::python::branch::{Branch, branch_class};
use crate::python::runtime::call::none;
use crate::python::session::entity::SessionInfo;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};

branch_class! {
    /// ``sso.user.passkey``: passkeys, and logins with them.
    PasskeyApi = "PasskeyAPI"
}

#[pymethods]
impl PasskeyApi {
    /// Begins to register a passkey for the caller. It is registered when :meth:`finish_registration` gets what the browser
    /// answers, within 5 minutes.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     name: What the passkey is to be called.
    ///
    /// Returns:
    ///     A dict for ``PublicKeyCredential.parseCreationOptionsFromJSON`` of the browser.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh, E008001 if passkeys are not
    ///         configured or the caller has 20 already.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr, name=None))]
    fn begin_registration<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        name: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.begin_passkey_registration(&ctx, Actor::from(current_ust.0), name).await
        };
        self.branch.run(py, operation, options)
    }

    /// Registers the passkey that the browser has made. The user is emailed.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     response: What ``toJSON()`` of the browser's credential says: a dict or its JSON.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The Passkey.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh, E012001 if the response is not
    ///         acceptable, E012002 if nothing like it was asked for, or too long ago.
    #[pyo3(signature = (cid, response, current_ust, current_app, remote_addr))]
    fn finish_registration<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        response: ResponseArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.finish_passkey_registration(&ctx, Actor::from(current_ust.0), &response.0).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, passkey| {
            Ok(Passkey { passkey, times }.into_pyobject(py)?.into_any())
        })
    }

    /// Begins a login with a passkey.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     username: With it, only passkeys of the user with this name log in. Which ones there are is not told.
    ///
    /// Returns:
    ///     A dict for ``PublicKeyCredential.parseRequestOptionsFromJSON`` of the browser.
    ///
    /// Raises:
    ///     ValidationError: E008001 if passkeys are not configured; E005009 after too many failures.
    #[pyo3(signature = (cid, current_app, remote_addr, username=None))]
    fn begin_login<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        username: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.begin_passkey_login(&ctx, username.as_deref()).await;
        self.branch.run(py, operation, options)
    }

    /// Logs in the user whose passkey has answered. One that has verified its owner counts as two factors: no TOTP code is
    /// asked for.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     response: What ``toJSON()`` of the browser's credential says: a dict or its JSON.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Returns:
    ///     A SessionInfo.
    ///
    /// Raises:
    ///     ValidationError: E005001 if the response is not right, E012002 if nothing like it was asked for, or too long ago;
    ///         E005008 if the user has TOTP and the authenticator has not verified its owner; else as ``sso.user.login``.
    #[pyo3(signature = (cid, response, current_app, remote_addr, user_agent=None))]
    fn finish_login<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        response: ResponseArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let request = PasskeyLogin { response: response.0, user_agent, ..PasskeyLogin::default() };
        let operation = async move |sso: Arc<Sso>| sso.finish_passkey_login(&ctx, request).await;
        let times = self.branch.times();
        self.branch
            .run(py, operation, move |py, info| Ok(SessionInfo { info, times }.into_pyobject(py)?.into_any()))
    }

    /// Begins to prove by a passkey who has the session. It names the caller's passkeys.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict for ``PublicKeyCredential.parseRequestOptionsFromJSON`` of the browser.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E008001 if passkeys are not configured, or the caller has none.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr))]
    fn begin_reauthentication<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.begin_passkey_reauthentication(&ctx, Actor::from(current_ust.0)).await
        };
        self.branch.run(py, operation, options)
    }

    /// Makes the session as fresh as after a login, by what a passkey of the caller has answered.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     response: What ``toJSON()`` of the browser's credential says: a dict or its JSON.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005001 if the response is not right, E012002 if nothing like it was
    ///         asked for in this session, or too long ago; E005008 if the user has TOTP and the authenticator has not verified
    ///         its owner, E005009 after too many failures.
    #[pyo3(signature = (cid, response, current_ust, current_app, remote_addr))]
    fn finish_reauthentication<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        response: ResponseArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.finish_passkey_reauthentication(&ctx, Actor::from(current_ust.0), &response.0).await
        };
        self.branch.run(py, operation, none)
    }

    /// The passkeys of a user, the oldest first.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose; by default the caller's own. Others' only for those who may manage users.
    ///
    /// Returns:
    ///     A list of Passkey.
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
            sso.list_passkeys(&ctx, Actor::from(current_ust.0), user_id.as_deref()).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, passkeys: Vec<domain::Passkey>| {
            let passkeys = passkeys.into_iter().map(|passkey| Passkey { passkey, times }.into_pyobject(py));
            Ok(PyList::new(py, passkeys.collect::<PyResult<Vec<_>>>()?)?.into_any())
        })
    }

    /// Gives one of the caller's passkeys another name.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     passkey_id: The ID of the passkey.
    ///     name: Its new name.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E008002 if there is no such passkey, or the name is not valid.
    #[pyo3(signature = (cid, passkey_id, name, current_ust, current_app, remote_addr))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn rename<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        passkey_id: String,
        name: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.rename_passkey(&ctx, Actor::from(current_ust.0), &passkey_id, name).await
        };
        self.branch.run(py, operation, none)
    }

    /// Deletes a passkey. The user is emailed.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     passkey_id: The ID of the passkey.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose it is; by default the caller's own. Others' only for those who may manage users.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh, E005001 without permission,
    ///         E001100 if there is no such user, E008002 if there is no such passkey, E012003 if the user could not log in
    ///         any more.
    #[pyo3(signature = (cid, passkey_id, current_ust, current_app, remote_addr, user_id=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn delete<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        passkey_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_id: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let actor = Actor::from(current_ust.0);
            sso.delete_passkeys(&ctx, actor, user_id.as_deref(), Some(&passkey_id)).await.map(drop)
        };
        self.branch.run(py, operation, none)
    }
}

/// What a browser has answered, as JSON: a dict, or its text.
pub struct ResponseArgument(String);

impl<'a, 'py> FromPyObject<'a, 'py> for ResponseArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Self(text.to_str()?.to_owned()));
        }
        if !value.is_instance_of::<PyDict>() {
            let given = value.get_type().name()?;
            return Err(PyTypeError::new_err(format!("expected dict or str, not {given}")));
        }
        let text = DUMPS.import(value.py(), "json", "dumps")?.call1((value,))?;
        Ok(Self(text.extract()?))
    }
}

/// Options for a browser as a dict.
fn options(py: Python<'_>, options: Value) -> PyResult<Bound<'_, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "json", "loads")?.call1((options.to_string(),))
}

/// A passkey.
#[pyclass(frozen, eq, module = "zato_sso")]
#[derive(PartialEq)]
pub struct Passkey {
    passkey: domain::Passkey,
    times: Times,
}

#[pymethods]
impl Passkey {
    /// Its ID.
    #[getter]
    fn passkey_id(&self) -> &str {
        self.passkey.passkey_id.as_str()
    }

    /// The ID of its user.
    #[getter]
    fn user_id(&self) -> &str {
        self.passkey.user_id.as_str()
    }

    /// What its user calls it.
    #[getter]
    fn name(&self) -> &str {
        &self.passkey.name
    }

    /// The model of the authenticator, a UUID; zeros where it does not tell.
    #[getter]
    fn aaguid(&self) -> String {
        self.passkey.aaguid.to_string()
    }

    /// How the authenticator can be reached, such as ``internal``, ``hybrid`` and ``usb``.
    #[getter]
    fn transports(&self) -> Vec<&str> {
        self.passkey.transports.iter().map(String::as_str).collect()
    }

    /// Whether it may be on several devices.
    #[getter]
    fn is_backup_eligible(&self) -> bool {
        self.passkey.is_backup_eligible
    }

    /// Whether it was, when it was last used.
    #[getter]
    fn is_backed_up(&self) -> bool {
        self.passkey.is_backed_up
    }

    /// Whether the authenticator has ever verified its owner, by a PIN, a finger or a face.
    #[getter]
    fn is_user_verified(&self) -> bool {
        self.passkey.is_user_verified
    }

    /// Whether it logs in by itself, without a password before it; None where the authenticator has not said.
    #[getter]
    fn is_discoverable(&self) -> Option<bool> {
        self.passkey.is_discoverable
    }

    /// When it was registered; UTC, without a timezone.
    #[getter]
    fn creation_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.times.datetime(py, self.passkey.creation_time)
    }

    /// When it was last used; None for never.
    #[getter]
    fn last_use<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.passkey.last_use.map(|time| self.times.datetime(py, time)).transpose()
    }

    /// All of these values. Datetimes become ISO 8601 text unless ``serialize_dt`` is False.
    ///
    /// Args:
    ///     serialize_dt: True for times as ISO 8601 text.
    #[pyo3(signature = (serialize_dt=true))]
    fn to_dict<'py>(&self, py: Python<'py>, serialize_dt: bool) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("passkey_id", self.passkey_id())?;
        dict.set_item("user_id", self.user_id())?;
        dict.set_item("name", self.name())?;
        dict.set_item("aaguid", self.aaguid())?;
        dict.set_item("transports", self.transports())?;
        dict.set_item("is_backup_eligible", self.passkey.is_backup_eligible)?;
        dict.set_item("is_backed_up", self.passkey.is_backed_up)?;
        dict.set_item("is_user_verified", self.passkey.is_user_verified)?;
        dict.set_item("is_discoverable", self.passkey.is_discoverable)?;
        dict.set_item("creation_time", self.times.value(py, self.passkey.creation_time, serialize_dt)?)?;
        let last_use = self.passkey.last_use.map(|time| self.times.value(py, time, serialize_dt));
        dict.set_item("last_use", last_use.transpose()?)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let passkey = &self.passkey;
        format!("Passkey(passkey_id='{}', name={:?})", passkey.passkey_id.as_str(), passkey.name)
    }
}
