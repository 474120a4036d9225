//! The forms of usernames: what they are compared by, and what they look like.

use crate::domain::{Result, UserId};
use crate::store::{Conn, Tx};

sql! {
    /// Two sign-ups at once whose names look alike come after each other.
    HOLD_SKELETON_POSTGRES = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    OF_ANOTHER = "SELECT user_id FROM sso_user WHERE username_skeleton = $1 AND user_id <> $2 LIMIT 1";
    LOCK_ALL_POSTGRES = "LOCK TABLE sso_user IN SHARE ROW EXCLUSIVE MODE";
    ALL = "SELECT user_id, username FROM sso_user";
    CLEAR_KEYS = "UPDATE sso_user SET username_key = NULL WHERE username_key IS NOT NULL";
    SET_KEY = "UPDATE sso_user SET username_key = $2, username_skeleton = $3 WHERE user_id = $1";
}

/// Keeps others who look for the same skeleton waiting until the transaction ends. On SQLite, one writes at a time anyway.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold_skeleton(tx: &mut Tx, skeleton: &str) -> Result<()> {
    if !tx.is_sqlite() {
        execute!(tx, HOLD_SKELETON_POSTGRES, skeleton)?;
    }
    Ok(())
}

/// Whether the name of another user has this skeleton.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_skeleton_of_another(conn: &mut Conn, user_id: &UserId, skeleton: &str) -> Result<bool> {
    Ok(fetch_optional!(conn, (UserId,), OF_ANOTHER, skeleton, user_id)?.is_some())
}

/// Keeps others from changing users until the transaction ends. On SQLite, one writes at a time anyway.
///
/// # Errors
/// When the database cannot answer.
pub async fn lock_all(tx: &mut Tx) -> Result<()> {
    if !tx.is_sqlite() {
        execute!(tx, LOCK_ALL_POSTGRES)?;
    }
    Ok(())
}

/// Every user and name.
///
/// # Errors
/// When the database cannot answer.
pub async fn all(conn: &mut Conn) -> Result<Vec<(UserId, String)>> {
    fetch_all!(conn, (UserId, String), ALL)
}

/// Takes the keys of all names away, so that new ones clash with none of them.
///
/// # Errors
/// When the database cannot answer.
pub async fn clear_keys(tx: &mut Tx) -> Result<()> {
    execute!(tx, CLEAR_KEYS)?;
    Ok(())
}

/// Gives a name its key and its skeleton.
///
/// # Errors
/// When the database cannot answer, or another name has that key.
pub async fn set_key(tx: &mut Tx, user_id: &UserId, key: &str, skeleton: &str) -> Result<()> {
    execute!(tx, SET_KEY, user_id, key, skeleton)?;
    Ok(())
}
