//! Renewals of sessions, which are combined: those that are asked for while others are being written are written together,
//! in one statement and one commit. Each caller waits for its own, and is told of its own.
//!
//! The first caller writes what is in the queue, its own renewal among it; who comes meanwhile only waits. Should the one
//! who writes go away, the rest is written by a task.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::oneshot;

use crate::domain::{ChangeSource, Error, Result, SessionId, Timestamp, UserId};
use crate::store::cache::slots::Touched;
use crate::store::db::detached::ToTheEnd;
use crate::store::db::dialect::{renewals_postgres, renewals_sqlite};
use crate::store::db::error::again;
use crate::store::db::pool::Pools;
use crate::store::session::record::HISTORY_LENGTH;
use crate::store::{Conn, Db, Tx};

/// How many are written in one statement.
const MAX_BATCH: usize = 128;

/// A new entry in the history takes the place of the one that came so many before it.
macro_rules! in_its_slot {
    () => {
        " ON CONFLICT (session_id, slot) DO UPDATE SET idx = excluded.idx, change_time = excluded.change_time, \
          ctx_source = excluded.ctx_source, remote_addr = excluded.remote_addr, user_agent = excluded.user_agent"
    };
}

sql! {
    /// Two statements, one after the other.
    RENEW_SQLITE = concat!(
        "UPDATE sso_session SET expiration_time = MAX(sso_session.expiration_time, given.expiration_time), \
         last_use = MAX(COALESCE(sso_session.last_use, 0), given.change_time), \
         state_change_count = state_change_count + 1 \
         FROM (", renewals_sqlite!(), ") AS given WHERE sso_session.session_id = given.session_id; \
         INSERT INTO sso_session_change (session_id, slot, idx, change_time, ctx_source, remote_addr, user_agent) \
         SELECT s.session_id, s.state_change_count % $3, s.state_change_count, given.change_time, $2, \
         given.remote_addr, given.user_agent FROM (", renewals_sqlite!(), ") AS given \
         JOIN sso_session s ON s.session_id = given.session_id WHERE TRUE", in_its_slot!(), " RETURNING session_id"
    );
    /// Locked in one order, so that no two of these wait for each other. The planner does not know how few they are and would
    /// read the whole table for them; of the members of an array it expects few, and uses the index.
    RENEW_POSTGRES = concat!(
        "WITH given AS (", renewals_postgres!(), "), \
         held AS (SELECT session_id FROM sso_session \
         WHERE session_id = ANY(ARRAY(SELECT session_id FROM given)) ORDER BY session_id FOR NO KEY UPDATE), \
         renewed AS (UPDATE sso_session s \
         SET expiration_time = GREATEST(s.expiration_time, given.expiration_time), \
         last_use = GREATEST(s.last_use, given.change_time), \
         state_change_count = s.state_change_count + 1 FROM given WHERE s.session_id = given.session_id \
         AND s.session_id = ANY(ARRAY(SELECT session_id FROM held)) \
         RETURNING s.session_id, s.state_change_count) \
         INSERT INTO sso_session_change (session_id, slot, idx, change_time, ctx_source, remote_addr, user_agent) \
         SELECT session_id, renewed.state_change_count % $3, renewed.state_change_count, given.change_time, $2, \
         given.remote_addr, given.user_agent FROM given JOIN renewed USING (session_id)",
        in_its_slot!(), " RETURNING session_id"
    );
}

/// A session's new end, and from where it was asked for.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Renewal {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub expiration: Timestamp,
    pub now: Timestamp,
    pub remote_addr: String,
    pub user_agent: Option<String>,
}

/// Gives sessions new ends, none before the one that it has, and notes by what; those that were there. No session may be among them twice.
///
/// # Errors
/// When the database cannot answer.
pub async fn renew(conn: &mut Conn, renewals: &[&Renewal]) -> Result<HashSet<SessionId>> {
    for renewal in renewals {
        conn.touch(renewal.user_id.as_str());
    }
    let given = renewals.iter().map(|renewal| {
        json!({
            "session_id": renewal.session_id.0.simple().to_string(),
            "expiration_time": renewal.expiration.as_micros(),
            "change_time": renewal.now.as_micros(),
            "remote_addr": renewal.remote_addr,
            "user_agent": renewal.user_agent,
        })
    });
    let given = serde_json::Value::from_iter(given).to_string();
    let (sql, source) = (conn.choose(RENEW_SQLITE, RENEW_POSTGRES), ChangeSource::Renew);
    let renewed = fetch_all!(conn, (SessionId,), sql, &given, source, HISTORY_LENGTH)?;
    Ok(renewed.into_iter().map(|(session_id,)| session_id).collect())
}

#[derive(Debug)]
struct Asked {
    renewal: Renewal,
    tell: oneshot::Sender<Result<bool>>,
}

/// Renewals that wait to be written to one database. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Renewals(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Asked>,
    /// A caller writes, and goes on until nothing waits.
    is_led: bool,
}

impl Renewals {
    /// What the lock guards is whole at any moment.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; returns whether another caller writes it.
    fn add(&self, asked: Asked) -> bool {
        let mut queue = self.lock();
        queue.waiting.push_back(asked);
        mem::replace(&mut queue.is_led, true)
    }

    /// What is written next: of each session the one that was asked for first, for each counts by itself. Whose caller has
    /// gone away before it came to that is left out.
    fn next(&self) -> Vec<Asked> {
        let mut queue = self.lock();
        let mut sessions = HashSet::new();
        let (mut next, mut later) = (Vec::new(), VecDeque::new());
        for asked in mem::take(&mut queue.waiting) {
            if asked.tell.is_closed() {
                continue;
            }
            if next.len() < MAX_BATCH && sessions.insert(asked.renewal.session_id) {
                next.push(asked);
            } else {
                later.push_back(asked);
            }
        }
        queue.waiting = later;
        next
    }
}

impl Renewals {
    /// Gives a session a new end and notes by what; false if the session is gone.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn renew(&self, db: &Db, renewal: Renewal) -> Result<bool> {
        let (tell, mut told) = oneshot::channel();
        if self.add(Asked { renewal, tell }) {
            return told.await.map_err(|_| writer_gone())?;
        }
        let lead = Lead { db: db.clone(), renewals: self.clone(), is_over: false };
        let mut lead = ToTheEnd::new(lead.write());
        let answer = tokio::select! {
            biased;
            answer = &mut told => answer,
            () = &mut lead => told.await,
        };
        answer.map_err(|_| writer_gone())?
    }
}

fn writer_gone() -> Error {
    Error::unavailable("the writer of this renewal has gone away")
}

/// The caller that writes.
struct Lead {
    db: Db,
    renewals: Renewals,
    is_over: bool,
}

impl Lead {
    /// Writes until nothing waits.
    async fn write(mut self) {
        while !self.is_over() {
            let place = Place::on(&self.db).await;
            // Only now: renewals that came while this waited are included.
            let batch = self.renewals.next();
            if batch.is_empty() {
                continue;
            }
            let renewals: Vec<_> = batch.iter().map(|asked| &asked.renewal).collect();
            let outcome = match place {
                Ok(place) => place.write(&self.db, &renewals).await,
                Err(error) => Err(error),
            };
            for Asked { renewal, tell } in batch {
                let answer = match &outcome {
                    Ok(renewed) => Ok(renewed.contains(&renewal.session_id)),
                    Err(error) => Err(again(error)),
                };
                // A caller that does not listen any more has gone away.
                drop(tell.send(answer));
            }
        }
    }

    fn is_over(&mut self) -> bool {
        let mut queue = self.renewals.lock();
        self.is_over = queue.waiting.is_empty();
        queue.is_led = !self.is_over;
        self.is_over
    }
}

impl Drop for Lead {
    /// In the middle only when the runtime ends: no caller must wait for it then.
    fn drop(&mut self) {
        if !self.is_over {
            let mut queue = self.renewals.lock();
            queue.is_led = false;
            let left_alone = mem::take(&mut queue.waiting);
            drop(queue);
            drop(left_alone);
        }
    }
}

/// Where a batch is written.
enum Place {
    /// In a transaction: of SQLite, or behind a pooler.
    Transaction(Tx),
    /// On PostgreSQL, where it is one statement, and so a transaction by itself. To write it twice is to write it once.
    Alone(Conn),
}

impl Place {
    async fn on(db: &Db) -> Result<Self> {
        match &db.pools {
            Pools::Postgres(pool) if !pool.has_transaction_pooler() => db.read().await.map(Self::Alone),
            Pools::Postgres(_) | Pools::Sqlite { .. } => db.write().await.map(Self::Transaction),
        }
    }

    async fn write(self, db: &Db, renewals: &[&Renewal]) -> Result<HashSet<SessionId>> {
        match self {
            Self::Transaction(mut tx) => {
                let renewed = renew(&mut tx, renewals).await?;
                tx.commit().await?;
                Ok(renewed)
            }
            Self::Alone(mut conn) => {
                let mut touched = Touched::default();
                renewals.iter().for_each(|renewal| touched.user(renewal.user_id.as_str()));
                let change = db.epochs().before_commit(touched).await?;
                let outcome = renew(&mut conn, renewals).await;
                change.after_commit();
                outcome
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    type Caller = oneshot::Receiver<Result<bool>>;

    fn asked(session: u128) -> (Asked, Caller) {
        let renewal = Renewal {
            session_id: SessionId(Uuid::from_u128(session)),
            user_id: UserId::from_stored("u".to_owned()),
            expiration: Timestamp::NEVER,
            now: Timestamp::NEVER,
            remote_addr: String::new(),
            user_agent: None,
        };
        let (tell, told) = oneshot::channel();
        (Asked { renewal, tell }, told)
    }

    /// Adds renewals of these sessions; their callers.
    fn add(renewals: &Renewals, sessions: impl IntoIterator<Item = u128>) -> Vec<Caller> {
        let add = |session| {
            let (asked, caller) = asked(session);
            let _ = renewals.add(asked);
            caller
        };
        sessions.into_iter().map(add).collect()
    }

    fn sessions(batch: &[Asked]) -> Vec<u128> {
        batch.iter().map(|asked| asked.renewal.session_id.0.as_u128()).collect()
    }

    #[test]
    fn a_batch_has_each_session_once_and_the_next_one_the_rest() {
        let renewals = Renewals::default();
        let _callers = add(&renewals, [1, 2, 1, 3, 1]);
        assert_eq!(sessions(&renewals.next()), [1, 2, 3]);
        assert_eq!(sessions(&renewals.next()), [1]);
        assert_eq!(sessions(&renewals.next()), [1]);
        assert!(renewals.next().is_empty());
    }

    #[test]
    fn a_batch_is_of_limited_size() {
        let renewals = Renewals::default();
        let _callers = add(&renewals, 0..200);
        assert_eq!([renewals.next().len(), renewals.next().len()], [MAX_BATCH, 200 - MAX_BATCH]);
    }

    #[test]
    fn one_caller_leads_and_the_others_wait() {
        let renewals = Renewals::default();
        assert!(!renewals.add(asked(1).0));
        assert!(renewals.add(asked(2).0));
    }

    #[test]
    fn whose_caller_has_gone_away_is_left_out() {
        let renewals = Renewals::default();
        let mut callers = add(&renewals, [1, 2, 3]);
        callers.remove(1);
        assert_eq!(sessions(&renewals.next()), [1, 3]);
    }
}
