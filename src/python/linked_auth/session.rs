//! `sso.session`: sessions that linked definitions open.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::ops::{ExternalAuth, SessionListing, Sso};
use crate::python::session::api::{SessionApi, to_dict};
use crate::python::session::entity::SessionInfo;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument};

#[pymethods]
impl SessionApi {
    /// Opens a session for the user that a security definition is linked to, or renews the one that was opened before.
    /// For trusted callers in the same process that authenticated a request with that definition.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     sec_type: The kind of the definition: ``const.auth_type.basic_auth`` or ``const.auth_type.jwt``.
    ///     sec_def_id: The id of the definition.
    ///     sec_def_username: Its username.
    ///     user_id: The user that it is linked to.
    ///     ext_session_id: For JWT, the token: each token has a session of its own. A Basic Auth definition has one
    ///         session in all, and ignores this.
    ///     totp_code: The TOTP code, needed where a JWT opens a session and TOTP is enabled.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Returns:
    ///     The session, which has the same token each time.
    ///
    /// Raises:
    ///     ValidationError: E005001 if there is no such definition, or it is not linked to this user; E008003 for a JWT
    ///         without its token; otherwise as for a login.
    #[pyo3(signature = (cid, sec_type, sec_def_id, sec_def_username, user_id, ext_session_id, totp_code, current_app, remote_addr, user_agent=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn on_external_auth_succeeded<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        sec_type: String,
        sec_def_id: i64,
        sec_def_username: String,
        user_id: String,
        ext_session_id: Option<PasswordArgument>,
        totp_code: Option<PasswordArgument>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let auth = ExternalAuth {
            sec_type,
            sec_def_id,
            sec_def_username,
            user_id,
            ext_session_id: ext_session_id.map(|token| token.0),
            totp_code: totp_code.map(|code| code.0),
            user_agent,
        };
        let operation = async move |sso: Arc<Sso>| sso.on_external_auth_succeeded(&ctx, auth).await;
        let times = self.branch.times();
        self.branch
            .run(py, operation, move |py, info| Ok(SessionInfo { info, times }.into_pyobject(py)?.into_any()))
    }

    /// The open session of a security definition. For trusted callers in the same process.
    ///
    /// Args:
    ///     sec_type: The kind of the definition.
    ///     sec_def_id: The id of the definition.
    ///     ext_session_id: For JWT, the token.
    ///
    /// Returns:
    ///     A dict as in :meth:`get_list`, or None if there is no such session.
    #[pyo3(signature = (sec_type, sec_def_id, ext_session_id=None))]
    fn get_session_by_ext_id<'py>(
        &self,
        py: Python<'py>,
        sec_type: String,
        sec_def_id: i64,
        ext_session_id: Option<PasswordArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |sso: Arc<Sso>| {
            let token = ext_session_id.as_ref().map(|token| &token.0);
            sso.get_session_by_ext_id(&sec_type, sec_def_id, token).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, found: Option<SessionListing>| match found {
            Some(listing) => Ok(to_dict(py, &listing, times)?.into_any()),
            None => Ok(py.None().into_bound(py)),
        })
    }
}
