//! Codes of the device flow (RFC 8628): one for the device, and one that its user enters elsewhere.

use uuid::Uuid;

use crate::domain::{Result, Timestamp};
use crate::store::{Conn, Tx};

macro_rules! columns {
    () => {
        "device_digest, client_id, scopes, audiences, authorization_id, is_denied, next_poll, poll_interval, expiration_time"
    };
}

macro_rules! insert {
    ($counted:literal) => {
        concat!(
            "INSERT INTO sso_device_code (device_digest, user_code_digest, client_id, place_digest, scopes, audiences, is_denied, \
             next_poll, poll_interval, expiration_time) SELECT $1, $2, $3, $4, $5, $6, FALSE, $7, $8, $9 WHERE (SELECT COUNT(*) \
             FROM (SELECT 1 FROM sso_device_code WHERE ",
            $counted,
            " LIMIT $10) AS counted) < $10 ON CONFLICT DO NOTHING"
        )
    };
}

sql! {
    /// Nothing is inserted where so many wait already, or somebody has the code for users.
    INSERT_OF_CLIENT = insert!("client_id = $3");
    INSERT_OF_STRANGER = insert!("place_digest IS NOT NULL");
    /// Of one network, all but so many that were begun last.
    DELETE_OLDEST_OF_PLACE = "DELETE FROM sso_device_code WHERE device_digest IN (SELECT device_digest FROM sso_device_code \
        WHERE place_digest = $1 AND authorization_id IS NULL ORDER BY expiration_time DESC, device_digest LIMIT $3 OFFSET $2)";
    DELETE_EXPIRED = "DELETE FROM sso_device_code WHERE place_digest IS NOT NULL AND expiration_time <= $1";
    BY_USER_CODE = concat!(
        "SELECT ", columns!(), " FROM sso_device_code WHERE user_code_digest = $1 AND expiration_time > $2 \
         AND authorization_id IS NULL AND NOT is_denied"
    );
    BY_DEVICE_SQLITE = concat!("SELECT ", columns!(), " FROM sso_device_code WHERE device_digest = $1");
    BY_DEVICE_POSTGRES = concat!("SELECT ", columns!(), " FROM sso_device_code WHERE device_digest = $1 FOR UPDATE");
    ALLOW = "UPDATE sso_device_code SET authorization_id = $2 WHERE device_digest = $1 AND authorization_id IS NULL \
        AND NOT is_denied";
    DENY = "UPDATE sso_device_code SET is_denied = TRUE WHERE device_digest = $1 AND authorization_id IS NULL";
    POLLED = "UPDATE sso_device_code SET next_poll = $2, poll_interval = $3 WHERE device_digest = $1";
    DELETE = "DELETE FROM sso_device_code WHERE device_digest = $1";
}

row! {
    /// A device that waits, or whose user has answered.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct DeviceRow {
        pub device_digest: Vec<u8>,
        pub client_id: String,
        /// Between blanks.
        pub scopes: String,
        /// A line each.
        pub audiences: String,
        /// The sign-in, once the user has said yes.
        pub authorization_id: Option<Uuid>,
        pub is_denied: bool,
        pub next_poll: Timestamp,
        /// In seconds.
        pub poll_interval: i64,
        pub expiration_time: Timestamp,
    }
}

/// A new device.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewDeviceCode<'a> {
    pub device_digest: &'a [u8],
    pub user_code_digest: &'a [u8],
    pub client_id: &'a str,
    /// Of a client that need not prove who it is: the network that it calls from.
    pub place_digest: Option<&'a [u8]>,
    pub scopes: &'a str,
    pub audiences: &'a str,
    pub next_poll: Timestamp,
    pub poll_interval: i64,
    pub expiration_time: Timestamp,
}

/// How many devices wait at most.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Of a client that proves who it is.
    pub of_client: i64,
    /// Of all clients that do not.
    pub of_strangers: i64,
    /// Of those, of one network.
    pub of_place: i64,
}

/// How many rows go at once.
const BATCH: i64 = 1_000;

/// Adds a device, in place of the oldest that waits of a stranger's network if there are as many already. False where the client,
/// or strangers together, have too many, or the code for users is taken.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewDeviceCode<'_>, now: Timestamp, most: Most) -> Result<bool> {
    let limit = match new.place_digest {
        None => most.of_client,
        Some(place) => {
            execute!(tx, DELETE_OLDEST_OF_PLACE, place, most.of_place.saturating_sub(1), BATCH)?;
            most.of_strangers
        }
    };
    if insert_below(tx, new, limit).await? {
        return Ok(true);
    }
    if new.place_digest.is_none() || execute!(tx, DELETE_EXPIRED, now)? == 0 {
        return Ok(false);
    }
    insert_below(tx, new, limit).await
}

async fn insert_below(tx: &mut Tx, new: &NewDeviceCode<'_>, limit: i64) -> Result<bool> {
    let sql = if new.place_digest.is_some() { INSERT_OF_STRANGER } else { INSERT_OF_CLIENT };
    let inserted = execute!(
        tx,
        sql,
        new.device_digest,
        new.user_code_digest,
        new.client_id,
        new.place_digest,
        new.scopes,
        new.audiences,
        new.next_poll,
        new.poll_interval,
        new.expiration_time,
        limit,
    )?;
    Ok(inserted == 1)
}

/// The device whose user has entered this, if nobody has answered yet.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_user_code(conn: &mut Conn, digest: &[u8], now: Timestamp) -> Result<Option<DeviceRow>> {
    fetch_optional!(conn, DeviceRow, BY_USER_CODE, digest, now)
}

/// The device that asks, and nobody else until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_device(tx: &mut Tx, digest: &[u8]) -> Result<Option<DeviceRow>> {
    let sql = tx.choose(BY_DEVICE_SQLITE, BY_DEVICE_POSTGRES);
    fetch_optional!(tx, DeviceRow, sql, digest)
}

/// The user has said yes; false if there is an answer already.
///
/// # Errors
/// When the database cannot answer.
pub async fn allow(tx: &mut Tx, digest: &[u8], authorization_id: Uuid) -> Result<bool> {
    Ok(execute!(tx, ALLOW, digest, authorization_id)? == 1)
}

/// The user has said no; false if there is another answer already.
///
/// # Errors
/// When the database cannot answer.
pub async fn deny(tx: &mut Tx, digest: &[u8]) -> Result<bool> {
    Ok(execute!(tx, DENY, digest)? == 1)
}

/// The device has asked, and may again at that time.
///
/// # Errors
/// When the database cannot answer.
pub async fn polled(tx: &mut Tx, digest: &[u8], next_poll: Timestamp, poll_interval: i64) -> Result<()> {
    execute!(tx, POLLED, digest, next_poll, poll_interval).map(drop)
}

/// The device has its answer.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, digest: &[u8]) -> Result<()> {
    execute!(tx, DELETE, digest).map(drop)
}
