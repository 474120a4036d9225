//! Dicts as arguments: a new user, a password change, a configuration.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::Value;

use crate::domain::{
    ApprovalStatus, AuditSearch, ClientUpdate, Code, Edit, Error, GroupUpdate, NameOp, NewUser, Password,
    SignUpNames, SignUpStatus, Timestamp, UserSearch, UserUpdate,
};
use crate::ops::{ChangePassword, SignUpRequest};
use crate::python::value::convert;
use crate::python::value::convert::PasswordArgument;
use crate::python::value::error::Fault;

/// Reads the values of a dict by name. A key that was never asked for is a mistake: see [`Data::finish`].
pub struct Data<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    known: Vec<&'static str>,
}

impl<'a, 'py> Data<'a, 'py> {
    pub const fn new(dict: &'a Bound<'py, PyDict>) -> Self {
        Self { dict, known: Vec::new() }
    }

    /// A value, converted. None is the same as missing; a wrong type is E008002.
    fn take<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        convert: impl FnOnce(&Bound<'py, PyAny>) -> Option<T>,
    ) -> PyResult<Option<T>> {
        self.known.push(name);
        let Some(value) = self.dict.get_item(name)?.filter(|value| !value.is_none()) else {
            return Ok(None);
        };
        let given = value.get_type().name()?;
        let wrong = || invalid(format!("{name}: expected {expected}, not {given}"));
        convert(&value).map(Some).ok_or_else(wrong)
    }

    /// A required value, which may be None.
    pub fn needed<T>(
        &mut self,
        name: &'static str,
        convert: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<T> {
        self.known.push(name);
        let value = self.dict.get_item(name)?.ok_or_else(|| missing(name))?;
        convert(&value)
    }

    pub fn text(&mut self, name: &'static str) -> PyResult<Option<String>> {
        self.take(name, "str", |value| value.cast::<PyString>().ok()?.to_str().ok().map(str::to_owned))
    }

    pub fn flag(&mut self, name: &'static str) -> PyResult<Option<bool>> {
        self.take(name, "bool", |value| value.cast::<PyBool>().ok().map(|flag| flag.is_true()))
    }

    pub fn whole(&mut self, name: &'static str) -> PyResult<Option<i64>> {
        // True is an int to Python, and a mistake here.
        let number = |value: &Bound<'py, PyAny>| {
            if value.is_instance_of::<PyBool>() { None } else { value.extract().ok() }
        };
        self.take(name, "int", number)
    }

    fn texts(&mut self, name: &'static str) -> PyResult<Option<Vec<String>>> {
        self.take(name, "list of str", |value| {
            let is_list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
            if is_list { value.extract().ok() } else { None }
        })
    }

    /// A JSON object, as a dict or as its text.
    fn json_object(&mut self, name: &'static str) -> PyResult<Option<String>> {
        self.take(name, "dict or str", |value| {
            if let Ok(text) = value.cast::<PyString>() {
                return text.to_str().ok().map(str::to_owned);
            }
            value.cast::<PyDict>().ok().and_then(|dict| json_text(dict).ok())
        })
    }

    fn secret(&mut self, name: &'static str) -> PyResult<Option<Password>> {
        let secret = |value: &Bound<'py, PyAny>| Some(value.extract::<PasswordArgument>().ok()?.0);
        self.take(name, "str or bytes", secret)
    }

    /// A value in a dict of changes: None removes it, a missing key leaves it unchanged.
    fn edit<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> PyResult<Option<T>>,
    ) -> PyResult<Edit<T>> {
        let is_there = self.dict.contains(name)?;
        Ok(match read(self, name)? {
            Some(value) => Edit::Set(value),
            None if is_there => Edit::Clear,
            None => Edit::Keep,
        })
    }

    fn sign_up_status(&mut self, name: &'static str) -> PyResult<Option<SignUpStatus>> {
        self.take(name, "before_confirmation, to_approve or final", |value| {
            SignUpStatus::parse(value.cast::<PyString>().ok()?.to_str().ok()?)
        })
    }

    fn approval_status(&mut self, name: &'static str) -> PyResult<Option<ApprovalStatus>> {
        self.take(name, "before_decision, approved or rejected", |value| {
            ApprovalStatus::parse(value.cast::<PyString>().ok()?.to_str().ok()?)
        })
    }

    fn time(&mut self, name: &'static str) -> PyResult<Option<Timestamp>> {
        self.take(name, "datetime", convert::timestamp)
    }

    /// Rejects keys that were never asked for: they are mistakes, such as typing errors.
    pub fn finish(self) -> PyResult<()> {
        for key in self.dict.keys() {
            let key: String = key.str()?.to_string();
            if !self.known.contains(&key.as_str()) {
                return Err(invalid(format!("{key}: unknown, expected one of {}", self.known.join(", "))));
            }
        }
        Ok(())
    }
}

fn invalid(detail: String) -> PyErr {
    Fault::from(Error::refused(Code::CommonInvalidInput, detail)).into()
}

/// The exception for a required value that is missing: E008003.
pub fn missing(name: &str) -> PyErr {
    Fault::from(Error::refused(Code::CommonMissingInput, format!("{name}: needed"))).into()
}

/// The `data` of `create_user`; an unknown key is E008002.
pub fn new_user(data: &Bound<'_, PyDict>) -> PyResult<NewUser> {
    let mut data = Data::new(data);
    let creation_ctx =
        data.take("creation_ctx", "a JSON value", |value| Some(json(value).ok()?.to_string()))?;
    let new = NewUser {
        username: data.text("username")?,
        password: data.secret("password")?,
        email: data.text("email")?,
        display_name: data.text("display_name")?,
        first_name: data.text("first_name")?,
        middle_name: data.text("middle_name")?,
        last_name: data.text("last_name")?,
        is_locked: data.flag("is_locked")?,
        sign_up_status: data.sign_up_status("sign_up_status")?,
        password_must_change: data.flag("password_must_change")?,
        is_totp_enabled: data.flag("is_totp_enabled")?,
        totp_key: data.secret("totp_key")?,
        totp_label: data.text("totp_label")?,
        is_rate_limit_active: data.flag("is_rate_limit_active")?,
        rate_limit_def: data.text("rate_limit_def")?,
        creation_ctx,
    };
    data.finish()?;
    Ok(new)
}

/// The `data` of `update_user_by_id`; an unknown key is E008002.
pub fn user_update(data: &Bound<'_, PyDict>) -> PyResult<UserUpdate> {
    let mut data = Data::new(data);
    let update = UserUpdate {
        username: data.edit("username", Data::text)?,
        email: data.edit("email", Data::text)?,
        display_name: data.edit("display_name", Data::text)?,
        first_name: data.edit("first_name", Data::text)?,
        middle_name: data.edit("middle_name", Data::text)?,
        last_name: data.edit("last_name", Data::text)?,
        is_totp_enabled: data.edit("is_totp_enabled", Data::flag)?,
        totp_key: data.edit("totp_key", Data::secret)?,
        totp_label: data.edit("totp_label", Data::text)?,
        totp_code: data.secret("totp_code")?,
        is_locked: data.edit("is_locked", Data::flag)?,
        is_super_user: data.edit("is_super_user", Data::flag)?,
        password_expiry: data.edit("password_expiry", Data::time)?,
        password_must_change: data.edit("password_must_change", Data::flag)?,
        sign_up_status: data.edit("sign_up_status", Data::sign_up_status)?,
        approval_status: data.edit("approval_status", Data::approval_status)?,
        is_rate_limit_active: data.edit("is_rate_limit_active", Data::flag)?,
        rate_limit_def: data.edit("rate_limit_def", Data::text)?,
    };
    data.finish()?;
    Ok(update)
}

/// The `data` of `group.update`; an unknown key is E008002.
pub fn group_update(data: &Bound<'_, PyDict>) -> PyResult<GroupUpdate> {
    let mut data = Data::new(data);
    let update = GroupUpdate {
        name: data.edit("name", Data::text)?,
        display_name: data.edit("display_name", Data::text)?,
        description: data.edit("description", Data::text)?,
        scopes: data.edit("scopes", Data::texts)?,
        can_manage_users: data.edit("can_manage_users", Data::flag)?,
        can_read_audit: data.edit("can_read_audit", Data::flag)?,
    };
    data.finish()?;
    Ok(update)
}

/// The `data` of `client.create` and `client.update`; an unknown key is E008002.
pub fn client_update(data: &Bound<'_, PyDict>) -> PyResult<ClientUpdate> {
    let mut data = Data::new(data);
    let update = ClientUpdate {
        name: data.edit("name", Data::text)?,
        redirect_uris: data.edit("redirect_uris", Data::texts)?,
        post_logout_redirect_uris: data.edit("post_logout_redirect_uris", Data::texts)?,
        backchannel_logout_uri: data.edit("backchannel_logout_uri", Data::text)?,
        scopes: data.edit("scopes", Data::texts)?,
        grants: data.edit("grants", Data::texts)?,
        auth_method: data.edit("auth_method", Data::text)?,
        jwks: data.edit("jwks", Data::json_object)?,
        jwks_uri: data.edit("jwks_uri", Data::text)?,
        id_token_alg: data.edit("id_token_alg", Data::text)?,
        access_token_format: data.edit("access_token_format", Data::text)?,
        access_token_lifetime: data.edit("access_token_lifetime", Data::whole)?,
        refresh_token_lifetime: data.edit("refresh_token_lifetime", Data::whole)?,
        refresh_token_idle: data.edit("refresh_token_idle", Data::whole)?,
        default_audience: data.edit("default_audience", Data::text)?,
        audiences: data.edit("audiences", Data::texts)?,
        own_audiences: data.edit("own_audiences", Data::texts)?,
        is_trusted: data.edit("is_trusted", Data::flag)?,
        require_pkce: data.edit("require_pkce", Data::flag)?,
        app: data.edit("app", Data::text)?,
        logo_uri: data.edit("logo_uri", Data::text)?,
        policy_uri: data.edit("policy_uri", Data::text)?,
        tos_uri: data.edit("tos_uri", Data::text)?,
        pairwise_sector: data.edit("pairwise_sector", Data::text)?,
        is_active: data.edit("is_active", Data::flag)?,
    };
    data.finish()?;
    Ok(update)
}

/// The criteria of a search: the attributes of a `SearchCtx`.
pub fn user_search(ctx: &Bound<'_, PyAny>) -> PyResult<UserSearch> {
    let class = ctx.py().import("zato_sso.ctx")?.getattr("SearchCtx")?;
    if !ctx.is_instance(&class)? {
        return Err(PyTypeError::new_err(format!(
            "argument 'ctx': expected SearchCtx, not {}",
            ctx.get_type().name()?
        )));
    }
    let dict = ctx.getattr("__dict__")?;
    let mut data = Data::new(dict.cast()?);
    let default = UserSearch::default();
    let search = UserSearch {
        user_id: data.text("user_id")?,
        username: data.text("username")?,
        email: data.text("email")?,
        display_name: data.text("display_name")?,
        first_name: data.text("first_name")?,
        middle_name: data.text("middle_name")?,
        last_name: data.text("last_name")?,
        sign_up_status: data.sign_up_status("sign_up_status")?,
        approval_status: data.approval_status("approval_status")?,
        group: data.text("group")?,
        paginate: data.flag("paginate")?.unwrap_or(default.paginate),
        cur_page: data.whole("cur_page")?.unwrap_or(default.cur_page),
        page_size: data.whole("page_size")?,
        name_op: data
            .take("name_op", "and or or", |value| {
                NameOp::parse(value.cast::<PyString>().ok()?.to_str().ok()?)
            })?
            .unwrap_or(default.name_op),
        is_name_exact: data.flag("is_name_exact")?.unwrap_or(default.is_name_exact),
    };
    data.finish()?;
    Ok(search)
}

/// The criteria of a search of the audit: the attributes of an `AuditSearchCtx`.
pub fn audit_search(ctx: &Bound<'_, PyAny>) -> PyResult<AuditSearch> {
    let class = ctx.py().import("zato_sso.ctx")?.getattr("AuditSearchCtx")?;
    if !ctx.is_instance(&class)? {
        return Err(PyTypeError::new_err(format!(
            "argument 'ctx': expected AuditSearchCtx, not {}",
            ctx.get_type().name()?
        )));
    }
    let dict = ctx.getattr("__dict__")?;
    let mut data = Data::new(dict.cast()?);
    let search = AuditSearch {
        time_from: data.time("time_from")?,
        time_before: data.time("time_before")?,
        op: data.text("op")?,
        result: data.text("result")?,
        user_id: data.text("user_id")?,
        username: None,
        cid: data.text("cid")?,
        remote_addr: data.text("remote_addr")?,
        after: data.text("after")?,
        limit: data.whole("limit")?,
    };
    data.finish()?;
    Ok(search)
}

/// A sign-up, from the attributes of a `SignupCtx`, and the application that it names.
pub fn sign_up(ctx: &Bound<'_, PyAny>) -> PyResult<(SignUpRequest, Option<String>)> {
    let class = ctx.py().import("zato_sso.ctx")?.getattr("SignupCtx")?;
    if !ctx.is_instance(&class)? {
        return Err(PyTypeError::new_err(format!(
            "argument 'ctx': expected SignupCtx, not {}",
            ctx.get_type().name()?
        )));
    }
    let dict = ctx.getattr("__dict__")?;
    let mut data = Data::new(dict.cast()?);
    let request = SignUpRequest {
        username: data.text("username")?.unwrap_or_default(),
        email: data.text("email")?,
        names: SignUpNames {
            display_name: data.text("display_name")?,
            first_name: data.text("first_name")?,
            middle_name: data.text("middle_name")?,
            last_name: data.text("last_name")?,
        },
        password: data.secret("password")?.unwrap_or_else(|| Password::from("")),
        app_list: data.texts("app_list")?,
    };
    let current_app = data.text("current_app")?;
    let status = data.sign_up_status("sign_up_status")?;
    data.finish()?;
    // The attribute may have been filled from a client's request.
    if status.is_some_and(|status| status != SignUpStatus::BeforeConfirmation) {
        return Err(invalid("sign_up_status: a sign-up begins with before_confirmation".to_owned()));
    }
    Ok((request, current_app))
}

/// A password change, by its user or a super-user.
pub fn change_password(data: &Bound<'_, PyDict>) -> PyResult<ChangePassword> {
    let mut data = Data::new(data);
    let change = ChangePassword {
        old_password: data.secret("old_password")?,
        new_password: data.secret("new_password")?.ok_or_else(|| missing("new_password"))?,
        user_id: data.text("user_id")?,
        password_expiry: data.whole("password_expiry")?,
        must_change: data.flag("must_change")?,
    };
    data.finish()?;
    Ok(change)
}

/// The most levels that a JSON value may be nested.
const MAX_DEPTH: usize = 64;

/// A Python value as JSON: str, int, float, bool, None, list, tuple and dict with str keys.
pub fn json(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let text = json_text(value)?;
    serde_json::from_str(&text).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// As [`json`], with the name of the argument in the error.
pub fn named_json(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    json(value).map_err(|error| {
        let py = value.py();
        let text = format!("{name}: {}", error.value(py));
        if error.is_instance_of::<PyTypeError>(py) {
            PyTypeError::new_err(text)
        } else {
            PyValueError::new_err(text)
        }
    })
}

/// As [`json`], but as text, which keeps integers of any size.
pub fn json_text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::new();
    write_json(value, MAX_DEPTH, &mut text)?;
    Ok(text)
}

fn write_json(value: &Bound<'_, PyAny>, depth: usize, text: &mut String) -> PyResult<()> {
    let depth = depth.checked_sub(1).ok_or_else(|| PyValueError::new_err("nested too deeply"))?;
    if value.is_none() {
        text.push_str("null");
    } else if let Ok(flag) = value.cast::<PyBool>() {
        text.push_str(if flag.is_true() { "true" } else { "false" });
    } else if value.is_instance_of::<PyInt>() {
        // Not the `__repr__` of a subclass, such as an enumeration.
        let digits = value.py().get_type::<PyInt>().call_method1("__repr__", (value,))?;
        text.push_str(digits.cast::<PyString>()?.to_str()?);
    } else if value.is_instance_of::<PyFloat>() {
        let number = serde_json::Number::from_f64(value.extract()?);
        let number = number.ok_or_else(|| PyValueError::new_err("JSON has no NaN and no infinity"))?;
        text.push_str(&number.to_string());
    } else if let Ok(string) = value.cast::<PyString>() {
        text.push_str(&Value::from(string.to_str()?).to_string());
    } else if let Ok(dict) = value.cast::<PyDict>() {
        text.push('{');
        for (index, (key, entry)) in dict.iter().enumerate() {
            text.push_str(if index > 0 { "," } else { "" });
            text.push_str(&Value::from(key.cast::<PyString>()?.to_str()?).to_string());
            text.push(':');
            write_json(&entry, depth, text)?;
        }
        text.push('}');
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        text.push('[');
        for (index, entry) in value.try_iter()?.enumerate() {
            text.push_str(if index > 0 { "," } else { "" });
            write_json(&entry?, depth, text)?;
        }
        text.push(']');
    } else {
        return Err(PyTypeError::new_err(format!("not a JSON value: {}", value.get_type().name()?)));
    }
    Ok(())
}
