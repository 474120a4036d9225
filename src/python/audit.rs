//! `sso.audit`: reading the audit trail.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::domain::{AuditEntry, AuditPage};
use crate::ops::{Actor, Sso};
use crate::python::branch::Branch;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};
use crate::python::value::data;

/// ``sso.audit``: the audit trail, for super-users and members of groups that may read it.
#[pyclass(frozen, name = "AuditAPI", module = "zato_sso._core")]
pub struct AuditApi {
    branch: Branch,
}

impl AuditApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }
}

#[pymethods]
impl AuditApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }

    /// Searches the audit entries in the database, newest first, a page at a time.
    ///
    /// Rejections of callers without a session, and those of users that repeat, are there once their minute is over.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ctx: The criteria.
    ///     current_ust: The session token of a super-user, or of a member of a group that may read the audit.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict: result, a list of dicts with audit_id, time, cid, op, current_user, current_username, target_user,
    ///     target_username, result, current_app, remote_addr, how and extra; and next, which goes into ``ctx.after`` for the
    ///     next page, or None.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission, E001100 if ``user_id`` is no user_id, E008002 for a wrong type, or if
    ///         ``after`` comes from no search.
    ///
    /// Example:
    ///     >>> ctx = AuditSearchCtx(op="user.login", result="refused")
    ///     >>> sso.audit.search("cid", ctx, admin_ust, "CRM", "127.0.0.1")["result"]
    ///     []
    #[pyo3(signature = (cid, ctx, current_ust, current_app, remote_addr))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ctx: &Bound<'py, PyAny>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let search = data::audit_search(ctx)?;
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.search_audit(&ctx, Actor::from(current_ust.0), search).await;
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, page: AuditPage| {
            let entries =
                page.entries.iter().map(|entry| to_dict(py, entry, times)).collect::<PyResult<Vec<_>>>()?;
            let dict = PyDict::new(py);
            dict.set_item("result", PyList::new(py, entries)?)?;
            dict.set_item("next", page.next.map(|place| place.to_string()))?;
            Ok(dict.into_any())
        })
    }
}

fn to_dict<'py>(py: Python<'py>, entry: &AuditEntry, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("audit_id", entry.audit_id.to_string())?;
    dict.set_item("time", times.datetime(py, entry.time)?)?;
    dict.set_item("cid", &entry.cid)?;
    dict.set_item("op", &entry.op)?;
    dict.set_item("current_user", entry.current_user.as_deref())?;
    dict.set_item("current_username", entry.current_username.as_deref())?;
    dict.set_item("target_user", entry.target_user.as_deref())?;
    dict.set_item("target_username", entry.target_username.as_deref())?;
    dict.set_item("result", &entry.result)?;
    dict.set_item("current_app", &entry.current_app)?;
    dict.set_item("remote_addr", &entry.remote_addr)?;
    dict.set_item("how", entry.how.as_deref())?;
    dict.set_item("extra", py.import("json")?.call_method1("loads", (&entry.extra,))?)?;
    Ok(dict)
}
