//! Authorization requests that clients have pushed.

use crate::domain::{Result, Timestamp};
use crate::store::{Conn, Tx};

sql! {
    /// Nothing is inserted where the client has so many already.
    INSERT = "INSERT INTO sso_pushed_request (request_digest, client_id, parameters, is_open, expiration_time) \
        SELECT $1, $2, $3, FALSE, $4 WHERE (SELECT COUNT(*) FROM (SELECT 1 FROM sso_pushed_request WHERE client_id = $2 \
        AND expiration_time > $6 LIMIT $5) AS counted) < $5";
    OPEN = "UPDATE sso_pushed_request SET request_digest = $2, is_open = TRUE, expiration_time = $5 \
        WHERE request_digest = $1 AND client_id = $3 AND NOT is_open AND expiration_time > $4 RETURNING parameters";
    READ = "SELECT parameters FROM sso_pushed_request WHERE request_digest = $1 AND client_id = $2 AND is_open \
        AND expiration_time > $3";
    DELETE = "DELETE FROM sso_pushed_request WHERE request_digest = $1 AND is_open AND expiration_time > $2";
}

/// A request that was pushed.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewPushed<'a> {
    pub digest: &'a [u8],
    pub client_id: &'a str,
    pub parameters: &'a str,
    pub expiration_time: Timestamp,
}

/// Keeps a request; false where the client has `most` already that have not expired.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewPushed<'_>, now: Timestamp, most: i64) -> Result<bool> {
    let NewPushed { digest, client_id, parameters, expiration_time } = *new;
    Ok(execute!(tx, INSERT, digest, client_id, parameters, expiration_time, most, now)? == 1)
}

/// Takes a request that nobody has come with yet, and gives it another name and more time; its parameters.
///
/// # Errors
/// When the database cannot answer.
pub async fn open(
    tx: &mut Tx,
    digest: &[u8],
    new_digest: &[u8],
    client_id: &str,
    now: Timestamp,
    expiration_time: Timestamp,
) -> Result<Option<String>> {
    let row = fetch_optional!(tx, (String,), OPEN, digest, new_digest, client_id, now, expiration_time)?;
    Ok(row.map(|(parameters,)| parameters))
}

/// The parameters of a request that somebody has come with.
///
/// # Errors
/// When the database cannot answer.
pub async fn read(conn: &mut Conn, digest: &[u8], client_id: &str, now: Timestamp) -> Result<Option<String>> {
    let row = fetch_optional!(conn, (String,), READ, digest, client_id, now)?;
    Ok(row.map(|(parameters,)| parameters))
}

/// Uses a request up; false if it is gone. Of any number of simultaneous calls one gets true.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, digest: &[u8], now: Timestamp) -> Result<bool> {
    Ok(execute!(tx, DELETE, digest, now)? == 1)
}
