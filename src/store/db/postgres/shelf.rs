//! Where connections rest between calls; how many there are, and how many there may be.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::domain::one_line;
use crate::store::db::detached::in_a_task;
use crate::store::db::owner::{Owned, Owner};

/// After how long a server that admitted no more is asked again, and how long after each further connection.
const QUIET: Duration = Duration::from_secs(10);
const BETWEEN_PERMITS: Duration = Duration::from_secs(1);
/// How long taking leave of a server may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Where connections rest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shelf(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    owner: Owner,
    max: usize,
    idle_timeout: Duration,
    permits: Arc<Semaphore>,
    /// How many connections there are.
    size: Arc<AtomicUsize>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Those at rest; the last came last.
    idle: Vec<Idle>,
    /// Permits that were taken away.
    missing: usize,
    /// When the server last admitted no more, and what it said.
    refusal: Option<(Instant, String)>,
    is_closed: bool,
    has_reaper: bool,
}

/// An open connection.
#[derive(Debug)]
pub struct Live {
    /// The driver's own.
    pub conn: Owned<PgConnection>,
    /// When it was opened.
    pub born: Instant,
    _counted: Counted,
}

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A connection at rest.
#[derive(Debug)]
pub struct Idle {
    /// The connection.
    pub live: Live,
    /// Since when it rests.
    pub since: Instant,
}

impl Shelf {
    /// For so many connections at most.
    pub fn new(max: u32, idle_timeout: Duration) -> Self {
        let max = usize::try_from(max).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(max));
        Self(Arc::new(Shared {
            owner: Owner::this(),
            max,
            idle_timeout,
            permits,
            size: Arc::default(),
            state: Mutex::default(),
        }))
    }

    /// The process that its connections belong to.
    pub fn owner(&self) -> Owner {
        self.0.owner
    }

    /// The right to one connection.
    ///
    /// # Errors
    /// When nobody has given one back in time, or all is closed.
    pub async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        self.grow();
        let permits = Arc::clone(&self.0.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let start = Instant::now();
        match timeout_at(deadline, permits.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(self.all_in_use(start.elapsed())),
        }
    }

    fn all_in_use(&self, waited: Duration) -> sqlx::Error {
        let state = self.lock();
        let count = self.0.max - state.missing;
        let why = match &state.refusal {
            Some((_, text)) if state.missing > 0 => format!("; the server admits no more: {text}"),
            _ => " (database.max_connections)".to_owned(),
        };
        drop(state);
        let text =
            format!("none of {count} connections became free within {:.1} s{why}", waited.as_secs_f32());
        sqlx::Error::Io(io::Error::new(io::ErrorKind::WouldBlock, text))
    }

    /// There is one more connection.
    pub fn admit(&self, conn: PgConnection) -> Live {
        self.0.size.fetch_add(1, SeqCst);
        Live { conn: Owned::new(conn), born: Instant::now(), _counted: Counted(Arc::clone(&self.0.size)) }
    }

    /// How many connections there are.
    pub fn size(&self) -> usize {
        self.0.size.load(SeqCst)
    }

    /// How many of them are at rest.
    pub fn idle(&self) -> usize {
        self.lock().idle.len()
    }

    /// How many there may be.
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// The server admits no more connections than there are: the caller's permit is to be forgotten. False if it is the last.
    pub fn shrink(&self, error: &sqlx::Error) -> bool {
        let mut state = self.lock();
        if state.missing + 1 >= self.0.max {
            return false;
        }
        state.missing += 1;
        state.refusal = Some((Instant::now(), one_line(&error.to_string())));
        true
    }

    /// One more permit, if the server has been left alone for a while.
    fn grow(&self) {
        let mut state = self.lock();
        if state.missing == 0 {
            return;
        }
        let Some((at, _)) = &mut state.refusal else { return };
        if at.elapsed() < QUIET {
            return;
        }
        *at += BETWEEN_PERMITS;
        state.missing -= 1;
        drop(state);
        self.0.permits.add_permits(1);
    }

    /// The connection that came last.
    pub fn take(&self) -> Option<Idle> {
        self.lock().idle.pop()
    }

    /// Closes all that are at rest: they are probably as dead as the one that was found to be.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut self.lock().idle);
        drop(idle);
    }

    /// It is at rest from now on.
    pub fn put_back(&self, live: Live) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            close_soon(live);
            return;
        }
        state.idle.push(Idle { live, since: Instant::now() });
        let has_reaper = std::mem::replace(&mut state.has_reaper, true);
        drop(state);
        if !has_reaper {
            in_a_task(reap(Arc::downgrade(&self.0)));
        }
    }

    /// Closes every connection, after those in use have come back, if they do so soon.
    pub async fn close(&self, patience: Duration) {
        let idle = {
            let mut state = self.lock();
            state.is_closed = true;
            std::mem::take(&mut state.idle)
        };
        self.0.permits.close();
        let leave = async {
            for one in idle {
                close(one.live).await;
            }
        };
        drop(timeout(CLOSE_TIMEOUT, leave).await);
        let deadline = Instant::now() + patience;
        while self.size() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl Shared {
    /// What the lock guards is whole at any moment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn close(live: Live) {
    if let Some(conn) = live.conn.into_inner() {
        drop(timeout(CLOSE_TIMEOUT, conn.close()).await);
    }
}

/// Takes leave of the server, which nobody waits for.
pub fn close_soon(live: Live) {
    in_a_task(close(live));
}

/// Closes what nobody has needed for too long, until nothing is left at rest.
async fn reap(shelf: Weak<Shared>) {
    loop {
        let Some(shared) = shelf.upgrade() else { return };
        let limit = shared.idle_timeout;
        let (old, next) = {
            let mut state = shared.lock();
            let count = state.idle.partition_point(|idle| idle.since.elapsed() >= limit);
            let old: Vec<Idle> = state.idle.drain(..count).collect();
            let next = state.idle.first().map(|idle| idle.since);
            state.has_reaper = next.is_some();
            (old, next)
        };
        drop(shared);
        for idle in old {
            close(idle.live).await;
        }
        let Some(since) = next else { return };
        sleep(limit.saturating_sub(since.elapsed()).max(Duration::from_millis(10))).await;
    }
}
