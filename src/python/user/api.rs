//! `sso.user`: users, login and logout.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::domain::{self, Context, Password, UserView, Visibility};
use crate::ops::{Actor, AppProof, AttrTarget, LoginRequest, Sso};
use crate::python::attr::api::UserAttrApi;
use crate::python::attr::call::AttrCall;
use crate::python::branch::Branch;
use crate::python::credential::RecoveryCodeApi;
use crate::python::grant::UserGrantApi;
use crate::python::passkey::PasskeyApi;
use crate::python::runtime::call::none;
use crate::python::session::api::SessionApi;
use crate::python::session::entity::SessionInfo;
use crate::python::user::entity::{User, field};
use crate::python::value::convert::{
    CidArgument, CidText, PasswordArgument, RemoteAddrArgument, RemoteAddrText, Times, UstArgument, UstText,
};
use crate::python::value::data;
use crate::python::value::permit::actor;

/// ``sso.user``: users, login and logout.
#[pyclass(frozen, name = "UserAPI", module = "zato_sso._core")]
pub struct UserApi {
    pub(in crate::python) branch: Branch,
    /// Sessions; the same as ``sso.session``.
    #[pyo3(get)]
    session: Py<SessionApi>,
    /// Attributes of users.
    #[pyo3(get)]
    attr: Py<UserAttrApi>,
    /// Recovery codes.
    #[pyo3(get)]
    recovery_code: Py<RecoveryCodeApi>,
    /// Passkeys.
    #[pyo3(get)]
    passkey: Py<PasskeyApi>,
    /// Applications that have access.
    #[pyo3(get)]
    grant: Py<UserGrantApi>,
}

impl UserApi {
    pub fn new(py: Python<'_>, branch: Branch, session: Py<SessionApi>) -> PyResult<Self> {
        let attr = Py::new(py, UserAttrApi::new(branch.clone()))?;
        let recovery_code = Py::new(py, RecoveryCodeApi::new(branch.clone()))?;
        let passkey = Py::new(py, PasskeyApi::new(branch.clone()))?;
        let grant = Py::new(py, UserGrantApi::new(branch.clone()))?;
        Ok(Self { branch, session, attr, recovery_code, passkey, grant })
    }

    /// A conversion for users, whose attributes are read and written by this actor.
    fn user(
        &self,
        ctx: &Context,
        actor: Actor,
        target: AttrTarget,
    ) -> impl for<'a> FnOnce(Python<'a>, UserView) -> PyResult<Bound<'a, PyAny>> + Send + 'static {
        let attr = AttrCall { branch: self.branch.clone(), ctx: ctx.clone(), actor, target };
        move |py, view| Ok(User { view, attr }.into_pyobject(py)?.into_any())
    }

    /// Adds the second names of some methods.
    pub fn add_aliases(py: Python<'_>) -> PyResult<()> {
        let class = py.get_type::<Self>();
        for (alias, name) in
            [("create", "create_user"), ("approve", "approve_user"), ("reject", "reject_user")]
        {
            class.setattr(alias, class.getattr(name)?)?;
        }
        Ok(())
    }
}

#[pymethods]
impl UserApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)?;
        visit.call(&self.session)?;
        visit.call(&self.attr)?;
        visit.call(&self.recovery_code)?;
        visit.call(&self.passkey)?;
        visit.call(&self.grant)
    }

    /// Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     data: username, password, email, display_name, first_name, middle_name, last_name, is_locked,
    ///         sign_up_status, password_must_change, is_totp_enabled, totp_key, totp_label,
    ///         is_rate_limit_active, rate_limit_def, creation_ctx. Values that were assigned are added to
    ///         it, and the password is removed from it.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made; by default ``apps.default``.
    ///     remote_addr: The address that the call comes from.
    ///     require_super_user: False for trusted callers in the same process, who need no session token.
    ///     auto_approve: True to approve the user immediately.
    ///
    /// Returns:
    ///     The user_id of the new user.
    ///
    /// Raises:
    ///     ValidationError: E001xxx, E002xxx, E003xxx or E008002 for an invalid value; E005001 without permission.
    ///
    /// Example:
    ///     >>> data = {"username": "bea", "password": "a lamp in the window"}
    ///     >>> user_id = sso.user.create_user("cid-1", data, admin_ust, "CRM", "127.0.0.1", auto_approve=True)
    #[pyo3(signature = (cid, data, current_ust=None, current_app=None, remote_addr=None, require_super_user=true, auto_approve=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn create_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        data: &Bound<'py, PyDict>,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        require_super_user: bool,
        auto_approve: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, require_super_user, None);
        let new = data::new_user(data)?;
        let operation = async move |sso: Arc<Sso>| sso.create_user(&ctx, actor, new, auto_approve).await;
        self.branch.run(py, operation, enrich(data, self.branch.times()))
    }

    /// Creates a super-user; otherwise the same as :meth:`create_user`.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     data: As for :meth:`create_user`.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     require_super_user: False for trusted callers in the same process, who need no session token.
    ///     auto_approve: True to approve the user immediately.
    #[pyo3(signature = (cid, data, current_ust=None, current_app=None, remote_addr=None, require_super_user=true, auto_approve=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn create_super_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        data: &Bound<'py, PyDict>,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        require_super_user: bool,
        auto_approve: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, require_super_user, None);
        let new = data::new_user(data)?;
        let operation =
            async move |sso: Arc<Sso>| sso.create_super_user(&ctx, actor, new, auto_approve).await;
        self.branch.run(py, operation, enrich(data, self.branch.times()))
    }

    /// Makes sure that there is a super-user of this name: for applications as they start. It creates one, who is approved, or
    /// leaves one who exists as they are, password included. Workers that start at the same time may all call it.
    ///
    /// For trusted callers in the same process: it needs no session.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     data: As for :meth:`create_user`; the username is required.
    ///     current_app: The application on whose behalf the call is made; by default ``apps.default``.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The user_id of the super-user.
    ///
    /// Raises:
    ///     ValidationError: E001002 if the name is that of a user who is not a super-user; otherwise as
    ///         :meth:`create_user`.
    ///
    /// Example:
    ///     >>> data = {"username": "admin1", "password": "correct horse battery staple"}
    ///     >>> user_id = sso.user.ensure_super_user("cid-1", data)
    #[pyo3(signature = (cid, data, current_app=None, remote_addr=None))]
    fn ensure_super_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        data: &Bound<'py, PyDict>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let new = data::new_user(data)?;
        let operation =
            async move |sso: Arc<Sso>| sso.ensure_super_user(&ctx, new).await.map(|(user, _is_new)| user);
        self.branch.run(py, operation, enrich(data, self.branch.times()))
    }

    /// Approves a user, who may log in from now on. It can be repeated, and called after a rejection.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user.
    ///
    /// Example:
    ///     >>> sso.user.approve_user("cid-1", user_id, admin_ust, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, user_id, current_ust, current_app, remote_addr))]
    fn approve_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.approve_user(&ctx, Actor::from(current_ust.0), &user_id).await;
        self.branch.run(py, operation, none)
    }

    /// Rejects a user, who can no longer log in; their open sessions are rejected too.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: As :meth:`approve_user`.
    #[pyo3(signature = (cid, user_id, current_ust, current_app, remote_addr))]
    fn reject_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.reject_user(&ctx, Actor::from(current_ust.0), &user_id).await;
        self.branch.run(py, operation, none)
    }

    /// Logs a user in: opens a session.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     username: The name of the user.
    ///     password: The password; str, or bytes in UTF-8.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///     has_remote_addr: Whether the client itself sent the remote address, as login metadata.
    ///     has_user_agent: Whether the client itself sent the user agent, as login metadata.
    ///     new_password: A new password, to replace the current one.
    ///     totp_code: The TOTP code, where TOTP is enabled.
    ///     skip_sec: True for trusted callers in the same process: neither password nor TOTP code is checked.
    ///     device_token: What an earlier login from the same device has returned. It takes the place of no
    ///         password: with it, the login does not wait for the failures of others.
    ///
    /// Raises:
    ///     ValidationError: E005001, or the exact code where the configuration allows it to be shown.
    ///
    /// Example:
    ///     >>> session = sso.user.login("cid-1", "ann", "correct horse battery staple", "CRM", "127.0.0.1")
    ///     >>> session.username
    ///     'ann'
    #[pyo3(signature = (cid, username, password, current_app, remote_addr, user_agent=None, has_remote_addr=false, has_user_agent=false, new_password=None, totp_code=None, skip_sec=false, device_token=None))]
    #[pyo3(
        text_signature = "($self, cid, username, password, current_app, remote_addr, user_agent=None, has_remote_addr=False, has_user_agent=False, new_password='', totp_code=None, skip_sec=False, device_token=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn login<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        username: String,
        password: Option<PasswordArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
        has_remote_addr: bool,
        has_user_agent: bool,
        new_password: Option<PasswordArgument>,
        totp_code: Option<PasswordArgument>,
        skip_sec: bool,
        device_token: Option<PasswordArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let request = LoginRequest {
            username,
            password: password.map(|password| password.0),
            totp_code: totp_code.map(|code| code.0),
            new_password: new_password.map(|new| new.0),
            // Who does not read it has an attribute more.
            device_token: Some(device_token.map_or_else(|| Password::from(""), |token| token.0)),
            user_agent,
            sent_remote_addr: has_remote_addr.then(|| ctx.remote_addr.clone()),
            has_user_agent,
            app_proof: AppProof::SameProcess,
            skip_sec,
            ..LoginRequest::default()
        };
        let operation = async move |sso: Arc<Sso>| sso.login(&ctx, request).await;
        let times = self.branch.times();
        self.branch
            .run(py, operation, move |py, info| Ok(SessionInfo { info, times }.into_pyobject(py)?.into_any()))
    }

    /// Logs a user out: ends the session.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ust: The session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     skip_sec: Reserved. The token alone is enough to end the session, even if its user is locked.
    ///
    /// Raises:
    ///     ValidationError: E005001 if the token belongs to no valid session.
    ///
    /// Example:
    ///     >>> sso.user.logout("cid-1", ust, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, ust, current_app, remote_addr, skip_sec=false))]
    fn logout<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        #[expect(unused_variables, reason = "the documented signature")] skip_sec: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.logout(&ctx, &ust.0).await;
        self.branch.run(py, operation, none)
    }

    /// The user that the session belongs to.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     return_all_attrs: True for what the caller may not see, too.
    ///
    /// Raises:
    ///     ValidationError: The code of an invalid session, or of a check that every call makes.
    ///
    /// Example:
    ///     >>> sso.user.get_current_user("cid-1", ust, "CRM", "127.0.0.1").username
    ///     'ann'
    #[pyo3(signature = (cid, current_ust, current_app, remote_addr, return_all_attrs=false))]
    fn get_current_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidText<'_>,
        current_ust: UstText<'_>,
        current_app: Option<&str>,
        remote_addr: Option<RemoteAddrText<'_>>,
        return_all_attrs: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let known = self.branch.fast_path(current_app, remote_addr.as_ref(), |sso, asker| {
            if return_all_attrs { None } else { sso.get_current_user_fast(asker, current_ust.0) }
        });
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let ust = UstArgument::from(current_ust).0;
        let user = self.user(&ctx, Actor::from(&ust), AttrTarget::User(None));
        if let Some(view) = known {
            return user(py, view);
        }
        let call = Arc::new((ctx, ust));
        let same = Arc::clone(&call);
        let fast_path = move |sso: &Sso| {
            let (ctx, ust) = &*same;
            if return_all_attrs { None } else { sso.get_current_user_fast(ctx.into(), ust.expose()) }
        };
        let operation = async move |sso: Arc<Sso>| {
            let (ctx, ust) = &*call;
            sso.get_current_user(ctx, ust, return_all_attrs).await
        };
        self.branch.run_after_fast_path(py, fast_path, operation, user)
    }

    /// A user: the caller's own, or any for super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user; others than the caller only for super-users.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     return_all_attrs: True for what the caller may not see, too.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user.
    #[pyo3(signature = (cid, user_id, current_ust, current_app, remote_addr, return_all_attrs=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn get_user_by_id<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        return_all_attrs: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let target = AttrTarget::User(Some(user_id.clone()));
        let user = self.user(&ctx, Actor::from(&current_ust.0), target);
        let operation = async move |sso: Arc<Sso>| {
            sso.get_user_by_id(&ctx, Actor::from(current_ust.0), &user_id, return_all_attrs).await
        };
        self.branch.run(py, operation, user)
    }

    /// The user with this name, for trusted callers in the same process. None if there is no such user, or, with
    /// ``needs_approved``, the user is not approved.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     username: The name, in any of its forms.
    ///     needs_approved: Whether a user who is not approved is None, too.
    ///
    /// Example:
    ///     >>> sso.user.get_user_by_username("cid-1", "nobody") is None
    ///     True
    #[pyo3(signature = (cid, username, needs_approved=true))]
    fn get_user_by_username<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        username: String,
        needs_approved: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx: Context = self.branch.context(cid, None::<&str>, None::<RemoteAddrArgument>);
        let (branch, attr_ctx) = (self.branch.clone(), ctx.clone());
        let operation =
            async move |sso: Arc<Sso>| sso.get_user_by_username(&ctx, &username, needs_approved).await;
        self.branch.run(py, operation, move |py, found: Option<UserView>| match found {
            Some(view) => {
                let target = AttrTarget::User(Some(view.user.user_id.as_str().to_owned()));
                let attr = AttrCall { branch, ctx: attr_ctx, actor: Actor::Trusted(None), target };
                Ok(User { view, attr }.into_pyobject(py)?.into_any())
            }
            None => Ok(py.None().into_bound(py)),
        })
    }

    /// Changes a password: the caller's own with the old password, or any for super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     data: old_password, new_password, user_id, password_expiry (days), must_change.
    ///     current_ust: The caller's session token.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission or with a wrong old password, E008003 if a value is
    ///         missing, E001100 if there is no such user, E003xxx for the new password.
    ///
    /// Example:
    ///     >>> change = {"old_password": "correct horse battery staple", "new_password": "a lamp in the window"}
    ///     >>> sso.user.change_password("cid-1", change, ust, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, data, current_ust, current_app, remote_addr))]
    fn change_password<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        data: &Bound<'py, PyDict>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let request = data::change_password(data)?;
        let operation =
            async move |sso: Arc<Sso>| sso.change_password(&ctx, Actor::from(current_ust.0), request).await;
        self.branch.run(py, operation, none)
    }

    /// Locks an account: its user cannot log in, and open sessions are rejected.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user to lock.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made; by default ``apps.default``.
    ///     remote_addr: The address that the call comes from.
    ///     require_super_user: False for trusted callers in the same process, who need no session token.
    ///     current_user: For those callers, the user_id of the user on whose behalf they act.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if there is no such user.
    ///
    /// Example:
    ///     >>> sso.user.lock_user("cid-1", user_id, admin_ust, "CRM", "127.0.0.1")
    #[pyo3(signature = (cid, user_id, current_ust=None, current_app=None, remote_addr=None, require_super_user=true, current_user=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn lock_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        require_super_user: bool,
        current_user: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, require_super_user, current_user.as_deref());
        let operation = async move |sso: Arc<Sso>| sso.lock_user(&ctx, actor, &user_id).await;
        self.branch.run(py, operation, none)
    }

    /// Unlocks an account; otherwise the same as :meth:`lock_user`.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     user_id: The user.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     require_super_user: False for trusted callers in the same process, who need no session token.
    ///     current_user: The user_id to record as the acting user, of trusted callers.
    #[pyo3(signature = (cid, user_id, current_ust=None, current_app=None, remote_addr=None, require_super_user=true, current_user=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn unlock_user<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        user_id: String,
        current_ust: Option<UstArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        require_super_user: bool,
        current_user: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let actor = actor(current_ust, require_super_user, current_user.as_deref());
        let operation = async move |sso: Arc<Sso>| sso.unlock_user(&ctx, actor, &user_id).await;
        self.branch.run(py, operation, none)
    }
}

/// A conversion that updates the dict that described a new user: it adds the assigned values and removes the password.
/// It returns the user_id.
fn enrich(
    data: &Bound<'_, PyDict>,
    times: Times,
) -> impl for<'a> FnOnce(Python<'a>, domain::User) -> PyResult<Bound<'a, PyAny>> + Send + 'static {
    let data = data.clone().unbind();
    move |py, user| {
        let data = data.bind(py);
        let view =
            UserView { user: Arc::new(user), visibility: Visibility::All, is_current_super_user: false };
        for (name, value) in view.fields() {
            data.set_item(name, field(py, name, &value, times, false)?)?;
        }
        if data.contains("password")? {
            data.del_item("password")?;
        }
        Ok(PyString::new(py, view.user.user_id.as_str()).into_any())
    }
}
