//! The module `zato_sso._core`.

use pyo3::prelude::*;

use crate::domain::Code;
use crate::python::attr::api::{AttrApi, SessionAttrApi, UserAttrApi};
use crate::python::attr::entity::AttrEntity;
use crate::python::credential::RecoveryCodeApi;
use crate::python::grant::UserGrantApi;
use crate::python::hook::registry::Hooks;
use crate::python::import::Summary;
use crate::python::passkey::{Passkey, PasskeyApi};
use crate::python::password::AccessTokenCtx;
use crate::python::root;
#[cfg(feature = "server")]
use crate::python::server::exchange;
use crate::python::session::entity::{Session, SessionInfo};
use crate::python::testing::TestClock;
use crate::python::token::Token;
use crate::python::user::api::UserApi;
use crate::python::user::entity::User;
use crate::python::value::error;

/// Every status code: (code, group, label).
#[pyfunction]
fn status_codes() -> Vec<(&'static str, &'static str, &'static str)> {
    Code::ALL.iter().map(|code| (code.as_str(), code.group(), code.label())).collect()
}

/// Runs the command `zato-sso`, detached from the interpreter, and returns its exit status.
///
/// Args:
///     arguments: The command line, the name of the program first.
#[cfg(feature = "server")]
#[pyfunction]
fn command(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| crate::command(arguments))
}

/// The compiled part of `zato_sso`. Its names are private: import them from `zato_sso` and `zato_sso.aio`.
#[pymodule]
#[pyo3(name = "_core")]
fn core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(error::code_label, module)?)?;
    module.add_function(wrap_pyfunction!(status_codes, module)?)?;
    #[cfg(feature = "server")]
    module.add_function(wrap_pyfunction!(command, module)?)?;
    #[cfg(feature = "server")]
    {
        module.add_function(wrap_pyfunction!(exchange::client_address, module)?)?;
        module.add_function(wrap_pyfunction!(exchange::issuer, module)?)?;
        module.add_class::<exchange::Server>()?;
        module.add_class::<exchange::Exchange>()?;
    }
    module.add_class::<TestClock>()?;
    module.add_function(wrap_pyfunction!(root::with_clock, module)?)?;
    module.add_function(wrap_pyfunction!(root::collect_metrics, module)?)?;
    root::add_classes(module)?;
    module.add_class::<Hooks>()?;
    module.add_class::<User>()?;
    module.add_class::<Session>()?;
    module.add_class::<SessionInfo>()?;
    module.add_class::<Token>()?;
    module.add_class::<Summary>()?;
    module.add_class::<AttrApi>()?;
    module.add_class::<UserAttrApi>()?;
    module.add_class::<SessionAttrApi>()?;
    module.add_class::<AttrEntity>()?;
    module.add_class::<RecoveryCodeApi>()?;
    module.add_class::<PasskeyApi>()?;
    module.add_class::<Passkey>()?;
    module.add_class::<UserGrantApi>()?;
    module.add_class::<AccessTokenCtx>()?;
    UserApi::add_aliases(py)
}
