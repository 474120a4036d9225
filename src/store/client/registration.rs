//! Clients that registered themselves: by which token they manage that, and how many there are.

use crate::domain::{ClientId, Result, Timestamp};
use crate::store::Tx;

/// How many hours those of one network are counted.
const HOURS: i64 = 24;

/// For how many hours a client is kept that nobody has signed in to, where there is no more room.
const UNUSED_HOURS: i64 = 24;

/// How many rows go at once.
const BATCH: i64 = 100;

sql! {
    SET = "UPDATE sso_client SET registration_digest = $2, place_digest = $3 WHERE client_id = $1";
    COUNT_OF_PLACE = "SELECT COUNT(*) FROM (SELECT 1 FROM sso_client WHERE place_digest = $1 AND creation_time > $2 LIMIT $3) AS counted";
    COUNT = "SELECT COUNT(*) FROM (SELECT 1 FROM sso_client WHERE place_digest IS NOT NULL LIMIT $1) AS counted";
    DELETE_UNUSED = "DELETE FROM sso_client WHERE client_id IN (SELECT c.client_id FROM sso_client c WHERE c.place_digest IS NOT NULL \
        AND c.creation_time <= $1 AND NOT EXISTS (SELECT 1 FROM sso_grant g WHERE g.client_id = c.client_id) \
        ORDER BY c.creation_time LIMIT $2)";
}

/// How many there may be.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Most {
    pub of_place: Option<i64>,
    pub in_all: i64,
}

/// Whether one more may register itself from this network. Where there are too many in all, those make room that nobody has signed
/// in to for a day.
///
/// # Errors
/// When the database cannot answer.
pub async fn has_room(tx: &mut Tx, place: &[u8], now: Timestamp, most: Most) -> Result<bool> {
    let since = now.plus_hours(-HOURS);
    if let Some(most) = most.of_place {
        let of_place = fetch_optional!(tx, (i64,), COUNT_OF_PLACE, place, since, most)?;
        if of_place.is_some_and(|(count,)| count >= most) {
            return Ok(false);
        }
    }
    if !is_full(tx, most.in_all).await? {
        return Ok(true);
    }
    execute!(tx, DELETE_UNUSED, now.plus_hours(-UNUSED_HOURS), BATCH)?;
    Ok(!is_full(tx, most.in_all).await?)
}

async fn is_full(tx: &mut Tx, most: i64) -> Result<bool> {
    Ok(fetch_optional!(tx, (i64,), COUNT, most)?.is_some_and(|(count,)| count >= most))
}

/// Notes by the digest of which token a client manages its registration, and from which network it came.
///
/// # Errors
/// When the database cannot answer.
pub async fn set(tx: &mut Tx, client_id: &ClientId, digest: &[u8], place: &[u8]) -> Result<()> {
    execute!(tx, SET, client_id, digest, place).map(drop)
}
