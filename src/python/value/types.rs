//! What calls return: users and sessions.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use crate::domain::{self, Field, SessionView, Timestamp, UserView};
use crate::python::attr::api::AttrApi;
use crate::python::attr::call::AttrCall;
use crate::python::value::convert;

/// What a login returns.
#[pyclass(frozen, module = "zato_sso")]
pub struct SessionInfo(pub domain::SessionInfo);

#[pymethods]
impl SessionInfo {
    /// Whose session.
    #[getter]
    fn username(&self) -> &str {
        &self.0.username
    }

    /// Whose session.
    #[getter]
    fn user_id(&self) -> &str {
        self.0.user_id.as_str()
    }

    /// The token that acts as the session. It is shown here only.
    #[getter]
    fn ust(&self) -> &str {
        self.0.ust.expose()
    }

    /// When the session was opened; UTC, without a timezone.
    #[getter]
    fn creation_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time(py, self.0.creation_time)
    }

    /// Until when it is valid; UTC, without a timezone.
    #[getter]
    fn expiration_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time(py, self.0.expiration_time)
    }

    /// Whether the password expires soon.
    #[getter]
    fn has_w_about_to_exp(&self) -> bool {
        self.0.has_w_about_to_exp
    }

    /// All of it, the token included. Datetimes become ISO 8601 text unless ``serialize_dt`` is False.
    #[pyo3(signature = (serialize_dt=true))]
    fn to_dict<'py>(&self, py: Python<'py>, serialize_dt: bool) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("username", self.username())?;
        dict.set_item("user_id", self.user_id())?;
        dict.set_item("ust", self.ust())?;
        for (name, at) in
            [("creation_time", self.0.creation_time), ("expiration_time", self.0.expiration_time)]
        {
            dict.set_item(name, if serialize_dt { text(py, &at.to_string()) } else { time(py, at)? })?;
        }
        dict.set_item("has_w_about_to_exp", self.0.has_w_about_to_exp)?;
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let info = &self.0;
        format!(
            "SessionInfo(username={:?}, user_id='{}', expiration_time='{}')",
            info.username, info.user_id, info.expiration_time
        )
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.ust.expose() == other.0.ust.expose()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("SessionInfo"))
    }
}

/// A session, without the token that acts as it.
#[pyclass(frozen, module = "zato_sso")]
pub struct Session {
    pub view: SessionView,
    pub attr: AttrCall,
}

#[pymethods]
impl Session {
    /// The public id: it names the session without being able to act as it.
    #[getter]
    fn session_id(&self) -> String {
        self.view.session.session_id.to_string()
    }

    /// Whose it is.
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
        time(py, self.view.session.creation_time)
    }

    /// Until when it is valid; UTC, without a timezone.
    #[getter]
    fn expiration_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time(py, self.view.session.expiration_time)
    }

    /// Where it was opened from; several addresses are joined by ", ".
    #[getter]
    fn remote_addr(&self) -> &str {
        &self.view.session.remote_addr
    }

    /// With what it was opened.
    #[getter]
    fn user_agent(&self) -> Option<&str> {
        self.view.session.user_agent.as_deref()
    }

    /// How it was opened: default, basic_auth or jwt.
    #[getter]
    fn auth_type(&self) -> &'static str {
        self.view.session.auth_type.as_str()
    }

    /// The username it was opened with.
    #[getter]
    fn auth_principal(&self) -> &str {
        &self.view.session.auth_principal
    }

    /// The attributes of the session, on behalf of who got it.
    #[getter]
    fn attr(&self) -> AttrApi {
        AttrApi(self.attr.clone())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.attr.branch.traverse(&visit)
    }

    /// creation_time, expiration_time, remote_addr and user_agent.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("creation_time", self.creation_time(py)?)?;
        dict.set_item("expiration_time", self.expiration_time(py)?)?;
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

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("Session"))
    }
}

/// Writes the class of users: a getter for each attribute, None for one that the caller may not see.
macro_rules! user_class {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[pymethods]
        impl User {
            $(
                $(#[$doc])*
                #[getter]
                fn $name<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    self.get(py, stringify!($name))
                }
            )*

            /// Whether the one who asked is a super-user.
            #[getter]
            fn is_current_super_user(&self) -> bool {
                self.view.is_current_super_user
            }

            /// The attributes of the user, on behalf of who got it.
            #[getter]
            fn attr(&self) -> AttrApi {
                AttrApi(self.attr.clone())
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                self.attr.branch.traverse(&visit)
            }

            /// All that the caller may see, without the attributes.
            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let dict = PyDict::new(py);
                for (name, value) in self.view.fields() {
                    dict.set_item(name, field(py, name, &value)?)?;
                }
                Ok(dict)
            }

            fn __repr__(&self) -> String {
                let user = &self.view.user;
                format!("User(user_id='{}', username={:?})", user.user_id, user.username)
            }

            fn __reduce__(&self) -> PyResult<()> {
                Err(not_pickled("User"))
            }
        }
    };
}

/// A user, as far as the caller may see it: the other attributes are None.
#[pyclass(frozen, eq, module = "zato_sso")]
pub struct User {
    pub view: UserView,
    pub attr: AttrCall,
}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.view.fields() == other.view.fields()
    }
}

impl User {
    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let fields = self.view.fields();
        let found = fields.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| Ok(py.None().into_bound(py)), |(name, value)| field(py, name, value))
    }
}

user_class! {
    /// The public id.
    user_id;
    /// The name to log in with.
    username;
    /// The email address.
    email;
    /// The name to show.
    display_name;
    /// First name.
    first_name;
    /// Middle name.
    middle_name;
    /// Last name.
    last_name;
    /// Whether a TOTP code is needed to log in.
    is_totp_enabled;
    /// What authenticators call the key.
    totp_label;
    /// The TOTP key in base32; only where ``return_all_attrs`` was asked for.
    totp_key;
    /// Reserved: True.
    is_active;
    /// Reserved: False.
    is_internal;
    /// Whether it is a super-user.
    is_super_user;
    /// Whether the account is locked.
    is_locked;
    /// When it was locked or unlocked last.
    locked_time;
    /// The user_id of who did that, or "auto".
    locked_by;
    /// before_confirmation, to_approve or final.
    sign_up_status;
    /// When the account was made.
    sign_up_time;
    /// When the sign-up was confirmed.
    sign_up_confirm_time;
    /// before_decision, approved or rejected.
    approval_status;
    /// When that was decided.
    approval_status_mod_time;
    /// The user_id of who decided it, or "auto".
    approval_status_mod_by;
    /// Whether that has not been decided yet.
    is_approval_needed;
    /// Whether there is a password.
    password_is_set;
    /// When it was set.
    password_last_set;
    /// When it expires.
    password_expiry;
    /// Whether it must be changed at the next login.
    password_must_change;
    /// Whether requests are limited.
    is_rate_limit_active;
    /// Reserved.
    rate_limit_type;
    /// How requests are limited.
    rate_limit_def;
    /// Reserved.
    rate_limit_check_parent_def;
    /// What was noted when the account was made.
    creation_ctx;
}

/// A value of a user, for Python.
pub fn field<'py>(py: Python<'py>, name: &str, value: &Field<'_>) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Field::None => Ok(py.None().into_bound(py)),
        Field::Bool(value) => Ok(PyBool::new(py, *value).to_owned().into_any()),
        Field::Text(json) if name == "creation_ctx" => py.import("json")?.call_method1("loads", (json,)),
        Field::Text(value) => Ok(text(py, value)),
        Field::Time(at) => time(py, *at),
    }
}

fn text<'py>(py: Python<'py>, value: &str) -> Bound<'py, PyAny> {
    PyString::new(py, value).into_any()
}

fn time(py: Python<'_>, at: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    Ok(convert::datetime(py, at)?.into_any())
}

/// What holds a token, or the way to the database, goes to no other place or time by way of a pickle.
pub fn not_pickled(class: &str) -> PyErr {
    PyTypeError::new_err(format!("a {class} cannot be pickled or copied: take its to_dict()"))
}
