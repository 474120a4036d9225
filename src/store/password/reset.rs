//! Password resets under way: a token, and once that was used the key that it was exchanged for.

use uuid::Uuid;

use crate::domain::{Result, Timestamp, UserId};
use crate::store::Conn;

sql! {
    INSERT = "INSERT INTO sso_password_reset (reset_id, user_id, token_digest, token_expiration, creation_time, \
        creation_ctx, token) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    OPEN = "SELECT reset_id, token, token_expiration FROM sso_password_reset WHERE user_id = $1 AND access_time IS NULL \
        AND token_expiration > $2 AND token IS NOT NULL ORDER BY token_expiration DESC LIMIT 1";
    ACCESS = "UPDATE sso_password_reset SET access_time = $2, access_ctx = $3, reset_key_digest = $4, \
        reset_key_expiration = $5, token = NULL WHERE token_digest = $1 AND access_time IS NULL AND token_expiration > $2 \
        RETURNING user_id";
    BY_TOKEN = "SELECT reset_id, user_id, reset_key_digest, reset_key_expiration FROM sso_password_reset \
        WHERE token_digest = $1";
    DELETE = "DELETE FROM sso_password_reset WHERE reset_id = $1";
    DELETE_OF_USER = "DELETE FROM sso_password_reset WHERE user_id = $1";
}

/// A new reset.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewReset<'a> {
    pub reset_id: Uuid,
    pub user_id: &'a UserId,
    pub token_digest: &'a [u8],
    pub token_expiration: Timestamp,
    pub creation_time: Timestamp,
    pub creation_ctx: &'a str,
    /// Sealed.
    pub token: &'a [u8],
}

row! {
    /// A reset whose token is valid and was not used yet.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct OpenReset {
        pub reset_id: Uuid,
        /// Sealed.
        pub token: Vec<u8>,
        pub token_expiration: Timestamp,
    }
}

/// What a token is exchanged for.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct Access<'a> {
    pub access_time: Timestamp,
    pub access_ctx: &'a str,
    pub reset_key_digest: &'a [u8],
    pub reset_key_expiration: Timestamp,
}

row! {
    /// A reset under way.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct ResetRow {
        pub reset_id: Uuid,
        pub user_id: UserId,
        pub reset_key_digest: Option<Vec<u8>>,
        pub reset_key_expiration: Option<Timestamp>,
    }
}

/// The reset of a user whose token can still be used, if there is one.
///
/// # Errors
/// When the database cannot answer.
pub async fn open_of_user(conn: &mut Conn, user_id: &UserId, now: Timestamp) -> Result<Option<OpenReset>> {
    fetch_optional!(conn, OpenReset, OPEN, user_id, now)
}

/// Begins a reset. Others of the user go on: one whose token was used already is perhaps about to succeed.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(conn: &mut Conn, new: &NewReset<'_>) -> Result<()> {
    execute!(
        conn,
        INSERT,
        new.reset_id,
        new.user_id,
        new.token_digest,
        new.token_expiration,
        new.creation_time,
        new.creation_ctx,
        new.token,
    )?;
    Ok(())
}

/// Exchanges a token that has not expired. Of any number of simultaneous calls one gets the id of the user, all others,
/// and all later ones, None.
///
/// # Errors
/// When the database cannot answer.
pub async fn access(conn: &mut Conn, token_digest: &[u8], access: &Access<'_>) -> Result<Option<UserId>> {
    let row = fetch_optional!(
        conn,
        (UserId,),
        ACCESS,
        token_digest,
        access.access_time,
        access.access_ctx,
        access.reset_key_digest,
        access.reset_key_expiration,
    )?;
    Ok(row.map(|(user_id,)| user_id))
}

/// The reset with this token.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_token(conn: &mut Conn, token_digest: &[u8]) -> Result<Option<ResetRow>> {
    fetch_optional!(conn, ResetRow, BY_TOKEN, token_digest)
}

/// Ends a reset; false if it had ended already. Of any number of simultaneous calls one gets true.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(conn: &mut Conn, reset_id: Uuid) -> Result<bool> {
    Ok(execute!(conn, DELETE, reset_id)? == 1)
}

/// Ends every reset of a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(conn: &mut Conn, user_id: &UserId) -> Result<()> {
    execute!(conn, DELETE_OF_USER, user_id).map(drop)
}
