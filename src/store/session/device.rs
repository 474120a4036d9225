//! Devices that users have logged in with. Each user has a few slots for them: a new device takes a free one; if there is none,
//! that of a device that was never used again, or else the one that was not used for the longest time.

use crate::domain::{Result, Timestamp, UserId};
use crate::store::{Conn, Tx};

/// Puts a new device into its slot: whose, the digest, the time, and how many slots there are, as arguments of the statement
/// around it. Which slot it is, is found out in the same statement.
macro_rules! put_device {
    ($user_id:literal, $digest:literal, $time:literal, $slots:literal) => {
        concat!(
            "INSERT INTO sso_device (user_id, slot, device_digest, creation_time, last_use) \
             SELECT ", $user_id, ", s.slot, ", $digest, ", ", $time, ", ", $time, " FROM (\
             WITH RECURSIVE slots(slot) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT slot + 1 FROM slots \
             WHERE slot + 1 < ", $slots, ") SELECT slot FROM slots) s \
             LEFT JOIN sso_device d ON d.user_id = ", $user_id, " AND d.slot = s.slot WHERE TRUE \
             ORDER BY d.slot IS NOT NULL, d.last_use > d.creation_time, d.last_use, s.slot LIMIT 1 \
             ON CONFLICT (user_id, slot) DO UPDATE SET device_digest = excluded.device_digest, \
             creation_time = excluded.creation_time, last_use = excluded.last_use"
        )
    };
}
pub(in crate::store) use put_device;

sql! {
    PUT = put_device!("$1", "$2", "$3", "$4");
    TOUCH = "UPDATE sso_device SET last_use = $3 WHERE user_id = $1 AND device_digest = $2";
    DELETE_OF_USER = "DELETE FROM sso_device WHERE user_id = $1";
}

/// A device that a user logs in with for the first time.
#[derive(Clone, Copy, Debug)]
pub struct NewDevice<'a> {
    /// The digest of its token.
    pub digest: &'a [u8],
    /// How many devices a user has at most; at least 1.
    pub slots: u32,
}

/// Remembers a device of a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn put(tx: &mut Tx, user_id: &UserId, device: NewDevice<'_>, now: Timestamp) -> Result<()> {
    execute!(tx, PUT, user_id, device.digest, now, i64::from(device.slots)).map(drop)
}

/// Notes that a device was used.
///
/// # Errors
/// When the database cannot answer.
pub async fn touch(tx: &mut Tx, user_id: &UserId, digest: &[u8], now: Timestamp) -> Result<()> {
    execute!(tx, TOUCH, user_id, digest, now).map(drop)
}

/// Forgets all devices of a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(conn: &mut Conn, user_id: &UserId) -> Result<()> {
    execute!(conn, DELETE_OF_USER, user_id).map(drop)
}
