//! `sso.site`: the sessions of sites.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::domain::{AttrValue, Direction, Page, PageRequest, SiteSession};
use crate::ops::{NewSiteSession, Sso};
use crate::python::runtime::call::none;
use crate::python::site::api::SiteApi;
use crate::python::site::identity;
use crate::python::value::convert::{CidArgument, PasswordArgument, RemoteAddrArgument, Times};
use crate::python::value::data;

#[pymethods]
impl SiteApi {
    /// Starts a session for an identity, and ends the previous one that the site had for it.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The site.
    ///     identity_token: The identity.
    ///     top_realm: The site's name for a group of its web sites.
    ///     sub_realm: A part of that group.
    ///     lifetime: The seconds that the session lasts; by default a day.
    ///     session_data: A JSON value to store with the session.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     user_agent: The client's user agent.
    ///
    /// Returns:
    ///     A dict: sso_session_token, session_id, user_id, user_token, identity_token, top_realm, sub_realm, data,
    ///     num_cookies_set, creation_time, update_time, expiration_time.
    ///
    /// Raises:
    ///     ValidationError: E001100 if there is no such identity, or the site is not trusted, did not create it, and has not
    ///         verified the password of its user within an hour; E005001 for a super-user whose password the site has
    ///         not verified; E005001, E005002, E005003, E005004 or E003004 if the user may not log in; E008002 if there
    ///         is no such site, or a value is invalid.
    #[pyo3(signature = (cid, subdomain, identity_token, top_realm=None, sub_realm=None, lifetime=None,
        session_data=None, current_app=None, remote_addr=None, user_agent=None))]
    #[expect(clippy::too_many_arguments, reason = "as many as the REST API has, and the context")]
    fn start_session<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        identity_token: String,
        top_realm: Option<String>,
        sub_realm: Option<String>,
        lifetime: Option<i64>,
        session_data: Option<&Bound<'py, PyAny>>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        user_agent: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let data = session_data.map(|value| data::named_json("session_data", value)).transpose()?;
        let new = NewSiteSession { top_realm, sub_realm, lifetime, data, user_agent };
        let operation = async move |sso: Arc<Sso>| {
            let site = sso.act_as_site(&ctx, &subdomain).await?;
            sso.start_site_session(&ctx, &site, &identity_token, new).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, session| one(py, &session, times))
    }

    /// A page of the open sessions of a site, ordered by start time.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The site.
    ///     page: The number of the page, from 1.
    ///     entries_per_page: The most sessions on a page: 1 to 500.
    ///     order_direction: ``asc`` or ``desc``.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict: total, num_pages, page_size, cur_page, and result, a list of dicts as from ``start_session``.
    ///
    /// Raises:
    ///     ValueError: order_direction is neither ``asc`` nor ``desc``.
    ///     ValidationError: E008002 if there is no such site, or page or entries_per_page is invalid.
    #[pyo3(signature = (cid, subdomain, page=1, entries_per_page=250, order_direction="desc", current_app=None,
        remote_addr=None))]
    #[expect(clippy::too_many_arguments, reason = "as many as the REST API has, and the context")]
    fn get_session_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        page: i64,
        entries_per_page: i64,
        order_direction: &str,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let direction = match order_direction {
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            _ => return Err(PyValueError::new_err("order_direction: expected asc or desc")),
        };
        let request = PageRequest { page, entries_per_page, direction };
        let operation = async move |sso: Arc<Sso>| {
            let site = sso.act_as_site(&ctx, &subdomain).await?;
            sso.list_site_sessions(&ctx, &site, request).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, page: Page<SiteSession>| {
            let dicts = page.result.iter().map(|session| to_dict(py, session, times));
            let dicts = dicts.collect::<PyResult<Vec<_>>>()?;
            let dict = PyDict::new(py);
            dict.set_item("total", page.total)?;
            dict.set_item("num_pages", page.num_pages())?;
            dict.set_item("page_size", page.page_size)?;
            dict.set_item("cur_page", page.cur_page)?;
            dict.set_item("result", PyList::new(py, dicts)?)?;
            Ok(dict.into_any())
        })
    }

    /// The open session of a site that has this token; of any site, for a trusted one.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site.
    ///     sso_session_token: The token of the session.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict as from ``start_session``.
    ///
    /// Raises:
    ///     ValidationError: E008002 if there is no such site, E007001 if it has no such session.
    #[pyo3(signature = (cid, subdomain, sso_session_token, current_app=None, remote_addr=None))]
    fn get_session<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        sso_session_token: PasswordArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let site = sso.act_as_site(&ctx, &subdomain).await?;
            sso.get_site_session(&ctx, &site, &sso_session_token.0).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, session| one(py, &session, times))
    }

    /// The open session that a site has started for an identity.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site.
    ///     identity_token: The token of the identity.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A dict as from ``start_session``.
    ///
    /// Raises:
    ///     ValidationError: E008002 if there is no such site, E001100 if there is no such identity, E007001 if there is
    ///         no such session.
    #[pyo3(signature = (cid, subdomain, identity_token, current_app=None, remote_addr=None))]
    fn get_identity_session<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        identity_token: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let site = sso.act_as_site(&ctx, &subdomain).await?;
            sso.get_site_session_of_identity(&ctx, &site, &identity_token).await
        };
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, session| one(py, &session, times))
    }

    /// Ends a session of a site.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site.
    ///     sso_session_token: The token of the session.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: As ``get_session``.
    #[pyo3(signature = (cid, subdomain, sso_session_token, current_app=None, remote_addr=None))]
    fn end_session<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        sso_session_token: PasswordArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let site = sso.act_as_site(&ctx, &subdomain).await?;
            sso.end_site_session(&ctx, &site, &sso_session_token.0).await
        };
        self.branch.run(py, operation, none)
    }

    /// Ends the session that a site has started for an identity.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site.
    ///     identity_token: The token of the identity.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Raises:
    ///     ValidationError: As ``get_identity_session``.
    #[pyo3(signature = (cid, subdomain, identity_token, current_app=None, remote_addr=None))]
    fn end_identity_session<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        identity_token: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| {
            let site = sso.act_as_site(&ctx, &subdomain).await?;
            sso.end_site_session_of_identity(&ctx, &site, &identity_token).await
        };
        self.branch.run(py, operation, none)
    }
}

fn one<'py>(py: Python<'py>, session: &SiteSession, times: Times) -> PyResult<Bound<'py, PyAny>> {
    Ok(to_dict(py, session, times)?.into_any())
}

fn to_dict<'py>(py: Python<'py>, session: &SiteSession, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("sso_session_token", session.sso_session_token.expose())?;
    dict.set_item("session_id", session.session_id.to_string())?;
    dict.set_item("user_id", session.user_id.as_str())?;
    dict.set_item("user_token", session.user_token.to_string())?;
    dict.set_item("identity_token", session.identity_token.to_string())?;
    dict.set_item("top_realm", session.top_realm.as_deref())?;
    dict.set_item("sub_realm", session.sub_realm.as_deref())?;
    dict.set_item("data", identity::loaded(py, session.data.as_ref().map(AttrValue::as_json_text))?)?;
    dict.set_item("num_cookies_set", session.num_cookies_set)?;
    dict.set_item("creation_time", times.datetime(py, session.creation_time)?)?;
    dict.set_item("update_time", times.datetime(py, session.update_time)?)?;
    dict.set_item("expiration_time", times.datetime(py, session.expiration_time)?)?;
    Ok(dict)
}
