//! The calls about attributes, which all classes of [`attr`](crate::python::attr::api) share.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList};

use crate::domain::{Attr, Context};
use crate::ops::{Actor, AttrExpiry, AttrItem, AttrTarget, AttrWrite, Sso};
use crate::python::attr::entity::AttrEntity;
use crate::python::branch::Branch;
use crate::python::runtime::call::none;
use crate::python::value::convert::Times;

/// A call: its context, who acts, and the user or session that owns the attributes.
#[derive(Clone)]
pub struct AttrCall {
    pub branch: Branch,
    pub ctx: Context,
    pub actor: Actor,
    pub target: AttrTarget,
}

impl AttrCall {
    pub fn write<'py>(
        self,
        py: Python<'py>,
        write: AttrWrite,
        items: Vec<AttrItem>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let operation = async move |sso: Arc<Sso>| sso.write_attrs(&ctx, actor, &target, write, items).await;
        branch.run(py, operation, none)
    }

    pub fn set_expiry<'py>(self, py: Python<'py>, items: Vec<AttrExpiry>) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let operation = async move |sso: Arc<Sso>| sso.set_attr_expiry(&ctx, actor, &target, items).await;
        branch.run(py, operation, none)
    }

    pub fn delete<'py>(self, py: Python<'py>, names: Vec<String>) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let operation = async move |sso: Arc<Sso>| sso.delete_attrs(&ctx, actor, &target, names).await;
        branch.run(py, operation, none)
    }

    pub fn get<'py>(
        self,
        py: Python<'py>,
        name: String,
        decrypt: bool,
        serialize_dt: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let times = branch.times();
        let operation =
            async move |sso: Arc<Sso>| sso.get_attrs(&ctx, actor, &target, vec![name], decrypt).await;
        branch.run(py, operation, move |py, mut found: Vec<(String, Option<Attr>)>| {
            entity(py, found.pop().and_then(|(_, attr)| attr), serialize_dt, times)
        })
    }

    pub fn get_many<'py>(
        self,
        py: Python<'py>,
        names: Vec<String>,
        decrypt: bool,
        serialize_dt: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let times = branch.times();
        let operation = async move |sso: Arc<Sso>| sso.get_attrs(&ctx, actor, &target, names, decrypt).await;
        branch.run(py, operation, move |py, found: Vec<(String, Option<Attr>)>| {
            let dict = PyDict::new(py);
            for (name, attr) in found {
                dict.set_item(name, entity(py, attr, serialize_dt, times)?)?;
            }
            Ok(dict.into_any())
        })
    }

    pub fn exists<'py>(self, py: Python<'py>, name: String) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let operation = async move |sso: Arc<Sso>| sso.attrs_exist(&ctx, actor, &target, vec![name]).await;
        branch.run(py, operation, |py, found: Vec<(String, bool)>| {
            let exists = found.iter().any(|(_, exists)| *exists);
            Ok(PyBool::new(py, exists).to_owned().into_any())
        })
    }

    pub fn exists_many<'py>(self, py: Python<'py>, names: Vec<String>) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let operation = async move |sso: Arc<Sso>| sso.attrs_exist(&ctx, actor, &target, names).await;
        branch.run(py, operation, |py, found: Vec<(String, bool)>| {
            let dict = PyDict::new(py);
            for (name, exists) in found {
                dict.set_item(name, exists)?;
            }
            Ok(dict.into_any())
        })
    }

    pub fn names<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let operation = async move |sso: Arc<Sso>| sso.attr_names(&ctx, actor, &target).await;
        branch.run(py, operation, |py, names: Vec<String>| Ok(PyList::new(py, names)?.into_any()))
    }

    pub fn get_all<'py>(
        self,
        py: Python<'py>,
        decrypt: bool,
        value_to_dict: bool,
        serialize_dt: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Self { branch, ctx, actor, target } = self;
        let times = branch.times();
        let operation = async move |sso: Arc<Sso>| sso.all_attrs(&ctx, actor, &target, decrypt).await;
        branch.run(py, operation, move |py, attrs: Vec<Attr>| {
            let dict = PyDict::new(py);
            for attr in attrs {
                let entity = AttrEntity { attr, serialize_dt, times };
                let name = entity.attr.name.clone();
                if value_to_dict {
                    dict.set_item(name, entity.to_dict(py, None)?)?;
                } else {
                    dict.set_item(name, entity.into_pyobject(py)?)?;
                }
            }
            Ok(dict.into_any())
        })
    }
}

fn entity(
    py: Python<'_>,
    attr: Option<Attr>,
    serialize_dt: bool,
    times: Times,
) -> PyResult<Bound<'_, PyAny>> {
    match attr {
        Some(attr) => Ok(AttrEntity { attr, serialize_dt, times }.into_pyobject(py)?.into_any()),
        None => Ok(py.None().into_bound(py)),
    }
}
