//! Sessions that end because nobody uses them.
//!
//! A use is written only now and then: at most once in a twentieth of the timeout by each process, whatever number of
//! requests a session makes. Every process goes by what is written, so all end a session at the same time: at the timeout after
//! its last use, or up to a twentieth of it earlier, never later.

use std::time::Duration;

use tokio::time::timeout;

use crate::domain::Timestamp;
use crate::ops::Sso;
use crate::store;
use crate::store::db::detached::ToTheEnd;
use crate::store::session::cache::KnownSession;
use crate::store::session::record::Open;

/// How many times in the timeout a use is written at most.
const NOTES: i64 = 20;

/// How long a request waits for its use to be written.
const PATIENCE: Duration = Duration::from_secs(1);

const MICROS_PER_MINUTE: i64 = 60_000_000;

impl Sso {
    /// After how long without use a session ends, in microseconds; None where that does not matter.
    fn idle_timeout(&self) -> Option<i64> {
        let minutes = i64::from(self.config().session.idle_timeout);
        (minutes > 0).then(|| minutes.saturating_mul(MICROS_PER_MINUTE))
    }

    /// Whether a session that was last used at this time has been left unused for too long.
    pub(in crate::ops) fn is_idle(&self, last_use: Timestamp, now: Timestamp) -> bool {
        self.idle_timeout().is_some_and(|limit| now.as_micros().saturating_sub(last_use.as_micros()) >= limit)
    }

    /// Which sessions are open now.
    pub(in crate::ops) fn open_now(&self) -> Open {
        let now = self.now();
        let used_since = self.idle_timeout().map_or(i64::MIN, |limit| now.as_micros().saturating_sub(limit));
        Open { now, used_since: Timestamp::from_micros(used_since) }
    }

    /// Whether the use of a session now is to be written.
    pub(in crate::ops) fn is_use_due(&self, known: &KnownSession, now: Timestamp) -> bool {
        self.idle_timeout().is_some_and(|limit| known.is_use_due(now, limit / NOTES))
    }

    /// Notes that a session is used, which is written only now and then. A use that cannot be written rejects nobody: the next one
    /// is, and there are many before a session ends.
    pub(in crate::ops) async fn note_use(&self, known: &KnownSession) {
        let Some(limit) = self.idle_timeout() else { return };
        let (now, grain) = (self.now(), limit / NOTES);
        if !known.take_use(now, grain) {
            return;
        }
        // Others may have written it meanwhile.
        let since = Timestamp::from_micros(now.as_micros().saturating_sub(grain));
        let (db, session_id) = (self.db().clone(), known.session.session_id);
        let write = async move {
            let mut tx = db.write().await?;
            let written = store::session::record::note_use(&mut tx, session_id, now, since).await?;
            tx.commit().await.map(|()| written)
        };
        if let Ok(Ok(Some(written))) = timeout(PATIENCE, ToTheEnd::new(write)).await {
            known.set_noted_use(written);
        }
    }
}
