//! The keys that sign tokens. Whoever caches them hears of changes by one word, `signing_key`, which is touched as ids of users
//! are.

use crate::domain::{Result, SigningAlg, SigningKeyInfo, Timestamp};
use crate::store::{Conn, Tx};

/// What is touched when keys change.
pub const TOUCHED: &str = "signing_key";

sql! {
    INSERT = "INSERT INTO sso_signing_key (kid, alg, number, private_key, public_jwk, creation_time, activation_time) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    ALL = "SELECT kid, alg, number, private_key, public_jwk, creation_time, activation_time, retirement_time, \
        expiration_time FROM sso_signing_key ORDER BY alg, number";
    RETIRE = "UPDATE sso_signing_key SET retirement_time = $3, expiration_time = $4 WHERE alg = $1 AND number < $2 \
        AND (retirement_time IS NULL OR retirement_time > $3)";
    WITHDRAW = "UPDATE sso_signing_key SET retirement_time = $3, expiration_time = $3 WHERE alg = $1 AND number < $2";
    RESEAL = "UPDATE sso_signing_key SET private_key = $2 WHERE kid = $1";
    DELETE_BEFORE = "DELETE FROM sso_signing_key WHERE expiration_time < $1";
}

row! {
    struct KeyRow {
        kid: String,
        alg: SigningAlg,
        number: i64,
        private_key: Vec<u8>,
        public_jwk: String,
        creation_time: Timestamp,
        activation_time: Timestamp,
        retirement_time: Option<Timestamp>,
        expiration_time: Option<Timestamp>,
    }
}

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// What may be told of it.
    pub info: SigningKeyInfo,
    /// Which of its algorithm it is, from 1.
    pub number: i64,
    /// Its private half: an envelope.
    pub private_key: Vec<u8>,
    /// Its public half, as JSON (RFC 7517).
    pub public_jwk: String,
}

/// Adds a key; false if another node has made the one with this number meanwhile.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, key: &StoredKey) -> Result<bool> {
    tx.touch(TOUCHED);
    let info = &key.info;
    let inserted = execute!(
        tx,
        INSERT,
        &info.kid,
        info.alg,
        key.number,
        key.private_key.as_slice(),
        &key.public_jwk,
        info.creation_time,
        info.activation_time,
    )?;
    Ok(inserted == 1)
}

/// All keys, by algorithm and age.
///
/// # Errors
/// When the database cannot answer.
pub async fn all(conn: &mut Conn) -> Result<Vec<StoredKey>> {
    let rows = fetch_all!(conn, KeyRow, ALL)?;
    let key = |row: KeyRow| StoredKey {
        info: SigningKeyInfo {
            kid: row.kid,
            alg: row.alg,
            creation_time: row.creation_time,
            activation_time: row.activation_time,
            retirement_time: row.retirement_time,
            expiration_time: row.expiration_time,
        },
        number: row.number,
        private_key: row.private_key,
        public_jwk: row.public_jwk,
    };
    Ok(rows.into_iter().map(key).collect())
}

/// The keys of an algorithm before this one stop signing then, and are published until the other time.
///
/// # Errors
/// When the database cannot answer.
pub async fn retire_before(
    tx: &mut Tx,
    alg: SigningAlg,
    number: i64,
    retirement: Timestamp,
    expiration: Timestamp,
) -> Result<()> {
    tx.touch(TOUCHED);
    execute!(tx, RETIRE, alg, number, retirement, expiration).map(drop)
}

/// The keys of an algorithm before this one neither sign nor verify anything from this time on, those included that sign no more:
/// whoever has read one has read all.
///
/// # Errors
/// When the database cannot answer.
pub async fn withdraw_before(tx: &mut Tx, alg: SigningAlg, number: i64, time: Timestamp) -> Result<()> {
    tx.touch(TOUCHED);
    execute!(tx, WITHDRAW, alg, number, time).map(drop)
}

/// Replaces the envelope of a private key.
///
/// # Errors
/// When the database cannot answer.
pub async fn reseal(tx: &mut Tx, kid: &str, private_key: &[u8]) -> Result<()> {
    tx.touch(TOUCHED);
    execute!(tx, RESEAL, kid, private_key).map(drop)
}

/// Deletes keys that are not published since before this time; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_before(tx: &mut Tx, time: Timestamp) -> Result<u64> {
    tx.touch(TOUCHED);
    execute!(tx, DELETE_BEFORE, time)
}
