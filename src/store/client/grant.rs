//! What users have allowed clients.

use uuid::Uuid;

use crate::domain::{Result, Timestamp, UserId};
use crate::store::{Conn, Tx};

/// How many a list holds.
const LISTED: i64 = 1_000;

sql! {
    /// Adds scopes to what a user has allowed a client, or begins with them.
    ALLOW = "INSERT INTO sso_grant (grant_id, user_id, client_id, scopes, creation_time, last_modified) \
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = excluded.scopes, \
        last_modified = excluded.last_modified RETURNING grant_id";
    OF_USER_AND_CLIENT = "SELECT grant_id, scopes FROM sso_grant WHERE user_id = $1 AND client_id = $2";
    OF_USER = "SELECT g.grant_id, g.client_id, c.name, c.logo_uri, g.scopes, g.creation_time, g.last_modified, \
        (SELECT MAX(a.creation_time) FROM sso_authorization a WHERE a.grant_id = g.grant_id) AS last_sign_in \
        FROM sso_grant g JOIN sso_client c ON c.client_id = g.client_id WHERE g.user_id = $1 ORDER BY c.name, g.client_id LIMIT $2";
    WITHDRAW = "DELETE FROM sso_grant WHERE user_id = $1 AND client_id = $2";
}

row! {
    /// What a user has allowed a client.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Allowed {
        pub grant_id: Uuid,
        /// Between blanks.
        pub scopes: String,
    }
}

row! {
    /// The same as a list shows it.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct GrantRow {
        pub grant_id: Uuid,
        pub client_id: String,
        pub name: String,
        pub logo_uri: Option<String>,
        pub scopes: String,
        pub creation_time: Timestamp,
        pub last_modified: Timestamp,
        /// Of the sign-ins whose tokens are still there, the last.
        pub last_sign_in: Option<Timestamp>,
    }
}

/// Notes that a user allows a client these scopes, which take the place of those before; the id of the grant.
///
/// # Errors
/// When the database cannot answer, or user or client is gone.
pub async fn allow(
    tx: &mut Tx,
    new_id: Uuid,
    user_id: &UserId,
    client_id: &str,
    scopes: &str,
    now: Timestamp,
) -> Result<Option<Uuid>> {
    let row = fetch_optional!(tx, (Uuid,), ALLOW, new_id, user_id, client_id, scopes, now)?;
    Ok(row.map(|(grant_id,)| grant_id))
}

/// What a user has allowed a client.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_user_and_client(
    conn: &mut Conn,
    user_id: &UserId,
    client_id: &str,
) -> Result<Option<Allowed>> {
    fetch_optional!(conn, Allowed, OF_USER_AND_CLIENT, user_id, client_id)
}

/// All that a user has allowed, by the clients' names.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_user(conn: &mut Conn, user_id: &UserId) -> Result<Vec<GrantRow>> {
    fetch_all!(conn, GrantRow, OF_USER, user_id, LISTED)
}

/// Withdraws what a user has allowed a client, and all tokens that came of it; false if there was nothing.
///
/// # Errors
/// When the database cannot answer.
pub async fn withdraw(tx: &mut Tx, user_id: &UserId, client_id: &str) -> Result<bool> {
    Ok(execute!(tx, WITHDRAW, user_id, client_id)? > 0)
}
