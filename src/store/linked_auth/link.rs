//! Links of security definitions to users.

use crate::domain::{LinkedAuth, Result, SecType, Timestamp, UserId};
use crate::store::db::dialect::{held_postgres, held_sqlite};
use crate::store::db::error::is_dangling;
use crate::store::{Conn, Tx};

macro_rules! hold {
    ($held:ident) => {
        concat!(
            "SELECT sec_def_id FROM sso_linked_auth WHERE sec_def_id = $1 AND user_id = $2 AND is_active",
            $held!()
        )
    };
}

sql! {
    INSERT = "INSERT INTO sso_linked_auth (sec_def_id, user_id, is_active, creation_time) VALUES ($1, $2, $3, $4) \
        ON CONFLICT DO NOTHING";
    BY_USER = "SELECT d.sec_type, d.username, d.name, l.sec_def_id, l.user_id, l.is_active, l.creation_time \
        FROM sso_linked_auth l JOIN sso_sec_def d ON d.sec_def_id = l.sec_def_id WHERE l.user_id = $1 \
        ORDER BY d.sec_type, d.username";
    DELETE = "DELETE FROM sso_linked_auth WHERE user_id = $1 AND sec_def_id = (\
        SELECT sec_def_id FROM sso_sec_def WHERE sec_type = $2 AND username = $3) RETURNING sec_def_id";
    HOLD_SQLITE = hold!(held_sqlite);
    HOLD_POSTGRES = hold!(held_postgres);
}

row! {
    struct LinkRow {
        sec_type: SecType,
        username: String,
        name: String,
        sec_def_id: i64,
        user_id: UserId,
        is_active: bool,
        creation_time: Timestamp,
    }
}

impl LinkRow {
    fn into_link(self) -> LinkedAuth {
        LinkedAuth {
            auth_type: self.sec_type,
            auth_username: self.username,
            auth_id: self.sec_def_id,
            auth_name: self.name,
            user_id: self.user_id,
            is_active: self.is_active,
            creation_time: self.creation_time,
        }
    }
}

/// How linking went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// The link is there now.
    Yes,
    /// The definition has a link already.
    Already,
    /// There is no such definition, or no such user, any more.
    Gone,
}

/// Links a definition. After [`Linked::Gone`] the transaction is of no further use.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    tx: &mut Tx,
    sec_def_id: i64,
    user_id: &UserId,
    is_active: bool,
    now: Timestamp,
) -> Result<Linked> {
    match execute!(tx, INSERT, sec_def_id, user_id, is_active, now) {
        Ok(0) => Ok(Linked::Already),
        Ok(_) => Ok(Linked::Yes),
        Err(error) if is_dangling(&error) => Ok(Linked::Gone),
        Err(error) => Err(error),
    }
}

/// The links of a user, by kind and username.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(conn: &mut Conn, user_id: &UserId) -> Result<Vec<LinkedAuth>> {
    let rows = fetch_all!(conn, LinkRow, BY_USER, user_id)?;
    Ok(rows.into_iter().map(LinkRow::into_link).collect())
}

/// Removes the link between a user and a definition; the definition's id, None if there was no such link.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, user_id: &UserId, sec_type: SecType, username: &str) -> Result<Option<i64>> {
    let row: Option<(i64,)> = fetch_optional!(tx, (i64,), DELETE, user_id, sec_type, username)?;
    Ok(row.map(|(sec_def_id,)| sec_def_id))
}

/// Keeps the link from being removed until the transaction ends; whether there is such a link, and it is active.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold(tx: &mut Tx, sec_def_id: i64, user_id: &UserId) -> Result<bool> {
    let sql = tx.choose(HOLD_SQLITE, HOLD_POSTGRES);
    let row: Option<(i64,)> = fetch_optional!(tx, (i64,), sql, sec_def_id, user_id)?;
    Ok(row.is_some())
}
