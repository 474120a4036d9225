//! `sso.hooks`: the callables that take part in operations.
//!
//! ```text
//! tree  ->  Hooks  ->  callable  ->  all that it refers to, perhaps the tree
//!             ^
//!             | weak
//!           engine
//! ```
//!
//! Only a Python object keeps a callable alive, so that the garbage collector sees the circle. A running call keeps
//! that object alive: see [`Branch::run`](crate::python::branch::Branch::run).

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyMapping, PyString};
use serde_json::{Map, Value};

use crate::domain::{ClaimsWanted, Code, Email, ExpiringPassword, SignUpDetails, SignUpVerdict, UserId};
use crate::ops::{self, HookFuture};
use crate::python::hook::call::{HookCall, Trouble};
use crate::python::runtime::caller;
use crate::python::value::convert::Times;
use crate::python::value::data::json;

type Slot = ArcSwapOption<Py<PyAny>>;

/// Writes the table of hooks: a slot for each, its attribute, and its help text.
macro_rules! hooks {
    ($($(#[$doc:meta])* $name:ident, $setter:ident;)*) => {
        /// The names of all hooks, in the order of the table.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// The callable of each hook, if it is set. Read without the interpreter.
        #[derive(Debug, Default)]
        struct Slots { $($name: Slot,)* }

        impl Slots {
            fn all(&self) -> [(&'static str, &Slot); NAMES.len()] {
                [$((stringify!($name), &self.$name)),*]
            }
        }

        #[pymethods]
        impl Hooks {
            $(
                $(#[$doc])*
                #[getter]
                fn $name(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                    self.slots.$name.load().as_deref().map(|callable| callable.clone_ref(py))
                }

                #[setter]
                fn $setter(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
                    self.slots.$name.store(callable(stringify!($name), value)?);
                    Ok(())
                }
            )*
        }
    };
}

/// ``sso.hooks``: callables that take part in operations, sync or async; None where a hook is not set.
#[pyclass(frozen, name = "Hooks", module = "zato_sso._core")]
pub struct Hooks {
    slots: Arc<Slots>,
}

hooks! {
    /// ``(username, current_app, default_expiry) -> int``: the minutes that a session lives from its login or renewal.
    session_expiry, set_session_expiry;
    /// ``(ctx: dict) -> {"is_valid": bool, "sub_status": list}``: accepts or rejects a sign-up.
    validate_signup, set_validate_signup;
    /// ``(ctx: dict)``: called after a sign-up.
    on_signup, set_on_signup;
    /// ``(message: dict)``: sends an email in place of SMTP. Keys: kind, user_id, username, from, to, subject, text,
    /// html.
    send_email, set_send_email;
    /// ``(ctx: dict) -> dict``: further claims of a user, for clients of the OpenID Provider. Keys of ctx: user_id, username,
    /// client_id, scopes, target: "id_token" or "userinfo".
    claims, set_claims;
    /// ``(users: list)``: called for passwords that expire soon. Dicts of user_id, username and password_expiry.
    on_password_expiring, set_on_password_expiring;
}

#[pymethods]
impl Hooks {
    fn __repr__(&self) -> String {
        let is_set = |(name, slot): (&'static str, &Slot)| slot.load().is_some().then_some(name);
        let names: Vec<_> = self.slots.all().into_iter().filter_map(is_set).collect();
        format!("Hooks({})", names.join(", "))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for (_, slot) in self.slots.all() {
            if let Some(callable) = slot.load().as_deref() {
                visit.call(callable)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        for (_, slot) in self.slots.all() {
            slot.store(None);
        }
    }
}

impl Hooks {
    /// Hooks from the argument of a constructor: a mapping of names to callables, an object that has them as
    /// attributes, or None.
    pub fn new<'py>(py: Python<'py>, given: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, Self>> {
        let hooks = Bound::new(py, Self { slots: Arc::default() })?;
        let Some(given) = given else { return Ok(hooks) };
        let known = NAMES.join(", ");
        let mut is_any = false;
        if let Ok(mapping) = given.cast::<PyMapping>() {
            for key in mapping.keys()?.iter() {
                let name = key.cast::<PyString>().ok().and_then(|name| name.to_str().ok());
                let Some(name) = name.filter(|name| NAMES.contains(name)) else {
                    let problem = format!("hooks: no hook is named {}, expected {known}", key.repr()?);
                    return Err(PyValueError::new_err(problem));
                };
                hooks.setattr(name, mapping.get_item(name)?)?;
            }
            return Ok(hooks);
        }
        for name in NAMES {
            if let Some(hook) = given.getattr_opt(*name)? {
                hooks.setattr(*name, hook)?;
                is_any = true;
            }
        }
        if is_any {
            return Ok(hooks);
        }
        let class = given.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "hooks: expected a mapping, or an object with some of {known}, not {class}"
        )))
    }

    /// The hooks as the engine calls them.
    pub fn link(&self, times: Times) -> Arc<dyn ops::Hooks> {
        Arc::new(Link { slots: Arc::downgrade(&self.slots), times })
    }
}

/// The callable of a hook; None unsets it.
fn callable(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Py<PyAny>>>> {
    if value.is_none() {
        return Ok(None);
    }
    if !value.is_callable() {
        let class = value.get_type().name()?;
        return Err(PyTypeError::new_err(format!("hooks.{name}: expected a callable or None, not {class}")));
    }
    caller::want();
    Ok(Some(Arc::new(value.clone().unbind())))
}

/// The way from the engine to the hooks. It does not keep them alive: the running call does.
#[derive(Debug)]
struct Link {
    slots: Weak<Slots>,
    times: Times,
}

impl Link {
    fn call(&self, name: &'static str, slot: fn(&Slots) -> &Slot) -> Option<HookCall> {
        let slots = self.slots.upgrade()?;
        Some(HookCall::new(name, &*slot(&slots).load_full()?))
    }
}

impl ops::Hooks for Link {
    fn session_expiry(
        &self,
        username: &str,
        current_app: &str,
        default_expiry: u32,
    ) -> Option<HookFuture<i64>> {
        let call = self.call("session_expiry", |slots| &slots.session_expiry)?;
        let (username, current_app) = (username.to_owned(), current_app.to_owned());
        Some(call.run(move |py| (username, current_app, default_expiry).into_pyobject(py), whole))
    }

    fn validate_signup(&self, details: &SignUpDetails) -> Option<HookFuture<SignUpVerdict>> {
        let call = self.call("validate_signup", |slots| &slots.validate_signup)?;
        let details = details.clone();
        Some(call.run(move |py| (sign_up(py, &details)?,).into_pyobject(py), verdict))
    }

    fn on_signup(&self, user_id: &UserId, details: &SignUpDetails) -> Option<HookFuture<()>> {
        let call = self.call("on_signup", |slots| &slots.on_signup)?;
        let (user_id, details) = (user_id.clone(), details.clone());
        Some(call.run(move |py| (signed_up(py, &user_id, &details)?,).into_pyobject(py), nothing))
    }

    fn sends_email(&self) -> bool {
        self.slots.upgrade().is_some_and(|slots| slots.send_email.load().is_some())
    }

    fn send_email(&self, message: &Email) -> Option<HookFuture<()>> {
        let call = self.call("send_email", |slots| &slots.send_email)?;
        let message = message.clone();
        Some(call.run(move |py| (email(py, &message)?,).into_pyobject(py), nothing))
    }

    fn claims(&self, wanted: &ClaimsWanted) -> Option<HookFuture<Map<String, Value>>> {
        let call = self.call("claims", |slots| &slots.claims)?;
        let wanted = wanted.clone();
        Some(call.run(move |py| (claims_wanted(py, &wanted)?,).into_pyobject(py), claims))
    }

    fn on_password_expiring(&self, users: &[ExpiringPassword]) -> Option<HookFuture<()>> {
        let call = self.call("on_password_expiring", |slots| &slots.on_password_expiring)?;
        let (users, times) = (users.to_vec(), self.times);
        Some(call.run(move |py| (expiring(py, &users, times)?,).into_pyobject(py), nothing))
    }
}

fn sign_up<'py>(py: Python<'py>, details: &SignUpDetails) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("username", &details.username)?;
    dict.set_item("email", &details.email)?;
    dict.set_item("current_app", &details.current_app)?;
    dict.set_item("app_list", &details.app_list)?;
    dict.set_item("sign_up_status", details.sign_up_status.as_str())?;
    let names = &details.names;
    for (name, value) in [
        ("display_name", &names.display_name),
        ("first_name", &names.first_name),
        ("middle_name", &names.middle_name),
        ("last_name", &names.last_name),
    ] {
        if let Some(value) = value {
            dict.set_item(name, value)?;
        }
    }
    Ok(dict)
}

fn signed_up<'py>(
    py: Python<'py>,
    user_id: &UserId,
    details: &SignUpDetails,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = sign_up(py, details)?;
    dict.set_item("user_id", user_id.as_str())?;
    Ok(dict)
}

fn email<'py>(py: Python<'py>, message: &Email) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("kind", message.kind.as_str())?;
    dict.set_item("user_id", message.user_id.as_str())?;
    dict.set_item("username", &message.username)?;
    dict.set_item("from", &message.from)?;
    dict.set_item("to", &message.to)?;
    dict.set_item("subject", &message.subject)?;
    dict.set_item("text", &message.text)?;
    dict.set_item("html", &message.html)?;
    Ok(dict)
}

fn claims_wanted<'py>(py: Python<'py>, wanted: &ClaimsWanted) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("user_id", wanted.user_id.as_str())?;
    dict.set_item("username", &wanted.username)?;
    dict.set_item("client_id", &wanted.client_id)?;
    dict.set_item("scopes", &wanted.scopes)?;
    dict.set_item("target", wanted.target)?;
    Ok(dict)
}

fn claims(answer: &Bound<'_, PyAny>) -> Result<Map<String, Value>, Trouble> {
    let wrong = || Trouble::answered(answer, "dict of claims, as JSON has them");
    if answer.is_none() {
        return Ok(Map::new());
    }
    match answer.cast::<PyDict>().map(|dict| json(dict)) {
        Ok(Ok(Value::Object(claims))) => Ok(claims),
        _ => Err(wrong()),
    }
}

fn expiring<'py>(py: Python<'py>, users: &[ExpiringPassword], times: Times) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for user in users {
        let dict = PyDict::new(py);
        dict.set_item("user_id", user.user_id.as_str())?;
        dict.set_item("username", &user.username)?;
        dict.set_item("password_expiry", times.datetime(py, user.password_expiry)?)?;
        list.append(dict)?;
    }
    Ok(list)
}

fn nothing(_: &Bound<'_, PyAny>) -> Result<(), Trouble> {
    Ok(())
}

fn whole(answer: &Bound<'_, PyAny>) -> Result<i64, Trouble> {
    let wrong = || Trouble::answered(answer, "int, a number of minutes");
    if !answer.is_instance_of::<PyInt>() || answer.is_instance_of::<PyBool>() {
        return Err(wrong());
    }
    answer.extract().map_err(|_| wrong())
}

/// Only the first code of `sub_status` is reported: an operation fails with one code.
fn verdict(answer: &Bound<'_, PyAny>) -> Result<SignUpVerdict, Trouble> {
    const EXPECTED: &str = "dict of is_valid, a bool, and sub_status, a list of status codes";
    let wrong = || Trouble::answered(answer, EXPECTED);
    let dict = answer.cast::<PyDict>().map_err(|_| wrong())?;
    let is_valid = dict.get_item("is_valid")?.ok_or_else(wrong)?;
    if is_valid.cast::<PyBool>().map_err(|_| wrong())?.is_true() {
        return Ok(SignUpVerdict::Accepted);
    }
    let Some(codes) = dict.get_item("sub_status")?.filter(|codes| !codes.is_none()) else {
        return Ok(SignUpVerdict::Refused(None));
    };
    let codes: Vec<String> = codes.extract().map_err(|_| wrong())?;
    let known =
        |text: &String| Code::ALL.iter().copied().find(|code| code.as_str() == text).ok_or_else(wrong);
    let codes = codes.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    Ok(SignUpVerdict::Refused(codes.first().copied()))
}
