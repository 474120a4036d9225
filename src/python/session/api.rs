//! `sso.user.session`, also `sso.session`: sessions.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList};

use crate::domain::{SessionView, Timestamp};
use crate::ops::{Actor, Asker, AttrTarget, Ended, SessionListing, Sso};
use crate::python::attr::api::SessionAttrApi;
use crate::python::attr::call::AttrCall;
use crate::python::branch::Branch;
use crate::python::runtime::call::none;
use crate::python::session::entity::Session;
use crate::python::value::convert::{
    CidArgument, CidText, PasswordArgument, RemoteAddrArgument, RemoteAddrText, Times, UstArgument, UstText,
};
use crate::python::value::shown;

/// ``sso.user.session``, also ``sso.session``: sessions.
#[pyclass(frozen, name = "SessionAPI", module = "zato_sso._core")]
pub struct SessionApi {
    pub(in crate::python) branch: Branch,
    /// Attributes of sessions.
    #[pyo3(get)]
    attr: Py<SessionAttrApi>,
}

impl SessionApi {
    pub fn new(py: Python<'_>, branch: Branch) -> PyResult<Self> {
        let attr = Py::new(py, SessionAttrApi::new(branch.clone()))?;
        Ok(Self { branch, attr })
    }
}

#[pymethods]
impl SessionApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)?;
        visit.call(&self.attr)
    }

    /// Whether a token belongs to a valid session whose user may log in. For super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     target_ust: The token to check.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid ``current_ust``, or E005001 if it is not a super-user's.
    ///
    /// Example:
    ///     >>> sso.session.verify("cid-1", ust, admin_ust, "CRM", "127.0.0.1")
    ///     True
    #[pyo3(signature = (cid, target_ust, current_ust, current_app, remote_addr, user_agent=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        cid: CidText<'_>,
        target_ust: UstText<'_>,
        current_ust: UstText<'_>,
        current_app: Option<&str>,
        remote_addr: Option<RemoteAddrText<'_>>,
        #[expect(unused_variables, reason = "the documented signature")] user_agent: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let known = self.branch.fast_path(current_app, remote_addr.as_ref(), |sso, asker| {
            sso.verify_session_fast(asker, target_ust.0, current_ust.0)
        });
        if let Some(is_valid) = known {
            return answer(py, is_valid);
        }
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let usts = [target_ust, current_ust].map(|ust| UstArgument::from(ust).0);
        let call = Arc::new((ctx, usts));
        let same = Arc::clone(&call);
        let fast_path = move |sso: &Sso| {
            let (ctx, [target_ust, current_ust]) = &*same;
            sso.verify_session_fast(ctx.into(), target_ust.expose(), current_ust.expose())
        };
        let operation = async move |sso: Arc<Sso>| {
            let (ctx, [target_ust, current_ust]) = &*call;
            sso.verify_session(ctx, current_ust, target_ust).await
        };
        self.branch.run_after_fast_path(py, fast_path, operation, answer)
    }

    /// Extends a session.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Returns:
    ///     The new expiration time: a datetime in UTC, without a timezone.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session, or of a check that every call makes.
    ///
    /// Example:
    ///     >>> expiration_time = sso.session.renew("cid-1", ust, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, ust, current_app, remote_addr, user_agent=None))]
    fn renew<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.renew_session(&ctx, Actor::from(ust.0), user_agent.as_deref()).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, end: Timestamp| times.datetime(py, end))
    }

    /// Makes a session fresh: its user proves who they are once more. It is throttled as a login is.
    ///
    /// Changing an email, a username or TOTP needs a session whose login, or the last call of this, is not older than
    /// ``login.fresh_for`` minutes.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The session's token.
    ///     password: The user's password.
    ///     totp_code: A code of the user's authenticator, if TOTP is enabled.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session; E005001 for a wrong password or code, E005008 if the code is
    ///         missing, E005009 while the user has to wait after failures.
    ///
    /// Example:
    ///     >>> sso.session.reauthenticate("cid-1", ust, "correct horse battery staple")
    #[pyo3(signature = (cid, ust, password, totp_code=None, current_app=None, remote_addr=None, user_agent=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn reauthenticate<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: UstArgument,
        password: PasswordArgument,
        totp_code: Option<PasswordArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        #[expect(unused_variables, reason = "the documented signature")] user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let code = totp_code.map(|code| code.0);
            sso.reauthenticate(&ctx, Actor::from(ust.0), password.0, code).await
        };
        self.branch.run(py, operation, none)
    }

    /// A session: the caller's own, or any for super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     target_ust: The token of the session that the call is about.
    ///     current_ust: The caller's session token: that of the session's user, or a super-user's.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///     check_if_password_expired: False to return the session of a user whose password has expired.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E007001 or E007002 if the session has ended.
    #[pyo3(signature = (cid, target_ust, current_ust, current_app, remote_addr, user_agent=None, check_if_password_expired=true))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn get<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        target_ust: UstArgument,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        #[expect(unused_variables, reason = "the documented signature")] user_agent: Option<String>,
        check_if_password_expired: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let (target_ust, current_ust) = (target_ust.0, current_ust.0);
        let (actor, target) = (Actor::from(&current_ust), AttrTarget::Session(Some(target_ust.clone())));
        let attr = AttrCall { branch: self.branch.clone(), ctx: ctx.clone(), actor, target };
        let operation = async move |sso: Arc<Sso>| {
            sso.get_session(&ctx, Actor::from(current_ust), Some(&target_ust), check_if_password_expired)
                .await
        };
        self.branch.run(py, operation, |py, view| shown(py, view, attr))
    }

    /// The session of the caller.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     needs_super_user: Whether it must belong to a super-user, as with :meth:`require_super_user`.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session, or of a check that every call makes.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr, needs_super_user=false))]
    fn get_current_session<'py>(
        &self,
        py: Python<'py>,
        cid: CidText<'_>,
        current_ust: UstText<'_>,
        current_app: Option<&str>,
        remote_addr: Option<RemoteAddrText<'_>>,
        needs_super_user: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let view = move |sso: &Sso, asker: Asker<'_>, ust: &str| {
            let view = sso.get_current_session_fast(asker, ust);
            view.filter(|view| !needs_super_user || view.is_super_user)
        };
        let known = self
            .branch
            .fast_path(current_app, remote_addr.as_ref(), |sso, asker| view(sso, asker, current_ust.0));
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let ust = UstArgument::from(current_ust).0;
        let (actor, target) = (Actor::from(&ust), AttrTarget::Session(None));
        let attr = AttrCall { branch: self.branch.clone(), ctx: ctx.clone(), actor, target };
        if let Some(view) = known {
            return shown(py, view, attr);
        }
        let call = Arc::new((ctx, ust));
        let same = Arc::clone(&call);
        let fast_path = move |sso: &Sso| view(sso, (&same.0).into(), same.1.expose());
        let operation = async move |sso: Arc<Sso>| {
            let (ctx, ust) = &*call;
            if needs_super_user {
                sso.require_super_user(ctx, ust).await
            } else {
                sso.get_current_session(ctx, ust).await
            }
        };
        self.branch.run_after_fast_path(py, fast_path, operation, |py, view| shown(py, view, attr))
    }

    /// The session of the caller, who must be a super-user.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`get_current_session`, and E005001 if the caller is not a super-user.
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr))]
    fn require_super_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidText<'_>,
        current_ust: UstText<'_>,
        current_app: Option<&str>,
        remote_addr: Option<RemoteAddrText<'_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.get_current_session(py, cid, current_ust, current_app, remote_addr, true)
    }

    /// The open sessions of a user, oldest first: the caller's own with ``current_ust`` or ``ust`` alone, or, for
    /// super-users, those of the user that ``target_ust`` belongs to.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The caller's session token, as ``current_ust``.
    ///     target_ust: The token of a session of the user whose sessions are wanted, for super-users.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Returns:
    ///     A list of dicts: session_id, auth_type, auth_principal, creation_time, expiration_time, remote_addr,
    ///     user_agent, is_current (whether it is the session that asks), session_state_change_list. Tokens are not
    ///     included.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`get`.
    ///     ValueError: Neither a token of the caller alone nor ``target_ust`` with ``current_ust`` was given.
    ///
    /// Example:
    ///     >>> sessions = sso.session.get_list("cid-1", current_ust=ust, current_app="CRM", remote_addr="127.0.0.1")
    ///     >>> len(sessions)
    ///     1
    #[pyo3(signature = (cid, ust=None, target_ust=None, current_ust=None, current_app=None, remote_addr=None, user_agent=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn get_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: Option<UstArgument>,
        target_ust: Option<UstArgument>,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        #[expect(unused_variables, reason = "the documented signature")] user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let (current, target) = match (ust, target_ust, current_ust) {
            (Some(own), None, None) | (None, None, Some(own)) => (own.0, None),
            (None, Some(target), Some(current)) => (current.0, Some(target.0)),
            _ => {
                let expected = "expected either ust alone, or target_ust together with current_ust";
                return Err(PyValueError::new_err(expected));
            }
        };
        let operation =
            async move |sso: Arc<Sso>| sso.list_sessions(&ctx, Actor::from(current), target.as_ref()).await;
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }

    /// Ends an open session: one of the caller's own, or any for super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     session_id: The public id of the session, as :meth:`get_list` shows it.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E007001 if there is no such session, or it is somebody else's.
    #[pyo3(signature = (cid, session_id, current_ust, current_app, remote_addr))]
    fn end<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        session_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            sso.end_session(&ctx, Actor::from(current_ust.0), &session_id, None).await.map(drop)
        };
        self.branch.run(py, operation, none)
    }

    /// Ends the open sessions of a user, those of sites and of linked definitions included.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     user_id: Whose sessions; None for the caller's own. Those of others only for super-users.
    ///     except_current: Whether the caller's current session goes on.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The number of sessions that have ended.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user.
    ///
    /// Example:
    ///     >>> sso.session.end_all("cid-1", ust, current_app="CRM", remote_addr="127.0.0.1")
    ///     0
    #[pyo3(signature = (cid, current_ust, user_id=None, except_current=true, current_app=None, remote_addr=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn end_all<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_ust: UstArgument,
        user_id: Option<String>,
        except_current: bool,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let actor = Actor::from(current_ust.0);
            sso.end_all_sessions(&ctx, actor, user_id.as_deref(), except_current).await
        };
        self.branch.run(py, operation, |py, ended: Ended| Ok(ended.count.into_pyobject(py)?.into_any()))
    }
}

fn shown(py: Python<'_>, view: SessionView, attr: AttrCall) -> PyResult<Bound<'_, PyAny>> {
    Ok(Session { view, attr }.into_pyobject(py)?.into_any())
}

fn answer(py: Python<'_>, is_valid: bool) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyBool::new(py, is_valid).to_owned().into_any())
}

pub(in crate::python) fn to_dict<'py>(
    py: Python<'py>,
    listing: &SessionListing,
    times: Times,
) -> PyResult<Bound<'py, PyDict>> {
    let session = &listing.session;
    let changes = PyList::empty(py);
    for change in &listing.state_changes {
        let entry = PyDict::new(py);
        entry.set_item("remote_addr", &change.remote_addr)?;
        entry.set_item("user_agent", &change.user_agent)?;
        entry.set_item("timestamp_utc", times.datetime(py, change.timestamp_utc)?)?;
        entry.set_item("ctx_source", change.ctx_source.as_str())?;
        entry.set_item("idx", change.idx)?;
        changes.append(entry)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("session_id", session.session_id.to_string())?;
    dict.set_item("auth_type", session.auth_type.as_str())?;
    dict.set_item("auth_principal", &session.auth_principal)?;
    dict.set_item("creation_time", times.datetime(py, session.creation_time)?)?;
    dict.set_item("expiration_time", times.datetime(py, session.expiration_time)?)?;
    dict.set_item("remote_addr", &session.remote_addr)?;
    dict.set_item("user_agent", &session.user_agent)?;
    dict.set_item("is_current", listing.is_current)?;
    dict.set_item("session_state_change_list", changes)?;
    Ok(dict)
}
