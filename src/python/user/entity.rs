//! `User`: a user, as calls return it.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyType};

use crate::domain::{Field, UserView};
use crate::python::attr::api::AttrApi;
use crate::python::attr::call::AttrCall;
use crate::python::value::convert::Times;
use crate::python::value::error::not_pickled;
use crate::python::value::generic::generic_alias;

/// Writes the class of users: a getter for each field, which is None if the caller may not see it.
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

            /// Whether the caller who got this object is a super-user.
            #[getter]
            fn is_current_super_user(&self) -> bool {
                self.view.is_current_super_user
            }

            /// The attributes of the user. Calls act for the caller who got this object.
            #[getter]
            fn attr(&self) -> AttrApi {
                AttrApi(self.attr.clone())
            }

            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                self.attr.branch.traverse(&visit)
            }

            /// All fields that the caller may see, without the attributes. Datetimes become ISO 8601 text if
            /// ``serialize_dt`` is True.
            ///
            /// Args:
            ///     serialize_dt: True for times as ISO 8601 text.
            #[pyo3(signature = (serialize_dt=false))]
            fn to_dict<'py>(&self, py: Python<'py>, serialize_dt: bool) -> PyResult<Bound<'py, PyDict>> {
                to_dict(py, &self.view, self.attr.branch.times(), serialize_dt)
            }

            /// For annotations such as ``User[AttrAPI]``, which some frameworks evaluate.
            #[classmethod]
            fn __class_getitem__<'py>(
                cls: &Bound<'py, PyType>,
                item: &Bound<'py, PyAny>,
            ) -> PyResult<Bound<'py, PyAny>> {
                generic_alias(cls, item)
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

/// A user. Fields that the caller may not see are None.
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
        let times = self.attr.branch.times();
        found.map_or_else(
            || Ok(py.None().into_bound(py)),
            |(name, value)| field(py, name, value, times, false),
        )
    }
}

user_class! {
    /// The public ID.
    user_id;
    /// The name for logins.
    username;
    /// The names of the user's groups, in order.
    groups;
    /// The email address.
    email;
    /// The name to display.
    display_name;
    /// First name.
    first_name;
    /// Middle name.
    middle_name;
    /// Last name.
    last_name;
    /// Whether a login needs a TOTP code.
    is_totp_enabled;
    /// The label of the key in authenticator apps.
    totp_label;
    /// The TOTP key in base32; only where ``return_all_attrs`` was asked for.
    totp_key;
    /// Reserved: True.
    is_active;
    /// Reserved: False.
    is_internal;
    /// Whether the user is a super-user.
    is_super_user;
    /// Whether the account is locked.
    is_locked;
    /// When the account was last locked or unlocked.
    locked_time;
    /// The user_id of the user who locked or unlocked it, or "auto".
    locked_by;
    /// before_confirmation, to_approve or final.
    sign_up_status;
    /// When the account was created.
    sign_up_time;
    /// When the sign-up was confirmed.
    sign_up_confirm_time;
    /// before_decision, approved or rejected.
    approval_status;
    /// When the approval status last changed.
    approval_status_mod_time;
    /// The user_id of the user who changed it, or "auto".
    approval_status_mod_by;
    /// Whether the user still waits for approval.
    is_approval_needed;
    /// Whether the user has a password.
    password_is_set;
    /// When the password was set.
    password_last_set;
    /// When the password expires.
    password_expiry;
    /// Whether the password must be changed at the next login.
    password_must_change;
    /// Whether the rate limit applies to requests.
    is_rate_limit_active;
    /// Reserved.
    rate_limit_type;
    /// The definition of the rate limit.
    rate_limit_def;
    /// Reserved.
    rate_limit_check_parent_def;
    /// The JSON value that was stored when the account was created.
    creation_ctx;
}

/// The value of a field as a Python object.
pub fn field<'py>(
    py: Python<'py>,
    name: &str,
    value: &Field<'_>,
    times: Times,
    serialize_dt: bool,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Field::None => Ok(py.None().into_bound(py)),
        Field::Bool(value) => Ok(PyBool::new(py, *value).to_owned().into_any()),
        Field::Text(json) if name == "creation_ctx" => py.import("json")?.call_method1("loads", (json,)),
        Field::Text(value) => Ok(PyString::new(py, value).into_any()),
        Field::Time(at) => times.value(py, *at, serialize_dt),
        Field::List(texts) => Ok(PyList::new(py, *texts)?.into_any()),
    }
}

/// The fields of a user, by name.
pub fn to_dict<'py>(
    py: Python<'py>,
    view: &UserView,
    times: Times,
    serialize_dt: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in view.fields() {
        dict.set_item(name, field(py, name, &value, times, serialize_dt)?)?;
    }
    Ok(dict)
}
