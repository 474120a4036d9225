//! `sso.import_users`: users from an iterable of dicts.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use zeroize::Zeroizing;

use crate::crypto::FirebaseParams;
use crate::domain::{
    self, Cid, Error, ImportBatch, ImportFinding, ImportObserver, ImportRecord, ImportSummary, ImportedUser,
    Unusable,
};
use crate::ops::{ImportOptions, Sso, read_user};
use crate::python::branch::Branch;
use crate::python::runtime::fork;
use crate::python::runtime::gate;
use crate::python::runtime::gate::Pass;
use crate::python::value::convert::{CidArgument, RemoteAddrArgument, timestamp};
use crate::python::value::data::json_text;

/// The most findings that a summary lists, so that a list full of mistakes does not fill the memory.
const MAX_FINDINGS: usize = 1000;

/// The result of an import.
#[pyclass(frozen, name = "ImportSummary", module = "zato_sso")]
pub struct Summary {
    summary: ImportSummary,
    findings: Vec<ImportFinding>,
}

#[pymethods]
impl Summary {
    /// The number of dicts that were read.
    #[getter]
    const fn read(&self) -> u64 {
        self.summary.read
    }

    /// The number of users that were created, or would be in a dry run.
    #[getter]
    const fn imported(&self) -> u64 {
        self.summary.imported
    }

    /// The number of users that existed before, and were not changed.
    #[getter]
    const fn already_there(&self) -> u64 {
        self.summary.already_there
    }

    /// The number of dicts that were rejected.
    #[getter]
    const fn refused(&self) -> u64 {
        self.summary.refused
    }

    /// The number of imported users of whom a part was not imported.
    #[getter]
    const fn incomplete(&self) -> u64 {
        self.summary.incomplete
    }

    /// What was not imported, up to 1000 entries: dicts with position, username, is_refused and reason.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for finding in &self.findings {
            list.append(dict_of(py, finding)?)?;
        }
        Ok(list)
    }

    fn __repr__(&self) -> String {
        let ImportSummary { read, imported, already_there, refused, incomplete } = self.summary;
        format!(
            "ImportSummary(read={read}, imported={imported}, already_there={already_there}, refused={refused}, \
             incomplete={incomplete})"
        )
    }
}

fn dict_of<'py>(py: Python<'py>, finding: &ImportFinding) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("position", &finding.position)?;
    dict.set_item("username", finding.username.as_deref())?;
    dict.set_item("is_refused", finding.is_refused)?;
    dict.set_item("reason", &finding.reason)?;
    Ok(dict)
}

/// Runs an import, in the mode of the tree.
pub fn import_users<'py>(
    py: Python<'py>,
    branch: &Branch,
    users: &Bound<'py, PyAny>,
    dry_run: bool,
    firebase: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let firebase = firebase.map(firebase_params).transpose()?.map(Arc::new);
    let mut ctx = branch.context(CidArgument(Cid::new("")), None::<String>, None::<RemoteAddrArgument>);
    let raised = Arc::new(Mutex::new(None));
    let source = Source {
        iterator: Some(users.try_iter()?.into_any().unbind()),
        number: 0,
        raised: Arc::clone(&raised),
        is_here: branch.is_blocking(),
    };
    let operation = async move |sso: Arc<Sso>| {
        // The first step runs attached, and this is no matter of a moment.
        tokio::task::yield_now().await;
        ctx.cid = Cid::random(sso.random())?;
        let mut findings = Findings(Vec::new());
        let options = ImportOptions { firebase, ..ImportOptions::new("python", dry_run) };
        match sso.import_users(&ctx, source, options, &mut findings).await {
            Ok(summary) => Ok(Ok(Summary { summary, findings: findings.0 })),
            Err(error) => match raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(raised) => Ok(Err(raised)),
                None => Err(error),
            },
        }
    };
    branch.run(py, operation, |py, outcome: Result<Summary, PyErr>| Ok(Bound::new(py, outcome?)?.into_any()))
}

/// The hash parameters of a Firebase project: a mapping, or the text that its console shows.
fn firebase_params(given: &Bound<'_, PyAny>) -> PyResult<FirebaseParams> {
    let text = match given.cast::<PyString>() {
        Ok(text) => text.to_str()?.to_owned(),
        Err(_) => json_text(given)?,
    };
    let text = Zeroizing::new(text);
    FirebaseParams::parse(&text).map_err(|reason| PyValueError::new_err(format!("firebase: {reason}")))
}

struct Findings(Vec<ImportFinding>);

impl ImportObserver for Findings {
    fn found(&mut self, finding: ImportFinding) -> domain::Result<()> {
        if self.0.len() < MAX_FINDINGS {
            self.0.push(finding);
        }
        Ok(())
    }

    fn progressed(&mut self, _summary: &ImportSummary, _done: u64, _total: Option<u64>) {}
}

/// Reads from a Python iterable, one batch at a time.
struct Source {
    /// None once it is exhausted.
    iterator: Option<Py<PyAny>>,
    number: u64,
    /// The exception that the iterable raised.
    raised: Arc<Mutex<Option<PyErr>>>,
    /// Whether to read on the current thread: where calls block, that is the thread of the caller, and an iterable may
    /// depend on it, as database connections do. An event loop must not be blocked.
    is_here: bool,
}

impl domain::ImportSource for Source {
    async fn next_batch(&mut self, limit: usize) -> domain::Result<ImportBatch> {
        let Some(iterator) = self.iterator.take() else { return Ok(ImportBatch::default()) };
        let number = self.number;
        let generation = gate::generation();
        let take = move || {
            // A fork waits for the iterable, which is Python code and may call the API, as it does for hooks.
            let _pass = Pass::enter_now();
            gate::visit(|py| {
                let taken = gate::nested(|| take(py, iterator, number, limit));
                fork::notice();
                taken
            })
        };
        let taken = if self.is_here {
            take()
        } else {
            tokio::task::spawn_blocking(take).await.map_err(Error::internal)?
        };
        if gate::generation() != generation {
            // The iterable has forked, and this is the child: the operation must not go on here.
            return std::future::pending().await;
        }
        let taken = taken.ok_or_else(|| Error::unavailable("the interpreter is ending"))?;
        match taken {
            Ok((iterator, records)) => {
                self.iterator = iterator;
                self.number += records.len() as u64;
                Ok(ImportBatch { records, done: self.number, total: None })
            }
            Err(raised) => {
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
                Err(Error::unavailable("the iterable has raised an exception"))
            }
        }
    }
}

type Taken = (Option<Py<PyAny>>, Vec<ImportRecord>);

/// The next dicts, and the iterator unless it is exhausted.
fn take(py: Python<'_>, iterator: Py<PyAny>, number: u64, limit: usize) -> PyResult<Taken> {
    let bound = iterator.bind(py).clone();
    let mut records = Vec::new();
    let mut items = bound.try_iter()?;
    while records.len() < limit {
        let Some(item) = items.next() else { return Ok((None, records)) };
        let item = item?;
        let read = user(&item);
        let user = read.unwrap_or_else(|error| {
            Err(Unusable { username: username_of(&item), reason: reason(py, &error) })
        });
        let position = format!("item {}", number + records.len() as u64 + 1);
        records.push(ImportRecord { position, user: user.map(Box::new) });
    }
    Ok((Some(iterator), records))
}

/// The reason why a value is rejected. It never contains the value.
fn reason(py: Python<'_>, error: &PyErr) -> String {
    let is_ours = error.is_instance_of::<PyTypeError>(py);
    let text = is_ours.then(|| error.value(py).str().ok().map(|text| text.to_string())).flatten();
    text.unwrap_or_else(|| "not a dict of JSON values and datetimes".to_owned())
}

/// The username of what may be a dict.
fn username_of(item: &Bound<'_, PyAny>) -> Option<String> {
    let username = item.cast::<PyDict>().ok()?.get_item("username").ok()??;
    username.cast::<PyString>().ok()?.to_str().ok().map(str::to_owned)
}

fn user(item: &Bound<'_, PyAny>) -> PyResult<Result<ImportedUser, Unusable>> {
    let dict = item.cast::<PyDict>().map_err(|_| PyTypeError::new_err("not a dict"))?;
    let text = json_text(&plain(dict, 2)?)?;
    Ok(read_user(&text))
}

/// A copy of the dict in which datetimes are ISO 8601 text, also those in lists of dicts in it.
fn plain<'py>(dict: &Bound<'py, PyDict>, depth: u8) -> PyResult<Bound<'py, PyAny>> {
    let py = dict.py();
    let copy = PyDict::new(py);
    for (key, value) in dict.iter() {
        copy.set_item(key, plain_value(value, depth)?)?;
    }
    Ok(copy.into_any())
}

fn plain_value(value: Bound<'_, PyAny>, depth: u8) -> PyResult<Bound<'_, PyAny>> {
    if let Some(time) = timestamp(&value) {
        return Ok(time.to_string().into_pyobject(value.py())?.into_any());
    }
    let is_list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    if depth == 0 || !is_list {
        return Ok(value);
    }
    let list = PyList::empty(value.py());
    for item in value.try_iter()? {
        let item = item?;
        match item.cast::<PyDict>() {
            Ok(dict) => list.append(plain(dict, 0)?)?,
            Err(_) => list.append(item)?,
        }
    }
    Ok(list.into_any())
}
