//! What browsers are asked for passkeys for: registrations until they are answered, once and within minutes; and challenges of
//! logins that were answered, until they expire.

use crate::domain::{Result, Timestamp, UserId};
use crate::store::Tx;

sql! {
    INSERT = "INSERT INTO sso_passkey_ceremony (challenge_digest, user_id, name, creation_time, expiration_time) \
        VALUES ($1, $2, $3, $4, $5)";
    TAKE = "DELETE FROM sso_passkey_ceremony WHERE challenge_digest = $1 AND user_id = $2 \
        RETURNING name, expiration_time";
    DELETE_OLDEST = "DELETE FROM sso_passkey_ceremony WHERE challenge_digest IN (SELECT challenge_digest FROM \
        sso_passkey_ceremony WHERE user_id = $1 ORDER BY creation_time DESC, challenge_digest LIMIT $3 OFFSET $2)";
    USE = "INSERT INTO sso_passkey_used_challenge (challenge_digest, expiration_time) VALUES ($1, $2) \
        ON CONFLICT DO NOTHING";
}

/// How many rows go at once.
const BATCH: i64 = 1_000;

/// A passkey that a user is about to register.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewCeremony<'a> {
    pub challenge_digest: &'a [u8],
    pub user_id: &'a UserId,
    pub name: &'a str,
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
}

/// Adds a registration, in place of the user's oldest if there are as many as `most` already.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewCeremony<'_>, most: i64) -> Result<()> {
    execute!(tx, DELETE_OLDEST, new.user_id, most.saturating_sub(1), BATCH)?;
    execute!(tx, INSERT, new.challenge_digest, new.user_id, new.name, new.creation_time, new.expiration_time,)
        .map(drop)
}

/// Takes the registration of this user with this challenge, by the name that the passkey is to have: of any number of
/// simultaneous calls one gets it. None if it has expired.
///
/// # Errors
/// When the database cannot answer.
pub async fn take(
    tx: &mut Tx,
    challenge_digest: &[u8],
    user_id: &UserId,
    now: Timestamp,
) -> Result<Option<String>> {
    let taken = fetch_optional!(tx, (String, Timestamp), TAKE, challenge_digest, user_id)?;
    Ok(taken.filter(|(_, expiration_time)| *expiration_time > now).map(|(name, _)| name))
}

/// Notes that the challenge of a login was answered; false if it was before. Of any number of simultaneous calls one gets true.
///
/// # Errors
/// When the database cannot answer.
pub async fn use_challenge(tx: &mut Tx, challenge_digest: &[u8], expiration: Timestamp) -> Result<bool> {
    Ok(execute!(tx, USE, challenge_digest, expiration)? == 1)
}
