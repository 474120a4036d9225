//! The outbox: what is to be sent, and requests that are to become emails. A row is held by one node at a time.

use uuid::Uuid;

use crate::domain::{Result, Timestamp, UserId};
use crate::store::Conn;
use crate::store::Tx;
use crate::store::db::dialect;

macro_rules! columns {
    () => {
        "message_id, kind, user_id, message, attempts, creation_time"
    };
}

/// The row that is due first. Emails have a user, requests have none.
macro_rules! due {
    ($user:literal, $held:expr) => {
        concat!(
            "SELECT message_id FROM sso_outbox WHERE next_time <= $1 AND held_until <= $1 AND user_id ",
            $user,
            " ORDER BY next_time, message_id LIMIT 1",
            $held
        )
    };
}

macro_rules! claim {
    ($which:expr) => {
        concat!(
            "UPDATE sso_outbox SET attempts = attempts + 1, held_until = $2, held_by = $3 WHERE message_id = ",
            $which,
            " RETURNING ",
            columns!()
        )
    };
}

sql! {
    /// Nothing is inserted where so many wait already. An email takes the place of one of its kind that waits for the
    /// same user.
    INSERT = "INSERT INTO sso_outbox (message_id, kind, user_id, message, attempts, creation_time, next_time, held_until, \
        held_by) SELECT $1, $2, $3, $4, 0, $5, $5, 0, NULL WHERE (SELECT COUNT(*) FROM sso_outbox) < $6 \
        ON CONFLICT (kind, user_id) WHERE user_id IS NOT NULL DO UPDATE SET message_id = excluded.message_id, \
        message = excluded.message, creation_time = excluded.creation_time, held_until = 0, held_by = NULL";
    WAITING = "SELECT message_id FROM sso_outbox WHERE kind = $1 AND user_id = $2";
    WITHDRAW = "DELETE FROM sso_outbox WHERE kind = $1 AND user_id = $2";
    EMAIL_DUE = due!("IS NOT NULL", "");
    REQUEST_DUE = due!("IS NULL", "");
    CLAIM_EMAIL_SQLITE = claim!(concat!("(", due!("IS NOT NULL", dialect::skip_held_sqlite!()), ")"));
    CLAIM_EMAIL_POSTGRES = claim!(concat!("(", due!("IS NOT NULL", dialect::skip_held_postgres!()), ")"));
    CLAIM_REQUEST_SQLITE = claim!(concat!("(", due!("IS NULL", dialect::skip_held_sqlite!()), ")"));
    CLAIM_REQUEST_POSTGRES = claim!(concat!("(", due!("IS NULL", dialect::skip_held_postgres!()), ")"));
    CLAIM_ONE = claim!("$1 AND held_until <= $4");
    HOLD = "UPDATE sso_outbox SET held_until = $3 WHERE message_id = $1 AND held_by = $2";
    DONE = "DELETE FROM sso_outbox WHERE message_id = $1 AND held_by = $2";
    LATER = "UPDATE sso_outbox SET next_time = $3, held_until = 0, held_by = NULL WHERE message_id = $1 AND held_by = $2";
    BACKLOG = "SELECT COUNT(*), MIN(creation_time) FROM sso_outbox";
    RELEASE = "UPDATE sso_outbox SET held_until = 0, held_by = NULL WHERE held_by = $1";
}

/// What waits in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Emails to users.
    Emails,
    /// What strangers asked for, of which emails may come.
    Requests,
}

/// A new row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewMessage<'a> {
    pub message_id: Uuid,
    pub kind: &'a str,
    /// None for a request.
    pub user_id: Option<&'a UserId>,
    /// Sealed.
    pub message: &'a [u8],
    pub creation_time: Timestamp,
}

row! {
    /// A row that this node holds.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Claimed {
        pub message_id: Uuid,
        pub kind: String,
        pub user_id: Option<UserId>,
        pub message: Vec<u8>,
        pub attempts: i64,
        pub creation_time: Timestamp,
    }
}

/// Who holds a row, and until when others leave it alone.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    /// The node.
    pub node: Uuid,
    /// The end of its hold, if it does not renew it.
    pub until: Timestamp,
}

/// Adds a row, unless `max` rows wait already: then false.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewMessage<'_>, max: i64) -> Result<bool> {
    let user_id = new.user_id.map(UserId::as_str);
    let inserted =
        execute!(tx, INSERT, new.message_id, new.kind, user_id, new.message, new.creation_time, max,)?;
    Ok(inserted == 1)
}

/// Whether an email of this kind waits for the user.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_waiting(tx: &mut Tx, kind: &str, user_id: &UserId) -> Result<bool> {
    Ok(fetch_optional!(tx, (Uuid,), WAITING, kind, user_id)?.is_some())
}

/// Takes back an email of this kind that waits for the user.
///
/// # Errors
/// When the database cannot answer.
pub async fn withdraw(tx: &mut Tx, kind: &str, user_id: &UserId) -> Result<()> {
    execute!(tx, WITHDRAW, kind, user_id).map(drop)
}

/// Whether a row is due that nobody holds.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_any_due(conn: &mut Conn, lane: Lane, now: Timestamp) -> Result<bool> {
    let sql = match lane {
        Lane::Emails => EMAIL_DUE,
        Lane::Requests => REQUEST_DUE,
    };
    Ok(fetch_optional!(conn, (Uuid,), sql, now)?.is_some())
}

/// Holds the row that is due first, if there is one that nobody else holds.
///
/// # Errors
/// When the database cannot answer.
pub async fn claim(tx: &mut Tx, lane: Lane, now: Timestamp, holder: Holder) -> Result<Option<Claimed>> {
    let sql = match lane {
        Lane::Emails => tx.choose(CLAIM_EMAIL_SQLITE, CLAIM_EMAIL_POSTGRES),
        Lane::Requests => tx.choose(CLAIM_REQUEST_SQLITE, CLAIM_REQUEST_POSTGRES),
    };
    fetch_optional!(tx, Claimed, sql, now, holder.until, holder.node)
}

/// Holds this row, due or not, unless it is gone or somebody else holds it.
///
/// # Errors
/// When the database cannot answer.
pub async fn claim_one(
    tx: &mut Tx,
    message_id: Uuid,
    now: Timestamp,
    holder: Holder,
) -> Result<Option<Claimed>> {
    fetch_optional!(tx, Claimed, CLAIM_ONE, message_id, holder.until, holder.node, now)
}

/// Holds a row for longer.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold(tx: &mut Tx, message_id: Uuid, holder: Holder) -> Result<()> {
    execute!(tx, HOLD, message_id, holder.node, holder.until).map(drop)
}

/// Deletes a row that this node holds; false if it does not hold it any more.
///
/// # Errors
/// When the database cannot answer.
pub async fn done(tx: &mut Tx, message_id: Uuid, node: Uuid) -> Result<bool> {
    Ok(execute!(tx, DONE, message_id, node)? == 1)
}

/// Lets go of a row, which others may try at that time.
///
/// # Errors
/// When the database cannot answer.
pub async fn later(tx: &mut Tx, message_id: Uuid, node: Uuid, next_time: Timestamp) -> Result<()> {
    execute!(tx, LATER, message_id, node, next_time).map(drop)
}

/// How many rows wait, and since when the oldest does.
///
/// # Errors
/// When the database cannot answer.
pub async fn backlog(conn: &mut Conn) -> Result<(i64, Option<Timestamp>)> {
    Ok(fetch_optional!(conn, (i64, Option<Timestamp>), BACKLOG)?.unwrap_or_default())
}

/// Lets go of every row that this node holds.
///
/// # Errors
/// When the database cannot answer.
pub async fn release(tx: &mut Tx, node: Uuid) -> Result<()> {
    execute!(tx, RELEASE, node).map(drop)
}
