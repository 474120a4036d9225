//! `sso.site`: sites, clients of the sessions API. For trusted callers: no session is needed.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt};

use crate::domain::Site;
use crate::ops::{Actor, CreatedSite, KeyChange, NewSite, SiteUpdate, Sso, UpdatedSite};
use crate::python::branch::Branch;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, Times};
use crate::python::value::shown;

/// ``sso.site``: sites, clients of the sessions API, and their sessions. For trusted callers.
#[pyclass(frozen, name = "SiteAPI", module = "zato_sso._core")]
pub struct SiteApi {
    pub(in crate::python) branch: Branch,
}

impl SiteApi {
    pub const fn new(branch: Branch) -> Self {
        Self { branch }
    }
}

#[pymethods]
impl SiteApi {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }

    /// Creates a site with a new key pair.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site: a label as in host names.
    ///     callback_uris: The URIs that browsers may be redirected back to.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     trusted: Whether it speaks for all users, except super-users. Any other site does for those that it made, or
    ///         whose password it has verified within an hour.
    ///     long_key: Whether the private key has 256 random bits, rather than being a UUID of 122.
    ///
    /// Returns:
    ///     A dict: subdomain, public_key, private_key, is_active, is_trusted, creation_time, callback_uris. The private
    ///     key cannot be read again.
    ///
    /// Raises:
    ///     ValidationError: E008002 for an invalid subdomain or URI, E008001 for one that another site has.
    ///
    /// Example:
    ///     >>> site = sso.site.create("cid-1", "shop", ["https://shop.example/callback"])
    ///     >>> public_key, private_key = site["public_key"], site["private_key"]
    #[pyo3(signature = (cid, subdomain, callback_uris, current_app=None, remote_addr=None, trusted=false,
        long_key=false))]
    #[expect(clippy::too_many_arguments, reason = "as many as the command has, and the context")]
    fn create<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        callback_uris: Vec<String>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        trusted: bool,
        long_key: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let new = NewSite { subdomain, callback_uris, is_trusted: trusted, has_long_key: long_key };
        let operation = async move |sso: Arc<Sso>| sso.create_site(&ctx, new).await;
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, created: CreatedSite| {
            let dict = to_dict(py, &created.site, times)?;
            dict.set_item("private_key", created.private_key.expose())?;
            Ok(dict.into_any())
        })
    }

    /// All sites, by subdomain, without their private keys.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     A list of dicts: subdomain, public_key, is_active, is_trusted, creation_time, callback_uris; and
    ///     has_old_key, which is True, where the key that it had before is valid as well.
    #[pyo3(signature = (cid, current_app=None, remote_addr=None))]
    fn get_list<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.list_sites(&ctx, Actor::Trusted(None)).await;
        self.branch.run(py, operation, shown::list(self.branch.times(), to_dict))
    }

    /// Replaces the callback URIs or the private key of a site, or whether it is trusted. What is not given stays.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site.
    ///     callback_uris: The URIs that browsers may be redirected back to, in the place of the former ones.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///     trusted: Whether it speaks for all users, as in ``create``.
    ///     new_key: Whether it gets another private key.
    ///     long_key: Whether that has 256 random bits, as in ``create``.
    ///     keep_old_key: Whether the key that it had goes on being valid beside the new one, until ``end_old_key``.
    ///     end_old_key: Whether the key that was kept ends.
    ///
    /// Returns:
    ///     The site, as in ``get_list``; with ``new_key`` also private_key, which cannot be read again.
    ///
    /// Raises:
    ///     ValidationError: E008002 if there is no such site, or for an invalid URI, E008001 for one that another site
    ///         has.
    ///     ValueError: For a combination of arguments about keys that makes no sense.
    #[pyo3(signature = (cid, subdomain, callback_uris=None, current_app=None, remote_addr=None, trusted=None,
        new_key=false, long_key=false, keep_old_key=false, end_old_key=false))]
    #[expect(clippy::too_many_arguments, reason = "as many as the command has, and the context")]
    #[expect(clippy::fn_params_excessive_bools, reason = "they are the options of the command")]
    fn update<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        callback_uris: Option<Vec<String>>,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
        trusted: Option<bool>,
        new_key: bool,
        long_key: bool,
        keep_old_key: bool,
        end_old_key: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let key = match (new_key, end_old_key) {
            (true, false) => KeyChange::New { is_long: long_key, keeps_old: keep_old_key },
            (true, true) => {
                return Err(PyValueError::new_err("end_old_key: a new key ends the old one anyway"));
            }
            (false, _) if long_key || keep_old_key => {
                return Err(PyValueError::new_err("long_key and keep_old_key: they need new_key"));
            }
            (false, true) => KeyChange::EndOld,
            (false, false) => KeyChange::Keep,
        };
        let update = SiteUpdate { callback_uris, is_trusted: trusted, key };
        let operation = async move |sso: Arc<Sso>| sso.update_site(&ctx, &subdomain, update).await;
        let times = self.branch.times();
        self.branch.run(py, operation, move |py, updated: UpdatedSite| {
            let dict = to_dict(py, &updated.site, times)?;
            if let Some(private_key) = &updated.private_key {
                dict.set_item("private_key", private_key.expose())?;
            }
            Ok(dict.into_any())
        })
    }

    /// Deletes a site and ends its sessions.
    ///
    /// Args:
    ///     cid: Correlation ID.
    ///     subdomain: The name of the site.
    ///     current_app: The application on whose behalf the call is made.
    ///     remote_addr: The address that the call comes from.
    ///
    /// Returns:
    ///     The number of sessions that ended.
    ///
    /// Raises:
    ///     ValidationError: E008002 if there is no such site.
    #[pyo3(signature = (cid, subdomain, current_app=None, remote_addr=None))]
    fn delete<'py>(
        &self,
        py: Python<'py>,
        cid: CidArgument,
        subdomain: String,
        current_app: Option<String>,
        remote_addr: Option<RemoteAddrArgument>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.branch.context(cid, current_app, remote_addr);
        let operation = async move |sso: Arc<Sso>| sso.delete_site(&ctx, &subdomain).await;
        self.branch.run(py, operation, |py, ended: u64| Ok(PyInt::new(py, ended).into_any()))
    }
}

fn to_dict<'py>(py: Python<'py>, site: &Site, times: Times) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("subdomain", &site.subdomain)?;
    dict.set_item("public_key", site.public_key.to_string())?;
    dict.set_item("is_active", site.is_active)?;
    dict.set_item("is_trusted", site.is_trusted)?;
    dict.set_item("creation_time", times.datetime(py, site.creation_time)?)?;
    dict.set_item("callback_uris", &site.callback_uris)?;
    if site.has_old_key {
        dict.set_item("has_old_key", true)?;
    }
    Ok(dict)
}
