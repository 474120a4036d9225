//! Passkeys of users: the public half of each.

use uuid::Uuid;

use crate::domain::{Error, Passkey, PasskeyId, Result, Timestamp, UserId};
use crate::store::db::dialect::{strings_postgres, strings_sqlite};
use crate::store::{Conn, Tx};

macro_rules! columns {
    () => {
        "passkey_id, credential_id, user_id, public_key, sign_count, name, aaguid, transports, is_backup_eligible, \
         is_backed_up, is_user_verified, is_discoverable, creation_time, last_use"
    };
}

macro_rules! of_users {
    ($strings:ident) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM sso_passkey WHERE user_id IN (SELECT value FROM ",
            $strings!("$1"),
            ") ORDER BY creation_time, passkey_id"
        )
    };
}

sql! {
    OF_USERS_SQLITE = of_users!(strings_sqlite);
    OF_USERS_POSTGRES = of_users!(strings_postgres);
    INSERT = concat!(
        "INSERT INTO sso_passkey (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
         $14) \
         ON CONFLICT DO NOTHING"
    );
    BY_CREDENTIAL = concat!("SELECT ", columns!(), " FROM sso_passkey WHERE credential_id = $1");
    BY_USER = concat!("SELECT ", columns!(), " FROM sso_passkey WHERE user_id = $1 ORDER BY creation_time, passkey_id");
    NOTE_USE = "UPDATE sso_passkey SET sign_count = $3, is_backed_up = $4, is_user_verified = (is_user_verified OR $5), \
        is_discoverable = (CASE WHEN $7 THEN TRUE ELSE is_discoverable END), last_use = $6 WHERE passkey_id = $1 AND sign_count = $2";
    RENAME = "UPDATE sso_passkey SET name = $3 WHERE passkey_id = $1 AND user_id = $2";
    DELETE = "DELETE FROM sso_passkey WHERE passkey_id = $1 AND user_id = $2";
    DELETE_OF_USER = "DELETE FROM sso_passkey WHERE user_id = $1";
}

row! {
    struct Row {
        passkey_id: String,
        credential_id: Vec<u8>,
        user_id: UserId,
        public_key: Vec<u8>,
        sign_count: i64,
        name: String,
        aaguid: Uuid,
        transports: String,
        is_backup_eligible: bool,
        is_backed_up: bool,
        is_user_verified: bool,
        is_discoverable: Option<bool>,
        creation_time: Timestamp,
        last_use: Option<Timestamp>,
    }
}

/// A passkey with what a login needs of it.
#[derive(Clone, Debug)]
pub struct KeptPasskey {
    /// What is shown of it.
    pub passkey: Passkey,
    /// The id by which its authenticator knows it.
    pub credential_id: Vec<u8>,
    /// A COSE key.
    pub public_key: Vec<u8>,
    /// How many signatures its authenticator had made; 0 if it does not count.
    pub sign_count: i64,
}

impl From<Row> for KeptPasskey {
    fn from(row: Row) -> Self {
        let passkey = Passkey {
            passkey_id: PasskeyId::from_stored(row.passkey_id),
            user_id: row.user_id,
            name: row.name,
            aaguid: row.aaguid,
            transports: row.transports.split_whitespace().map(str::to_owned).collect(),
            is_backup_eligible: row.is_backup_eligible,
            is_backed_up: row.is_backed_up,
            is_user_verified: row.is_user_verified,
            is_discoverable: row.is_discoverable,
            creation_time: row.creation_time,
            last_use: row.last_use,
        };
        Self {
            passkey,
            credential_id: row.credential_id,
            public_key: row.public_key,
            sign_count: row.sign_count,
        }
    }
}

/// Adds a passkey; false if there is one with its credential id.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &KeptPasskey) -> Result<bool> {
    let passkey = &new.passkey;
    let inserted = execute!(
        tx,
        INSERT,
        passkey.passkey_id.as_str(),
        &new.credential_id,
        &passkey.user_id,
        &new.public_key,
        new.sign_count,
        &passkey.name,
        passkey.aaguid,
        passkey.transports.join(" "),
        passkey.is_backup_eligible,
        passkey.is_backed_up,
        passkey.is_user_verified,
        passkey.is_discoverable,
        passkey.creation_time,
        passkey.last_use,
    )?;
    Ok(inserted == 1)
}

/// The passkey with this credential id.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_credential(conn: &mut Conn, credential_id: &[u8]) -> Result<Option<KeptPasskey>> {
    Ok(fetch_optional!(conn, Row, BY_CREDENTIAL, credential_id)?.map(KeptPasskey::from))
}

/// The passkeys of a user, the oldest first.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(conn: &mut Conn, user_id: &UserId) -> Result<Vec<KeptPasskey>> {
    let rows = fetch_all!(conn, Row, BY_USER, user_id)?;
    Ok(rows.into_iter().map(KeptPasskey::from).collect())
}

/// The passkeys of these users, the oldest first.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_users(conn: &mut Conn, user_ids: &[&str]) -> Result<Vec<KeptPasskey>> {
    let sql = conn.choose(OF_USERS_SQLITE, OF_USERS_POSTGRES);
    let ids = serde_json::to_string(user_ids).map_err(Error::internal)?;
    let rows = fetch_all!(conn, Row, sql, &ids)?;
    Ok(rows.into_iter().map(KeptPasskey::from).collect())
}

/// What a login changes of a passkey.
#[derive(Clone, Copy, Debug)]
pub struct PasskeyUse {
    /// How many signatures its authenticator has made.
    pub sign_count: i64,
    /// Whether it is on several devices.
    pub is_backed_up: bool,
    /// Whether the authenticator has verified its owner.
    pub is_user_verified: bool,
    /// Whether it was found without being asked for by its id.
    pub is_discovered: bool,
    /// When.
    pub time: Timestamp,
}

/// Notes that a passkey was used; false if it is gone, or was used otherwise since it was read.
///
/// # Errors
/// When the database cannot answer.
pub async fn note_use(tx: &mut Tx, known: &KeptPasskey, now: PasskeyUse) -> Result<bool> {
    let touched = execute!(
        tx,
        NOTE_USE,
        known.passkey.passkey_id.as_str(),
        known.sign_count,
        now.sign_count,
        now.is_backed_up,
        now.is_user_verified,
        now.time,
        now.is_discovered,
    )?;
    Ok(touched == 1)
}

/// Gives a passkey of a user another name; false if there is no such passkey.
///
/// # Errors
/// When the database cannot answer.
pub async fn rename(tx: &mut Tx, passkey_id: &PasskeyId, user_id: &UserId, name: &str) -> Result<bool> {
    Ok(execute!(tx, RENAME, passkey_id.as_str(), user_id, name)? == 1)
}

/// Deletes a passkey of a user; false if there is no such passkey.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, passkey_id: &PasskeyId, user_id: &UserId) -> Result<bool> {
    Ok(execute!(tx, DELETE, passkey_id.as_str(), user_id)? == 1)
}

/// Deletes all passkeys of a user; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(tx: &mut Tx, user_id: &UserId) -> Result<u64> {
    execute!(tx, DELETE_OF_USER, user_id)
}
