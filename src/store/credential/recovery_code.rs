//! Recovery codes of users. One that was used is marked, and goes with the next ones that are made.

use uuid::Uuid;

use crate::domain::{Error, Result, Timestamp, UserId};
use crate::store::db::dialect::{strings_postgres, strings_sqlite};
use crate::store::{Conn, Tx};

macro_rules! of_users {
    ($strings:ident) => {
        concat!(
            "SELECT user_id, code_digest FROM sso_recovery_code WHERE use_time IS NULL AND user_id IN (SELECT value FROM ",
            $strings!("$1"),
            ") ORDER BY code_digest"
        )
    };
}

sql! {
    OF_USERS_SQLITE = of_users!(strings_sqlite);
    OF_USERS_POSTGRES = of_users!(strings_postgres);
    INSERT = "INSERT INTO sso_recovery_code (code_id, user_id, code_digest, creation_time) VALUES ($1, $2, $3, $4)";
    USE = "UPDATE sso_recovery_code SET use_time = $3 WHERE user_id = $1 AND code_digest = $2 AND use_time IS NULL";
    COUNT = "SELECT COUNT(*) FROM sso_recovery_code WHERE user_id = $1 AND use_time IS NULL";
    DELETE_OF_USER = "DELETE FROM sso_recovery_code WHERE user_id = $1";
}

/// Adds a code.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    tx: &mut Tx,
    code_id: Uuid,
    user_id: &UserId,
    digest: &[u8],
    now: Timestamp,
) -> Result<()> {
    execute!(tx, INSERT, code_id, user_id, digest, now).map(drop)
}

/// Uses a code up; false if the user has none like it, or it was used before. Of any number of simultaneous calls one gets true.
///
/// # Errors
/// When the database cannot answer.
pub async fn use_up(tx: &mut Tx, user_id: &UserId, digest: &[u8], now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, USE, user_id, digest, now)? == 1)
}

/// How many codes a user has left.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(conn: &mut Conn, user_id: &UserId) -> Result<i64> {
    let row = fetch_optional!(conn, (i64,), COUNT, user_id)?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Ends all codes of a user; how many there were, used ones too.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(tx: &mut Tx, user_id: &UserId) -> Result<u64> {
    execute!(tx, DELETE_OF_USER, user_id)
}

/// What is stored of the codes that these users have left: whose, and a digest.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_users(conn: &mut Conn, user_ids: &[&str]) -> Result<Vec<(UserId, Vec<u8>)>> {
    let sql = conn.choose(OF_USERS_SQLITE, OF_USERS_POSTGRES);
    let ids = serde_json::to_string(user_ids).map_err(Error::internal)?;
    fetch_all!(conn, (UserId, Vec<u8>), sql, &ids)
}
