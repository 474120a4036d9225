//! `SessionInfo` and `Session`: sessions, as calls return them.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::domain::{self, Password, SessionView};
use crate::python::attr::api::AttrApi;
use crate::python::attr::call::AttrCall;
use crate::python::value::convert::Times;
use crate::python::value::error::not_pickled;
use crate::python::value::generic::generic_alias;

/// A new session, as a login returns it.
#[pyclass(frozen, module = "zato_sso")]
pub struct SessionInfo {
    pub info: domain::SessionInfo,
    pub times: Times,
}

#[pymethods]
impl SessionInfo {
    /// The name of its user.
    #[getter]
    fn username(&self) -> &str {
        &self.info.username
    }

    /// The ID of its user.
    #[getter]
    fn user_id(&self) -> &str {
        self.info.user_id.as_str()
    }

    /// The session token. It cannot be read again.
    #[getter]
    fn ust(&self) -> &str {
        self.info.ust.expose()
    }

    /// When the session was opened; UTC, without a timezone.
    #[getter]
    fn creation_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.times.datetime(py, self.info.creation_time)
    }

    /// When it expires; UTC, without a timezone.
    #[getter]
    fn expiration_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.times.datetime(py, self.info.expiration_time)
    }

    /// Whether the user's password expires soon.
    #[getter]
    fn has_w_about_to_exp(&self) -> bool {
        self.info.has_w_about_to_exp
    }

    /// What to pass as ``device_token`` to the next login from this device. None if it has one already, or if the
    /// configuration wants none. It cannot be read again.
    #[getter]
    fn device_token(&self) -> Option<&str> {
        self.info.device_token.as_ref().map(Password::expose)
    }

    /// All of these values but ``device_token``. Datetimes become ISO 8601 text unless ``serialize_dt`` is False.
    ///
    /// Args:
    ///     serialize_dt: True for times as ISO 8601 text.
    #[pyo3(signature = (serialize_dt=true))]
    fn to_dict<'py>(&self, py: Python<'py>, serialize_dt: bool) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("username", self.username())?;
        dict.set_item("user_id", self.user_id())?;
        dict.set_item("ust", self.ust())?;
        for (name, at) in
            [("creation_time", self.info.creation_time), ("expiration_time", self.info.expiration_time)]
        {
            dict.set_item(name, self.times.value(py, at, serialize_dt)?)?;
        }
        dict.set_item("has_w_about_to_exp", self.info.has_w_about_to_exp)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let info = &self.info;
        format!(
            "SessionInfo(username={:?}, user_id='{}', expiration_time='{}')",
            info.username, info.user_id, info.expiration_time
        )
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.info.ust.expose() == other.info.ust.expose()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("SessionInfo"))
    }
}

/// A session, without its token.
#[pyclass(frozen, module = "zato_sso")]
pub struct Session {
    pub view: SessionView,
    pub attr: AttrCall,
}

#[pymethods]
impl Session {
    /// The public ID: it names the session but gives no access to it.
    #[getter]
    fn session_id(&self) -> String {
        self.view.session.session_id.to_string()
    }

    /// The ID of its user.
    #[getter]
    fn user_id(&self) -> &str {
        self.view.session.user_id.as_str()
    }

    /// The name of its user.
    #[getter]
    fn username(&self) -> &str {
        &self.view.username
    }

    /// Whether its user is a super-user.
    #[getter]
    fn is_super_user(&self) -> bool {
        self.view.is_super_user
    }

    /// When it was opened; UTC, without a timezone.
    #[getter]
    fn creation_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.attr.branch.times().datetime(py, self.view.session.creation_time)
    }

    /// When it expires; UTC, without a timezone.
    #[getter]
    fn expiration_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.attr.branch.times().datetime(py, self.view.session.expiration_time)
    }

    /// When its user last proved who they are: at the login, or by ``reauthenticate``; UTC.
    #[getter]
    fn auth_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.attr.branch.times().datetime(py, self.view.session.auth_time)
    }

    /// The address that it was opened from; several addresses are joined by ", ".
    #[getter]
    fn remote_addr(&self) -> &str {
        &self.view.session.remote_addr
    }

    /// The user agent that opened it.
    #[getter]
    fn user_agent(&self) -> Option<&str> {
        self.view.session.user_agent.as_deref()
    }

    /// How it was opened: default, basic_auth or jwt.
    #[getter]
    fn auth_type(&self) -> &'static str {
        self.view.session.auth_type.as_str()
    }

    /// The username that it was opened with.
    #[getter]
    fn auth_principal(&self) -> &str {
        &self.view.session.auth_principal
    }

    /// The attributes of the session. Calls act for the caller who got this object.
    #[getter]
    fn attr(&self) -> AttrApi {
        AttrApi(self.attr.clone())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.attr.branch.traverse(&visit)
    }

    /// A dict of creation_time, expiration_time, remote_addr and user_agent. Datetimes become ISO 8601 text if
    /// ``serialize_dt`` is True.
    ///
    /// Args:
    ///     serialize_dt: True for times as ISO 8601 text.
    #[pyo3(signature = (serialize_dt=false))]
    fn to_dict<'py>(&self, py: Python<'py>, serialize_dt: bool) -> PyResult<Bound<'py, PyDict>> {
        let (times, session) = (self.attr.branch.times(), &self.view.session);
        let dict = PyDict::new(py);
        dict.set_item("creation_time", times.value(py, session.creation_time, serialize_dt)?)?;
        dict.set_item("expiration_time", times.value(py, session.expiration_time, serialize_dt)?)?;
        dict.set_item("remote_addr", self.remote_addr())?;
        dict.set_item("user_agent", self.user_agent())?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let session = &self.view.session;
        format!(
            "Session(session_id='{}', user_id='{}', expiration_time='{}')",
            session.session_id, session.user_id, session.expiration_time
        )
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.view == other.view
    }

    /// For annotations such as ``Session[AttrAPI]``, which some frameworks evaluate.
    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("Session"))
    }
}
