//! `sso.token`: access tokens that services are shown.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::domain::{Context, Password, UserView, VerifiedToken};
use crate::ops::{Actor, AttrTarget, Sso};
use crate::python::attr::call::AttrCall;
use crate::python::branch::{Branch, branch_class};
use crate::python::user::entity::User;
use crate::python::value::convert::{CidText, RemoteAddrText, UstText};
use crate::python::value::error::not_pickled;
use crate::python::value::generic::generic_alias;

/// An access token that is good.
#[pyclass(frozen, module = "zato_sso")]
pub struct Token {
    token: Arc<VerifiedToken>,
    branch: Branch,
    ctx: Context,
}

#[pymethods]
impl Token {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }

    /// Whose it is: a user_id, what a client with a ``pairwise_sector`` knows a user by, or the client itself.
    #[getter]
    fn sub(&self) -> &str {
        &self.token.sub
    }

    /// The ID of the user; None for a client that acts for itself, and for one that knows its users by other names.
    #[getter]
    fn user_id(&self) -> Option<String> {
        self.token.user_id().map(|user_id| user_id.to_string())
    }

    /// The client that it was issued to.
    #[getter]
    fn client_id(&self) -> &str {
        &self.token.client_id
    }

    /// What it is good for.
    #[getter]
    fn scope(&self) -> Vec<&str> {
        self.token.scopes.iter().map(String::as_str).collect()
    }

    /// For whom it is.
    #[getter]
    fn audience(&self) -> Vec<&str> {
        self.token.audiences.iter().map(String::as_str).collect()
    }

    /// Until when it is valid; UTC, without a timezone.
    #[getter]
    fn expiration_time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.branch.times().datetime(py, self.token.expiration_time)
    }

    /// The user on whose behalf the token acts, as they see themselves; None for a client that acts for itself. Read from the
    /// database each time that it is asked for, with ``await`` on asyncio.
    ///
    /// Raises:
    ///     ValidationError: E007001 if the token has expired, or its sign-in has ended since, with the session or because the user
    ///         may not sign in any more. For a JWT, this is what notices it.
    #[getter]
    fn user<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (token, ctx) = (Arc::clone(&self.token), self.ctx.clone());
        let operation = async move |sso: Arc<Sso>| sso.get_user_of_token(&ctx, &token).await;
        let (branch, ctx) = (self.branch.clone(), self.ctx.clone());
        self.branch.run(py, operation, move |py, found: Option<UserView>| {
            let Some(view) = found else { return Ok(py.None().into_bound(py)) };
            let user_id = view.user.user_id.clone();
            let target = AttrTarget::User(Some(user_id.as_str().to_owned()));
            let attr = AttrCall { branch, ctx, actor: Actor::Trusted(Some(user_id)), target };
            Ok(User { view, attr }.into_pyobject(py)?.into_any())
        })
    }

    /// All that it says: the claims of a JWT, what introspection tells of an opaque token. A dict, a new one each time.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text = serde_json::Value::Object(self.token.claims.clone()).to_string();
        py.import("json")?.call_method1("loads", (text,))
    }

    /// For annotations such as ``Token[User]``, which some frameworks evaluate.
    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }

    fn __repr__(&self) -> String {
        format!("Token(sub={:?}, client_id='{}')", self.token.sub, self.token.client_id)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("Token"))
    }
}

branch_class! {
    /// ``sso.token``: access tokens that services are shown.
    TokenApi = "TokenAPI"
}

#[pymethods]
impl TokenApi {
    /// Verifies an access token of the OpenID Provider of this database. A JWT is verified without a query, and is good until it
    /// expires: that its session has ended is known to ``Token.user``, and by introspection. An opaque token is looked up, and ends
    /// with its session.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     access_token: The token, as the header ``Authorization: Bearer`` has it.
    ///     audience: For whom it must be: the name of this service.
    ///     scope: What it must be good for: one or several scopes with blanks between them.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: E007001 for a token that is not good, has expired or is for another audience; E005001 for one without
    ///         the scope.
    #[pyo3(signature = (cid, access_token, audience=None, scope=None, current_app=None, remote_addr=None))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        cid: CidText<'_>,
        access_token: UstText<'_>,
        audience: Option<&str>,
        scope: Option<&str>,
        current_app: Option<&str>,
        remote_addr: Option<RemoteAddrText<'_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let known = self.branch.fast_path(current_app, remote_addr.as_ref(), |sso, asker| {
            sso.verify_access_token_fast(asker, access_token.0, audience, scope)
        });
        let branch = self.branch.clone();
        let ctx = self.branch.context(cid, current_app, remote_addr);
        if let Some(token) = known {
            return shown(py, Token { token, branch, ctx });
        }
        let shown_ctx = ctx.clone();
        let asked = (Password::from(access_token.0), audience.map(str::to_owned), scope.map(str::to_owned));
        let call = Arc::new((ctx, asked));
        let same = Arc::clone(&call);
        let fast_path = move |sso: &Sso| {
            let (ctx, (token, audience, scope)) = &*same;
            sso.verify_access_token_fast(ctx.into(), token.expose(), audience.as_deref(), scope.as_deref())
        };
        let operation = async move |sso: Arc<Sso>| {
            let (ctx, (token, audience, scope)) = &*call;
            sso.verify_access_token(ctx, token, audience.as_deref(), scope.as_deref()).await
        };
        self.branch.run_after_fast_path(py, fast_path, operation, move |py, token| {
            shown(py, Token { token, branch, ctx: shown_ctx })
        })
    }
}

fn shown(py: Python<'_>, token: Token) -> PyResult<Bound<'_, PyAny>> {
    Ok(token.into_pyobject(py)?.into_any())
}
