//! `User`: a user, as calls return it.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use crate::domain::{Field, UserView};
use crate::python::attr::api::AttrApi;
use crate::python::attr::call::AttrCall;
use crate::python::value::convert::time;
use crate::python::value::error::not_pickled;

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
        Field::Text(value) => Ok(PyString::new(py, value).into_any()),
        Field::Time(at) => time(py, *at),
    }
}
