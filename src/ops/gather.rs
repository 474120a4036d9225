//! All that the process counts, as text.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::domain::{Result, trace};
use crate::ops::Sso;
use crate::ops::metrics::count::{EMAIL_OUTCOMES, OUTCOMES};
use crate::ops::metrics::known::Contents;
use crate::ops::metrics::text::{Format, Text};
use crate::ops::sink::Sink;
use crate::store;

/// How long the database may take to say how much there is.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the database said is good for so many times as long as the answer took, so that it is not kept busy by this; and no
/// longer than this.
const SHARE: u32 = 20;
const GOOD_FOR: Duration = Duration::from_secs(60);
/// How long it is left alone after it gave no answer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

impl Sso {
    /// What this process counts, as text for Prometheus. It holds no secret, and nothing about users but numbers.
    pub async fn metrics(&self, format: Format) -> String {
        let mut text = Text::new(format);
        self.write_metrics(&mut text).await;
        text.finish()
    }

    /// The same, behind what is written already.
    pub async fn write_metrics(&self, text: &mut Text) {
        self.write_operations(text);
        self.write_hashing(text);
        self.write_database(text);
        self.write_cache(text);
        self.write_limits(text);
        self.write_contents(text).await;
        self.write_logs(text);
        write_traces(text);
    }

    fn write_operations(&self, text: &mut Text) {
        let counted: Vec<_> = self.core.counters.operations().collect();
        let mut family = text.counter("operations", "Operations that have ended, by what became of them");
        for count in &counted {
            let operation = ("operation", count.operation.name());
            for (outcome, number) in OUTCOMES.into_iter().zip(count.outcomes) {
                family.value(&[operation, ("outcome", outcome)], number);
            }
        }
        let about = "How long operations took, but for those that the cache has answered";
        let mut family = text.histogram("operation_duration_seconds", about);
        for count in counted.iter().filter(|count| count.durations.count() > 0) {
            family.durations(&[("operation", count.operation.name())], &count.durations);
        }
        let mut family = text.counter("cached_answers", "Operations that the cache alone has answered");
        for count in counted.iter().filter(|count| count.cached > 0) {
            family.value(&[("operation", count.operation.name())], count.cached);
        }
    }

    fn write_hashing(&self, text: &mut Text) {
        let load = self.core.hashing.load();
        text.gauge("hash_threads", "Threads that hash passwords").value(&[], load.threads);
        text.gauge("hash_threads_busy", "Threads that hash a password now").value(&[], load.busy);
        text.gauge("hash_waiting", "Calls that wait for a thread to hash a password")
            .value(&[("for", "login")], load.waiting_logins)
            .value(&[("for", "other")], load.waiting_others);
        text.histogram("hash_wait_seconds", "How long calls waited for a thread").durations(&[], &load.waits);
        text.histogram("hash_duration_seconds", "How long passwords took to hash")
            .durations(&[], &load.durations);
        text.counter("hash_refusals", "Calls that were turned away, since too many waited or for too long")
            .value(&[("reason", "full")], load.refused_full)
            .value(&[("reason", "late")], load.refused_late);
    }

    fn write_database(&self, text: &mut Text) {
        let load = self.db().load();
        text.gauge("database_connections", "Open connections to the database")
            .value(&[("state", "idle")], load.idle)
            .value(&[("state", "used")], load.open - load.idle);
        text.gauge("database_connections_max", "Connections that there may be").value(&[], load.max);
        text.histogram("database_wait_seconds", "How long calls waited for a connection")
            .durations(&[("for", "read")], &load.read_waits)
            .durations(&[("for", "write")], &load.write_waits);
        text.counter("database_wait_failures", "Calls that got no connection").value(&[], load.failures);
    }

    fn write_cache(&self, text: &mut Text) {
        let sessions = &self.core.sessions;
        text.gauge("session_cache_entries", "Sessions in the cache").value(&[], sessions.size());
        text.counter("session_cache_hits", "Look-ups of sessions that the cache has answered")
            .value(&[], sessions.hits() + self.core.counters.cached_answers());
        text.counter("session_cache_misses", "Look-ups of sessions for which the database was read")
            .value(&[], sessions.misses());
    }

    fn write_limits(&self, text: &mut Text) {
        let counters = &self.core.counters;
        text.counter("throttle_failures", "Failed attempts that the login throttle has counted")
            .value(&[], counters.throttle_failures.load(Relaxed));
        text.counter("throttle_refusals", "Attempts that the login throttle has refused")
            .value(&[], counters.throttle_refusals.load(Relaxed));
        text.counter("rate_limit_refusals", "Requests over the limit of their user")
            .value(&[], counters.rate_limit_refusals.load(Relaxed));
        let mut family = text.counter("emails", "Attempts to send emails, by what became of them");
        for (outcome, number) in EMAIL_OUTCOMES.into_iter().zip(counters.emails()) {
            family.value(&[("outcome", outcome)], number);
        }
    }

    /// What is in the database. Without an answer there is no number rather than a wrong one.
    async fn write_contents(&self, text: &mut Text) {
        let contents = self.contents().await;
        text.gauge("database_up", "Whether the database has answered")
            .value(&[], u8::from(contents.is_some()));
        let Some(Contents { sessions, emails, oldest_email_seconds }) = contents else { return };
        text.gauge("sessions", "Sessions that have not expired, in the database").value(&[], sessions);
        text.gauge("email_queue", "Emails that wait in the database").value(&[], emails);
        text.gauge("email_queue_age_seconds", "For how long the oldest of them has waited")
            .value(&[], oldest_email_seconds);
    }

    async fn contents(&self) -> Option<Contents> {
        let mut known = self.core.contents.0.lock().await;
        let start = Instant::now();
        if let Some((until, contents)) = &*known
            && start < *until
        {
            return *contents;
        }
        let contents = timeout(PATIENCE, self.read_contents()).await.ok().and_then(Result::ok);
        let good_for =
            if contents.is_some() { (start.elapsed() * SHARE).min(GOOD_FOR) } else { AFTER_FAILURE };
        *known = Some((Instant::now() + good_for, contents));
        contents
    }

    async fn read_contents(&self) -> Result<Contents> {
        let now = self.now();
        let mut conn = self.db().read().await?;
        let (emails, oldest) = store::mail::outbox::backlog(&mut conn).await?;
        let sessions = store::session::record::count_all_open(&mut conn, self.open_now()).await?;
        let oldest_email_seconds =
            oldest.map_or(0, |oldest| now.since(oldest).as_secs().try_into().unwrap_or(0));
        Ok(Contents { sessions, emails, oldest_email_seconds })
    }

    fn write_logs(&self, text: &mut Text) {
        let audit = self.core.audit.sink();
        let is_writable = audit.is_none_or(|audit| audit.fault().is_none());
        text.gauge("audit_writable", "Whether audit entries can be written to audit.file")
            .value(&[], u8::from(is_writable));
        text.counter("audit_lines_lost", "Audit lines that could not be written")
            .value(&[], audit.map_or(0, Sink::lost));
        text.counter("log_lines_lost", "Lines of the log that could not be written")
            .value(&[], self.core.log.lost());
        text.gauge("build_info", "The version").value(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    }
}

fn write_traces(text: &mut Text) {
    text.counter("spans", "Spans of traces, by what became of them")
        .value(&[("outcome", "sent")], trace::SENT.load(Relaxed))
        .value(&[("outcome", "failed")], trace::FAILED.load(Relaxed))
        .value(&[("outcome", "dropped")], trace::DROPPED.load(Relaxed));
}
