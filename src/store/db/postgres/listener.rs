//! Hearing from PostgreSQL what other nodes change: triggers of the schema name the users in notifications.
//!
//! A cached session may be believed while there is a lease. A beat, every [`PAUSE`], asks the server for nothing on the
//! connection that listens. The answer comes behind all notifications of what was committed before, and once these have
//! been heard, the lease lasts until 90 ms after the beat was sent. So whether notifications are late, the
//! connection is cut without a word, or this process does not get to run: what was committed a tenth of a second ago is
//! either known here, or there is no lease.
//!
//! Before there is a first lease it is proved that notifications are heard: another connection sends one. A pooler that gives
//! each transaction another connection swallows it, and there is never a lease; nor is there one any more when the
//! connection turns out to be another one on the server.
//!
//! Listening starts when a session is looked for and stops [`IDLE`] after the last: a connection that listens
//! and does not read would hold up the notifications of everybody in the end. After any pause everything is forgotten.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::store::cache::lease::{Hearing, Lease};
use crate::store::cache::slots::{Slot, Slots};
use crate::store::db::postgres::connect::Connector;
use crate::store::db::postgres::pool::PgPool;

/// What the triggers notify; the text of a notification is the id of a user.
const CHANNEL: &str = "zato_sso";
/// The text of one that is about everybody.
const EVERYBODY: &str = "*";

const PAUSE: Duration = Duration::from_millis(20);
/// A beat that takes longer is as good as none.
const BEAT_TIMEOUT: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(10);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);
/// The same where notifications do not arrive, which somebody has to change.
const PAUSE_IF_UNHEARD: Duration = Duration::from_secs(30);
/// A pooler has so long to swallow the notification that proves that others are heard.
const TIME_TO_SWALLOW: Duration = Duration::from_millis(50);
/// What such a notification begins with, which no id of a user does.
const PROOF: &str = "!";

/// Why listening ended.
enum Ended {
    /// Nobody has asked for a while.
    Unused,
    /// The connection is lost.
    Lost,
    /// Notifications do not arrive.
    Unheard,
}

impl From<sqlx::Error> for Ended {
    fn from(_: sqlx::Error) -> Self {
        Self::Lost
    }
}

/// The task that listens, once it has been started.
#[derive(Default)]
pub struct Listener(Mutex<Option<JoinHandle<()>>>);

impl Listener {
    /// Begins to listen whenever that is wanted.
    pub fn start(&self, connector: Arc<Connector>, pool: PgPool, slots: Arc<Slots>, lease: Arc<Lease>) {
        let task = tokio::spawn(run(connector, pool, slots, lease));
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

async fn run(connector: Arc<Connector>, pool: PgPool, slots: Arc<Slots>, lease: Arc<Lease>) {
    /// However the task ends, nothing is believed after it.
    struct EndsLease(Arc<Lease>);
    impl Drop for EndsLease {
        fn drop(&mut self) {
            self.0.end();
        }
    }
    let lease = EndsLease(lease);
    loop {
        lease.0.wanted().await;
        while lease.0.is_used() {
            let ended = Box::pin(listen(&connector, &pool, &slots, &lease.0)).await;
            lease.0.end();
            let pause = match ended {
                Ended::Unused => continue,
                Ended::Lost => {
                    lease.0.set_hearing(Hearing::Unknown);
                    PAUSE_AFTER_FAILURE
                }
                Ended::Unheard => {
                    lease.0.set_hearing(Hearing::Unheard);
                    PAUSE_IF_UNHEARD
                }
            };
            lease.0.forget_use();
            sleep(pause).await;
        }
    }
}

/// Listens until no session was looked for in a while, or the connection breaks.
async fn listen(connector: &Connector, pool: &PgPool, slots: &Slots, lease: &Lease) -> Ended {
    match listen_on(connector, pool, slots, lease).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn listen_on(
    connector: &Connector,
    pool: &PgPool,
    slots: &Slots,
    lease: &Lease,
) -> Result<Ended, Ended> {
    // A host that is good now; and what is wrong with the connection is found out by ours, which have time limits.
    let conn = connector.connect().await?;
    drop(timeout(BEAT_TIMEOUT, sqlx::Connection::close(conn)).await);
    let Some(host) = connector.host() else { return Ok(Ended::Lost) };
    // A pool of its own, since the listener wants one: the others are for calls.
    let own = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BEAT_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with(host.clone())
        .await?;
    let mut listener = PgListener::connect_with(&own).await?;
    listener.ignore_pool_close_event(true);
    match timeout(BEAT_TIMEOUT, listener.listen(CHANNEL)).await {
        Ok(listening) => listening?,
        Err(_) => return Err(Ended::Lost),
    }
    let backend = beat(&mut listener).await?;
    prove(&mut listener, pool, backend).await?;
    lease.set_hearing(Hearing::Heard);
    slots.raise_all();
    let mut last_use = Instant::now();
    loop {
        let sent = Instant::now();
        if beat(&mut listener).await? != backend {
            return Err(Ended::Unheard);
        }
        while let Some(notification) = listener.next_buffered() {
            match notification.payload() {
                EVERYBODY => slots.raise_all(),
                proof if proof.starts_with(PROOF) => {}
                user_id => slots.raise_slot(Slot::of(user_id)),
            }
        }
        lease.extend(sent);
        sleep(PAUSE).await;
        if lease.take_use() {
            last_use = Instant::now();
        } else if last_use.elapsed() > IDLE {
            return Ok(Ended::Unused);
        }
    }
}

/// Asks for the number of the server's process, behind all notifications of what was committed before.
async fn beat(listener: &mut PgListener) -> Result<i32, Ended> {
    let asked = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(listener);
    match timeout(BEAT_TIMEOUT, asked).await {
        Ok(row) => Ok(row?.try_get(0)?),
        Err(_) => Err(Ended::Lost),
    }
}

/// Proves that what another connection notifies is heard, while this one is at rest.
async fn prove(listener: &mut PgListener, pool: &PgPool, backend: i32) -> Result<(), Ended> {
    let proof = format!("{PROOF}{}.{backend}", std::process::id());
    let notify = format!("SELECT pg_notify('{CHANNEL}', '{proof}')");
    pool.tell(AssertSqlSafe(notify)).await?;
    sleep(TIME_TO_SWALLOW).await;
    let start = Instant::now();
    while start.elapsed() < BEAT_TIMEOUT {
        if beat(listener).await? != backend {
            return Err(Ended::Unheard);
        }
        while let Some(notification) = listener.next_buffered() {
            // All others are about what was before anything was cached.
            if notification.payload() == proof {
                return Ok(());
            }
        }
        sleep(PAUSE).await;
    }
    Err(Ended::Unheard)
}
