//! `sso.totp`: TOTP codes and enrolment; `sso.user.recovery_code`: recovery codes.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::domain::Password;
use crate::ops::{Actor, Sso, TotpDisabler, TotpEnrolment, TotpOwner};
use crate::python::branch::{Branch, branch_class};
use crate::python::runtime::call::none;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument, UstArgument, secret};
use crate::python::value::error;
use crate::python::value::permit::actor;

branch_class! {
    /// ``sso.totp``: TOTP codes, and switching TOTP on and off.
    TotpApi = "TOTPAPI"
}

#[pymethods]
impl TotpApi {
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
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
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

    /// Makes a TOTP key for the caller, which takes effect when :meth:`finish_enrolment` gets a code of it, within half an
    /// hour. A key that waited before does not any more.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A tuple: the ``otpauth://`` URI, to be shown as a QR code, and the key in base32.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh.
    ///
    /// Example:
    ///     >>> uri, key = sso.totp.begin_enrolment("cid-1", ust, "CRM", "127.0.0.1")
    ///     >>> uri.startswith("otpauth://totp/")
    ///     True
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr))]
    fn begin_enrolment<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.begin_totp_enrolment(&ctx, Actor::from(current_ust.0)).await;
        self.branch.run(py, operation, |py, begun: TotpEnrolment| {
            Ok(PyTuple::new(py, [begun.uri.expose(), begun.key.expose()])?.into_any())
        })
    }

    /// Switches TOTP on for the caller with the key of :meth:`begin_enrolment`. The user's other sessions end.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     code: A code of the new key.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A list of ten recovery codes, in place of those that there were. They cannot be read again.
    ///
    /// Raises:
    ///     InvalidTOTPError: E005001 if the code is wrong.
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh, E008001 if no key waits,
    ///         E005009 while the user has to wait after wrong codes.
    #[pyo3(signature = (cid, code, current_ust, current_app, remote_addr))]
    fn finish_enrolment<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        code: PasswordArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.finish_totp_enrolment(&ctx, Actor::from(current_ust.0), code.0).await
        };
        self.branch.run(py, operation, codes)
    }

    /// Switches TOTP off for the caller, and ends the recovery codes. The user's other sessions end.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     password: The password of the caller.
    ///     code: Instead of it, a TOTP code or a recovery code.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made; by default ``apps.default``.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh, E005001 for a wrong password
    ///         or code, E005009 while the user has to wait after failures.
    ///     ValueError: Not exactly one of ``password`` and ``code`` was given.
    #[pyo3(signature = (cid, password=None, code=None, current_ust=None, current_app=None, remote_addr=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn disable<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        password: Option<PasswordArgument>,
        code: Option<PasswordArgument>,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = |secret: Option<PasswordArgument>| {
            secret.map(|secret| secret.0).filter(|secret| !secret.is_empty())
        };
        let by = match (given(password), given(code)) {
            (Some(password), None) => TotpDisabler::Password(password),
            (None, Some(code)) => TotpDisabler::Code(code),
            _ => return Err(PyValueError::new_err("expected exactly one of password and code")),
        };
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, true, None);
        let operation = async move |sso: Arc<Sso>| sso.disable_totp(&ctx, actor, by).await;
        self.branch.run(py, operation, none)
    }
}

/// Recovery codes as a list of str.
fn codes(py: Python<'_>, codes: Vec<Password>) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyList::new(py, codes.iter().map(Password::expose))?.into_any())
}

branch_class! {
    /// ``sso.user.recovery_code``: codes that take the place of a TOTP code, each once.
    RecoveryCodeApi = "RecoveryCodeAPI"
}

#[pymethods]
impl RecoveryCodeApi {
    /// Makes ten new recovery codes, in place of those that there were.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose; by default the caller's own. Others' only for super-users.
    ///
    /// Returns:
    ///     A list of codes such as ``7Q2M-X0DK-4RVE-9HTB``. They cannot be read again.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005010 if the login is not fresh, E005001 without permission,
    ///         E001100 if there is no such user.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr, user_id=None))]
    fn generate<'py>(
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
            sso.generate_recovery_codes(&ctx, Actor::from(current_ust.0), user_id.as_deref()).await
        };
        self.branch.run(py, operation, codes)
    }

    /// How many recovery codes are left.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_id: Whose; by default the caller's own. Others' only for super-users.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005001 without permission, E001100 if there is no such user.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr, user_id=None))]
    fn count<'py>(
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
            sso.count_recovery_codes(&ctx, Actor::from(current_ust.0), user_id.as_deref()).await
        };
        self.branch.run(py, operation, |py, count: i64| Ok(count.into_pyobject(py)?.into_any()))
    }
}
