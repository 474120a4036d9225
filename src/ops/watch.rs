//! Whether the process can do its work: the database can be read and written, it is the one of this key, and audit entries
//! find their way. A server looks at that now and then, and logs what changes.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::config::{Cache, DatabaseUrl, LogLevel};
use crate::domain::{Cid, Error, Result};
use crate::ops::Sso;
use crate::ops::keyring::KEYRING_CHECK;
use crate::ops::sink::Sink;
use crate::store::cache::lease::Hearing;
use crate::store::db::setting;
use crate::store::maintenance::doctor::check_ready;

/// How often a server looks, and for how long the answer to whether the database can be written to is good.
const INTERVAL: Duration = Duration::from_secs(5);

/// How often it looks while something is wrong.
const INTERVAL_OF_TROUBLE: Duration = Duration::from_secs(1);

/// How long there is between two looks at least, however many operations fail.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why sessions are not cached.
pub(in crate::ops) const UNHEARD: &str = "sessions are not cached, since changes by other nodes are not heard of: does a pooler give each \
    transaction another connection? Set database.pooler to \"transaction\", and database.listen_url to the server itself";
const LOST: &str =
    "sessions are not cached: the connection by which changes by other nodes are heard of is lost";

/// What is written to see whether something can be.
const HEARTBEAT: &str = "heartbeat";

/// How much room there must be on the disk of an SQLite file, in bytes.
pub(in crate::ops) const LEAST_ROOM: u64 = 16 << 20;

impl Sso {
    /// Whether the process can do its work: the database answers, is the one of this key, and can be written to, and audit
    /// entries can be written.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when something is missing; it says what.
    pub async fn check_ready(&self) -> Result<()> {
        let outcome = self.look().await;
        if outcome.is_err() {
            // It is to be logged now.
            self.core.watch.look.notify_one();
        }
        outcome
    }

    async fn look(&self) -> Result<()> {
        let late = || Error::unavailable("the database does not answer in time");
        timeout(PATIENCE, self.check_database()).await.map_err(|_| late())??;
        if let Some(why) = self.core.audit.sink().and_then(Sink::fault) {
            return Err(Error::unavailable(format!("audit entries: {why}")));
        }
        Ok(())
    }

    async fn check_database(&self) -> Result<()> {
        let check = check_ready(self.db(), KEYRING_CHECK).await?;
        match check.map(|check| self.core.keyring.verify_check(&check)) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(Error::unavailable(error.to_string())),
            None => return Err(Error::unavailable("the database was emptied, or replaced by another one")),
        }
        self.check_room()?;
        self.check_writable().await
    }

    fn check_room(&self) -> Result<()> {
        let DatabaseUrl::SqliteFile(path) = &self.config().database.url else { return Ok(()) };
        match rustix::fs::statvfs(path) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_ROOM => {
                Err(Error::unavailable("the disk of the database is full"))
            }
            // What cannot be told will be seen when something is written.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Writes to the database, unless that was done a moment ago.
    async fn check_writable(&self) -> Result<()> {
        let mut written = self.core.watch.written.lock().await;
        if let Some((time, outcome)) = &*written {
            let good_for = if outcome.is_ok() { INTERVAL } else { INTERVAL_OF_TROUBLE };
            if time.elapsed() < good_for {
                return outcome.clone().map_err(Error::unavailable);
            }
        }
        let outcome = self.write_heartbeat().await;
        let outcome =
            outcome.map_err(|error| format!("the database cannot be written to: {}", reason(&error)));
        *written = Some((Instant::now(), outcome.clone()));
        outcome.map_err(Error::unavailable)
    }

    async fn write_heartbeat(&self) -> Result<()> {
        let mut tx = self.db().write().await?;
        setting::put(&mut tx, HEARTBEAT, self.now().to_string().as_bytes()).await?;
        tx.commit().await
    }

    /// Begins to watch, until [`Sso::close`] or until the last clone is dropped. Who is embedded hears of an unreachable database
    /// with each call, and of the cache here.
    pub(in crate::ops) fn start_watching(&self) {
        if !self.core.is_reporting {
            return;
        }
        let is_server = self.core.is_server;
        if !is_server && self.db().hearing().is_none() {
            return;
        }
        let core = Arc::downgrade(&self.core);
        let look = Arc::clone(&self.core.watch.look);
        let task = tokio::spawn(async move {
            loop {
                // Between two looks it holds nothing that would keep a database open.
                let pause = {
                    let Some(core) = core.upgrade() else { return };
                    let sso = Self { core };
                    sso.note_hearing();
                    if is_server {
                        let outcome = sso.look().await;
                        sso.note_state(outcome.err())
                    } else {
                        INTERVAL_OF_TROUBLE
                    }
                };
                sleep(SHORTEST_PAUSE).await;
                timeout(pause, look.notified()).await.ok();
            }
        });
        self.core.background.keep(task);
    }

    /// Logs whether sessions are cached, when that changes.
    fn note_hearing(&self) {
        let Some(now) = self.db().hearing().filter(|_| self.config().session.cache == Cache::On) else {
            return;
        };
        let before = self.core.watch.hearing.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        if before == Some(now) {
            return;
        }
        let (level, event, text) = match (now, before) {
            (Hearing::Heard, _) => {
                (LogLevel::Info, "cache.on", "sessions are cached: changes by other nodes are heard of")
            }
            (Hearing::Unheard, _) => (LogLevel::Warning, "cache.off", UNHEARD),
            (Hearing::Unknown, Some(_)) => (LogLevel::Warning, "cache.off", LOST),
            (Hearing::Unknown, None) => return,
        };
        self.log().say(level, event, text, None);
    }

    /// Logs what has changed; after how long it is to be looked at again.
    fn note_state(&self, error: Option<Error>) -> Duration {
        let mut trouble = self.core.watch.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log();
        match (error, trouble.take()) {
            (None, None) => {}
            (None, Some((since, _))) => {
                let text = format!("ready again after {} seconds", since.elapsed().as_secs());
                log.say(LogLevel::Warning, "ready.again", &text, None);
            }
            (Some(error), None) => {
                let text = reason(&error);
                log.say(LogLevel::Error, "ready.not", &text, None);
                *trouble = Some((Instant::now(), text));
            }
            (Some(error), Some((since, before))) => {
                let text = reason(&error);
                if text != before {
                    log.say(LogLevel::Error, "ready.not", &text, None);
                }
                *trouble = Some((since, text));
            }
        }
        if trouble.is_some() { INTERVAL_OF_TROUBLE } else { INTERVAL }
    }

    /// Logs why an operation could not be done, where that is nobody's mistake.
    pub(in crate::ops) fn log_failure(&self, op: &'static str, error: &Error, cid: &Cid) {
        match error {
            Error::Internal(source) => {
                let text = format!("{op}: {source}");
                self.log().say(LogLevel::Error, "error.internal", &text, Some(cid));
            }
            // It is looked at now, and logged once.
            Error::Unavailable(_) => self.core.watch.look.notify_one(),
            Error::Overloaded(_) | Error::Refused { .. } | Error::RateLimited { .. } => {}
        }
    }
}

/// What an error is about.
fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable(source) | Error::Internal(source) => source.to_string(),
        Error::Overloaded(_) | Error::Refused { .. } | Error::RateLimited { .. } => error.to_string(),
    }
}
