//! Sealing: entries get their places in the chain, a batch at a time, after they were committed. No operation waits for it.
//!
//! An entry is written with a digest of its own, by its operation. Sealing takes entries that have no place yet, in the order of
//! their ids, checks that each is as it was written, and links it to the one before. An entry that becomes visible late, of a long
//! transaction or of a clock that is behind, is behind those that were sealed meanwhile; its time says when it was written.

use data_encoding::HEXLOWER;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::config::{Config, DatabaseUrl};
use crate::crypto::Keyring;
use crate::crypto::audit::AuditKeys;
use crate::domain::{Error, Result, SteadyClock};
use crate::ops::audit::chain::{begin, is_as_written, is_genuine, link, sign};
use crate::ops::audit::keys::{self, KnownAuditKeys};
use crate::ops::audit::seen::Memory;
use crate::store::audit::chain::{Chained, Head, Seal};
use crate::store::{self, Conn, Db, Tx};

/// How many entries one transaction seals: few enough that writers do not notice it.
const BATCH: i64 = 100;

/// What came of a batch.
enum Batch {
    /// There may be more behind this entry; so many were sealed.
    More(Uuid, u64),
    /// There are no more; so many were sealed.
    Last(u64),
    /// Another node is sealing.
    Busy,
}

/// What sealing needs.
#[derive(Debug)]
pub(in crate::ops) struct Sealing<'a> {
    pub db: &'a Db,
    pub keyring: &'a Keyring,
    pub keys: &'a KnownAuditKeys,
    pub clock: &'a SteadyClock,
    pub memory: Memory<'a>,
    /// Whether entries are chained at all.
    pub is_chained: bool,
}

impl Sealing<'_> {
    /// Seals all entries that are there; how many they were. Where another node is at it, the rest is left to that one.
    ///
    /// # Errors
    /// When the database cannot answer, or the end of the chain is not what was written.
    pub async fn seal_all(&self) -> Result<u64> {
        if !self.is_chained {
            return Ok(0);
        }
        let (mut total, mut after) = (0, Uuid::nil());
        loop {
            let start = Instant::now();
            match self.seal_batch(after).await? {
                Batch::Busy => return Ok(total),
                Batch::Last(count) => {
                    total += count;
                    break;
                }
                Batch::More(last, count) => {
                    total += count;
                    after = last;
                    // Writers come in between.
                    sleep(start.elapsed()).await;
                }
            }
        }
        let mut conn = self.db.read().await?;
        self.memory.note(&mut conn, &self.keys.get()).await?;
        Ok(total)
    }

    async fn seal_batch(&self, after: Uuid) -> Result<Batch> {
        // Most looks find nothing, and take no lock.
        let mut conn = self.db.read().await?;
        let waiting = store::audit::chain::unsealed(&mut conn, after, 1).await?;
        drop(conn);
        if waiting.is_empty() {
            return Ok(Batch::Last(0));
        }
        let mut tx = self.db.write().await?;
        let Some(mut head) = self.hold(&mut tx).await? else { return Ok(Batch::Busy) };
        let waiting = store::audit::chain::unsealed(&mut tx, after, BATCH).await?;
        let keys = self.keys_for(&mut tx, &waiting).await?;
        let key = keys.newest().ok_or_else(no_key)?;
        let mut seals = Vec::with_capacity(waiting.len());
        // What was not written by somebody with a key has no place, and the doctor says so.
        for entry in waiting.iter().filter(|entry| is_as_written(&keys, entry)) {
            head.head_seq += 1;
            head.head_digest = link(key, head.head_seq, &head.head_digest, entry);
            seals.push(Seal {
                audit_id: HEXLOWER.encode(entry.audit_id.as_bytes()),
                chain_seq: head.head_seq,
                chain_digest: HEXLOWER.encode(&head.head_digest),
            });
        }
        let count = seals.len() as u64;
        if count > 0 {
            if store::audit::chain::seal(&mut tx, &seals).await? != count {
                return Err(Error::internal("an entry of the audit was deleted while it was sealed"));
            }
            head.head_time = self.clock.now();
            sign(key, &mut head);
            store::audit::chain::set_head(&mut tx, &head).await?;
        }
        tx.commit().await?;
        let is_full = i64::try_from(waiting.len()).is_ok_and(|found| found == BATCH);
        Ok(match waiting.last() {
            Some(last) if is_full => Batch::More(last.audit_id, count),
            Some(_) | None => Batch::Last(count),
        })
    }

    /// The chain, held until the transaction ends, and begun if there is none; None while another node has it.
    ///
    /// # Errors
    /// When the database cannot answer, or it is not what was written.
    pub async fn hold(&self, tx: &mut Tx) -> Result<Option<Head>> {
        let mut held = store::audit::chain::hold(tx).await?;
        if held.is_none() {
            if store::audit::chain::head(tx).await?.is_some() {
                return Ok(None);
            }
            let keys = self.keys.get();
            let head = begin(keys.newest().ok_or_else(no_key)?, self.clock.now());
            store::audit::chain::add_head(tx, &head).await?;
            held = store::audit::chain::hold(tx).await?;
        }
        let Some(head) = held else { return Ok(None) };
        if is_genuine(&self.keys.get(), &head) || is_genuine(&self.read_keys(tx).await?, &head) {
            return Ok(Some(head));
        }
        Err(Error::internal(
            "the end of the audit's chain is not what was written: run zato-sso doctor --audit",
        ))
    }

    /// The keys that these entries were written with, read again if one is not known.
    async fn keys_for(&self, tx: &mut Tx, entries: &[Chained]) -> Result<AuditKeys> {
        let keys = self.keys.get();
        let is_known =
            |entry: &Chained| keys.of_digest(entry.chain_digest.as_deref().unwrap_or_default()).is_some();
        if entries.iter().all(is_known) { Ok(keys) } else { self.read_keys(tx).await }
    }

    /// Reads the keys that other nodes may have added.
    ///
    /// # Errors
    /// When the database cannot answer, or a key does not open.
    pub async fn read_keys(&self, conn: &mut Conn) -> Result<AuditKeys> {
        let keys = keys::read(conn, self.keyring).await?;
        self.keys.set(keys.clone());
        Ok(keys)
    }
}

/// Whether entries are chained with this configuration: not where they are not kept, or end with the process.
pub(in crate::ops) fn is_chained(config: &Config) -> bool {
    config.audit.to_database && !matches!(config.database.url, DatabaseUrl::SqliteMemory)
}

pub(in crate::ops) fn no_key() -> Error {
    Error::internal("there is no key of the audit")
}
