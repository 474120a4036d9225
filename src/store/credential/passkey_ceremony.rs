//! What browsers were asked for passkeys for, until they answer: once, and within minutes.

use crate::domain::{PasskeyCeremony, Result, Timestamp, UserId};
use crate::store::Tx;

/// Deletes all but so many of the latest.
macro_rules! delete_oldest {
    ($column:literal) => {
        concat!(
            "DELETE FROM sso_passkey_ceremony WHERE challenge_digest IN (SELECT challenge_digest FROM \
             sso_passkey_ceremony WHERE ",
            $column,
            " = $1 ORDER BY creation_time DESC, challenge_digest LIMIT $3 OFFSET $2)"
        )
    };
}

sql! {
    INSERT = "INSERT INTO sso_passkey_ceremony (challenge_digest, kind, user_id, place_digest, name, creation_time, \
        expiration_time) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    TAKE = "DELETE FROM sso_passkey_ceremony WHERE challenge_digest = $1 RETURNING kind, user_id, name, expiration_time";
    COUNT_OF_STRANGERS = "SELECT COUNT(*) FROM (SELECT challenge_digest FROM sso_passkey_ceremony \
        WHERE place_digest IS NOT NULL LIMIT $1) AS waiting";
    DELETE_EXPIRED = "DELETE FROM sso_passkey_ceremony WHERE expiration_time <= $1";
    DELETE_OLDEST_OF_PLACE = delete_oldest!("place_digest");
    DELETE_OLDEST_OF_USER = delete_oldest!("user_id");
}

/// How many rows go at once.
const BATCH: i64 = 1_000;

/// Who has asked for a ceremony: what they leave behind is bounded.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// A user, who has a session or has shown the password.
    User(&'a UserId),
    /// A stranger, by the digest of the network.
    Stranger(&'a [u8]),
}

/// A new ceremony.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewCeremony<'a> {
    pub challenge_digest: &'a [u8],
    pub kind: PasskeyCeremony,
    pub asker: Asker<'a>,
    pub name: Option<&'a str>,
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
}

row! {
    /// A ceremony that a browser has answered.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Ceremony {
        pub kind: PasskeyCeremony,
        pub user_id: Option<UserId>,
        pub name: Option<String>,
        pub expiration_time: Timestamp,
    }
}

/// Adds a ceremony, in place of the oldest of its asker if there are as many as `of_asker` already. False if there are as
/// many as `of_strangers` of strangers, and it would be one more.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewCeremony<'_>, of_asker: i64, of_strangers: i64) -> Result<bool> {
    let room = of_asker.saturating_sub(1);
    let (user_id, place) = match new.asker {
        Asker::User(user_id) => {
            execute!(tx, DELETE_OLDEST_OF_USER, user_id, room, BATCH)?;
            (Some(user_id), None)
        }
        Asker::Stranger(place) => {
            execute!(tx, DELETE_OLDEST_OF_PLACE, place, room, BATCH)?;
            if count_of_strangers(tx, of_strangers).await? >= of_strangers {
                execute!(tx, DELETE_EXPIRED, new.creation_time)?;
                if count_of_strangers(tx, of_strangers).await? >= of_strangers {
                    return Ok(false);
                }
            }
            (None, Some(place))
        }
    };
    execute!(
        tx,
        INSERT,
        new.challenge_digest,
        new.kind,
        user_id,
        place,
        new.name,
        new.creation_time,
        new.expiration_time,
    )?;
    Ok(true)
}

async fn count_of_strangers(tx: &mut Tx, most: i64) -> Result<i64> {
    let row: Option<(i64,)> = fetch_optional!(tx, (i64,), COUNT_OF_STRANGERS, most)?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Takes the ceremony with this challenge: of any number of simultaneous calls one gets it. None if it has expired.
///
/// # Errors
/// When the database cannot answer.
pub async fn take(tx: &mut Tx, challenge_digest: &[u8], now: Timestamp) -> Result<Option<Ceremony>> {
    let taken = fetch_optional!(tx, Ceremony, TAKE, challenge_digest)?;
    Ok(taken.filter(|ceremony| ceremony.expiration_time > now))
}
