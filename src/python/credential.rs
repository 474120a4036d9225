//! `sso.totp`: TOTP codes.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::ops::{Actor, Sso, TotpOwner};
use crate::python::branch::Branch;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument, UstArgument, secret};
use crate::python::value::error;

/// ``sso.totp``: TOTP codes.
#[pyclass(frozen, name = "TOTPAPI", module = "zato_sso._core")]
pub struct TotpApi {
    branch: Branch,
}

impl TotpApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }
}

#[pymethods]
impl TotpApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }

    /// Checks a TOTP code against a user's key, even if logins do not ask for codes. Unless ``login.totp_single_use``
    /// is off, a correct code is used up by this: neither this call nor a login accepts it again.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     code: The code to check.
    ///     ust: The session token of the user.
    ///     username: Instead of ``ust``, the user's name; for trusted callers in the same process.
    ///     current_app: The application on whose behalf the call is made; by default ``apps.default``.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     InvalidTOTPError: E005001 if the code is missing, wrong or used, or there is no such user.
    ///     ValidationError: The code of an invalid session, or of a check that every call makes.
    ///     ValueError: Not exactly one of ``ust`` and ``username`` was given.
    #[pyo3(signature = (cid, code, ust=None, username=None, current_app=None, remote_addr=None))]
    #[pyo3(text_signature = "($self, cid, code, ust='', username='', current_app=None, remote_addr=None)")]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn validate_code<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        code: PasswordArgument,
        ust: Option<UstArgument>,
        username: Option<String>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ust = ust.filter(|ust| !ust.0.is_empty());
        let owner = match (ust, username.filter(|username| !username.is_empty())) {
            (Some(ust), None) => TotpOwner::Ust(ust.0),
            (None, Some(username)) => TotpOwner::Username(username),
            _ => return Err(PyValueError::new_err("expected exactly one of ust and username")),
        };
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.validate_totp_code(&ctx, &owner, &code.0).await;
        self.branch.run(py, operation, |py, is_right| {
            if is_right { Ok(py.None().into_bound(py)) } else { Err(error::invalid_totp(py)) }
        })
    }

    /// The ``otpauth://`` URI of the caller's own key, for authenticator apps. It contains the key; its label is
    /// ``main.site_name`` and the username.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session, or of a check that every call makes.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr))]
    fn provisioning_uri<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.totp_provisioning_uri(&ctx, Actor::from(current_ust.0)).await;
        self.branch.run(py, operation, secret)
    }
}
