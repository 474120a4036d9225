//! `Server` and `Exchange`: one request to the REST server in this process, in either mode.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyList};
use tokio::sync::{mpsc, oneshot};

use crate::domain::{Error, Result, trace};
use crate::ops::Sso;
use crate::python::branch::Branch;
use crate::python::root;
use crate::python::runtime::call::none;
use crate::python::runtime::process::Process;
use crate::python::server::service::{Chunk, Header, Parts, Request, Response, Service};

/// The service, and the engine that it stands on: after a fork, that is another one.
type Made = Option<(Weak<Sso>, Arc<dyn Service>)>;

/// The REST API, the pages and the documentation of an object, without a server of their own. ``zato_sso.asgi`` and
/// ``zato_sso.wsgi`` make applications of it.
///
/// Args:
///     sso: An object of either tree. Calls block or are awaited as its own do.
#[pyclass(frozen, module = "zato_sso._core")]
pub struct Server {
    branch: Branch,
    made: Arc<Mutex<Made>>,
}

#[pymethods]
impl Server {
    #[new]
    fn new(sso: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { branch: branch_of(sso)?, made: Arc::default() })
    }

    /// Begins a request.
    ///
    /// Args:
    ///     method: GET, for instance.
    ///     target: Path and query string.
    ///     headers: Names and values, in their order.
    ///     peer: The address that the connection comes from.
    fn begin<'py>(
        &self,
        py: Python<'py>,
        method: String,
        target: String,
        headers: Vec<Header>,
        peer: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // A Unix socket has no address.
        let peer = peer.and_then(|text| text.parse::<IpAddr>().ok());
        let made = Arc::clone(&self.made);
        let is_trusted = self.branch.config().trusts_traceparent_of(peer);
        let scope = self.branch.traces().scope(py, if is_trusted { &headers } else { &[] });
        let operation = async move |sso: Arc<Sso>| {
            let (sender, body) = mpsc::channel(1);
            let (answer, answered) = oneshot::channel();
            let service = service(&made, &sso);
            Process::current()?.spawn(async move {
                let answering = service.answer(Request { method, target, headers, peer, body });
                let response = trace::within(scope, answering).await;
                // Nobody waits where the client has gone.
                drop(answer.send(response));
            });
            Ok((sender, answered))
        };
        let branch = self.branch.clone();
        self.branch.run(py, operation, move |py, (sender, answered)| {
            let exchange = Exchange {
                branch,
                sender: Mutex::new(Some(sender)),
                answered: Mutex::new(Some(answered)),
                parts: Arc::default(),
            };
            Ok(Bound::new(py, exchange)?.into_any())
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }
}

fn branch_of(sso: &Bound<'_, PyAny>) -> PyResult<Branch> {
    root::branch_of(sso).ok_or_else(|| PyTypeError::new_err("expected zato_sso.SSO or zato_sso.aio.SSO"))
}

/// The service on this engine, made once.
fn service(made: &Mutex<Made>, sso: &Arc<Sso>) -> Arc<dyn Service> {
    let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((engine, service)) = &*made
        && engine.as_ptr() == Arc::as_ptr(sso)
    {
        return Arc::clone(service);
    }
    let service: Arc<dyn Service> = crate::service(sso).into();
    *made = Some((Arc::downgrade(sso), Arc::clone(&service)));
    service
}

/// The client's address, as ``http.trusted_proxies`` of an object say: the peer's, or what trusted proxies say of it.
///
/// Args:
///     sso: An object of either tree.
///     peer: The address that the connection comes from.
///     forwarded: The lines of the header X-Forwarded-For, in their order.
#[pyfunction]
pub fn client_address(sso: &Bound<'_, PyAny>, peer: &str, forwarded: Vec<Vec<u8>>) -> PyResult<String> {
    let branch = branch_of(sso)?;
    let Ok(address) = peer.parse::<IpAddr>() else { return Ok(peer.to_owned()) };
    Ok(crate::client_address(address, &forwarded, branch.config()).to_string())
}

/// The issuer of an object's OpenID Provider; None if it has none.
///
/// Args:
///     sso: An object of either tree.
#[pyfunction]
pub fn issuer(sso: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let branch = branch_of(sso)?;
    let issuer = &branch.config().oidc.issuer;
    Ok((!issuer.is_empty()).then(|| issuer.clone()))
}

/// A request that is under way.
#[pyclass(frozen, module = "zato_sso._core")]
pub struct Exchange {
    branch: Branch,
    sender: Mutex<Option<mpsc::Sender<Chunk>>>,
    answered: Mutex<Option<oneshot::Receiver<Response>>>,
    parts: Arc<tokio::sync::Mutex<Option<Box<dyn Parts>>>>,
}

#[pymethods]
impl Exchange {
    /// Sends a part of the body, and waits until there is room for it. False if nobody reads it any more.
    fn send<'py>(&self, py: Python<'py>, data: Vec<u8>) -> PyResult<Bound<'py, PyAny>> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let operation = async move |_| {
            let Some(sender) = sender else { return Ok(false) };
            Ok(sender.send(Chunk::Data(data)).await.is_ok())
        };
        self.branch.run(py, operation, |py, sent| Ok(PyBool::new(py, sent).to_owned().into_any()))
    }

    /// Ends the body. A body that is never ended was cut off.
    fn end<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let operation = async move |_| {
            if let Some(sender) = sender {
                // Nobody reads it where the answer is there already.
                drop(sender.send(Chunk::End).await);
            }
            Ok(())
        };
        self.branch.run(py, operation, none)
    }

    /// Cuts the body off: its client has gone.
    fn cut(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Waits for the answer, once: a tuple of its status and its headers.
    fn reply<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let parts = Arc::clone(&self.parts);
        let operation = async move |_| -> Result<(u16, Vec<Header>)> {
            let lost = || Error::internal("the request has no answer, or it was read before");
            let Response { status, headers, body } = answered.ok_or_else(lost)?.await.map_err(|_| lost())?;
            *parts.lock().await = Some(body);
            Ok((status, headers))
        };
        self.branch.run(py, operation, |py, (status, headers)| {
            let headers =
                headers.iter().map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)));
            Ok((status, PyList::new(py, headers)?).into_pyobject(py)?.into_any())
        })
    }

    /// The next part of the answer's body; None after the last one.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let parts = Arc::clone(&self.parts);
        let operation = async move |_| {
            Ok(match parts.lock().await.as_mut() {
                Some(parts) => parts.next().await,
                None => None,
            })
        };
        self.branch.run(py, operation, |py, part: Option<Vec<u8>>| match part {
            Some(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
            None => Ok(py.None().into_bound(py)),
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.branch.traverse(&visit)
    }
}
