//! The secrets of clients: digests. While one takes another's place, both are valid.

use crate::domain::{ClientId, ClientSecret, Result, Timestamp};
use crate::store::{Conn, Tx};

sql! {
    INSERT = "INSERT INTO sso_client_secret (client_id, secret_digest, creation_time, expiration_time) \
        VALUES ($1, $2, $3, NULL)";
    OF_CLIENT = "SELECT secret_digest, creation_time, expiration_time FROM sso_client_secret \
        WHERE client_id = $1 ORDER BY creation_time DESC";
    /// The newest of those that are valid ends then, unless it ends before.
    END_CURRENT = "UPDATE sso_client_secret SET expiration_time = $2 WHERE client_id = $1 AND expiration_time IS NULL";
    DELETE_ENDED = "DELETE FROM sso_client_secret WHERE client_id = $1 AND expiration_time IS NOT NULL";
    DELETE_ALL = "DELETE FROM sso_client_secret WHERE client_id = $1";
}

row! {
    struct SecretRow {
        secret_digest: Vec<u8>,
        creation_time: Timestamp,
        expiration_time: Option<Timestamp>,
    }
}

/// Gives a client a secret. The one that it had goes on being valid until this time, and an older one ends; None ends both.
///
/// # Errors
/// When the database cannot answer.
pub async fn replace(
    tx: &mut Tx,
    client_id: &ClientId,
    digest: &[u8],
    now: Timestamp,
    old_until: Option<Timestamp>,
) -> Result<()> {
    tx.touch(client_id.as_str());
    match old_until {
        None => execute!(tx, DELETE_ALL, client_id)?,
        Some(until) => {
            execute!(tx, DELETE_ENDED, client_id)?;
            execute!(tx, END_CURRENT, client_id, until)?
        }
    };
    execute!(tx, INSERT, client_id, digest, now).map(drop)
}

/// Ends all secrets of a client.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_all(tx: &mut Tx, client_id: &ClientId) -> Result<()> {
    tx.touch(client_id.as_str());
    execute!(tx, DELETE_ALL, client_id).map(drop)
}

/// The secrets of a client, the newest first, those that have ended included.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_client(conn: &mut Conn, client_id: &ClientId) -> Result<Vec<ClientSecret>> {
    let rows = fetch_all!(conn, SecretRow, OF_CLIENT, client_id)?;
    let secret = |row: SecretRow| ClientSecret {
        digest: row.secret_digest,
        creation_time: row.creation_time,
        expiration_time: row.expiration_time,
    };
    Ok(rows.into_iter().map(secret).collect())
}
