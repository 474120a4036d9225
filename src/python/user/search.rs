//! `sso.user.search`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::domain::{Page, UserView};
use crate::ops::{Actor, Sso};
use crate::python::user::api::UserApi;
use crate::python::user::entity::to_dict;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times, UstArgument};
use crate::python::value::data;

#[pymethods]
impl UserApi {
    /// Searches users, ordered by display name and username. For super-users.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     ctx: The criteria.
    ///     current_ust: The session token of a super-user.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     serialize_dt: Whether datetimes become ISO 8601 text.
    ///
    /// Returns:
    ///     A dict: total, num_pages, page_size, cur_page, has_next_page, has_prev_page, next_page, prev_page, and
    ///     result, a list of users as dicts.
    ///
    /// Raises:
    ///     ValidationError: E005001 without permission; E008002 for a criterion of a wrong type, a name of
    ///         less than 2 characters, or an unknown attribute.
    ///
    /// Example:
    ///     >>> ctx = SearchCtx(username="ann")
    ///     >>> found = sso.user.search("cid-1", ctx, admin_ust, "CRM", "127.0.0.1")
    ///     >>> [user["username"] for user in found["result"]]
    ///     ['ann']
    #[pyo3(signature = (cid, ctx, current_ust, current_app, remote_addr, serialize_dt=false))]
    #[expect(clippy::too_many_arguments, reason = "the documented signature")]
    fn search<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        ctx: &Bound<'py, PyAny>,
        current_ust: UstArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        serialize_dt: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let search = data::user_search(ctx)?;
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation =
            async move |sso: Arc<Sso>| sso.search_users(&ctx, Actor::from(current_ust.0), search).await;
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, page| Ok(found(py, &page, times, serialize_dt)?.into_any()))
    }
}

fn found<'py>(
    py: Python<'py>,
    page: &Page<UserView>,
    times: Times,
    serialize_dt: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let result = PyList::empty(py);
    for view in &page.result {
        result.append(to_dict(py, view, times, serialize_dt)?)?;
    }
    let (next_page, prev_page) = (page.next_page(), page.prev_page());
    let dict = PyDict::new(py);
    dict.set_item("total", page.total)?;
    dict.set_item("num_pages", page.num_pages())?;
    dict.set_item("page_size", page.page_size)?;
    dict.set_item("cur_page", page.cur_page)?;
    dict.set_item("has_next_page", next_page.is_some())?;
    dict.set_item("has_prev_page", prev_page.is_some())?;
    dict.set_item("next_page", next_page)?;
    dict.set_item("prev_page", prev_page)?;
    dict.set_item("result", result)?;
    Ok(dict)
}
