//! The open database, and what all operations share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::config::{Config, LogLevel};
use crate::crypto::{HashPool, Keyring};
use crate::domain::trace::{self, RemoteSpan, Scope, Tracer};
use crate::domain::{Random, Result, SteadyClock, Timestamp};
use crate::ops::audit::AuditLog;
use crate::ops::audit::keys::KnownAuditKeys;
use crate::ops::audit::seal::{Sealing, is_chained};
use crate::ops::audit::seen::{LastSeen, Memory};
use crate::ops::background::Background;
use crate::ops::breached::BreachedFilter;
use crate::ops::courier::Courier;
use crate::ops::hook::Hooks;
use crate::ops::journal::Log;
use crate::ops::kept::client::KnownClients;
use crate::ops::mail::mailer::Mailer;
use crate::ops::mail::smtp::Smtp;
use crate::ops::mail::template::Templates;
use crate::ops::metrics::count::Counters;
use crate::ops::metrics::known::Known;
#[cfg(feature = "server")]
use crate::ops::otlp::Exporter;
use crate::ops::refusals::Refusals;
use crate::ops::sink::Sink;
use crate::ops::state::Watch;
use crate::ops::time::{AT_THE_END, KeptTime, TIME_PATIENCE};
use crate::store::Db;
use crate::store::session::cache::SessionCache;
use crate::store::session::renewal::Renewals;

/// How long closing waits for emails to be sent. It must be done before a fork that waits for it loses its patience.
const CLOSING: Duration = Duration::from_secs(3);

/// How long closing waits for lines that nobody may ever read.
const FLUSHING: Duration = Duration::from_millis(500);

/// Single sign-on over one open database. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Sso {
    pub(in crate::ops) core: Arc<Core>,
}

#[derive(Debug)]
pub(in crate::ops) struct Core {
    pub db: Db,
    pub sessions: SessionCache,
    pub renewals: Renewals,
    pub clients: KnownClients,
    pub courier: Courier,
    pub config: Config,
    pub keyring: Keyring,
    pub hashing: HashPool,
    pub breached: Option<BreachedFilter>,
    pub clock: Arc<SteadyClock>,
    pub kept_time: KeptTime,
    pub random: Arc<dyn Random>,
    pub audit: AuditLog,
    /// By what entries in the database are chained, and what was seen of the chain.
    pub audit_keys: KnownAuditKeys,
    pub audit_seen: LastSeen,
    /// Whether this process has written entries since it last sealed.
    pub has_unsealed: AtomicBool,
    pub log: Arc<Log>,
    /// Whether it has a log, and whether it serves others.
    pub is_reporting: bool,
    pub is_server: bool,
    /// Whether it is opened by a command that does one thing and ends.
    pub is_command: bool,
    pub watch: Watch,
    pub counters: Counters,
    /// What takes the spans of work that no caller records.
    pub tracer: Option<Arc<dyn Tracer>>,
    /// The same, to be closed.
    #[cfg(feature = "server")]
    pub exporter: Option<Arc<Exporter>>,
    /// What metrics tell of the database.
    pub contents: Known,
    pub templates: Arc<Templates>,
    pub smtp: Option<Smtp>,
    pub mailer: Mailer,
    pub warnings: Vec<String>,
    pub background: Background,
    pub refusals: Refusals,
    /// When a peer was last noted that seems to be a proxy; microseconds since 1970, 0 for never.
    pub proxy_noted: AtomicI64,
    pub hooks: Arc<dyn Hooks>,
    /// Whether usernames are the same in any case of letters, as the database says.
    pub is_case_insensitive: AtomicBool,
}

impl Core {
    /// What seals the audit.
    pub fn sealing(&self) -> Sealing<'_> {
        Sealing {
            db: &self.db,
            keyring: &self.keyring,
            keys: &self.audit_keys,
            clock: &self.clock,
            memory: Memory {
                seen: &self.audit_seen,
                config: &self.config,
                is_server: self.is_server,
                log: &self.log,
            },
            is_chained: is_chained(&self.config),
        }
    }
}

impl Sso {
    /// The configuration in effect.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Warnings found on opening, one line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.core.warnings
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.core.log
    }

    /// Waits until the log is written, for a moment at most. It blocks, and is for the end of a process.
    pub fn close_log(&self) {
        self.core.log.close(FLUSHING);
    }

    /// The scope of a request that this process answers: the one that it is in already, or a part of the trace of a caller
    /// elsewhere. None where nothing is recorded.
    #[must_use]
    pub fn request_scope(&self, caller: impl FnOnce() -> Option<RemoteSpan>) -> Option<Scope> {
        if !trace::is_on() {
            return None;
        }
        let tracer = self.core.tracer.as_ref();
        trace::scope().or_else(|| tracer.map(|tracer| Arc::clone(tracer).begin(caller().as_ref())))
    }

    /// Opens the files of the audit and of the log anew, by their names: they may have been moved away.
    pub fn reopen_files(&self) {
        let audit = self.core.audit.sink().map_or(Ok(()), Sink::reopen);
        let failed = [self.core.log.reopen(), audit].map(Result::err);
        for why in failed.iter().flatten() {
            self.log().say(LogLevel::Error, "file.not_reopened", why, None);
        }
        if failed.iter().all(Option::is_none) {
            self.log().say(LogLevel::Info, "file.reopened", "log and audit files were opened anew", None);
        }
    }

    /// The source of randomness, for correlation ids.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.core.random
    }

    pub(in crate::ops) fn hooks(&self) -> &dyn Hooks {
        &*self.core.hooks
    }

    /// The database.
    pub(in crate::ops) fn db(&self) -> &Db {
        &self.core.db
    }

    /// The time, which does not go back when the system's clock does.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// The time of the system's clock, for what others compare with theirs: codes and tokens that they make, and the log.
    pub(in crate::ops) fn system_time(&self) -> Timestamp {
        self.core.clock.system_time()
    }

    /// Writes the refusals that were counted so far to the database, a row for many of them. [`Sso::close`] does it, and the
    /// background every minute.
    ///
    /// # Errors
    /// When the database cannot answer; then they are kept for the next time.
    pub async fn record_refusals(&self) -> Result<()> {
        let refusals = &self.core.refusals;
        let keys = self.core.audit_keys.get();
        refusals.write(refusals.take_all(), self.db(), self.random(), &keys).await
    }

    /// Sends what emails this process has caused and not sent yet, for a few seconds at most; then closes the database and
    /// ends the hashing threads, after calls in flight have ended. What is left stays in the outbox. Calls made later fail with
    /// [`Error::Unavailable`](crate::domain::Error::Unavailable).
    pub async fn close(&self) {
        self.core.background.stop().await;
        // Without a database there is nowhere to write them.
        drop(self.record_refusals().await);
        // What is not sealed now is, by the next process.
        drop(timeout(TIME_PATIENCE, self.core.sealing().seal_all()).await);
        if self.core.mailer.close(Instant::now() + CLOSING).await {
            // Others need not wait until they are sure that this process is gone.
            drop(timeout(CLOSING, self.let_go_of_emails()).await);
        }
        let core = Arc::clone(&self.core);
        // Joining the threads blocks, and so does waiting for who reads the lines.
        let hashing = tokio::task::spawn_blocking(move || {
            core.hashing.close();
            if let Some(sink) = core.audit.sink() {
                sink.close(FLUSHING);
            }
        });
        let time = self.core.kept_time.keep(self.db(), &self.core.clock, AT_THE_END);
        drop(timeout(TIME_PATIENCE, time).await);
        self.core.db.close().await;
        self.core.sessions.close();
        drop(hashing.await);
        #[cfg(feature = "server")]
        if let Some(exporter) = &self.core.exporter {
            exporter.close().await;
        }
    }

    async fn let_go_of_emails(&self) -> Result<()> {
        let mut tx = self.db().write().await?;
        crate::store::mail::outbox::release(&mut tx, self.core.mailer.node).await?;
        tx.commit().await
    }
}
