//! Security definitions.

use crate::domain::{Result, SecDef, SecType, Timestamp, TokenRules, UserId};
use crate::store::{Conn, Tx};

/// Definitions as they are listed.
macro_rules! listed {
    () => {
        "SELECT d.sec_def_id, d.sec_type, d.name, d.username, d.is_active, d.creation_time, u.username AS linked_to, \
         d.audience, d.max_lifetime \
         FROM sso_sec_def d LEFT JOIN sso_linked_auth l ON l.sec_def_id = d.sec_def_id \
         LEFT JOIN sso_user u ON u.user_id = l.user_id"
    };
}

/// A definition and its link, if it has one.
macro_rules! with_link {
    () => {
        "SELECT d.sec_def_id, d.name, d.secret, d.is_active, l.user_id, l.is_active AS is_link_active, \
         d.audience, d.max_lifetime \
         FROM sso_sec_def d LEFT JOIN sso_linked_auth l ON l.sec_def_id = d.sec_def_id"
    };
}

sql! {
    INSERT = "INSERT INTO sso_sec_def (sec_type, name, username, secret, is_active, creation_time, audience, \
        max_lifetime) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING sec_def_id";
    SET_SECRET = "UPDATE sso_sec_def SET secret = $2 WHERE sec_def_id = $1";
    IS_NAME_TAKEN = "SELECT sec_def_id FROM sso_sec_def WHERE name = $1";
    BY_USERNAME = concat!(with_link!(), " WHERE d.sec_type = $1 AND d.username = $2");
    BY_ID = concat!(with_link!(), " WHERE d.sec_def_id = $1 AND d.sec_type = $2 AND d.username = $3");
    ALL = concat!(listed!(), " ORDER BY d.name");
    BY_NAME = concat!(listed!(), " WHERE d.name = $1");
    DELETE = "DELETE FROM sso_sec_def WHERE sec_def_id = $1";
}

row! {
    /// What a request that names a definition is checked against. `secret` is an envelope.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct SecDefRow {
        pub sec_def_id: i64,
        pub name: String,
        pub secret: Vec<u8>,
        pub is_active: bool,
        pub user_id: Option<UserId>,
        pub is_link_active: Option<bool>,
        pub audience: Option<String>,
        pub max_lifetime: Option<i64>,
    }
}

row! {
    struct ListRow {
        sec_def_id: i64,
        sec_type: SecType,
        name: String,
        username: String,
        is_active: bool,
        creation_time: Timestamp,
        linked_to: Option<String>,
        audience: Option<String>,
        max_lifetime: Option<i64>,
    }
}

impl ListRow {
    fn into_definition(self) -> SecDef {
        SecDef {
            sec_def_id: self.sec_def_id,
            sec_type: self.sec_type,
            name: self.name,
            username: self.username,
            is_active: self.is_active,
            creation_time: self.creation_time,
            linked_to: self.linked_to,
            token: TokenRules { audience: self.audience, max_lifetime: self.max_lifetime },
        }
    }
}

impl SecDefRow {
    /// What it asks of tokens.
    #[must_use]
    pub fn token_rules(&self) -> TokenRules {
        TokenRules { audience: self.audience.clone(), max_lifetime: self.max_lifetime }
    }
}

/// How an insertion went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The definition is there now, and this is its id.
    Yes(i64),
    /// Another definition has that name.
    NameTaken,
    /// Another one of its kind has that username.
    UsernameTaken,
}

/// Adds a definition that has no secret yet: it is bound to the id, which is only known now.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    tx: &mut Tx,
    sec_type: SecType,
    name: &str,
    username: &str,
    rules: &TokenRules,
    now: Timestamp,
) -> Result<Inserted> {
    let no_secret: &[u8] = &[];
    let (audience, max_lifetime) = (rules.audience.as_deref(), rules.max_lifetime);
    let made: Option<(i64,)> = fetch_optional!(
        tx,
        (i64,),
        INSERT,
        sec_type,
        name,
        username,
        no_secret,
        true,
        now,
        audience,
        max_lifetime
    )?;
    if let Some((sec_def_id,)) = made {
        return Ok(Inserted::Yes(sec_def_id));
    }
    let same_name: Option<(i64,)> = fetch_optional!(tx, (i64,), IS_NAME_TAKEN, name)?;
    Ok(if same_name.is_some() { Inserted::NameTaken } else { Inserted::UsernameTaken })
}

/// Gives a definition its secret.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_secret(tx: &mut Tx, sec_def_id: i64, envelope: &[u8]) -> Result<()> {
    execute!(tx, SET_SECRET, sec_def_id, envelope)?;
    Ok(())
}

/// The definition of a kind with this username. What no username can look like is not asked for: PostgreSQL knows no NUL
/// in text.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_username(conn: &mut Conn, sec_type: SecType, username: &str) -> Result<Option<SecDefRow>> {
    if username.is_empty() || username.contains('\0') {
        return Ok(None);
    }
    fetch_optional!(conn, SecDefRow, BY_USERNAME, sec_type, username)
}

/// The definition with this id, if it is of that kind and has that username.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id(
    conn: &mut Conn,
    sec_def_id: i64,
    sec_type: SecType,
    username: &str,
) -> Result<Option<SecDefRow>> {
    fetch_optional!(conn, SecDefRow, BY_ID, sec_def_id, sec_type, username)
}

/// All definitions, by name.
///
/// # Errors
/// When the database cannot answer.
pub async fn all(conn: &mut Conn) -> Result<Vec<SecDef>> {
    let rows = fetch_all!(conn, ListRow, ALL)?;
    Ok(rows.into_iter().map(ListRow::into_definition).collect())
}

/// The definition with this name.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<SecDef>> {
    let row: Option<ListRow> = fetch_optional!(conn, ListRow, BY_NAME, name)?;
    Ok(row.map(ListRow::into_definition))
}

/// Deletes a definition and its link; false if it was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, sec_def_id: i64) -> Result<bool> {
    Ok(execute!(tx, DELETE, sec_def_id)? == 1)
}
