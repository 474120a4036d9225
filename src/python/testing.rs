//! `TestClock`: a clock that tests move, for `zato_sso.testing`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use pyo3::prelude::*;

use crate::domain::{Clock, SystemClock, Timestamp};
use crate::python::value::convert::Times;

/// The system's clock, moved, in microseconds.
#[derive(Debug, Default)]
struct Moved {
    by: AtomicI64,
    /// Forwards only: so much time has passed as well.
    forwards: AtomicI64,
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().as_micros().saturating_add(self.by.load(SeqCst)))
    }

    fn elapsed(&self) -> Duration {
        let forwards = Duration::from_micros(self.forwards.load(SeqCst).unsigned_abs());
        SystemClock.elapsed().saturating_add(forwards)
    }
}

/// A clock for tests: it goes as the system's does, and can be moved.
#[pyclass(frozen, module = "zato_sso._core")]
#[derive(Default)]
pub struct TestClock(Arc<Moved>);

impl TestClock {
    /// The clock as the engine reads it.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::<Moved>::clone(&self.0)
    }
}

#[pymethods]
impl TestClock {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Lets so many seconds pass, or sets the clock back where they are negative.
    fn advance(&self, seconds: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a cast ends at the limits of the type")]
        let micros = (seconds * 1e6) as i64;
        self.0.by.fetch_add(micros, SeqCst);
        self.0.forwards.fetch_add(micros.max(0), SeqCst);
    }

    /// What the clock shows: UTC, without a timezone.
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Times { is_aware: false }.datetime(py, self.0.now())
    }
}
