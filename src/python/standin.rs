//! A stand-in for the real engine and its API: a counter in SQLite, and calls that are slow, that fail, that panic
//! and that call back into Python. It goes when `ops::Sso` comes.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyTuple};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tokio::time::sleep;

use super::convert::{self, CidArgument, PasswordArgument, RemoteAddrArgument, TimestampArgument};
use super::error::Fault;
use super::gate;
use super::runtime::{Engine, Handle, Home, Mode, none};
use crate::domain::{Code, Error, Result};

/// A counter in a database.
struct Counter {
    pool: SqlitePool,
    home: Home,
}

impl Counter {
    async fn open(path: String, home: Home) -> Result<Arc<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(10));
        let size = if home == Home::Memory { 1 } else { 4 };
        let pool = SqlitePoolOptions::new().max_connections(size).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await.map_err(Error::unavailable)?;
        for statement in [
            "CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
            "INSERT INTO counter (id, value) VALUES (1, 0) ON CONFLICT DO NOTHING",
        ] {
            sqlx::query(statement).execute(&pool).await.map_err(Error::unavailable)?;
        }
        Ok(Arc::new(Self { pool, home }))
    }

    async fn bump(&self) -> Result<i64> {
        let statement = "UPDATE counter SET value = value + 1 WHERE id = 1 RETURNING value";
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.map_err(Error::unavailable)
    }

    async fn value(&self) -> Result<i64> {
        let statement = "SELECT value FROM counter WHERE id = 1";
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.map_err(Error::unavailable)
    }
}

impl Engine for Counter {
    fn home(&self) -> Home {
        self.home
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// The API over it.
#[pyclass(frozen, name = "_Standin", module = "zato_sso._core")]
pub struct Standin {
    handle: Arc<Handle<Counter>>,
    mode: Mode,
}

fn number(py: Python<'_>, value: i64) -> PyResult<Bound<'_, PyAny>> {
    Ok(value.into_pyobject(py)?.into_any())
}

#[pymethods]
impl Standin {
    #[new]
    #[pyo3(signature = (path, is_async=false, on_server=false))]
    fn new(py: Python<'_>, path: String, is_async: bool, on_server: bool) -> PyResult<Self> {
        let home = match (path.as_str(), on_server) {
            (":memory:", _) => Home::Memory,
            (_, true) => Home::Server,
            (_, false) => Home::File,
        };
        let handle = Handle::new(move || Box::pin(Counter::open(path.clone(), home)));
        let mode = if is_async { Mode::Awaitable } else { Mode::Blocking };
        if mode == Mode::Blocking {
            handle.open(py, mode)?;
        }
        Ok(Self { handle, mode })
    }

    fn open<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.open(py, self.mode)
    }

    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.close(py, self.mode)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().handle.open(slf.py(), Mode::Blocking)?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.handle.close(py, Mode::Blocking).map(drop)
    }

    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let this = slf.clone().unbind();
        slf.get().handle.run(
            slf.py(),
            Mode::Awaitable,
            async |_| Ok(()),
            move |py, ()| Ok(this.into_bound(py).into_any()),
        )
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        _exception: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.handle.close(py, Mode::Awaitable)
    }

    fn noop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.run(py, self.mode, async |_| Ok(()), none)
    }

    /// A call that is not ready at once, and does nothing else.
    fn switch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let operation = async |_| {
            tokio::task::yield_now().await;
            Ok(())
        };
        self.handle.run(py, self.mode, operation, none)
    }

    fn bump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.run(py, self.mode, async |counter: Arc<Counter>| counter.bump().await, number)
    }

    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.run(py, self.mode, async |counter: Arc<Counter>| counter.value().await, number)
    }

    /// Waits, then counts.
    fn slow_bump<'py>(&self, py: Python<'py>, seconds: f64) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |counter: Arc<Counter>| {
            sleep(Duration::from_secs_f64(seconds)).await;
            counter.bump().await
        };
        self.handle.run(py, self.mode, operation, number)
    }

    /// Keeps a thread of the blocking pool busy, as hashing does.
    fn hash<'py>(&self, py: Python<'py>, seconds: f64) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |_| {
            let hashing =
                tokio::task::spawn_blocking(move || std::thread::sleep(Duration::from_secs_f64(seconds)));
            hashing.await.map_err(Error::internal)
        };
        self.handle.run(py, self.mode, operation, none)
    }

    fn fail<'py>(&self, py: Python<'py>, kind: String) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |_| match kind.as_str() {
            "code" => Err(Error::from(Code::AuthNotAllowed)),
            "refused" => Err(Error::refused(Code::CommonInvalidInput, "email: expected one @")),
            "rate" => Err(Error::RateLimited { retry_after: Duration::from_millis(1500) }),
            "unavailable" => Err(Error::unavailable("no route to the database")),
            "internal" => Err(Error::internal("a source that only the log sees")),
            _ => Ok(()),
        };
        self.handle.run(py, self.mode, operation, none)
    }

    fn fail_totp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let operation = async |_| Err::<(), _>(Error::from(Code::AuthNotAllowed));
        self.handle.run_raising(py, self.mode, operation, Fault::InvalidTotp, none)
    }

    #[expect(clippy::panic, reason = "to show what a panic becomes")]
    fn panic<'py>(&self, py: Python<'py>, waits: bool) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |_| {
            if waits {
                tokio::task::yield_now().await;
            }
            panic!("as asked for")
        };
        self.handle.run(py, self.mode, operation, none)
    }

    /// Calls a Python callable from inside the operation, on its own thread or on one of the blocking pool.
    fn hook<'py>(
        &self,
        py: Python<'py>,
        callable: Py<PyAny>,
        elsewhere: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = async move |_| {
            tokio::task::yield_now().await;
            let call = move || gate::visit(|py| gate::nested(|| callable.call0(py)));
            let answer = if elsewhere {
                tokio::task::spawn_blocking(call).await.map_err(Error::internal)?
            } else {
                call()
            };
            answer.transpose().map_err(|_| Error::internal("the hook raised"))
        };
        self.handle.run(py, self.mode, operation, |py, answer: Option<Py<PyAny>>| {
            Ok(answer.unwrap_or_else(|| py.None()).into_bound(py))
        })
    }
}

/// The yardstick: a function that does nothing.
#[pyfunction]
pub const fn empty() {}

/// Each argument as its conversion understands it.
#[pyfunction]
#[pyo3(signature = (password, remote_addr, cid, time))]
pub fn converted<'py>(
    py: Python<'py>,
    password: PasswordArgument,
    remote_addr: RemoteAddrArgument,
    cid: CidArgument,
    time: TimestampArgument,
) -> PyResult<(String, String, String, Bound<'py, PyDateTime>)> {
    let time = convert::datetime(py, time.0)?;
    Ok((password.0.expose().to_owned(), remote_addr.0.joined(), cid.0.as_str().to_owned(), time))
}
