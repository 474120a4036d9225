//! Clients that are to be told when a session ends. Whatever ends it gives the row its time, by a trigger.

use crate::domain::{Result, SessionId, Timestamp, UserId};
use crate::store::db::dialect;
use crate::store::{Conn, Tx};

/// Two of a client at most: one whose server hangs is not to take all places.
macro_rules! due {
    ($held:expr) => {
        concat!(
            "SELECT n.session_id, n.client_id FROM sso_logout_notice n WHERE n.next_time <= $1 AND NOT EXISTS (SELECT 1 \
             FROM sso_logout_notice o WHERE o.client_id = n.client_id AND o.next_time <= $1 \
             AND (o.next_time < n.next_time OR (o.next_time = n.next_time AND o.session_id < n.session_id)) \
             LIMIT 1 OFFSET 1) ORDER BY n.next_time LIMIT $3",
            $held
        )
    };
}

/// What waits for a client, but for what somebody holds already.
macro_rules! postpone {
    ($held:expr) => {
        concat!(
            "UPDATE sso_logout_notice SET next_time = $3 WHERE (session_id, client_id) IN (SELECT session_id, client_id \
             FROM sso_logout_notice WHERE client_id = $1 AND next_time <= $2",
            $held,
            ")"
        )
    };
}

/// Notes when a session has ended, as soon as somebody sees it, and when the next attempt is.
macro_rules! take {
    ($held:expr) => {
        concat!(
            "UPDATE sso_logout_notice SET attempts = attempts + 1, next_time = $2, end_time = COALESCE(end_time, $1) \
             WHERE (session_id, client_id) IN (",
            due!($held),
            ") RETURNING session_id, client_id, user_id, end_time, attempts"
        )
    };
}

sql! {
    INSERT = "INSERT INTO sso_logout_notice (session_id, client_id, user_id, creation_time, attempts) VALUES ($1, $2, $3, $4, 0) \
        ON CONFLICT DO NOTHING";
    IS_ANY_DUE = "SELECT 1 FROM sso_logout_notice WHERE next_time <= $1 LIMIT 1";
    TAKE_SQLITE = take!(dialect::skip_held_sqlite!());
    TAKE_POSTGRES = take!(dialect::skip_held_postgres!());
    DONE = "DELETE FROM sso_logout_notice WHERE session_id = $1 AND client_id = $2";
    POSTPONE_SQLITE = postpone!(dialect::skip_held_sqlite!());
    POSTPONE_POSTGRES = postpone!(dialect::skip_held_postgres!());
    LATER = "UPDATE sso_logout_notice SET next_time = $3 WHERE session_id = $1 AND client_id = $2";
}

row! {
    /// A client that is to be told.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Notice {
        pub session_id: SessionId,
        pub client_id: String,
        pub user_id: UserId,
        pub end_time: Option<Timestamp>,
        pub attempts: i64,
    }
}

/// Has a client told when a session ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    tx: &mut Tx,
    session_id: SessionId,
    client_id: &str,
    user_id: &UserId,
    now: Timestamp,
) -> Result<()> {
    execute!(tx, INSERT, session_id, client_id, user_id, now).map(drop)
}

/// Whether a client is to be told now.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_any_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(conn, (i32,), IS_ANY_DUE, now)?.is_some())
}

/// Takes so many clients that are to be told now; others leave them alone until then.
///
/// # Errors
/// When the database cannot answer.
pub async fn take(tx: &mut Tx, now: Timestamp, held_until: Timestamp, limit: i64) -> Result<Vec<Notice>> {
    let sql = tx.choose(TAKE_SQLITE, TAKE_POSTGRES);
    fetch_all!(tx, Notice, sql, now, held_until, limit)
}

/// A client knows, or will never.
///
/// # Errors
/// When the database cannot answer.
pub async fn done(tx: &mut Tx, notice: &Notice) -> Result<()> {
    execute!(tx, DONE, notice.session_id, &notice.client_id).map(drop)
}

/// A client is to be told at that time, of this and of all else that it would be told of now.
///
/// # Errors
/// When the database cannot answer.
pub async fn later(tx: &mut Tx, notice: &Notice, now: Timestamp, next_time: Timestamp) -> Result<()> {
    execute!(tx, LATER, notice.session_id, &notice.client_id, next_time)?;
    let sql = tx.choose(POSTPONE_SQLITE, POSTPONE_POSTGRES);
    execute!(tx, sql, &notice.client_id, now, next_time).map(drop)
}
