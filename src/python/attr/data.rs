//! Dicts that describe attributes to write.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::domain::AttrValue;
use crate::ops::{AttrExpiry, AttrItem};
use crate::python::value::data::{Data, json_text, missing};

/// The value of an attribute, from a JSON value.
pub fn value(value: &Bound<'_, PyAny>) -> PyResult<AttrValue> {
    json_text(value).map(AttrValue::from_json_text)
}

/// Attributes from a list of dicts with name, value, and optionally expiration, encrypt and user_id, which default to
/// those of the call.
pub fn items(
    list: &Bound<'_, PyList>,
    expiration: Option<i64>,
    encrypt: Option<bool>,
    user_id: Option<&str>,
) -> PyResult<Vec<AttrItem>> {
    let item = |dict: Bound<'_, PyAny>| {
        let mut data = Data::new(dict.cast::<PyDict>()?);
        let item = AttrItem {
            name: data.text("name")?.ok_or_else(|| missing("name"))?,
            value: data.needed("value", value)?,
            expiration: data.whole("expiration")?.or(expiration),
            encrypt: data.flag("encrypt")?.or(encrypt),
            user_id: data.text("user_id")?.or_else(|| user_id.map(str::to_owned)),
        };
        data.finish()?;
        Ok(item)
    };
    list.iter().map(item).collect()
}

/// Expirations from a list of dicts with name, and optionally expiration and user_id.
pub fn expirations(list: &Bound<'_, PyList>, expiration: Option<i64>) -> PyResult<Vec<AttrExpiry>> {
    let item = |dict: Bound<'_, PyAny>| {
        let mut data = Data::new(dict.cast::<PyDict>()?);
        let item = AttrExpiry {
            name: data.text("name")?.ok_or_else(|| missing("name"))?,
            expiration: data.whole("expiration")?.or(expiration),
            user_id: data.text("user_id")?,
        };
        data.finish()?;
        Ok(item)
    };
    list.iter().map(item).collect()
}
