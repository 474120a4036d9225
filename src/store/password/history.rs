//! Former passwords, so that they are not used again.

use uuid::Uuid;

use crate::domain::{Result, Timestamp, UserId};
use crate::store::Conn;

sql! {
    INSERT = "INSERT INTO sso_password_history (history_id, user_id, password_hash, replaced_time) \
        VALUES ($1, $2, $3, $4)";
    LATEST = "SELECT history_id, password_hash FROM sso_password_history WHERE user_id = $1 \
        ORDER BY replaced_time DESC, history_id DESC LIMIT $2";
    PRUNE = "DELETE FROM sso_password_history WHERE user_id = $1 AND history_id NOT IN (\
        SELECT history_id FROM sso_password_history WHERE user_id = $1 \
        ORDER BY replaced_time DESC, history_id DESC LIMIT $2)";
}

/// Keeps a password that was replaced, and of older ones the latest `keep` in all.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    conn: &mut Conn,
    history_id: Uuid,
    user_id: &UserId,
    envelope: &[u8],
    now: Timestamp,
    keep: i64,
) -> Result<()> {
    execute!(conn, INSERT, history_id, user_id, envelope, now)?;
    execute!(conn, PRUNE, user_id, keep)?;
    Ok(())
}

/// The latest former passwords: id and envelope.
///
/// # Errors
/// When the database cannot answer.
pub async fn latest(conn: &mut Conn, user_id: &UserId, limit: i64) -> Result<Vec<(Uuid, Vec<u8>)>> {
    fetch_all!(conn, (Uuid, Vec<u8>), LATEST, user_id, limit)
}
