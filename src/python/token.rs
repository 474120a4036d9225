//! `sso.token`: access tokens that services are shown.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::domain::{Password, VerifiedToken};
use crate::ops::Sso;
use crate::python::branch::Branch;
use crate::python::value::convert::{CidText, RemoteAddrText, Times, UstText};
use crate::python::value::error::not_pickled;

/// An access token that is good.
#[pyclass(frozen, module = "zato_sso")]
pub struct Token {
    token: Arc<VerifiedToken>,
    times: Times,
}

#[pymethods]
impl Token {
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
        self.times.datetime(py, self.token.expiration_time)
    }

    /// All that it says: a dict, a new one each time.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text = serde_json::Value::Object(self.token.claims.clone()).to_string();
        py.import("json")?.call_method1("loads", (text,))
    }

    fn __repr__(&self) -> String {
        format!("Token(sub={:?}, client_id='{}')", self.token.sub, self.token.client_id)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_pickled("Token"))
    }
}

/// ``sso.token``: access tokens that services are shown.
#[pyclass(frozen, name = "TokenAPI", module = "zato_sso._core")]
pub struct TokenApi {
    branch: Branch,
}

impl TokenApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }
}

#[pymethods]
impl TokenApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }

    /// Verifies an access token: a JWT that the OpenID Provider of this database has signed, without a query. It is good until it
    /// expires; that its session has ended is known by introspection alone.
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
        let times = self.branch.times();
        let known = self.branch.fast_path(current_app, remote_addr.as_ref(), |sso, asker| {
            sso.verify_access_token_fast(asker, access_token.0, audience, scope)
        });
        if let Some(token) = known {
            return shown(py, token, times);
        }
        let ctx = self.branch.context(cid, current_app, remote_addr);
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
        self.branch.run_after_fast_path(py, fast_path, operation, move |py, token| shown(py, token, times))
    }
}

fn shown(py: Python<'_>, token: Arc<VerifiedToken>, times: Times) -> PyResult<Bound<'_, PyAny>> {
    Ok(Token { token, times }.into_pyobject(py)?.into_any())
}
