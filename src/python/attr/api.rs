//! Attributes: `user.attr` and `session.attr` of objects that calls return, and the same calls on the tree,
//! `sso.user.attr` and `sso.user.session.attr`.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::ops::{AttrExpiry, AttrItem, AttrScope, AttrWrite};
use crate::python::attr::call::AttrCall;
use crate::python::attr::data;
use crate::python::branch::Branch;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, UstArgument};

/// The attributes of one user, or of one session.
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
        let scope = AttrScope::User { current_ust: current_ust.0, user_id };
        AttrCall { branch: self.branch.clone(), ctx, scope }
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
        let scope = AttrScope::Session { target_ust: target_ust.0, current_ust: current_ust.0 };
        AttrCall { branch: self.branch.clone(), ctx, scope }
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

/// Writes the calls of a class. Its own `call` takes the arguments that stand before those of each call (`first`), the
/// keyword-only ones behind them (`context`), and, where no item says it, whose attributes they are (`whose`).
macro_rules! attr_calls {
    (
        $class:ident, one: $one:literal, many: $many:literal, first: [$($first:ident: $first_type:ty)?],
        context: [$($($context:ident: $context_type:ty),+)?], whose: [$($whose:ident: $whose_type:ty)?]
    ) => {
        #[allow(clippy::too_many_arguments, reason = "the documented signatures")]
        #[pymethods]
        impl $class {
            /// Makes an attribute.
            ///
            /// Args:
            ///     name: 1 to 191 characters.
            ///     value: Whatever JSON can hold, up to 1 MiB.
            ///     expiration: In how many seconds it ends.
            ///     encrypt: Whether its value is encrypted in the database.
            ///     user_id: Whose it is, if another's; for super-users.
            ///
            /// Raises:
            ///     ValidationError: E009001 if there is one already; E008002 for a name, a value or an expiration that is not
            ///         acceptable; E005001 without the right to.
            ///     TypeError: JSON cannot hold the value.
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

            /// :meth:`create` for many at once: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, value, and maybe expiration, encrypt and user_id, which otherwise are those of
            ///         the call.
            ///
            /// Raises:
            ///     ValidationError: As :meth:`create`; E008003 if there is none, or one without name or value.
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

            /// Gives an attribute a new value, and, where they are given, another end and another form at rest.
            ///
            /// Args:
            ///     name: 1 to 191 characters.
            ///     value: Whatever JSON can hold, up to 1 MiB.
            ///     expiration: In how many seconds it ends.
            ///     encrypt: Whether its value is encrypted in the database.
            ///     user_id: Whose it is, if another's; for super-users.
            ///
            /// Raises:
            ///     ValidationError: E009002 if there is none; E008002 for a name, a value or an expiration that is not
            ///         acceptable; E005001 without the right to.
            ///     TypeError: JSON cannot hold the value.
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

            /// :meth:`update` for many at once: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, value, and maybe expiration, encrypt and user_id, which otherwise are those of
            ///         the call.
            ///
            /// Raises:
            ///     ValidationError: As :meth:`update`; E008003 if there is none, or one without name or value.
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

            /// Makes an attribute, or updates it as :meth:`update` does.
            ///
            /// Args:
            ///     name: 1 to 191 characters.
            ///     value: Whatever JSON can hold, up to 1 MiB.
            ///     expiration: In how many seconds it ends.
            ///     encrypt: Whether its value is encrypted in the database.
            ///     user_id: Whose it is, if another's; for super-users.
            ///
            /// Raises:
            ///     ValidationError: E008002 for a name, a value or an expiration that is not
            ///         acceptable; E005001 without the right to.
            ///     TypeError: JSON cannot hold the value.
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

            /// :meth:`set` for many at once: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, value, and maybe expiration, encrypt and user_id, which otherwise are those of
            ///         the call.
            ///
            /// Raises:
            ///     ValidationError: As :meth:`set`; E008003 if there is none, or one without name or value.
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

            /// Sets in how many seconds an attribute ends, and nothing else of it. None: with what it belongs to.
            ///
            /// Raises:
            ///     ValidationError: E009002 if there is none; E008002 if it would end at once; E005001 without the right to.
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

            /// :meth:`set_expiry` for many at once: all of them or none.
            ///
            /// Args:
            ///     data: Dicts with name, and maybe expiration, which otherwise is that of the call, and user_id.
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
            ///     name: Its name.
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

            /// Deletes an attribute. That there is none is no error.
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

            /// :meth:`delete` for many at once.
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

            /// All attributes by name; with ``value_to_dict`` each as a dict.
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
