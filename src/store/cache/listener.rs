//! Hearing from PostgreSQL what other nodes change: triggers of the schema name the users in notifications.
//!
//! A cached session may be believed while there is a lease. A beat, every [`PAUSE`], asks the server for nothing on the
//! connection that listens. The answer comes behind all notifications of what was committed before, and once these have
//! been heard, the lease lasts until [`LEASE`] after the beat was sent. So whether notifications are late, the
//! connection is cut without a word, or this process does not get to run: what was committed a tenth of a second ago is
//! either known here, or there is no lease.
//!
//! Listening starts when a session is looked for and stops [`IDLE`] after the last: a connection that listens
//! and does not read would hold up the notifications of everybody in the end. After any pause everything is forgotten.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::store::cache::slots::{Slot, Slots, Trust};

/// What the triggers notify; the text of a notification is the id of a user.
const CHANNEL: &str = "zato_sso";
/// The text of one that is about everybody.
const EVERYBODY: &str = "*";

const PAUSE: Duration = Duration::from_millis(20);
const LEASE: Duration = Duration::from_millis(90);
/// A beat that takes longer is as good as none.
const BEAT_TIMEOUT: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(10);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Until when what is cached may be believed.
#[derive(Debug)]
pub struct Lease {
    start: Instant,
    /// In nanoseconds after `start`.
    end: AtomicU64,
    is_used: AtomicBool,
    wanted: Notify,
}

impl Lease {
    /// One that has ended.
    pub fn ended() -> Self {
        let end = AtomicU64::new(0);
        Self { start: Instant::now(), end, is_used: AtomicBool::new(false), wanted: Notify::new() }
    }

    /// Whether it lasts. To ask is to want it.
    pub fn trust(&self) -> Trust {
        if !self.is_used.load(SeqCst) {
            self.is_used.store(true, SeqCst);
            self.wanted.notify_one();
        }
        if self.nanos(Instant::now()) < self.end.load(SeqCst) { Trust::Keep } else { Trust::None }
    }

    fn extend(&self, beat: Instant) {
        self.end.store(self.nanos(beat + LEASE), SeqCst);
    }

    fn end(&self) {
        self.end.store(0, SeqCst);
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The task that listens, once it has been started.
#[derive(Default)]
pub struct Listener(Mutex<Option<JoinHandle<()>>>);

impl Listener {
    /// Begins to listen whenever that is wanted.
    pub fn start(&self, connect: PgConnectOptions, slots: Arc<Slots>, lease: Arc<Lease>) {
        let task = tokio::spawn(run(connect, slots, lease));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Ends it, and returns when it has ended.
    pub async fn stop(&self) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // It was cancelled: that is its end.
            drop(task.await);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

async fn run(connect: PgConnectOptions, slots: Arc<Slots>, lease: Arc<Lease>) {
    /// However the task ends, nothing is believed after it.
    struct EndsLease(Arc<Lease>);
    impl Drop for EndsLease {
        fn drop(&mut self) {
            self.0.end();
        }
    }
    let lease = EndsLease(lease);
    loop {
        lease.0.wanted.notified().await;
        while lease.0.is_used.load(SeqCst) {
            let outcome = listen(&connect, &slots, &lease.0).await;
            lease.0.end();
            if outcome.is_err() {
                lease.0.is_used.store(false, SeqCst);
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

/// Listens until no session was looked for in a while, or the connection breaks.
async fn listen(connect: &PgConnectOptions, slots: &Slots, lease: &Lease) -> Result<(), sqlx::Error> {
    // A pool of its own, since the listener wants one: the others are for calls.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BEAT_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with(connect.clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    slots.raise_all();
    let mut last_use = Instant::now();
    loop {
        let beat = Instant::now();
        match timeout(BEAT_TIMEOUT, sqlx::query("SELECT 1").execute(&mut listener)).await {
            Ok(answer) => answer.map(drop)?,
            Err(_) => return Err(sqlx::Error::PoolTimedOut),
        }
        while let Some(notification) = listener.next_buffered() {
            match notification.payload() {
                EVERYBODY => slots.raise_all(),
                user_id => slots.raise_slot(Slot::of(user_id)),
            }
        }
        lease.extend(beat);
        sleep(PAUSE).await;
        if lease.is_used.swap(false, SeqCst) {
            last_use = Instant::now();
        } else if last_use.elapsed() > IDLE {
            return Ok(());
        }
    }
}
