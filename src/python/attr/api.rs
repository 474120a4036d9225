//! Attributes: `user.attr` and `session.attr` of the objects that calls return, and the same calls on the tree:
//! `sso.user.attr` and `sso.user.session.attr`.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::ops::{AttrExpiry, AttrItem, AttrTarget, AttrWrite};
use crate::python::attr::call::AttrCall;
use crate::python::attr::data;
use crate::python::branch::Branch;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, UstArgument};

/// The attributes of one user or one session: ``user.attr`` and ``session.attr`` of the objects that calls return.
#[pyclass(frozen, name = "AttrAPI", module = "zato_sso._core")]
pub struct AttrApi(pub AttrCall);

impl AttrApi {
    fn call(&self) -> AttrCall {
        self.0.clone()
    }
}

/// ``sso.user.attr``: attributes of users.
#[pyclass(frozen, name = "UserAttrAPI", module = "zato_sso._core")]
pub struct UserAttrApi {
    branch: Branch,
}

impl UserAttrApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }

    fn call(
        &self,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_id: Option<String>,
    ) -> AttrCall {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let (actor, target) = (current_ust.0.into(), AttrTarget::User(user_id));
        AttrCall { branch: self.branch.clone(), ctx, actor, target }
    }
}

/// ``sso.user.session.attr``, also ``sso.session.attr``: attributes of sessions.
#[pyclass(frozen, name = "SessionAttrAPI", module = "zato_sso._core")]
pub struct SessionAttrApi {
    branch: Branch,
}

impl SessionAttrApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }

    fn call(
        &self,
        cid: CidArgument,
        target_ust: UstArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> AttrCall {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let (actor, target) = (current_ust.0.into(), AttrTarget::Session(Some(target_ust.0)));
        AttrCall { branch: self.branch.clone(), ctx, actor, target }
    }
}

#[pymethods]
impl AttrApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.branch.traverse(&visit)
    }
}

#[pymethods]
impl UserAttrApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }
}

#[pymethods]
impl SessionAttrApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }
}

/// Writes the calls of a class. Its `call` method takes the arguments that come before those of each call (`first`),
/// the keyword-only ones after them (`context`), and the owner of the attributes (`whose`), where no item names it.
macro_rules! attr_calls {
    (
        $class:ident, one: $one:literal, many: $many:literal, first: [$($first:ident: $first_type:ty)?],
        context: [$($($context:ident: $context_type:ty),+)?], whose: [$($whose:ident: $whose_type:ty)?]
    ) => {
        #[allow(clippy::too_many_arguments, reason = "the documented signatures")]
        #[pymethods]
        impl $class {
            /// Creates an attribute.
            ///
            /// Args:
            ///     name: 1 to 191 characters.
            ///     value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            ///     expiration: The seconds until it expires.
            ///     encrypt: Whether its value is encrypted in the database.
            ///     user_id: The owner, if not the caller; for super-users.
            ///
            /// Raises:
            ///     ValidationError: E009001 if it exists already; E008002 for an invalid name, value or
            ///         expiration; E005001 without permission.
            ///     TypeError: The value is not a JSON value.
            #[pyo3(signature = ($($first,)? name, value, expiration=None, encrypt=None, user_id=None, $(*, $($context),+)?))]
            #[pyo3(text_signature = $one)]
            fn create<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                value: &Bound<'py, PyAny>,
                expiration: Option<i64>,
                encrypt: Option<bool>,
                user_id: Option<String>,
                $($($context: $context_type,)+)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let item = AttrItem { name, value: data::value(value)?, expiration, encrypt, user_id };
                let call = attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: None)?]);
                call.write(py, AttrWrite::Create, vec![item])
            }

            /// :meth:`create` for several attributes: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
            ///         of the call.
            ///
            /// Raises:
            ///     ValidationError: As :meth:`create`; E008003 if the list is empty, or a dict lacks name or value.
            #[pyo3(signature = ($($first,)? data, expiration=None, encrypt=None, user_id=None, $(*, $($context),+)?))]
            #[pyo3(text_signature = $many)]
            fn create_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                data: &Bound<'py, PyList>,
                expiration: Option<i64>,
                encrypt: Option<bool>,
                user_id: Option<String>,
                $($($context: $context_type,)+)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let items = data::items(data, expiration, encrypt, user_id.as_deref())?;
                let call = attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: None)?]);
                call.write(py, AttrWrite::Create, items)
            }

            /// Changes the value of an attribute, and its expiration and encryption if they are given.
            ///
            /// Args:
            ///     name: 1 to 191 characters.
            ///     value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            ///     expiration: The seconds until it expires.
            ///     encrypt: Whether its value is encrypted in the database.
            ///     user_id: The owner, if not the caller; for super-users.
            ///
            /// Raises:
            ///     ValidationError: E009002 if it does not exist; E008002 for an invalid name, value or
            ///         expiration; E005001 without permission.
            ///     TypeError: The value is not a JSON value.
            #[pyo3(signature = ($($first,)? name, value, expiration=None, encrypt=None, user_id=None, $(*, $($context),+)?))]
            #[pyo3(text_signature = $one)]
            fn update<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                value: &Bound<'py, PyAny>,
                expiration: Option<i64>,
                encrypt: Option<bool>,
                user_id: Option<String>,
                $($($context: $context_type,)+)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let item = AttrItem { name, value: data::value(value)?, expiration, encrypt, user_id };
                let call = attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: None)?]);
                call.write(py, AttrWrite::Update, vec![item])
            }

            /// :meth:`update` for several attributes: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
            ///         of the call.
            ///
            /// Raises:
            ///     ValidationError: As :meth:`update`; E008003 if the list is empty, or a dict lacks name or value.
            #[pyo3(signature = ($($first,)? data, expiration=None, encrypt=None, user_id=None, $(*, $($context),+)?))]
            #[pyo3(text_signature = $many)]
            fn update_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                data: &Bound<'py, PyList>,
                expiration: Option<i64>,
                encrypt: Option<bool>,
                user_id: Option<String>,
                $($($context: $context_type,)+)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let items = data::items(data, expiration, encrypt, user_id.as_deref())?;
                let call = attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: None)?]);
                call.write(py, AttrWrite::Update, items)
            }

            /// Creates an attribute, or updates it as :meth:`update` does.
            ///
            /// Args:
            ///     name: 1 to 191 characters.
            ///     value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            ///     expiration: The seconds until it expires.
            ///     encrypt: Whether its value is encrypted in the database.
            ///     user_id: The owner, if not the caller; for super-users.
            ///
            /// Raises:
            ///     ValidationError: E008002 for an invalid name, value or
            ///         expiration; E005001 without permission.
            ///     TypeError: The value is not a JSON value.
            #[pyo3(signature = ($($first,)? name, value, expiration=None, encrypt=None, user_id=None, $(*, $($context),+)?))]
            #[pyo3(text_signature = $one)]
            fn set<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                value: &Bound<'py, PyAny>,
                expiration: Option<i64>,
                encrypt: Option<bool>,
                user_id: Option<String>,
                $($($context: $context_type,)+)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let item = AttrItem { name, value: data::value(value)?, expiration, encrypt, user_id };
                let call = attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: None)?]);
                call.write(py, AttrWrite::Set, vec![item])
            }

            /// :meth:`set` for several attributes: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
            ///         of the call.
            ///
            /// Raises:
            ///     ValidationError: As :meth:`set`; E008003 if the list is empty, or a dict lacks name or value.
            #[pyo3(signature = ($($first,)? data, expiration=None, encrypt=None, user_id=None, $(*, $($context),+)?))]
            #[pyo3(text_signature = $many)]
            fn set_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                data: &Bound<'py, PyList>,
                expiration: Option<i64>,
                encrypt: Option<bool>,
                user_id: Option<String>,
                $($($context: $context_type,)+)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let items = data::items(data, expiration, encrypt, user_id.as_deref())?;
                let call = attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: None)?]);
                call.write(py, AttrWrite::Set, items)
            }

            /// Sets the seconds until an attribute expires. With None it lives as long as its user or session.
            ///
            /// Raises:
            ///     ValidationError: E009002 if it does not exist; E008002 if it would expire immediately; E005001
            ///         without permission.
            #[pyo3(signature = ($($first,)? name, expiration, $(*, $($context),+)? $(, $whose=None)?))]
            fn set_expiry<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                expiration: Option<i64>,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let item = AttrExpiry { name, expiration, user_id: None };
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).set_expiry(py, vec![item])
            }

            /// :meth:`set_expiry` for several attributes: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, and optionally user_id and expiration, which defaults to that of the call.
            #[pyo3(signature = ($($first,)? data, expiration=None, $(*, $($context),+)? $(, $whose=None)?))]
            fn set_expiry_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                data: &Bound<'py, PyList>,
                expiration: Option<i64>,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                let items = data::expirations(data, expiration)?;
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).set_expiry(py, items)
            }

            /// An attribute, or None if there is none.
            ///
            /// Args:
            ///     name: The name of the attribute.
            ///     decrypt: False to leave out the value if it is encrypted.
            ///     serialize_dt: Whether datetimes become ISO 8601 text.
            #[pyo3(signature = ($($first,)? name, decrypt=true, serialize_dt=false, $(*, $($context),+)? $(, $whose=None)?))]
            fn get<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                decrypt: bool,
                serialize_dt: bool,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).get(py, name, decrypt, serialize_dt)
            }

            /// A dict of what :meth:`get` returns for each name.
            #[pyo3(signature = ($($first,)? names, decrypt=true, serialize_dt=false, $(*, $($context),+)? $(, $whose=None)?))]
            fn get_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                names: Vec<String>,
                decrypt: bool,
                serialize_dt: bool,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).get_many(py, names, decrypt, serialize_dt)
            }

            /// Whether there is an attribute with this name.
            #[pyo3(signature = ($($first,)? name, $(*, $($context),+)? $(, $whose=None)?))]
            fn exists<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).exists(py, name)
            }

            /// A dict of what :meth:`exists` returns for each name.
            #[pyo3(signature = ($($first,)? names, $(*, $($context),+)? $(, $whose=None)?))]
            fn exists_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                names: Vec<String>,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).exists_many(py, names)
            }

            /// The names of all attributes, in order.
            #[pyo3(signature = ($($first,)? $(*, $($context),+)? $(, $whose=None)?))]
            fn names<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).names(py)
            }

            /// Deletes an attribute. It is no error if there is none.
            #[pyo3(signature = ($($first,)? name, $(*, $($context),+)? $(, $whose=None)?))]
            fn delete<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                name: String,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).delete(py, vec![name])
            }

            /// :meth:`delete` for several attributes.
            #[pyo3(signature = ($($first,)? names, $(*, $($context),+)? $(, $whose=None)?))]
            fn delete_many<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                names: Vec<String>,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).delete(py, names)
            }

            /// A dict of all attributes by name; with ``value_to_dict`` each is a dict.
            #[pyo3(signature = ($($first,)? decrypt=true, value_to_dict=false, serialize_dt=false, $(*, $($context),+)? $(, $whose=None)?))]
            fn to_dict<'py>(
                &self,
                py: Python<'py>,
                $($first: $first_type,)?
                decrypt: bool,
                value_to_dict: bool,
                serialize_dt: bool,
                $($($context: $context_type,)+)?
                $($whose: $whose_type,)?
            ) -> PyResult<Bound<'py, PyAny>> {
                attr_calls!(@call self, [$($first)?], [$($($context),+)?], [$($whose: $whose)?]).get_all(py, decrypt, value_to_dict, serialize_dt)
            }
        }
    };
    (@call $this:ident, [$($first:ident)?], [$($context:ident),*], [$($whose:ident: $user_id:expr)?]) => {
        $this.call($($first,)? $($context,)* $($user_id,)?)
    };
}

attr_calls!(
    AttrApi,
    one: "($self, name, value, expiration=None, encrypt=False, user_id=None)",
    many: "($self, data, expiration=None, encrypt=False, user_id=None)",
    first: [], context: [], whose: []
);
attr_calls!(
    UserAttrApi,
    one: "($self, cid, name, value, expiration=None, encrypt=False, user_id=None, *, current_ust, current_app, remote_addr)",
    many: "($self, cid, data, expiration=None, encrypt=False, user_id=None, *, current_ust, current_app, remote_addr)",
    first: [cid: CidArgument],
    context: [current_ust: UstArgument, current_app: Option<String>, remote_addr: Option<RemoteAddrArgument>],
    whose: [user_id: Option<String>]
);
attr_calls!(
    SessionAttrApi,
    one: "($self, cid, name, value, expiration=None, encrypt=False, user_id=None, *, target_ust, current_ust, current_app, remote_addr)",
    many: "($self, cid, data, expiration=None, encrypt=False, user_id=None, *, target_ust, current_ust, current_app, remote_addr)",
    first: [cid: CidArgument],
    context: [
        target_ust: UstArgument, current_ust: UstArgument, current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>
    ],
    whose: []
);
