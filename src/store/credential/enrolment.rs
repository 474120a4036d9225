//! TOTP keys that are to take effect when a code of them is shown: one for each user at most.

use crate::domain::{Result, Timestamp, UserId};
use crate::store::{Conn, Tx};

sql! {
    PUT = "INSERT INTO sso_totp_enrolment (user_id, totp_key, creation_time, expiration_time) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (user_id) DO UPDATE SET totp_key = excluded.totp_key, creation_time = excluded.creation_time, \
        expiration_time = excluded.expiration_time";
    GET = "SELECT totp_key FROM sso_totp_enrolment WHERE user_id = $1 AND expiration_time > $2";
    TAKE = "DELETE FROM sso_totp_enrolment WHERE user_id = $1 AND expiration_time > $2 RETURNING totp_key";
}

/// Has a key wait, in place of any other that the user was given before.
///
/// # Errors
/// When the database cannot answer.
pub async fn put(
    tx: &mut Tx,
    user_id: &UserId,
    key: &[u8],
    now: Timestamp,
    expiration_time: Timestamp,
) -> Result<()> {
    execute!(tx, PUT, user_id, key, now, expiration_time).map(drop)
}

/// The envelope of the key that waits.
///
/// # Errors
/// When the database cannot answer.
pub async fn get(conn: &mut Conn, user_id: &UserId, now: Timestamp) -> Result<Option<Vec<u8>>> {
    Ok(fetch_optional!(conn, (Vec<u8>,), GET, user_id, now)?.map(|(key,)| key))
}

/// The same, and it waits no more.
///
/// # Errors
/// When the database cannot answer.
pub async fn take(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Option<Vec<u8>>> {
    Ok(fetch_optional!(tx, (Vec<u8>,), TAKE, user_id, now)?.map(|(key,)| key))
}
