//! New emails of users that count when they are confirmed: one for each user at most.

use crate::domain::{Result, Timestamp, UserId};
use crate::store::{Conn, Tx};

sql! {
    PUT = "INSERT INTO sso_email_change (user_id, email, email_index, token_digest, creation_time, expiration_time) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, \
        email_index = excluded.email_index, token_digest = excluded.token_digest, \
        creation_time = excluded.creation_time, expiration_time = excluded.expiration_time";
    TAKE = "DELETE FROM sso_email_change WHERE token_digest = $1 AND expiration_time > $2 RETURNING user_id, email";
    SET_VERIFIED = "UPDATE sso_user SET email_is_verified = $2 WHERE user_id = $1";
    DELETE_OF_USER = "DELETE FROM sso_email_change WHERE user_id = $1";
}

/// A new email that waits to be confirmed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewEmailChange<'a> {
    pub user_id: &'a UserId,
    /// An envelope.
    pub email: &'a [u8],
    pub email_index: &'a [u8],
    pub token_digest: &'a [u8],
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
}

row! {
    /// A new email that has been confirmed: `email` is an envelope.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct EmailChange {
        pub user_id: UserId,
        pub email: Vec<u8>,
    }
}

/// Has a new email wait, in place of any other that the user wanted before.
///
/// # Errors
/// When the database cannot answer.
pub async fn put(tx: &mut Tx, new: &NewEmailChange<'_>) -> Result<()> {
    execute!(
        tx,
        PUT,
        new.user_id,
        new.email,
        new.email_index,
        new.token_digest,
        new.creation_time,
        new.expiration_time,
    )?;
    Ok(())
}

/// Takes what waits for this token, and has not expired. Of any number of simultaneous calls one gets it.
///
/// # Errors
/// When the database cannot answer.
pub async fn take(tx: &mut Tx, token_digest: &[u8], now: Timestamp) -> Result<Option<EmailChange>> {
    fetch_optional!(tx, EmailChange, TAKE, token_digest, now)
}

/// Gives up the email that a user wanted, if any.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(conn: &mut Conn, user_id: &UserId) -> Result<()> {
    execute!(conn, DELETE_OF_USER, user_id).map(drop)
}

/// Notes whether a user has shown that the email is theirs.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_verified(tx: &mut Tx, user_id: &UserId, is_verified: bool) -> Result<()> {
    tx.touch(user_id.as_str());
    execute!(tx, SET_VERIFIED, user_id, is_verified).map(drop)
}
