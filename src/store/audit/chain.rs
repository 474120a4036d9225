//! The chain of entries: the keys of its digests, where it begins and ends, entries that wait to be sealed, and sealed ones.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::{Error, Result, Timestamp};
use crate::store::db::dialect::for_update_postgres;
use crate::store::{Conn, Tx};

macro_rules! head {
    () => {
        "SELECT head_seq, head_digest, head_time, checkpoint_seq, checkpoint_digest, checkpoint_time, begin_time, digest \
         FROM sso_audit_head WHERE head_id = 1"
    };
}

/// All that a digest is made of.
macro_rules! entries {
    ($rest:literal) => {
        concat!(
            "SELECT audit_id, event_time, cid, op, actor_id, target_id, result, current_app, remote_addr, how, extra, \
             chain_seq, chain_digest FROM sso_audit ",
            $rest
        )
    };
}

sql! {
    KEYS = "SELECT number, sealed_key FROM sso_audit_key ORDER BY number";
    ADD_KEY = "INSERT INTO sso_audit_key (number, sealed_key, creation_time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    RESEAL_KEY = "UPDATE sso_audit_key SET sealed_key = $2 WHERE number = $1";
    HEAD = head!();
    /// Of several nodes one seals at a time, and the others leave it to that one.
    HOLD_POSTGRES = concat!(head!(), for_update_postgres!(), " SKIP LOCKED");
    ADD_HEAD = "INSERT INTO sso_audit_head (head_id, head_seq, head_digest, head_time, checkpoint_seq, checkpoint_digest, \
        checkpoint_time, begin_time, digest) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    SET_HEAD = "UPDATE sso_audit_head SET head_seq = $1, head_digest = $2, head_time = $3, checkpoint_seq = $4, \
        checkpoint_digest = $5, checkpoint_time = $6, begin_time = $7, digest = $8 WHERE head_id = 1";
    /// SQLite is told which index: by the primary key it would pass over all that are sealed.
    UNSEALED_SQLITE = entries!(
        "INDEXED BY sso_audit_unsealed WHERE chain_seq IS NULL AND chain_digest IS NOT NULL AND audit_id > $1 \
         ORDER BY audit_id LIMIT $2"
    );
    UNSEALED_POSTGRES = entries!(
        "WHERE chain_seq IS NULL AND chain_digest IS NOT NULL AND audit_id > $1 ORDER BY audit_id LIMIT $2"
    );
    SEAL_SQLITE = "UPDATE sso_audit SET chain_seq = given.chain_seq, chain_digest = given.chain_digest \
        FROM (SELECT unhex(value ->> 'audit_id') AS audit_id, value ->> 'chain_seq' AS chain_seq, \
        unhex(value ->> 'chain_digest') AS chain_digest FROM json_each($1)) AS given \
        WHERE sso_audit.audit_id = given.audit_id AND sso_audit.chain_seq IS NULL";
    SEAL_POSTGRES = "UPDATE sso_audit SET chain_seq = given.chain_seq, chain_digest = decode(given.chain_digest, 'hex') \
        FROM json_to_recordset($1::json) AS given(audit_id UUID, chain_seq BIGINT, chain_digest TEXT) \
        WHERE sso_audit.audit_id = given.audit_id AND sso_audit.chain_seq IS NULL";
    SEALED = entries!("WHERE chain_seq > $1 ORDER BY chain_seq LIMIT $2");
    DIGEST_OF = "SELECT chain_digest FROM sso_audit WHERE chain_seq = $1";
    DELETE_SEALED = "DELETE FROM sso_audit WHERE chain_seq > $1 AND chain_seq <= $2";
    COUNT_BEFORE = "SELECT COUNT(*) FROM sso_audit WHERE chain_seq <= $1";
    LAST = "SELECT COALESCE(MAX(chain_seq), 0) FROM sso_audit WHERE chain_seq IS NOT NULL";
    WITHOUT_DIGEST = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN event_time >= $1 THEN 1 ELSE 0 END), 0) FROM sso_audit \
        WHERE chain_digest IS NULL";
}

row! {
    /// Where the chain begins and ends.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Head {
        pub head_seq: i64,
        pub head_digest: Vec<u8>,
        /// When it was sealed last.
        pub head_time: Timestamp,
        /// The last entry that `audit.keep` has deleted; 0 for none.
        pub checkpoint_seq: i64,
        pub checkpoint_digest: Vec<u8>,
        /// When that entry was written.
        pub checkpoint_time: Option<Timestamp>,
        /// Since when entries have digests.
        pub begin_time: Timestamp,
        /// The digest of all of these.
        pub digest: Vec<u8>,
    }
}

row! {
    /// An entry with what chains it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Chained {
        pub audit_id: Uuid,
        pub event_time: Timestamp,
        pub cid: String,
        pub op: String,
        pub actor_id: Option<String>,
        pub target_id: Option<String>,
        pub result: String,
        pub current_app: String,
        pub remote_addr: String,
        pub how: Option<String>,
        pub extra: String,
        pub chain_seq: Option<i64>,
        pub chain_digest: Option<Vec<u8>>,
    }
}

/// What sealing writes of an entry. The digest and the id are hexadecimal.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct Seal {
    pub audit_id: String,
    pub chain_seq: i64,
    pub chain_digest: String,
}

/// The keys of digests: numbers and envelopes.
///
/// # Errors
/// When the database cannot answer.
pub async fn keys(conn: &mut Conn) -> Result<Vec<(i64, Vec<u8>)>> {
    fetch_all!(conn, (i64, Vec<u8>), KEYS)
}

/// Adds a key; false if another node has added one of this number.
///
/// # Errors
/// When the database cannot answer.
pub async fn add_key(conn: &mut Conn, number: i64, sealed: &[u8], now: Timestamp) -> Result<bool> {
    Ok(execute!(conn, ADD_KEY, number, sealed, now)? == 1)
}

/// Replaces the envelope of a key.
///
/// # Errors
/// When the database cannot answer.
pub async fn reseal_key(conn: &mut Conn, number: i64, sealed: &[u8]) -> Result<()> {
    execute!(conn, RESEAL_KEY, number, sealed).map(drop)
}

/// Where the chain begins and ends; None where nothing has been sealed yet.
///
/// # Errors
/// When the database cannot answer.
pub async fn head(conn: &mut Conn) -> Result<Option<Head>> {
    fetch_optional!(conn, Head, HEAD)
}

/// The same to be changed; None as well while another node is at it.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold(tx: &mut Tx) -> Result<Option<Head>> {
    let text = tx.choose(HEAD, HOLD_POSTGRES);
    fetch_optional!(tx, Head, text)
}

macro_rules! write_head {
    ($tx:expr, $text:expr, $head:expr) => {{
        let head: &Head = $head;
        execute!(
            $tx,
            $text,
            head.head_seq,
            head.head_digest.as_slice(),
            head.head_time,
            head.checkpoint_seq,
            head.checkpoint_digest.as_slice(),
            head.checkpoint_time,
            head.begin_time,
            head.digest.as_slice(),
        )
    }};
}

/// Begins the chain, unless another node has.
///
/// # Errors
/// When the database cannot answer.
pub async fn add_head(tx: &mut Tx, head: &Head) -> Result<()> {
    write_head!(tx, ADD_HEAD, head).map(drop)
}

/// Changes where the chain begins and ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_head(tx: &mut Tx, head: &Head) -> Result<()> {
    write_head!(tx, SET_HEAD, head).map(drop)
}

/// So many entries that wait to be sealed, behind this one, by their ids.
///
/// # Errors
/// When the database cannot answer.
pub async fn unsealed(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<Chained>> {
    let text = conn.choose(UNSEALED_SQLITE, UNSEALED_POSTGRES);
    fetch_all!(conn, Chained, text, after, limit)
}

/// Seals entries; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn seal(tx: &mut Tx, seals: &[Seal]) -> Result<u64> {
    let given = serde_json::to_string(seals).map_err(Error::internal)?;
    let text = tx.choose(SEAL_SQLITE, SEAL_POSTGRES);
    execute!(tx, text, &given)
}

/// So many sealed entries behind a place in the chain.
///
/// # Errors
/// When the database cannot answer.
pub async fn sealed(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Chained>> {
    fetch_all!(conn, Chained, SEALED, after, limit)
}

/// The digest of the entry at a place in the chain.
///
/// # Errors
/// When the database cannot answer.
pub async fn digest_of(conn: &mut Conn, seq: i64) -> Result<Option<Vec<u8>>> {
    let row = fetch_optional!(conn, (Option<Vec<u8>>,), DIGEST_OF, seq)?;
    Ok(row.and_then(|(digest,)| digest))
}

/// Deletes sealed entries behind one place, up to another.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_sealed(tx: &mut Tx, after: i64, to: i64) -> Result<u64> {
    execute!(tx, DELETE_SEALED, after, to)
}

/// How many entries have this place, or one before it.
///
/// # Errors
/// When the database cannot answer.
pub async fn count_before(conn: &mut Conn, seq: i64) -> Result<i64> {
    Ok(fetch_optional!(conn, (i64,), COUNT_BEFORE, seq)?.map_or(0, |(count,)| count))
}

/// The last place that an entry has; 0 for none.
///
/// # Errors
/// When the database cannot answer.
pub async fn last(conn: &mut Conn) -> Result<i64> {
    Ok(fetch_optional!(conn, (i64,), LAST)?.map_or(0, |(seq,)| seq))
}

/// How many entries have no digest, and how many of those are from this time or later.
///
/// # Errors
/// When the database cannot answer.
pub async fn without_digest(conn: &mut Conn, since: Timestamp) -> Result<(i64, i64)> {
    Ok(fetch_optional!(conn, (i64, i64), WITHOUT_DIGEST, since)?.unwrap_or_default())
}
