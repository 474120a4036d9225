//! What is counted of the connections to the database.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::domain::{Distribution, Histogram, Result};

/// What is counted.
#[derive(Debug, Default)]
pub(in crate::store) struct Meter {
    read: Histogram,
    write: Histogram,
    failures: AtomicU64,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Purpose {
    Read,
    Write,
}

/// The connections at one moment, and what was counted so far.
#[derive(Clone, Copy, Debug)]
pub struct DbLoad {
    /// How many connections are open.
    pub open: usize,
    /// How many of them nobody uses.
    pub idle: usize,
    /// How many there may be.
    pub max: usize,
    /// How long calls have waited for a connection to read with.
    pub read_waits: Distribution,
    /// The same to write with; on SQLite, also for the turn to write.
    pub write_waits: Distribution,
    /// How often none was to be had.
    pub failures: u64,
}

impl Meter {
    /// Waits for a connection.
    pub async fn wait<T>(&self, purpose: Purpose, coming: impl Future<Output = Result<T>>) -> Result<T> {
        let start = Instant::now();
        let outcome = coming.await;
        let waits = match purpose {
            Purpose::Read => &self.read,
            Purpose::Write => &self.write,
        };
        waits.observe(start.elapsed());
        if outcome.is_err() {
            self.failures.fetch_add(1, Relaxed);
        }
        outcome
    }

    /// What was counted, of so many connections.
    pub fn load(&self, open: usize, idle: usize, max: usize) -> DbLoad {
        DbLoad {
            open,
            idle,
            max,
            read_waits: self.read.now(),
            write_waits: self.write.now(),
            failures: self.failures.load(Relaxed),
        }
    }
}
