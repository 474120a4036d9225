//! Opaque access tokens, and JWTs that were called back.

use uuid::Uuid;

use crate::domain::{Result, Timestamp};
use crate::store::client::authorization::{Held, held};
use crate::store::{Conn, Tx};

/// How many access tokens of one sign-in are kept.
const KEPT: i64 = 100;

/// How many of those beyond are deleted at a time.
const DELETED: i64 = 100;

sql! {
    INSERT = "INSERT INTO sso_access_token (token_digest, client_id, authorization_id, scopes, audiences, thumbprint, is_revoked, \
        creation_time, expiration_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    DELETE_OLDEST = "DELETE FROM sso_access_token WHERE token_digest IN (SELECT token_digest FROM sso_access_token \
        WHERE authorization_id = $1 AND NOT is_revoked ORDER BY creation_time DESC LIMIT $3 OFFSET $2)";
    BY_DIGEST = held!(
        "t.client_id, t.authorization_id AS token_authorization, t.scopes, t.audiences, t.thumbprint, t.creation_time, \
         t.expiration_time, ",
        "sso_access_token t JOIN sso_authorization a ON a.authorization_id = t.authorization_id",
        "t.token_digest = $1 AND t.expiration_time > $2 AND NOT t.is_revoked"
    );
    OF_CLIENT = "SELECT client_id, authorization_id AS token_authorization, scopes, audiences, thumbprint, creation_time, \
        expiration_time FROM sso_access_token \
        WHERE token_digest = $1 AND expiration_time > $2 AND authorization_id IS NULL AND NOT is_revoked";
    IS_REVOKED = "SELECT 1 FROM sso_access_token WHERE token_digest = $1 AND is_revoked";
    DELETE = "DELETE FROM sso_access_token WHERE token_digest = $1 AND client_id = $2 AND NOT is_revoked";
}

row! {
    /// An opaque access token.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct AccessTokenRow {
        pub client_id: String,
        /// None where the client acts for itself.
        pub token_authorization: Option<Uuid>,
        /// Between blanks.
        pub scopes: String,
        /// A line each.
        pub audiences: String,
        pub thumbprint: Option<String>,
        pub creation_time: Timestamp,
        pub expiration_time: Timestamp,
    }
}

row! {
    struct OfUser {
    } with {
        token: AccessTokenRow,
        held: Held,
    }
}

/// A new access token, or a JWT that is called back.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewAccessToken<'a> {
    pub digest: &'a [u8],
    pub client_id: &'a str,
    pub authorization_id: Option<Uuid>,
    pub scopes: &'a str,
    pub audiences: &'a str,
    pub thumbprint: Option<&'a str>,
    pub is_revoked: bool,
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
}

/// Adds an access token, for which the oldest ones beyond a hundred of the same sign-in go.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewAccessToken<'_>) -> Result<()> {
    execute!(
        tx,
        INSERT,
        new.digest,
        new.client_id,
        new.authorization_id,
        new.scopes,
        new.audiences,
        new.thumbprint,
        new.is_revoked,
        new.creation_time,
        new.expiration_time,
    )?;
    if let Some(authorization_id) = new.authorization_id {
        execute!(tx, DELETE_OLDEST, authorization_id, KEPT, DELETED)?;
    }
    Ok(())
}

/// The access token with this digest that has not expired, and the sign-in that it comes of.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_digest(
    conn: &mut Conn,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<(AccessTokenRow, Option<Held>)>> {
    if let Some(OfUser { token, held }) = fetch_optional!(conn, OfUser, BY_DIGEST, digest, now)? {
        return Ok(Some((token, Some(held))));
    }
    let token = fetch_optional!(conn, AccessTokenRow, OF_CLIENT, digest, now)?;
    Ok(token.map(|token| (token, None)))
}

/// Whether a JWT was called back.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_revoked(conn: &mut Conn, digest: &[u8]) -> Result<bool> {
    Ok(fetch_optional!(conn, (i32,), IS_REVOKED, digest)?.is_some())
}

/// Ends an access token of a client; false if there is none.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, digest: &[u8], client_id: &str) -> Result<bool> {
    Ok(execute!(tx, DELETE, digest, client_id)? > 0)
}
